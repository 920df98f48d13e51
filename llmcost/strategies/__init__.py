"""Workload to workload: one file a strategy. ``STRATEGIES`` finds them; a strategy never imports another."""

from __future__ import annotations

from typing import Any

from llmcost.plugins import Plugins
from llmcost.workload.contract import Strategy

STRATEGIES: Plugins[Strategy[Any]] = Plugins("llmcost.strategies", "STRATEGY", "strategy")
