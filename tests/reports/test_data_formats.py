"""Workbook, Parquet and PDF: the same numbers as everywhere, as numbers, and nothing that acts."""

from __future__ import annotations

import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from llmcost.errors import UsageError
from llmcost.money import plain
from llmcost.reports import REPORTS, Options
from llmcost.reports._xlsx.charts import SHEET, ChartSheet
from llmcost.reports._xlsx.values import Formats, number_format
from llmcost.reports.pdf import VARIABLE, browser
from llmcost.results.chart import Bars, Chart, Line, Lines, Point, Series
from llmcost.results.document import Cell, Section, Table
from llmcost.results.outcome import LongForm, Outcome, outcome
from llmcost.results.present import clean
from tests.reports import sample_reconciliation, sample_result
from tests.reports.sample_document import everything

SAMPLES = ("rich", "empty", "no_times", "large", "hostile")


def _outcome(sample: str) -> Outcome:
    return outcome(getattr(sample_result, sample)())


def _book(found: Outcome) -> Any:
    return openpyxl.load_workbook(io.BytesIO(REPORTS.load("xlsx").render(found, Options())))


def _shown(value: Any, form: str) -> str:
    """What a spreadsheet shows of a number under one of our formats."""
    places = len(form.split(";", maxsplit=1)[0].partition(".")[2].rstrip("%"))
    scaled = Decimal(value).scaleb(2) if "%" in form else Decimal(value)
    rounded = f"{abs(scaled):,.{places}f}"
    sign = "-" if value < 0 and re.search(r"[1-9]", rounded) else "+" if form.startswith("+") else ""
    return f"{sign}{'$' if '$' in form else ''}{rounded}{'%' if '%' in form else ''}"


def _sheets(found: Outcome) -> dict[str, Section]:
    return {(s.short or s.title)[:31]: s for s in found.document(10, "").sections}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sheet_shows_the_cells_of_its_section(sample: str) -> None:
    found = _outcome(sample)
    book = _book(found)
    for name, section in _sheets(found).items():
        rows = [list(row) for row in book[name].iter_rows()]
        for table in section.tables():
            _check_table(table, rows)


def _check_table(table: Table, rows: list[list[Any]]) -> None:
    titles = [column.title for column in table.columns]
    lines = [*table.rows, *([table.total] if table.total else [])]
    starts = [n for n, row in enumerate(rows) if [cell.value or "" for cell in row[: len(titles)]] == titles]
    assert starts or not table.rows, table.key
    same = [
        at
        for at in starts
        if all(
            _same(cell, there)
            for line, row in zip(lines, rows[at + 1 :], strict=False)
            for cell, there in zip(line, row, strict=False)
        )
    ]
    assert same or not table.rows, f"{table.key} is not on its sheet"


def _same(cell: Cell, there: Any) -> bool:
    if isinstance(there.value, int | float) and not isinstance(there.value, bool):
        shown = _shown(there.value, there.number_format)
        exact = isinstance(cell.value, Decimal | int) and _digits(cell.value) == _digits(there.value)
        return exact and (shown == cell.text or _near(shown, cell.text))
    if there.is_date:
        return bool(there.value.date().isoformat() == cell.text)
    return (there.value or "") == clean(cell.text)


def _digits(value: Decimal | float) -> str:
    """The 15 digits that spreadsheets keep."""
    return f"{float(value):.15g}"


def _near(shown: str, text: str) -> bool:
    """Whether a text was rounded so that its column sums, or says that it is smaller or larger than can be shown."""
    if text.startswith(("<", ">", "-<", "-$0", "$0")) or text.lstrip("+-").startswith(("<", ">")):
        return True
    a, b = (Decimal(re.sub(r"[$,%+]", "", each)) for each in (shown, text))
    return abs(a - b) <= Decimal(1).scaleb(int(b.as_tuple().exponent))


def test_the_check_of_the_sheets_can_fail() -> None:
    found = _outcome("rich")
    section = next(s for s in found.document(10, "").sections if any(t.rows for t in s.tables()))
    table = next(t for t in section.tables() if t.rows)
    rows = [list(row) for row in _book(found)[(section.short or section.title)[:31]].iter_rows()]
    other = Table(table.key, table.title, table.columns, ((Cell("no such row"), *table.rows[0][1:]), *table.rows[1:]))
    with pytest.raises(AssertionError):
        _check_table(other, rows)


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_long_sheet_holds_every_value(sample: str) -> None:
    found = _outcome(sample)
    form = found.long_form()
    sheet = _book(found)["Data"]
    head, *lines = sheet.iter_rows(values_only=True)
    assert head == (*form.header, "text", "exact")
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref
    for row, line in zip(form.rows, lines, strict=True):
        told, value = dict(zip(head, line, strict=True)), row.get("value")
        if value is None:
            assert (told["value"], told["text"], told["exact"]) == (None, None, None), "unknown is never zero"
        elif isinstance(value, str):
            assert (told["text"] or "") == clean(value)
        else:
            assert Decimal(told["exact"]) == value
            assert told["value"] is None or _digits(told["value"]) == _digits(value)
        for key in set(form.header) - {"value"}:
            if isinstance(label := row.get(key, ""), str):
                assert (told[key] or "") == clean(label)


@pytest.mark.parametrize("sample", SAMPLES)
def test_parquet_holds_every_value_exactly(sample: str) -> None:
    found = _outcome(sample)
    table = pq.read_table(io.BytesIO(REPORTS.load("parquet").render(found, Options())))
    form = found.long_form()
    assert set(table.column_names) == {*form.header, "text", "exact"}
    for row, told in zip(form.rows, table.to_pylist(), strict=True):
        value = row.get("value")
        if value is None or isinstance(value, str):
            assert (told["value"], told["exact"]) == (None, None)
            assert told["text"] == (None if value is None else clean(value))
        else:
            assert (told["value"] if told["exact"] is None else Decimal(told["exact"])) == value


def test_a_value_finer_than_the_decimal_keeps_its_digits() -> None:
    fine, huge = Decimal("1.0000000000000000000000001"), Decimal(10) ** 30
    form = LongForm(("name", "value"), ({"name": "a", "value": fine}, {"name": "b", "value": huge}))
    found = Outcome(sample_result.empty(), everything().document, lambda: form)
    rows = pq.read_table(io.BytesIO(REPORTS.load("parquet").render(found, Options()))).to_pylist()
    assert [row["exact"] for row in rows] == [plain(fine), plain(huge)]
    assert rows[0]["value"] == 1
    assert rows[1]["value"] is None


@pytest.mark.parametrize("found", [_outcome("hostile"), outcome(sample_reconciliation.hostile()), everything()])
def test_a_workbook_has_no_formula_and_no_link(found: Outcome) -> None:
    data = REPORTS.load("xlsx").render(found, Options())
    assert data == REPORTS.load("xlsx").render(found, Options()), "the same outcome has the same bytes"
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        names = parts.namelist()
        sheets = [parts.read(name).decode() for name in names if name.startswith("xl/worksheets/sheet")]
        charts = [parts.read(name).decode() for name in names if name.startswith("xl/charts/chart")]
        links = [parts.read(name).decode() for name in names if name.endswith(".rels")]
    assert not any("external" in name.lower() or "vba" in name.lower() for name in names)
    assert not any('TargetMode="External"' in text for text in links)
    for text in sheets:
        assert not re.search(r"<f[ >]|hyperlink", text)
    references = {ref for text in charts for ref in re.findall(r"<c:f>(.*?)</c:f>", text)}
    assert all(re.fullmatch(r"'Chart data'!\$[A-Z]+\$\d+(:\$[A-Z]+\$\d+)?", ref) for ref in references)


