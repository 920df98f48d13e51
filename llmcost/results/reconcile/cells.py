"""Where list and bill can be compared: provider and days, and the model where the bill names it.

Days that a bill's lines span together are one cell. A line of which the period holds only a part is compared with nothing, nor
is the usage of its days. Usage of a day inside the bill's first and last day that no line
charges for stands against nothing; usage outside of them, and of providers without a bill, is not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from llmcost.money import EXACT, ZERO
from llmcost.pricing.grid import PRICE_KEYS, SUMMED
from llmcost.pricing.price import Charge
from llmcost.pricing.resolve import Unpriced
from llmcost.pricing.table import Group
from llmcost.pricing.units import UNIT_COUNTERS
from llmcost.results.agreement import one_model
from llmcost.results.priced import Priced, add, whole
from llmcost.results.reconcile.bill import Bill, BillLine, added, grouped
from llmcost.results.reconcile.model import LeftOut

Sums = dict[str, Any]
_FEES: Final = {str(unit): counter for unit, counter in UNIT_COUNTERS.items() if unit != "request"}


@dataclass(frozen=True)
class Used:
    """Usage of one price, model and slot of time: its sums, as the engine gave them."""

    provider: str
    model: str
    slot: int | None
    day: int | None
    row: Sums
    told: bool


@dataclass
class Cell:
    """One comparison. ``lines`` are the bill's; a cell of the log's own charges has none."""

    provider: str
    model: str | None
    first: int
    last: int
    billed: Decimal
    of_bill: bool = True
    lines: list[BillLine] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    @property
    def list_cost(self) -> Decimal | None:
        """What the usage costs at list prices, as far as it has any; None where nothing has."""
        known = [group.cost for group in self.groups if isinstance(group.charge, Charge)]
        return add(known) if known else None

    @property
    def gap(self) -> Decimal:
        """Billed less the known list cost."""
        return EXACT.subtract(self.billed, self.list_cost or ZERO)

    @property
    def requests(self) -> int:
        """Requests of the usage."""
        return whole(add(group.requests for group in self.groups))

    @property
    def unpriced(self) -> int:
        """Requests without a price; of buckets that do not count them, rows."""
        return whole(add(g.requests or g.rows for g in self.groups if isinstance(g.charge, Unpriced)))

    @property
    def rounding(self) -> Decimal:
        """The most that the bill's own rounding can hide: half a unit of its last digit a line, of a cent at the most."""
        if not self.of_bill:
            return _half_unit(self.billed) * sum(int(used.row["n"]) for used in self.used)
        return add(_half_unit(line.usd or ZERO) * line.lines for line in self.lines)


def _half_unit(amount: Decimal) -> Decimal:
    exponent = amount.normalize().as_tuple().exponent
    places = max(2, -exponent if isinstance(exponent, int) and exponent < 0 else 0)
    return Decimal(5).scaleb(-places - 1)


def used_of(priced: Priced, day_of: Callable[[int], int]) -> list[Used]:
    """The baseline's usage by slot of time, and the day that each slot lies in."""
    told = ["told"] if "billed_cost" in priced.workload.rows.columns else []
    found = []
    for row in priced.rolled(["day", *told]):
        number, slot = row["model"], row["day"]
        provider, name, model = priced.engine.names[number] if number is not None else (None, "", None)
        who = provider or (model.provider if model else "unknown")
        label = model.key if model else (name or "unknown").split("\x1f")[0]
        day = None if slot is None else day_of(int(slot))
        found.append(Used(who, label, None if slot is None else int(slot), day, row, bool(row.get("told"))))
    return found


def merged(rows: Iterable[Sums]) -> list[Sums]:
    """Sums of the same price added up, whenever they were."""
    keys = (*PRICE_KEYS, "paid", "branch")
    found: dict[tuple[Any, ...], Sums] = {}
    for row in rows:
        key = tuple(row[name] for name in keys)
        if key not in found:
            found[key] = dict(row)
            continue
        held = found[key]
        for name, value in row.items():
            if name in {"at", "least"}:
                held[name] = _extreme(min, held[name], value)
            elif name == "until":
                held[name] = _extreme(max, held[name], value)
            elif name not in keys and name not in {"day", "told"}:
                held[name] = value if held[name] is None else held[name] if value is None else held[name] + value
    return list(found.values())


