"""A reconciliation, version 1: what the log costs at list prices beside what was billed, the gap and its cause.

A gap is billed less list. Amounts are exact Decimals in USD; an amount in another currency stands beside its own code.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from llmcost.results.model import Period, PricesUsed
from llmcost.results.shape import Shape, Usd

Basis = Literal["bill", "log"]
Certainty = Literal["exact", "explained", "suspected", "none"]
CAUSES = (
    "none", "rounding", "missing usage", "missing from the bill", "free allowance", "unpriced", "counted twice", "usage not billed", "batch discount", "service tier",
    "region or residency", "cache", "context tier", "price of another day", "day boundary", "discount", "markup", "unexplained",
)  # fmt: skip
"""Every cause that a gap can have; ``none``: list and bill agree to the last digit."""


class Sum(Shape):
    """List and billed of some cells."""

    provider: str | None = None
    model: str | None = None
    day: date | None = None
    billed_usd: Usd
    list_usd: Usd = Field(description="The known part: requests without a price are in no list cost.")
    gap_usd: Usd = Field(description="billed - list.")
    gap_share: Usd | None = Field(description="gap / billed to 12 digits; None where nothing was billed.")
    unexplained_usd: Usd = Field(description="The part of the gap whose cause is not known.")
    requests: int
    unpriced_requests: int = 0
    cells: int


class GapCell(Shape):
    """The finest place where list and bill can be compared: provider, days, and the model where the bill names it."""

    provider: str
    model: str | None = Field(description="None: the bill names no model for these days.")
    line_item: str | None = Field(
        default=None, description="The bill's own words, where all lines of the cell share them."
    )
    start: date
    end: date = Field(description="The last day, included.")
    billed_usd: Usd
    list_usd: Usd | None = Field(description="None: the log has no usage here, or none of it has a price.")
    gap_usd: Usd = Field(description="billed - list, an unknown list taken as nothing.")
    gap_share: Usd | None
    requests: int
    unpriced_requests: int
    cause: str = Field(description="One of the known causes, or unexplained.")
    certainty: Certainty = Field(
        description="exact: no gap; explained: the cause gives the billed amount within the tolerance; suspected: it can, but no sum proves it."
    )
    detail: str = Field(description="What was tried, in words.")
    expected_usd: Usd | None = Field(default=None, description="The cost under the cause, where it is a sum.")
    also: list[str] = Field(default_factory=list, description="Other causes that give the same amount.")


class CauseSum(Shape):
    """The gap of all cells with one cause."""

    cause: str
    certainty: Certainty
    gap_usd: Usd
    cells: int
    detail: str = Field(description="What was found, of the largest cell.")


class ItemLine(Shape):
    """One line item of a bill over all its days, beside the log's own quantity and list cost where they can be matched."""

    provider: str
    line_item: str | None
    model: str | None
    token_class: str | None
    billed_usd: Usd | None
    billed_quantity: Usd | None
    quantity_unit: str | None
    logged_quantity: Usd | None = Field(description="Tokens or units of the class in the log; None: cannot be matched.")
    list_usd: Usd | None
    lines: int


class OtherCharge(Shape):
    """Charges of a bill that are no usage: credits, taxes, purchases, adjustments. They belong to no gap."""

    provider: str
    category: str
    line_item: str | None
    currency: str
    amount: Usd
    usd: Usd | None
    lines: int


class Currency(Shape):
    """Amounts of one currency are never added to another's; a rate is given or the dollars are unknown."""

    currency: str
    amount: Usd
    usd_per_unit: Usd | None = Field(description="What one unit is in USD; None: no rate is known.")
    rate_source: str = Field(description="user, bill, or empty.")
    usd: Usd | None
    lines: int


class LeftOut(Shape):
    """What is on one side only, or twice, and so not compared."""

    what: str
    provider: str
    amount_usd: Usd | None
    amount: Usd | None = Field(default=None, description="In ``currency``, where dollars are unknown.")
    currency: str | None = None
    lines: int = Field(description="Bill lines, or requests.")
    twice: bool = Field(default=False, description="Another line or row that is compared says the same.")


class Part(Shape):
    """One kind of billed amounts: the lines of bills, or the charge that each request of the log carries itself."""

    basis: Basis
    total: Sum
    providers: list[Sum]
    models: list[Sum]
    days: list[Sum]
    causes: list[CauseSum]
    cells: list[GapCell]


class Verdict(Shape):
    """Whether the gap is over the threshold, of the whole or of any provider; None: nothing could be compared."""

    over: bool | None
    threshold_share: Usd
    worst_share: Usd | None
    reason: str


class Reconciliation(Shape):
    """List against billed."""

    kind: ClassVar[str] = "reconciliation"
    schema_version: Literal[1] = 1
    generated_with: str
    title: str = ""
    sources: list[str]
    period: Period
    prices: PricesUsed
    tolerance_share: Usd = Field(description="A cause must give the billed amount to this share of it, or to rounding.")
    parts: list[Part]
    items: list[ItemLine]
    others: list[OtherCharge]
    currencies: list[Currency]
    left_out: list[LeftOut]
    verdict: Verdict
    warnings: list[str] = Field(default_factory=list)
