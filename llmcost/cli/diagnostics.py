"""Owns stderr and the exit code: what goes wrong is told in the house's form, never as a traceback (unless asked)."""

from __future__ import annotations

import os
import sys
import traceback
import unicodedata
import warnings
from collections.abc import Callable, Sequence
from typing import Final

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
    try:
        print(line, file=sys.stderr, flush=True)
    except (OSError, ValueError):  # nobody listens: the exit code still tells
        _to_nowhere(sys.stderr)


def guarded(call: Callable[[], object], *, debug: bool) -> int:
    """Runs ``call`` and gives the exit code; whatever it raises is told on stderr."""
    if not debug:
        warnings.simplefilter("ignore")  # libraries warn developers, not users
    try:
        code = call()
        sys.stdout.flush()
    except BaseException as error:
        if debug and not isinstance(error, Exit | SystemExit | BrokenPipeError):
            traceback.print_exc()
        return _told(error)
    return code if isinstance(code, int) else 0


def _told(error: BaseException) -> int:
    match error:
        case LlmcostError():
            _write(visible(f"{NAME}: error: {error.render()}"))
            return error.exit_code
        case Exit():
            return error.exit_code
        case SystemExit():
            return error.code if isinstance(error.code, int) else 2
        case KeyboardInterrupt() | typer.Abort():
            _write(f"{NAME}: interrupted; what was being written was left as it was")
            return INTERRUPTED
        case BrokenPipeError():
            _to_nowhere(sys.stdout)
            return BROKEN_PIPE
        case TyperException():
            _write(visible(f"{NAME}: error: {_usage(error)}"))
            return 2
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            _write(visible(f"{NAME}: error: {where}{error.strerror or error}"))
            return 2
        case MemoryError():
            _write(
                f"{NAME}: error: out of memory\n  give --memory-limit a smaller part, so that more is spilled to disk"
            )
            return 2
    return _bug(error)


def _usage(error: TyperException) -> str:
    """A fault in the command line, with the command whose help explains it."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", NAME)
    return f"{message}\n  {path} --help lists what there is"


def _bug(error: BaseException) -> int:
    first = (str(error).splitlines() or [""])[0][:300]
    _write(
        visible(
            f"{NAME}: error: this is a bug: {type(error).__name__}: {first}\n"
            f"  the store was left as it was; please report it with the output of {NAME} --debug ..."
        )
    )
    return 2


def _to_nowhere(stream: object) -> None:
    """Points a stream whose reader is gone at nothing, so that the interpreter can end quietly."""
    try:
        number = stream.fileno()  # type: ignore[attr-defined]
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    except (OSError, ValueError, AttributeError):
        return


def split_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without ``--debug``, which may stand anywhere before ``--``, and whether it was there."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    kept = [a for a in arguments[:end] if a != "--debug"]
    return [*kept, *arguments[end:]], len(kept) < end
