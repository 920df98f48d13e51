"""Finds the one source that claims a file."""

from __future__ import annotations

from llmcost.errors import UsageError
from llmcost.records import Sample, Source
from llmcost.sources import SOURCES


def claimants(sample: Sample) -> list[str]:
    """Names of all sources that claim the sample; a fault inside a sniffer is no claim."""
    return [name for name, source in SOURCES if sample.form in source.forms and source.sniff(sample)]


def recognise(sample: Sample) -> tuple[str, Source] | None:
    """The source of a file, None when no source knows it.

    Raises UsageError when two sources claim it.
    """
    names = claimants(sample)
    if len(names) > 1:
        raise UsageError(
            f"it looks like {' and like '.join(names)}",
            where=sample.name,
            why="guessing would count wrong money",
            hint=f"say which it is: --source {names[0]}",
        )
    return (names[0], SOURCES.load(names[0])) if names else None
