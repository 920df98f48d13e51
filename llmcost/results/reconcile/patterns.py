"""Causes that only many days together show: days that begin at another hour, and one factor over everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO, rounded
from llmcost.results.present import counted, percent
from llmcost.results.priced import Priced, add
from llmcost.results.reconcile.causes import TOLERANCE, Found, dollars, tolerated
from llmcost.results.reconcile.cells import Cell, Used, merged

_LEAST: Final = 3
"""Days, or cells, that a pattern must hold for."""
HOURS: Final = range(-12, 15)
"""Offsets of the world's time zones from UTC."""
Judged = list[tuple[Cell, Found]]


def shifted(priced: Priced, judged: Judged, day_at: Callable[[int, int], int]) -> Judged:
    """Days that begin at another hour of UTC: named where most days of a provider then agree with the bill.

    ``day_at(slot, hours)`` is the day of a slot on a clock that is ``hours`` ahead of UTC. Usage that is only known by
    the day cannot be moved and keeps the provider out.
    """
    for provider in sorted({cell.provider for cell, _ in judged}):
        mine = [(cell, found) for cell, found in judged if cell.provider == provider and cell.first == cell.last]
        open_ = [cell for cell, found in mine if _open(found)]
        if len(open_) < _LEAST or any(part.row["bucket"] for cell, _ in mine for part in cell.used):
            continue
        judged = _best_shift(priced, judged, [cell for cell, _ in mine], day_at)
    return judged


def _open(found: Found) -> bool:
    return found.certainty in {"none", "suspected"}


def _best_shift(priced: Priced, judged: Judged, cells: Sequence[Cell], day_at: Callable[[int, int], int]) -> Judged:
    used = [part for cell in cells for part in cell.used]
    best: dict[int, Decimal] = {}
    hours = 0
    for offset in sorted(HOURS, key=abs):
        costs = _costs(priced, cells, used, day_at, offset)
        fits = {
            i: costs[i] for i, cell in enumerate(cells) if abs(EXACT.subtract(costs[i], cell.billed)) <= tolerated(cell)
        }
        if len(fits) > len(best):
            best, hours = fits, offset
    # The first and last day lose what lies beyond the log, so one less than all but two must agree.
    if len(best) < max(_LEAST, len(cells) - 2):
        return judged
    detail = f"with days that begin at {_clock(hours)} UTC it costs"
    moved = {
        id(cells[i]): Found("day boundary", "explained", f"{detail} {dollars(cost)}", cost) for i, cost in best.items()
    }
    # So many days agree that the pattern stands above what a single day alone could mean.
    return [(cell, found if found.certainty == "exact" else moved.get(id(cell), found)) for cell, found in judged]


def _clock(hours: int) -> str:
    return f"{-hours % 24:02}:00"


def _costs(
    priced: Priced, cells: Sequence[Cell], used: Sequence[Used], day_at: Callable[[int, int], int], offset: int
) -> list[Decimal]:
    by_place: dict[tuple[str | None, int], list[Used]] = {}
    named = {cell.model for cell in cells} != {None}
    for part in used:
        if part.slot is not None:
            by_place.setdefault((part.model if named else None, day_at(part.slot, offset)), []).append(part)
    return [_cost(priced, by_place.get((cell.model, cell.first), [])) for cell in cells]


def _cost(priced: Priced, parts: Sequence[Used]) -> Decimal:
    return add(group.cost for group in priced.price(merged(part.row for part in parts)))


def proportional(judged: Judged) -> Judged:
    """One factor between list and bill over at least three cells of a provider, or of one of its models."""
    for key in (lambda cell: (cell.provider,), lambda cell: (cell.provider, cell.model)):
        for place in dict.fromkeys(key(cell) for cell, _ in judged):
            judged = _factor(judged, [cell for cell, found in judged if key(cell) == place and _weak(cell, found)])
    return judged


def _weak(cell: Cell, found: Found) -> bool:
    return _open(found) and bool(cell.list_cost) and cell.billed > 0 and not cell.unpriced


def _factor(judged: Judged, cells: Sequence[Cell]) -> Judged:
    if len(cells) < _LEAST:
        return judged
    list_cost = add(cell.list_cost or ZERO for cell in cells)
    factor = rounded(add(cell.billed for cell in cells) / list_cost, 12)
    costs = {id(cell): rounded(factor * (cell.list_cost or ZERO), 12) for cell in cells}
    if any(abs(costs[id(cell)] - cell.billed) > tolerated(cell) for cell in cells) or abs(factor - 1) <= TOLERANCE:
        return judged
    cause = "discount" if factor < 1 else "markup"
    share = percent(abs(1 - factor), 2)
    detail = f"every one of {len(cells)} amounts is list {'less' if factor < 1 else 'plus'} {share}"
    found_ = {i: Found(cause, "explained", detail, cost) for i, cost in costs.items()}
    return [(cell, found_.get(id(cell), found)) for cell, found in judged]


def nameless(judged: Judged) -> Judged:
    """A billed model without usage, beside usage that no price list knows: one may be the other under a name of the user's.

    Azure's deployments are called as their owner likes; an overlay's alias tells which model one is.
    """
    hidden: dict[str, list[Cell]] = {}
    for cell, _ in judged:
        if cell.unpriced and cell.list_cost is None and not cell.lines:
            hidden.setdefault(cell.provider, []).append(cell)
    return [(cell, _nameless(cell, found, hidden.get(cell.provider, []))) for cell, found in judged]


def _nameless(cell: Cell, found: Found, hidden: Sequence[Cell]) -> Found:
    if found.cause != "missing usage" or cell.used:
        return found
    same = [other for other in hidden if other.first <= cell.last and other.last >= cell.first]
    if not same:
        return found
    names = ", ".join(sorted({other.model or "no model" for other in same})[:3])
    requests = counted(sum(other.unpriced for other in same), "request")
    return Found("unpriced", "suspected", f"no price for {requests} of these days ({names}): the amount may be theirs")


def incomplete(judged: Judged) -> Judged:
    """Where a provider's bill has days that the log has no usage for, other days billed above list are suspect too."""
    gone: dict[str, int] = {}
    for cell, found in judged:
        if found.cause == "missing usage" and not cell.requests:
            gone[cell.provider] = gone.get(cell.provider, 0) + 1
    return [(cell, _incomplete(cell, found, gone.get(cell.provider, 0))) for cell, found in judged]


def _incomplete(cell: Cell, found: Found, gone: int) -> Found:
    if found.cause != "unexplained" or cell.billed <= (found.expected or cell.list_cost or ZERO) or not gone:
        return found
    places = f"{gone} other billed {'place' if gone == 1 else 'places'}"
    detail = f"the log has no usage at all in {places}, so it is not complete"
    before = f"{found.detail}; " if found.expected is not None else "billed more than the log's usage costs, and "
    return Found("missing usage", "suspected", before + detail, found.expected)
