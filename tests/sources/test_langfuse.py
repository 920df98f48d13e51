"""Langfuse: the money and tokens of real traces, and its exports in other files."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmcost.ingest.recognise import claimants
from llmcost.records import Context, Record, Row, Sample
from llmcost.records.files import records, sample
from llmcost.sources.langfuse import SOURCE
from tests.sources.cases import read_all
from tests.support import shared_data


def _rows(path: Path) -> list[dict[str, Any]]:
    found = sample(path)
    assert isinstance(found, Sample)
    assert claimants(found) == ["langfuse"]
    given = (r for r in records(path, found.form) if isinstance(r, Record))
    readings = read_all(SOURCE, given, Context(found.name, found.header))
    return [dict(r.usage) for r in readings if isinstance(r, Row) and r.usage is not None]


def _real(name: str) -> tuple[Path, list[dict[str, Any]]]:
    path = shared_data("formats", "langfuse_trace_json", name)
    document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    return path, [o for o in document["observations"] if o["type"] == "GENERATION"]


@pytest.mark.parametrize(
    "name",
    [
        "openai-agents-2025-09-30.json",
        "pydantic-ai-tools-2025-12-04.json",
        "koog-2025-08-26.json",
        "google-gemini-2025-08-01.json",
    ],
)
def test_a_real_trace_adds_up_to_its_generations(name: str) -> None:
    path, generations = _real(name)
    rows = _rows(path)
    assert len(rows) == len(generations)
    assert sum(r["input_tokens"] + r["output_tokens"] for r in rows) == sum(g["totalUsage"] for g in generations)
    assert sum(r["billed_cost"] for r in rows) == sum(g["totalCost"] for g in generations)


def test_of_a_call_that_two_tools_told_of_the_one_with_the_providers_answer_counts() -> None:
    path, generations = _real("agno-2025-06-11.json")
    outer = [g for g in generations if "chatcmpl-" in str(g["output"])[:60]]
    rows = _rows(path)
    assert len(generations) == 2 * len(outer) == 2 * len(rows)
    assert sum(r["input_tokens"] for r in rows) == sum(g["inputUsage"] for g in outer)


def test_the_blob_export_in_parquet_reads_as_its_jsonl(tmp_path: Path) -> None:
    row: dict[str, Any] = {
        "id": "o-1", "trace_id": "t-1", "project_id": "p-1", "type": "GENERATION", "parent_observation_id": None, "name": "chat", "provided_model_name": "gpt-4o",
        "start_time": "2026-03-01T10:00:00Z", "end_time": "2026-03-01T10:00:01Z", "usage_details": {"input": 36, "input_cached_tokens": 64, "output": 30, "total": 130},
        "cost_details": {"total": "0.000234449999"}, "total_cost": "0.000234449999", "environment": "production", "model_parameters": '{"temperature": 0}',
    }  # fmt: skip
    line = tmp_path / "observations.jsonl"
    line.write_text(json.dumps(row) + "\n", encoding="utf-8")
    types = {
        "usage_details": pa.map_(pa.string(), pa.uint64()), "cost_details": pa.map_(pa.string(), pa.decimal128(18, 12)), "total_cost": pa.decimal128(18, 12),
        "start_time": pa.timestamp("ms", "UTC"), "end_time": pa.timestamp("ms", "UTC"),
    }  # fmt: skip
    typed = {
        **row, "usage_details": list(row["usage_details"].items()), "cost_details": [("total", Decimal("0.000234449999"))],
        "total_cost": Decimal("0.000234449999"), "start_time": 1772359200000, "end_time": 1772359201000,
    }  # fmt: skip
    table = pa.table({name: pa.array([value], types.get(name)) for name, value in typed.items()})
    pq.write_table(table, tmp_path / "observations.parquet")
    (read,) = _rows(line)
    assert (read["input_tokens"], read["cache_read_input_tokens"], read["billed_cost"]) == (
        100,
        64,
        Decimal("0.000234449999"),
    )
    assert _rows(tmp_path / "observations.parquet") == [read]
