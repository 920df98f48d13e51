"""The cubes of a baseline: its breakdown, and its days."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from llmcost.results.cube import Cube, Measure
from llmcost.results.model import SeriesPoint, Slice
from llmcost.results.present import dimensions_of, label_of
from llmcost.results.spend_tables import DAYS, SPEND, dimension_title

_MOST: Final = 20_000
"""Combinations that a page carries; a breakdown of more is shown but not filtered."""
_MEASURES: Final[tuple[Measure, ...]] = ("cost", "requests", "unpriced", "input", "cached", "output")
Measured = tuple[Decimal | int | None, ...]


def cubes(slices: Sequence[Slice], points: Sequence[SeriesPoint]) -> tuple[Cube, ...]:
    """What the page can be filtered by; nothing where that is one dimension only, or too much."""
    found = []
    dimensions = dimensions_of(slices)
    if len(dimensions) > 1 and len(slices) <= _MOST:
        rows = ((lambda key, line=line: label_of(line.dimensions, key), _measured(line)) for line in slices)
        found.append(_cube(SPEND, dimensions, _MEASURES, rows))
        known = sorted({key for point in points for key in point.dimensions})
        if points and known:
            days = (
                (lambda key, point=point: _of_day(point, key), (point.cost_usd, point.requests)) for point in points
            )
            found.append(_cube(DAYS, ["day", *known], ("cost", "requests"), days))
    return tuple(found)


def _measured(line: Slice) -> Measured:
    return (
        line.cost_usd, line.requests, line.unpriced_requests, line.input_tokens, line.cache_read_input_tokens,
        line.output_tokens,
    )  # fmt: skip


def _of_day(point: SeriesPoint, dimension: str) -> str:
    return point.date.isoformat() if dimension == "day" else label_of(point.dimensions, dimension)


def _cube(
    key: str,
    dimensions: Sequence[str],
    measures: tuple[Measure, ...],
    rows: Iterable[tuple[Callable[[str], str], Measured]],
) -> Cube:
    places: list[dict[str, int]] = [{} for _ in dimensions]
    cells = []
    for label, measured in rows:
        at = (held.setdefault(label(name), len(held)) for name, held in zip(dimensions, places, strict=True))
        cells.append((tuple(at), measured))
    titles = tuple(dimension_title(name) for name in dimensions)
    return Cube(key, tuple(dimensions), titles, tuple(tuple(held) for held in places), measures, tuple(cells))
