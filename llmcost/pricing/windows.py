"""Weekly time windows in UTC, cut at midnight so that an exception date is always the date of the instant itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Final

from llmcost.pricing.entries import EPOCH, WEEKDAYS, Window, micros

DAY_MINUTES: Final = 24 * 60
WEEK_MINUTES: Final = 7 * DAY_MINUTES
_MINUTE: Final = 60_000_000
_EPOCH_OFFSET: Final = 3 * DAY_MINUTES
"""1970-01-01 was a Thursday."""


@dataclass(frozen=True, slots=True, order=True)
class WeekSpan:
    """Minutes of the UTC week (Monday 00:00 is 0) from ``start`` to before ``end``, inside one day.

    On the UTC dates of ``except_dates`` the span does not apply.
    """

    start: int
    end: int
    except_dates: tuple[date, ...] = field(default=())

    def contains(self, at: int) -> bool:
        """Whether the instant lies in the span."""
        if not self.start <= minute_of_week(at) < self.end:
            return False
        return not self.except_dates or (EPOCH + timedelta(microseconds=at)).date() not in self.except_dates


def minute_of_week(at: int) -> int:
    """The minute of the UTC week in which an instant lies."""
    return (at // _MINUTE + _EPOCH_OFFSET) % WEEK_MINUTES


def day_start(day: date) -> int:
    """First instant of a UTC date."""
    return micros(day)


def spans(windows: Iterable[Window]) -> tuple[WeekSpan, ...]:
    """The windows as spans inside single days, sorted, without repetition."""
    found: set[WeekSpan] = set()
    for window in windows:
        start, end = _minutes(window.start), _minutes(window.end) or DAY_MINUTES
        for day in window.days:
            base = WEEKDAYS.index(day) * DAY_MINUTES
            if start < end:
                found.add(WeekSpan(base + start, base + end, window.except_dates))
            else:
                after = (base + DAY_MINUTES) % WEEK_MINUTES
                shifted = tuple(d + timedelta(days=1) for d in window.except_dates)
                found.add(WeekSpan(base + start, base + DAY_MINUTES, window.except_dates))
                found.add(WeekSpan(after, after + end, shifted))
    return tuple(sorted(found))


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute
