"""``llmcost budget``: what is spent of every budget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from llmcost.cli import options as opt
from llmcost.cli.ingest import check_strict, options_of, tell
from llmcost.cli.options import OnProblem, Owners, command_app
from llmcost.cli.output import chosen, spare, write
from llmcost.cli.progress import reading
from llmcost.config import DEFAULT_STORE

if TYPE_CHECKING:
    from llmcost.ingest.run import IngestSummary

COMMAND = command_app()


@COMMAND.command()
def budget(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The budget file (llmcost init writes one).")],
    paths: opt.PathsArgument = None,
    store: opt.StoreOption = None,
    since: opt.SinceOption = None,
    until: opt.UntilOption = None,
    month: opt.MonthOption = None,
    where: opt.WhereOption = None,
    format: opt.FormatOption = None,
    out: opt.OutOption = None,
    prices: opt.PricesOption = None,
    source: opt.SourceOption = None,
    mapping: opt.MappingOption = None,
    on_problem: opt.OnProblemOption = OnProblem.KEEP,
    owners: opt.OwnersOption = Owners.KEEP,
    memory_limit: opt.MemoryOption = None,
    title: opt.TitleOption = "",
    strict: opt.StrictOption = False,
    quiet: opt.QuietOption = False,
) -> None:
    """Show what is spent of every budget, and who was over.

    Share, burn rate and projected exhaustion in the window in which the log ends; every window that was passed, when, and
    what the budgets would have held up. It decides nothing: llmcost check does.
    """
    formats = chosen(format, out)
    spare(*(paths or ()), *(prices or ()), mapping, file, store or (None if paths else DEFAULT_STORE))
    from llmcost import api
    from llmcost.results.options import ReplayOptions
    from llmcost.results.outcome import outcome

    budgets = api.load_budgets(file)
    first, last = opt.span_of(since, until, month, opt.zone_of(budgets.timezone))
    accounts: list[IngestSummary] = []
    with reading(quiet=quiet) as progress:
        found = api.budget_status(
            *(paths or ()),
            budget=budgets,
            name=file.name,
            store=store or (None if paths else Path(DEFAULT_STORE)),
            prices=prices or (),
            options=ReplayOptions(
                now=opt.now(), since=first, until=last, where=where, timezone=budgets.timezone, title=title
            ),
            reading=options_of(source, mapping, on_problem, owners),
            memory_limit=opt.memory(memory_limit),
            progress=progress,
            ingested=accounts.append,
        )
    for account in accounts:
        tell(account, quiet=quiet)
    write(formats, outcome(found), out, title, quiet=quiet)
    if strict:
        for account in accounts:
            check_strict(account)
