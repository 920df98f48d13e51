"""The report as a workbook: a sheet a section with real numbers and native charts, and one long sheet for pivots.

Numbers are exact values (as exact as a spreadsheet's 15 digits) under formats that show what every other report shows.
No cell is a formula and nothing is linked. The same outcome gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from llmcost.money import plain
from llmcost.reports import Options, Report
from llmcost.reports._xlsx.charts import SHEET, ChartSheet, heat_rows
from llmcost.reports._xlsx.values import Formats, is_number, write_cell, write_text
from llmcost.results.chart import Chart, HeatMap
from llmcost.results.document import Block, Cell, Column, Document, Notes, Section, Table, Text
from llmcost.results.outcome import LongForm, Outcome
from llmcost.results.present import clean

_HEAD: Final = {"bold": True, "bg_color": "#E5E7EB", "bottom": 1}
_CHART_ROWS: Final = 18
_DATA: Final = "Data"
_WIDEST: Final = 60


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as a workbook."""
    import xlsxwriter

    sink = io.BytesIO()
    workbook = xlsxwriter.Workbook(sink, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "yyyy-mm-dd"})  # fmt: skip
    document = outcome.document(options.top_n, options.title)
    # A workbook says when it was made; a report has no clock.
    workbook.set_properties({"title": clean(document.title)[:250], "created": datetime(2000, 1, 1, tzinfo=UTC)})
    _Book(workbook, Formats(workbook)).write(document, outcome.long_form())
    workbook.close()
    return sink.getvalue()


class _Book:
    """The workbook while it is written, row after row: what is behind is out of memory."""

    def __init__(self, workbook: Any, formats: Formats) -> None:
        self.workbook, self.formats = workbook, formats
        self.names = {SHEET.lower(), _DATA.lower(), "history"}
        self.charts: ChartSheet | None = None

    def write(self, document: Document, form: LongForm) -> None:
        self._front(document)
        sheets = [(section, self._sheet(section.short or section.title)) for section in document.sections]
        data = self.workbook.add_worksheet(_DATA)
        if any(not isinstance(chart, HeatMap) for chart in document.charts()):
            self.charts = ChartSheet(self.workbook, self.workbook.add_worksheet(SHEET), self.formats)
        for section, sheet in sheets:
            _Page(self, sheet).section(section)
        _long(data, form, self.formats)

    def _sheet(self, title: str) -> Any:
        """A new sheet under a name that spreadsheets allow and that is not taken."""
        base = re.sub(r"[\[\]:*?/\\']", " ", clean(title)).strip()[:31] or "Sheet"
        name, number = base, 2
        while name.lower() in self.names:
            name, number = f"{base[:27]} {number}", number + 1
        self.names.add(name.lower())
        return self.workbook.add_worksheet(name)

    def _front(self, document: Document) -> None:
        sheet = self._sheet("Summary")
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 2, 24)
        row = 0
        for text, look in ((document.title, {"bold": True, "font_size": 16}), (document.subtitle, {"font_color": "#6B7280"}), (document.sentence, {"bold": True})):  # fmt: skip
            if text:
                write_text(sheet, row, 0, text, self.formats, **look)
                row += 1
        for line in document.caveats:
            write_text(sheet, row, 0, line, self.formats)
            row += 1
        if document.figures:
            row += 1
            for place, head in enumerate(("Figure", "Value", "Detail")):
                write_text(sheet, row, place, head, self.formats, **_HEAD)
        for figure in document.figures:
            row += 1
            for place, text in enumerate((figure.label, figure.value, figure.detail)):
                write_text(sheet, row, place, text, self.formats, **({"bold": True} if place == 1 else {}))
        row += 2
        for line in (*(("Warnings",) if document.warnings else ()), *document.warnings, document.footer):
            if line:
                write_text(sheet, row, 0, line, self.formats, **({"bold": True} if line == "Warnings" else {}))
                row += 1


