"""Embeddings, images, audio and the old endpoint: sums of the real samples, and what such calls cost."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.sources.openai_embeddings import SOURCE
from tests.sources.cases import rows_of, sample_lines
from tests.support import shared_data

API = "https://api.openai.com/v1/"


def test_the_sums_are_those_of_the_real_embeddings() -> None:
    records = list(sample_lines("openai_embeddings"))
    rows = rows_of(SOURCE, records)
    assert len(rows) == len(records) == 3
    assert [row["input_tokens"] for row in rows] == [r["response"]["usage"]["prompt_tokens"] for r in records]
    assert {row["output_tokens"] for row in rows} == {0}


def test_the_real_legacy_entry_is_read() -> None:
    path = shared_data("formats", "openai_usage_legacy", "usage_data_row.elastic.json")
    (entry,) = json.loads(path.read_text())["data"]
    result = llmcost.simulate(path, scenarios=[])
    assert result.baseline.requests == entry["n_requests"]
    assert (result.baseline.input_tokens, result.baseline.output_tokens) == (118, 35)


CALLS: list[tuple[dict[str, Any], str]] = [
    ({"url": f"{API}embeddings", "request": {"model": "text-embedding-3-small", "input": "x"},
      "response": {"object": "list", "model": "text-embedding-3-small", "data": [{"object": "embedding"}], "usage": {"prompt_tokens": 1000, "total_tokens": 1000}}}, "0.00002"),
    ({"url": f"{API}audio/speech", "request": {"model": "tts-1", "input": "x" * 1000}, "response": "ID3"}, "0.015"),
    ({"url": f"{API}audio/transcriptions", "request": {"model": "whisper-1"}, "response": {"text": "x", "usage": {"type": "duration", "seconds": 90}}}, "0.009"),
    ({"url": f"{API}moderations", "request": {"model": "omni-moderation-latest", "input": "x"}, "response": {"id": "modr-1", "model": "omni-moderation-latest", "results": []}}, "0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "cost"), CALLS, ids=[call["url"].removeprefix(API) for call, _ in CALLS])
def test_each_measure_has_its_price(call: dict[str, Any], cost: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(json.dumps({"timestamp": "2026-10-01T00:00:00Z", **call}) + "\n")
    result = llmcost.simulate(tmp_path / "log.jsonl", scenarios=[])
    assert result.coverage.unpriced == []
    assert result.baseline.cost_usd == Decimal(cost)


def test_a_log_of_all_kinds_of_calls_is_read_whole(tmp_path: Path) -> None:
    chat = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1790812800, "model": "gpt-4o-mini", "choices": [], "usage": {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}}  # fmt: skip
    for order in ([chat, *(call for call, _ in CALLS)], [*(call for call, _ in CALLS), chat]):
        path = tmp_path / "log.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in order))
        result = llmcost.simulate(path, scenarios=[])
        assert result.coverage.rejected == 0
        assert result.baseline.cost_usd == Decimal("0.15") + sum(Decimal(cost) for _, cost in CALLS)
