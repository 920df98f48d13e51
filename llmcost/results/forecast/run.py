"""The forecast of a store: its daily costs by a replay, coming prices by replaying the recent mix, shares by another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from llmcost import __version__
from llmcost.errors import UsageError
from llmcost.money import EXACT, RATIO, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.forecast.model import Forecast, Outlook, Part, PriceChange
from llmcost.results.forecast.outlook import ForecastOptions, forecast_of, month_after
from llmcost.results.forecast.parts import parts_of
from llmcost.results.forecast.series import DAY, Settled, settled
from llmcost.results.model import Period, Result, Scenario, Totals
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import add
from llmcost.results.replay import replay
from llmcost.results.scenario import BoundScenario, bind
from llmcost.results.selection import instant_of
from llmcost.usage.store import Store

RECENT_DAYS: Final = 28
"""The days whose mix of models and owners the future is taken to have: four of each weekday."""


def forecast(store: Store, catalogue: Catalogue, options: ReplayOptions, wanted: ForecastOptions) -> Forecast:
    """What the store's rows will cost if they go on; UsageError where there is no day to go on from."""
    result = replay(store, catalogue, [], replace(options, dimensions=()))
    daily = daily_of(result.baseline)
    if not daily:
        raise UsageError(
            "no row of the log has a time and a price", hint="llmcost simulate shows what is left out, and why"
        )
    kept = settled(daily, *whole_ends(result.period, daily), wanted.settled)
    recent = _Recent(store, catalogue, options, kept)
    changes = recent.changes(result, _horizon(kept, wanted))
    factors = {change.on: change.factor for change in changes}
    days = sorted(factors)

    def factor(day: date) -> Decimal:
        place = bisect_right(days, day)
        return factors[days[place - 1]] if place else Decimal(1)

    outlook = forecast_of(daily, kept, wanted, factor)
    unpriced = result.coverage.requests - result.coverage.priced_requests
    return Forecast(
        generated_with=f"llmcost {__version__}",
        title=options.title,
        sources=list(options.sources),
        period=result.period,
        prices=result.prices,
        outlook=outlook,
        price_changes=changes,
        by=wanted.by,
        parts=recent.parts(wanted.by, outlook) if wanted.by else [],
        parts_days=min(RECENT_DAYS, outlook.settled_days),
        growth=wanted.growth,
        seed=wanted.seed,
        unpriced_requests=unpriced,
        warnings=[*result.warnings, *_gone(changes)],
    )


def _gone(changes: Sequence[PriceChange]) -> list[str]:
    """What has no price any more on a coming day."""
    return [
        f"{change.unpriced_requests:,} recent requests have no price on {change.on}; their cost is forecast at the prices before"
        for change in changes
        if change.unpriced_requests
    ]


def daily_of(totals: Totals) -> dict[date, Decimal]:
    """Cost by day of a baseline or scenario; a day of which nothing has a price is unknown and not there."""
    names = ("provider", "model")
    priced = {tuple(s.dimensions.get(n) for n in names) for s in totals.breakdown if s.cost_usd is not None}
    found: dict[date, Decimal] = {}
    for point in totals.series:
        if tuple(point.dimensions.get(n) for n in names) in priced:
            found[point.date] = add((found.get(point.date, ZERO), point.cost_usd))
    return found


def whole_ends(period: Period, daily: Mapping[date, Decimal]) -> tuple[bool, bool]:
    """Whether the log covers its first day from the first hour on, and its last one up to the last hour."""
    zone = ZoneInfo(period.timezone)
    if period.start is None or period.end is None:
        return True, True
    first = datetime.combine(min(daily), time(), zone)
    after = datetime.combine(max(daily) + DAY, time(), zone)
    hour = timedelta(hours=1)
    return period.start < first + hour, period.end > after - hour


def _horizon(kept: Settled, wanted: ForecastOptions) -> tuple[date, date] | None:
    """First day of the forecast, and first day behind it."""
    if not kept.days:
        return None
    first = max(kept.days) + DAY
    return first, wanted.until or month_after(first, wanted.months)


class _Recent:
    """The last settled days of the log, replayed for what they say of the next ones."""

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

    def changes(self, result: Result, horizon: tuple[date, date] | None) -> list[PriceChange]:
        """The days of the forecast from which other prices hold, each with what it makes of the recent mix.

        The mix is priced at noon of that day and at noon of the last settled one, by the same replay as everything else.
        """
        if horizon is None:
            return []
        days = self._dated(result, *horizon)
        if not days:
            return []
        priced = replay(self.store, self.catalogue, [_on(day) for day in (self.last, *days)], self.options)
        before, *after = (_ratio(scenario) for scenario in priced.scenarios)
        if not before:
            return []
        return [
            PriceChange(
                on=day,
                factor=RATIO.divide(ratio, before).quantize(Decimal("1e-12")).normalize(),
                unpriced_requests=scenario.not_comparable.requests,
            )
            for day, ratio, scenario in zip(days, after, priced.scenarios[1:], strict=True)
        ]

    def _dated(self, result: Result, first: date, end: date) -> list[date]:
        """Days in [first, end) from which an entry, discount or fee of a model of the log holds or ends."""
        named = {(s.dimensions.get("provider"), s.dimensions.get("model")) for s in result.baseline.breakdown}
        models = [model for provider, name in named if name and (model := self.catalogue.resolve(provider, name))]
        moments = [datetime.fromtimestamp(at // 1_000_000, UTC) for at in self.catalogue.cuts(models).instants]
        days = {at.date() if at.hour < 12 else at.date() + DAY for at in moments}
        return sorted(day for day in days if first <= day < end)

    def parts(self, by: str, outlook: Outlook) -> list[Part]:
        """The forecast by a usage column, in the proportions of the recent days."""
        result = replay(self.store, self.catalogue, [], replace(self.options, dimensions=(by,)))
        costs: dict[str | None, Decimal] = {}
        for line in result.baseline.breakdown:
            value = line.dimensions.get(by)
            costs[value] = add((costs.get(value, ZERO), line.cost_usd or ZERO))
        return parts_of(costs, outlook.total_usd, outlook.rounded_to)


def _ratio(scenario: Scenario) -> Decimal:
    """Cost at that day's prices / at own-day prices, of the rows that both have a price for."""
    own = scenario.comparable_baseline_usd
    return RATIO.divide(EXACT.subtract(own, scenario.saving_usd), own) if own else ZERO


def _on(day: date) -> BoundScenario:
    return BoundScenario(f"prices of {day}", (bind("price-day", {"on": day.isoformat()}),))
