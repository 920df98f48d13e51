"""``llmcost schema``: the JSON Schema of a file that users write or read."""

from __future__ import annotations

from typing import Annotated

import typer

from llmcost.cli._text import show_json
from llmcost.cli.options import command_app
from llmcost.errors import UsageError

COMMAND = command_app()


@COMMAND.command()
def schema(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="scenario, budget, result, comparison, prices, price-file, gpu, throughput, mapping, or strategy with a NAME.",
        ),
    ],
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", show_default=False, help="The strategy, behind the word strategy.")
    ] = None,
) -> None:
    """Print the JSON Schema of a file you write or read."""
    from llmcost.results import schemas

    if what == "strategy":
        if name is None:
            raise UsageError("schema strategy needs a NAME", hint="llmcost strategies lists them")
        show_json(schemas.strategy(name))
        return
    if name is not None:
        raise UsageError(f"schema {what} takes no NAME", where=name)
    show_json(schemas.schema(what))
