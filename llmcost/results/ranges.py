"""The range of a scenario: further replays at other values of its assumptions, and what lies between them.

All replays are part of one run and share its baseline. Each assumption is drawn from the triangle of its low, mode and
high, independently of the others; the amounts between the replays are interpolated (``results.surface``), and the
interpolation is held against replays at points of its inside.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import combinations
from typing import Final

from llmcost.errors import UsageError
from llmcost.results.model import Driver, Range, Scenario, ScenarioRange
from llmcost.results.options import ReplayOptions
from llmcost.results.ranged import Ranged
from llmcost.results.scenario import BoundScenario
from llmcost.results.surface import (
    DRAWS,
    HIGH,
    LOW,
    MODE,
    Point,
    Surface,
    Way,
    corners,
    ends_of,
    positions,
    quantiles,
    singles,
    value_of,
    value_on,
)
from llmcost.results.totals import monthly

MOST_REPLAYS: Final = 33
"""Replays that one range is interpolated between, at most; those that it is held against are not among them."""


@dataclass(frozen=True)
class Amounts:
    """What a replay gives: the scenario's cost, and its saving over the rows that can be compared."""

    cost: Decimal
    saving: Decimal


Play = Callable[[BoundScenario], Amounts]


@dataclass(frozen=True)
class Assumed:
    """A ranged parameter and the place of its step."""

    step: int
    span: Ranged


def assumed(scenario: BoundScenario) -> list[Assumed]:
    """The ranged parameters of a scenario in order; UsageError where there are more than can be replayed."""
    found = [Assumed(place, span) for place, step in enumerate(scenario.steps) for span in step.ranges]
    if 1 + sum(len(ends_of(each.span)) for each in found) > MOST_REPLAYS:
        raise UsageError(
            f"scenario {scenario.name!r} has {len(found)} ranges",
            why=f"each needs two replays of the log, and one scenario has at most {MOST_REPLAYS}",
            hint="give a plain number to what moves the saving least",
        )
    return found


def range_of(
    found: Scenario, scenario: BoundScenario, play: Play, days: Decimal | None, options: ReplayOptions
) -> ScenarioRange | None:
    """The range of a replayed scenario; None where none of its parameters is one. ``play`` replays it with other values."""
    spans = assumed(scenario)
    if not spans:
        return None
    before = len(found.steps) - len(scenario.steps)
    ranging = _Ranging(scenario, spans, play, Amounts(found.cost_usd, found.saving_usd), before)
    return ranging.range(days, options)


