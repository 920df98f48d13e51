"""The last settled days of a log, replayed for what they say of the next ones: coming prices, and who has which part."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from llmcost.money import EXACT, RATIO, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.forecast.model import PriceChange
from llmcost.results.forecast.series import DAY, Settled
from llmcost.results.model import Result, Scenario
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import add
from llmcost.results.replay import replay
from llmcost.results.scenario import BoundScenario, BoundStep, bind
from llmcost.results.selection import instant_of
from llmcost.usage.store import Store

RECENT_DAYS: Final = 28
"""The days whose mix of models and owners the future is taken to have: four of each weekday."""
_PLACES: Final = Decimal("1e-12")


class Recent:
    """The recent days of a store, as its settled days say which these are."""

    def __init__(self, store: Store, catalogue: Catalogue, options: ReplayOptions, kept: Settled) -> None:
        self.store, self.catalogue, self.kept = store, catalogue, kept
        last = max(kept.days, default=date.min)
        first = max(last - DAY * (RECENT_DAYS - 1), min(kept.days, default=date.min)) if kept.days else last
        self.last = last
        zone = ZoneInfo(options.timezone)
        since, until = (
            (instant_of(datetime.combine(day, time(), zone)) for day in (first, last + DAY))
            if kept.days
            else (None, None)
        )
        self.options = replace(options, since=since, until=until, dimensions=())

    def changes(self, days: Sequence[date], steps: Sequence[BoundStep] = ()) -> list[PriceChange]:
        """What the prices of ``days`` make of the recent mix behind ``steps``; nothing where that cost nothing.

        The mix is priced at noon of each day and at noon of the last settled one, by the same replay as everything else.
        What no request causes has no day's price and is in neither.
        """
        if not days:
            return []
        scenarios = [on_day(day, steps) for day in (self.last, *days)]
        priced = replay(self.store, self.catalogue, scenarios, self.options)
        before, *after = (_ratio(scenario) for scenario in priced.scenarios)
        if not before:
            return []
        return [
            PriceChange(
                on=day,
                factor=RATIO.divide(ratio, before).quantize(_PLACES).normalize(),
                unpriced_requests=scenario.not_comparable.requests,
            )
            for day, ratio, scenario in zip(days, after, priced.scenarios[1:], strict=True)
        ]

    def costs(self, by: str) -> dict[str | None, Decimal]:
        """What each value of a usage column cost in the recent days."""
        result = replay(self.store, self.catalogue, [], replace(self.options, dimensions=(by,)))
        found: dict[str | None, Decimal] = {}
        for line in result.baseline.breakdown:
            value = line.dimensions.get(by)
            found[value] = add((found.get(value, ZERO), line.cost_usd or ZERO))
        return found


def dated(catalogue: Catalogue, result: Result, first: date, end: date) -> list[date]:
    """Days in [first, end) from which an entry, discount or fee of a model of the log or of its scenarios holds or ends."""
    sides = (result.baseline, *result.scenarios)
    named = {
        (line.dimensions.get("provider"), line.dimensions.get("model")) for side in sides for line in side.breakdown
    }
    models = [model for provider, name in named if name and (model := catalogue.resolve(provider, name))]
    moments = [datetime.fromtimestamp(at // 1_000_000, UTC) for at in catalogue.cuts(models).instants]
    days = {at.date() if at.hour < 12 else at.date() + DAY for at in moments}
    return sorted(day for day in days if first <= day < end)


def on_day(day: date, steps: Sequence[BoundStep] = ()) -> BoundScenario:
    """The rows behind ``steps`` at a day's prices."""
    return BoundScenario(f"prices of {day}", (*steps, bind("price-day", {"on": day.isoformat()})))


def factor_of(changes: Iterable[PriceChange]) -> Callable[[date], Decimal]:
    """What coming prices make of a day: that of the last change before it."""
    factors: Mapping[date, Decimal] = {change.on: change.factor for change in changes}
    days = sorted(factors)

    def factor(day: date) -> Decimal:
        place = bisect_right(days, day)
        return factors[days[place - 1]] if place else Decimal(1)

    return factor


def _ratio(scenario: Scenario) -> Decimal:
    """Cost at that day's prices / at own-day prices, of the rows that both have a price for."""
    own = scenario.comparable_baseline_usd
    flat = add(line.cost_usd or ZERO for line in scenario.flat_charges)
    cost = EXACT.subtract(EXACT.subtract(own, scenario.saving_usd), flat)
    return RATIO.divide(cost, own) if own else ZERO
