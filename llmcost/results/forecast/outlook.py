"""A daily series into the future: the method that its own past chooses, months, band and budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from statistics import fmean
from typing import Final, Literal

from llmcost.errors import UsageError
from llmcost.money import ZERO
from llmcost.results.forecast import band, library
from llmcost.results.forecast.backtest import Tested, best, tried
from llmcost.results.forecast.methods import NAIVE, Method, own, run_rate
from llmcost.results.forecast.model import Backtest, ForecastDay, Interval, KnownDay, Outlook
from llmcost.results.forecast.months import months_of
from llmcost.results.forecast.series import DAY, Series, Settled
from llmcost.results.priced import add

LEAST_DAYS: Final = 14
"""Settled days below which nothing but a run-rate is honest: every weekday twice."""
MOST_DAYS: Final = 732
MethodName = Literal["auto", "profile", "run-rate", "seasonal-naive", "ets"]
_GAP_WEEKS: Final = 3


@dataclass(frozen=True)
class ForecastOptions:
    """``until`` is the first day that is not forecast; None: the end of the month of the first day that is.

    ``settled`` leaves the last so many days of the log out; None: by the rule of :mod:`..series`. ``growth`` is a share a
    month. ``budget`` is for each calendar month. ``method`` ``auto`` lets the backtest choose. ``by`` is a usage column.
    """

    until: date | None = None
    months: int = 1
    settled: int | None = None
    gaps_zero: bool = False
    growth: Decimal | None = None
    budget: Decimal | None = None
    method: MethodName = "auto"
    by: str | None = None
    seed: int = 0


Factor = Callable[[date], Decimal]
"""What known price changes make of a day's cost."""


