"""A replayed amount between the ends of its assumptions: piecewise linear in each, bilinear in pairs, and its quantiles.

Replays are made at the modes, at each end of each assumption with the others at their modes, and at the four corners of
pairs. Between them, with ``u`` the way from the mode to an end (0 to 1),

    f = f(modes) + sum u_a * own(a, end) + sum u_a * u_b * both(a, end, b, end)

where ``own`` is what an end changes alone and ``both`` what two ends change together beyond that. For one assumption these
are the two lines through three replays, for two the whole 3 by 3 grid; a rate that weighs branches is met exactly.
Everything is Decimal; the only roots are those of the positions, which are no amounts.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from typing import Final

from llmcost.money import RATIO, ZERO
from llmcost.results.ranged import Ranged

DRAWS: Final = 4005
"""Draws: of 10 k + 5 strata the 10th, 50th and 90th percent are the middles of three."""
_P10, _P50, _P90 = (DRAWS // 10, DRAWS // 2, DRAWS - 1 - DRAWS // 10)
_PLACES: Final = Decimal("1e-15")
_WIDE: Final = Context(prec=200, traps=[InvalidOperation])
"""Keeps every digit of amounts; positions have fifteen."""

LOW, MODE, HIGH = -1, 0, 1
Point = tuple[int, ...]
"""An end, or the mode, for each assumption."""


@dataclass(frozen=True)
class Way:
    """How far, from 0 to 1, an assumption is from its mode to one of its ends."""

    end: int
    part: Decimal


def ends_of(span: Ranged) -> tuple[int, ...]:
    """The ends that differ from the mode."""
    return tuple(end for end, value in ((LOW, span.low), (HIGH, span.high)) if value != span.mode)


def value_of(span: Ranged, end: int) -> Decimal:
    """The value at an end or the mode."""
    return (span.mode, span.high, span.low)[end]


def singles(spans: Sequence[Ranged]) -> list[Point]:
    """One assumption at an end, the others at their modes."""
    return [_point(len(spans), {place: end}) for place, span in enumerate(spans) for end in ends_of(span)]


def corners(spans: Sequence[Ranged], one: int, other: int) -> list[Point]:
    """Two assumptions at their ends, the others at their modes."""
    return [_point(len(spans), {one: end, other: far}) for end in ends_of(spans[one]) for far in ends_of(spans[other])]


def _point(size: int, ends: Mapping[int, int]) -> Point:
    return tuple(ends.get(place, MODE) for place in range(size))


class Surface:
    """An amount over the assumptions, from its values at points."""

    def __init__(self, values: Mapping[Point, Decimal]) -> None:
        size = len(next(iter(values)))
        self.mode = values[(MODE,) * size]
        by_ends = {tuple((n, end) for n, end in enumerate(point) if end): value for point, value in values.items()}
        self.own = {
            ends[0]: _WIDE.subtract(value, self.mode) for ends, value in by_ends.items() if len(ends) == 1
        }  # fmt: skip
        self.both = {
            ends: _WIDE.subtract(_WIDE.subtract(value, self.mode), _WIDE.add(self.own[ends[0]], self.own[ends[1]]))
            for ends, value in by_ends.items()
            if len(ends) == 2
        }

    def at(self, ways: Sequence[Way]) -> Decimal:
        """The amount at a position."""
        found = self.mode
        for place, way in enumerate(ways):
            if way.part:
                found = _WIDE.add(found, _WIDE.multiply(way.part, self.own[place, way.end]))
        for (one, other), value in self.both.items():
            here, there = ways[one[0]], ways[other[0]]
            if (here.end, there.end) == (one[1], other[1]):
                found = _WIDE.add(found, _WIDE.multiply(_WIDE.multiply(here.part, there.part), value))
        return found


def positions(spans: Sequence[Ranged], seed: str) -> list[tuple[Way, ...]]:
    """Draws from triangular distributions: each assumption's strata all once, in an order of their own (Latin hypercube)."""
    draw = random.Random(seed)
    columns = []
    for span in spans:
        column = [way_of(span, RATIO.divide(Decimal(2 * place + 1), Decimal(2 * DRAWS))) for place in range(DRAWS)]
        draw.shuffle(column)
        columns.append(column)
    return list(zip(*columns, strict=True))


def way_of(span: Ranged, share: Decimal) -> Way:
    """Where a share (0 to 1) of the triangular distribution lies below."""
    below, above = span.mode - span.low, span.high - span.mode
    if not below and not above:
        return Way(HIGH, ZERO)
    turn = RATIO.divide(below, below + above)
    if share < turn:
        return Way(LOW, _part(RATIO.divide(share, turn)))
    return Way(HIGH, _part(RATIO.divide(1 - share, 1 - turn)))


def _part(left: Decimal) -> Decimal:
    """The way that leaves ``left`` of the triangle's half beyond it."""
    return (1 - RATIO.sqrt(left)).quantize(_PLACES)


def value_on(span: Ranged, way: Way) -> Decimal:
    """The value at a way from the mode."""
    return span.mode + way.part * (value_of(span, way.end) - span.mode)


def quantiles(values: Sequence[Decimal]) -> tuple[Decimal, Decimal, Decimal]:
    """P10, P50 and P90 of as many values as there are draws."""
    ordered = sorted(values)
    return ordered[_P10], ordered[_P50], ordered[_P90]
