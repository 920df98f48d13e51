"""An outcome to bytes: one file a format. ``REPORTS`` finds them; a report never imports another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmcost.plugins import Plugins

if TYPE_CHECKING:  # the names of the formats are wanted by --help, which loads no pydantic
    from llmcost.results.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Options:
    """What a reader may choose; a report takes nothing from the clock, the locale or the terminal."""

    width: int = 100
    color: bool = False
    top_n: int = 10
    title: str = ""
    tag: str = ""
    """Tells several comments of one place apart; each finds its own by the hidden mark that carries it."""


@dataclass(frozen=True, slots=True)
class Report:
    """The record that each format's file ends in, as ``REPORT``. What is ``binary`` is not shown on a terminal."""

    title: str
    media_type: str
    suffix: str
    render: Callable[[Outcome, Options], bytes]
    binary: bool = False


REPORTS: Plugins[Report] = Plugins("llmcost.reports", "REPORT", "report")
