"""Spend by dimension in both months, and what moved it, from the ledger: one sum a question."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from llmcost.money import ZERO, rounded
from llmcost.pricing.grid import PRICE_KEYS
from llmcost.results.folding import KEPT
from llmcost.results.monthly.effects import Change, Side, changes, total
from llmcost.results.monthly.ledger import LAST, THIS, Dimension, Ledger
from llmcost.results.monthly.model import Day, Effects, Mover, Movers, Spend, SpendCell, SpendCells, SpendLine
from llmcost.results.priced import EPOCH, add, whole

SPEND_LINES: Final = 200
MOVER_LINES: Final = 20
_MOST_CELLS: Final = 5000
_REST: Final = -1
_NUMBERS: Final = itertools.count(1)
_CELL: Final = tuple(PRICE_KEYS.index(name) for name in ("service_tier", "region", "size", "span"))
_SPLIT: Final = ", ".join(
    f"sum({what}) FILTER (slot = {slot}) AS {name}_{slot}"
    for what, name in (("cost", "cost"), ("counted", "counted"), ("unpriced", "unpriced"))
    for slot in (LAST, THIS)
)


def share_of(part: Decimal | None, of: Decimal | None) -> Decimal | None:
    """A share; None where either is unknown or the whole is nothing."""
    return rounded(part / of, 12) if part is not None and of else None


def spend(ledger: Ledger, dimension: Dimension, cube: str, cost: Decimal, *, has_last: bool) -> Spend:
    """What each value cost in both months, from the dimension's ``cube``; ``cost`` is the month's."""
    order = (
        f"ORDER BY coalesce(cost_{THIS}, 0) DESC, coalesce(cost_{LAST}, 0) DESC, value NULLS LAST LIMIT {SPEND_LINES}"
    )
    found = ledger.store.rows(f'SELECT value, {_SPLIT} FROM "{cube}" GROUP BY value {order}')
    every = ledger.store.rows(f'SELECT {_SPLIT} FROM "{cube}"')[0]
    values = _distinct(ledger, cube)
    lines = [_line(ledger, value, sums, cost) for value, *sums in found]
    if values > len(found):
        left = [_less(whole_, [row[place + 1] for row in found]) for place, whole_ in enumerate(every)]
        lines.append(_line(ledger, None, left, cost).model_copy(update={"rest": values - len(found)}))
    if not has_last:
        lines = [line.model_copy(update={"last_usd": None}) for line in lines]
    return Spend(dimension=dimension.name, values=values, lines=lines)


def spend_cells(ledger: Ledger, dimensions: Sequence[Dimension], cubes: Mapping[str, str]) -> SpendCells | None:
    """Spend by combination, in no more than a page can carry: the long tail of a dimension's values is kept together, and
    only where that is not enough the last dimensions are left out.
    """
    kept = list(dimensions)
    numbers = {d.name: _distinct(ledger, cubes[d.name]) for d in kept}
    values = {d.name: _dearest(ledger, cubes[d.name]) for d in kept}
    while len(kept) > 1:
        every = max(numbers[d.name] for d in kept)
        for most in (*([every] if every <= _MOST_CELLS else []), *(number for number in KEPT if number < every)):
            rows = _combined(ledger, kept, values, most)
            if len(rows) <= _MOST_CELLS:
                return SpendCells(
                    dimensions=[d.name for d in kept],
                    kept_together=[max(0, numbers[d.name] - most) for d in kept],
                    cells=[_cell(ledger, row, len(kept)) for row in rows],
                )
        kept.pop()
    return None


def _dearest(ledger: Ledger, cube: str) -> list[str | None]:
    """The values of a dimension, what they cost in both months together the most first; no more than could be told apart."""
    rows = ledger.store.rows(
        f'SELECT value FROM "{cube}" GROUP BY value ORDER BY sum(cost) DESC NULLS LAST, value NULLS LAST LIMIT {_MOST_CELLS + 1}'
    )
    return [value for (value,) in rows]


def _combined(
    ledger: Ledger, kept: Sequence[Dimension], values: Mapping[str, Sequence[str | None]], most: int
) -> list[tuple[Any, ...]]:
    """Sums by combination of values and whether each is of those beyond the first ``most``; one more than fits tells."""
    names, rest, joins = [], [], []
    for place, dimension in enumerate(kept):
        column = f'CAST(l."{dimension.column}" AS VARCHAR)'
        if len(values[dimension.name]) <= most:
            names.append(f"{column} AS v{place}")
            rest.append(f"false AS r{place}")
            continue
        top = f"llmcost_top_{next(_NUMBERS)}"
        ledger.store.register(top, pa.table({"value": pa.array(values[dimension.name][:most], pa.string())}))
        ledger.engine.keep(top)
        joins.append(
            f'LEFT JOIN (SELECT value, true AS there FROM "{top}") t{place} ON {column} IS NOT DISTINCT FROM t{place}.value'
        )
        names.append(f"CASE WHEN t{place}.there THEN {column} END AS v{place}")
        rest.append(f"t{place}.there IS NULL AS r{place}")
    grouped = ", ".join(f"{letter}{place}" for letter in "vr" for place in range(len(kept)))
    tail = f"{' '.join(joins)} GROUP BY {grouped} ORDER BY {grouped} LIMIT {_MOST_CELLS + 1}"
    return ledger.rows(f"{', '.join((*names, *rest))}, {_SPLIT}", tail)


def _cell(ledger: Ledger, row: Sequence[Any], size: int) -> SpendCell:
    before, now, calls_before, calls_now, _, unpriced = row[2 * size :]
    return SpendCell(
        values=[None if value is None else str(value) for value in row[:size]],
        cost_usd=ledger.known_usd(now),
        last_usd=ledger.known_usd(before),
        requests=int(calls_now or 0),
        last_requests=int(calls_before or 0),
        unpriced_requests=int(unpriced or 0),
        rest=[place for place, together in enumerate(row[size : 2 * size]) if together],
    )


def _distinct(ledger: Ledger, cube: str) -> int:
    """Values that either month has, an unknown one among them."""
    return int(ledger.store.value(f'SELECT count(*) FROM (SELECT DISTINCT value FROM "{cube}")'))


def _less(amount: Any, parts: Iterable[Any]) -> Any:
    return None if amount is None else amount - sum(part or 0 for part in parts)


def _line(ledger: Ledger, value: Any, sums: Sequence[Any], cost: Decimal) -> SpendLine:
    before, now, calls_before, calls_now, _, unpriced = sums
    # A sum over no row is nothing, one over rows without a price is unknown.
    this = ledger.known_usd(now) if now is not None or calls_now else ZERO
    last = ledger.known_usd(before) if before is not None or calls_before else ZERO
    return SpendLine(
        value=None if value is None else str(value),
        cost_usd=this,
        last_usd=last,
        share=share_of(this, cost),
        requests=int(calls_now or 0),
        last_requests=int(calls_before or 0),
        unpriced_requests=int(unpriced or 0),
    )


def days(ledger: Ledger) -> list[Day]:
    """Cost of each day of both months that the log has anything of."""
    found = ledger.rows("day, sum(cost), sum(counted), sum(unpriced)", "GROUP BY day ORDER BY day")
    return [
        Day(
            date=EPOCH + timedelta(days=int(day)),
            cost_usd=ledger.known_usd(cost),
            requests=int(requests or 0),
            unpriced_requests=int(unpriced or 0),
        )
        for day, cost, requests, unpriced in found
    ]


Cells = dict[Hashable, tuple[Side, Side]]


def cells_of(
    ledger: Ledger, rows: Iterable[Sequence[Any]], key: Callable[[Any, int], tuple[Hashable, Hashable]]
) -> dict[Hashable, Cells]:
    """Whole -> cell -> both months, from rows of (value, slot, price, calls, counters ..); ``key`` names whole and cell."""
    found: dict[Hashable, Cells] = {}
    for value, slot, price, calls, *counts in rows:
        charged = ledger.charge(price, calls, counts)
        if charged is None:
            continue
        whole_, cell = key(value, price)
        side = found.setdefault(whole_, {}).setdefault(cell, (Side(), Side()))[slot]
        side.add(Decimal(calls or 0), [(line.token_class, Decimal(line.quantity), line.cost) for line in charged.lines])
    return found


def cell_key(ledger: Ledger, price: int) -> tuple[Hashable, ...]:
    """What has a price of its own: the group's model, tier, region and size class, without the period."""
    key = ledger.group(price).key
    return (ledger.names[price][1], *(key[place] for place in _CELL))


