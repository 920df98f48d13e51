"""The result of a replay, version 1: the only thing that reports and the check know.

Amounts are exact Decimals in USD and unrounded decimal strings in JSON.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from llmcost.results.shape import Shape, Usd
from llmcost.results.what_if_model import WhatIf

EvidenceKind = Literal["measured", "modelled", "assumed"]


class Tokens(Shape):
    """Counters over a set of rows; None where no row knows the counter."""

    requests: int = Field(description="Billed or billable calls of role primary.")
    rows: int = Field(description="Rows, failed and unbilled calls included.")
    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_output_tokens: int | None = None


class Slice(Tokens):
    """One line of a breakdown: the dimensions' values and what they cost. A dimension of None is unknown."""

    dimensions: dict[str, str | None] = Field(description="Dimension name to value, e.g. provider, model, feature.")
    cost_usd: Usd | None = Field(description="None: nothing of it could be priced.")
    unpriced_requests: int = 0


class SeriesPoint(Shape):
    """Cost of one day (in the result's time zone) and one value of the dimensions."""

    date: date
    dimensions: dict[str, str | None] = Field(default_factory=dict)
    cost_usd: Usd
    requests: int


class TokenLine(Shape):
    """What one class of tokens or fee cost."""

    token_class: str = Field(description="input, cache_read, output .., or a fee such as web_search.")
    quantity: Usd = Field(description="Tokens or units.")
    cost_usd: Usd


class Period(Shape):
    start: datetime | None = Field(description="First instant, floored to the hour, UTC; None without any time.")
    end: datetime | None = Field(description="End, exclusive, UTC.")
    days: Usd | None = Field(description="Length in days.")
    timezone: str = "UTC"
    month_days: Usd = Field(description="Days that a month is scaled to.")
    extrapolated: bool = Field(default=False, description="A month was scaled from under 24 hours (assumed).")


class PricesUsed(Shape):
    catalogue_sha256: str
    on: date | None = Field(default=None, description="The day whose prices were used; None: each request's own day.")
    overlay: str | None = None


class Unpriced(Shape):
    provider: str | None
    model: str | None
    reason: str
    requests: int
    rows: int = Field(
        default=0, description="Rows; a bucket that does not say how many calls it holds counts no request."
    )


class BilledByLog(Shape):
    """What the log itself says was charged, beside our list price of the same requests."""

    requests: int = Field(description="Requests whose log line carries a charge.")
    billed_usd: Usd = Field(description="Sum of the charges as reported.")
    list_usd: Usd = Field(description="The same requests at catalogue prices, as far as they are priced.")
    unpriced_requests: int = Field(default=0, description="Requests with a charge that have no catalogue price.")


class Repeated(Shape):
    """Records that say again what a charged one says."""

    source: str = Field(description="Source of the records that are not charged.")
    key: str = Field(description="What makes two records the same: response id, bucket dimensions ..")
    superseded: bool = Field(description="Whether they are other versions, which gave way to a later or fuller one.")
    count: int
    cost_usd: Usd | None = Field(description="List cost that charging them too would have added; None: no price.")


class Overlap(Shape):
    """Rows that describe the same traffic as others: one spend, charged once."""

    rule: str = Field(
        description="response id, owner and time, owner and span (of buckets), another export; or a doubt."
    )
    source: str = Field(description="Source of these rows.")
    charged: str = Field(description="Source, or grain, of the rows that are charged in their place.")
    left_out: bool = Field(
        description="False: too few rows of the source have a twin, so these are charged as their own."
    )
    rows: int
    cost_usd: Usd | None = Field(description="List cost of what is told of twice; None: no price.")
    partly: bool = Field(
        default=False, description="True: these buckets are told of in part; the rest of them is charged."
    )
    rest_usd: Usd | None = Field(
        default=None, description="List cost of that rest; None: no price, or nothing is left."
    )


class Coverage(Shape):
    """How much of the log the totals stand for."""

    records_read: int
    ingested: int
    duplicates: int
    superseded: int
    rejected: int
    repeated: list[Repeated] = Field(
        default_factory=list, description="The duplicates and superseded records by source and key, with their money."
    )
    overlaps: list[Overlap] = Field(default_factory=list, description="The same traffic in several sources or grains.")
    requests: int
    priced_requests: int
    priced_share: Usd | None = Field(description="Priced requests / requests; None without requests.")
    unpriced: list[Unpriced] = Field(default_factory=list)
    token_sources: dict[str, int] = Field(
        default_factory=dict, description="Rows by where their counts come from; unknown: nobody counted them."
    )
    assumed: dict[str, int] = Field(default_factory=dict, description="What was assumed, and for how many requests.")
    billed: BilledByLog | None = Field(default=None, description="None: no line of the log carries a charge.")


class ProblemCount(Shape):
    kind: str
    count: int
    example: str = Field(description="Place and values of the first one.")
    rejected: bool = False
    cost_usd: Usd | None = Field(default=None, description="Money of the rows it touches, where known.")


class Assumption(Shape):
    """A number that the log does not hold."""

    name: str
    value: str
    unit: str = ""
    source: str = Field(description="Where it comes from: user, provider rule with URL, default.")


class Evidence(Shape):
    """How much of a step's saving is known how; the three sum to saving_usd."""

    measured_usd: Usd
    modelled_usd: Usd
    assumed_usd: Usd


class Exhibit(Shape):
    """Numbers over time that a step shows: a line of values for each name, one for each instant."""

    title: str
    unit: str
    at: list[datetime] = Field(description="Instants, UTC.")
    lines: dict[str, list[Usd]] = Field(description="Name -> one value for each instant.")
    steps: list[str] = Field(default_factory=list, description="Lines that hold until the next instant.")
    week: list[str] = Field(default_factory=list, description="Hourly lines that are shown by weekday and hour too.")


