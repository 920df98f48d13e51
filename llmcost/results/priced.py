"""One workload priced: exact totals, and the same money by day and by dimension.

The engine sums once at the finest grain wanted; the coarser tables are sums of that, so all of them agree exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import ibis.expr.types as ir

from llmcost.money import EXACT, ZERO
from llmcost.pricing.cuts import Cuts
from llmcost.pricing.grid import PRICE_KEYS, SUMMED, Grid, sums
from llmcost.pricing.price import Charge
from llmcost.pricing.resolve import Unpriced
from llmcost.pricing.table import Group, Pricer
from llmcost.results.logrows import CORE
from llmcost.results.model import SeriesPoint, Slice, TokenLine
from llmcost.results.stage import Engine
from llmcost.workload.contract import WORK, FlatCharge, Workload

_TOKENS: Final = (
    "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens", "reasoning_output_tokens",
)  # fmt: skip
_SUMS: Final = ("n", "counted", "calls", "altered", "altered_calls", "tallied", "cache_unknown")
DAY_US: Final = 86_400_000_000
EPOCH: Final = date(1970, 1, 1)
WRITE_CLASSES: Final = frozenset({"cache_write_5m", "cache_write_1h", "cache_write_24h"})


@dataclass
class PricedFlat:
    """A flat charge with its cost; ``cost`` None: no price for it."""

    charge: FlatCharge
    cost: Decimal | None


class Priced:
    """A workload's selected rows, summed in the engine; prices are looked up when asked for.

    ``dimensions`` are the breakdown's columns; ``day_index`` turns an instant into a day of the result's time zone
    (None: no days are asked for); flat charges that name no instant are priced at ``flat_at``.
    """

    def __init__(
        self,
        engine: Engine,
        pricer: Pricer,
        cuts: Cuts,
        workload: Workload,
        dimensions: Sequence[str],
        day_index: Callable[[ir.IntegerValue], ir.IntegerValue] | None,
        flat_at: int,
    ) -> None:
        self.flat_at = flat_at
        self.engine, self.pricer, self.workload = engine, pricer, workload
        self.grid = Grid.of(cuts, pricer.present, pricer.models)
        self.dimensions = tuple(dimensions)
        used = {*CORE, *WORK, *SUMMED, "billed_cost", *self.dimensions}
        shape = (self.grid, self.dimensions, day_index is None)
        self._groups: dict[tuple[str, ...], list[Group]] = {}
        self.fine = engine.summed(workload.rows, used, shape, self._sums(day_index))

    def _sums(self, day_index: Callable[[ir.IntegerValue], ir.IntegerValue] | None) -> Callable[[ir.Table], ir.Table]:
        def of(rows: ir.Table) -> ir.Table:
            labels: dict[str, ir.Value] = {f"d_{name}": rows[name] for name in self.dimensions}
            labels |= {"day": day_index(rows.started_at)} if day_index else {}
            labels |= {"evidence_now": rows.evidence, "role": rows.call_role}
            return sums(rows, self.grid, labels)

        return of

    def groups(self, by: Sequence[str] = ()) -> list[Group]:
        """Priced groups by the named columns (``day``, ``d_<dimension>``, ``evidence_now``, ``role``)."""
        asked = tuple(by)
        if asked not in self._groups:  # steps before and after a state ask it the same
            self._groups[asked] = self._grouped(asked)
        return self._groups[asked]

    def _grouped(self, by: tuple[str, ...]) -> list[Group]:
        keys = [*PRICE_KEYS, "paid", "branch", *by]
        present = [name for name in SUMMED if name in self.pricer.present]
        rows = self.engine.rolled_up(self.fine, keys, [*_SUMS, *present], ["at", "least"], ["until"])
        rows.sort(key=lambda row: tuple((row[k] is not None, str(row[k])) for k in (*PRICE_KEYS, "branch", *by)))
        return self.pricer.price(rows, by, self._weight)

    def billed(self) -> tuple[Decimal, list[Group]] | None:
        """What the log says was charged for paid calls, and the priced groups of the lines that say so."""
        if "billed_cost" not in self.workload.rows.columns:
            return None
        keys = [*PRICE_KEYS, "paid", "branch", "told"]
        present = [name for name in SUMMED if name in self.pricer.present]
        rows = self.engine.rolled_up(self.fine, keys, [*_SUMS, *present, "billed"], ["at", "least"], ["until"])
        told = [row for row in rows if row["told"]]
        if not told:
            return None
        return add(Decimal(row["billed"]) for row in told), self.pricer.price(told, ["told"], self._weight)

    def rolled(self, by: Sequence[str]) -> list[dict[str, Any]]:
        """The sums behind :meth:`groups`, with ``billed`` where the log carries charges, for asking what else they could cost."""
        told = ["billed"] if "billed_cost" in self.workload.rows.columns else []
        keys = [*PRICE_KEYS, "paid", "branch", *by]
        present = [name for name in SUMMED if name in self.pricer.present]
        return self.engine.rolled_up(self.fine, keys, [*_SUMS, *present, *told], ["at", "least"], ["until"])

    def price(self, rows: Iterable[Mapping[str, Any]], by: Sequence[str] = ()) -> list[Group]:
        """Priced groups of such sums, as they are or changed."""
        return self.pricer.price(rows, by, self._weight)

    def _weight(self, branch: int) -> tuple[Decimal, Decimal]:
        weight = self.workload.branches.weight(branch)
        return weight.count, weight.cost

    @cached_property
    def total(self) -> list[Group]:
        """Groups without dimensions."""
        return self.groups()

    @cached_property
    def flat(self) -> list[PricedFlat]:
        """Flat charges with their costs."""
        return [PricedFlat(charge, self._flat_cost(charge)) for charge in self.workload.charges]

    def _flat_cost(self, flat: FlatCharge) -> Decimal | None:
        if flat.amount_usd is not None:
            return flat.amount_usd
        if flat.unit_usd is not None:
            return EXACT.multiply(flat.unit_usd, flat.quantity)
        if flat.model is None:
            return None
        model = self.pricer.catalogue.get(flat.model)
        at = self.flat_at if flat.at is None else flat.at
        rates = self.pricer.catalogue.rates(model, at=at, now=self.pricer.now)
        if isinstance(rates, Unpriced) or flat.sku not in rates.per_unit:
            return None
        return EXACT.multiply(rates.per_unit[flat.sku], flat.quantity)  # type: ignore[index]  # any text may be asked for

    @property
    def flat_cost(self) -> Decimal:
        """Sum of the priced flat charges."""
        return add(flat.cost or ZERO for flat in self.flat)

    @property
    def cost(self) -> Decimal:
        """Cost of all priced rows and flat charges."""
        return EXACT.add(add(group.cost for group in self.total), self.flat_cost)

    def cost_by(self, column: str) -> dict[Any, Decimal]:
        """Cost of rows by the value of one column."""
        found: dict[Any, Decimal] = {}
        for group in self.groups([column]):
            value = group.dimensions[0]
            found[value] = EXACT.add(found.get(value, ZERO), group.cost)
        return found

    @property
    def unpriced(self) -> list[Group]:
        """Groups whose cost is unknown."""
        return [group for group in self.total if isinstance(group.charge, Unpriced)]

    @property
    def write_premium(self) -> Decimal:
        """What cache writes cost above the plain input rate: a cost that caching itself adds."""
        premium = ZERO
        for group in self.total:
            if not isinstance(group.charge, Charge) or group.rates is None or "input" not in group.rates.per_mtok:
                continue
            plain_rate = group.rates.per_mtok["input"]
            rates: Mapping[str, Decimal] = {str(name): rate for name, rate in group.rates.per_mtok.items()}
            for line in group.charge.lines:
                # A discount is inside the line's cost but not inside the rates, so the share above plain is taken of it.
                rate = rates.get(line.token_class) if line.token_class in WRITE_CLASSES else None
                if rate is not None and rate > plain_rate:
                    premium = EXACT.add(premium, (line.cost * (rate - plain_rate) / rate).quantize(Decimal("1e-15")))
        return premium

    @cached_property
    def added_calls_cost(self) -> Decimal:
        """Cost of calls that are not the user's own (judges, checkers, retries ..)."""
        return add(cost for role, cost in self.cost_by("role").items() if role not in {None, "primary"})

    def counters(self) -> dict[str, int | Decimal | None]:
        """Requests, rows and token sums."""
        return counters(self.total)

    def lines(self) -> list[TokenLine]:
        """Cost by class of tokens or fee, dearest first."""
        found: dict[str, tuple[Decimal, Decimal]] = {}
        for group in self.total:
            if isinstance(group.charge, Charge):
                for line in group.charge.lines:
                    quantity, cost = found.get(line.token_class, (ZERO, ZERO))
                    found[line.token_class] = (
                        EXACT.add(quantity, Decimal(line.quantity)),
                        EXACT.add(cost, line.cost),
                    )
        for flat in self.flat:
            quantity, cost = found.get(flat.charge.sku, (ZERO, ZERO))
            found[flat.charge.sku] = (EXACT.add(quantity, flat.charge.quantity), EXACT.add(cost, flat.cost or ZERO))
        ordered = sorted(found.items(), key=lambda item: (-item[1][1], item[0]))
        return [TokenLine(token_class=name, quantity=q, cost_usd=c) for name, (q, c) in ordered]

    def slices(self) -> list[Slice]:
        """The breakdown: provider, model and the chosen dimensions, dearest first."""
        gathered: dict[tuple[Any, ...], list[Group]] = {}
        for group in self.groups([f"d_{name}" for name in self.dimensions]):
            gathered.setdefault((*self._model_names(group.model), *group.dimensions), []).append(group)
        slices = [self._slice(names, groups) for names, groups in gathered.items()]
        return sorted(slices, key=lambda s: (-(s.cost_usd or ZERO), str(sorted(s.dimensions.items(), key=str))))

    def _slice(self, names: tuple[Any, ...], groups: Sequence[Group]) -> Slice:
        keys = ("provider", "model", *self.dimensions)
        unpriced = add(g.requests for g in groups if isinstance(g.charge, Unpriced))
        nothing = all(isinstance(g.charge, Unpriced) for g in groups)
        return Slice(
            dimensions={key: None if value is None else str(value) for key, value in zip(keys, names, strict=True)},
            cost_usd=None if nothing else add(g.cost for g in groups),
            unpriced_requests=whole(unpriced),
            **counters(groups),
        )

    def series(self) -> list[SeriesPoint]:
        """Cost by day and model; rows without a time are left out."""
        gathered: dict[tuple[int, str | None, str | None], tuple[Decimal, Decimal]] = {}
        for group in self.groups(["day"]):
            if group.dimensions[0] is None:
                continue
            key = (int(group.dimensions[0]), *self._model_names(group.model))
            cost, requests = gathered.get(key, (ZERO, ZERO))
            gathered[key] = (EXACT.add(cost, group.cost), EXACT.add(requests, group.requests))
        return [
            SeriesPoint(
                date=EPOCH + timedelta(days=day),
                dimensions={"provider": provider, "model": model},
                cost_usd=cost,
                requests=whole(requests),
            )
            for (day, provider, model), (cost, requests) in sorted(gathered.items(), key=str)
        ]

    def _model_names(self, number: int | None) -> tuple[str | None, str | None]:
        if number is None:
            return None, None
        provider, name, model = self.engine.names[number]
        return (model.provider, model.model) if model else (provider, name or None)


def add(amounts: Iterable[Decimal]) -> Decimal:
    """An exact sum."""
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total


def whole(value: Decimal) -> int:
    """A weighted count as the nearest whole number."""
    return int(value.to_integral_value())


def counters(groups: Sequence[Group]) -> dict[str, Any]:
    """The Tokens fields of groups; a counter that no group knows is None.

    Tokens, like requests, are those of calls that are billed or billable: a failed call and an answer that a cache gave
    stay as rows.
    """
    paid = [group for group in groups if group.charge is not None]
    found: dict[str, Any] = {
        "requests": whole(add(g.requests for g in groups)),
        "rows": whole(add(g.rows for g in groups)),
    }
    for name in _TOKENS:
        known = [value for g in paid if (value := g.counts.get(name)) is not None]
        found[name] = whole(add(known)) if known else None
    return found


def merged(tables: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts added by key."""
    found: dict[str, int] = {}
    for table in tables:
        for key, number in table.items():
            found[key] = found.get(key, 0) + number
    return found
