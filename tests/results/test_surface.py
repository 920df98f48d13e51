"""Between the replays: what is interpolated exactly, triangular quantiles in closed form, and laws of any range."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from math import prod, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost.results.ranged import Ranged
from llmcost.results.surface import (
    DRAWS,
    HIGH,
    LOW,
    MODE,
    Surface,
    Way,
    corners,
    positions,
    quantiles,
    singles,
    value_of,
    value_on,
    way_of,
)

D = Decimal
numbers = st.decimals(min_value=0, max_value=1000, places=3)
spans = st.tuples(numbers, numbers, numbers).map(lambda three: Ranged(("x",), *sorted(three)))


def triangle(low: float, mode: float, high: float, share: float) -> float:
    """The textbook quantile of a triangular distribution."""
    turn = (mode - low) / (high - low)
    if share < turn:
        return low + sqrt(share * (high - low) * (mode - low))
    return high - sqrt((1 - share) * (high - low) * (high - mode))


@pytest.mark.parametrize(
    "ends", [("0", "0.1", "0.4"), ("1", "1", "3"), ("1", "3", "3"), ("-2", "5", "6"), ("0.5", "0.9", "0.95")]
)
def test_one_assumption_has_the_quantiles_of_its_triangle(ends: tuple[str, str, str]) -> None:
    span = Ranged(("x",), *map(D, ends))
    drawn = [value_on(span, way) for (way,) in positions([span], "any")]
    low, mode, high = map(float, ends)
    for found, share in zip(quantiles(drawn), (0.1, 0.5, 0.9), strict=True):
        assert float(found) == pytest.approx(triangle(low, mode, high, share), abs=1e-12)
    assert float(sum(drawn)) / DRAWS == pytest.approx((low + mode + high) / 3, rel=1e-4)


def made(function: object, them: Sequence[Ranged]) -> Surface:
    points = [(MODE,) * len(them), *singles(them)]
    for one in range(len(them)):
        for other in range(one + 1, len(them)):
            points += corners(them, one, other)
    assert callable(function)
    return Surface({p: function([value_of(span, end) for span, end in zip(them, p, strict=True)]) for p in points})


def test_what_is_bilinear_comes_back_exactly_everywhere() -> None:
    """Two assumptions: a grid of nine; inside each of its four fields the amount is the product of two lines."""
    them = [Ranged(("a",), D(1), D(2), D(5)), Ranged(("b",), D("0.1"), D("0.5"), D("0.7"))]

    def bent(x: Sequence[Decimal]) -> Decimal:
        return (3 + abs(x[0] - 2) * 7 + x[0]) * (1 + x[1] - 2 * abs(x[1] - D("0.5")))

    surface = made(bent, them)
    parts = [D("0.125"), D("0.9"), D(1)]
    for ends in product((LOW, HIGH), repeat=2):
        for far in product(parts, repeat=2):
            ways = [Way(end, part) for end, part in zip(ends, far, strict=True)]
            assert surface.at(ways) == bent([value_on(span, way) for span, way in zip(them, ways, strict=True)])
    assert surface.at([Way(LOW, D(0)), Way(HIGH, D(0))]) == surface.mode == bent([D(2), D("0.5")])


def test_three_assumptions_are_exact_in_every_pair_and_not_beyond() -> None:
    them = [Ranged((name,), D(1), D(2), D(4)) for name in "abc"]
    surface = made(prod, them)
    half, none = Way(HIGH, D("0.5")), Way(HIGH, D(0))
    assert surface.at([half, half, none]) == 3 * 3 * 2
    assert 3**3 - surface.at([half, half, half]) == D("0.5") ** 3 * 2**3


@settings(max_examples=30)
@given(them=st.lists(spans, min_size=1, max_size=3), up=st.lists(numbers, min_size=3, max_size=3))
def test_laws_of_an_amount_that_only_rises(them: list[Ranged], up: list[Decimal]) -> None:
    """Quantiles are in order and inside the ends, and ranges that lie higher give no lower quantile."""

    def rising(x: Sequence[Decimal]) -> Decimal:
        return sum((each * (place + 1) for place, each in enumerate(x)), D(3)) + x[0] * x[-1]

    ways = positions(them, "seed")
    found = [made(rising, them).at(way) for way in ways]
    low, middle, high = quantiles(found)
    assert rising([s.low for s in them]) <= low <= middle <= high <= rising([s.high for s in them])
    moved = [
        Ranged(s.place, s.low + by, s.mode + by, s.high + by) for s, by in zip(them, [*up, D(0)], strict=False)
    ]  # fmt: skip
    higher = quantiles([made(rising, moved).at(way) for way in positions(moved, "seed")])
    assert all(after >= before for before, after in zip((low, middle, high), higher, strict=True))


@given(span=spans, share=st.decimals(min_value=0, max_value=1, places=6).filter(lambda x: 0 < x < 1))
def test_a_position_lies_where_the_triangle_says(span: Ranged, share: Decimal) -> None:
    way = way_of(span, share)
    assert 0 <= way.part <= 1
    value = value_on(span, way)
    assert span.low <= value <= span.high
    if span.low < span.high:
        expected = triangle(float(span.low), float(span.mode), float(span.high), float(share))
        assert float(value) == pytest.approx(expected, abs=1e-9)


def test_the_same_seed_draws_the_same_and_another_pairs_anew() -> None:
    them = [Ranged(("a",), D(0), D(1), D(2)), Ranged(("b",), D(0), D(1), D(2))]
    one, again, other = (positions(them, seed) for seed in ("1", "1", "2"))
    assert one == again != other
    for place in range(2):
        order = [sorted((way[place].end, way[place].part) for way in drawn) for drawn in (one, other)]
        assert order[0] == order[1]