class Step(Shape):
    strategy: str
    title: str = Field(description="One line: what the step did with its parameters.")
    saving_usd: Usd = Field(description="Net of everything the step adds; negative is a loss.")
    cost_added_usd: Usd = Field(description="What the step itself costs, already inside saving_usd.")
    requests_changed: int = Field(
        description="Calls whose rows the step changed; a bucket counts the calls it stands for."
    )
    changes_answers: bool = Field(default=False, description="Whether users may get other answers than they got.")
    evidence: Evidence
    assumptions: list[Assumption] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    facts: dict[str, str] = Field(
        default_factory=dict, description="What the step measured on the way: hit rate, achieved share .."
    )
    measures: dict[str, Usd] = Field(default_factory=dict, description="Numbers behind the facts: utilisation ..")
    exhibits: list[Exhibit] = Field(default_factory=list, description="Numbers over time: demand and fleet ..")


class FlatChargeLine(Shape):
    """A charge that no token causes."""

    sku: str
    quantity: Usd
    unit: str
    cost_usd: Usd | None = Field(description="None: no price is known, and nothing of it is in any total.")
    once_usd: Usd | None = Field(
        default=None, description="What is paid once, at the start; cost_usd is the period's part of it."
    )
    model: str | None = None
    note: str | None = None


class NotComparable(Shape):
    """Rows that are not priced before and after every step; left out of savings, in the open."""

    requests: int
    cost_usd: Usd | None = Field(description="What they cost in the baseline, as far as priced.")
    reasons: dict[str, int] = Field(default_factory=dict)


class Range(Shape):
    p10_usd: Usd
    p50_usd: Usd
    p90_usd: Usd


class Driver(Shape):
    """What one ranged assumption does to the saving, all others being at their modes."""

    step: int = Field(description="Number of the step, from 1.")
    strategy: str
    parameter: str = Field(description="Name of the parameter, dotted where it lies inside another.")
    low: Usd
    mode: Usd
    high: Usd
    saving_low_usd: Usd = Field(description="Saving over the period with the parameter at its low.")
    saving_high_usd: Usd = Field(description="The same at its high.")

    @property
    def swing(self) -> Decimal:
        """How far apart its two ends are."""
        return abs(self.saving_high_usd - self.saving_low_usd)


class ScenarioRange(Range):
    """What a scenario costs over the period if its ranged assumptions vary, and what it saves then."""

    saving: Range = Field(description="P10, P50 and P90 of saving_usd; a low cost is a high saving.")
    monthly_cost: Range | None = Field(
        default=None, description="The cost scaled to a month; None as monthly_cost_usd."
    )
    monthly_saving: Range | None = Field(default=None, description="The saving scaled to a month.")
    drivers: list[Driver] = Field(description="The assumptions, the one that moves the saving most first.")
    replays: int = Field(description="Replays that the range is interpolated between, the scenario itself among them.")
    draws: int = Field(description="Draws from the triangular distributions.")
    pairs_apart: int = Field(
        default=0, description="Pairs of assumptions whose joint effect was not replayed but taken as the sum of both."
    )
    held: int = Field(description="Further replays between these, which the interpolation was held against.")
    off_usd: Usd = Field(description="Greatest deviation of the interpolation from them.")


class MonthRange(Shape):
    """What months made of the log's own days would have cost and saved; nothing about assumptions, there are none."""

    cost: Range = Field(description="P10, P50 and P90 of a month's cost of the rows that are compared.")
    saving: Range = Field(description="P10, P50 and P90 of a month's saving.")
    days: int = Field(description="Whole days that weeks were drawn from.")
    draws: int


class Totals(Tokens):
    """The counters and costs of the baseline or a scenario."""

    cost_usd: Usd
    monthly_cost_usd: Usd | None = Field(description="Scaled to month_days; None under 24 hours unless asked for.")
    lines: list[TokenLine] = Field(default_factory=list)
    breakdown: list[Slice] = Field(default_factory=list)
    series: list[SeriesPoint] = Field(default_factory=list)


class Scenario(Totals):
    name: str
    saving_usd: Usd
    saving_share: Usd | None = Field(description="saving_usd / comparable baseline; None when that is zero.")
    monthly_saving_usd: Usd | None
    comparable_baseline_usd: Usd = Field(description="Baseline cost of the rows that are compared.")
    not_comparable: NotComparable
    range: ScenarioRange | None = Field(default=None, description="None: no assumption of the scenario is a range.")
    month_range: MonthRange | None = Field(
        default=None, description="None: something is assumed, or the log has under 14 whole days."
    )
    steps: list[Step]
    flat_charges: list[FlatChargeLine] = Field(default_factory=list)
    quality: dict[str, str] | None = Field(
        default=None, description="None: quality not measured; it matters where a step changes answers."
    )
    latency: dict[str, str] | None = None
    prices_on: date | None = None

    @property
    def changes_answers(self) -> bool:
        """Whether any step may give users other answers than they got."""
        return any(step.changes_answers for step in self.steps)


class Result(Shape):
    """A baseline and any number of scenarios over the same rows."""

    kind: ClassVar[str] = "simulation"
    schema_version: Literal[1] = 1
    generated_with: str = Field(description="llmcost and its version.")
    title: str = ""
    sources: list[str] = Field(default_factory=list, description="Names of the files or the store.")
    period: Period
    prices: PricesUsed
    coverage: Coverage
    problems: list[ProblemCount] = Field(default_factory=list)
    baseline: Totals
    scenarios: list[Scenario] = Field(default_factory=list)
    what_if: WhatIf | None = Field(default=None, description="Only where it was asked for: by a page, which shows it.")
    warnings: list[str] = Field(default_factory=list)
