"""Cost over volume: which volumes are replayed, where the two costs cross, and what the curve says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal

from llmcost.money import EXACT, RATIO
from llmcost.results.breakeven.model import Crossing, CurvePoint, Verdict
from llmcost.results.breakeven.plays import Plays, Subject, cost_after, cost_before, month_of, scaled
from llmcost.results.model import Result

VOLUMES: Final = tuple(
    Decimal(number).scaleb(-2)
    for number in (5, 10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10_000)
)
"""Factors on the log's own volume, 0.05 to 100."""
_REFINED: Final = 4
"""Further volumes inside each bracket of a crossing."""
_ROUNDS: Final = 6
_MOST: Final = Decimal(1_000_000)
"""No volume beyond so many times the log's is looked at."""
_MTOK: Final = Decimal(1_000_000)
_PLACES: Final = Decimal("1e-6")


def replayed(subject: Subject, plays: Plays, result: Result, *, upward: bool) -> list[CurvePoint]:
    """The curve over the volumes that were played, those where it heads for a crossing, and those close to one.

    ``upward``: whether a larger volume may help at all; it cannot where what is bought costs more than the API at full use.
    """
    for _ in range(_ROUNDS):
        further = [factor for factor in _beyond(curve_of(plays, result), upward=upward) if _new(factor, plays)]
        if not further:
            break
        for factor in further:
            plays.volume(subject, factor)
        plays.run()
    for factor in _inside(curve_of(plays, result)):
        plays.volume(subject, factor)
    plays.run()
    return curve_of(plays, result)


def _new(factor: Decimal, plays: Plays) -> bool:
    return all(factor != Decimal(key.removeprefix("volume ")) for key in plays.found if key.startswith("volume "))


def curve_of(plays: Plays, result: Result) -> list[CurvePoint]:
    """The volumes that were played so far, by volume."""
    month = month_of(result)
    base = result.baseline
    tokens = RATIO.divide(Decimal((base.input_tokens or 0) + (base.output_tokens or 0)), _MTOK)
    points = []
    for key, scenario in plays.found.items():
        if key.startswith("volume "):
            factor, before = Decimal(key.removeprefix("volume ")), cost_before(scenario)
            points.append(
                CurvePoint(
                    factor=factor,
                    requests_per_month=scaled(base.requests * factor, month),
                    mtok_per_month=scaled(tokens * factor, month),
                    baseline_usd=scaled(before, month),
                    option_usd=scaled(cost_after(scenario), month),
                )
            )
    return sorted(points, key=lambda point: point.factor)


def _gap(point: CurvePoint) -> Decimal:
    return EXACT.subtract(point.baseline_usd, point.option_usd)


def _beyond(curve: Sequence[CurvePoint], *, upward: bool) -> Iterable[Decimal]:
    """Volumes up to where the ends of a curve without a crossing head for one, by the straight line through their last two."""
    if len(curve) < 2 or any(_gap(left) * _gap(right) <= 0 for left, right in pairwise(curve)):
        return
    if upward and (above := _meeting(curve[-2], curve[-1])) is not None and above > curve[-1].factor:
        factor, wanted = curve[-1].factor, min(above * Decimal("1.5"), _MOST)
        while factor < wanted:
            factor = min(factor * 10, wanted)
            yield Decimal(f"{factor:.4g}")
    below = _meeting(curve[0], curve[1])
    if below is not None and 0 < below < curve[0].factor:
        factor = below * Decimal("0.7")
        # Less than a request a month is no volume.
        if factor * curve[0].requests_per_month >= curve[0].factor:
            yield Decimal(f"{factor:.4g}")


def _meeting(left: CurvePoint, right: CurvePoint) -> Decimal | None:
    """The factor at which the straight lines through two volumes meet; None where they never do."""
    closing = EXACT.subtract(_gap(right), _gap(left))
    if not closing:
        return None
    width = EXACT.subtract(right.factor, left.factor)
    return EXACT.subtract(right.factor, RATIO.divide(EXACT.multiply(_gap(right), width), closing))


def _inside(curve: Sequence[CurvePoint]) -> Iterable[Decimal]:
    """Volumes inside each bracket of a crossing, evenly spaced by ratio."""
    for left, right in pairwise(curve):
        if _gap(left) * _gap(right) < 0:
            ratio = float(right.factor / left.factor)
            for place in range(1, _REFINED + 1):
                factor = float(left.factor) * ratio ** (place / (_REFINED + 1))
                yield Decimal(f"{factor:.4g}")


def crossings_of(curve: Sequence[CurvePoint]) -> Iterable[Crossing]:
    """Where the two costs cross, between the volumes either side."""
    for left, right in pairwise([point for point in curve if _gap(point)]):
        if _gap(left) * _gap(right) > 0:
            continue
        pays: Literal["above", "below"] = "above" if _gap(right) > 0 else "below"
        even = next((point for point in curve if left.factor < point.factor < right.factor), None)
        if even is not None:
            yield Crossing(
                factor=even.factor, requests_per_month=even.requests_per_month, mtok_per_month=even.mtok_per_month,
                usd_per_month=even.baseline_usd, pays=pays,
            )  # fmt: skip
            continue
        part = RATIO.divide(abs(_gap(left)), abs(_gap(left)) + abs(_gap(right)))

        def between(name: str, left: CurvePoint = left, right: CurvePoint = right, part: Decimal = part) -> Decimal:
            low: Decimal = getattr(left, name)
            high: Decimal = getattr(right, name)
            return RATIO.add(low, RATIO.multiply(high - low, part)).quantize(_PLACES)

        yield Crossing(
            factor=between("factor"), requests_per_month=between("requests_per_month"),
            mtok_per_month=between("mtok_per_month"), usd_per_month=between("baseline_usd"), pays=pays,
        )  # fmt: skip


def verdict_of(curve: Sequence[CurvePoint], crossings: Sequence[Crossing]) -> Verdict:
    """At which volumes the strategy pays, over those that were replayed."""
    gaps = [_gap(point) for point in curve]
    if not any(gaps):
        return "no-effect"
    if not crossings:
        return "always" if any(gap > 0 for gap in gaps) else "never"
    return crossings[0].pays if len(crossings) == 1 else "mixed"
