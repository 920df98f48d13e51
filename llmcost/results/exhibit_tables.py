"""What steps show beside their waterfall: their findings where there are many, and numbers over time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import reduce
from typing import Final

from llmcost.money import EXACT, RATIO
from llmcost.results.cells import cells, columns, number_cell
from llmcost.results.chart import Axis, HeatMap, Line, Lines, Point, Series
from llmcost.results.document import Block, Cell, Table, Text
from llmcost.results.model import Exhibit, Scenario, Step
from llmcost.results.present import clean, number, told

_DAY_HOURS: Final = 24
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PLACES: Final = Decimal("1e-4")
FACTS_INLINE: Final = 4
"""Up to so many findings stand in the line of their step; more have a table."""


def blocks(index: int, scenario: Scenario) -> Iterator[Block]:
    """Tables and charts of a scenario's steps, in order."""
    for place, step in enumerate(scenario.steps, 1):
        if len(step.facts) > FACTS_INLINE:
            yield _facts(f"facts-{index}-{place}", place, step)
        for turn, exhibit in enumerate(step.exhibits):
            yield from shown(f"exhibit-{index}-{place}-{turn}", exhibit)


def shown(key: str, exhibit: Exhibit) -> Iterator[Block]:
    """A chart of an exhibit and the table of its numbers."""
    yield Text((clean(exhibit.title) + ".",))
    yield _chart(key, exhibit)
    yield _table(key, exhibit)
    if len(exhibit.at) >= _DAY_HOURS:
        for place, name in enumerate(exhibit.week):
            yield from _week(f"{key}-week-{place}", name, exhibit)


def _week(key: str, name: str, exhibit: Exhibit) -> Iterator[Block]:
    """A line's mean by weekday and hour (UTC): a heat map and the table of its numbers. Hours that never came are empty."""
    sums: dict[tuple[int, int], list[Decimal]] = {}
    for at, value in zip(exhibit.at, exhibit.lines[name], strict=True):
        sums.setdefault((at.weekday(), at.hour), []).append(value)
    means = {
        place: RATIO.divide(reduce(EXACT.add, values), Decimal(len(values))).quantize(_PLACES)
        for place, values in sums.items()
    }
    hours, unit = tuple(f"{hour:02d}" for hour in range(_DAY_HOURS)), clean(exhibit.unit)
    days = [(day, [means.get((place, hour)) for hour in range(_DAY_HOURS)]) for place, day in enumerate(_DAYS)]
    label = f"{clean(name)} by weekday and hour (UTC), {unit}"
    rows = tuple(
        Series(day, tuple(values), tuple("" if value is None else f"{number(value)} {unit}" for value in values))
        for day, values in days
    )
    yield Text((f"{label[:1].upper()}{label[1:]}.",))
    yield HeatMap(key, f"{label}; the numbers are in the table.", hours, rows)
    table = tuple(
        cells(f"{hour}:00", *(Cell("") if values[place] is None else number_cell(values[place]) for _, values in days))
        for place, hour in enumerate(hours)
    )
    heads = columns("Hour (UTC)", *(f"{day}#" for day in _DAYS))
    yield Table(f"t-{key}", f"{label[:1].upper()}{label[1:]}", heads, table, folded=True, long=True)


def _facts(key: str, place: int, step: Step) -> Table:
    rows = tuple(cells(clean(name), clean(told(name, value))) for name, value in step.facts.items())
    return Table(key, f"What step {place} {clean(step.strategy)} found", columns("Finding", "Value"), rows)


def _chart(key: str, exhibit: Exhibit) -> Lines:
    # A value is that of the time from its place to the next; the last one has its width too.
    width = exhibit.at[-1] - exhibit.at[-2] if len(exhibit.at) > 1 else timedelta(hours=1)
    ends = [*exhibit.at, exhibit.at[-1] + width] if exhibit.at else []
    places = [at.isoformat().replace("+00:00", "Z") for at in ends]
    lines = tuple(
        Line(
            clean(name),
            tuple(
                Point(at, value, f"{number(value)} {clean(exhibit.unit)}")
                for at, value in zip(places, [*values, *values[-1:]], strict=True)
            ),
            steps=True,
        )
        for name, values in exhibit.lines.items()
    )
    counted = [value for name in exhibit.steps for value in exhibit.lines[name]]
    unit: Axis = "count" if counted and all(value == int(value) for value in counted) else "number"
    return Lines(key, f"{clean(exhibit.title)}; the numbers are in the table.", "", lines, x_unit="date", unit=unit)


def _table(key: str, exhibit: Exhibit) -> Table:
    heads = columns("Time (UTC)", *(f"{clean(name)}#" for name in exhibit.lines))
    rows = tuple(
        cells(f"{at:%Y-%m-%d %H:%M}", *(number_cell(values[place]) for values in exhibit.lines.values()))
        for place, at in enumerate(exhibit.at)
    )
    title = f"{clean(exhibit.title)} ({clean(exhibit.unit)})"
    return Table(f"t-{key}", title, heads, rows, folded=True, long=True)
