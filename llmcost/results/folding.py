"""The long tail of a breakdown's values kept together, so that sums by combination fit a page and stay exact.

Of a dimension with very many values (users, conversations) those that cost most keep their names; the others are one
value that says how many it holds. Every total and every filter by a named value is what it would be without.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO

KEPT: Final = (1000, 300, 100, 30)
"""Named values of a dimension: as many as make few enough combinations."""
Amounts = tuple[Decimal | int | None, ...]
Line = tuple[tuple[str, ...], Amounts]


def other_values(number: int, taken: Container[str]) -> str:
    """The label of ``number`` values kept together; no value of the log is called the same."""
    label = f"{number:,} other values"
    while label in taken:
        label += " …"
    return label


def folded(lines: Sequence[Line], most: int) -> tuple[list[Line], tuple[str, ...]] | None:
    """``lines`` (labels, then amounts with the cost first) in at most ``most`` combinations, and each dimension's label of
    what is kept together ("" where nothing is); None where even few values make too many.
    """
    dimensions = len(lines[0][0]) if lines else 0
    if len(lines) <= most:
        return list(lines), ("",) * dimensions
    order = [_dearest(lines, place) for place in range(dimensions)]
    for kept in KEPT:
        rest = tuple(other_values(len(names) - kept, set(names)) if len(names) > kept else "" for names in order)
        named = [frozenset(names[:kept]) for names in order]
        found: dict[tuple[str, ...], Amounts] = {}
        for labels, amounts in lines:
            key = tuple(
                label if label in mine else other for label, mine, other in zip(labels, named, rest, strict=True)
            )
            found[key] = _added(found[key], amounts) if key in found else amounts
            if len(found) > most:
                break
        else:
            return list(found.items()), rest
    return None


def _dearest(lines: Iterable[Line], place: int) -> list[str]:
    costs: dict[str, Decimal] = {}
    for labels, amounts in lines:
        costs[labels[place]] = EXACT.add(costs.get(labels[place], ZERO), Decimal(amounts[0] or 0))
    return sorted(costs, key=lambda label: (-costs[label], label))


def _added(one: Amounts, other: Amounts) -> Amounts:
    """Sums; what neither knows stays unknown."""
    return tuple(
        b
        if a is None
        else a
        if b is None
        else EXACT.add(a, b)
        if isinstance(a, Decimal) or isinstance(b, Decimal)
        else a + b
        for a, b in zip(one, other, strict=True)
    )
