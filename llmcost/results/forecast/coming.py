"""What the coming month costs as one number with its band: the same method and backtest as a whole outlook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from llmcost.results.forecast.band import quantile
from llmcost.results.forecast.outlook import Factor, ForecastOptions, MethodName, Projection, unchanged
from llmcost.results.forecast.series import Series, Settled


@dataclass(frozen=True)
class Coming:
    """The days behind the last settled one; ``why`` says why there is no forecast, and is empty where there is."""

    why: str
    method: MethodName
    title: str
    settled_days: int
    first: date
    forecasts: int
    """Made at earlier days of the log, to choose the method."""
    total: float
    plain: tuple[float, ...]
    """Day by day at the prices of the log's end, the last one with its part; ``total`` is at each day's own."""
    band: tuple[float, float, float] | None
    """P10, P50, P90 of the total; None: too short a backtest."""


def coming(
    daily: Mapping[date, Decimal],
    kept: Settled,
    days: Decimal,
    method: MethodName = "auto",
    seed: int = 0,
    factor: Factor = unchanged,
) -> Coming | None:
    """The ``days`` (a month of 30.4375, say) that follow the settled days of a series; None where none is settled.

    A last day that is not whole counts with its part; ``factor`` is what known price changes make of a day.
    """
    known = {day: amount for day, amount in daily.items() if day in kept.days}
    if not known:
        return None
    series = Series.of(known)
    horizon = math.ceil(days)
    found = Projection(series, ForecastOptions(method=method, seed=seed), horizon, factor)
    part = float(days) - (horizon - 1)

    def whole(values: Sequence[float]) -> float:
        return sum(values[:-1]) + values[-1] * part

    total = whole(found.ahead)
    plain = (*found.plain[:-1], found.plain[-1] * part)
    ordered = sorted(whole(path) for path in found.paths or ())
    band = None
    if ordered:
        low, middle, high = (quantile(ordered, share) for share in (0.1, 0.5, 0.9))
        band = (min(low, total), middle, max(high, total))
    name: MethodName = found.method.name  # type: ignore[assignment]  # methods are named by MethodName
    trials = max((len(tested.trials) for tested in found.tested), default=0)
    return Coming(found.why, name, found.method.title, series.known, series.following, trials, total, plain, band)
