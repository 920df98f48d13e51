"""The contract of a strategy: a pure function from a workload (usage table and flat charges) to a workload.

A strategy file ends in ``STRATEGY = Strategy(...)``. ``rewrite`` is lazy: it builds Ibis expressions, assumes no row
order and loops over no rows. It may ask the stage what is for sale, but never multiplies a rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import prod
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from llmcost.errors import UsageError
from llmcost.money import EXACT

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from llmcost.pricing.catalogue import Catalogue
    from llmcost.pricing.names import ModelRef

Law = Literal["requests", "rows", "input_tokens", "output_tokens", "models", "time", "prices"]
"""What a strategy may promise to leave as it is, over the rows that are sent."""

MEASURED: Final = 1
MODELLED: Final = 2
ASSUMED: Final = 3
"""How the change of a row is known; the column ``evidence`` holds one of these, 0 for rows left alone."""

WORK: Final[Mapping[str, str]] = {
    "row_id": "int64", "request_key": "int64", "user_key": "int64", "conversation_key": "int64",
    "model": "int64", "selected": "boolean", "sent": "boolean", "branch": "int64", "priced_at": "int64",
    "logged_input_tokens": "int64", "logged_model": "int64", "changed": "boolean", "evidence": "int64", "tally": "int64",
}  # fmt: skip
"""Columns of a workload's rows beyond the usage columns.

``model``: id in the stage's model table; ``selected``: to be charged and rewritten (others only warm caches); ``sent``:
reaches a provider and is billed; ``branch``: see :class:`Branches`; ``priced_at``: the instant whose prices apply;
``logged_*``: as in the log; ``changed``, ``evidence`` and ``tally``: set by the step under way.
"""


class Params(BaseModel):
    """Parameters of a strategy: frozen, no extras; every field has a description with its unit."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)


class Selecting(Params):
    """Parameters of a strategy that acts on a part of the rows."""

    when: str | None = Field(default=None, description="SQL condition over the usage columns; absent: all rows.")
    share: Decimal = Field(
        default=Decimal(1), ge=0, le=1, description="Part of the matching rows, drawn stably (0 to 1)."
    )
    by: Literal["request", "user", "conversation"] = Field(
        default="request", description="What is drawn together when share is below 1."
    )


_MOST_BRANCHES: Final = 2**62


@dataclass(frozen=True)
class Weight:
    """What a branch stands for: ``count`` of the row's requests and tokens, at ``cost`` times the price."""

    count: Decimal = Decimal(1)
    cost: Decimal = Decimal(1)


@dataclass(frozen=True)
class Branches:
    """Exact weights of split rows. An assumed rate splits a row; it is never drawn.

    A row's ``branch`` counts in mixed radix, the latest split in the lowest place.
    """

    splits: tuple[tuple[Weight, ...], ...] = ()

    def split(self, weights: tuple[Weight, ...]) -> Branches:
        """One more split into ``weights``: the rows' new branch is ``branch * len(weights) + place``.

        UsageError where a number of 64 bits could not tell the branches apart any more.
        """
        splits = (*self.splits, weights)
        if prod(len(each) for each in splits) > _MOST_BRANCHES:
            raise UsageError(
                "this scenario divides its rows too often",
                why=f"{len(self.splits)} growths, discounts, shares and assumed rates come before it, and each divides the rows again",
                hint="put what has the same condition into one step",
            )
        return Branches(splits)

    def weight(self, branch: int) -> Weight:
        """The product of the weights along a branch."""
        count, cost = Decimal(1), Decimal(1)
        for weights in reversed(self.splits):
            branch, place = divmod(branch, len(weights))
            count = EXACT.multiply(count, weights[place].count)
            cost = EXACT.multiply(cost, weights[place].cost)
        return Weight(count, cost)


@dataclass(frozen=True)
class FlatCharge:
    """A charge that no token causes: ``quantity`` of ``unit`` of a SKU (``per_unit`` class of ``model``), or at ``unit_usd``,
    or an amount.
    """

    sku: str
    quantity: Decimal
    unit: str
    model: str | None = None
    amount_usd: Decimal | None = None
    unit_usd: Decimal | None = None
    """USD per unit where no model's price list has the SKU: GPU-hours, training, what the user gave."""
    note: str | None = None
    at: int | None = None
    """The instant (microseconds) whose price applies; None: the scenario's price day, else the end of the period."""
    evidence: int = MODELLED
    """How the quantity is known; an amount that the user gave is ASSUMED."""
    once: Decimal | None = None
    """What is paid once, at the start, in ``unit``; ``quantity`` is the part of it that the log's period bears."""


