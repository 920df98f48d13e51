"""``llmcost simulate``: what the log would have cost under other strategies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.diagnostics import say
from llmcost.cli.groups import Logs, Shown, Span, grouped
from llmcost.cli.ingest import check_strict
from llmcost.cli.options import command_app
from llmcost.errors import StrictGapError

if TYPE_CHECKING:
    from llmcost.results.model import Result

COMMAND = command_app()


@COMMAND.command()
@grouped
def simulate(
    *,
    scenario: Annotated[
        list[Path] | None,
        typer.Option("--scenario", "-s", metavar="FILE", help="A scenario file (llmcost init writes one); repeatable."),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option("--preset", metavar="NAME", help="A ready-made scenario (llmcost strategies); repeatable."),
    ] = None,
    span: Span,
    timezone: opt.TimezoneOption = "UTC",
    month_days: opt.MonthDaysOption = "30.4375",
    extrapolate: opt.ExtrapolateOption = False,
    by: opt.ByOption = None,
    primary: opt.PrimaryOption = "requests",
    gpus: opt.GpusOption = None,
    prices_on: Annotated[
        str | None,
        typer.Option(
            "--prices-on", metavar="DATE", help="Price scenarios at this day's rates, not each request's own day's."
        ),
    ] = None,
    baseline_on: Annotated[
        str | None,
        typer.Option(
            "--baseline-on", metavar="DATE", help="Price the log itself at this day's rates too: both sides at one day."
        ),
    ] = None,
    seed: opt.SeedOption = 0,
    logs: Logs,
    shown: Shown,
    strict: opt.StrictOption = False,
) -> None:
    """Replay logs under strategies: what each would have saved.

    With PATHs these are read into a temporary store (or into --store) and only they are charged; without, everything
    in the store is. Without a scenario or preset, a ready-made scenario of every strategy is tried.
    """
    zone = opt.zone_of(timezone)
    first, last = span.instants(zone)
    days = opt.positive(month_days, "--month-days")
    formats = shown.formats()
    logs.spare(*(scenario or ()), *(gpus or ()))

    from llmcost import api
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    day = opt.day_of(prices_on, "--prices-on") if prices_on else None
    rebased = opt.day_of(baseline_on, "--baseline-on") if baseline_on else None
    scenarios = api.scenarios_of(scenario or [], preset or [], day, gpus or ())
    choice = ReplayOptions(
        now=opt.now(), since=first, until=last, where=span.where, timezone=timezone, month_days=days,
        extrapolate=extrapolate, dimensions=tuple(dict.fromkeys(by or ["feature"])), seed=seed, title=shown.title, primary=opt.primary_of(primary),
        baseline_on=rebased, what_if="html" in formats,
    )  # fmt: skip
    result, accounts = logs.ask(api.simulate, choice, scenarios=scenarios)
    result = result if scenario or preset else _only_effective(result, quiet=logs.quiet)
    shown.write(formats, outcome(result), quiet=logs.quiet)
    if strict:
        for account in accounts:
            check_strict(account)
        check_result(result)


def _only_effective(result: Result, *, quiet: bool) -> Result:
    """Of scenarios that nobody asked for, those that change anything; the others are named on stderr."""
    idle = [s.name for s in result.scenarios if not any(step.requests_changed for step in s.steps) and not s.saving_usd]
    if not idle:
        return result
    say(f"nothing in this log for: {', '.join(idle)} (see llmcost strategies)", quiet=quiet)
    kept = [s for s in result.scenarios if s.name not in idle]
    return result.model_copy(update={"scenarios": kept})


def check_result(result: Result) -> None:
    """StrictGapError naming every gap of a result."""
    coverage = result.coverage
    gaps = []
    if coverage.unpriced:
        worst = coverage.unpriced[0]
        missing = coverage.requests - coverage.priced_requests
        what = f"{missing:,} of {coverage.requests:,} requests have" if missing else "usage buckets have"
        gaps.append(f"{what} no price ({worst.provider}/{worst.model}: {worst.reason} ..)")
    if coverage.rejected:
        gaps.append(f"{coverage.rejected:,} of {coverage.records_read:,} records were rejected")
    gaps += [
        f"scenario {s.name!r}: {s.not_comparable.requests:,} requests are not comparable"
        for s in result.scenarios
        if s.not_comparable.requests
    ]
    if gaps:
        raise StrictGapError(
            gaps[0],
            excerpt="\n  ".join(gaps[1:]) or None,
            why="--strict allows no gap",
            hint="--prices FILE gives a model a price of your own; the report lists every gap",
        )
