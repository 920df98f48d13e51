"""The ways to continue a daily series: two naive ones that any method must beat, and the project's own simple one."""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean, median
from typing import Final

from llmcost.results.forecast.series import DAY, Values

WEEK: Final = 7
_SEASON_DAYS: Final = 56
_LEVEL_DAYS: Final = 28
_HALF_LIFE: Final = 7.0
_SPIKE: Final = 3.0
"""A day is a spike from this many times the median of the three days before and after it."""
_MONTH_ENDS: Final = 3
_END_DAYS: Final = 3
"""The last days of a month that may have a factor of their own."""
_GROWTH_WEEKS: Final = 8
_AGREEMENT: Final = 0.8
"""Of all pairs of weeks, how many more must rise than fall (Mann-Kendall's S) before growth is believed."""
_MOST_GROWTH: Final = 0.05
_DAMPING: Final = 0.8
_MONTH_DAYS: Final = 30.4375

Continue = Callable[[date, Values, int], list[float] | None]
"""First day, values so far and number of days -> the days to come; None where the method cannot."""


@dataclass(frozen=True)
class Method:
    """A named way to continue a series."""

    name: str
    title: str
    run: Continue
    library: bool = False


def run_rate(first: date, values: Values, horizon: int) -> list[float]:
    """The mean of the last seven known days, for ever."""
    del first
    known = [value for value in values if value is not None]
    return [fmean(known[-WEEK:])] * horizon


def seasonal_naive(first: date, values: Values, horizon: int) -> list[float]:
    """The last known day of the same weekday within four weeks, else the run-rate."""
    rate = run_rate(first, values, 1)[0]
    week = []
    for ahead in range(min(WEEK, horizon)):
        places = (len(values) + ahead - WEEK * back for back in range(1, 5))
        known = (values[place] for place in places if 0 <= place < len(values))
        week.append(next((value for value in known if value is not None), rate))
    return [week[ahead % WEEK] for ahead in range(horizon)]


@dataclass(frozen=True)
class Profile:
    """Level x weekday x month end, with growth a week; see :func:`profile`."""

    level: float
    weekday: tuple[float, ...]
    ends: dict[int, float]
    growth: float


def profile(first: date, values: Values, horizon: int, growth: float | None = None) -> list[float] | None:
    """Robust level x weekday profile x month-end factor, with damped growth.

    Level: exponentially weighted mean (half-life 7 days) of the last 28 known days without season, spikes taken out.
    Weekday: median ratio to the week around it over eight weeks, drawn towards 1 by n / (n + 1). Month end: median ratio
    of each of a month's last three days where three month ends are known and point the same way. Growth: Theil-Sen slope
    of the weekly logs where weeks agree (Mann-Kendall), 5 % a week at most, damped by 0.8 a week. ``growth`` a month
    that the user gives is not damped.
    """
    found = fit(first, values, growth)
    if found is None:
        return None
    days = [first + DAY * (len(values) + ahead) for ahead in range(horizon)]
    return [
        found.level
        * found.weekday[day.weekday()]
        * found.ends.get(from_end(day), 1.0)
        * _grown(found, ahead + 1, growth)
        for ahead, day in enumerate(days)
    ]


def _grown(found: Profile, ahead: int, given: float | None) -> float:
    if given is not None:
        return float((1 + given) ** (ahead / _MONTH_DAYS))
    return math.exp(found.growth * (1 - _DAMPING ** (ahead / WEEK)) / (1 - _DAMPING))


def fit(first: date, values: Values, growth: float | None = None) -> Profile | None:
    """The profile of a series; None where nothing is known."""
    weekday = _weekdays(first, calm(values))
    plain = _without(values, [weekday[(first + DAY * n).weekday()] for n in range(len(values))])
    ends = _month_ends(first, plain)
    plain = calm(_without(plain, [ends.get(from_end(first + DAY * n), 1.0) for n in range(len(values))]))
    slope = _slope(plain) if growth is None else math.log1p(growth) * WEEK / _MONTH_DAYS
    recent = [(len(plain) - 1 - n, value) for n, value in enumerate(plain) if value is not None][-_LEVEL_DAYS:]
    if not recent:
        return None
    weights = [0.5 ** (age / _HALF_LIFE) for age, _ in recent]
    grown = [value * math.exp(slope * age / WEEK) for age, value in recent]
    if not sum(weights):
        return None
    level = sum(w * v for w, v in zip(weights, grown, strict=True)) / sum(weights)
    return Profile(level, weekday, ends, slope)