@dataclass(frozen=True)
class Workload:
    """What flows through a scenario."""

    rows: ir.Table
    charges: tuple[FlatCharge, ...] = ()
    branches: Branches = field(default_factory=Branches)
    touched: bool = False
    """A step added or re-timed rows, so every cache that depends on neighbours must be replayed whole."""
    moved: bool = False
    """A step moved rows to other models or keeps them from being sent, which the rows show themselves (``logged_model``,
    ``sent``): the caches of those models, and no others, must be replayed."""


@dataclass(frozen=True)
class Noted:
    """An assumption that a step made."""

    name: str
    value: str
    unit: str = ""
    source: str = "default"


@dataclass(frozen=True)
class Exhibit:
    """Numbers over time that a step wants shown: instants (microseconds) and a line of values for each name."""

    title: str
    unit: str
    at: tuple[int, ...]
    lines: Mapping[str, tuple[Decimal, ...]]
    steps: frozenset[str] = frozenset()
    """Lines that hold until the next instant."""
    week: tuple[str, ...] = ()
    """Hourly lines whose mean by weekday and hour is worth a look."""


@dataclass(frozen=True)
class Rewritten:
    """What a strategy gives back. ``workload.rows`` carry ``changed`` of this step.

    ``evidence`` is one of MEASURED, MODELLED, ASSUMED for the whole step, or an expression over the rows as they came
    in; then the rewritten rows carry its value in the column ``evidence``, so that costs can be compared by it.
    """

    workload: Workload
    title: str
    evidence: int | ir.IntegerValue
    assumptions: tuple[Noted, ...] = ()
    warnings: tuple[str, ...] = ()
    instants: tuple[int, ...] = ()
    """Instants that the step moved ``priced_at`` to, so that rows are grouped by the prices of those days too."""
    changes_answers: bool = False
    """Users may get other answers than they got: without quality labels the report says that quality was not measured."""
    assumes_buckets: bool = False
    """The step, which replays requests, assumed for buckets instead; it warns itself of those that do not say how many calls they hold."""
    tallied: str | None = None
    """Name of the fact that the column ``tally`` counts (requests that did not fit ..)."""
    shares: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Facts that are shares: name -> (counter, of counter), summed over the rewritten rows that carry evidence."""
    facts: Mapping[str, str] = field(default_factory=dict)
    exhibits: tuple[Exhibit, ...] = ()
    measures: Mapping[str, Decimal] = field(default_factory=dict)
    """Numbers that others compute with (``utilisation`` of what was bought, 0 to 1)."""
    latency: Mapping[str, str] = field(default_factory=dict)
    """What users wait, where it is known."""


@dataclass(frozen=True)
class Costs:
    """What rows cost by the value of a column; ``unpriced`` counts the requests without a price."""

    usd: Mapping[Any, Decimal]
    unpriced: Mapping[Any, Decimal]


USD_HIGH: Final = "usd_high"
USD_LOW: Final = "usd_low"
USD_BASE: Final = 1_000_000
"""What a row costs is ``(usd_high * USD_BASE + usd_low) / 10^places`` USD: two numbers, so that no engine's integers overflow."""


@dataclass(frozen=True)
class RowCosts:
    """Rows with what each costs, exactly, in the integer columns USD_HIGH and USD_LOW; NULL where it has no price.

    The weight of a row's branch is not in it.
    """

    rows: ir.Table
    places: int


