"""Backtests the forecast's methods on generated and real series and writes the table of docs/forecast.md.

``python -m scripts.backtest`` prints the table; ``--write`` puts it into the page. The choice of a method sees only what
lies before the day it forecasts from, so its error is honest: the same rule as in the command, applied at many days.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llmcost.results.forecast import band, library
from llmcost.results.forecast.backtest import best, tried
from llmcost.results.forecast.methods import NAIVE, Method, own
from scripts.backtest_series import Sample, generated, real

PAGE: Final = Path(__file__).parents[1] / "docs" / "forecast.md"
START: Final = "<!-- backtest: python -m scripts.backtest --write -->"
END: Final = "<!-- end of backtest -->"
AHEAD: Final = 28
CHOSEN: Final = "chosen"
NOMINAL: Final = 0.8
SEEDS: Final = 6


@dataclass(frozen=True)
class Errors:
    """Of one method on one series: errors of days and of sums, as shares of what came."""

    wape: float
    total: float


@dataclass(frozen=True)
class Report:
    """One series: every method's errors, those of the one chosen each time, and how often sums and days lay inside the band."""

    sample: Sample
    errors: dict[str, Errors]
    picked: dict[str, int]
    inside: int
    forecasts: int
    days_inside: int = 0
    days: int = 0


def origins(days: int, count: int) -> list[int]:
    """Lengths of history to forecast from: the second half of the series, evenly."""
    ahead = min(AHEAD, days // 4)
    first, last = days // 2, days - ahead
    return sorted({first + (last - first) * n // max(1, count - 1) for n in range(count)})


def examine(sample: Sample, count: int, libraries: Sequence[Method] = ()) -> Report:
    """Forecasts from ``count`` days of the series, each with a backtest of its own before it."""
    values = sample.values
    ahead = min(AHEAD, len(values) // 4)
    methods = [own(), *NAIVE, *libraries]
    sums: dict[str, list[float]] = {name: [0.0, 0.0] for name in (*(m.name for m in methods), CHOSEN)}
    picked: dict[str, int] = {}
    whole, inside, within, places = 0.0, 0, 0, origins(len(values), count)
    for length in places:
        past, actual = values[:length], [v or 0.0 for v in values[length : length + ahead]]
        chosen = best(tried(sample.first, past, methods, ahead))
        whole += sum(actual)
        for method in methods:
            forecast = method.run(sample.first, past, ahead)
            if forecast is None:
                raise AssertionError(f"{method.name} has no forecast of {sample.name}")
            for name in (method.name, *((CHOSEN,) if method.name == chosen.method.name else ())):
                sums[name][0] += sum(abs(f - a) for f, a in zip(forecast, actual, strict=True))
                sums[name][1] += abs(sum(forecast) - sum(actual))
            if method.name == chosen.method.name:
                picked[method.name] = picked.get(method.name, 0) + 1
                shift = band.shift_of(method, sample.first, past, chosen.trials)
                drawn = band.paths(forecast, chosen.trials, 0, 400, shift) or []
                inside += bool(drawn) and _inside([sum(path) for path in drawn], sum(forecast), sum(actual))
                within += sum(
                    _inside([path[n] for path in drawn], forecast[n], came) for n, came in enumerate(actual) if drawn
                )
    errors = {n: Errors(d / whole, t / whole) for n, (d, t) in sums.items()}
    return Report(sample, errors, picked, inside, len(places), within, len(places) * ahead)


def _inside(drawn: Sequence[float], point: float, came: float) -> bool:
    """Whether what came lies in the band from P10 to P90, which always holds the forecast itself, as in the command."""
    ordered = sorted(drawn)
    return min(band.quantile(ordered, 0.1), point) <= came <= max(band.quantile(ordered, 0.9), point)


def coverage(reports: Sequence[Report], what: str) -> str:
    """How often the band of nominally 80 % held what came: sums of a horizon, and single days."""
    sums, forecasts = sum(r.inside for r in reports), sum(r.forecasts for r in reports)
    within, days = sum(r.days_inside for r in reports), sum(r.days for r in reports)
    return f"{what} | {NOMINAL:.0%} | {sums / forecasts:.0%} of {forecasts} | {within / days:.0%} of {days:,}"


def coverages(seeds: int, count: int) -> str:
    """The coverage by kind of series, over seeds that no rule was chosen on as well as those of the table."""
    made: dict[str, list[Report]] = {}
    for seed in range(seeds):
        for sample in generated(f"coverage {seed}"):
            made.setdefault(sample.name, []).append(examine(sample, count))
    traces = [examine(sample, count) for sample in real()]
    lines = ["series | nominal | sums in the band | days in the band", "--- | --- | --- | ---"]
    lines += [coverage(reports, name) for name, reports in made.items()]
    lines += [coverage(traces, "real traces")] if traces else []
    lines.append(coverage([*(r for reports in made.values() for r in reports), *traces], "all"))
    return "\n".join(f"| {line} |" for line in lines)


def table(reports: Sequence[Report]) -> str:
    """The reports as Markdown: error a day / error of the sum."""
    names = [*reports[0].errors]
    heads = ["series", "what it is", *(name.replace("profile", "own") for name in names), "chosen was", "in the band"]
    lines = [" | ".join(heads), " | ".join("---" for _ in heads)]
    for report in reports:
        errors = (f"{e.wape:.0%} / {e.total:.0%}" for e in report.errors.values())
        picked = ", ".join(
            f"{n.replace('profile', 'own')} {c}" for n, c in sorted(report.picked.items(), key=lambda p: -p[1])
        )
        cells = [report.sample.name, report.sample.about, *errors, picked, f"{report.inside} of {report.forecasts}"]
        lines.append(" | ".join(cells))
    return "\n".join(f"| {line} |" for line in lines)


def main(arguments: Sequence[str]) -> None:
    """Prints the table, or writes it into the page."""
    libraries = [library.smoothing()] if library.installed() else []
    reports = []
    for sample in (*generated(), *real()):
        reports.append(examine(sample, 4, libraries))
        print(sample.name, reports[-1].errors[CHOSEN], file=sys.stderr, flush=True)
    made = f"{table(reports)}\n\n{coverages(SEEDS, 4)}"
    if "--write" not in arguments:
        print(made)
        return
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    PAGE.write_text(f"{before}{START}\n\n{made}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
