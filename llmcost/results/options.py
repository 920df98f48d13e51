"""What a replay is asked: which rows, which period, which dimensions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class ReplayOptions:
    """``since`` and ``until`` (microseconds, until exclusive) and ``where`` say what is charged and rewritten.

    ``file_keys``: only rows of these files exist at all. ``now`` is the instant of "today's" prices.
    """

    now: int
    since: int | None = None
    until: int | None = None
    where: str | None = None
    file_keys: tuple[int, ...] | None = None
    timezone: str = "UTC"
    month_days: Decimal = Decimal("30.4375")
    extrapolate: bool = False
    dimensions: tuple[str, ...] = ("feature",)
    seed: int = 0
    title: str = ""
    sources: tuple[str, ...] = field(default=())
    prices_on: date | None = None
    """The price day that all scenarios share, for the result's footer; each scenario has its own."""
    baseline_on: date | None = None
    """The day whose rates price the log itself too: both sides of every comparison. None: each request's own day."""
    what_if: bool = False
    """Whether the result carries the sums that a page needs to try other positions of a few levers by itself."""
    primary: str = "requests"
    """Which grain is charged where usage buckets and requests describe the same traffic."""
