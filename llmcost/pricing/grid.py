"""How a workload's rows are grouped: the engine sums integers by everything a price depends on.

Rows fall into groups in which every row has the same rates and the same reasons to be unpriced, so a group's cost is
exact and a row without a price never hides among rows that have one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Final

import ibis
import ibis.expr.types as ir

from llmcost.pricing.cuts import Cuts
from llmcost.pricing.names import ModelRef
from llmcost.pricing.units import CALL_FEES, PAID_BY_TOKENS, UNIT_COUNTERS
from llmcost.pricing.windows import WEEK_MINUTES, WeekSpan

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
_MOST_BITS: Final = 62
RATE_KEYS: Final = ("model", "service_tier", "region", "period", "size", "span")
_FLAGS: Final = (
    "input_unknown", "output_unknown", "unmeasured", "timeless", "bucket", "contradictory", "paid", "primary", "altered",
    "uncached", "told",
)  # fmt: skip
PRICE_KEYS: Final = (
    *RATE_KEYS, "classes", "input_unknown", "output_unknown", "unmeasured", "timeless", "bucket", "contradictory",
)  # fmt: skip


@dataclass(frozen=True)
class Grid:
    """How rows are grouped: inside a group every row has the same rates, and the same reasons to be unpriced."""

    cuts: Cuts
    present: frozenset[str]
    """Counters that any row knows."""
    models: int
    """Model ids are below this."""
    timed: tuple[int, ...] = ()
    """Models whose prices change with the hour of the week; no other row is asked for its hour."""

    @classmethod
    def of(cls, cuts: Cuts, present: frozenset[str], models: Sequence[ModelRef | None]) -> Grid:
        """The grid of rows on ``models``."""
        timed = (n for n, m in enumerate(models) if m and any(price.windows for price in m.entry.prices))
        return cls(cuts, present, len(models), tuple(timed) if cuts.windows else ())

    @property
    def packs(self) -> list[dict[str, int]]:
        """The parts of a row's key with the bits that each takes, by the integers that rows are grouped by: mostly one."""
        found: list[dict[str, int]] = [{}]
        for name, width in self._bits.items():
            if sum(found[-1].values()) + width > _MOST_BITS:
                found.append({})
            found[-1][name] = width
        return found

    @property
    def _bits(self) -> dict[str, int]:
        sizes = {
            "model": self.models + 1, "period": len(self.cuts.instants) + 1, "size": len(self.cuts.input_tokens) + 1,
            "span": 1 << len(self.weeks), "classes": 1 << len(self.counted),
        }  # fmt: skip
        return {name: (size - 1).bit_length() for name, size in sizes.items()} | dict.fromkeys(_FLAGS, 1)

    @property
    def weeks(self) -> list[tuple[WeekSpan, ...]]:
        """The weekly windows of each price entry that has some."""
        return sorted({part.windows for part in self.cuts.parts if part.windows}) if self.timed else []

    @property
    def summed(self) -> tuple[str, ...]:
        """The counters that any row knows."""
        return tuple(name for name in SUMMED if name in self.present)

    @property
    def counted(self) -> tuple[str, ...]:
        """The rarer counters that any row knows, and those that pay for what is also measured otherwise.

        Whether tokens pay is a question to each row, not to a sum of rows.
        """
        paying = {PAID_BY_TOKENS[unit][0] for unit in PAID_BY_TOKENS if UNIT_COUNTERS[unit] in self.present}
        return tuple(name for name in (*_PRESENCE, *sorted(paying)) if name in self.present or name in paying)


