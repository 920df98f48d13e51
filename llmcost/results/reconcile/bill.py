"""What bills say: lines by provider, model, item and day, in dollars where a rate is known, each charge once.

Amounts of different currencies are never added. Of two exports of the same bill (an API and a CSV, a cost report and
FOCUS rows, one query grouped in two ways) one is taken for each provider and day, of those that hold all of it the one with
most lines, and of a cloud's with and without resources the finer (:mod:`llmcost.results.reconcile.resources`); the other is
named with its amount.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from llmcost.money import EXACT, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.logrows import IBIS_TYPES
from llmcost.results.period import HOUR_US, Clock
from llmcost.results.reconcile import resources
from llmcost.results.reconcile.dollars import DIGITS, USD, dollars
from llmcost.results.reconcile.model import Currency, LeftOut, OtherCharge
from llmcost.results.stage import Engine
from llmcost.sources import SOURCES
from llmcost.usage.columns import BILLED

USAGE: Final = "usage"
_TABLE: Final = ibis.table(
    {"source": "string", "file_key": "int64", **{c.name: IBIS_TYPES[c.type] for c in BILLED}}, name="billed"
)
_KEYS: Final = (
    "source", "provider_name", "model", "service_tier", "region", "line_item", "token_class", "quantity_unit",
    "billing_currency", "charge_category", "organization",
)  # fmt: skip
_GROUPINGS: Final = ("line_item", "project", "api_key_id", "user_id")
_LONG_DAY: Final = 25 * HOUR_US
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True)
class BillLine:
    """Lines of one bill that agree in everything but their amounts. Days are day numbers; None: the line has no time."""

    source: str
    export: str
    """The source, and what its query was grouped by: two of them are two exports of one bill."""
    provider: str
    model: str | None
    """``provider/model`` of the catalogue, else the bill's own name."""
    service_tier: str | None
    region: str | None
    line_item: str | None
    token_class: str | None
    category: str
    currency: str
    first: int | None
    last: int | None
    amount: Decimal
    usd: Decimal | None
    quantity: Decimal | None
    quantity_unit: str | None
    organization: str | None
    lines: int
    rate: Decimal | None = None
    rate_source: str = ""
    account: str | None = None
    detailed: bool = False
    """Its file knows resources, beside files of the same source that know none."""
    whole: bool = True
    """Whether all its days lie inside the period that was asked for."""

    @property
    def is_usage(self) -> bool:
        """Whether the line charges for usage, which is all that a list price can be held against."""
        return self.category == USAGE


@dataclass(frozen=True)
class Bill:
    """Everything billed: the lines that count, and what is left out of them."""

    lines: tuple[BillLine, ...]
    left_out: tuple[LeftOut, ...] = ()
    assumed_usd: int = 0
    """Lines that name no currency."""


def read_bill(
    engine: Engine,
    clock: Clock,
    catalogue: Catalogue,
    rates: Mapping[str, Decimal],
    span: tuple[int | None, int | None],
    files: Sequence[int] | None,
) -> Bill:
    """The bill's lines that have a day inside ``span`` (microseconds), of the given files only."""
    rows = engine.rows(_query(clock, span, files, resources.detailed_files(engine, _of_files(files))))
    names = _Names(catalogue)
    exports = _exports(rows)
    lines = [_line(row, exports, names, rates) for row in rows if row["amount"] is not None]
    lines = [line if _is_whole(line, clock, span) else replace(line, whole=False) for line in lines]
    kept, twice = _one_source(lines)
    kept, coarse = _finer(kept)
    assumed = sum(int(row["lines"]) for row in rows if row["billing_currency"] is None and row["amount"])
    return Bill(tuple(_ordered(kept)), (*twice, *coarse), assumed)


def _of_files(files: Sequence[int] | None) -> ir.Table:
    return _TABLE if files is None else _TABLE.filter(_TABLE.file_key.isin([int(key) for key in files]))


def _query(
    clock: Clock, span: tuple[int | None, int | None], files: Sequence[int] | None, detailed: Collection[int]
) -> ir.Table:
    rows = _of_files(files)
    # Accounts matter only where two exports are held against each other.
    rows = rows.mutate(
        detailed=rows.file_key.isin(sorted(detailed)).fill_null(False) if detailed else ibis.literal(False),
        account=rows.project if detailed else ibis.null("string"),
    )
    end = ibis.coalesce(rows.ended_at, rows.started_at + 1)
    # A provider's day may begin at another hour, and has 25 once a year: it is the day it begins on, never two.
    end = ibis.ifelse(end - rows.started_at <= _LONG_DAY, rows.started_at + 1, end)
    rows = rows.mutate(first=clock.day_index(rows.started_at), last=clock.day_index(end - 1))
    if span[0] is not None:
        rows = rows.filter(rows["last"] >= clock.number(span[0], "day"))
    if span[1] is not None:
        rows = rows.filter(rows["first"] <= clock.number(span[1] - 1, "day"))
    known = [rows[name].notnull().ifelse(1 << place, 0) for place, name in enumerate(_GROUPINGS)]
    grouped_by = rows.source.isin(_queried()).ifelse(sum(known[1:], known[0]), 0)
    file = rows.source.isin(_queried()).ifelse(rows.file_key.fill_null(0), 0)
    rows = rows.mutate(grouped_by=grouped_by.cast("int64"), file=file.cast("int64"))
    return rows.group_by([*_KEYS, "tags", "first", "last", "file", "grouped_by", "detailed", "account"]).agg(
        amount=rows.billed_cost.sum(), quantity=rows.quantity.sum(), lines=rows.count()
    )


