"""``llmcost forecast``: what the log will cost if it goes on, with a band and the day a budget is spent."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.ingest import options_of, tell
from llmcost.cli.options import OnProblem, Owners, command_app
from llmcost.cli.output import chosen, spare, write
from llmcost.cli.progress import reading
from llmcost.config import DEFAULT_STORE
from llmcost.errors import UsageError

if TYPE_CHECKING:
    from llmcost.ingest.run import IngestSummary

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
def forecast(
    paths: opt.PathsArgument = None,
    store: opt.StoreOption = None,
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
    format: opt.FormatOption = None,
    out: opt.OutOption = None,
    prices: opt.PricesOption = None,
    primary: opt.PrimaryOption = "requests",
    seed: opt.SeedOption = 0,
    source: opt.SourceOption = None,
    mapping: opt.MappingOption = None,
    on_problem: opt.OnProblemOption = OnProblem.KEEP,
    owners: opt.OwnersOption = Owners.KEEP,
    memory_limit: opt.MemoryOption = None,
    title: opt.TitleOption = "",
    quiet: opt.QuietOption = False,
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
    formats = chosen(format, out)
    amount, budget_file = opt.budget_of(budget)
    spare(*(paths or ()), *(prices or ()), mapping, budget_file, store or (None if paths else DEFAULT_STORE))

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
        now=opt.now(), since=first, until=last, where=where, timezone=timezone, extrapolate=True, seed=seed, title=title,
        primary=opt.primary_of(primary),
    )  # fmt: skip
    accounts: list[IngestSummary] = []
    with reading(quiet=quiet) as progress:

        def ingested(account: IngestSummary) -> None:
            accounts.append(account)
            if progress:
                progress("replaying", 0, None)

        found = api.forecast(
            *(paths or ()),
            wanted=wanted,
            budget_file=budget_file,
            store=store or (None if paths else Path(DEFAULT_STORE)),
            prices=prices or (),
            options=choice,
            reading=options_of(source, mapping, on_problem, owners),
            memory_limit=opt.memory(memory_limit),
            progress=progress,
            ingested=ingested,
        )
    for account in accounts:
        tell(account, quiet=quiet)
    write(formats, outcome(found), out, title, quiet=quiet)