def keyed(rows: ir.Table, grid: Grid) -> ir.Table:
    """The rows with the columns PRICE_KEYS."""
    cuts = grid.cuts
    # A row that stands for several calls is a bucket, with a span or without: LiteLLM logs a finished batch as one row.
    bucket = rows.ended_at.notnull() | (rows.requests > 1).fill_null(False)
    # The sum of a bucket is the size of no request: it can select no long-context tier.
    size = ibis.ifelse(bucket, 0, _position(rows.input_tokens, cuts.input_tokens)).cast("int64")
    span = _span(rows.priced_at, grid.weeks) if grid.timed else ibis.literal(0, type="int64")
    return rows.mutate(
        bucket=bucket,
        contradictory=_contradictory(rows, grid.present),
        period=_position(rows.priced_at, cuts.instants),
        size=size if cuts.input_tokens else ibis.literal(0, type="int64"),
        span=rows.model.isin(grid.timed).fill_null(False).ifelse(span, 0) if grid.timed else span,
        classes=_classes(rows, grid.counted),
        input_unknown=rows.input_tokens.isnull(),
        output_unknown=rows.output_tokens.isnull(),
        unmeasured=_unmeasured(rows, grid.present),
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


def _span(instant: ir.IntegerValue, weeks: Sequence[tuple[WeekSpan, ...]]) -> ir.IntegerValue:
    """A bit for each entry's weekly windows that hold the instant, 0 outside all."""
    total = wide_zero()
    # 1970-01-01 was a Thursday. Remainders and ranges: a division of integers is one of floats on most engines, and a
    # list of days is a join.
    since_monday = (instant + 3 * _DAY) % (WEEK_MINUTES * _MINUTE)
    for place, windows in enumerate(weeks):
        by_days_off: dict[tuple[date, ...], list[ir.BooleanValue]] = {}
        for window in windows:
            inside = since_monday.between(window.start * _MINUTE, window.end * _MINUTE - 1)
            by_days_off.setdefault(tuple(sorted(window.except_dates)), []).append(inside)
        held = [
            reduce(or_, inside) & ~reduce(or_, [_on(instant, day) for day in days]) if days else reduce(or_, inside)
            for days, inside in by_days_off.items()
        ]
        total = total + reduce(or_, held).ifelse(1 << place, 0)
    return total.cast("int64")


def _on(instant: ir.IntegerValue, day: date) -> ir.BooleanValue:
    start = (day.toordinal() - 719_163) * _DAY
    return instant.between(start, start + _DAY - 1)


def _classes(rows: ir.Table, counters: Iterable[str]) -> ir.IntegerValue:
    """A bit for each rarer counter that is above zero: a missing rate concerns only rows that need it."""
    total = wide_zero()
    for place, name in enumerate(counters):
        total = total + (rows[name] > 0).fill_null(False).ifelse(1 << place, 0)
    return total.cast("int64")


def charged(rows: ir.Table, grid: Grid) -> ir.Table:
    """The rows with PRICE_KEYS and whether they are ``paid`` and ``primary``, and the calls they stand for (``unit``)."""
    wide = keyed(rows, grid)
    return wide.mutate(
        # A bucket that does not say how many calls it holds counts none; a request row is one.
        unit=ibis.coalesce(wide.requests, wide.ended_at.isnull().ifelse(1, 0)).cast("int64"),
        paid=is_paid(wide),
        primary=wide.call_role.isnull() | (wide.call_role == "primary"),
    )


def sums(rows: ir.Table, grid: Grid, dimensions: Mapping[str, ir.Value]) -> ir.Table:
    """The grouped sums of selected rows: price keys, dimensions, branch and sums; see :class:`llmcost.pricing.table.Pricer`.

    Flags and small numbers are grouped by as one integer: an engine hashes one key far faster than twenty.
    """
    wide = charged(rows.filter(rows.selected), grid)
    # What a provider or gateway said it charged travels along where the log has it, apart from our own prices.
    has_billed = "billed_cost" in wide.columns
    flags = {
        "paid": wide["paid"],
        "primary": wide["primary"],
        "altered": wide.changed,
        "uncached": wide.cache_read_input_tokens.isnull(),
        "told": wide.billed_cost.notnull() if has_billed else ibis.literal(False),
    }
    parts = {name: flags[name] if name in flags else wide[name] for pack in grid.packs for name in pack}
    keys = {f"packed{n}": _packed(parts, pack) for n, pack in enumerate(grid.packs)}
    packed = wide.select(
        *grid.summed, "branch", "service_tier", "region", "tally", "priced_at", "ended_at", "started_at",
        "unit", size_least=ibis.ifelse(wide.bucket, ibis.null("int64"), wide.input_tokens), **dimensions, **keys,
        **({"billed_cost": wide.billed_cost} if has_billed else {}),
    )  # fmt: skip
    ended = packed.priced_at + (packed.ended_at - packed.started_at)
    grouped = packed.group_by([*keys, "branch", "service_tier", "region", *dimensions]).agg(
        **({"billed": packed.billed_cost.sum()} if has_billed else {}),
        n=packed.count(),
        calls=packed.unit.sum(),
        tallied=packed.tally.sum(),
        at=packed.priced_at.min(),
        until=ibis.coalesce(ended, packed.priced_at).max(),
        least=packed.size_least.min(),
        **{name: packed[name].sum() for name in grid.summed},
    )
    wide = grouped
    for name, pack in zip(keys, grid.packs, strict=True):
        wide = wide.mutate(**_unpacked(wide[name], pack))
    return wide.select(
        *PRICE_KEYS, "paid", "branch", *dimensions, *(["told", "billed"] if has_billed else []), "n", "calls", "tallied",
        "at", "until", "least", *grid.summed,
        counted=(wide.paid & wide.primary).ifelse(wide.calls, 0),
        altered=wide.altered.ifelse(wide.n, 0),
        altered_calls=wide.altered.ifelse(wide.calls, 0),
        cache_unknown=wide.uncached.ifelse(wide.calls, 0),
    )  # fmt: skip


def is_paid(rows: ir.Table) -> ir.BooleanValue:
    """Rows that somebody pays for."""
    return (
        rows.sent
        # A gateway's own answer is a request that stands for no call; a bucket's tokens were billed whatever it counts.
        & (rows.requests.isnull() | (rows.requests > 0) | rows.ended_at.notnull())
        & ~((rows.status == "error").fill_null(False) & (rows.output_tokens.fill_null(0) == 0))
    )


def _packed(parts: Mapping[str, ir.Value], bits: Mapping[str, int]) -> ir.IntegerValue:
    """The parts in one integer, each in its own bits; an unknown model is 0, the first one 1."""
    total = wide_zero()
    place = 0
    for name, width in bits.items():
        value = parts[name]
        number = (value + 1).fill_null(0) if name == "model" else value.cast("int64")
        if width:
            total = total + number * (1 << place)
        place += width
    return total


def wide_zero() -> ir.IntegerValue:
    """Zero in 64 bits: a plain literal is as narrow as the engine likes, and so are the bits that are added to it."""
    return ibis.literal(0, type="int8").cast("int64")


def _unpacked(key: ir.IntegerValue, bits: Mapping[str, int]) -> dict[str, ir.Value]:
    found: dict[str, ir.Value] = {}
    place = 0
    for name, width in bits.items():
        number = (key >> place) & ((1 << width) - 1)
        found[name] = number == 1 if name in _FLAGS else number.cast("int64")
        place += width
    return found | ({"model": found["model"].nullif(0) - 1} if "model" in found else {})
