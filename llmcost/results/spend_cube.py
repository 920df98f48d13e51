"""The cubes of a baseline: its breakdown, and its days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from llmcost.results.cube import Cube, Measure
from llmcost.results.folding import Amounts, Line, folded
from llmcost.results.model import SeriesPoint, Slice
from llmcost.results.present import dimensions_of, label_of
from llmcost.results.spend_tables import DAYS, SPEND, dimension_title

_MOST: Final = 20_000
"""Combinations that a page carries; of a breakdown of more the long tail of values is kept together."""
_MEASURES: Final[tuple[Measure, ...]] = ("cost", "requests", "unpriced", "input", "cached", "output")


def cubes(slices: Sequence[Slice], points: Sequence[SeriesPoint]) -> tuple[Cube, ...]:
    """What the page can be filtered by; nothing where that is one dimension only, or too much."""
    found = []
    dimensions = dimensions_of(slices)
    if len(dimensions) > 1:
        lines = [(tuple(label_of(line.dimensions, key) for key in dimensions), _measured(line)) for line in slices]
        few = folded(lines, _MOST)
        if few is None:
            return ()
        found.append(_cube(SPEND, dimensions, _MEASURES, *few))
        known = sorted({key for point in points for key in point.dimensions})
        if points and known:
            keys = ["day", *known]
            days = [(tuple(_of_day(point, key) for key in keys), (point.cost_usd, point.requests)) for point in points]
            found.append(_cube(DAYS, keys, ("cost", "requests"), days))
    return tuple(found)


def _measured(line: Slice) -> Amounts:
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
    rows: Iterable[Line],
    rest: tuple[str, ...] = (),
) -> Cube:
    places: list[dict[str, int]] = [{} for _ in dimensions]
    cells = []
    for labels, measured in rows:
        at = (held.setdefault(label, len(held)) for label, held in zip(labels, places, strict=True))
        cells.append((tuple(at), measured))
    titles = tuple(dimension_title(name) for name in dimensions)
    return Cube(
        key,
        tuple(dimensions),
        titles,
        tuple(tuple(held) for held in places),
        measures,
        tuple(cells),
        rest if any(rest) else (),
    )
