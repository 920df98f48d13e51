"""Bytes to usage rows: one file a format. ``SOURCES`` finds them; a source never imports another."""

from __future__ import annotations

from llmcost.plugins import Plugins
from llmcost.records.contract import Source

SOURCES: Plugins[Source] = Plugins("llmcost.sources", "SOURCE", "source")
