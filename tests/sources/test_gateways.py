"""What the gateways' logs say, held against the catalogue: units of money, models, and one spend in two logs."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest.recognise import recognise
from llmcost.ingest.run import ingest
from llmcost.pricing.catalogue import load
from llmcost.pricing.resolve import Unpriced
from llmcost.records import Context, Record, Row, Sample
from llmcost.records.files import records, sample
from llmcost.sources.openrouter_chat import SOURCE as OPENROUTER
from llmcost.sources.portkey import SOURCE as PORTKEY
from llmcost.usage.store import Store
from tests.sources.cases import read_all, rows_of, sample_lines
from tests.support import SAMPLES, shared_data

FOLDERS = (
    "litellm_standard_logging_payload",
    "helicone_requests",
    "portkey_logs_export",
    "cloudflare_ai_gateway",
    "otlp_json_genai",
    "langfuse_trace_json",
    "langsmith_runs",
    "openinference_phoenix",
)
NOT_FOR_SALE = {
    ("openrouter", "google/gemini-2.0-flash-exp:free"): "free and rate-limited; withdrawn",
}
"""Models that the real samples name and the catalogue does not know, each with the reason."""


def _rows(path: Path) -> list[dict[str, Any]]:
    found = sample(path)
    assert isinstance(found, Sample), path
    chosen = recognise(found)
    assert chosen is not None, path
    given = (r for r in records(path, found.form) if isinstance(r, Record))
    readings = read_all(chosen[1], given, Context(found.name, found.header))
    return [dict(r.usage) for r in readings if isinstance(r, Row) and r.usage is not None]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_model_of_the_real_samples_is_in_the_catalogue(folder: str) -> None:
    catalogue = load()
    unknown = set()
    for path in sorted(shared_data("formats", folder).iterdir()):
        for row in _rows(path) if path.suffix != ".md" else ():
            provider, at = row.get("provider_name"), row.get("started_at")
            names = [n for n in (row.get("response_model"), row.get("request_model")) if n]
            if names and not any(catalogue.resolve(provider, name, at) for name in names):
                unknown.add((provider, names[0]))
    assert unknown <= set(NOT_FOR_SALE)


def test_portkeys_costs_are_cents_by_the_list_price_of_its_documented_example() -> None:
    (row,) = rows_of(PORTKEY, sample_lines("portkey_logs_export", "logs_export.documented.jsonl"))
    catalogue = load()
    model = catalogue.resolve(row["provider_name"], row["request_model"], row["started_at"])
    assert model is not None
    rates = catalogue.rates(model, at=row["started_at"])
    assert not isinstance(rates, Unpriced)
    per_mtok = {str(name): rate for name, rate in rates.per_mtok.items()}
    list_cost = (row["input_tokens"] * per_mtok["input"] + row["output_tokens"] * per_mtok["output"]) / Decimal(10**6)
    assert row["billed_cost"] == list_cost


def test_two_logs_of_one_gateway_are_one_spend(tmp_path: Path) -> None:
    """LiteLLM's payloads again as rows of its table: the same ids, so nothing is added."""
    with Store(None) as store:
        ingest(store, [str(SAMPLES / "litellm_logging" / "payloads.jsonl")])
        before = store.rows("SELECT count(*), sum(requests), sum(billed_cost), sum(input_tokens) FROM usage")
        path = store.spill / "again.jsonl"  # a folder of this test's own
        path.write_bytes(_as_table((SAMPLES / "litellm_logging" / "payloads.jsonl").read_bytes()))
        summary = ingest(store, [str(path)])
        assert summary.ingested == 0
        assert summary.duplicates + summary.superseded + summary.replaced >= summary.read
        assert store.rows("SELECT count(*), sum(requests), sum(billed_cost), sum(input_tokens) FROM usage") == before