class Stage(Protocol):
    """What a strategy may know and ask."""

    @property
    def catalogue(self) -> Catalogue:
        """What is for sale."""

    @property
    def scenario(self) -> str:
        """Name of the scenario, part of every draw's seed."""

    @property
    def step(self) -> int:
        """Place of the step in the scenario, from 0."""

    @property
    def seed(self) -> int:
        """The run's seed."""

    @property
    def now(self) -> int:
        """The instant (microseconds) whose prices stand for 'today'."""

    @property
    def priced_on(self) -> int | None:
        """The one instant (microseconds) at whose rates the scenario is priced; None: each request's own."""

    @property
    def span(self) -> tuple[int, int] | None:
        """Start and end of the result's period (the selected rows), None when no row has a time."""

    def models(self) -> Iterator[tuple[int, ModelRef | None, str | None, str]]:
        """Every model id met so far: (id, model or None if unknown to the catalogue, provider name, logged name)."""

    def model_id(self, key: str) -> int:
        """The id of ``provider/model``; UsageError with the nearest name if it is not for sale."""

    def collect(self, expression: ir.Table) -> pa.Table:
        """Runs a query now. Only for small answers, or in a strategy that declares itself sequential."""

    def view(self, expression: ir.Table) -> ir.Table:
        """Names an expression that is used several times or is long, so that what follows compiles from there."""

    def materialise(self, expression: ir.Table) -> ir.Table:
        """Runs a query once and keeps its rows for further expressions."""

    def register(self, data: pa.Table) -> ir.Table:
        """Makes a table of results available to expressions."""

    def costs(self, workload: Workload, column: str) -> Costs:
        """What the selected rows of ``workload`` cost by the value of ``column``: for decisions that need money."""

    def logged(self, rows: ir.Table, names: Iterable[str]) -> ir.Table:
        """The rows with columns that are always as the log has them (prefix nodes ..), where they do not carry them."""

    def row_costs(self, workload: Workload) -> RowCosts:
        """What every row of ``workload`` costs, selected or not: for decisions that need money row by row."""

    def stream(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        """The answer of a query in batches, in its order: for one pass over rows that may not fit into memory."""

    @property
    def restricted(self) -> bool:
        """Only some of the store's files exist for this replay, so what the ingest derived from all of them does not hold."""

    @property
    def present(self) -> frozenset[str]:
        """Usage columns that at least one row of the log knows."""

    @property
    def weighs(self) -> bool:
        """Shares split every row by weight, as they split buckets, and draw none: one replay answers for every share."""


@dataclass(frozen=True)
class Lever:
    """A parameter that decides whether a strategy pays, and how far it may reasonably be off.

    ``relative``: ``low`` and ``high`` are factors on the value in use, which is the parameter's, or where that is absent the
    step's measure of the same name. ``off`` names a measure of the step in place of both: the part by which the value may be
    off either way.
    """

    name: str
    low: Any
    high: Any
    relative: bool = False
    off: str = ""


@dataclass(frozen=True)
class Sweep:
    """A size that is chosen by trying: parameter ``name`` from 0 to the measure ``most``, with ``also`` set; ``usual`` is the
    measure that a rule of thumb would take.
    """

    name: str
    most: str
    usual: str | None = None
    also: Mapping[str, Any] = field(default_factory=dict)


P = TypeVar("P", bound=Params)


@dataclass(frozen=True)
class Strategy(Generic[P]):
    """One strategy. ``reads`` names the usage columns it needs beyond those of its ``when`` conditions."""

    title: str
    params: type[P]
    rewrite: Callable[[Workload, P, Stage], Rewritten]
    conserves: frozenset[Law]
    reads: frozenset[str] = frozenset()
    sequential: bool = False
    needs_requests: bool = False
    """The strategy means nothing for buckets (several requests in one row); they are left alone and counted."""
    presets: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    """Ready-made parameters: preset name -> (one line, parameters)."""
    conditions: Callable[[P], tuple[str, ...]] = lambda params: (
        (params.when,) if isinstance(params, Selecting) and params.when is not None else ()
    )
    """The ``when`` conditions inside the parameters, so that the columns they name are loaded."""
    spares: Callable[[P], frozenset[str]] = lambda params: frozenset()  # noqa: ARG005 - most need all in any case
    """Columns of ``reads`` that these parameters do without."""
    levers: tuple[Lever, ...] = ()
    """What ``llmcost breakeven`` varies."""
    sweep: Sweep | None = None


def with_rows(workload: Workload, rows: ir.Table, **changes: Any) -> Workload:
    """The workload with other rows."""
    return replace(workload, rows=rows, **changes)
