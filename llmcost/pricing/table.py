"""Prices the grouped sums of a workload's rows (:mod:`llmcost.pricing.grid`): exact rates multiply whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from llmcost.money import EXACT, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.grid import PRICE_KEYS, RATE_KEYS, SUMMED
from llmcost.pricing.names import ModelRef
from llmcost.pricing.price import Charge, assumes_one, charge
from llmcost.pricing.resolve import Rates, Unpriced
from llmcost.pricing.units import ONE_A_REQUEST, UNIT_COUNTERS


@dataclass(frozen=True)
class Group:
    """Rows of one price and one place in the breakdown, with weighted sums.

    ``charge`` None: nothing to pay (``sent`` false or not billable); Unpriced: the cost is unknown.
    """

    dimensions: tuple[Any, ...]
    key: tuple[Any, ...]
    model: int | None
    rows: Decimal
    requests: Decimal
    changed: Decimal
    changed_requests: Decimal
    tallied: Decimal
    counts: Mapping[str, Decimal | None]
    charge: Charge | Unpriced | None
    rates: Rates | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def is_bucket(self) -> bool:
        """Whether the rows are usage buckets, which stand for any number of calls."""
        return bool(self.key[PRICE_KEYS.index("bucket")])

    @property
    def cost(self) -> Decimal:
        """The cost, zero where unpriced or free."""
        return self.charge.cost if isinstance(self.charge, Charge) else ZERO


@dataclass
class Pricer:
    """Turns grouped sums into exactly priced groups; rates are looked up once per kind of request."""

    catalogue: Catalogue
    models: Sequence[ModelRef | None]
    now: int
    present: frozenset[str]
    _rates: dict[tuple[Any, ...], Rates | Unpriced] = field(default_factory=dict)

    def price(
        self,
        rows: Iterable[Mapping[str, Any]],
        dimensions: Sequence[str],
        weight: Callable[[int], tuple[Decimal, Decimal]],
    ) -> list[Group]:
        """The groups with their costs. ``weight`` gives (count, cost factor) of a branch."""
        return [self._group(row, dimensions, weight) for row in rows]

    def _group(
        self, row: Mapping[str, Any], dimensions: Sequence[str], weight: Callable[[int], tuple[Decimal, Decimal]]
    ) -> Group:
        count, factor = weight(row["branch"])
        counts = {name: _weighted(row[name], count) if name in self.present else None for name in SUMMED}
        counts["requests"] = _weighted(row["calls"], count)
        if row["input_unknown"]:
            counts["input_tokens"] = None
        if row["output_unknown"]:
            counts["output_tokens"] = None
        charged: Charge | Unpriced | None = None
        rates: Rates | None = None
        notes: tuple[str, ...] = ()
        if row["paid"]:
            found = self.rates(row)
            if isinstance(found, Rates):
                rates, notes = found, found.assumptions
                charged = _scaled(charge(counts, found), factor)
                notes = (*notes, *self._bucket_notes(row, found))
                notes += tuple(
                    f"{UNIT_COUNTERS[unit].replace('_', ' ')}: {words} are free at the provider, none was subtracted"
                    for unit, words in found.free.items()
                    if counts.get(UNIT_COUNTERS.get(unit, ""))
                )
                notes += tuple(
                    f"{UNIT_COUNTERS[unit].replace('_', ' ')} unknown: one a request assumed"
                    for unit in ONE_A_REQUEST
                    if assumes_one(unit, counts, found)
                )
                if row["cache_unknown"] and "cache_read" in found.per_mtok:
                    notes = (*notes, "cache reads unknown: priced as uncached")
            else:
                charged = found
        return Group(
            dimensions=tuple(row[name] for name in dimensions),
            key=tuple(row[name] for name in PRICE_KEYS),
            model=row["model"],
            rows=_exact(row["n"], count),
            requests=_exact(row["counted"], count),
            changed=_exact(row["altered"], count),
            changed_requests=_exact(row["altered_calls"], count),
            tallied=_exact(row["tallied"], count),
            counts=counts,
            charge=charged,
            rates=rates,
            assumptions=notes,
        )

    def _bucket_notes(self, row: Mapping[str, Any], found: Rates) -> tuple[str, ...]:
        """What a bucket cannot say: the size of its requests, and which of two prices inside its span they had."""
        model = self.models[row["model"]]
        if not row["bucket"] or model is None:
            return ()
        notes: list[str] = []
        last = self.rates({**row, "at": max(row["until"] - 1, row["at"]), "period": None, "span": None})
        dated = isinstance(last, Rates) and dict(last.per_mtok) != dict(found.per_mtok)
        if dated or any(price.windows for price in model.entry.prices):
            notes.append("usage bucket over a change of price: priced as at its start")
        return tuple(notes)

    def rates(self, row: Mapping[str, Any]) -> Rates | Unpriced:
        """The rates of a group, asked with its earliest instant and smallest input, which stand for all of it."""
        key = (
            *(row[name] for name in RATE_KEYS),
            row["timeless"],
            row["bucket"],
            row["at"] if row["period"] is None else 0,
        )
        if key not in self._rates:
            model = self.models[row["model"]] if row["model"] is not None else None
            self._rates[key] = (
                Unpriced("model unknown")
                if model is None
                else self.catalogue.rates(
                    model,
                    at=None if row["timeless"] and row["at"] == self.now else row["at"],
                    service_tier=row["service_tier"],
                    region=row["region"],
                    input_tokens=row["least"],
                    now=self.now,
                )
            )
        return self._rates[key]


def _exact(value: int | Decimal | None, count: Decimal) -> Decimal:
    return EXACT.multiply(Decimal(value or 0), count)


def _weighted(value: int | Decimal | None, count: Decimal) -> Decimal | None:
    return None if value is None else EXACT.multiply(Decimal(value), count)


def _scaled(found: Charge | Unpriced, factor: Decimal) -> Charge | Unpriced:
    if isinstance(found, Unpriced) or factor == 1:
        return found
    lines = tuple(
        type(line)(
            line.token_class, line.quantity, EXACT.multiply(line.unit_price, factor), EXACT.multiply(line.cost, factor)
        )
        for line in found.lines
    )
    return Charge(lines, EXACT.multiply(found.cost, factor))
