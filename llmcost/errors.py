"""The few exceptions that stop a run, and the shape of what they print.

A bad row is never an exception: it is a :class:`llmcost.records.Problem` that every report counts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import ClassVar


class LlmcostError(Exception):
    """Something that stops the run. ``exit_code`` is what the command line returns.

    ``what`` says what is wrong with which values, ``where`` names the place (file:line, option),
    ``excerpt`` shows the offending record, ``why`` the reason and ``hint`` the next step.
    """

    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        excerpt: str | None = None,
        why: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.where, self.excerpt, self.why, self.hint = what, where, excerpt, why, hint
        super().__init__(self.render())

    def render(self) -> str:
        """The message in the house's form: place and fault first, then excerpt, reason and next step."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return "\n".join([head, *(f"  {part}" for part in (self.excerpt, self.why, self.hint) if part)])


class UsageError(LlmcostError):
    """The command, a configuration file or a scenario asks for something that does not exist."""


class NothingIngestedError(LlmcostError):
    """Nothing could be read, or ``--on-problem fail`` met a problem."""

    exit_code: ClassVar[int] = 3


class DatabaseError(LlmcostError):
    """A database that was named cannot be reached, or broke off."""


class StrictGapError(LlmcostError):
    """``--strict`` was given and the result leaves something out."""

    exit_code: ClassVar[int] = 4


class GateError(LlmcostError):
    """The gate says no."""

    exit_code: ClassVar[int] = 1


class StoreBusyError(LlmcostError):
    """Another process is writing to the store."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause naming the nearest known name, or the first few names when nothing is near."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" .. ({len(names)} in all)" if len(names) > 8 else ""
    return f"known: {', '.join(names[:8])}{more}"


def line_of(text: str, words: Iterable[str], first: int = 1) -> int | None:
    """The number of the first line from ``first`` on that holds the first of ``words`` that any line holds."""
    lines = text.splitlines()[first - 1 :]
    for word in words:
        pattern = re.compile(rf"(?<![-\w]){re.escape(word)}(?![-\w])")
        for number, line in enumerate(lines, first):
            if pattern.search(line):
                return number
    return None


def quoted(text: str, number: int | None) -> str | None:
    """A line of a file for an excerpt: ``3 | model = "gpt"``."""
    lines = text.splitlines()
    return f"{number} | {lines[number - 1].strip()[:160]}" if number and number <= len(lines) else None
