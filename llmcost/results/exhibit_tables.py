"""What steps show beside their waterfall: their findings where there are many, and numbers over time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from llmcost.results.cells import cells, columns, number_cell
from llmcost.results.chart import Line, Lines, Point
from llmcost.results.document import Block, Table
from llmcost.results.model import Exhibit, Scenario, Step
from llmcost.results.present import clean, number

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
    yield _chart(key, exhibit)
    yield _table(key, exhibit)


def _facts(key: str, place: int, step: Step) -> Table:
    rows = tuple(cells(clean(name), clean(value)) for name, value in step.facts.items())
    return Table(key, f"What step {place} {clean(step.strategy)} found", columns("Finding", "Value"), rows)


def _chart(key: str, exhibit: Exhibit) -> Lines:
    places = [at.isoformat().replace("+00:00", "Z") for at in exhibit.at]
    lines = tuple(
        Line(
            clean(name),
            tuple(
                Point(at, value, f"{number(value)} {clean(exhibit.unit)}")
                for at, value in zip(places, values, strict=True)
            ),
            steps=name in exhibit.steps,
        )
        for name, values in exhibit.lines.items()
    )
    return Lines(key, f"{clean(exhibit.title)}; the numbers are in the table.", "", lines, x_unit="date", unit="number")


def _table(key: str, exhibit: Exhibit) -> Table:
    heads = columns("Time (UTC)", *(f"{clean(name)}#" for name in exhibit.lines))
    rows = tuple(
        cells(f"{at:%Y-%m-%d %H:%M}", *(number_cell(values[place]) for values in exhibit.lines.values()))
        for place, at in enumerate(exhibit.at)
    )
    title = f"{clean(exhibit.title)} ({clean(exhibit.unit)})"
    return Table(f"t-{key}", title, heads, rows, folded=True, long=True)
