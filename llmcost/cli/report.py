"""``llmcost report``: the monthly FinOps report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.groups import Logs, Shown, grouped
from llmcost.cli.ingest import check_strict
from llmcost.cli.options import command_app
from llmcost.errors import StrictGapError

if TYPE_CHECKING:
    from llmcost.results.monthly.model import Monthly

COMMAND = command_app()


@COMMAND.command()
@grouped
def report(
    *,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="The month; absent: the last one of the log.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="COLUMN", help="A further dimension (a column, or tag:KEY); repeatable."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="KEY", help="A tag to break costs down by; repeatable.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="USD|FILE", help="What the month may cost, in dollars; or a budget file."),
    ] = None,
    showback: Annotated[
        list[str] | None,
        typer.Option(
            "--showback", metavar="COLUMN", show_default="team", help="Who pays: a column or tag:KEY; repeatable."
        ),
    ] = None,
    shared: Annotated[
        Path | None,
        typer.Option("--shared", metavar="FILE", help="Rules by which shared costs are given out (TOML)."),
    ] = None,
    scenario: Annotated[
        list[Path] | None,
        typer.Option(
            "--scenario", "-s", metavar="FILE", help="Scenarios to try instead of the ready-made; repeatable."
        ),
    ] = None,
    preset: Annotated[
        list[str] | None, typer.Option("--preset", metavar="NAME", help="A ready-made scenario to try; repeatable.")
    ] = None,
    no_scenarios: Annotated[bool, typer.Option("--no-scenarios", help="Try no scenario.")] = False,
    no_forecast: Annotated[bool, typer.Option("--no-forecast", help="Forecast nothing.")] = False,
    where: opt.WhereOption = None,
    timezone: opt.TimezoneOption = "UTC",
    seed: opt.SeedOption = 0,
    logs: Logs,
    shown: Shown,
    strict: opt.StrictOption = False,
) -> None:
    """The month: spend, why it changed, anomalies, hidden costs.

    Against the month before and a budget, by every dimension, with what caching and routing saved, who pays, and which
    scenarios would be worth doing. PATHs are read as by simulate; without, the store is reported.
    """
    opt.zone_of(timezone)
    amount, budget_file = opt.budget_of(budget)
    formats = shown.formats()
    logs.spare(*(scenario or ()), shared, budget_file)

    from llmcost import api
    from llmcost.results.monthly.showback import read
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    rules = read(shared) if shared else ()
    tried = [] if no_scenarios else api.scenarios_of(scenario or [], preset or [])
    choice = ReplayOptions(
        now=opt.now(), where=where, timezone=timezone, seed=seed, title=shown.title, what_if="html" in formats
    )
    found, accounts = logs.ask(
        api.report,
        choice,
        "reporting",
        month=month,
        by=by or (),
        tags=tag or (),
        budgets={"": amount} if amount is not None else {},
        budget_file=budget_file,
        showback=showback or (),
        shared=rules,
        scenarios=tried,
        ahead=not no_forecast,
    )
    shown.write(formats, outcome(found), quiet=logs.quiet)
    if strict:
        for account in accounts:
            check_strict(account)
        check_month(found)


def check_month(found: Monthly) -> None:
    """StrictGapError where calls of the month or the one before have no price, or records were rejected."""
    gaps = [
        f"{month.unpriced_requests:,} of {month.requests:,} requests of {month.month} have no price"
        for month in (found.headline.this, found.headline.last)
        if month.unpriced_requests
    ]
    if found.coverage.rejected:
        gaps.append(f"{found.coverage.rejected:,} of {found.coverage.records_read:,} records were rejected")
    if gaps:
        raise StrictGapError(
            gaps[0],
            excerpt="\n  ".join(gaps[1:]) or None,
            why="--strict allows no gap",
            hint="--prices FILE gives a model a price of your own; the report lists every gap",
        )
