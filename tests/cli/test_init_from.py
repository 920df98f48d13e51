"""``llmcost init --from``: a mapping for an unknown file that reads it, whatever its names; real traces and invented files."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.config import exact_toml
from llmcost.ingest.run import IngestOptions, ingest
from llmcost.records.mapfile import MapFile, load_mapping, parse_mapping
from llmcost.usage.store import Store
from tests.cli.support import Program
from tests.support import shared_data


def _proposed(llmcost: Program, source: Path, folder: Path) -> MapFile:
    llmcost("init", str(folder), "--from", str(source))
    (made,) = folder.glob("*.mapping.toml")
    return load_mapping(made)


def _fields(mapping: MapFile) -> dict[str, Any]:
    return {column: spec.field or spec.add or spec.value for column, spec in mapping.columns.items()}


def _read(source: Path, mapping: MapFile, columns: str) -> Any:
    with Store(None) as store:
        ingest(store, [str(source)], IngestOptions(mapping=mapping))
        return store.rows(f"SELECT {columns} FROM usage ORDER BY line")  # noqa: S608 - columns of this file


TRACES: list[tuple[str, dict[str, Any]]] = [
    (
        "azure_llm_2023_code/AzureLLMInferenceTrace_code.csv.gz",
        {"started_at": "TIMESTAMP", "input_tokens": "ContextTokens", "output_tokens": "GeneratedTokens"},
    ),
    (
        "mooncake_conversation/conversation_trace.first8000.jsonl.gz",
        {"started_at": "timestamp", "input_tokens": "input_length", "output_tokens": "output_length", "prefix_keys": "hash_ids", "prefix_block_tokens": 512},
    ),
    (
        "vllm_burstgpt_replay/requests.parquet",
        {"started_at": "record_time", "input_tokens": "in_len", "output_tokens": "out_len", "duration_ms": "total_chunk_time",
         "time_to_first_token_ms": "first_chunk_time"},
    ),
    (
        "routerarena/claude-3-haiku-20240307.parquet",
        {"input_tokens": "input_tokens", "output_tokens": "output_tokens", "request_model": "llm_selected", "provider_name": "provider",
         "billed_cost": "inference_cost", "request_id": "global_index", "task_type": "dataset", "status": "success", "quality_score": "score"},
    ),
    (
        "swe_agent_costs/runs.jsonl",
        {"input_tokens": "tokens_sent", "output_tokens": "tokens_received", "requests": "api_calls", "billed_cost": "instance_cost", "finish_reason": "exit_status"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields"), TRACES, ids=[name.partition("/")[0] for name, _ in TRACES])
def test_a_real_trace_gets_a_mapping_that_reads_it(
    llmcost: Program, tmp_path: Path, name: str, fields: dict[str, Any]
) -> None:
    source = shared_data("traces", *name.split("/"))
    mapping = _proposed(llmcost, source, tmp_path / "new")
    assert _fields(mapping) == fields
    with Store(None) as store:
        told = ingest(store, [str(source)], IngestOptions(mapping=mapping))
        assert told.rejected == 0
        assert told.ingested > 1


def _csv(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_cached_tokens_beside_the_input_are_added_and_the_provider_is_cut_off_the_model(
    llmcost: Program, tmp_path: Path
) -> None:
    lines = [
        {
            "ts": 1772359200.25,
            "model": "anthropic/claude-sonnet-4",
            "in": 120,
            "cached": 2000,
            "out": 85,
            "secs": 1.9,
            "meta": {"team": "search"},
        },
        {
            "ts": 1772359201.5,
            "model": "openai/gpt-5",
            "in": 50,
            "cached": 0,
            "out": 7,
            "secs": 0.4,
            "meta": {"team": "ads"},
        },
    ]
    source = tmp_path / "gateway.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    mapping = _proposed(llmcost, source, tmp_path / "new")
    columns = "input_tokens, cache_read_input_tokens, output_tokens, provider_name, request_model, duration_ms, team, started_at"
    assert _read(source, mapping, columns) == [
        (2120, 2000, 85, "anthropic", "claude-sonnet-4", 1900, "search", 1772359200250000),
        (50, 0, 7, "openai", "gpt-5", 400, "ads", 1772359201500000),
    ]


def test_a_table_with_spaces_cents_and_status_codes(llmcost: Program, tmp_path: Path) -> None:
    source = _csv(
        tmp_path / "export.csv",
        "Request ID,When,Model Name,Prompt Tokens,Completion Tokens,Total Tokens,Cost (cents),HTTP Status,Latency (ms)\n"
        "r1,2026-03-01 10:00:00,claude-haiku-4-5,100,20,120,0.02,200,950\n"
        "r2,2026-03-01 10:00:01,claude-haiku-4-5,30,0,30,,429,12\n",
    )
    mapping = _proposed(llmcost, source, tmp_path / "new")
    assert mapping.mapping.provider_name == "anthropic"
    columns = "request_id, provider_name, input_tokens, output_tokens, billed_cost, status, duration_ms"
    assert _read(source, mapping, columns) == [
        ("r1", "anthropic", 100, 20, Decimal("0.0002"), "ok", 950),
        ("r2", "anthropic", 30, 0, None, "error", 12),
    ]


def test_rows_inside_a_document_are_found(llmcost: Program, tmp_path: Path) -> None:
    rows = [
        {"started": "2026-03-01T10:00:00Z", "llm": "gpt-5-mini", "tokens_in": n, "tokens_out": 2 * n}
        for n in range(1, 6)
    ]
    source = tmp_path / "dump.json.gz"
    source.write_bytes(gzip.compress(json.dumps({"export": {"items": rows, "by": [{"x": 1}]}}).encode()))
    mapping = _proposed(llmcost, source, tmp_path / "new")
    assert mapping.mapping.records == "export.items"
    assert _read(source, mapping, "sum(input_tokens) OVER (), output_tokens, provider_name")[0] == (15, 2, "openai")


def test_each_guess_says_how_sure_it_is_and_what_is_left_is_named(llmcost: Program, tmp_path: Path) -> None:
    source = _csv(
        tmp_path / "log.csv",
        "prompt_tokens,out_len,arrived,flavour,text\n5,7,0.0,a,hello there\n6,9,1.5,b,bye\n6,9,3.5,b,bye\n",
    )
    told = llmcost("init", "new", "--from", str(source)).err
    text = (tmp_path / "new" / "log.mapping.toml").read_text()
    assert "input_tokens (sure)" in told
    assert "output_tokens (likely)" in told
    assert "no field names the model" in told
    assert "flavour: 2 different labels" in told
    assert '# sure: 3 of 3 rows have a count, 5 to 6\ninput_tokens = "prompt_tokens"' in text
    assert "#   flavour: 2 different labels; could be a line under [tags]" in text
    assert "hello" not in told + text


def test_a_file_that_a_source_claims_needs_none(llmcost: Program, tmp_path: Path) -> None:
    source = tmp_path / "chat.jsonl"
    source.write_text(
        json.dumps({"object": "chat.completion", "model": "gpt-5", "choices": [], "usage": {"prompt_tokens": 1}}) + "\n"
    )
    told = llmcost("init", str(tmp_path / "new"), "--from", str(source)).err
    assert "needs no mapping: it is read as openai-chat" in told
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten(llmcost: Program, tmp_path: Path) -> None:
    source = _csv(tmp_path / "log.csv", "prompt_tokens,out_len\n5,7\n6,9\n")
    llmcost("init", str(tmp_path), "--from", str(source))
    before = (tmp_path / "log.mapping.toml").read_text()
    failed = llmcost("init", str(tmp_path), "--from", str(source), code=2)
    assert "is there already" in failed.err
    assert (tmp_path / "log.mapping.toml").read_text() == before


def test_names_of_a_log_stay_names(llmcost: Program, tmp_path: Path) -> None:
    line = {
        'x"\n]\u001b[31m tokens_in': 1,
        "prompt_tokens": 5,
        "completion_tokens": 6,
        "a\u2028b = 1 #": 1.5,
        "\U0001f600\u007f": "label",
    }
    source = tmp_path / "odd.jsonl"
    source.write_text(json.dumps(line) + "\n" + json.dumps(line) + "\n")
    llmcost("init", str(tmp_path / "new"), "--from", str(source))
    text = (tmp_path / "new" / "odd.mapping.toml").read_text()
    assert parse_mapping(exact_toml(text)).columns["input_tokens"].field == "prompt_tokens"
    assert "\x1b" not in text
    assert "\u2028" not in text
    starts = ("#", "[mapping]", "[columns]", "name = ", "input_tokens = ", "output_tokens = ")
    assert all(not line or line.startswith(starts) for line in text.splitlines())


@pytest.mark.parametrize("content", ["just a text\nof lines\n", "", "a,b\nx,y\n"])
def test_a_file_without_usage_is_told(llmcost: Program, tmp_path: Path, content: str) -> None:
    source = _csv(tmp_path / "log.csv", content)
    llmcost("init", str(tmp_path / "new"), "--from", str(source), code=2)
    assert not (tmp_path / "new").exists()
