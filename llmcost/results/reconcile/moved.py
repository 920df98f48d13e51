"""Usage that is billed on a neighbouring day: one row's cost is exactly what that day's bill has too much.

Provider dashboards date usage and cost by different clocks; a late call, or a long one, then lies a day apart. Only a
match to the bill's rounding counts here, since there are many rows to match.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO
from llmcost.pricing.price import Charge
from llmcost.results.present import counted
from llmcost.results.priced import Priced, add, whole
from llmcost.results.reconcile.causes import Found, dollars, tolerated
from llmcost.results.reconcile.cells import Cell, Used, merged

_CANDIDATES: Final = 500
"""Parts of a neighbouring day that are tried; more would match by chance."""
Judged = list[tuple[Cell, Found]]


def moved(priced: Priced, judged: Judged) -> Judged:
    """Gaps that one part of a neighbouring day's usage closes; the day that gave it is judged by what it has left."""
    found = dict(enumerate(judged))
    days = {(cell.provider, cell.model, cell.first): i for i, (cell, _) in found.items() if cell.first == cell.last}
    gave: set[int] = set()
    for i, (cell, cause) in found.items():
        if cell.gap <= 0 or not _open(cause):
            continue
        for step in (1, -1):
            other = days.get((cell.provider, cell.model, cell.first + step))
            # A day gives once, and only what its own bill does not charge.
            if other is None or other in gave or found[other][0].gap >= 0:
                continue
            part = _closing(priced, cell, found[other][0])
            if part is None:
                continue
            found[i], found[other] = _received(cell, found[other][0], part), _gave(found[other], part)
            gave.add(other)
            break
    return list(found.values())


def _open(found: Found) -> bool:
    return found.certainty in {"none", "suspected"}


def _closing(priced: Priced, cell: Cell, other: Cell) -> tuple[Decimal, int] | None:
    """(cost, requests) of the part of ``other``'s usage that costs the gap of ``cell``."""
    for cost, requests in _parts(priced, other.used):
        if cost and abs(EXACT.subtract(cost, cell.gap)) <= cell.rounding:
            return cost, requests
    return None


def _parts(priced: Priced, used: Sequence[Used]) -> Iterator[tuple[Decimal, int]]:
    if len(used) > _CANDIDATES:
        return
    by_model: dict[str, list[Used]] = {}
    for part in used:
        by_model.setdefault(part.model, []).append(part)
    for parts in (*([part] for part in used), *by_model.values()):
        groups = priced.price(merged(part.row for part in parts))
        if all(isinstance(group.charge, Charge) for group in groups):
            yield add(group.cost for group in groups), whole(add(group.requests for group in groups))


def _received(cell: Cell, other: Cell, part: tuple[Decimal, int]) -> tuple[Cell, Found]:
    cost, requests = part
    when = "following" if other.first > cell.first else "preceding"
    detail = f"with {counted(requests, 'request')} of the {when} day ({dollars(cost)}) it costs the billed amount"
    return cell, Found("day boundary", "explained", detail, EXACT.add(cell.list_cost or ZERO, cost))


def _gave(pair: tuple[Cell, Found], part: tuple[Decimal, int]) -> tuple[Cell, Found]:
    cell, found = pair
    if not _open(found):
        return pair
    left = EXACT.subtract(cell.list_cost or ZERO, part[0])
    rest = EXACT.subtract(cell.billed, left)
    detail = f"{dollars(part[0])} of it is billed on a neighbouring day; the rest costs {dollars(left)}"
    if abs(rest) <= tolerated(cell):
        return cell, Found("day boundary", "explained", detail, left)
    return cell, Found("unexplained", "none", f"{detail}, {dollars(cell.billed)} is billed", left)
