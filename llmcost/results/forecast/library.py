"""Exponential smoothing by statsmodels, where that is installed: a candidate that has to win the backtest.

``pip install llmcost-cli[forecast]`` brings it. Damped additive trend and a season of seven days, Holt and Winters' method:
https://www.statsmodels.org/stable/generated/statsmodels.tsa.holtwinters.ExponentialSmoothing.html (2026-11-24).
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from datetime import date
from typing import Any, Final

from llmcost.results.forecast.methods import WEEK, Method
from llmcost.results.forecast.series import Values
from llmcost.usage import pandas

_LEAST_DAYS: Final = 28
_EVERY: Final = 14
"""Smoothing weights are estimated anew when the series has grown by so many days."""
_MOST_DAYS: Final = 180


def installed() -> bool:
    """Whether statsmodels is there; nothing is imported."""
    return importlib.util.find_spec("statsmodels") is not None


def smoothing() -> Method:
    """Holt-Winters as a method. Its weights are kept between series that differ by less than two weeks of days."""
    kept: dict[int, dict[str, Any]] = {}

    def run(first: date, values: Values, horizon: int) -> list[float] | None:
        del first
        filled = _filled(values)[-_MOST_DAYS:]
        if len(filled) < _LEAST_DAYS:
            return None
        return _smoothed(filled, horizon, len(values) // _EVERY, kept)

    return Method("ets", "Holt-Winters (statsmodels)", run, library=True)


def _smoothed(values: list[float], horizon: int, era: int, kept: dict[int, dict[str, Any]]) -> list[float] | None:
    pandas.let_in()
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the optimiser did not converge shows in the backtest
        try:
            model = ExponentialSmoothing(
                values,
                trend="add",
                damped_trend=True,
                seasonal="add",
                seasonal_periods=WEEK,
                initialization_method="heuristic",
            )
            if era not in kept:
                found = model.fit(optimized=True)
                names = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")
                kept[era] = {name: float(found.params[name]) for name in names}
            else:
                found = model.fit(optimized=False, **kept[era])
            ahead = [float(value) for value in found.forecast(horizon)]
        except (ValueError, FloatingPointError, ArithmeticError):
            return None
    return [max(0.0, value) for value in ahead] if all(map(math.isfinite, ahead)) else None


def _filled(values: Values) -> list[float]:
    """The series from its first known day on, gaps filled from the week before or the last known day."""
    found: list[float] = []
    for value in values:
        if value is not None:
            found.append(value)
        elif found:
            found.append(found[-WEEK] if len(found) >= WEEK else found[-1])
    return found
