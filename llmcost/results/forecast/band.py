"""How wrong it may be: paths drawn from the backtest's own errors, each a whole run of days so that errors stay together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from statistics import fmean
from typing import Final

from llmcost.results.forecast.backtest import Trial

PATHS: Final = 2000
_LEAST_TRIALS: Final = 5
_FLOOR: Final = 0.1
"""Errors are taken relative to the forecast, or to this part of the mean where the forecast is below it."""
_WEEK: Final = 7


def paths(
    forecast: Sequence[float], trials: Sequence[Trial], seed: int, count: int = PATHS
) -> list[list[float]] | None:
    """``count`` possible futures, none below zero; None where the backtest is too short to say.

    A path takes the errors of one trial, day by day ahead. Beyond the trial's last day it goes on with another trial's,
    shifted by the mean error of the week before: errors of the level add up, so the band widens.
    """
    errors = sorted((found for trial in trials if (found := _errors(trial))), key=len, reverse=True)
    errors = [found for n, found in enumerate(errors) if len(found) >= _WEEK or n < _LEAST_TRIALS]
    if len(errors) < _LEAST_TRIALS or not forecast:
        return None
    mean = fmean(forecast)
    # Trials overlap: a span holds few runs that do not, and few runs know the spread too small.
    few = math.sqrt(1 + len(errors[0]) / (len(trials[0].actual) + len(trials)))
    scale = [few * max(value, _FLOOR * mean) for value in forecast]
    random = Random(seed)
    return [
        [
            max(0.0, value + wide * error)
            for value, wide, error in zip(forecast, scale, _drawn(random, errors, len(forecast)), strict=True)
        ]
        for _ in range(count)
    ]


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


def _drawn(random: Random, errors: Sequence[Sequence[float]], horizon: int) -> list[float]:
    found: list[float] = []
    shift = 0.0
    while len(found) < horizon:
        drawn = random.choice(errors)
        found += [shift + error for error in drawn]
        shift += fmean(drawn[-_WEEK:])
    return found[:horizon]


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of the ordered ones do not exceed (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
