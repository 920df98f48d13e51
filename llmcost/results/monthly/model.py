"""The monthly report as data, version 1. Amounts are exact Decimals in USD and unrounded decimal strings in JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal

from pydantic import Field

from llmcost.results.budget.status_model import OverLine
from llmcost.results.forecast.model import Outlook
from llmcost.results.model import Coverage, Evidence, Period, PricesUsed, ProblemCount
from llmcost.results.shape import Shape, Usd
from llmcost.results.what_if_model import WhatIf


class MonthCost(Shape):
    """What one month holds."""

    month: str = Field(description="YYYY-MM.")
    cost_usd: Usd | None = Field(
        description="Cost of the priced calls; None where the month has calls and none is priced."
    )
    requests: int = Field(description="Billed or billable calls of role primary.")
    unpriced_requests: int = Field(default=0, description="Calls of these without a price: in no amount.")
    rows: int
    days_with_calls: int = Field(description="Calendar days on which the log has anything.")


class Budget(Shape):
    """The month held against a budget."""

    name: str
    owner: str | None = Field(default=None, description="Whose it is, where every value has a budget of its own.")
    unit: Literal["USD", "tokens"] = "USD"
    amount: Usd
    spent: Usd
    left: Usd = Field(description="Below zero: overspent.")
    spent_share: Usd | None
    unpriced_requests: int = Field(default=0, description="Calls without a price, which are in no amount.")


class WindowBudget(Shape):
    """A budget of hours, days or weeks over the month's windows that have calls."""

    budget: str
    owner: dict[str, str] = Field(description="Whose calls: column and value; empty: all of them.")
    unit: Literal["USD", "tokens"]
    per: Literal["hour", "day", "week", "month"]
    amount: Usd
    windows: int = Field(description="Windows with a call of the owner.")
    over: int = Field(description="Windows that were passed in the month.")
    most: Usd = Field(description="The largest window's amount.")
    most_at: datetime = Field(description="Where that window begins.")
    above: Usd = Field(description="What was spent above the amount, in all windows together.")
    unknown_requests: int = Field(default=0, description="Calls without a price or counts: in no amount.")


class Windows(Shape):
    """The month held against budgets shorter than a month."""

    timezone: str = Field(description="Where windows begin: the budget file's.")
    budgets: list[WindowBudget]
    passed: list[OverLine] = Field(description="Earliest first.")


class Headline(Shape):
    this: MonthCost
    last: MonthCost
    change_usd: Usd | None = Field(
        description="None where either month's cost is unknown or the log has no last month."
    )
    change_share: Usd | None
    complete: bool = Field(description="Whether the log reaches the month's last day.")
    through: date | None = Field(description="Last day of the month that the log has calls of.")
    last_same_days_usd: Usd | None = Field(
        default=None, description="Last month's cost up to the same day of the month, where this month is incomplete."
    )
    budgets: list[Budget] = Field(default_factory=list)


class Effects(Shape):
    """Why an amount changed; the four sum to ``change_usd`` exactly."""

    last_usd: Usd
    this_usd: Usd
    change_usd: Usd
    volume_usd: Usd = Field(description="More or fewer calls, at last month's mix, tokens and prices.")
    mix_usd: Usd = Field(
        description="Other models, tiers or regions for the same calls, at last month's tokens and prices."
    )
    tokens_usd: Usd = Field(description="More or fewer tokens a call, cached or not, at last month's prices.")
    price_usd: Usd = Field(description="This month's tokens at this month's prices less at last month's.")


class Mover(Effects):
    value: str | None = Field(description="The dimension's value; None: unknown.")
    rest: int = Field(default=0, description="How many further values this line is the sum of.")
    last_requests: int
    this_requests: int


class Movers(Shape):
    dimension: str
    lines: list[Mover] = Field(description="Largest change first; what is left is one line.")


class SpendLine(Shape):
    value: str | None
    rest: int = Field(default=0, description="How many further values this line is the sum of.")
    cost_usd: Usd | None = Field(description="None: nothing of it is priced.")
    last_usd: Usd | None
    share: Usd | None = Field(description="Of the month's priced cost.")
    requests: int
    last_requests: int
    unpriced_requests: int = 0


class Spend(Shape):
    dimension: str
    values: int = Field(description="Values that either month has.")
    lines: list[SpendLine]


