"""Reconciles a store: list against billed by provider, model and day, causes, currencies and a verdict."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import ibis.expr.types as ir

from llmcost import __version__
from llmcost.errors import UsageError
from llmcost.money import EXACT, ZERO, plain, rounded
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.model import Period, PricesUsed
from llmcost.results.options import ReplayOptions
from llmcost.results.period import DAY_US, HOUR_US, Clock
from llmcost.results.present import counted, percent
from llmcost.results.priced import EPOCH, Priced, add
from llmcost.results.reconcile import bill as billing
from llmcost.results.reconcile.causes import TOLERANCE, Causes, Found
from llmcost.results.reconcile.cells import Cell, bill_cells, log_cells, used_of
from llmcost.results.reconcile.items import items_of
from llmcost.results.reconcile.model import Basis, CauseSum, GapCell, LeftOut, Part, Reconciliation, Sum, Verdict
from llmcost.results.reconcile.moved import moved
from llmcost.results.reconcile.patterns import Judged, incomplete, nameless, proportional, shifted
from llmcost.results.replay import Replaying
from llmcost.usage.store import Store

THRESHOLD: Final = Decimal("0.05")
_QUARTER: Final = HOUR_US // 4


@dataclass(frozen=True)
class ReconcileOptions:
    """``rates``: what one unit of a currency is in USD; ``threshold``: the largest gap, as a share of what was billed."""

    rates: Mapping[str, Decimal] = field(default_factory=dict)
    threshold: Decimal = THRESHOLD


def reconcile(
    store: Store, catalogue: Catalogue, options: ReplayOptions, wanted: ReconcileOptions | None = None
) -> Reconciliation:
    """What the store's usage costs at list prices beside what was billed. UsageError where nothing was."""
    wanted = wanted or ReconcileOptions()
    replaying = Replaying(store, catalogue, options)
    try:
        return _Run(replaying, options, wanted).result()
    finally:
        replaying.engine.close()