def change_by_model(ledger: Ledger) -> list[Mover]:
    """The whole change, a line a model; mix is between models."""
    rows = ledger.rows(f"NULL, slot, price, sum(calls){_counters(ledger)}", "WHERE paid GROUP BY slot, price")
    cells = cells_of(ledger, rows, lambda _, price: ("all", cell_key(ledger, price))).get("all", {})
    found = changes(cells)
    by_model: dict[Any, list[Hashable]] = {}
    for key in cells:
        by_model.setdefault(key[0] if isinstance(key, tuple) else key, []).append(key)
    lines = [
        _mover(model, total(found[key] for key in keys), 0, [cells[key] for key in keys])
        for model, keys in by_model.items()
    ]
    return sorted(lines, key=lambda line: (-abs(line.change_usd), str(line.value)))


def _counters(ledger: Ledger) -> str:
    return "".join(f', sum(l."{name}")' for name in ledger.parts)


def movers(ledger: Ledger, dimension: Dimension, cube: str) -> tuple[Movers, dict[str | None, Cells]]:
    """What moved each value, largest change first, and the cells of those; mix is inside each value."""
    change = f"coalesce(sum(CASE WHEN slot = {THIS} THEN cost ELSE -cost END), 0)"
    order = f"ORDER BY abs({change}) DESC, value NULLS LAST LIMIT {MOVER_LINES}"
    values = [value for (value,) in ledger.store.rows(f'SELECT value FROM "{cube}" GROUP BY value {order}')]
    name = f"llmcost_top_{next(_NUMBERS)}"
    places = {"value": pa.array(values, pa.string()), "place": pa.array(range(len(values)), pa.int64())}
    ledger.store.register(name, pa.table(places))
    ledger.engine.keep(name)
    rows = ledger.store.rows(
        f"SELECT coalesce(t.place, {_REST}) AS place, slot, price, sum(calls){_counters(ledger)} "
        f'FROM "{cube}" l LEFT JOIN "{name}" t ON l.value IS NOT DISTINCT FROM t.value WHERE paid GROUP BY ALL'
    )
    found = cells_of(ledger, rows, lambda place, price: (place, cell_key(ledger, price)))
    left = _distinct(ledger, cube) - len(values)
    lines = []
    for place in sorted((p for p in found if isinstance(p, int)), key=lambda p: (p == _REST, p)):
        value, rest = (None, left) if place == _REST else (values[place], 0)
        lines.append(_mover(value, total(changes(found[place]).values()), rest, found[place].values()))
    told = {values[p]: cells for p, cells in found.items() if isinstance(p, int) and p != _REST}
    return Movers(dimension=dimension.name, lines=lines), told


def _mover(value: Any, change: Change, rest: int, cells: Iterable[tuple[Side, Side]]) -> Mover:
    sides = list(cells)
    return Mover(
        **effects(change).model_dump(),
        value=None if value is None else str(value),
        rest=rest,
        last_requests=whole(add(last.calls for last, _ in sides)),
        this_requests=whole(add(this.calls for _, this in sides)),
    )


def effects(change: Change) -> Effects:
    """A change as the report has it."""
    return Effects(
        last_usd=change.last,
        this_usd=change.this,
        change_usd=change.change,
        volume_usd=change.volume,
        mix_usd=change.mix,
        tokens_usd=change.tokens,
        price_usd=change.price,
    )
