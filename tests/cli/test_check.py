"""The gate from the command line: situations with their exit codes, verdicts and findings (tests/cases/check).

The comment of every situation is a golden file, for five of them every format is (tests/golden/check).
"""

from __future__ import annotations

import json
import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmcost import api
from llmcost.errors import UsageError
from llmcost.reports import REPORTS, Options
from llmcost.results.budget.check_model import Basis, Check
from llmcost.results.budget.projection import Projection
from llmcost.results.outcome import outcome
from tests.cli.support import Program
from tests.support import ROOT, Golden, without_library

FILES = sorted((ROOT / "tests" / "cases" / "check").glob("*.yaml"))
ALWAYS = {"provider_name": "openai", "request_model": "gpt-4o", "output_tokens": 0, "input_tokens": 40_000}
"""0.10 USD a call: gpt-4o is 2.50 USD a million tokens of input."""
GOLDEN_FORMATS = (
    "annotations", "csv", "discord", "github-comment", "gitlab-comment", "html", "json", "junit", "line", "markdown",
    "slack", "teams", "terminal",
)  # fmt: skip


def _cases() -> list[Any]:
    found = []
    for path in FILES:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        found += [pytest.param(case, id=case["case"]) for case in document["cases"]]
    return found


def _log(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Rows of a log: ``days`` repeats a row at the same hour of so many days, ``a day`` so many times each."""
    number = 0
    with (folder / "log.jsonl").open("w") as file:
        for given in rows:
            row = {**ALWAYS, **given}
            days, each, first = row.pop("days", 1), row.pop("a day", 1), row.pop("from", 1)
            for day in range(first, first + days):
                for _ in range(each):
                    number += 1
                    stamp = {"started_at": f"2026-09-{day:02d}T{number % 24:02d}:30:00Z"}
                    file.write(json.dumps({"request_id": f"r{number}", **stamp, **row}) + "\n")


@pytest.mark.parametrize("case", _cases())
def test_a_situation_has_its_exit_code_and_comment(case: dict[str, Any], llmcost: Program, golden: Golden) -> None:
    for name, text in {"budget.toml": case["budget"], **case.get("files", {})}.items():
        (llmcost.folder / name).write_text(text)
    if "log" in case:
        _log(llmcost.folder, case["log"])
    span = [
        "--month-days",
        "30",
        *(["--since", "2026-09-01", "--until", "2026-10-01"] if case.get("month", True) else []),
    ]
    if "base" in case:
        made = [case.get("base by", "check"), "log.jsonl", "-q", *span, *shlex.split(case["base"]), "-f", "json"]
        base = llmcost(*made, code=case.get("base exit", 0))
        (llmcost.folder / "base.json").write_text(base.out)
    arguments = ["check", "log.jsonl", "-q", *span, *shlex.split(case.get("run", ""))]
    ran = llmcost(*arguments, "-f", "json", code=case["exit"])
    if "error" in case:
        assert case["error"] in ran.err
    if "verdict" not in case:
        assert not ran.out
        return
    assert ran.json["verdict"] == case["verdict"]
    for wanted in case.get("findings", []):
        found = next(
            f
            for f in ran.json["findings"]
            if f["limit"] == wanted["limit"] and f["owner"] == wanted.get("owner", f["owner"])
        )
        for key, value in wanted.items():
            exact = value is not None and key in {"before", "after", "value", "warn", "block"}
            assert (Decimal(found[key]) if exact else found[key]) == (Decimal(str(value)) if exact else value), (
                key,
                found,
            )
    for text in case.get("warnings", []):
        assert text in ran.json["warnings"]
    line = REPORTS.load("line").render(outcome(Check.model_validate_json(ran.out)), Options())
    assert line.decode() == case["comment"] + "\n"
    _held(golden, case, ran.out)


def _held(golden: Golden, case: dict[str, Any], printed: str) -> None:
    """The situation's comment, and other formats where the case asks for them, as committed."""
    found = Check.model_validate_json(printed)
    # What changes with every price file and release is checked where it lives.
    found = found.model_copy(
        update={
            "generated_with": "llmcost 1",
            "prices": found.prices.model_copy(update={"catalogue_sha256": "0" * 64}),
        }
    )
    stem = re.sub(r"[^a-z0-9]+", "-", case["case"].lower()).strip("-")
    for name in GOLDEN_FORMATS if case.get("all formats") else ("github-comment",):
        report = REPORTS.load(name)
        page = report.render(outcome(found), Options(width=100, tag="check"))
        if found.after_usd is not None and name != "json":
            assert found.basis.kind in page.decode(), "every format says what the projection stands on"
        golden.check(f"check/{stem}{report.suffix}", _content(page))


def _content(page: bytes) -> bytes:
    """The page without its scripts and styles, which are those of every page; data that it embeds stays."""
    page = re.sub(rb"<script>.*?</script>|<style>.*?</style>", b"", without_library(page), flags=re.DOTALL)
    return re.sub(rb"<meta http-equiv[^>]*>", b"", page)


def test_every_text_format_is_held() -> None:
    """A new format must be in the list, or be one that cannot be compared byte by byte with sense."""
    assert set(GOLDEN_FORMATS) == {name for name, report in REPORTS if not report.binary}


def test_the_python_interface_tells_saved_files_apart(tmp_path: Path) -> None:
    for text, why in (("[1]", "a verdict and findings"), ("{", "no JSON"), ('{"verdict": 1, "findings": []}', "kind")):
        path = tmp_path / "base.json"
        path.write_text(text)
        with pytest.raises(UsageError) as caught:
            api.load_base(path)
        assert why in str(caught.value) or "this is no check" in str(caught.value)


def test_a_factor_of_growth_moves_neither_verdicts_of_before_nor_flat_charges() -> None:
    """What no request causes is a month's at the log's pace, whatever the traffic does."""
    found = Projection(Basis(kind="forecast"), pace=Decimal(2), before=Decimal("1.5"), after=Decimal(3))
    assert found.month(Decimal(10), found.after, Decimal(5)) == (10 * 3 + 5) * 2
    assert found.month(Decimal(10), found.before) == 30