def from_end(day: date) -> int:
    """0 for a month's last day, 1 for the one before .."""
    return calendar.monthrange(day.year, day.month)[1] - day.day


def calm(values: Values) -> Values:
    """The series with single days that tower over the days around them brought down to these."""
    found = list(values)
    for n, value in enumerate(values):
        around = [v for v in (*values[max(0, n - 3) : n], *values[n + 1 : n + 4]) if v is not None]
        middle = median(around) if len(around) >= 4 else None
        if value is not None and middle and value > _SPIKE * middle and sum(v > value / 2 for v in around) == 0:
            found[n] = middle
    return found


def _weekdays(first: date, values: Values) -> tuple[float, ...]:
    ratios: list[list[float]] = [[] for _ in range(WEEK)]
    for n in range(max(3, len(values) - _SEASON_DAYS), len(values) - 3):
        around = [v for v in values[n - 3 : n + 4] if v is not None]
        value = values[n]
        if value is not None and len(around) >= 5 and sum(around) > 0:
            ratios[(first + DAY * n).weekday()].append(value / fmean(around))
    if any(0 < len(found) < 2 for found in ratios) or sum(map(bool, ratios)) < 5:
        return (1.0,) * WEEK
    factors = [1 + (median(found) - 1) * len(found) / (len(found) + 1) if found else None for found in ratios]
    mean = fmean(f for f in factors if f is not None)
    return tuple(1.0 if f is None or mean <= 0 else f / mean for f in factors)


def _without(values: Values, factors: Sequence[float]) -> Values:
    """The values with their season taken out; days that the season leaves next to nothing of say nothing."""
    return [
        None if value is None or factor < 0.1 else value / factor for value, factor in zip(values, factors, strict=True)
    ]


def _month_ends(first: date, plain: Values) -> dict[int, float]:
    ratios: dict[int, list[float]] = {}
    for n, value in enumerate(plain):
        position = from_end(first + DAY * n)
        if value is None or position >= _END_DAYS:
            continue
        near = [
            v
            for k in range(max(0, n - 10), n)
            if (v := plain[k]) is not None and from_end(first + DAY * k) >= _END_DAYS
        ]
        if len(near) >= 5 and median(near) > 0:
            ratios.setdefault(position, []).append(value / median(near))
    return {
        position: median(found)
        for position, found in ratios.items()
        if len(found) >= _MONTH_ENDS and (min(found) > 1.1 or max(found) < 0.9)
    }


def _slope(plain: Values) -> float:
    """Growth of the logs a week, where the weeks agree that there is some."""
    weeks = []
    for back in range(min(_GROWTH_WEEKS, len(plain) // WEEK)):
        end = len(plain) - WEEK * back
        known = [v for v in plain[end - WEEK : end] if v is not None]
        if len(known) >= 4 and median(known) > 0:
            weeks.append((-back, math.log(median(known))))
    pairs = [(b[1] - a[1]) / (b[0] - a[0]) for k, a in enumerate(weeks) for b in weeks[k + 1 :]]
    if len(weeks) < 5 or abs(sum((s > 0) - (s < 0) for s in pairs)) < _AGREEMENT * len(pairs):
        return 0.0
    return max(-_MOST_GROWTH, min(_MOST_GROWTH, median(pairs)))


NAIVE: Final = (
    Method("run-rate", "run-rate (mean of 7 days)", run_rate),
    Method("seasonal-naive", "same weekday a week before", seasonal_naive),
)


def own(growth: float | None = None) -> Method:
    """The project's own method, with the user's growth where there is one."""
    return Method(
        "profile", "level x weekday x month end", lambda first, values, horizon: profile(first, values, horizon, growth)
    )
