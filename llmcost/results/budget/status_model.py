"""Budgets against a log, version 1: what is spent of each, and the windows that were passed."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field

from llmcost.results.model import Period, PricesUsed
from llmcost.results.shape import Shape, Usd

State = Literal["over", "will be over", "near", "within"]


class BudgetLine(Shape):
    """The window of a budget and owner in which the log ends."""

    budget: str
    owner: dict[str, str] = Field(description="Whose calls: column and value; empty: all of them.")
    unit: Literal["USD", "tokens"]
    action: Literal["block", "warn", "downgrade"]
    per: Literal["hour", "day", "week", "month"]
    start: datetime
    end: datetime
    limit: Usd
    spent: Usd = Field(description="What the log's calls add up to in the window.")
    share: Usd | None = Field(description="spent / limit; None where the limit is nothing.")
    a_day: Usd | None = Field(description="Burn rate, a day; None: too little of the window has passed.")
    projected: Usd | None = Field(description="Spent at the window's end at that rate.")
    exhausted_at: datetime | None = Field(description="When the limit was passed, or would be before the window ends.")
    state: State
    requests: int
    unknown_requests: int = Field(description="Requests without a price or counts: they are in no amount.")


class OverLine(Shape):
    """A window that was passed."""

    budget: str
    owner: dict[str, str]
    unit: Literal["USD", "tokens"]
    start: datetime
    end: datetime
    limit: Usd
    spent: Usd
    over_at: datetime = Field(description="The first call that passed the limit.")
    requests_over: int = Field(description="Requests from then on, had nothing been held up.")
    blocked: int = Field(description="Requests that the budgets would have blocked.")
    blocked_amount: Usd
    downgraded: int = Field(description="Requests that would have gone to the cheaper model.")


class BudgetStatus(Shape):
    """Budgets against a log, version 1."""

    kind: ClassVar[str] = "budget"
    schema_version: Literal[1] = 1
    generated_with: str
    title: str = ""
    sources: list[str] = Field(default_factory=list)
    budget_file: str
    timezone: str
    as_of: datetime | None = Field(description="Where the log ends; None: it has no times.")
    period: Period
    prices: PricesUsed
    lines: list[BudgetLine] = Field(default_factory=list, description="Nearest to its limit first.")
    over: list[OverLine] = Field(default_factory=list, description="Latest first.")
    warnings: list[str] = Field(default_factory=list)
