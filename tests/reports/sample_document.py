"""A document with every kind of block and chart, under names that attack."""

from __future__ import annotations

from decimal import Decimal

from llmcost.results.cells import DASH, cells, columns, count_cell, share_cell, usd_cell
from llmcost.results.chart import Band, Bars, Chart, Days, HeatMap, Line, Lines, Point, Series
from llmcost.results.document import Cell, Document, Figure, Notes, Section, Table, Text
from llmcost.results.outcome import Outcome, tables_as_rows
from tests.reports import sample_parts as p
from tests.reports import sample_result

D = Decimal
DAYS = ("2026-10-01", "2026-10-02", "2026-10-04")
HOURS = tuple(f"{hour:02}" for hour in range(24))


def _series(name: str, *values: str | None) -> Series:
    found = tuple(None if value is None else D(value) for value in values)
    return Series(name, found, tuple("unknown" if value is None else f"${value}" for value in values))


def _points(*pairs: tuple[str, str]) -> tuple[Point, ...]:
    return tuple(Point(D(x) if x[:1].isdigit() and "-" not in x else x, D(y), f"{x}: ${y}") for x, y in pairs)


def charts() -> tuple[Chart, ...]:
    """One of every kind, lines twice: over numbers and over time."""
    across = _points(("0", "0"), ("100", "50"), ("200", "100"))
    flat = _points(("0", "60"), ("200", "60"))
    spend = _points(("2026-10-01", "10"), ("2026-10-15", "20"), ("2026-10-31", "35"))
    low, high = _points(("2026-10-15", "20"), ("2026-10-31", "30")), _points(("2026-10-15", "20"), ("2026-10-31", "41"))
    return (
        Days("c-days", "Cost by day.", DAYS, (_series(p.SCRIPT, "1", "2.5", None), _series("other", "0", "1", "4"))),
        Bars("c-grouped", "Before and after.", (p.SCRIPT, "b"), (_series("x", "5", "-2"), _series("y", "3", None)), True),
        Bars(
            "c-span",
            "From what it is to either end.",
            ("price", p.SCRIPT),
            (_series("low", "1", "9"), _series("high", "12", "11")),
            base=D(10),
            base_name=f"as it is {p.SCRIPT}",
        ),
        Lines(
            "c-lines",
            "Where two lines cross.",
            "requests",
            (Line("api", across), Line("own", flat, steps=True, dashed=True)),
            (Point(D(120), D(60), f"break-even {p.SCRIPT}"),),
        ),
        Lines("c-time", "Forecast.", "day", (Line("spend", spend),), (), (Band("80 %", low, high),), x_unit="date"),
        HeatMap("c-heat", "By hour.", HOURS, (_series("Monday", *(str(h) for h in range(24))), _series("Tuesday", *[None] * 24))),
    )  # fmt: skip


def document(top_n: int = 10, title: str = "") -> Document:
    """Figures, every block, a section inside a section, folded and long tables."""
    rows = (
        cells(p.SCRIPT, usd_cell(D("1.234567")), share_cell(D("0.5")), count_cell(7), "plain"),
        cells("second", usd_cell(None), DASH, count_cell(None), Cell("-9 apples", "muted", D(-9))),
    )
    heads = columns("Name", "Cost#$", "Share#%", "Requests#r?", "Words")
    table = Table("first", "First", heads, rows, cells("total", usd_cell(D("1.234567")), "", "", ""), note="A note.")
    long = Table(
        "long", "Long", columns("Day", "Cost#$"), (cells("2026-10-01", usd_cell(D(3))),), folded=True, long=True
    )
    inner = Section("inner", "Inner", (Notes(("a remark", p.SCRIPT)), Table("none", "None", heads, ())), folded=True)
    return Document(
        title=title or "Everything",
        subtitle="",
        sentence="There is one of each.",
        caveats=("keep this in mind",),
        figures=(Figure("a", "$1.00", "detail"), Figure("b", "2", ""), Figure("c", "3", ""), Figure("d", "4", "")),
        sections=(
            Section("words", "Words", (Text(("One paragraph.", f"Another {p.SCRIPT}.")), table, inner), short="W"),
            Section("charts", "Charts", (*charts(), long)),
            Section("folded", "Folded", (Table("last", "Folded", heads, rows[:top_n]),), folded=True),
        ),
        warnings=(p.SCRIPT,),
        footer="made by hand",
    )


def everything() -> Outcome:
    """The document as an outcome of some model."""
    return Outcome(sample_result.empty(), document, lambda: tables_as_rows(document()))
