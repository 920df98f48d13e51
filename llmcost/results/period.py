"""The period a result covers."""

from __future__ import annotations

from decimal import Decimal

from llmcost.errors import UsageError
from llmcost.results.model import Period
from llmcost.results.options import ReplayOptions
from llmcost.results.stage import Engine
from llmcost.usage.store import Store
from llmcost.workload.clock import DAY_US, HOUR_US, Clock, moment
from llmcost.workload.contract import Workload

__all__ = ["DAY_US", "HOUR_US", "Clock", "days_of", "moment", "period_of", "require_rows"]


def days_of(store: Store) -> str:
    """First and last UTC day of the log's calls, in words; empty where none has a time."""
    first, last = store.rows("SELECT min(started_at), max(started_at) FROM usage")[0]
    if first is None:
        return ""
    return " to ".join(moment(int(at)).date().isoformat() for at in (first, last))


def require_rows(store: Store, rows: int, options: ReplayOptions) -> None:
    """UsageError where a period or condition selects none of the log's calls: its zero would be taken for what they cost."""
    narrowed = options.since is not None or options.until is not None or options.where is not None
    calls = 0 if rows or not narrowed else int(store.value("SELECT count(*) FROM usage"))
    if not calls:
        return
    days = days_of(store)
    raise UsageError(
        f"none of the {calls:,} calls in the log is selected",
        why=f"its days are {days}" if days else "none of them has a time",
        hint="widen --since, --until or --month, or change --where",
    )


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
