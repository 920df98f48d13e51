"""The charts of a document as native ones of the workbook, over a sheet with their numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from llmcost.reports._xlsx.values import Formats, write_text
from llmcost.results.chart import Bars, Chart, Days, HeatMap, Line, Lines, Point, Series, Waterfall

SHEET: Final = "Chart data"
_COLOURS: Final = {
    "rest": "#9CA3AF", "measured": "#1D4ED8", "modelled": "#7C9BEF", "assumed": "#D6A93B", "saving": "#1B8A4B",
    "loss": "#C0392B", "total": "#374151",
}  # fmt: skip
_AXES: Final = {
    "USD": "$#,##0.00",
    "share": "0%",
    "count": "#,##0",
    "number": "General",
    "date": "yyyy-mm-dd",
    "hour": "hh:mm, d mmm",
}
_DAYS: Final = 3
"""Days below which a chart over time names hours."""
Cells = Sequence[Sequence[Decimal | str | None]]


@dataclass
class ChartSheet:
    """Blocks of numbers, one below the other, that charts refer to."""

    workbook: Any
    sheet: Any
    formats: Formats
    row: int = 0

    def make(self, chart: Chart) -> Any | None:
        """The chart drawn, ready to be put on a sheet; None for one that is drawn as cells."""
        maker = _MAKERS.get(type(chart))
        return maker(self, chart) if maker else None

    def block(self, label: str, heads: Sequence[str], rows: Cells) -> tuple[int, int]:
        """Writes a block and gives its first and last row of numbers."""
        write_text(self.sheet, self.row, 0, label, self.formats, bold=True)
        for place, head in enumerate(heads):
            write_text(self.sheet, self.row + 1, place, head, self.formats, italic=True)
        first = self.row + 2
        for number, values in enumerate(rows, first):
            for place, value in enumerate(values):
                if isinstance(value, str):
                    write_text(self.sheet, number, place, value, self.formats)
                elif value is not None:
                    self.sheet.write_number(number, place, float(value))
        last = max(first, first + len(rows) - 1)
        self.row = last + 2
        return first, last

    def new(self, kind: str, subtype: str) -> Any:
        """An empty chart whose title is the label of the next block: a cell, since a title in words may be a reference."""
        made = self.workbook.add_chart({"type": kind, **({"subtype": subtype} if subtype else {})})
        made.set_title({"name": [SHEET, self.row, 0], "name_font": {"size": 11, "bold": False}, "overlay": False})
        made.set_size({"width": 720, "height": 340})
        made.set_legend({"position": "bottom"})
        return made

    def add(self, chart: Any, place: int, span: tuple[int, int], **look: Any) -> None:
        """A series over one column of a block, named by a cell, so that no name is read as a reference."""
        first, last = span
        cells = {"categories": [SHEET, first, 0, last, 0], "values": [SHEET, first, place, last, place]}
        chart.add_series({"name": [SHEET, first - 1, place], **cells, **look})


def _filled(colour: str) -> dict[str, Any]:
    return {"fill": {"color": _COLOURS[colour]}} if colour in _COLOURS else {}


def _waterfall(on: ChartSheet, chart: Waterfall) -> Any:
    """Columns that hang between two totals: an unseen one below, and a coloured one for each meaning."""
    rows: list[list[Decimal | str | None]] = []
    for bar in chart.bars:
        low, high = min(bar.start, bar.end), max(bar.start, bar.end)
        size = high - low
        tone = bar.tone if bar.tone in {"loss", "saving"} else "total"
        rows.append([bar.label, low, *(size if tone == each else None for each in ("total", "saving", "loss"))])
    span = on.block(chart.label, [chart.caption, "below", "total", "saving", "loss"], rows)
    made = on.new("column", "stacked")
    on.add(made, 1, span, fill={"none": True}, border={"none": True})
    for place, colour in enumerate(("total", "saving", "loss"), 2):
        on.add(made, place, span, gap=40, **_filled(colour))
    made.set_legend({"none": True})
    made.set_y_axis({"num_format": _AXES["USD"]})
    return made


def _stacked(on: ChartSheet, made: Any, label: str, names: Sequence[str], series: Sequence[Series], **look: Any) -> Any:
    rows = [[name, *(each.values[n] for each in series)] for n, name in enumerate(names)]
    span = on.block(label, ["", *(each.name for each in series)], rows)
    for place, each in enumerate(series, 1):
        on.add(made, place, span, gap=30, **look, **_filled(each.colour))
    return made


def _days(on: ChartSheet, chart: Days) -> Any:
    made = _stacked(on, on.new("column", "stacked"), chart.label, chart.days, chart.series)
    made.set_y_axis({"num_format": _AXES[chart.unit]})
    return made


def _bars(on: ChartSheet, chart: Bars) -> Any:
    subtype = "" if chart.grouped or chart.base is not None else "stacked"
    # Both ends of a lever lie on one line: they reach from the base to either side.
    look = {"overlap": 100} if chart.base is not None else {}
    made = _stacked(on, on.new("bar", subtype), chart.label, chart.names, chart.series, **look)
    # A lying chart's x axis is that of its values; where the names' axis crosses it, bars begin.
    from_base = {} if chart.base is None else {"crossing": float(chart.base)}
    made.set_x_axis({"num_format": _AXES[chart.unit], **from_base})
    made.set_y_axis({"reverse": True, **({} if chart.base is None else {"label_position": "low"})})
    return made


def _lines(on: ChartSheet, chart: Lines) -> Any:
    """Each line is a block of its own, since lines need not share their places; over time, places are day numbers."""
    made = on.new("scatter", "straight")
    kinds: list[tuple[str, Sequence[Point], dict[str, Any]]] = [
        (line.name, _stepped(line), {"line": {"dash_type": "dash" if line.dashed else "solid", "width": 1.75}, "marker": {"type": "none"}})
        for line in chart.lines
    ]  # fmt: skip
    for band in chart.bands:
        look = {"line": {"color": _COLOURS["rest"], "width": 1}, "marker": {"type": "none"}}
        kinds += [(f"{band.name}, low", band.low, look), (f"{band.name}, high", band.high, look)]
    kinds += [
        (mark.text, [mark], {"line": {"none": True}, "marker": {"type": "diamond", "size": 8}}) for mark in chart.marks
    ]
    for name, points, look in kinds:
        if points:
            span = on.block(chart.label, [chart.x_title, name], [[_place(p.x), p.y] for p in points])
            on.add(made, 1, span, **look)
    instants = [_place(p.x) for _, points, _ in kinds for p in points if isinstance(p.x, str)]
    unit = chart.x_unit if not instants else "hour" if max(instants) - min(instants) < _DAYS else "date"
    made.set_x_axis({"name": chart.x_title, "num_format": _AXES[unit]})
    made.set_y_axis({"num_format": _AXES[chart.unit]})
    return made


def _stepped(line: Line) -> list[Point]:
    """The points of a line; one that goes by steps keeps its value up to the next place."""
    if not line.steps:
        return list(line.points)
    found: list[Point] = []
    for point in line.points:
        if found:
            found.append(Point(point.x, found[-1].y, found[-1].text))
        found.append(point)
    return found


def _place(x: Decimal | str) -> Decimal:
    """A place on the axis: a number, or days since 1899-12-30 as spreadsheets count them."""
    from datetime import datetime

    if isinstance(x, Decimal):
        return x
    moment = datetime.fromisoformat(x).replace(tzinfo=None)
    since = moment - datetime(1899, 12, 30)  # noqa: DTZ001 - the zone was dropped above
    return Decimal(since.days) + (Decimal(since.seconds) / 86_400).quantize(Decimal("1e-6"))


def heat_rows(chart: HeatMap) -> list[list[Decimal | str | None]]:
    """The map as a table: one row of numbers for each of its rows, coloured by the sheet."""
    return [[row.name, *row.values] for row in chart.rows]


_MAKERS: Final[dict[type[Chart], Callable[[ChartSheet, Any], Any]]] = {
    Waterfall: _waterfall, Days: _days, Bars: _bars, Lines: _lines,
}  # fmt: skip
