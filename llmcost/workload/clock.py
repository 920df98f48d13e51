"""Time zones over a log: instants as days of a zone, and the hours, days, weeks and months that budgets run over.

Everything is integer arithmetic that every engine has; only the zone's offsets over the log's span come from Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import ibis
import ibis.expr.types as ir

from llmcost.errors import UsageError

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Per = Literal["hour", "day", "week", "month"]
"""A calendar window of a time zone; weeks begin on Monday."""


@dataclass(frozen=True)
class Clock:
    """Turns instants into day numbers of a time zone; the zone's offsets over the log's span are cut once."""

    timezone: str
    span: tuple[int, int] | None

    @cached_property
    def offsets(self) -> list[tuple[int, int]]:
        """(first instant, offset in microseconds), in order; the first holds from the beginning."""
        try:
            zone = ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UsageError(
                f"there is no time zone {self.timezone!r}", hint="use a name like Europe/Berlin or UTC"
            ) from error
        if self.span is None:
            return [(0, 0)]
        found = [(self.span[0], _offset(self.span[0], zone))]
        at = self.span[0]
        while at < self.span[1]:
            following = min(at + DAY_US, self.span[1])
            offset = _offset(following, zone)
            if offset != found[-1][1]:
                found.append((_change(at, following, zone), offset))
            at = following
        return found

    def day_index(self, instant: ir.IntegerValue) -> ir.IntegerValue:
        """Days since 1970-01-01 in the zone; unknown for rows without a time."""
        return ((instant + self._shift(instant, DAY_US)) // DAY_US).cast("int64")

    def _shift(self, instant: ir.IntegerValue, modulus: int) -> ir.IntegerValue:
        """The zone's offset at an instant, as far as it moves the borders of spans of ``modulus``."""
        offsets = [(start, offset % modulus if modulus < DAY_US else offset) for start, offset in self.offsets]
        if len({offset for _, offset in offsets}) == 1:
            return ibis.literal(offsets[0][1], type="int64")
        branches = [(instant >= start, offset) for start, offset in reversed(offsets[1:])]
        return ibis.cases(*branches, else_=offsets[0][1]).cast("int64")

    def number(self, instant: int, per: Per) -> int:
        """:meth:`window` of one instant."""
        offset = _offset(instant, ZoneInfo(self.timezone))
        if per == "hour":
            return (instant + offset % HOUR_US) // HOUR_US
        local = _EPOCH + timedelta(microseconds=instant + offset)
        day = (instant + offset) // DAY_US
        if per == "day":
            return day
        return (day + 3) // 7 if per == "week" else local.year * 12 + local.month - 3

    def window(self, instant: ir.IntegerValue, per: Per) -> ir.IntegerValue:
        """The number of the window that holds an instant; :func:`bounds_of` gives its ends."""
        if per == "hour":
            # Hours are counted in instants: the hour that a zone repeats in autumn is two hours.
            return ((instant + self._shift(instant, HOUR_US)) // HOUR_US).cast("int64")
        day = self.day_index(instant)
        if per == "day":
            return day
        return ((day + 3) // 7).cast("int64") if per == "week" else _month(day)


def _offset(instant: int, zone: ZoneInfo) -> int:
    offset = moment(instant).astimezone(zone).utcoffset() or timedelta()
    return int(offset.total_seconds()) * 1_000_000


def _change(low: int, high: int, zone: ZoneInfo) -> int:
    """The first instant after ``low`` that has the offset of ``high``."""
    wanted = _offset(high, zone)
    while high - low > 1_000_000:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(middle, zone) == wanted else (middle, high)
    return high // 1_000_000 * 1_000_000


def _month(day: ir.IntegerValue) -> ir.IntegerValue:
    """Months since March of the year 0, from days since 1970-01-01 (https://howardhinnant.github.io/date_algorithms.html)."""
    shifted = day + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (year * 365 + year // 4 - year // 100)
    return ((era * 400 + year) * 12 + (of_year * 5 + 2) // 153).cast("int64")


def bounds_of(number: int, per: Per, timezone: str) -> tuple[int, int]:
    """First instant of a window (see :meth:`Clock.window`), and first instant behind it."""
    zone = ZoneInfo(timezone)
    if per == "hour":
        start = number * HOUR_US
        start -= _offset(start, zone) % HOUR_US
        return start, start + HOUR_US
    if per == "month":
        ends = [divmod(number + 2 + more, 12) for more in (0, 1)]
        moments = [datetime(year, month + 1, 1, tzinfo=zone) for year, month in ends]
    else:
        days = [number, number + 1] if per == "day" else [number * 7 - 3, number * 7 + 4]
        moments = [(_EPOCH + timedelta(days=day)).replace(tzinfo=zone) for day in days]
    return instant_of(moments[0]), instant_of(moments[1])


def instant_of(at: datetime) -> int:
    """Microseconds since 1970 of a moment with a zone."""
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def moment(instant: int) -> datetime:
    """An instant as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=instant)