class _Page:
    """One section's sheet, top to bottom."""

    def __init__(self, book: _Book, sheet: Any) -> None:
        self.book, self.sheet, self.formats = book, sheet, book.formats
        self.row = 0

    def section(self, section: Section) -> None:
        """The section; where it is one table, its header stays in sight, else its title does."""
        tables = list(section.tables())
        self.sheet.set_column(0, 0, _width(tables))
        self.sheet.set_column(1, 30, 16)
        self._line(section.title, bold=True, font_size=14)
        first = len(section.blocks) == 1 and isinstance(section.blocks[0], Table)
        self.sheet.freeze_panes(2 if first and not section.blocks[0].titled else 1, 1)  # type: ignore[union-attr]  # first says it is a table
        self._blocks(section.blocks)

    def _blocks(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            match block:
                case Section():
                    self.row += 1
                    self._line(block.title, bold=True, font_size=12)
                    self._blocks(block.blocks)
                case Table():
                    self._table(block)
                case Text():
                    for text in block.paragraphs:
                        self._line(text)
                case Notes():
                    for text in block.lines:
                        self._line(text)
                case _:
                    self._chart(block)

    def _line(self, text: str, **look: Any) -> None:
        write_text(self.sheet, self.row, 0, text, self.formats, **look)
        self.row += 1

    def _table(self, table: Table) -> None:
        if table.titled:
            self.row += 1
            self._line(table.title, bold=True)
        if table.rows:
            for place, column in enumerate(table.columns):
                look = {**_HEAD, **({"align": "right"} if column.numeric else {})}
                write_text(self.sheet, self.row, place, column.title, self.formats, **look)
            for row in table.rows:
                self._row(row, table.columns)
            if table.total:
                self._row(table.total, table.columns, bold=True, top=1)
            self.row += 1
        else:
            self._line(table.empty or "none", italic=True)
        if table.note:
            self._line(table.note, italic=True, font_color="#6B7280")

    def _row(self, cells: Iterable[Cell], columns: tuple[Column, ...], **look: Any) -> None:
        self.row += 1
        for place, (cell, column) in enumerate(zip(cells, columns, strict=True)):
            write_cell(self.sheet, self.row, place, cell, column, self.formats, **look)

    def _chart(self, chart: Chart) -> None:
        self.row += 1
        if isinstance(chart, HeatMap):
            self._heat(chart)
            return
        made = self.book.charts.make(chart) if self.book.charts else None
        if made is not None:
            self.sheet.insert_chart(self.row, 0, made, {"description": clean(chart.label)[:250]})
            self.row += _CHART_ROWS

    def _heat(self, chart: HeatMap) -> None:
        """A heat map is a table whose cells the spreadsheet colours itself."""
        self._line(chart.label, bold=True)
        for place, head in enumerate(("", *chart.columns)):
            write_text(self.sheet, self.row, place, head, self.formats, **_HEAD)
        first = self.row + 1
        for values in heat_rows(chart):
            self.row += 1
            for place, value in enumerate(values):
                if isinstance(value, str):
                    write_text(self.sheet, self.row, place, value, self.formats)
                elif value is not None:
                    self.sheet.write_number(self.row, place, float(value), self.formats.get(num_format="#,##0.00"))
        scale = {"type": "2_color_scale", "min_color": "#FFFFFF", "max_color": "#1D4ED8"}
        self.sheet.conditional_format(first, 1, max(first, self.row), max(1, len(chart.columns)), scale)
        self.row += 2


def _width(tables: Iterable[Table]) -> int:
    longest = max((len(row[0].text) for table in tables for row in table.rows), default=20)
    return min(_WIDEST, max(20, longest + 2))


def _long(sheet: Any, form: LongForm, formats: Formats) -> None:
    """One value a row, ready for a pivot table: numbers, what is no number, and exact decimal text side by side."""
    header = [*form.header, "text", "exact"]
    for place, key in enumerate(header):
        write_text(sheet, 0, place, key, formats, **_HEAD)
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(header) - 1, 16)
    row = 0
    for row, line in enumerate(form.rows, 1):
        for place, key in enumerate(form.header):
            value = line.get(key, "")
            if is_number(value) and key == "value":
                sheet.write_number(row, place, float(value))  # type: ignore[arg-type]  # is_number leaves Decimal and int
            elif key != "value" and value not in (None, ""):
                shown = plain(value) if isinstance(value, Decimal) else str(value)
                write_text(sheet, row, place, shown, formats)
        value = line.get("value")
        if isinstance(value, str):
            write_text(sheet, row, len(form.header), value, formats)
        elif value is not None:
            write_text(sheet, row, len(form.header) + 1, plain(Decimal(value)), formats)
    sheet.autofilter(0, 0, max(row, 1), len(header) - 1)


REPORT = Report(
    "Excel workbook", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx", render, binary=True
)