def _is_whole(line: BillLine, clock: Clock, span: tuple[int | None, int | None]) -> bool:
    """Whether the period holds all days of a line: of a part of one nobody knows what it cost."""
    if line.first is None or line.last is None:
        return True
    begins_before = span[0] is not None and line.first <= clock.number(span[0] - 1, "day")
    ends_behind = span[1] is not None and line.last >= clock.number(span[1], "day")
    return not (begins_before or ends_behind)


@cache
def _queried() -> list[str]:
    """Sources whose exports are answers to a query that may be grouped."""
    return [name for name, source in SOURCES if source.groupings]


def _exports(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], str]:
    """What each file of a query is called: its source, with the columns that any of its lines knows."""
    known: dict[tuple[str, int], int] = {}
    for row in rows:
        place = (row["source"] or "", int(row["file"]))
        known[place] = known.get(place, 0) | int(row["grouped_by"])
    return {(source, file): _named(source, bits) for (source, file), bits in known.items()}


def _named(source: str, known: int) -> str:
    if source not in _queried():
        return source
    by = [
        name for place, name in enumerate(_GROUPINGS) if known >> place & 1 and name in SOURCES.load(source).groupings
    ]
    return f"{source} by {', '.join(name.replace('_', ' ') for name in by)}" if by else f"{source}, not grouped"


class _Names:
    """Resolves the names that bills give their models, each once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._found: dict[tuple[str, str], str] = {}

    def model(self, provider: str, name: str | None) -> str | None:
        if not name:
            return None
        if (provider, name) not in self._found:
            self._found[provider, name] = self._resolved(provider, name)
        return self._found[provider, name]

    def _resolved(self, provider: str, name: str) -> str:
        """A bill may write ``Claude Opus 4.6`` where a log says ``claude-opus-4-6``."""
        dashed = name.lower().replace(" ", "-")
        for spelling in dict.fromkeys([name, dashed, dashed.replace(".", "-")]):
            if found := self.catalogue.resolve(provider, spelling):
                return found.key
        return name


def _line(
    row: Mapping[str, Any], exports: Mapping[tuple[str, int], str], names: _Names, rates: Mapping[str, Decimal]
) -> BillLine:
    provider, currency = row["provider_name"] or "unknown", (row["billing_currency"] or USD).upper()
    amount = Decimal(row["amount"])
    rate, source, usd = dollars(amount, currency, rates, row["tags"])
    return BillLine(
        source=row["source"] or "",
        export=exports[row["source"] or "", int(row["file"])],
        provider=provider,
        model=names.model(provider, row["model"]),
        service_tier=row["service_tier"],
        region=row["region"],
        line_item=row["line_item"],
        token_class=row["token_class"],
        category=row["charge_category"] or USAGE,
        currency=currency,
        first=row["first"],
        last=row["last"] if row["last"] is None or row["last"] >= row["first"] else row["first"],
        amount=amount,
        usd=usd,
        quantity=None if row["quantity"] is None else Decimal(row["quantity"]),
        quantity_unit=row["quantity_unit"],
        organization=row["organization"],
        account=row["account"],
        detailed=bool(row["detailed"]),
        lines=int(row["lines"]),
        rate=rate,
        rate_source=source,
    )


def _ordered(lines: Iterable[BillLine]) -> list[BillLine]:
    return sorted(
        lines, key=lambda x: (x.provider, x.first is None, x.first or 0, str(x.model), str(x.line_item), str(x))
    )


def _one_source(lines: Sequence[BillLine]) -> tuple[list[BillLine], list[LeftOut]]:
    """Of several exports of one account's bill, for each day the fullest; the others with their amounts.

    Exports that name different accounts are different bills; one that names none may be any.
    """
    nameless = {(line.provider, day) for line in lines if line.organization is None for day in _days(line)}

    def places(line: BillLine) -> list[tuple[str, int | None, str | None]]:
        found = ((line.provider, day) for day in _days(line))
        return [(*place, None if place in nameless else line.organization) for place in found]

    sides: dict[tuple[str, int | None, str | None], dict[str, list[BillLine]]] = {}
    for line in lines:
        for place in places(line):
            sides.setdefault(place, {}).setdefault(line.export, []).append(line)
    chosen = {place: _fullest(found) for place, found in sides.items()}
    kept: list[BillLine] = []
    dropped: list[BillLine] = []
    for line in lines:
        # A line over many days gives way as soon as another export has one of them.
        (kept if all(chosen[place] == line.export for place in places(line)) else dropped).append(line)
    groups: dict[tuple[str, str, str], list[BillLine]] = {}
    for line in dropped:
        groups.setdefault((line.provider, line.export, line.currency), []).append(line)
    return kept, [_twice(key, found) for key, found in sorted(groups.items())]


def _finer(lines: Sequence[BillLine]) -> tuple[list[BillLine], list[LeftOut]]:
    """Lines without those that other files of their source tell by resource."""

    def item(line: BillLine) -> tuple[Any, ...]:
        place = (line.export, line.provider, line.organization, line.account, line.first, line.last)
        return (*place, line.line_item, line.service_tier, line.region, line.category, line.currency)

    if not any(line.detailed for line in lines):
        return list(lines), []
    twice = resources.told_twice((item(line), line.detailed, line.amount, line.lines) for line in lines)
    dropped = [line for line in lines if not line.detailed and item(line) in twice]
    kept = [line for line in lines if line.detailed or item(line) not in twice]
    named = grouped(dropped, lambda line: (line.provider, f"{line.export} without resources", line.currency))
    return kept, [_twice(key, found) for key, found in named]


def _fullest(exports: Mapping[str, Sequence[BillLine]]) -> str:
    """Of several exports of a day's bill the most detailed one of those that hold all of it.

    One that was narrowed to a project may have more lines than the whole. Two that differ by a hundredth, or by the
    rounding of lines to cents, hold the same.
    """
    if len(exports) == 1:
        return next(iter(exports))
    amounts = {name: _charged(lines) for name, lines in exports.items()}
    known = {name: amount for name, amount in amounts.items() if amount is not None}
    most = max(known.values(), default=ZERO)
    whole = [
        name for name in exports if name not in known or known[name] + _slack(most, exports[name], known[name]) >= most
    ]
    return min(whole, key=lambda name: (-sum(line.lines for line in exports[name]), name))


def _charged(lines: Iterable[BillLine]) -> Decimal | None:
    """Dollars of usage a day, a line over several days spread over them; None where a rate is missing."""
    usage = [line for line in lines if line.is_usage]
    return added(None if line.usd is None else (line.usd / len(_days(line))).quantize(DIGITS) for line in usage)


def _slack(most: Decimal, lines: Iterable[BillLine], amount: Decimal) -> Decimal:
    in_cents = amount == amount.quantize(_CENT)
    return abs(most) / 100 + (_CENT / 2 * sum(line.lines for line in lines) if in_cents else ZERO)


def _days(line: BillLine) -> range | tuple[None]:
    return (None,) if line.first is None or line.last is None else range(line.first, line.last + 1)


def _twice(key: tuple[str, str, str], lines: Sequence[BillLine]) -> LeftOut:
    provider, source, currency = key
    return LeftOut(
        what=f"another export of the same bill ({source})",
        provider=provider,
        amount_usd=added(line.usd for line in lines),
        amount=added(line.amount for line in lines),
        currency=currency,
        lines=sum(line.lines for line in lines),
        twice=True,
    )


def added(values: Iterable[Decimal | None]) -> Decimal | None:
    """An exact sum; None where any of the amounts is unknown."""
    total = ZERO
    for value in values:
        if value is None:
            return None
        total = EXACT.add(total, value)
    return total


def grouped(lines: Iterable[BillLine], key: Callable[[BillLine], Any]) -> list[tuple[Any, list[BillLine]]]:
    """Lines by a key, in the order of the key."""
    found: dict[Any, list[BillLine]] = {}
    for line in lines:
        found.setdefault(key(line), []).append(line)
    return sorted(found.items(), key=lambda pair: str(pair[0]))


def currencies(bill: Bill) -> list[Currency]:
    """What each currency sums to, and at which rate; usage and other charges together."""
    return [
        Currency(
            currency=currency,
            amount=added(line.amount for line in lines) or ZERO,
            usd_per_unit=rate,
            rate_source=source,
            usd=added(line.usd for line in lines),
            lines=sum(line.lines for line in lines),
        )
        for (currency, rate, source), lines in grouped(bill.lines, lambda x: (x.currency, x.rate, x.rate_source))
    ]


def other_charges(bill: Bill) -> list[OtherCharge]:
    """Credits, taxes, purchases and adjustments, by what they are."""
    others = (line for line in bill.lines if not line.is_usage)
    return [
        OtherCharge(
            provider=provider,
            category=category,
            line_item=item,
            currency=currency,
            amount=added(line.amount for line in lines) or ZERO,
            usd=added(line.usd for line in lines),
            lines=sum(line.lines for line in lines),
        )
        for (provider, category, item, currency), lines in grouped(
            others, lambda x: (x.provider, x.category, x.line_item, x.currency)
        )
    ]


def day_span(lines: Iterable[BillLine]) -> tuple[int, int] | None:
    """First and last day of some lines."""
    dated = [(line.first, line.last) for line in lines if line.first is not None and line.last is not None]
    return (min(first for first, _ in dated), max(last for _, last in dated)) if dated else None
