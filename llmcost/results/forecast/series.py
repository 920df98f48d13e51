"""A daily series with its gaps, and which of its days are settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from llmcost.money import ZERO

Values = list[float | None]
"""A cost a day in order; None where it is not known. Statistics are no money, so these are floats."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Series:
    """Consecutive days from ``first``; ``amounts`` of None are unknown."""

    first: date
    amounts: tuple[Decimal | None, ...]

    @classmethod
    def of(cls, daily: Mapping[date, Decimal], *, gaps_zero: bool = False) -> Series:
        """All days between the first and the last that are known."""
        first, last = min(daily), max(daily)
        count = (last - first).days + 1
        missing = ZERO if gaps_zero else None
        return cls(first, tuple(daily.get(first + DAY * n, missing) for n in range(count)))

    @property
    def following(self) -> date:
        """The first day after it."""
        return self.first + DAY * len(self.amounts)

    @property
    def known(self) -> int:
        """Days with a known cost."""
        return sum(value is not None for value in self.amounts)

    @property
    def values(self) -> Values:
        """The amounts for statistics."""
        return [None if value is None else float(value) for value in self.amounts]


@dataclass(frozen=True)
class Settled:
    """The days of a log that a forecast may rest on, and the rule in words."""

    days: frozenset[date]
    rule: str


def settled(days: Mapping[date, Decimal], first_whole: bool, last_whole: bool, last: int | None) -> Settled:
    """The settled days of a log.

    With ``last`` the last so many calendar days of the log are left out. Without, the day on which it ends is left out
    unless the log reaches into that day's last hour. So is the day on which it begins unless it begins in its first hour.
    """
    kept = set(days)
    words = []
    if kept and not first_whole:
        kept.discard(min(days))
        words.append("the day on which the log begins is left out (it does not begin in that day's first hour)")
    if last is not None:
        end = max(days) if days else None
        kept = {day for day in kept if end is not None and day <= end - DAY * last}
        words.append(f"the log's last {last} days are left out (--settled {last})")
    elif kept and not last_whole:
        kept.discard(max(days))
        words.append("the day on which the log ends is left out (it does not reach into that day's last hour)")
    return Settled(frozenset(kept), "; ".join(words) or "every day of the log is whole")