def _as_table(payloads: bytes) -> bytes:
    lines = []
    for line in payloads.splitlines():
        one = json.loads(line)
        lines.append({
            "request_id": one["id"], "call_type": one["call_type"], "spend": one["response_cost"], "startTime": one["startTime"], "endTime": one["endTime"],
            "completionStartTime": one["completionStartTime"], "model": one["model"], "model_group": one["model_group"], "status": one["status"],
            "custom_llm_provider": one["custom_llm_provider"], "prompt_tokens": one["prompt_tokens"], "completion_tokens": one["completion_tokens"],
            "total_tokens": one["total_tokens"], "cache_hit": str(one["cache_hit"]), "metadata": json.dumps(one["metadata"]),
        })  # fmt: skip
    return "".join(json.dumps(row) + "\n" for row in lines).encode()


def test_real_answers_of_openrouter_add_up_to_their_usage() -> None:
    """Sums that share no code with the source: every usage object in the log, streams included."""
    lines = list(sample_lines("openrouter_chat"))
    usages = [found[-1] for line in lines if (found := _usages(line["response"]))]
    rows = rows_of(OPENROUTER, lines)
    assert len(rows) == len(lines) == len(usages) + 1, "one was refused"
    for ours, theirs in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        assert sum(row.get(ours, 0) for row in rows) == sum(usage[theirs] for usage in usages)
    assert sum(row.get("billed_cost", 0) for row in rows) == sum(Decimal(str(u["cost"])) for u in usages if "cost" in u)
    assert sum("billed_cost" in row for row in rows) == sum("cost" in usage for usage in usages)


def _usages(response: Any) -> list[dict[str, Any]]:
    if isinstance(response, dict):
        return [response["usage"]] if "usage" in response else []
    chunks = [json.loads(line[6:]) for line in response.splitlines() if line.startswith("data: {")]
    return [chunk["usage"] for chunk in chunks if chunk.get("usage")]


def test_real_spans_of_phoenix_add_up_to_their_attributes() -> None:
    path = shared_data("formats", "openinference_phoenix", "pxi_turn_trace.json")
    spans = [span["attributes"] for span in json.loads(path.read_text(encoding="utf-8"))]
    rows = _rows(path)
    for column, name in (
        ("input_tokens", "prompt"),
        ("output_tokens", "completion"),
        ("cache_read_input_tokens", "prompt_details.cache_read"),
        ("cache_creation_input_tokens", "prompt_details.cache_write"),
    ):
        assert sum(row[column] for row in rows) == sum(span.get(f"llm.token_count.{name}", 0) for span in spans)


def test_real_runs_of_langsmith_are_one_call_each_under_the_providers_id() -> None:
    for path in sorted(shared_data("formats", "langsmith_runs").glob("*.json")):
        (outputs,) = (part["outputs"] for part in json.loads(path.read_text(encoding="utf-8"))["patch"])
        (row,) = _rows(path)
        assert row["request_id"] == outputs["id"]
        usage = outputs["usage_metadata"]
        assert (row["input_tokens"], row["output_tokens"]) == (usage["input_tokens"], usage["output_tokens"])


def test_a_gateways_log_and_the_providers_own_are_one_spend(tmp_path: Path) -> None:
    """Helicone with bodies beside a recorder's log of the same call: the answer's id makes them one."""
    answer = {
        "id": "chatcmpl-same", "object": "chat.completion", "created": 1772359200, "model": "gpt-4o", "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "ho"}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    }  # fmt: skip
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    own = {
        "timestamp": "2026-03-01T10:00:00Z",
        "url": "https://api.openai.com/v1/chat/completions",
        "status": 200,
        "request": asked,
        "response": answer,
    }
    logged = {
        "request_id": "r-1", "request_created_at": "2026-03-01T10:00:00Z", "response_status": 200, "delay_ms": 5, "provider": "OPENAI", "prompt_tokens": 9, "completion_tokens": 1,
        "request_path": "https://api.openai.com/v1/chat/completions", "request_model": "gpt-4o", "costUSD": 0.5, "request_body": asked, "response_body": answer,
    }  # fmt: skip
    for name, record in (("own.jsonl", own), ("helicone.jsonl", logged)):
        (tmp_path / name).write_text(json.dumps(record) + "\n", encoding="utf-8")
    with Store(None) as store:
        summary = ingest(store, [str(tmp_path)])
        assert [file.source for file in summary.files] == ["helicone", "openai-chat"]
        assert store.rows("SELECT count(*), sum(input_tokens) FROM usage") == [(1, 9)]
