"""``llmcost forecast``: what the log will cost if it goes on, with a band and the day a budget is spent."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.groups import Logs, Shown, grouped
from llmcost.cli.options import command_app
from llmcost.errors import UsageError

COMMAND = command_app()


class Gaps(StrEnum):
    """What a day without any row is."""

    UNKNOWN = "unknown"
    ZERO = "zero"


class Way(StrEnum):
    """Who continues the series."""

    AUTO = "auto"
    PROFILE = "profile"
    RUN_RATE = "run-rate"
    SEASONAL_NAIVE = "seasonal-naive"
    ETS = "ets"


@COMMAND.command()
@grouped
def forecast(
    *,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="DATE", show_default="the month's end", help="First day that is not forecast any more."
        ),
    ] = None,
    months: Annotated[
        int,
        typer.Option("--months", min=1, max=24, metavar="NUMBER", help="Calendar months, the running one included."),
    ] = 1,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget", metavar="USD|FILE", help="A month's budget, or a budget file: when each is spent, how likely."
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="COLUMN", help="Share the forecast out by this column too: team, model .."),
    ] = None,
    growth: Annotated[
        str | None,
        typer.Option(
            "--growth", metavar="SHARE", help="Growth a month that you know of, e.g. 5% or -3%, in place of the log's."
        ),
    ] = None,
    method: Annotated[
        Way, typer.Option("--method", help="Who continues the series; auto: who did best in the backtest.")
    ] = Way.AUTO,
    settled: Annotated[
        int | None,
        typer.Option(
            "--settled",
            min=0,
            max=60,
            metavar="DAYS",
            show_default="the day it ends on, unless whole",
            help="How many days at the log's end may still change and are left out.",
        ),
    ] = None,
    gaps: Annotated[
        Gaps, typer.Option("--gaps", help="What a day without any row is: unknown, or zero.")
    ] = Gaps.UNKNOWN,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="First day or instant that the forecast rests on.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="WHEN",
            help="First day or instant that it does not rest on any more: forecast from the past.",
        ),
    ] = None,
    where: opt.WhereOption = None,
    timezone: opt.TimezoneOption = "UTC",
    primary: opt.PrimaryOption = "requests",
    seed: opt.SeedOption = 0,
    logs: Logs,
    shown: Shown,
) -> None:
    """Forecast what the log will cost, and how wrong that may be.

    Daily costs at their own days' prices are continued to the month's end. The method is the one that did best when
    forecasts were made at earlier days of the same log; their errors give the band. Price changes that are already dated
    are replayed on the recent mix.
    """
    if until is not None and months != 1:
        raise UsageError("it already says where the forecast ends", where="--until", hint="give --until or --months")
    zone = opt.zone_of(timezone)
    first, last = opt.span_of(since, as_of, None, zone)
    formats = shown.formats()
    amount, budget_file = opt.budget_of(budget)
    logs.spare(budget_file)

    from llmcost import api
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    wanted = api.ForecastOptions(
        until=opt.day_of(until, "--until") if until else None,
        months=months,
        settled=settled,
        gaps_zero=gaps is Gaps.ZERO,
        growth=opt.growth_of(growth, "--growth") if growth is not None else None,
        budget=amount,
        method=method.value,
        by=by,
        seed=seed,
    )
    choice = ReplayOptions(
        now=opt.now(), since=first, until=last, where=where, timezone=timezone, extrapolate=True, seed=seed, title=shown.title,
        primary=opt.primary_of(primary),
    )  # fmt: skip
    found, _ = logs.ask(api.forecast, choice, wanted=wanted, budget_file=budget_file)
    shown.write(formats, outcome(found), quiet=logs.quiet)
