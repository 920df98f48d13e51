"""How wrong it may be: paths drawn from the backtest's own errors, each a whole run of days so that errors stay together.

A run is taken as it was, or with its level turned over: as far below the forecast as it was above, as a ratio. The runs
of one log overlap and lean to one side together, so they say how far sums go astray and not to which side; taken as they
were, 80 % bands held 74 to 76 % of 420 sums (``python -m scripts.backtest``), turned over 83 %, at a better interval score.

Where the log's last days all went astray to one side farther than almost any day of the backtest, nobody knows yet whether
that is a spike or a new level. The forecast stays; half of the paths go on at the level of these days.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from random import Random
from statistics import fmean, median
from typing import Final

from llmcost.results.forecast.backtest import Trial
from llmcost.results.forecast.methods import Method
from llmcost.results.forecast.series import Values

PATHS: Final = 2000
_LEAST_TRIALS: Final = 5
_FLOOR: Final = 0.1
"""Errors are taken relative to the forecast, or to this part of the mean where the forecast is below it."""
_WEEK: Final = 7
_FARTHEST: Final = 20.0
LATEST: Final = 2
"""The last days that may be a new level; one day may be anything."""
_RARE: Final = 0.95
"""Share of the backtest's days that erred less than each of the last ones, for these to count."""


def paths(
    forecast: Sequence[float], trials: Sequence[Trial], seed: int, count: int = PATHS, shift: float = 1.0
) -> list[list[float]] | None:
    """``count`` possible futures, none below zero; None where the backtest is too short to say. Half of them go on at
    ``shift`` times the forecast's level (:func:`shift_of`).

    A path takes the errors of one trial, day by day ahead. Beyond the trial's last day it goes on with another trial's,
    at the level of the week before: errors of the level multiply, so the band widens.
    """
    errors = sorted((found for trial in trials if (found := _errors(trial))), key=len, reverse=True)
    errors = [found for n, found in enumerate(errors) if len(found) >= _WEEK or n < _LEAST_TRIALS]
    if len(errors) < _LEAST_TRIALS or not forecast:
        return None
    # Trials overlap: a span holds few runs that do not, and few runs know the spread too small.
    tested = trials[-1].after + len(trials[-1].actual) - trials[0].after
    few = math.sqrt(1 + len(errors[0]) / tested)
    floor = _FLOOR * fmean(forecast)
    random = Random(seed)
    shifted = [value * shift for value in forecast]
    return [
        _path(shifted if shift != 1 and place % 2 else forecast, floor, errors, few, random) for place in range(count)
    ]


def shift_of(method: Method, first: date, values: Values, trials: Sequence[Trial]) -> float:
    """What the last days were of their forecast, as one ratio, where all of them went astray to one side as rarely any day
    of the backtest did; else 1.
    """
    last = [(n, value) for n, value in enumerate(values) if value is not None][-LATEST:]
    if len(last) < LATEST:
        return 1.0
    start = last[0][0]
    forecast = method.run(first, values[:start], len(values) - start)
    if forecast is None:
        return 1.0
    astray = [_log(value, forecast[n - start]) for n, value in last]
    usual = sorted(
        abs(_log(came, told))
        for trial in trials
        for ahead, (told, came) in enumerate(zip(trial.forecast, trial.actual, strict=True))
        if came is not None and trial.after + ahead < start  # the last days are what is judged
    )
    limit = quantile(usual, _RARE) if usual else math.inf
    if all(error > limit for error in astray) or all(-error > limit for error in astray):
        return math.exp(median(astray))
    return 1.0


def _log(came: float, forecast: float) -> float:
    """How far what came is from the forecast, as a logarithm of a ratio inside bounds."""
    return (
        math.log(_ratio([came], [forecast]))
        if came > 0 and forecast > 0
        else math.log(_FARTHEST) * ((came > forecast) - (came < forecast))
    )


def _path(
    forecast: Sequence[float], floor: float, errors: Sequence[Sequence[float]], few: float, random: Random
) -> list[float]:
    found: list[float] = []
    level = 1.0
    while len(found) < len(forecast):
        drawn = random.choice(errors)
        part = forecast[len(found) : len(found) + len(drawn)]
        days = [max(0.0, v + max(v, floor) * error) for v, error in zip(part, drawn, strict=False)]
        ratio = _ratio(days, part)
        wanted = level * math.exp(random.choice((1, -1)) * few * math.log(ratio))
        found += [day * wanted / ratio for day in days]
        level = _ratio(found[-_WEEK:], forecast[max(0, len(found) - _WEEK) : len(found)])
    return found


def _ratio(came: Sequence[float], forecast: Sequence[float]) -> float:
    """What came / what was forecast, inside bounds beyond which a ratio says no more than that it is far."""
    whole = sum(forecast)
    return min(_FARTHEST, max(1 / _FARTHEST, sum(came) / whole)) if whole > 0 else 1.0


def _errors(trial: Trial) -> list[float]:
    """Relative errors; a day that is not known has that of the day before."""
    mean = fmean(trial.forecast)
    found: list[float] = []
    for forecast, actual in zip(trial.forecast, trial.actual, strict=True):
        wide = max(forecast, _FLOOR * mean)
        if actual is None:
            found.append(found[-1] if found else 0.0)
        else:
            found.append((actual - forecast) / wide if wide > 0 else 0.0)
    return found


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of the ordered ones do not exceed (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
