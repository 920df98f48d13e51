"""What a month's saving would be if its days were others of the log's: a bootstrap, where nothing is assumed.

Weeks of seven whole days in a row are drawn with replacement until a month is full, so that working days and weekends come as
they do, and good and bad days together as they did; the log's last day is followed by its first. What costs the same whatever
the days hold (a fleet, storage) is spread over the period. This says how much months differ and nothing about assumptions.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from llmcost.money import EXACT, RATIO, ZERO
from llmcost.results.model import MonthRange, Period, Range, Scenario, SeriesPoint, Totals
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import EPOCH, Priced
from llmcost.results.totals import monthly
from llmcost.results.waterfall import Chain

LEAST_DAYS: Final = 14
DRAWS: Final = 1005
_WEEK: Final = 7
_PLACES: Final = Decimal("1e-12")


def months_of(
    found: Scenario, chain: Chain, baseline: Totals, period: Period, options: ReplayOptions
) -> MonthRange | None:
    """The range of a replayed scenario's months; None where it changes nothing, assumes something, or has too few days.

    The days' costs are those that the result shows; only where rows are left out of the comparison are they added up anew.
    """
    if not found.steps or any(step.evidence.assumed_usd for step in found.steps):
        return None
    days = whole_days(period.start, period.end, period.timezone)
    if len(days) < LEAST_DAYS or not (found.saving_usd or any(step.requests_changed for step in found.steps)):
        return None
    before, after = (
        (_shown(baseline.series), _shown(found.series))
        if chain.excluded is None
        else (_added(chain.compared[0]), _added(chain.compared[-1]))
    )
    costs = {day: (before.get(day, ZERO), after.get(day, ZERO)) for day in {*before, *after}}
    flat = [monthly(state.flat_cost, period.days, options) or ZERO for state in (chain.compared[0], chain.compared[-1])]
    return month_range(days, costs, (flat[0], flat[1]), period.month_days, f"{options.seed} {found.name} months")


def _shown(series: Sequence[SeriesPoint]) -> dict[date, Decimal]:
    """Cost by day of what a result shows."""
    costs: dict[date, Decimal] = {}
    for point in series:
        costs[point.date] = EXACT.add(costs.get(point.date, ZERO), point.cost_usd)
    return costs


def _added(state: Priced) -> dict[date, Decimal]:
    return {EPOCH + timedelta(days=int(day)): cost for day, cost in state.cost_by("day").items() if day is not None}


def whole_days(start: datetime | None, end: datetime | None, timezone: str) -> list[date]:
    """The days of a zone that lie in a period from their first to their last hour."""
    if start is None or end is None:
        return []
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    first, last = start.astimezone(zone), end.astimezone(zone)
    day = first.date() if (first.hour, first.minute) == (0, 0) else first.date() + timedelta(days=1)
    return [day + timedelta(days=n) for n in range((last.date() - day).days)]


def month_range(
    days: Sequence[date],
    costs: Mapping[date, tuple[Decimal, Decimal]],
    flat: tuple[Decimal, Decimal],
    month_days: Decimal,
    seed: str,
) -> MonthRange | None:
    """The range of a month's cost and saving; None under 14 whole days.

    ``costs`` are each day's (before, after), ``flat`` is what a month costs (before, after) whatever its days hold.
    """
    if len(days) < LEAST_DAYS:
        return None
    each = [costs.get(day, (ZERO, ZERO)) for day in days]
    length = max(1, round(month_days))
    weeks, rest = divmod(length, _WEEK)
    sums, rests = _spans(each, _WEEK), _spans(each, rest)
    draw = random.Random(seed)
    costs_drawn, savings_drawn = [], []
    for _ in range(DRAWS):
        before, after = rests[draw.randrange(len(days))]
        for _ in range(weeks):
            week = sums[draw.randrange(len(days))]
            before, after = EXACT.add(before, week[0]), EXACT.add(after, week[1])
        costs_drawn.append(after)
        savings_drawn.append(EXACT.subtract(before, after))
    scale = RATIO.divide(month_days, Decimal(length))
    return MonthRange(
        cost=_range(costs_drawn, scale, flat[1]), saving=_range(savings_drawn, scale, EXACT.subtract(*flat)),
        days=len(days), draws=DRAWS,
    )  # fmt: skip


def _spans(each: Sequence[tuple[Decimal, Decimal]], length: int) -> list[tuple[Decimal, Decimal]]:
    """The sums of ``length`` days in a row from every day on."""
    found = []
    for first in range(len(each)):
        before = after = ZERO
        for n in range(length):
            day = each[(first + n) % len(each)]
            before, after = EXACT.add(before, day[0]), EXACT.add(after, day[1])
        found.append((before, after))
    return found


def _range(totals: Sequence[Decimal], scale: Decimal, flat: Decimal) -> Range:
    """P10, P50 and P90 of months: of 10 k + 5 draws the middles of three strata."""
    ordered = sorted(totals)
    low, middle, high = (
        RATIO.add(RATIO.multiply(ordered[place], scale), flat).quantize(_PLACES)
        for place in (DRAWS // 10, DRAWS // 2, DRAWS - 1 - DRAWS // 10)
    )
    return Range(p10_usd=low, p50_usd=middle, p90_usd=high)
