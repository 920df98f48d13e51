"""Where the money goes: breakdowns, days and what is charged for, as tables and a chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO, rounded
from llmcost.results.cells import cells, columns, count_cell, number_cell, share_cell, usd_cell, usd_cells
from llmcost.results.chart import Days, Series
from llmcost.results.cube import Measure, View
from llmcost.results.document import Cell, Table
from llmcost.results.model import SeriesPoint, Slice, TokenLine
from llmcost.results.present import by_dimension, clean, dimensions_of, label_of, money, places_of, top, total_of

SERIES_SHOWN: Final = 6
SPEND: Final = "spend"
DAYS: Final = "days"
"""Keys of the cubes that these tables show (:mod:`llmcost.results.spend_cube`)."""
_OPEN: Final = 3
"""Breakdowns beyond this many start folded."""
_TITLES: Final = {
    "user_id": "user",
    "api_key_id": "API key",
    "conversation_id": "conversation",
    "operation_name": "operation",
}


def dimension_title(dimension: str) -> str:
    """What people call a dimension."""
    return _TITLES.get(dimension, clean(dimension).replace("_", " "))


def breakdowns(slices: Sequence[Slice], top_n: int, places: int) -> tuple[Table, ...]:
    """One table a dimension; ``top_n`` lines each, the rest in one line that says so."""
    found = enumerate(dimensions_of(slices))
    return tuple(_breakdown(slices, position, dimension, top_n, places) for position, dimension in found)


def _breakdown(slices: Sequence[Slice], position: int, dimension: str, top_n: int, places: int) -> Table:
    lines = top(by_dimension(slices, dimension), top_n)
    label = dimension_title(dimension)
    whole = total_of(line.cost_usd for _, line in lines) or ZERO
    costs = usd_cells([line.cost_usd for _, line in lines], places)
    gaps = any(line.unpriced_requests for _, line in lines)
    rows = [_breakdown_row(pair, cost, whole, gaps) for pair, cost in zip(lines, costs, strict=True)]
    titles = (label[:1].upper() + label[1:], "Cost#$", "Share#%", "Requests#r", *(["Unpriced#r?"] if gaps else []))
    heads = columns(*titles, "Input tokens#t?", "Cached#%?", "Output tokens#t?")
    known = [line.cost_usd for _, line in lines if line.cost_usd is not None]
    total = cells(
        "total",
        usd_cell(whole if known else None, places),
        "",
        count_cell(sum(line.requests for _, line in lines)),
        *([count_cell(sum(line.unpriced_requests for _, line in lines))] if gaps else []),
        *("", "", ""),
    )
    measures: tuple[Measure, ...] = (
        "cost",
        "share",
        "requests",
        *(("unpriced",) if gaps else ()),
        "input",
        "cached",
        "output",
    )
    view = View(SPEND, dimension, measures, top_n, places)
    return Table(f"by-{position}", f"By {label}", heads, tuple(rows), total, folded=position >= _OPEN, view=view)


def _breakdown_row(pair: tuple[str, Slice], cost: Cell, whole: Decimal, gaps: bool) -> tuple[Cell, ...]:
    label, line = pair
    share = rounded(line.cost_usd / whole, 12) if line.cost_usd is not None and whole else None
    cached = None
    if line.cache_read_input_tokens is not None and line.input_tokens:
        cached = rounded(Decimal(line.cache_read_input_tokens) / line.input_tokens, 12)
    return cells(
        label,
        cost,
        share_cell(share),
        count_cell(line.requests),
        *([count_cell(line.unpriced_requests)] if gaps else []),
        count_cell(line.input_tokens),
        share_cell(cached),
        count_cell(line.output_tokens),
    )


def days_table(points: Iterable[SeriesPoint], places: int) -> Table:
    """Cost of each day; days with no request do not appear in a log and are not invented here."""
    days: dict[str, tuple[Decimal, int]] = {}
    for point in points:
        cost, requests = days.get(point.date.isoformat(), (ZERO, 0))
        days[point.date.isoformat()] = (EXACT.add(cost, point.cost_usd), requests + point.requests)
    ordered = sorted(days.items())
    costs = usd_cells([cost for _, (cost, _) in ordered], places)
    rows = tuple(cells(d, c, count_cell(n)) for (d, (_, n)), c in zip(ordered, costs, strict=True))
    total = None
    if ordered:
        whole = total_of(cost for _, (cost, _) in ordered)
        total = cells("total", usd_cell(whole, places), count_cell(sum(n for _, (_, n) in ordered)))
    heads, empty = columns("Day", "Cost#$", "Requests#r"), "no times in the log, so no series"
    view = View(DAYS, "day", ("cost", "requests"), len(ordered), places)
    return Table("days", "By day", heads, rows, total, empty=empty, folded=True, long=True, view=view)


def days_chart(points: Sequence[SeriesPoint]) -> Days:
    """Cost by day of the dearest models, the others as one."""
    dimension = "model" if any("model" in p.dimensions for p in points) else next(iter(points[0].dimensions), "")
    table: dict[str, dict[str, Decimal]] = {}
    for point in points:
        line = table.setdefault(label_of(point.dimensions, dimension) if dimension else "cost", {})
        line[point.date.isoformat()] = EXACT.add(line.get(point.date.isoformat(), ZERO), point.cost_usd)
    ranked = sorted(table, key=lambda label: (-_sum(table[label].values()), label))
    shown, rest = (ranked, []) if len(ranked) <= SERIES_SHOWN + 1 else (ranked[:SERIES_SHOWN], ranked[SERIES_SHOWN:])
    days = sorted({day for values in table.values() for day in values})
    lines = [(label, [table[label].get(day, ZERO) for day in days]) for label in shown]
    if rest:
        others = [_sum(table[label].get(day, ZERO) for label in rest) for day in days]
        lines.append((f"other ({len(rest)})", others))
    places = places_of(_sum(values) for _, values in lines)
    series = tuple(
        Series(
            label,
            tuple(values),
            tuple(money(value, places) for value in values),
            "rest" if rest and index == len(lines) - 1 else "",
        )
        for index, (label, values) in enumerate(lines)
    )
    view = View(DAYS, dimension, ("cost",), SERIES_SHOWN, places, across="day") if dimension else None
    label = "Cost by day, stacked; the numbers are in the table by day."
    return Days("series", label, tuple(days), series, view=view)


def _sum(values: Iterable[Decimal]) -> Decimal:
    return total_of(values) or ZERO


def charged_for(lines: Iterable[TokenLine], places: int) -> Table:
    """What each class of tokens or fee cost."""
    ordered = sorted(lines, key=lambda line: (-line.cost_usd, line.token_class))
    costs = usd_cells([line.cost_usd for line in ordered], places)
    rows = tuple(
        cells(clean(line.token_class).replace("_", " "), cost, number_cell(line.quantity))
        for line, cost in zip(ordered, costs, strict=True)
    )
    total = cells("total", usd_cell(total_of(x.cost_usd for x in ordered), places), "") if ordered else None
    heads = columns("Charged for", "Cost#$", "Quantity#")
    return Table("token-classes", "By what is charged", heads, rows, total, empty="not broken down")
