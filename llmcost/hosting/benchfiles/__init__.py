"""Benchmark results to throughput measurements: one file a format. ``BENCHFILES`` finds them; one never imports another."""

from __future__ import annotations

from llmcost.hosting.benchmark import BenchFile
from llmcost.plugins import Plugins

BENCHFILES: Plugins[BenchFile] = Plugins("llmcost.hosting.benchfiles", "BENCHFILE", "benchmark format")
