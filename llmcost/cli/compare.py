"""``llmcost compare``: two results side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmcost.cli.options import OutOption, QuietOption, TitleOption, command_app
from llmcost.cli.output import chosen, write
from llmcost.errors import UsageError

COMMAND = command_app()


@COMMAND.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE.json", help="A result that simulate --format json wrote.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER.json", help="The result to compare with it.")],
    format: Annotated[
        list[str] | None,
        typer.Option(
            "--format", "-f", metavar="FORMAT", show_default="terminal", help="terminal, markdown or json; repeatable."
        ),
    ] = None,
    out: OutOption = None,
    title: TitleOption = "",
    quiet: QuietOption = False,
) -> None:
    """Show what changed between two results.

    Totals, scenarios and the largest movers; both results come from simulate --format json.
    """
    from llmcost import api
    from llmcost.reports import REPORTS, Options, Report

    names = chosen(format, out)
    for name in names:
        if REPORTS.load(name).render_comparison is None:
            able = ", ".join(other for other, report in REPORTS if report.render_comparison)
            raise UsageError(f"{name} shows no comparison", where="--format", hint=f"one of {able}")
    found = api.compare(api.load_result(before), api.load_result(after))

    def render(report: Report, options: Options) -> bytes:
        if report.render_comparison is None:
            raise AssertionError(report.title)
        return report.render_comparison(found, options)

    write(names, render, out, "comparison", title, quiet=quiet)
