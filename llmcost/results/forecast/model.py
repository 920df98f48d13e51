"""What a forecast found: the model that reports know."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from llmcost.results.model import Period, PricesUsed
from llmcost.results.shape import Shape, Usd

Status = Literal["forecast", "insufficient-history"]


class KnownDay(Shape):
    """A day of the log."""

    date: date
    cost_usd: Usd | None = Field(description="List cost at the day's own prices; None: the log has nothing of it.")
    settled: bool = Field(description="Whether the forecast rests on it.")


class Interval(Shape):
    """What the backtest's errors make of an amount: one in ten is below p10, one in ten above p90."""

    p10_usd: Usd
    p50_usd: Usd
    p90_usd: Usd


class ForecastDay(Shape):
    """A day to come."""

    date: date
    cost_usd: Usd
    range: Interval | None = None
    price_factor: Usd = Field(description="What dated price changes make of the recent mix; 1: as at the log's end.")


class Breach(Shape):
    """What a month's budget makes of the forecast."""

    budget_usd: Usd
    spent: bool = Field(description="Whether the settled days alone are above it.")
    on: date | None = Field(description="First day whose end finds the month above the budget, by the forecast itself.")
    probability: Usd | None = Field(description="Share of the drawn paths that end the month above it; None: no band.")
    early: date | None = Field(default=None, description="One path in ten is above the budget by the end of this day.")
    late: date | None = Field(default=None, description="Nine paths in ten are above it by the end of this day.")


class MonthForecast(Shape):
    """A calendar month: what is known of it and what is to come."""

    month: str = Field(description="YYYY-MM.")
    known_usd: Usd = Field(description="Settled days of the month, exactly.")
    known_days: int
    unknown_days: int = Field(description="Days of the month without a cost: gaps and days before the log; in no sum.")
    forecast_usd: Usd
    forecast_days: int
    complete: bool = Field(description="Whether the forecast reaches the month's end.")
    total_usd: Usd = Field(description="known_usd + forecast_usd.")
    range: Interval | None = Field(default=None, description="Of total_usd.")
    breach: Breach | None = None


class MethodScore(Shape):
    """How one method did on the log's own days: forecasts made at many earlier days, held against what came."""

    method: str
    title: str
    mape: Usd | None = Field(description="Mean of |error| / cost over days with a cost; None: there were none.")
    wape: Usd | None = Field(description="Sum of |error| / sum of costs, over all forecast days.")
    total_error: Usd | None = Field(description="Sum of |error of each forecast's sum| / sum of costs.")
    bias: Usd | None = Field(description="Sum of errors / sum of costs; above zero it forecasts too much.")
    chosen: bool = False


class Backtest(Shape):
    """Forecasts made at earlier days of the same log."""

    forecasts: int
    days: int = Field(description="Days held against a forecast, a day once for each forecast that reached it.")
    most_days: int = Field(description="The farthest day ahead that was tried.")
    scores: list[MethodScore]


class PriceChange(Shape):
    """A price that is already known to change after the log's end."""

    on: date
    factor: Usd = Field(description="Recent requests at this day's prices / at those of the log's end.")
    unpriced_requests: int = Field(default=0, description="Recent requests without a price on that day.")


class Part(Shape):
    """One value of a dimension: its share of the recent days, and so of the forecast."""

    value: str | None
    share: Usd
    forecast_usd: Usd


class Outlook(Shape):
    """A daily series and what is to come of it."""

    status: Status
    why: str = Field(description="Why there is no more than a run-rate; empty for a forecast.")
    method: str
    settled_days: int = Field(description="Settled days with a known cost.")
    gaps: int = Field(description="Days inside the settled history without a cost: unknown, not zero.")
    last_settled: date
    rule: str = Field(description="Which days are settled.")
    rounded_to: Usd = Field(description="Forecast amounts are rounded to this: three digits of a day's cost.")
    run_rate_usd: Usd = Field(description="Mean of the last seven known days.")
    history: list[KnownDay]
    days: list[ForecastDay]
    total_usd: Usd = Field(description="Sum of the days to come.")
    range: Interval | None = Field(default=None, description="Of total_usd.")
    months: list[MonthForecast]
    backtest: Backtest | None = None
    notes: list[str] = Field(default_factory=list)


class BudgetBreach(Shape):
    """One budget of a budget file, one owner and one month: the forecast of its own calls against its amount."""

    budget: str
    owner: dict[str, str] = Field(description="Whose calls: column and value; empty: all of them.")
    unit: Literal["USD", "tokens"]
    month: str = Field(description="YYYY-MM.")
    amount: Usd
    known: Usd = Field(description="Settled days of the month, exactly.")
    forecast: Usd = Field(description="The days to come.")
    total: Usd
    p10: Usd | None = Field(default=None, description="Of total; None: no band.")
    p90: Usd | None = None
    complete: bool = Field(description="Whether the forecast reaches the month's end.")
    status: Status
    method: str
    spent: bool = Field(description="Whether the settled days alone are above the amount.")
    on: date | None = Field(description="First day whose end finds the month above the amount, by the forecast itself.")
    probability: Usd | None = Field(description="Share of the drawn paths that end the month above it; None: no band.")
    early: date | None = Field(default=None, description="One path in ten is above it by the end of this day.")
    late: date | None = Field(default=None, description="Nine paths in ten are above it by the end of this day.")


class Forecast(Shape):
    """What the log will cost if it goes on."""

    kind: ClassVar[str] = "forecast"
    schema_version: Literal[1] = 1
    generated_with: str
    title: str = ""
    sources: list[str] = Field(default_factory=list)
    period: Period
    prices: PricesUsed
    outlook: Outlook
    price_changes: list[PriceChange] = Field(default_factory=list)
    by: str | None = Field(default=None, description="The dimension of parts.")
    parts: list[Part] = Field(default_factory=list, description="The forecast by dimension; they sum to total_usd.")
    parts_days: int = Field(default=0, description="The recent days that the shares were taken from.")
    budgets: list[BudgetBreach] = Field(default_factory=list, description="Of a budget file: the fullest first.")
    growth: Usd | None = Field(default=None, description="Growth a month that the user gave; None: as the log shows.")
    seed: int = 0
    unpriced_requests: int = Field(default=0, description="Requests of the log without a price; in no amount.")
    warnings: list[str] = Field(default_factory=list)
