"""Forecasts made at earlier days of the same series and held against what came: who wins, and how wrong it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from llmcost.results.forecast.methods import Method
from llmcost.results.forecast.model import MethodScore
from llmcost.results.forecast.series import Values

MOST_ORIGINS: Final = 28
MOST_AHEAD: Final = 35
_NEAR: Final = 1.05
"""Methods whose daily error is within a twentieth of the best are told apart by the error of their sums."""


@dataclass(frozen=True)
class Trial:
    """One forecast made in the past: the days as forecast and as they came."""

    forecast: tuple[float, ...]
    actual: tuple[float | None, ...]
    after: int
    """Days of history that it was made from."""


@dataclass(frozen=True)
class Tested:
    """A method and its trials."""

    method: Method
    trials: tuple[Trial, ...]
    mape: float | None
    wape: float | None
    total_error: float | None
    bias: float | None

    def score(self, chosen: str) -> MethodScore:
        """As reports know it; four digits are more than such a number deserves."""
        return MethodScore(
            method=self.method.name, title=self.method.title, mape=_share(self.mape), wape=_share(self.wape),
            total_error=_share(self.total_error), bias=_share(self.bias), chosen=self.method.name == chosen,
        )  # fmt: skip


def _share(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(Decimal("0.0001"))


def origins(days: int, most: int = MOST_ORIGINS) -> list[int]:
    """The lengths of history at which forecasts are made: whole history in even steps, the first weeks left to learn from."""
    first = 28 if days >= 56 else 14 if days >= 28 else 7
    lengths = list(range(first, days))
    step = -(-len(lengths) // most) if lengths else 1
    return [length for length in lengths if (days - 1 - length) % step == 0]


def tried(
    first: date, values: Values, methods: Sequence[Method], horizon: int, most: int = MOST_ORIGINS
) -> list[Tested]:
    """Every method that could forecast from all origins, tried at the same ones."""
    ahead = min(horizon, MOST_AHEAD)
    places = [n for n in origins(len(values), most) if any(v is not None for v in values[:n])]
    found = []
    for method in methods:
        trials = []
        for length in places:
            actual = tuple(values[length : length + ahead])
            forecast = method.run(first, values[:length], len(actual))
            if forecast is None:
                break
            trials.append(Trial(tuple(forecast), actual, length))
        else:
            found.append(_measured(method, tuple(trials)))
    return found


def _measured(method: Method, trials: tuple[Trial, ...]) -> Tested:
    pairs = [[(f, a) for f, a in zip(t.forecast, t.actual, strict=True) if a is not None] for t in trials]
    flat = [pair for trial in pairs for pair in trial]
    whole = sum(a for _, a in flat)
    ratios = [abs(f - a) / a for f, a in flat if a > 0]
    return Tested(
        method,
        trials,
        sum(ratios) / len(ratios) if ratios else None,
        sum(abs(f - a) for f, a in flat) / whole if whole else None,
        sum(abs(sum(f for f, _ in trial) - sum(a for _, a in trial)) for trial in pairs) / whole if whole else None,
        sum(f - a for f, a in flat) / whole if whole else None,
    )


def best(found: Sequence[Tested]) -> Tested:
    """The least error a day; of those within a twentieth of it, the least error of the sum; the first of equals.

    A library's method counts only where it beats the project's own in both.
    """
    own = next((t for t in found if t.method.name == "profile"), None)
    found = [t for t in found if not t.method.library or own is None or _beats(t, own)]
    least = min((t.wape for t in found if t.wape is not None), default=None)
    if least is None:
        return found[0]
    near = [t for t in found if t.wape is not None and t.wape <= least * _NEAR]
    return min(near, key=lambda t: t.total_error or 0.0)


def _beats(one: Tested, other: Tested) -> bool:
    if one.wape is None or one.total_error is None or other.wape is None or other.total_error is None:
        return False
    return one.wape < other.wape and one.total_error < other.total_error
