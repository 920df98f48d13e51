"""``llmcost init``: commented example files to start from; nothing is ever overwritten."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

import typer

from llmcost.cli.diagnostics import say
from llmcost.cli.options import QuietOption, command_app
from llmcost.cli.output import replace
from llmcost.errors import UsageError

COMMAND = command_app()
TEMPLATES: Final = ("scenarios.toml", "prices.toml", "mapping.toml")


@COMMAND.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write.")] = Path(),
    quiet: QuietOption = False,
) -> None:
    """Write commented example files to start from.

    A scenario file, a price file and a mapping file; what exists already is kept.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError("is no folder", where=str(folder))
    written = 0
    for name in TEMPLATES:
        path = folder / name
        if path.exists():
            say(f"kept {path}", quiet=quiet)
            continue
        replace(path, template(name).encode())
        say(f"wrote {path}", quiet=quiet)
        written += 1
    if written:
        say("next: llmcost simulate LOGS --scenario scenarios.toml", quiet=quiet)


def template(name: str) -> str:
    """The text of an example file."""
    return (files("llmcost.cli") / "_templates" / name).read_text(encoding="utf-8")