@dataclass
class _Ranging:
    scenario: BoundScenario
    assumed: Sequence[Assumed]
    play: Play
    mode: Amounts
    steps_before: int = 0
    """Steps that the replay put before those of the scenario (a price day)."""
    values: dict[Point, Amounts] = field(default_factory=dict)
    pairs_apart: int = 0

    @property
    def spans(self) -> list[Ranged]:
        return [each.span for each in self.assumed]

    def range(self, days: Decimal | None, options: ReplayOptions) -> ScenarioRange:
        """Replays, draws and holds the interpolation against further replays."""
        self._replay()
        cost, saving = (Surface({at: getattr(v, what) for at, v in self.values.items()}) for what in ("cost", "saving"))
        drawn = positions(self.spans, f"{options.seed} {self.scenario.name}")
        of_cost, of_saving = (_range(surface.at(ways) for ways in drawn) for surface in (cost, saving))
        held = list(self._inside(options.seed))
        off = [
            abs(surface.at(ways) - getattr(told, what))
            for ways, told in held
            for surface, what in ((cost, "cost"), (saving, "saving"))
        ]
        return ScenarioRange(
            **of_cost.model_dump(), saving=of_saving,
            monthly_cost=_monthly(of_cost, days, options), monthly_saving=_monthly(of_saving, days, options),
            drivers=self._drivers(), replays=len(self.values), draws=DRAWS, pairs_apart=self.pairs_apart,
            held=len(held), off_usd=max(off, default=Decimal(0)),
        )  # fmt: skip

    def _replay(self) -> None:
        """One assumption at a time, then the corners of pairs, those that move most first, as far as replays go."""
        self.values[(MODE,) * len(self.assumed)] = self.mode
        for point in singles(self.spans):
            self.values[point] = self.play(self._at(point))
        swings = [driver.swing for driver in self._in_order()]
        pairs = [
            (one, other) for one, other in combinations(range(len(self.assumed)), 2) if corners(self.spans, one, other)
        ]
        for one, other in sorted(pairs, key=lambda pair: -swings[pair[0]] * swings[pair[1]]):
            points = corners(self.spans, one, other)
            if len(self.values) + len(points) > MOST_REPLAYS:
                self.pairs_apart += 1
                continue
            self.values |= {point: self.play(self._at(point)) for point in points}

    def _inside(self, seed: int) -> Iterator[tuple[tuple[Way, ...], Amounts]]:
        """Replays between the others: all assumptions somewhat lower, all higher, and with three or more points mixed."""
        if len(self.values) == 1:
            return
        draw = random.Random(f"{seed} {self.scenario.name} held")
        several = sum(bool(ends_of(span)) for span in self.spans) > 1
        for side in (LOW, HIGH, *([MODE] if several else [])):
            ways = tuple(self._way(span, side, draw) for span in self.spans)
            values = [value_on(span, way) for span, way in zip(self.spans, ways, strict=True)]
            yield ways, self.play(self._with(values))

    @staticmethod
    def _way(span: Ranged, side: int, draw: random.Random) -> Way:
        ends = ends_of(span)
        part = Decimal(draw.randrange(200, 801)).scaleb(-3)
        end = draw.choice((LOW, HIGH)) if side == MODE else side
        if not ends:
            return Way(HIGH, Decimal(0))
        return Way(end if end in ends else ends[0], part)

    def _at(self, point: Point) -> BoundScenario:
        return self._with([value_of(span, end) for span, end in zip(self.spans, point, strict=True)])

    def _with(self, values: Sequence[Decimal]) -> BoundScenario:
        """The scenario with a value for each range."""
        given = list(zip(self.assumed, values, strict=True))
        steps = [
            step.at({each.span.place: value for each, value in given if each.step == place}) if step.ranges else step
            for place, step in enumerate(self.scenario.steps)
        ]
        return replace(self.scenario, steps=tuple(steps))

    def _drivers(self) -> list[Driver]:
        return sorted(self._in_order(), key=lambda driver: -driver.swing)

    def _in_order(self) -> list[Driver]:
        return [self._driver(place, each) for place, each in enumerate(self.assumed)]

    def _driver(self, place: int, each: Assumed) -> Driver:
        low, high = (self._alone(place, end) for end in (LOW, HIGH))
        return Driver(
            step=self.steps_before + each.step + 1, strategy=self.scenario.steps[each.step].name, parameter=each.span.name,
            low=each.span.low, mode=each.span.mode, high=each.span.high,
            saving_low_usd=low.saving, saving_high_usd=high.saving,
        )  # fmt: skip

    def _alone(self, place: int, end: int) -> Amounts:
        point = tuple(end if n == place else MODE for n in range(len(self.assumed)))
        return self.values.get(point, self.mode)


def _range(values: Iterator[Decimal]) -> Range:
    low, middle, high = quantiles(list(values))
    return Range(p10_usd=low, p50_usd=middle, p90_usd=high)


def _monthly(found: Range, days: Decimal | None, options: ReplayOptions) -> Range | None:
    low, middle, high = (monthly(value, days, options) for value in (found.p10_usd, found.p50_usd, found.p90_usd))
    if low is None or middle is None or high is None:
        return None
    return Range(p10_usd=low, p50_usd=middle, p90_usd=high)