class _Slots:
    """Hours, or quarters where a zone's days begin between hours; and the day that one lies in."""

    def __init__(self, clock: Clock) -> None:
        self.offsets = clock.offsets
        self.size = HOUR_US if all(offset % HOUR_US == 0 for _, offset in self.offsets) else _QUARTER

    def of(self, instant: ir.IntegerValue) -> ir.IntegerValue:
        return (instant // self.size).cast("int64")

    def day(self, slot: int) -> int:
        at = slot * self.size
        place = max(bisect_right(self.offsets, (at, DAY_US)) - 1, 0)
        return (at + self.offsets[place][1]) // DAY_US

    def day_at(self, slot: int, hours: int) -> int:
        return (slot * self.size + hours * HOUR_US) // DAY_US


class _Run:
    def __init__(self, replaying: Replaying, options: ReplayOptions, wanted: ReconcileOptions) -> None:
        self.replaying, self.options, self.wanted = replaying, options, wanted
        self.slots = _Slots(replaying.clock)
        self.bill = billing.read_bill(
            replaying.engine,
            _whole_clock(replaying, options),
            replaying.catalogue,
            wanted.rates,
            (options.since, options.until),
            options.file_keys,
        )

    def result(self) -> Reconciliation:
        priced, period = self.replaying.by_slot(self.slots.of)
        used = used_of(priced, self.slots.day)
        cells, left = bill_cells(priced, self.bill, used)
        of_log, timeless = log_cells(priced, used)
        judged = {"bill": self._judged(priced, cells), "log": self._judged(priced, of_log)}
        parts = [_part(basis, found) for basis, found in judged.items() if found]
        if not parts and not self.bill.lines:
            raise UsageError(
                "nothing here was billed: the log carries no charges, and there is no bill beside it",
                hint="ingest a cost export too (llmcost sources names them), or logs of a gateway that records its charges",
            )
        catalogue = self.replaying.catalogue
        return Reconciliation(
            generated_with=f"llmcost {__version__}",
            title=self.options.title,
            sources=list(self.options.sources),
            period=_period(period, cells),
            prices=PricesUsed(
                catalogue_sha256=catalogue.sha256, overlay=", ".join(path.name for path in catalogue.overlays) or None
            ),
            tolerance_share=TOLERANCE,
            parts=parts,
            items=items_of(priced, self.bill, cells),
            others=billing.other_charges(self.bill),
            currencies=billing.currencies(self.bill),
            left_out=[*self.bill.left_out, *left, *timeless, *self._overlaps()],
            verdict=_verdict(parts, self.wanted.threshold),
            warnings=self._warnings(),
        )

    def _judged(self, priced: Priced, cells: Sequence[Cell]) -> Judged:
        causes = Causes(priced)
        judged = [(cell, causes.of(cell)) for cell in cells]
        return incomplete(nameless(moved(priced, proportional(shifted(priced, judged, self.slots.day_at)))))

    def _overlaps(self) -> list[LeftOut]:
        """Usage that other usage of the log stands for: it is not compared either."""
        return [
            LeftOut(
                what=f"usage that {found.charged} tells of too (by {found.rule})",
                provider=found.source,
                amount_usd=found.cost_usd,
                lines=found.rows,
                twice=True,
            )
            for found in self.replaying.overlapping()
            if found.left_out
        ]

    def _warnings(self) -> list[str]:
        found = []
        if self.options.where and self.bill.lines:
            found.append("--where selects usage only: what was billed is compared whole")
        if self.bill.assumed_usd:
            number = counted(self.bill.assumed_usd, "bill line")
            found.append(
                f"{number} without a currency {'is' if self.bill.assumed_usd == 1 else 'are'} taken as dollars"
            )
        without = [c.currency for c in billing.currencies(self.bill) if c.usd_per_unit is None]
        if without:
            found.append(
                f"no rate is known for {', '.join(sorted(set(without)))}: give one with --rate {without[0]}=..."
            )
        return found


def _period(period: Period, cells: Sequence[Cell]) -> Period:
    """The log's period, widened to the days that the bill has."""
    days = [(_midnight(cell.first, period.timezone), _midnight(cell.last + 1, period.timezone)) for cell in cells]
    starts = [at for at in (period.start, *(first for first, _ in days)) if at is not None]
    ends = [at for at in (period.end, *(last for _, last in days)) if at is not None]
    if not starts or not ends:
        return period
    length = Decimal(int((max(ends) - min(starts)).total_seconds())) / 86_400
    return period.model_copy(update={"start": min(starts), "end": max(ends), "days": length})


def _midnight(day: int, timezone: str) -> datetime:
    return datetime.combine(_day(day), time(), ZoneInfo(timezone)).astimezone(UTC)


def _whole_clock(replaying: Replaying, options: ReplayOptions) -> Clock:
    """Days over the bill's time too, which may reach beyond the log's."""
    first, last = replaying.store.rows("SELECT min(started_at), max(coalesce(ended_at, started_at)) FROM billed")[0]
    spans = [span for span in ((first, last) if first is not None else None, replaying.log_span) if span]
    whole = (min(a for a, _ in spans), max(b for _, b in spans)) if spans else None
    return Clock(options.timezone, whole)


def _day(number: int) -> date:
    return EPOCH + timedelta(days=number)


def _share(gap: Decimal, billed: Decimal) -> Decimal | None:
    return rounded(gap / billed, 12) if billed else None


def _part(basis: str, judged: Judged) -> Part:
    kind: Basis = "bill" if basis == "bill" else "log"
    by_provider = _grouped(judged, lambda cell: (cell.provider,))
    by_model = _grouped(judged, lambda cell: (cell.provider, cell.model))
    by_day = _grouped([pair for pair in judged if pair[0].first == pair[0].last], lambda cell: (cell.first,))
    return Part(
        basis=kind,
        total=_sum(judged),
        providers=[_sum(found, provider=key[0]) for key, found in by_provider],
        models=[_sum(found, provider=key[0], model=key[1]) for key, found in by_model],
        days=[_sum(found, day=_day(key[0])) for key, found in by_day],
        causes=_causes(judged),
        cells=[
            _cell(cell, found) for cell, found in sorted(judged, key=lambda pair: (-abs(pair[0].gap), _place(pair[0])))
        ],
    )


def _place(cell: Cell) -> tuple[str, int, str]:
    return cell.provider, cell.first, cell.model or ""


def _grouped(judged: Judged, key: Callable[[Cell], tuple[Any, ...]]) -> list[tuple[tuple[Any, ...], Judged]]:
    found: dict[tuple[Any, ...], Judged] = {}
    for pair in judged:
        found.setdefault(key(pair[0]), []).append(pair)
    return sorted(found.items(), key=lambda item: tuple((part is not None, part) for part in item[0]))


def _sum(judged: Judged, **place: Any) -> Sum:
    cells = [cell for cell, _ in judged]
    billed, gap = add(cell.billed for cell in cells), add(cell.gap for cell in cells)
    unknown = [_unexplained(cell, found) for cell, found in judged]
    return Sum(
        billed_usd=billed,
        list_usd=add(cell.list_cost or ZERO for cell in cells),
        gap_usd=gap,
        gap_share=_share(gap, billed),
        unexplained_usd=add(unknown),
        requests=sum(cell.requests for cell in cells),
        unpriced_requests=sum(cell.unpriced for cell in cells),
        cells=len(cells),
        **place,
    )


def _unexplained(cell: Cell, found: Found) -> Decimal:
    """What is left of a gap where its cause is not known: all of it, or what a part that was found leaves."""
    if found.certainty in {"exact", "explained"}:
        return ZERO
    return cell.gap if found.expected is None else EXACT.subtract(cell.billed, found.expected)


def _causes(judged: Judged) -> list[CauseSum]:
    found: dict[tuple[str, str], Judged] = {}
    for cell, cause in judged:
        found.setdefault((cause.cause, cause.certainty), []).append((cell, cause))
    lines = [
        CauseSum(
            cause=cause,
            certainty=pairs[0][1].certainty,
            gap_usd=add(cell.gap for cell, _ in pairs),
            cells=len(pairs),
            detail=max(pairs, key=lambda pair: (abs(pair[0].gap), _place(pair[0])))[1].detail,
        )
        for (cause, _), pairs in found.items()
    ]
    return sorted(lines, key=lambda line: (-abs(line.gap_usd), line.cause, line.certainty))


def _cell(cell: Cell, found: Found) -> GapCell:
    return GapCell(
        provider=cell.provider,
        model=cell.model,
        line_item=items.pop() if len(items := {line.line_item for line in cell.lines}) == 1 else None,
        start=_day(cell.first),
        end=_day(cell.last),
        billed_usd=cell.billed,
        list_usd=cell.list_cost,
        gap_usd=cell.gap,
        gap_share=_share(cell.gap, cell.billed),
        requests=cell.requests,
        unpriced_requests=cell.unpriced,
        cause=found.cause,
        certainty=found.certainty,
        detail=found.detail,
        expected_usd=found.expected,
        also=found.also,
    )


def _verdict(parts: Sequence[Part], threshold: Decimal) -> Verdict:
    """Over where the whole gap, or that of one provider, is a larger share of the billed amount than the threshold."""
    sums = [(part.basis, found) for part in parts for found in (part.total, *part.providers)]
    if not sums:
        return Verdict(over=None, threshold_share=threshold, worst_share=None, reason="nothing could be compared")
    worst_basis, worst = max(sums, key=lambda pair: _size(pair[1]))
    size, limit = _size(worst), f"{plain(threshold * 100)}%"
    who = worst.provider or "the whole"
    where = "" if worst_basis == "bill" else " in the charges that the log carries"
    if size == Decimal("Infinity"):
        reason, share = f"nothing was billed for {who}{where}, and it costs something at list prices", None
    else:
        share = size
        reason = f"the gap of {who}{where} is {percent(size, 2)} of what was billed, the limit is {limit}"
    return Verdict(over=size > threshold, threshold_share=threshold, worst_share=share, reason=reason)


def _size(found: Sum) -> Decimal:
    if found.gap_share is not None:
        return abs(found.gap_share)
    return Decimal("Infinity") if found.gap_usd else ZERO