class SpendCell(Shape):
    """Both months of one combination of values; an amount of None is unknown, or there was nothing."""

    values: list[str | None]
    cost_usd: Usd | None
    last_usd: Usd | None
    requests: int
    last_requests: int
    unpriced_requests: int
    rest: list[int] = Field(
        default_factory=list, description="Places of the dimensions whose value is all those that are kept together."
    )


class SpendCells(Shape):
    """Spend by every combination of a few dimensions, of which each table of spend is a sum."""

    dimensions: list[str]
    kept_together: list[int] = Field(
        default_factory=list, description="How many values of each dimension are kept together, those that cost least."
    )
    cells: list[SpendCell]


class UnitCost(Shape):
    """The month's cost over a count of something."""

    unit: str
    count: int
    cost_usd: Usd = Field(description="Cost of the calls that say which one they belong to.")
    each_usd: Usd | None
    last_each_usd: Usd | None
    covers: Usd | None = Field(description="Share of the month's cost that is in cost_usd.")
    note: str = ""


class CacheLine(Shape):
    value: str | None
    input_tokens: int = Field(description="Of calls that say what was cached.")
    cache_read_input_tokens: int
    hit_share: Usd | None
    read_saving_usd: Usd = Field(description="Cached reads at the plain input rate less what they cost.")
    write_premium_usd: Usd = Field(description="Cache writes above the plain input rate.")
    net_saving_usd: Usd
    unknown_requests: int = Field(description="Calls that do not say what was cached.")


class Routing(Shape):
    """Calls that a router moved, at their own price and at the original model's."""

    requests: int
    compared_requests: int = Field(description="Those priced on both sides.")
    cost_usd: Usd
    original_usd: Usd = Field(description="The same calls on the model that was asked for first.")
    saving_usd: Usd = Field(description="Below zero: routing cost more.")
    pairs: list[RoutedPair] = Field(default_factory=list)
    assumptions: list[str] = Field(default_factory=list)


class RoutedPair(Shape):
    original: str
    model: str | None
    requests: int
    cost_usd: Usd | None
    original_usd: Usd | None
    saving_usd: Usd | None


class Efficiency(Shape):
    value: str | None
    requests: int
    input_tokens: int | None
    output_tokens: int | None
    output_per_input: Usd | None
    cached_share: Usd | None = Field(description="Of the input of calls that say what was cached.")
    cost_per_1k_output_usd: Usd | None


class Hidden(Shape):
    """Money inside the total that no line of a bill names. The lines overlap: they do not sum."""

    what: str
    cost_usd: Usd | None = Field(description="None: no call says how much of it is there.")
    last_usd: Usd | None
    share: Usd | None = Field(description="Of the month's priced cost.")
    tokens: int | None
    known_requests: int = Field(description="Calls that say.")
    requests: int
    evidence: Literal["measured", "modelled"]
    note: str = ""


class Storm(Shape):
    """A time in which calls failed and were sent again and again."""

    provider: str | None
    model: str | None
    feature: str | None
    first: datetime
    last: datetime
    attempts: int
    failed: int = Field(description="Attempts that ended in an error.")
    wasted_usd: Usd = Field(description="Cost of attempts that gave way to another one.")
    answered: int = Field(description="Attempts that ended well.")


class PriceChange(Shape):
    """A dated price change of the catalogue that met calls of the month."""

    model: str
    on: date
    service_tier: str | None
    rates: dict[str, list[Usd]] = Field(
        description="Class to [rate before, rate after], USD per million tokens or per unit."
    )
    effect_usd: Usd = Field(
        description="The month's calls from then until the next change, at the new price less at the old one."
    )
    requests: int


class Behind(Shape):
    """Who is behind an anomaly."""

    dimension: str
    value: str | None
    cost_usd: Usd
    usual_usd: Usd
    requests: int


class Anomaly(Shape):
    """Days on which a value cost far more, or less, than such days do."""

    dimension: str
    value: str | None
    start: date
    end: date
    cost_usd: Usd
    expected_usd: Usd = Field(description="Sum of the days' baselines.")
    excess_usd: Usd
    score: Usd = Field(description="Robust z of the farthest day.")
    requests: int
    rows: int
    first: datetime | None
    last: datetime | None
    behind: list[Behind] = Field(default_factory=list)
    price_changes: list[str] = Field(
        default_factory=list, description="Price changes, in the four weeks before, of models behind it."
    )
    part_of: str | None = Field(default=None, description="The narrower anomaly that explains this one.")


