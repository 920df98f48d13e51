"""Costs that others published, computed end to end: a mapping file, the catalogue, the result."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest

from llmcost.api import simulate
from llmcost.ingest.run import IngestOptions
from llmcost.records.mapfile import parse_mapping
from tests.support import shared_data

SWE_AGENT: Final = """
[mapping]
name = "SWE-agent runs"
provider_name = "openai"

[columns]
request_model = { value = "gpt-4-turbo-2024-04-09" }
started_at = { value = "2024-05-01T00:00:00Z" }
service_tier = { value = "standard" }
input_tokens = "tokens_sent"
output_tokens = "tokens_received"
requests = "api_calls"

[filter]
keep = { tokens_sent = 52861 }
"""
ROUTER_ARENA: Final = """
[mapping]
name = "RouterArena answers"

[columns]
request_id = "global_index"
provider_name = "provider"
request_model = "llm_selected"
started_at = { value = "2025-11-01T00:00:00Z" }
service_tier = { value = "standard" }
region = { value = "global" }
input_tokens = "input_tokens"
output_tokens = "output_tokens"
task_type = "dataset"
quality_score = "score"
"""


def _cost(path: Path, mapping: str) -> tuple[Decimal | None, Any]:
    reading = IngestOptions(mapping=parse_mapping(tomllib.loads(mapping)))
    result = simulate(path, scenarios=[], reading=reading)
    return result.baseline.cost_usd, result.coverage


def test_a_run_of_swe_agent_costs_what_it_logged() -> None:
    path = shared_data("traces", "swe_agent_costs", "runs.jsonl")
    cost, coverage = _cost(path, SWE_AGENT)
    assert cost == Decimal("0.53839")
    assert not coverage.unpriced


@pytest.mark.parametrize(
    ("model", "total"), [("claude-3-haiku-20240307", "0.08573475"), ("gemini-2.0-flash-001", "0.0233466")]
)
def test_router_arenas_answers_cost_what_it_published(model: str, total: str) -> None:
    path = shared_data("traces", "routerarena", f"{model}.parquet")
    cost, coverage = _cost(path, ROUTER_ARENA)
    assert cost == Decimal(total)
    assert not coverage.unpriced
    told = sum(Decimal(str(c)) for c in pq.read_table(path)["inference_cost"].to_pylist())
    assert abs(told - Decimal(total)) < Decimal("1E-12")
