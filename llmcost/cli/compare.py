"""``llmcost compare``: two results side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli.options import FormatOption, OutOption, QuietOption, TitleOption, command_app
from llmcost.cli.output import chosen, spare, write

COMMAND = command_app()


@COMMAND.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE.json", help="A result that simulate --format json wrote.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER.json", help="The result to compare with it.")],
    format: FormatOption = None,
    out: OutOption = None,
    title: TitleOption = "",
    quiet: QuietOption = False,
) -> None:
    """Show what changed between two results.

    Totals, scenarios and the largest movers; both results come from simulate --format json.
    """
    names = chosen(format, out)
    spare(before, after)
    from llmcost import api
    from llmcost.results.outcome import outcome

    found = api.compare(api.load_result(before), api.load_result(after))
    write(names, outcome(found), out, title, quiet=quiet)
