"""``llmcost budget``: what is spent of every budget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.groups import Logs, Shown, Span, grouped
from llmcost.cli.ingest import check_strict
from llmcost.cli.options import command_app

COMMAND = command_app()


@COMMAND.command()
@grouped
def budget(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The budget file (llmcost init writes one).")],
    span: Span,
    logs: Logs,
    shown: Shown,
    strict: opt.StrictOption = False,
) -> None:
    """Show what is spent of every budget, and who was over.

    Share, burn rate and projected exhaustion in the window in which the log ends; every window that was passed, when, and
    what the budgets would have held up. It decides nothing: llmcost check does.
    """
    formats = shown.formats()
    logs.spare(file)

    from llmcost import api
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    budgets = api.load_budgets(file)
    first, last = span.instants(opt.zone_of(budgets.timezone))
    choice = ReplayOptions(
        now=opt.now(), since=first, until=last, where=span.where, timezone=budgets.timezone, title=shown.title
    )
    found, accounts = logs.ask(api.budget_status, choice, budget=budgets, name=file.name)
    shown.write(formats, outcome(found), quiet=logs.quiet)
    if strict:
        for account in accounts:
            check_strict(account)
