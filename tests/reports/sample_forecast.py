"""Forecasts to show: one with everything, one of a log that is too short."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from llmcost.results.forecast.model import Forecast, Outlook, PriceChange
from llmcost.results.forecast.outlook import ForecastOptions, forecast_of
from llmcost.results.forecast.parts import parts_of
from llmcost.results.forecast.series import DAY, settled
from llmcost.results.model import Period, PricesUsed

FIRST = date(2026, 7, 6)
CHANGE = date(2026, 10, 20)


def _daily(days: int) -> dict[date, Decimal]:
    """Weekends at a third, a wave of a seventh, one gap."""
    every = (FIRST + DAY * n for n in range(days))
    return {
        day: Decimal((30 if day.weekday() >= 5 else 90) + day.toordinal() * 7919 % 13)
        for day in every
        if day != date(2026, 8, 12)
    }


def _forecast(outlook: Outlook, **changes: object) -> Forecast:
    end = outlook.history[-1].date + DAY
    return Forecast(
        generated_with="llmcost 0",
        sources=["october.jsonl"],
        period=Period(
            start=datetime(2026, 7, 6, tzinfo=UTC),
            end=datetime(end.year, end.month, end.day, tzinfo=UTC),
            days=Decimal((end - FIRST).days),
            month_days=Decimal("30.4375"),
        ),
        prices=PricesUsed(catalogue_sha256="0" * 64),
        outlook=outlook,
    ).model_copy(update=changes)


def rich() -> Forecast:
    """Two months to come with a budget, a price change, a gap, teams with hostile names."""
    daily = _daily(94)
    options = ForecastOptions(months=2, budget=Decimal(2000), method="profile")
    outlook = forecast_of(
        daily, settled(daily, False, False, None), options, lambda day: Decimal("0.8") if day >= CHANGE else Decimal(1)
    )
    costs: dict[str | None, Decimal] = {"search | <b>": Decimal(2), "=1+1": Decimal(1), None: Decimal(1)}
    return _forecast(
        outlook,
        price_changes=[PriceChange(on=CHANGE, factor=Decimal("0.8"))],
        by="team",
        parts=parts_of(costs, outlook.total_usd, outlook.rounded_to),
        parts_days=28,
        unpriced_requests=3,
        warnings=["a remark\x1b[31m of the replay"],
    )


def short() -> Forecast:
    """Ten days: a run-rate and no more."""
    return _forecast(forecast_of(_daily(10)))
