"""A check, version 1: what a month would cost after a change, and every limit that it was held to."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from llmcost.results.forecast.model import PriceChange
from llmcost.results.model import Period, PricesUsed, Range
from llmcost.results.shape import Shape, Usd

Verdict = Literal["PASS", "WARN", "FAIL", "NOT-EVALUATED"]
State = Literal["pass", "warn", "block", "not evaluated"]
BasisName = Literal["run-rate", "forecast"]
BasisWish = Literal["auto", "run-rate", "forecast"]
Measure = Literal["monthly", "increase", "increase_percent", "per_request", "per_success", "tokens"]


class Finding(Shape):
    """One limit and one owner: what was measured, and what the limit says to it."""

    limit: str = Field(description="Name of the budget or limit in the budget file.")
    measure: Measure = Field(description="What is compared; tokens: those of a month.")
    owner: dict[str, str] = Field(description="Whose calls: column and value; empty: all of them.")
    before: Usd | None = Field(description="The measure before the change; None: not known, or there is no before.")
    after: Usd | None = Field(description="The measure after it, or of the log as it is; None: not known.")
    value: Usd | None = Field(description="What is held to the thresholds: after, or the increase; None: not known.")
    warn: Usd | None = None
    block: Usd | None = None
    state: State
    news: Literal["", "new", "rises", "old"] = Field(
        default="", description="Whether the limit was passed before: new, old, or old and further up."
    )
    reason: str = Field(default="", description="In words, where the numbers do not say it.")
    unpriced_requests: int = Field(default=0, description="Requests without a price: the cost is at least this.")
    per: Literal["", "hour", "day", "week", "month"] = Field(
        default="",
        description="A budget's own window: its amount is held for all of a month's windows; empty: a limit.",
    )


class Traffic(Shape):
    """What the projection stands on."""

    requests: int = Field(description="Requests of the log that are projected.")
    requests_a_month: Usd | None = Field(description="The same scaled to a month; None under 24 hours.")
    days: Usd | None
    full_days: int = Field(description="Whole days that the range is drawn from.")
    note: str = Field(default="", description="What speaks against the projection, in words.")


class Basis(Shape):
    """How a month was made of the log."""

    kind: BasisName = Field(default="run-rate", description="run-rate: the log's pace; forecast: as llmcost forecast.")
    note: str = Field(default="", description="The basis in words, and why it is no forecast.")
    method: str | None = Field(default=None, description="The forecast's method, chosen by its backtest.")
    settled_days: int | None = Field(default=None, description="Settled days that the forecast rests on.")
    first_day: date | None = Field(default=None, description="First day of the month that is forecast.")
    factor: Usd | None = Field(default=None, description="What requests cost that month / at the log's pace, after.")
    factor_before: Usd | None = Field(default=None, description="The same before the change.")
    price_changes: list[PriceChange] = Field(
        default_factory=list, description="Dated in that month: what they make of the recent calls behind the change."
    )
    prices_usd: Usd | None = Field(
        default=None, description="What price_changes add to after_usd; None: there are none."
    )
    prices_before_usd: Usd | None = Field(default=None, description="The same of before_usd.")
    prices_note: str = Field(default="", description="Why price changes that are dated are left out.")
    requests_factor: Usd | None = Field(default=None, description="Requests (and tokens) of that month / at the pace.")


class Check(Shape):
    """The verdict and everything that it rests on."""

    kind: ClassVar[str] = "check"
    schema_version: Literal[1] = 1
    generated_with: str
    title: str = ""
    sources: list[str] = Field(default_factory=list)
    budget_file: str
    verdict: Verdict
    reason: str = Field(description="The verdict in one sentence.")
    change: list[str] = Field(
        default_factory=list, description="What is proposed, step by step; empty: the log as it is."
    )
    against: str | None = Field(default=None, description="The saved check or simulation that decides what is new.")
    period: Period
    prices: PricesUsed
    traffic: Traffic
    basis: Basis = Field(default_factory=Basis)
    before_usd: Usd | None = Field(description="A month before the change; None: not known, or there is no before.")
    after_usd: Usd | None = Field(
        description="A month after it; None: under 24 hours of log, no request, or none with a price."
    )
    unpriced_requests: int = Field(
        default=0, description="Requests without a price: the amounts are at least what they say."
    )
    range: Range | None = Field(
        default=None,
        description="Of after_usd: the forecast's band, or for a run-rate from resampled days; None: too few days.",
    )
    assumed_range: Range | None = Field(
        default=None, description="Of after_usd, from the change's ranged assumptions; None: it has none."
    )
    currency: str = "USD"
    usd_per_unit: Usd | None = None
    findings: list[Finding] = Field(default_factory=list, description="Blocking ones first.")
    gaps: list[str] = Field(default_factory=list, description="What the numbers leave out; --strict fails on them.")
    warnings: list[str] = Field(default_factory=list)
