"""The period a result covers, and days in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import ibis
import ibis.expr.types as ir

from llmcost.errors import UsageError
from llmcost.results.model import Period
from llmcost.results.options import ReplayOptions
from llmcost.results.stage import Engine
from llmcost.workload.contract import Workload

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        offsets = self.offsets
        if len(offsets) == 1:
            return ((instant + offsets[0][1]) // DAY_US).cast("int64")
        branches = [(instant >= start, offset) for start, offset in reversed(offsets[1:])]
        shift = ibis.cases(*branches, else_=offsets[0][1]).cast("int64")
        return ((instant + shift) // DAY_US).cast("int64")


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


def moment(instant: int) -> datetime:
    """An instant as a datetime in UTC."""
    return _EPOCH + timedelta(microseconds=instant)


def period_of(engine: Engine, workload: Workload, options: ReplayOptions) -> Period:
    """``since``/``until``, else the first instant floored and the last ceiled to the hour (buckets: their own ends)."""
    rows = workload.rows.filter(workload.rows.selected)
    answer = engine.rows(
        rows.agg(first=rows.started_at.min(), last=rows.started_at.max(), bucket_end=rows.ended_at.max())
    )[0]
    start, end = options.since, options.until
    if answer["first"] is not None:
        start = answer["first"] // HOUR_US * HOUR_US if start is None else start
        if end is None:
            last_call = (answer["last"] // HOUR_US + 1) * HOUR_US
            bucket_end = answer["bucket_end"]
            only_buckets = bucket_end is not None and bucket_end > answer["last"]
            end = bucket_end if only_buckets else last_call
    known = start is not None and end is not None and end > start
    days = Decimal(end - start) / Decimal(DAY_US) if known and start is not None and end is not None else None
    return Period(
        start=moment(start) if start is not None else None,
        end=moment(end) if end is not None else None,
        days=days,
        timezone=options.timezone,
        month_days=options.month_days,
        extrapolated=bool(days is not None and days < 1 and options.extrapolate),
    )