def _extreme(choose: Any, one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else choose(one, other)


def log_cells(priced: Priced, used: Sequence[Used]) -> tuple[list[Cell], list[LeftOut]]:
    """The charges that the log itself carries, beside the list cost of the very same requests; those without a time."""
    found: dict[tuple[str, str, int], Cell] = {}
    timeless: dict[str, list[Used]] = {}
    for part in used:
        if part.told and part.row["paid"]:
            if part.day is None:
                timeless.setdefault(part.provider, []).append(part)
                continue
            key = (part.provider, part.model, part.day)
            cell = found.setdefault(key, Cell(part.provider, part.model, part.day, part.day, ZERO, of_bill=False))
            cell.used.append(part)
            cell.billed = EXACT.add(cell.billed, Decimal(part.row["billed"]))
    left = [
        LeftOut(
            what="charges that the log carries, without a time",
            provider=provider,
            amount_usd=add(Decimal(part.row["billed"]) for part in parts),
            lines=sum(int(part.row["n"]) for part in parts),
        )
        for provider, parts in sorted(timeless.items())
    ]
    return [_priced(priced, cell) for _, cell in sorted(found.items())], left


def _priced(priced: Priced, cell: Cell) -> Cell:
    cell.groups = priced.price(merged(part.row for part in cell.used))
    return cell


def bill_cells(priced: Priced, bill: Bill, used: Sequence[Used]) -> tuple[list[Cell], list[LeftOut]]:
    """The bill's usage lines beside the log's usage, and what stands on one side only."""
    cells: list[Cell] = []
    left: list[LeftOut] = []
    by_provider: dict[str, list[Used]] = {}
    for part in used:
        by_provider.setdefault(part.provider, []).append(part)
    for provider, lines in grouped(bill.lines, lambda x: x.provider):
        mine, over = _of_provider(provider, lines, by_provider.pop(provider, []), priced)
        cells += mine
        left += over
    for provider, parts in sorted(by_provider.items()) if bill.lines else ():
        if any(part.row["paid"] for part in parts):
            left.append(_unbilled("usage of a provider without a bill", provider, parts, priced))
    return [_priced(priced, cell) for cell in cells], left


def _unbilled(what: str, provider: str, parts: Sequence[Used], priced: Priced) -> LeftOut:
    groups = priced.price(merged(part.row for part in parts))
    known = any(isinstance(group.charge, Charge) for group in groups)
    cost = add(group.cost for group in groups)
    requests = whole(add(group.requests for group in groups))
    return LeftOut(what=what, provider=provider, amount_usd=cost if known else None, lines=requests)


def _of_provider(
    provider: str, lines: Sequence[BillLine], used: Sequence[Used], priced: Priced
) -> tuple[list[Cell], list[LeftOut]]:
    usage = [line for line in lines if line.is_usage]
    dated = [line for line in usage if line.first is not None]
    left: list[LeftOut | None] = [
        _lines_left("bill lines without a time", provider, [x for x in usage if x.first is None])
    ]
    spans = _spans(dated)
    apart = [line for line in dated if not line.whole or line.usd is None]
    unknown = {span for span in spans for line in apart if _inside(line, span)}
    left += [
        _lines_left("bill lines of days that lie partly outside the period", provider, found)
        for _, found in grouped((x for x in dated if not x.whole), lambda x: x.currency)
    ]
    left += [
        _lines_left(f"billed in {currency}, for which no rate is known", provider, found)
        for currency, found in grouped((x for x in dated if x.whole and x.usd is None), lambda x: x.currency)
    ]
    names_models = any(line.model for line in dated)
    by_span: dict[tuple[int, int] | None, list[Used]] = {}
    outside: list[Used] = []
    for part in used:
        span = _span_of(part.day, spans)
        if part.day is None or span is None:
            outside.append(part)
        else:
            by_span.setdefault(span, []).append(part)
    cells: list[Cell] = []
    for span in sorted({*spans, *(s for s in by_span if s is not None)}):
        parts, here = by_span.get(span, []), [line for line in dated if _inside(line, span)]
        if span in unknown:
            how = "in such a currency" if any(x.whole and x.usd is None for x in here) else "by such lines"
            left.append(_unbilled(f"usage of days that are billed {how}", provider, parts, priced) if parts else None)
            rest = [x for x in here if x.whole and x.usd is not None]
            left.append(_lines_left("dollars billed on such days", provider, rest))
            continue
        cells += _of_span(provider, span, here, parts, names_models)
    if outside:
        left.append(_unbilled("usage outside the bill's days", provider, outside, priced))
    return cells, [part for part in left if part is not None]


def _lines_left(what: str, provider: str, lines: Sequence[BillLine]) -> LeftOut | None:
    if not lines:
        return None
    known = {line.currency for line in lines}
    return LeftOut(
        what=what,
        provider=provider,
        amount_usd=added(line.usd for line in lines),
        amount=added(line.amount for line in lines) if len(known) == 1 else None,
        currency=known.pop() if len(known) == 1 else None,
        lines=sum(line.lines for line in lines),
    )


def _spans(lines: Iterable[BillLine]) -> list[tuple[int, int]]:
    """The days of the lines, those that share a day joined."""
    spans: list[tuple[int, int]] = []
    for first, last in sorted((x.first or 0, x.last or 0) for x in lines):
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        else:
            spans.append((first, last))
    return spans


def _inside(line: BillLine, span: tuple[int, int]) -> bool:
    return line.first is not None and span[0] <= line.first <= span[1]


def _span_of(day: int | None, spans: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """The span that holds a day; the day itself where it lies between the bill's days; None outside."""
    if day is None or not spans or not spans[0][0] <= day <= spans[-1][1]:
        return None
    return next((span for span in spans if span[0] <= day <= span[1]), (day, day))


def _of_span(
    provider: str, span: tuple[int, int], lines: Sequence[BillLine], used: Sequence[Used], names_models: bool
) -> list[Cell]:
    """One cell where the bill names no model, else one a model and one for lines without."""
    cells: dict[str | None, Cell] = {}

    def cell(model: str | None) -> Cell:
        return cells.setdefault(model, Cell(provider, model, span[0], span[1], ZERO))

    named = any(line.model for line in lines) if lines else names_models
    for line in lines:
        place = cell(line.model if named else None)
        place.lines.append(line)
        place.billed = EXACT.add(place.billed, line.usd or ZERO)
    billed = sorted({line.model for line in lines if line.model})
    fees = {_FEES[c] for line in lines if named and line.model is None and (c := line.token_class or "") in _FEES}
    for part in used:
        if not named:
            cell(None).used.append(part)
            continue
        rest = part
        for counter in sorted(fees & {name for name, value in part.row.items() if value}):
            fee, rest = _split(rest, counter)
            cell(None).used.append(fee)
        cell(_billed_as(part.model, billed)).used.append(rest)
    return list(cells.values())


def _billed_as(model: str, billed: Sequence[str]) -> str:
    """The bill's name of a model: where only one line's model may be the same one, a snapshot of it, that one."""
    same = [] if model in billed else [name for name in billed if one_model(name, model)]
    return same[0] if len(same) == 1 else model


def _split(part: Used, counter: str) -> tuple[Used, Used]:
    """The fee that ``counter`` causes, and everything else: a bill may charge tool calls to no model."""
    nothing = {name: 0 for name in SUMMED if name in part.row}
    fee = {**part.row, **nothing, "n": 0, "counted": 0, "calls": 0, counter: part.row[counter]}
    rest = {**part.row, counter: 0}
    return (
        Used(part.provider, part.model, part.slot, part.day, fee, part.told),
        Used(part.provider, part.model, part.slot, part.day, rest, part.told),
    )
