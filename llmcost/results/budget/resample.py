"""What a run-rate says of a month's range: a log's whole days, drawn again and again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from llmcost.money import EXACT, ZERO
from llmcost.results.model import Range, SeriesPoint
from llmcost.results.options import ReplayOptions
from llmcost.workload.branching import add

LEAST_DAYS: Final = 7
_DRAWS: Final = 400


def full_days(
    series: Sequence[SeriesPoint], start: datetime | None, end: datetime | None, timezone: str
) -> list[Decimal]:
    """What each whole day of the period cost; a day without calls cost nothing."""
    if start is None or end is None:
        return []
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    first, last = start.astimezone(zone), end.astimezone(zone)
    day = first.date() if (first.hour, first.minute) == (0, 0) else first.date() + timedelta(days=1)
    costs: dict[date, Decimal] = {}
    for point in series:
        costs[point.date] = EXACT.add(costs.get(point.date, ZERO), point.cost_usd)
    found = []
    while day < last.date():
        found.append(costs.get(day, ZERO))
        day += timedelta(days=1)
    return found


def resampled(days: Sequence[Decimal], options: ReplayOptions) -> Range | None:
    """P10, P50 and P90 of a month's cost: means of days drawn again and again from the log's whole days, seeded."""
    if len(days) < LEAST_DAYS:
        return None
    draw = random.Random(options.seed)
    months = sorted(add(draw.choices(days, k=len(days))) / len(days) * options.month_days for _ in range(_DRAWS))
    low, middle, high = (months[int(_DRAWS * share)] for share in (Decimal("0.1"), Decimal("0.5"), Decimal("0.9")))
    return Range(p10_usd=low, p50_usd=middle, p90_usd=high)
