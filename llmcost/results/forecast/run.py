"""The forecast of a store: its daily costs by a replay, coming prices by replaying the recent mix, shares by another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from llmcost import __version__
from llmcost.errors import UsageError
from llmcost.money import ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.forecast.model import Forecast, PriceChange
from llmcost.results.forecast.outlook import ForecastOptions, forecast_of, month_after
from llmcost.results.forecast.parts import parts_of
from llmcost.results.forecast.recent import RECENT_DAYS, Recent, dated, factor_of
from llmcost.results.forecast.series import DAY, Settled, settled
from llmcost.results.model import Period, Totals
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import add
from llmcost.results.replay import replay
from llmcost.usage.store import Store


def forecast(store: Store, catalogue: Catalogue, options: ReplayOptions, wanted: ForecastOptions) -> Forecast:
    """What the store's rows will cost if they go on; UsageError where there is no day to go on from."""
    result = replay(store, catalogue, [], replace(options, dimensions=()))
    daily = daily_of(result.baseline)
    if not daily:
        raise UsageError(
            "no row of the log has a time and a price", hint="llmcost simulate shows what is left out, and why"
        )
    kept = settled(daily, *whole_ends(result.period, daily), wanted.settled)
    recent = Recent(store, catalogue, options, kept)
    horizon = _horizon(kept, wanted)
    changes = recent.changes(dated(catalogue, result, *horizon) if horizon else ())
    outlook = forecast_of(daily, kept, wanted, factor_of(changes))
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
        parts=parts_of(recent.costs(wanted.by), outlook.total_usd, outlook.rounded_to) if wanted.by else [],
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
