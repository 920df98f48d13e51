"""The command line's entry: finds the commands by their files and imports only the one that is run."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

from llmcost import __version__
from llmcost.cli.diagnostics import NAME, guarded, split_debug
from llmcost.errors import UsageError, nearest
from llmcost.usage import pandas

FIRST: Final = (
    "simulate",
    "report",
    "check",
    "ingest",
    "compare",
    "forecast",
    "reconcile",
    "breakeven",
    "advise",
    "optimize",
)
"""The order in which help lists commands; the rest follows by name."""
HELPERS: Final = frozenset({"main", "diagnostics", "groups", "options", "output", "progress"})
"""Files that are no commands, beside those whose names begin with an underscore."""


def command_names() -> tuple[str, ...]:
    """Every command's name: each file beside this one is one."""
    found = {f.stem for f in Path(__file__).parent.glob("*.py") if not f.stem.startswith("_")} - HELPERS
    return (*(name for name in FIRST if name in found), *sorted(found - set(FIRST)))


class _Commands(TyperGroup):
    """Commands by file name, each imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(command_names())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        del ctx
        if cmd_name not in command_names():
            return None
        if cmd_name not in self.commands:
            module = importlib.import_module(f"llmcost.cli.{cmd_name}")
            command = get_command(module.COMMAND)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not args[0].startswith("-") and args[0] not in command_names():
            raise UsageError(f"there is no command {args[0]!r}", hint=nearest(args[0], command_names()))
        return super().resolve_command(ctx, args)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


app = typer.Typer(
    name=NAME,
    cls=_Commands,
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand behind the command too.")] = False,
) -> None:
    """Replay LLM usage logs under other strategies, offline, and see where the money goes.

    llmcost simulate LOGS is all it takes to begin.
    """
    del version, debug
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def invoke(given: Sequence[str]) -> int:
    """Runs one command line and gives its exit code."""
    arguments, debug = split_debug(given)
    command = get_command(app)
    return guarded(lambda: command.main(arguments, prog_name=NAME, standalone_mode=False), debug=debug)


def run() -> NoReturn:
    """Runs the process's command line and exits with its code."""
    if "--debug" not in sys.argv:
        warnings.simplefilter("ignore")  # libraries warn developers, not users
    # Building queries makes millions of short-lived objects and hardly a cycle: looking for cycles took a tenth of the run.
    gc.set_threshold(100_000, 20, 20)
    pandas.keep_out()
    code = invoke(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    # Everything is closed: taking a hundred thousand objects apart one by one would take a tenth of a small run.
    os._exit(code)
