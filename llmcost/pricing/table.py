"""Prices a workload's rows: the engine sums integers by everything a price depends on, then exact rates multiply.

Rows fall into groups in which every row has the same rates and the same reasons to be unpriced, so a group's cost is
exact and a row without a price never hides among rows that have one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from llmcost.money import EXACT, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.cuts import Cuts
from llmcost.pricing.names import ModelRef
from llmcost.pricing.price import Charge, assumes_one, charge
from llmcost.pricing.resolve import Rates, Unpriced
from llmcost.pricing.units import CALL_FEES, ONE_A_REQUEST, PAID_BY_TOKENS, UNIT_COUNTERS
from llmcost.pricing.windows import WEEK_MINUTES

SUMMED: Final = (
    "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens",
    "input_audio_tokens", "cache_read_audio_tokens", "input_image_tokens", "input_video_tokens", "output_tokens",
    "reasoning_output_tokens", "output_audio_tokens", "output_image_tokens",
    *(counter for counter in UNIT_COUNTERS.values() if counter != "requests"),
)  # fmt: skip
"""Counters that are summed in the engine."""
_PRESENCE: Final = tuple(name for name in SUMMED if name not in {"input_tokens", "output_tokens"})
_MEASURES: Final = tuple(counter for unit, counter in UNIT_COUNTERS.items() if unit not in {"request", *CALL_FEES})
_MINUTE: Final = 60_000_000
_DAY: Final = 86_400_000_000
RATE_KEYS: Final = ("model", "service_tier", "region", "period", "size", "span")
PRICE_KEYS: Final = (
    *RATE_KEYS, "classes", "input_unknown", "output_unknown", "unmeasured", "timeless", "bucket", "contradictory",
)  # fmt: skip


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


def keyed(rows: ir.Table, cuts: Cuts, present: frozenset[str]) -> ir.Table:
    """The rows with the columns PRICE_KEYS; ``present`` are the counters that any row knows."""
    bucket = rows.ended_at.notnull()
    # The sum of a bucket is the size of no request: it can select no long-context tier.
    size = ibis.ifelse(bucket, 0, _position(rows.input_tokens, cuts.input_tokens)).cast("int64")
    return rows.mutate(
        bucket=bucket,
        contradictory=_contradictory(rows, present),
        period=_position(rows.priced_at, cuts.instants),
        size=size if cuts.input_tokens else ibis.literal(0, type="int64"),
        span=_span(rows.priced_at, cuts),
        classes=_classes(rows, present),
        input_unknown=rows.input_tokens.isnull(),
        output_unknown=rows.output_tokens.isnull(),
        unmeasured=_unmeasured(rows, present),
        timeless=rows.started_at.isnull(),
    )


def _position(value: ir.IntegerValue, thresholds: Sequence[int]) -> ir.IntegerValue:
    """How many thresholds ``value`` has reached."""
    if not thresholds:
        return ibis.literal(0, type="int64")
    branches = [(value >= limit, place) for place, limit in reversed(list(enumerate(thresholds, 1)))]
    return ibis.cases(*branches, else_=0).cast("int64")


def _contradictory(rows: ir.Table, present: frozenset[str]) -> ir.BooleanValue:
    """Rows whose parts exceed their input together: judged a row at a time, so that no sum can hide or spread them."""
    media = [name for name in ("input_audio_tokens", "input_image_tokens", "input_video_tokens") if name in present]
    if not media:
        return ibis.literal(False)
    parts = [rows[name].fill_null(0) for name in ("cache_read_input_tokens", "cache_creation_input_tokens", *media)]
    if "cache_read_audio_tokens" in present:
        parts.append(-rows.cache_read_audio_tokens.fill_null(0))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return (total > rows.input_tokens).fill_null(False)


def _unmeasured(rows: ir.Table, present: frozenset[str]) -> ir.BooleanValue:
    """Rows that count no seconds, pages, characters ..: the sum of an unknown with a known quantity would be known."""
    known = [rows[name].notnull() for name in _MEASURES if name in present]
    return ~reduce(or_, known) if known else ibis.literal(True)


def _span(instant: ir.IntegerValue, cuts: Cuts) -> ir.IntegerValue:
    """A bit for each weekly window that holds the instant, 0 outside all."""
    total: ir.IntegerValue = ibis.literal(0, type="int64")
    minute = (instant // _MINUTE + 3 * 1440) % WEEK_MINUTES
    for place, window in enumerate(cuts.windows):
        inside = (minute >= window.start) & (minute < window.end)
        if window.except_dates:
            days = [int(day.toordinal() - 719_163) for day in window.except_dates]
            inside = inside & ~(instant // _DAY).isin(days)
        total = total + inside.ifelse(1 << place, 0)
    return total.cast("int64")


def _classes(rows: ir.Table, present: frozenset[str]) -> ir.IntegerValue:
    """A bit for each rarer counter that is above zero: a missing rate concerns only rows that need it."""
    total: ir.IntegerValue = ibis.literal(0, type="int64")
    # Whether tokens pay for what is also measured otherwise is a question to each row, not to a sum of rows.
    paying = {PAID_BY_TOKENS[unit][0] for unit in PAID_BY_TOKENS if UNIT_COUNTERS[unit] in present}
    for place, name in enumerate((*_PRESENCE, *sorted(paying))):
        if name in present or name in paying:
            total = total + (rows[name] > 0).fill_null(False).ifelse(1 << place, 0)
    return total.cast("int64")


def sums(rows: ir.Table, cuts: Cuts, dimensions: Mapping[str, ir.Value], present: frozenset[str]) -> ir.Table:
    """The grouped sums of selected rows: price keys, dimensions, branch and sums; see :func:`price`."""
    wide = keyed(rows.filter(rows.selected), cuts, present).mutate(**dimensions)
    # A bucket that does not say how many calls it holds counts none; a request row is one.
    unit = ibis.coalesce(wide.requests, wide.ended_at.isnull().ifelse(1, 0)).cast("int64")
    paid = (
        wide.sent
        # A gateway's own answer is a request that stands for no call; a bucket's tokens were billed whatever it counts.
        & (wide.requests.isnull() | (wide.requests > 0) | wide.bucket)
        & ~((wide.status == "error").fill_null(False) & (wide.output_tokens.fill_null(0) == 0))
    )
    counted = wide.call_role.isnull() | (wide.call_role == "primary")
    wide = wide.mutate(paid=paid)
    # What a provider or gateway said it charged travels along where the log has it, apart from our own prices.
    billed = {"billed": wide.billed_cost.sum()} if "billed_cost" in wide.columns else {}
    labels = {"told": wide.billed_cost.notnull()} if billed else {}
    wide = wide.mutate(**labels)
    return wide.group_by([*PRICE_KEYS, "paid", "branch", *dimensions, *labels]).agg(
        **billed,
        n=wide.row_id.count(),
        counted=(paid & counted).ifelse(unit, 0).sum(),
        calls=unit.sum(),
        altered=wide.changed.ifelse(1, 0).sum(),
        altered_calls=wide.changed.ifelse(unit, 0).sum(),
        tallied=wide.tally.sum(),
        cache_unknown=wide.cache_read_input_tokens.isnull().ifelse(unit, 0).sum(),
        at=wide.priced_at.min(),
        until=ibis.ifelse(wide.bucket, wide.priced_at + (wide.ended_at - wide.started_at), wide.priced_at).max(),
        least=ibis.ifelse(wide.bucket, ibis.null("int64"), wide.input_tokens).min(),
        **{name: wide[name].sum() for name in SUMMED if name in present},
    )


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
