"""When a strategy pays: the model that reports know."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from llmcost.money import EXACT
from llmcost.results.model import Assumption, Exhibit, Period, PricesUsed
from llmcost.results.shape import Shape, Usd

Verdict = Literal["always", "never", "above", "below", "mixed", "no-effect"]


class CurvePoint(Shape):
    """One volume: a month of it as it is and with the strategy."""

    factor: Usd = Field(description="Volume as a factor on the log's.")
    requests_per_month: Usd
    mtok_per_month: Usd = Field(description="Million input and output tokens a month.")
    baseline_usd: Usd = Field(description="A month without the strategy, USD.")
    option_usd: Usd = Field(description="A month with it, USD, all its own costs included.")


class Crossing(Shape):
    """A volume at which the two cost the same, between two that were replayed."""

    factor: Usd
    requests_per_month: Usd
    mtok_per_month: Usd
    usd_per_month: Usd
    pays: Literal["above", "below"] = Field(description="On which side of it the strategy is cheaper.")


class SizePoint(Shape):
    """One size of a sweep, at the log's own volume."""

    size: Usd
    option_usd: Usd = Field(description="A month with it, USD.")
    best: bool = False
    usual: bool = Field(default=False, description="What a rule of thumb takes: the median hour.")
    facts: dict[str, str] = Field(default_factory=dict)


class LeverLine(Shape):
    """What one uncertain number does to the monthly saving."""

    name: str
    low: str
    high: str
    saving_low_usd: Usd
    saving_high_usd: Usd

    @property
    def swing(self) -> Decimal:
        """How far the saving moves."""
        return abs(EXACT.subtract(self.saving_high_usd, self.saving_low_usd))


class RangeEnd(Shape):
    """The break-even with a ranged parameter at one of its values, everything else as it is."""

    parameter: str
    end: Literal["low", "mode", "high"]
    value: Usd
    saving_usd: Usd = Field(description="Saving a month at the log's own volume, USD.")
    verdict: Verdict
    crossings: list[Crossing]


class Use(Shape):
    """Use of what is bought, and the use at which it would cost what the API does."""

    now: Usd = Field(description="Part of the bought capacity that works, 0 to 1.")
    break_even: Usd | None = Field(description="U*: above 1 it never pays, at any volume; None: nothing is saved.")
    target: Usd | None = Field(default=None, description="Part that may be used before latency suffers.")
    most: Usd | None = Field(default=None, description="The largest part that any of the replayed volumes uses.")
    tokens_per_gpu_second: Usd | None = None
    full_use_usd_per_mtok: Usd | None = Field(default=None, description="USD per million tokens if it never idled.")
    api_usd_per_mtok: Usd | None = Field(default=None, description="USD per million of the same tokens at the API.")


class Once(Shape):
    """What is paid at the start, and when it is earned back."""

    upfront_usd: Usd
    monthly_net_usd: Usd = Field(description="Saving a month before the upfront cost.")
    months: Usd | None = Field(
        description="Months until it is earned back; None: never, or not before it is paid again."
    )
    on: date | None = Field(description="The day, counted from the end of the log.")
    on_low: date | None = Field(default=None, description="The day with the fewest months.")
    on_high: date | None = Field(default=None, description="The day with the most.")
    life_months: Usd | None = Field(default=None, description="Months after which it is paid again.")
    months_low: Usd | None = Field(default=None, description="The fewest months that any lever gives.")
    months_high: Usd | None = Field(default=None, description="The most; None with months: never under some lever.")


class BreakEven(Shape):
    """When a strategy pays."""

    kind: ClassVar[str] = "break-even"
    schema_version: Literal[1] = 1
    generated_with: str
    title: str = ""
    sources: list[str] = Field(default_factory=list)
    period: Period
    prices: PricesUsed
    strategy: str
    option: str = Field(description="One line: the strategy with its parameters.")
    verdict: Verdict = Field(description="At which volumes it pays, over those that were replayed.")
    requests: int
    baseline_usd: Usd = Field(description="A month of the log as it is, USD.")
    option_usd: Usd = Field(description="A month with the strategy, USD.")
    saving_usd: Usd
    price_factor: Usd | None = Field(description="Factor on the API's prices at which both cost the same.")
    curve: list[CurvePoint]
    crossings: list[Crossing]
    sizes: list[SizePoint] = Field(default_factory=list)
    size_name: str = ""
    levers: list[LeverLine]
    ranges: list[RangeEnd] = Field(
        default_factory=list, description="Where parameters are ranges: at each of their values."
    )
    use: Use | None = None
    once: Once | None = None
    facts: dict[str, str] = Field(default_factory=dict)
    exhibits: list[Exhibit] = Field(default_factory=list)
    assumptions: list[Assumption] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    unpriced_requests: int = 0