class Anomalies(Shape):
    method: str
    enough: bool = Field(description="Whether there are days enough to judge any.")
    found: list[Anomaly] = Field(default_factory=list)


class SharedRule(Shape):
    name: str
    split: str
    amount_usd: Usd
    allocated_usd: Usd
    requests: int | None = Field(description="Calls that the rule took; None for an amount that is in no log.")


class ShowbackLine(Shape):
    owner: str | None = Field(description="None: nobody.")
    direct_usd: Usd
    shared_usd: Usd
    total_usd: Usd
    share: Usd | None
    requests: int
    unpriced_requests: int = Field(default=0, description="Calls of these without a price: in no amount.")


class Showback(Shape):
    by: str
    lines: list[ShowbackLine]
    rules: list[SharedRule] = Field(default_factory=list)
    allocated_usd: Usd
    unallocated_usd: Usd = Field(description="Of nobody, and what rules could not give to anyone.")
    total_usd: Usd


class Unallocated(Shape):
    what: str
    cost_usd: Usd | None = Field(description="None: nothing of it is priced.")
    share: Usd | None
    requests: int


class WorthDoing(Shape):
    """A scenario that would have saved money."""

    name: str
    title: str
    saving_usd: Usd
    saving_share: Usd | None
    evidence: Evidence
    changes_answers: bool
    not_comparable_requests: int
    warnings: list[str] = Field(default_factory=list)


class Scenarios(Shape):
    worth: list[WorthDoing] = Field(default_factory=list, description="Largest saving first.")
    losing: list[str] = Field(default_factory=list, description="Scenarios that would have cost more.")
    idle: list[str] = Field(default_factory=list, description="Scenarios with nothing to do in this log.")


class Day(Shape):
    date: date
    cost_usd: Usd | None = Field(description="None: no call of the day is priced.")
    requests: int
    unpriced_requests: int


class Finding(Shape):
    """Something that happened in the month, with its money."""

    kind: Literal["price-change", "retry-storm", "mix-shift", "anomaly", "mover", "unpriced", "budget"]
    dimension: str | None = None
    value: str | None = None
    amount_usd: Usd | None
    start: date | None = None
    end: date | None = None
    text: str


class Monthly(Shape):
    """One month of LLM spend: what, against what, why, where it hides, and what would be worth doing."""

    kind: ClassVar[str] = "monthly"
    schema_version: Literal[1] = 1
    generated_with: str
    title: str = ""
    sources: list[str] = Field(default_factory=list)
    period: Period
    prices: PricesUsed
    coverage: Coverage
    problems: list[ProblemCount] = Field(default_factory=list)
    headline: Headline
    findings: list[Finding] = Field(default_factory=list, description="Largest first.")
    change: list[Mover] = Field(description="The whole change by model; the lines sum to ``total_change``.")
    total_change: Effects | None = Field(description="None where the log has no last month.")
    movers: list[Movers] = Field(default_factory=list)
    price_changes: list[PriceChange] = Field(default_factory=list)
    spend: list[Spend] = Field(default_factory=list)
    days: list[Day] = Field(default_factory=list)
    unit_costs: list[UnitCost] = Field(default_factory=list)
    caching: list[CacheLine] = Field(default_factory=list, description="The first line is the whole month.")
    routing: Routing | None = None
    efficiency: list[Efficiency] = Field(default_factory=list, description="The first line is the whole month.")
    hidden: list[Hidden] = Field(default_factory=list)
    storms: list[Storm] = Field(default_factory=list)
    unallocated: list[Unallocated] = Field(default_factory=list)
    showback: list[Showback] = Field(default_factory=list)
    anomalies: Anomalies
    windows: Windows | None = Field(default=None, description="None: no budget is shorter than a month.")
    scenarios: Scenarios | None = None
    cells: SpendCells | None = Field(
        default=None, description="Only where it was asked for: by a page, which filters by it."
    )
    what_if: WhatIf | None = Field(default=None, description="Only where it was asked for: by a page, which shows it.")
    forecast: Outlook | None = Field(
        default=None,
        description="What the days after the month's log will cost; None: not asked for, or no day to go on from.",
    )
    warnings: list[str] = Field(default_factory=list)


Routing.model_rebuild()