def test_every_chart_is_drawn() -> None:
    sheet = _book(everything())["Charts"]
    kinds = sorted(type(chart).__name__ for chart in sheet._charts)
    assert kinds == ["BarChart", "BarChart", "BarChart", "ScatterChart", "ScatterChart"]
    assert sheet.conditional_formatting, "a heat map is coloured cells"
    waterfalls = _book(_outcome("rich"))["Scenarios"]._charts
    assert len(waterfalls) == 3
    assert all(len(chart.series) == 4 for chart in waterfalls)


def _chart_xml(chart: Chart) -> str:
    """The only chart of a workbook, as it is written."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data) as workbook:
        sheet = workbook.add_worksheet(SHEET)
        made = ChartSheet(workbook, sheet, Formats(workbook)).make(chart)
        sheet.insert_chart("A1", made)
    with zipfile.ZipFile(data) as packed:
        return packed.read("xl/charts/chart1.xml").decode()


def test_bars_of_a_workbook_begin_where_the_base_is() -> None:
    ends = (Series("low", (Decimal(3), Decimal(4)), ("", "")), Series("high", (Decimal(9), Decimal(8)), ("", "")))
    based = _chart_xml(Bars("k", "l", ("a", "b"), ends, base=Decimal("5.5"), base_name="as it is"))
    names = re.search(r"<c:catAx>.*</c:catAx>", based)
    assert names is not None
    assert '<c:crossesAt val="5.5"/>' in names[0], "the axis of the names crosses the values there"
    assert '<c:tickLblPos val="low"/>' in names[0]
    assert '<c:overlap val="100"/>' in based
    assert "crossesAt" not in _chart_xml(Bars("k", "l", ("a", "b"), ends))


def test_a_chart_of_hours_names_them() -> None:
    def line(last: str) -> str:
        points = (Point("2026-11-16T18:00:00Z", Decimal(1), ""), Point(last, Decimal(2), ""))
        return _chart_xml(Lines("k", "l", "", (Line("demand", points),), x_unit="date"))

    assert 'formatCode="hh:mm, d mmm"' in line("2026-11-16T20:00:00Z")
    assert 'formatCode="yyyy-mm-dd"' in line("2026-11-20T20:00:00Z")


@pytest.mark.parametrize(
    ("text", "unit", "form"),
    [
        ("$1,234.50", "USD", "$#,##0.00;-$#,##0.00"),
        ("-$0.000123", "USD", "$#,##0.000000;-$#,##0.000000"),
        ("+12.5%", "share", "+#,##0.0%;-#,##0.0%;#,##0.0%"),
        ("1,234", "requests", "#,##0;-#,##0"),
    ],
)
def test_formats_show_what_texts_show(text: str, unit: str, form: str) -> None:
    assert number_format(text, unit) == form


def test_without_a_browser_the_reason_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("llmcost.reports.pdf._APPLICATIONS", ())
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(UsageError, match="printed by a browser"):
        browser()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(UsageError, match="is no program"):
        browser()


def test_a_browser_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\necho no display here >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(program))
    with pytest.raises(UsageError, match="printed nothing") as caught:
        REPORTS.load("pdf").render(_outcome("empty"), Options())
    assert "no display here" in str(caught.value)


def test_a_pdf_shows_the_numbers() -> None:
    pypdf = pytest.importorskip("pypdf")
    try:
        browser()
    except UsageError as missing:
        pytest.skip(str(missing))
    found = _outcome("rich")
    data = REPORTS.load("pdf").render(found, Options())
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    text = re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))
    document = found.document(10, "")
    for figure in document.figures:
        assert re.sub(r"\s+", "", figure.value) in text
    money = [
        c.text for t in document.tables() if not t.folded and not t.long for r in t.rows for c in r[1:] if "$" in c.text
    ]
    assert len(money) > 20
    assert not [amount for amount in money if re.sub(r"\s+", "", amount) not in text]
