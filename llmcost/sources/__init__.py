"""Bytes to usage rows: one file a format. ``SOURCES`` finds them; a source never imports another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmcost.plugins import Plugins
from llmcost.records.contract import Reading, Source
from llmcost.usage.rules import BY_ID

SOURCES: Plugins[Source] = Plugins("llmcost.sources", "SOURCE", "source")


def key_text(source: str, rule: str) -> str:
    """What makes two records of a source the same, in its own words where they are told by an id."""
    return SOURCES.load(source).identity if rule == BY_ID and source in SOURCES.names() else rule


def read_elsewhere(name: str, call: Any) -> Iterable[Reading]:
    """What the source called ``name`` reads of a call that stands in another source's file (``Context.elsewhere``)."""
    read = SOURCES.load(name).read_call
    if read is None:
        raise TypeError(f"the source {name!r} reads no single calls")
    return read(call)
