"""Every hostile name in every column of a log, through every question and every format: one judge for each format.

The log is read like any other, so ingest, engine, results and formats are all on the way; a format without a judge fails.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import openpyxl
import pyarrow.parquet as pq
import pytest

from llmcost import ForecastOptions, api
from llmcost.reports import REPORTS, Options
from llmcost.results.options import ReplayOptions
from llmcost.results.outcome import Model
from tests.reports.sample_parts import HOSTILE
from tests.reports.test_hostile import TAGS

NAMES = (
    *HOSTILE,
    "::error::x\n::set-output name=a::b",
    "--> <img src=x>",
    "]]> & ```",
    "../../../etc/passwd",
    "C:\\Windows\\system32",
    "<!channel> @here <@U123> [x](javascript:alert(1))",
    "100% :a, b",
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\uff1d1+1",
    "[Sheet1]:*?/\\",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31m\x07\x08\x00",
    "\u202egnp.exe\u2066",
    "| a | b |\n|---|---|",
    "'; DROP TABLE usage; --",
    "{{constructor}} ${7*7} <%= 1 %>",
    "~~x~~ **b** `c` # h",
    "'" * 3 + "=1",
    "NULL",
    " ",
    "a" * 300,
)  # fmt: skip
_ACTING = {"Cc", "Cf", "Zl", "Zp", "Cs"}
_COLUMNS = (
    "team", "project", "feature", "user_id", "environment", "organization", "api_key_id", "conversation_id", "task_type", "region",
)  # fmt: skip
BUDGETS = """
[[budget]]
name = "teams <b>=1</b>"
usd = 0.00001
for = { team = "*" }
[[budget]]
name = "a day `x`"
usd = 0.00001
per = "day"
for = { user = "*" }
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call a day of every name, which stands in every column that takes one, tags and unpriced models among them."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = []
    for number, name in enumerate(NAMES):
        for day in range(20):
            at = datetime(2026, 10, 1, 12, tzinfo=UTC) + timedelta(days=day)
            strange = day == 19
            rows.append(
                {
                    "request_id": f"{number}-{day}", "started_at": at.isoformat(), "provider_name": "openai",
                    "request_model": name if strange else "gpt-4o", "input_tokens": 1000 + number, "output_tokens": 50, "billed_cost": "0.01",
                    "tags": {name or "x": name, "cost": name}, **dict.fromkeys(_COLUMNS, name),
                }
            )  # fmt: skip
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "budget.toml").write_text(BUDGETS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def outcomes(log: Path) -> dict[str, Model]:
    """What every question makes of the log."""
    options = ReplayOptions(now=1_795_000_000_000_000, dimensions=("team", "user_id"), title=NAMES[0])
    budget = log.parent / "budget.toml"
    simulation = api.simulate(log, scenarios=api.scenarios_of([], ["batch"]), options=options)
    return {
        "simulation": simulation,
        "comparison": api.compare(simulation, simulation),
        "monthly": api.report(log, month="2026-10", tags=["cost"], budget_file=budget, scenarios=[], options=options),
        "forecast": api.forecast(
            log, wanted=ForecastOptions(by="team", method="run-rate"), budget_file=budget, options=options
        ),
        "check": api.check(log, budget=budget, options=options, basis="run-rate"),
        "budget": api.budget_status(log, budget=budget, options=options),
        "reconciliation": api.reconcile(log, options=options),
    }


def _calm(text: str) -> None:
    acting = {hex(ord(c)) for c in text if unicodedata.category(c) in _ACTING and c not in "\n\u200d"}
    assert not acting


def _markdown(page: bytes) -> None:
    text = page.decode()
    _calm(text)
    own = {"<br>", "<sub>", "</sub>", "<details>", "</details>", "<summary>", "</summary>"}
    mark, _, rest = text.partition("\n")
    body = rest if re.fullmatch(r"<!-- llmcost:[A-Za-z0-9_.-]+ -->", mark) else text
    assert set(re.findall(r"<[^>]*>", body)) <= own
    assert not re.search(r"https?://|(?<!\\)`|@here|@everyone|[^\\\]]\]\(", text)
    for table in re.findall(r"(?:^\| .*\|\n)+", text, flags=re.MULTILINE):
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _html(page: bytes) -> None:
    text = page.decode()
    parser = _Elements()
    parser.feed(text)
    assert {tag for tag, _ in parser.found} <= TAGS | {
        "button",
        "input",
        "label",
        "select",
        "option",
        "output",
        "form",
        "fieldset",
        "legend",
        "span",
    }
    for _, attrs in parser.found:
        assert not any(key.startswith("on") for key in attrs)
        assert "src" not in attrs
        assert str(attrs.get("href", "#")).startswith(("#", "data:,"))
    assert not re.search(r"<img|alert\(1\)>", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))
    _calm(re.sub(r"<script>/\*\*\n\* plotly.*?</script>", "", text, flags=re.DOTALL))


def _csv(page: bytes) -> None:
    _calm(page.decode().replace("\r", ""))
    for row in csv.reader(io.StringIO(page.decode())):
        for cell in row:
            formula = cell.lstrip(" ").startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t"))
            assert not formula or re.fullmatch(r"-?\d+(\.\d+)?", cell), cell


