"""Budgets held to a stream of calls in order of time: check and charge are one step.

The obvious loop, made lean: a call that would pass the limit is sent to the cheaper model or blocked *before* it is
charged, so no budget is passed by two calls that looked at once. Amounts are integers in a unit that makes all exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

PASSED: Final = 0
BLOCKED: Final = 1
MOVED: Final = 2
"""Fates of a call; MOVED + n is to the n-th target."""
Action = Literal["block", "warn", "downgrade"]


@dataclass(slots=True)
class Ledger:
    """One window of one owner of a budget.

    ``logged`` is what the log's own calls add up to, ``spent`` what is charged when the budgets are held.
    """

    budget: int
    limit: int
    action: Action
    money: bool
    target: int = 0
    logged: int = 0
    spent: int = 0
    over_at: int | None = None
    """The instant of the first call that would have passed the limit had nothing been held."""
    over_calls: int = 0
    blocked: int = 0
    blocked_amount: int = 0
    moved: int = 0
    kept: int = 0
    """Calls over a downgrade's limit that stay: they are of another kind, do not fit or have no price there."""


class Call(NamedTuple):
    """A call as the loop sees it: amounts as logged and on each target (None: cannot go there)."""

    at: int
    ledgers: Sequence[Ledger]
    usd: int
    tokens: int
    counts: int
    """Calls that are told of it: 0 where it only fills the budget (outside of what is asked about)."""
    holdable: bool
    """False: it is charged and never held (a bucket)."""
    targets: Sequence[tuple[int, int] | None] = ()


@dataclass(slots=True)
class Play:
    """The loop and its ledgers."""

    ledgers: list[Ledger] = field(default_factory=list)

    def run(self, calls: Iterable[Call]) -> Iterator[int]:
        """The fate of each call, in order."""
        for call in calls:
            yield self._one(call)

    def _one(self, call: Call) -> int:
        usd, tokens = call.usd, call.tokens
        fate, mover, holder = PASSED, None, None
        for ledger in call.ledgers:
            amount = usd if ledger.money else tokens
            logged = ledger.logged + amount
            ledger.logged = logged
            if amount > 0 and logged > ledger.limit:
                ledger.over_calls += call.counts
                if ledger.over_at is None:
                    ledger.over_at = call.at
            if ledger.action == "downgrade" and amount > 0 and ledger.spent + amount > ledger.limit and mover is None:
                mover = ledger
        if mover is not None and call.holdable:
            found = call.targets[mover.target]
            if found is None:
                mover.kept += call.counts
            else:
                fate, (usd, tokens) = MOVED + mover.target, found
        if call.holdable:
            holder = next(
                (ledger for ledger in call.ledgers if ledger.action == "block" and _passes(ledger, usd, tokens)), None
            )
        if holder is not None:
            holder.blocked += call.counts
            holder.blocked_amount += (call.usd if holder.money else call.tokens) if call.counts else 0
            return BLOCKED
        if mover is not None and fate != PASSED:
            mover.moved += call.counts
        for ledger in call.ledgers:
            ledger.spent += usd if ledger.money else tokens
        return fate


def _passes(ledger: Ledger, usd: int, tokens: int) -> bool:
    amount = usd if ledger.money else tokens
    return amount > 0 and ledger.spent + amount > ledger.limit
