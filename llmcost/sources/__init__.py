"""Bytes to usage rows: one file a format. ``SOURCES`` finds them; a source never imports another."""

from __future__ import annotations

from llmcost.plugins import Plugins
from llmcost.records.contract import Source
from llmcost.usage.rules import BY_ID

SOURCES: Plugins[Source] = Plugins("llmcost.sources", "SOURCE", "source")


def key_text(source: str, rule: str) -> str:
    """What makes two records of a source the same, in its own words where they are told by an id."""
    return SOURCES.load(source).identity if rule == BY_ID and source in SOURCES.names() else rule
