"""Owns stderr and the exit code: what goes wrong is told in the house's form, never as a traceback (unless asked)."""

from __future__ import annotations

import os
import sys
import traceback
import unicodedata
from collections.abc import Callable, Sequence
from typing import IO, Final

import typer
from typer.exceptions import Exit, TyperException

from llmcost.errors import LlmcostError

NAME: Final = "llmcost"
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
"""128 + SIGPIPE, as the shell reports programs whose reader went away."""
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that act on a terminal or show nothing; a log's values may hold them."""


def visible(text: str) -> str:
    """``text`` with every character that acts on a terminal written out; line ends stay."""
    return "".join(
        char.encode("unicode_escape").decode() if char != "\n" and unicodedata.category(char) in _HIDDEN else char
        for char in text
    )


def say(text: str = "", *, quiet: bool = False) -> None:
    """A line on stderr."""
    if not quiet:
        _write(visible(text))


def warn(text: str) -> None:
    """A warning on stderr; it changes no exit code."""
    _write(visible(f"{NAME}: warning: {text}"))


def _write(line: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody listens: the exit code still tells
        _to_nowhere(sys.stderr)


def guarded(call: Callable[[], object], *, debug: bool) -> int:
    """Runs ``call`` and gives the exit code; whatever it raises is told on stderr."""
    try:
        code = call()
        if sys.stdout is not None:  # the shell can start a program without one: >&-
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - this is where everything ends
        if debug and not isinstance(error, Exit | SystemExit | BrokenPipeError):
            traceback.print_exc()
        return _told(error)
    return code if isinstance(code, int) else 0


def _told(error: BaseException) -> int:
    """Tells the error in the form of its kind; the exit code of it."""
    code = 2
    match error:
        case SystemExit() if isinstance(error.__context__, BrokenPipeError):  # typer's own end of a broken pipe
            _to_nowhere(sys.stdout)
            code = BROKEN_PIPE
        case Exit() | SystemExit():
            given = error.exit_code if isinstance(error, Exit) else error.code
            code = given if isinstance(given, int) else 2
        case BrokenPipeError():
            _to_nowhere(sys.stdout)
            code = BROKEN_PIPE
        case KeyboardInterrupt() | typer.Abort():
            _write(f"{NAME}: interrupted; what was being written was left as it was")
            code = INTERRUPTED
        case LlmcostError():
            _fault(error.render())
            code = error.exit_code
        case TyperException():
            _fault(_usage(error))
        case OSError():
            _fault(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error))
        case MemoryError():
            _fault("out of memory\n  give --memory-limit a smaller part, so that more is spilled to disk")
        case _:
            _bug(error)
    return code


def _fault(message: str) -> None:
    _write(visible(f"{NAME}: error: {message}"))


def _usage(error: TyperException) -> str:
    """A fault in the command line, with the command whose help explains it."""
    message = error.format_message().replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", NAME)
    return f"{message}\n  {path} --help lists what there is"


def _bug(error: BaseException) -> None:
    first = (str(error).splitlines() or [""])[0][:300]
    _fault(
        f"this is a bug: {type(error).__name__}: {first}\n"
        f"  the store was left as it was; please report it with the output of {NAME} --debug ..."
    )


def _to_nowhere(stream: IO[str]) -> None:
    """Points a stream whose reader is gone at nothing, so that the interpreter can end quietly."""
    try:
        number = stream.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    except (OSError, ValueError, AttributeError):
        return


def split_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without ``--debug``, which may stand anywhere before ``--``, and whether it was there."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [a for a in arguments[:end] if a != "--debug"]
    return [*kept, *arguments[end:]], len(kept) < end
