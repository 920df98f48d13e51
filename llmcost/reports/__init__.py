"""A result to bytes: one file a format. ``REPORTS`` finds them; a report never imports another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmcost.plugins import Plugins

if TYPE_CHECKING:  # the names of the formats are wanted by --help, which loads no pydantic
    from llmcost.results.compare import Comparison
    from llmcost.results.model import Result


@dataclass(frozen=True, slots=True)
class Options:
    """What a reader may choose; a report takes nothing from the clock, the locale or the terminal."""

    width: int = 100
    color: bool = False
    top_n: int = 10
    title: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The record that each format's file ends in, as ``REPORT``."""

    title: str
    media_type: str
    suffix: str
    render: Callable[[Result, Options], bytes]
    render_comparison: Callable[[Comparison, Options], bytes] | None = None


REPORTS: Plugins[Report] = Plugins("llmcost.reports", "REPORT", "report")
