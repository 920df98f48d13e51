"""``llmcost init``: commented example files, or a mapping for an unknown file; nothing is ever overwritten."""

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
TEMPLATES: Final = ("scenarios.toml", "prices.toml", "mapping.toml", "budget.toml")


@COMMAND.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write.")] = Path(),
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Propose a mapping for this unknown file instead.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Write example files, or a mapping for an unknown file.

    A commented scenario, price, mapping and budget file; what exists already is kept. With --from, a mapping whose lines say
    how sure they are, guessed from the file's names, types and values.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError("is no folder", where=str(folder))
    if source is not None:
        from llmcost.cli._propose import propose

        propose(source, folder, quiet=quiet)
        return
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
