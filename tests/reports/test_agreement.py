"""The same numbers stand in every format: exact ones in JSON and CSV, the same cells for people's eyes."""

from __future__ import annotations

import csv
import io
import json
import re
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser

import jsonschema
import pytest

from llmcost.reports import REPORTS, Options
from llmcost.results.chart import Waterfall
from llmcost.results.document import Document
from llmcost.results.model import Result
from llmcost.results.outcome import outcome
from llmcost.results.present import shown_steps
from llmcost.results.schemas import schema
from tests.reports import sample_result

SAMPLES = ("rich", "empty", "no_times", "large", "hostile")


def _render(format_: str, result: Result, width: int = 100) -> str:
    return REPORTS.load(format_).render(outcome(result), Options(width=width)).decode()


def _document(result: Result) -> Document:
    return outcome(result).document(10, "")


class _Tables(HTMLParser):
    """Rows of every table of a page, by the table's id."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows = self.tables.setdefault(str(dict(attrs)["id"]), [])
        if tag == "tr":
            self._rows.append([])
        if tag in {"th", "td"}:
            self._rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"th", "td"}:
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self._rows[-1][-1] += data


def _expected(doc: Document) -> dict[str, list[list[str]]]:
    tables = {}
    for table in doc.tables():
        rows = [[column.title for column in table.columns], *([cell.text for cell in row] for row in table.rows)]
        if table.total:
            rows.append([cell.text for cell in table.total])
        tables[table.key] = rows if table.rows else []
    return tables


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_page_shows_the_cells(sample: str) -> None:
    result = getattr(sample_result, sample)()
    parser = _Tables()
    parser.feed(_render("html", result))
    expected = _expected(_document(result))
    for key, rows in parser.tables.items():
        assert rows == expected[key.removeprefix("t-")]
    shown = {key.removeprefix("t-") for key in parser.tables}
    assert {key for key, rows in expected.items() if rows} == shown, "every table with rows is on the page"


@pytest.mark.parametrize("sample", SAMPLES)
def test_markdown_shows_the_cells(sample: str) -> None:
    result = getattr(sample_result, sample)()
    rows = [_markdown_cells(line) for line in _render("markdown", result).splitlines() if line.startswith("| ")]
    for key, table in _expected(_document(result)).items():
        if key == "days":
            continue
        for row in table:
            assert [_squeezed(cell) for cell in row] in rows


def _markdown_cells(line: str) -> list[str]:
    cells = re.split(r"(?<!\\)\|", line)[1:-1]
    return [
        _squeezed(re.sub(r"\\(.)", r"\1", unescape(_not_bold(cell.strip())).replace("\u200b", ""))) for cell in cells
    ]


def _not_bold(cell: str) -> str:
    return cell[2:-2] if cell.startswith("**") and cell.endswith("**") else cell


def _squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
@pytest.mark.parametrize("sample", SAMPLES)
def test_the_terminal_shows_the_cells_and_keeps_its_width(sample: str, width: int) -> None:
    result = getattr(sample_result, sample)()
    text = _render("terminal", result, width)
    assert max(len(line) for line in text.splitlines()) <= width
    words = set(re.sub(r"[│─]", " ", text).split())
    for key, rows in _expected(_document(result)).items():
        if key == "days":
            continue
        for row in rows[1:]:
            money = [word for cell in row[1:2] for word in cell.split() if word.startswith(("$", "-$", "<$"))]
            assert set(money) <= words, f"{key} at {width} columns"


@pytest.mark.parametrize("sample", SAMPLES)
def test_json_is_the_result_and_follows_its_schema(sample: str) -> None:
    result = getattr(sample_result, sample)()
    text = _render("json", result)
    assert Result.model_validate_json(text) == result
    jsonschema.validate(json.loads(text), schema("result"))
    assert text == _render("json", Result.model_validate_json(text)), "the same result has the same bytes"


@pytest.mark.parametrize("sample", SAMPLES)
def test_csv_holds_the_exact_amounts(sample: str) -> None:
    result: Result = getattr(sample_result, sample)()
    rows = list(csv.DictReader(io.StringIO(_render("csv", result))))
    cost = [row["value"] for row in rows if (row["section"], row["metric"]) == ("baseline", "cost")]
    assert [Decimal(value) for value in cost] == [result.baseline.cost_usd]
    pieces = [row["value"] for row in rows if (row["section"], row["metric"]) == ("baseline_breakdown", "cost")]
    assert [_exact(value) for value in pieces] == [line.cost_usd for line in result.baseline.breakdown]
    steps = [row["value"] for row in rows if (row["section"], row["metric"]) == ("steps", "saving")]
    assert [Decimal(value) for value in steps] == [step.saving_usd for s in result.scenarios for step in s.steps]
    days = [row["value"] for row in rows if (row["section"], row["metric"]) == ("baseline_series", "cost")]
    assert [Decimal(value) for value in days] == [point.cost_usd for point in result.baseline.series]


def _exact(value: str) -> Decimal | None:
    return None if value == "unknown" else Decimal(value)


@pytest.mark.parametrize("sample", SAMPLES)
def test_what_is_shown_sums(sample: str) -> None:
    """Steps to the saving, evidence to the step, and each breakdown's lines to its total, in the cents on the page."""
    result: Result = getattr(sample_result, sample)()
    doc = _document(result)
    waterfalls = [chart for chart in doc.charts() if isinstance(chart, Waterfall)]
    for scenario, waterfall in zip(result.scenarios, waterfalls, strict=True):
        shown = shown_steps(scenario, 2)
        assert sum(step.saving for step in shown) == waterfall.bars[0].end - waterfall.bars[-1].end
        for step in shown:
            assert sum(step.evidence) == step.saving
    for table in doc.tables():
        summing = table.key.startswith("by-") or table.key in {"days", "token-classes"}
        if summing and table.total and table.total[1].text != "unknown":
            assert sum(_amount(row[1].text) for row in table.rows) == _amount(table.total[1].text)


def _amount(text: str) -> Decimal:
    """The amount shown; one that was rounded away or is unknown adds nothing."""
    return Decimal(0) if text == "unknown" or text.startswith(("<", ">")) else Decimal(re.sub(r"[$,]", "", text))


def test_unknown_is_never_zero() -> None:
    result = sample_result.no_times()
    for format_ in ("terminal", "markdown", "html", "csv"):
        page = _render(format_, result)
        assert "unknown" in page
        assert "$0.00 " not in page, "sub-cent spend is shown with its digits"
    assert '"monthly_cost_usd": null' in _render("json", result)