def month_after(day: date, months: int = 1) -> date:
    """The first day of the month that is ``months`` after the day's."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def forecast_of(
    daily: Mapping[date, Decimal],
    settled: Settled | None = None,
    options: ForecastOptions | None = None,
    factor: Factor | None = None,
) -> Outlook:
    """The outlook of a daily series; ``settled`` None: all days are. UsageError where there is nothing to go on.

    ``factor`` multiplies every forecast day: what is known of coming prices.
    """
    options = options or ForecastOptions()
    kept = settled or Settled(frozenset(daily), "every day given is settled")
    known = {day: amount for day, amount in daily.items() if day in kept.days}
    if not known:
        raise UsageError("no day of the log is settled", why=kept.rule, hint="--settled 0 takes every day as it is")
    series = Series.of(known, gaps_zero=options.gaps_zero)
    end = _end(series.following, options)
    horizon = (end - series.following).days
    projected = Projection(series, options, horizon, factor or unchanged)
    return projected.outlook(daily, kept)


def unchanged(day: date) -> Decimal:
    """Prices stay as they are."""
    del day
    return Decimal(1)


def _end(following: date, options: ForecastOptions) -> date:
    if options.until is None:
        return month_after(following, options.months)
    if not following < options.until <= following + DAY * MOST_DAYS:
        raise UsageError(
            f"{options.until} is not within two years after the last settled day", where="--until",
            why=f"the forecast begins on {following}", hint="--until names the first day that is not forecast",
        )  # fmt: skip
    return options.until


class Projection:
    """One series, its method and its future."""

    ahead: list[float]
    """The days to come, prices included."""
    plain: list[float]
    """The same by the method alone, at the prices of the log's end."""
    shift = 1.0
    """What the last days were of their forecast, where that may be a new level."""
    paths: list[list[float]] | None
    """Possible futures, drawn from the backtest's errors; None where it is too short."""

    def __init__(self, series: Series, options: ForecastOptions, horizon: int, factor: Factor) -> None:
        self.series, self.options, self.horizon = series, options, horizon
        self.days = [series.following + DAY * n for n in range(horizon)]
        self.factors = [factor(day) for day in self.days]
        self.values = series.values
        self.enough = series.known >= LEAST_DAYS
        growth = None if options.growth is None else float(options.growth)
        self.candidates = _candidates(options, growth)
        self.tested = tried(series.first, self.values, self.candidates, horizon) if self.enough else []
        self.method = self._method()
        ahead = self.method.run(series.first, self.values, horizon)
        if ahead is None:
            self.method = NAIVE[0]
            ahead = run_rate(series.first, self.values, horizon)
        self.plain = list(ahead)
        self.ahead = [value * float(f) for value, f in zip(ahead, self.factors, strict=True)]
        self.rate = fmean(run_rate(series.first, self.values, 1))
        self.digit = _digit(max(fmean(self.ahead), self.rate))
        self.paths = self._paths()

    @property
    def why(self) -> str:
        """Why there is no more than a run-rate; empty for a forecast."""
        if self.enough:
            return ""
        return f"{self.series.known} settled days are known and {LEAST_DAYS} are needed: every weekday twice"

    def _method(self) -> Method:
        named = {method.name: method for method in self.candidates}
        if not self.enough:
            return NAIVE[0]
        if self.options.method != "auto":
            return named[self.options.method]
        if self.options.growth is not None:  # the only one that knows what to do with it
            return named["profile"]
        judged = [t for t in self.tested if t.trials]
        return best(judged).method if judged else named["profile"]

    def _chosen(self) -> Tested | None:
        return next((t for t in self.tested if t.method.name == self.method.name), None)

    def _paths(self) -> list[list[float]] | None:
        chosen = self._chosen()
        if chosen is None or not chosen.trials:
            return None
        self.shift = band.shift_of(self.method, self.series.first, self.values, chosen.trials)
        return band.paths(self.ahead, chosen.trials, self.options.seed, shift=self.shift)

    def amount(self, value: float) -> Decimal:
        """Dollars rounded to the forecast's digit."""
        return (Decimal(value) / self.digit).to_integral_value(ROUND_HALF_EVEN) * self.digit

    def interval(self, values: Sequence[float], point: Decimal, known: Decimal = ZERO) -> Interval:
        """The band of sums over the paths, on top of what is known; it always holds the forecast itself.

        A method that erred to one side at every earlier day would else lie outside its own band.
        """
        ordered = sorted(values)
        p10, p50, p90 = (self.amount(band.quantile(ordered, q)) for q in (0.1, 0.5, 0.9))
        low, middle, high = (add((known, value)) for value in (min(p10, point), p50, max(p90, point)))
        return Interval(p10_usd=low, p50_usd=middle, p90_usd=high)

    def outlook(self, daily: Mapping[date, Decimal], kept: Settled) -> Outlook:
        points = [self.amount(value) for value in self.ahead]
        drawn = self.paths
        days = [
            ForecastDay(
                date=day, cost_usd=points[n], price_factor=self.factors[n],
                range=self.interval([path[n] for path in drawn], points[n]) if drawn else None,
            )
            for n, day in enumerate(self.days)
        ]  # fmt: skip
        series = self.series
        known = dict(zip((series.first + DAY * n for n in range(len(series.amounts))), series.amounts, strict=True))
        return Outlook(
            status="forecast" if self.enough else "insufficient-history",
            why=self.why,
            method=self.method.name,
            settled_days=series.known,
            gaps=len(series.amounts) - series.known,
            last_settled=series.following - DAY,
            rule=kept.rule,
            rounded_to=self.digit,
            run_rate_usd=self.amount(self.rate),
            history=_history(daily, known, kept),
            days=days,
            total_usd=add(points),
            range=self.interval([sum(path) for path in drawn], add(points)) if drawn else None,
            months=months_of(known, self.days, points, drawn, self.interval, self.options.budget),
            backtest=self._backtest(),
            notes=list(self._notes(known)),
        )

    def _backtest(self) -> Backtest | None:
        trials = next((t.trials for t in self.tested if t.trials), None)
        if not trials:
            return None
        return Backtest(
            forecasts=len(trials),
            days=sum(a is not None for trial in trials for a in trial.actual),
            most_days=max(len(trial.actual) for trial in trials),
            scores=[t.score(self.method.name) for t in self.tested],
        )

    def _notes(self, known: Mapping[date, Decimal | None]) -> list[str]:
        notes = []
        weeks = len(known) // 7
        missing = [
            name
            for number, name in enumerate(
                ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
            )
            if all(amount is None for day, amount in known.items() if day.weekday() == number)
        ]
        if missing and weeks >= _GAP_WEEKS:
            notes.append(
                f"the log knows no {' and no '.join(missing)}; they are forecast like other days. "
                "If they are days without calls, --gaps zero says so"
            )
        if self.enough and self.paths is None:
            notes.append("the backtest is too short for a band")
        reach = max((len(t.actual) for each in self.tested for t in each.trials), default=0)
        if self.paths is not None and self.horizon > reach:
            notes.append(
                f"errors were measured up to {reach} days ahead; beyond, the band widens as if each run of errors began where the last one ended"
            )
        if self.shift != 1:
            notes.append(
                f"the last {band.LATEST} days cost {'more' if self.shift > 1 else 'less'} than almost any day of the backtest did "
                "against its forecast: the band holds both that they are passing and that they are the new level"
            )
        if self.options.growth is None and any(f != 1 for f in self.factors):
            notes.append("known price changes are in the forecast; callers may answer them with other models")
        return notes


def _candidates(options: ForecastOptions, growth: float | None) -> list[Method]:
    found = [own(growth), *NAIVE]
    if options.method == "ets" and not library.installed():
        raise UsageError(
            "statsmodels is not installed", where="--method ets", hint="pip install 'llmcost-cli[forecast]'"
        )
    if growth is not None and options.method not in {"auto", "profile"}:
        raise UsageError(f"{options.method} knows no growth", where="--growth", hint="leave --method out")
    if library.installed() and options.method in {"auto", "ets"} and growth is None:
        found.append(library.smoothing())
    return found


def _digit(level: float) -> Decimal:
    """The place of the third digit of a day's cost, and no finer than a cent from a dollar a day up."""
    if level <= 0:
        return Decimal("0.01")
    place = Decimal(level).adjusted() - 2
    return Decimal(1).scaleb(max(place, -2) if level >= 1 else place)


def _history(daily: Mapping[date, Decimal], known: Mapping[date, Decimal | None], kept: Settled) -> list[KnownDay]:
    days = sorted({*daily, *known})
    return [
        KnownDay(
            date=day,
            cost_usd=daily.get(day, known.get(day)),
            settled=day in kept.days or (day not in daily and known.get(day) is not None),
        )
        for day in days
    ]
