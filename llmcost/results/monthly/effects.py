"""Why an amount changed: volume, mix, tokens per call and price, four effects that sum to the change exactly.

For every cell (what has a price of its own: model, tier, region, size class) of months 0 and 1, with n calls of N in all,
Q_c tokens or units of class c, and their mean price p_c, five amounts are looked at, one factor moving at a time:

    A = C0                      what it cost
    B = C0 * N1/N0              as many calls as now, at the old mix, tokens and prices
    C = C0 * n1/n0              the calls of now, at the old tokens and prices
    D = sum over c of Q1_c * p0_c    the tokens of now at the old prices
    E = C1                      what it costs

volume = B - A, mix = C - B, tokens = D - C, price = E - D. The order is fixed, with price last, so that the price effect
is this month's own tokens times the difference of the prices: what a bill shows. The amounts telescope, so nothing is
lost or left over; B, C and D are rounded at the 15th decimal, and their neighbours take that up.

A cell that last month did not have is new to the mix (E is mix), or volume where nothing else was called; one that is
gone falls to volume as far as calls fell, the rest is mix. A class that last month did not have takes its price of now.
Calls that nobody counted (buckets without a number) cannot tell volume from tokens: D - A is volume.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, RATIO, ZERO, rounded

_DIGITS: Final = 15


@dataclass
class Side:
    """One month of one cell: calls, cost, and by class the quantity and what it cost."""

    calls: Decimal = ZERO
    cost: Decimal = ZERO
    classes: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def add(self, calls: Decimal, lines: Iterable[tuple[str, Decimal, Decimal]]) -> None:
        """Adds calls and their charges (class, quantity, cost)."""
        self.calls = EXACT.add(self.calls, calls)
        for name, quantity, cost in lines:
            had = self.classes.get(name, (ZERO, ZERO))
            self.classes[name] = (EXACT.add(had[0], quantity), EXACT.add(had[1], cost))
            self.cost = EXACT.add(self.cost, cost)

    @property
    def is_empty(self) -> bool:
        """Whether the month has nothing of the cell."""
        return not self.calls and not self.classes


Cell = tuple[Side, Side]


@dataclass(frozen=True)
class Change:
    """What four effects make of ``last``; they sum to ``this - last``."""

    last: Decimal = ZERO
    this: Decimal = ZERO
    volume: Decimal = ZERO
    mix: Decimal = ZERO
    tokens: Decimal = ZERO
    price: Decimal = ZERO

    def __add__(self, other: Change) -> Change:
        return Change(*(EXACT.add(a, b) for a, b in zip(self.parts, other.parts, strict=True)))

    @property
    def parts(self) -> tuple[Decimal, ...]:
        """All amounts in order."""
        return self.last, self.this, self.volume, self.mix, self.tokens, self.price

    @property
    def change(self) -> Decimal:
        """This month less last month."""
        return EXACT.subtract(self.this, self.last)


def changes(cells: Mapping[Hashable, Cell]) -> dict[Hashable, Change]:
    """The change of each cell of one whole; :func:`total` of them is the whole's."""
    # Calls of cells that cannot count them would shift the others' shares.
    countable = [cell for cell in cells.values() if _counts(cell)]
    before, now = (_sum(cell[month].calls for cell in countable) for month in (0, 1))
    return {key: _change(cell, before, now) for key, cell in cells.items()}


def total(found: Iterable[Change]) -> Change:
    """The exact sum of changes."""
    whole = Change()
    for change in found:
        whole += change
    return whole


def _counts(cell: Cell) -> bool:
    return all(side.calls or side.is_empty for side in cell)


def _change(cell: Cell, before: Decimal, now: Decimal) -> Change:
    last, this = cell
    if last.is_empty:
        amounts = (last.cost, this.cost, this.cost) if not before else (last.cost, last.cost, this.cost)
        return _told(*amounts, this.cost, this.cost)
    kept = _part(last.cost, now, before)
    if this.is_empty:
        return _told(last.cost, kept if _counts(cell) else ZERO, ZERO, ZERO, ZERO)
    old_prices = _at_old_prices(cell)
    if not _counts(cell):
        return _told(last.cost, old_prices, old_prices, old_prices, this.cost)
    return _told(last.cost, kept, _part(last.cost, this.calls, last.calls), old_prices, this.cost)


def _told(a: Decimal, b: Decimal, c: Decimal, d: Decimal, e: Decimal) -> Change:
    steps = [EXACT.subtract(later, earlier) for earlier, later in ((a, b), (b, c), (c, d), (d, e))]
    return Change(a, e, *steps)


def _part(cost: Decimal, number: Decimal, of: Decimal) -> Decimal:
    return rounded(RATIO.divide(RATIO.multiply(cost, number), of), _DIGITS) if of else ZERO


def _at_old_prices(cell: Cell) -> Decimal:
    last, this = cell
    amount = ZERO
    for name, (quantity, cost) in this.classes.items():
        had, paid = last.classes.get(name, (ZERO, ZERO))
        old = rounded(RATIO.multiply(quantity, RATIO.divide(paid, had)), _DIGITS) if had else cost
        amount = EXACT.add(amount, old)
    return amount


def _sum(values: Iterable[Decimal]) -> Decimal:
    whole = ZERO
    for value in values:
        whole = EXACT.add(whole, value)
    return whole