def _json(page: bytes) -> None:
    json.loads(page)
    _calm(page.decode())


def _junit(page: bytes) -> None:
    root = ET.fromstring(page)  # noqa: S314 - our own bytes
    allowed = {"testsuites", "testsuite", "testcase", "failure", "skipped", "system-out"}
    assert {element.tag for element in root.iter()} <= allowed
    _calm(page.decode())


def _annotations(page: bytes) -> None:
    for line in page.decode().splitlines():
        assert re.fullmatch(r"::(error|warning|notice)(?: (?:(?:file|title)=[^,:]*,?)+)?::.*", line), line
    _calm(page.decode())


def _one_line(page: bytes) -> None:
    assert page.count(b"\n") == 1
    _calm(page.decode())


def _slack(page: bytes) -> None:
    found = json.loads(page)
    assert "<" not in found["text"]
    texts = [part for block in found["blocks"] for part in (block.get("text"), *block.get("fields", [])) if part]
    assert {part["type"] for part in texts} == {"plain_text"}
    _calm(page.decode())


def _teams(page: bytes) -> None:
    body = json.loads(page)["attachments"][0]["content"]["body"]
    assert {part["type"] for part in body} == {"RichTextBlock"}
    assert {run["type"] for part in body for run in part["inlines"]} == {"TextRun"}
    _calm(page.decode())


def _discord(page: bytes) -> None:
    found = json.loads(page)
    assert found["allowed_mentions"] == {"parse": []}
    assert all(embed["description"].count("```") == 2 for embed in found["embeds"])
    _calm(page.decode())


def _xlsx(page: bytes) -> None:
    book = openpyxl.load_workbook(io.BytesIO(page))
    for sheet in book:
        assert re.fullmatch(r"[^\[\]:*?/\\]{1,31}", sheet.title)
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", cell.value
                assert cell.hyperlink is None
                if isinstance(cell.value, str):
                    _calm(cell.value.replace("\r", ""))
    with zipfile.ZipFile(io.BytesIO(page)) as parts:
        for name in parts.namelist():
            assert not name.startswith(("/", ".."))
            if name.endswith((".xml", ".rels")):
                root = ET.fromstring(parts.read(name))  # noqa: S314 - our own bytes
                assert not any(e.attrib.get("TargetMode") == "External" for e in root.iter())
                if "/charts/" in name:
                    _calm("".join(root.itertext()))
                if "/worksheets/" in name:
                    assert not any(element.tag.endswith("}f") for element in root.iter())


def _parquet(page: bytes) -> None:
    for row in pq.read_table(io.BytesIO(page)).to_pylist():
        for value in row.values():
            if isinstance(value, str):
                _calm(value)


def _terminal(page: bytes) -> None:
    _calm(page.decode())


JUDGES: dict[str, Callable[[bytes], None]] = {
    "annotations": _annotations, "csv": _csv, "discord": _discord, "github-comment": _markdown, "gitlab-comment": _markdown,
    "html": _html, "json": _json, "junit": _junit, "line": _one_line, "markdown": _markdown, "parquet": _parquet,
    "slack": _slack, "teams": _teams, "terminal": _terminal, "xlsx": _xlsx,
}  # fmt: skip
PRINTED = {"pdf"}
"""Chromium's print of the page that is judged as html."""


def test_every_format_has_a_judge() -> None:
    assert set(JUDGES) | PRINTED == set(REPORTS.names())


@pytest.mark.parametrize("format_", sorted(JUDGES))
def test_nothing_acts_in_any_format(format_: str, outcomes: dict[str, Model]) -> None:
    for kind, model in outcomes.items():
        page = api.render(model, format_, Options(top_n=100, title=NAMES[1], tag=NAMES[9]))
        try:
            JUDGES[format_](page)
        except AssertionError as error:
            raise AssertionError(f"{kind} as {format_}: {str(error)[:600]}") from error


@pytest.mark.parametrize("suffix", ["csv", "csv.zst", "parquet"])
def test_nothing_acts_in_a_focus_file(suffix: str, log: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / f"focus.{suffix}"
    api.export_focus(out, log, options=ReplayOptions(now=1_795_000_000_000_000))
    assert [path.name for path in folder.iterdir()] == [out.name], "no name became a path"
    if suffix == "csv":
        _csv(out.read_bytes())
    if suffix == "parquet":
        _parquet(out.read_bytes())


def test_usage_rows_are_exported_without_formulas(log: Path, tmp_path: Path) -> None:
    from llmcost.usage.export import export_rows
    from llmcost.usage.store import Store

    with Store(None) as store:
        api.ingest_files(store, log)
        assert int(store.value("SELECT count(*) FROM usage")) == len(NAMES) * 20
        export_rows(store, tmp_path / "rows.csv", "csv")
    for row in csv.reader(io.StringIO((tmp_path / "rows.csv").read_text(encoding="utf-8"))):
        running = [cell for cell in row if cell.lstrip(" ").startswith(("=", "+", "@", "\uff1d"))]
        assert not running
