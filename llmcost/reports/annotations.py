"""GitHub workflow commands: what does not hold appears beside the budget file in the list of changes.

``::error file={name},title={title}::{message}``; in messages % and line ends are escaped, in properties : and , too
(https://docs.github.com/actions/reference/workflow-commands-for-github-actions; escaping as in @actions/core,
packages/core/src/command.ts, recalled 2026-11-24). What the log says never begins a line, so it is no command.
"""

from __future__ import annotations

from typing import Final

from llmcost.reports import Options, Report
from llmcost.results.outcome import Outcome, Remark
from llmcost.results.present import clean

_COMMANDS: Final = {"error": "error", "warning": "warning", "skipped": "notice"}
_MOST: Final = 50
"""GitHub shows ten of each kind and step; more would only fill the log."""


def render(outcome: Outcome, options: Options) -> bytes:
    """A command for each remark that does not hold, and a notice with what was found."""
    doc = outcome.document(options.top_n, options.title)
    told = [remark for remark in outcome.remarks() if remark.level in _COMMANDS]
    lines = [_command(remark) for remark in told[:_MOST]]
    if len(told) > _MOST:
        lines.append(f"::notice::{data(f'{len(told) - _MOST:,} more')}")
    lines.append(f"::notice title={prop(doc.title)}::{data(doc.sentence)}")
    return ("\n".join(lines) + "\n").encode()


def _command(remark: Remark) -> str:
    place = f"file={prop(remark.file)}," if remark.file else ""
    return f"::{_COMMANDS[remark.level]} {place}title={prop(remark.name)}::{data(remark.message)}"


def data(text: str) -> str:
    """A message on one line."""
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def prop(text: str) -> str:
    """The value of a property."""
    return data(text).replace(":", "%3A").replace(",", "%2C")


REPORT = Report("GitHub annotations", "text/plain; charset=utf-8", ".annotations.txt", render)
