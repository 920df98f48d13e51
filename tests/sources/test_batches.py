"""Batch files: sums of the real lines, and half price whatever an answer says."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import llmcost
from llmcost.ingest.run import ingest
from llmcost.sources.openai_batch import SOURCE
from llmcost.usage.store import Store
from tests.sources.cases import rows_of, sample_lines
from tests.support import shared_data

FOLDER = "openai_batch_output"


def test_the_sums_are_those_of_the_real_lines() -> None:
    lines = list(sample_lines(FOLDER, "batch_output.jsonl"))
    usages = [line["response"]["body"]["usage"] for line in lines]
    rows = rows_of(SOURCE, lines)
    assert sum(row["input_tokens"] for row in rows) == sum(u["prompt_tokens"] for u in usages)
    assert sum(row["output_tokens"] for row in rows) == sum(u["completion_tokens"] for u in usages)
    assert {row["service_tier"] for row in rows} == {"batch"}


def test_real_lines_cost_half_the_list_price_and_failures_nothing() -> None:
    files = [shared_data("formats", FOLDER, name) for name in ("batch_output.jsonl", "batch_errors.jsonl")]
    result = llmcost.simulate(*files, scenarios=[])
    assert result.coverage.unpriced == []
    assert result.baseline.requests == 2
    # gpt-4o-mini: 0.15 in and 0.60 out a million, halved
    assert result.baseline.cost_usd == ((20 + 405) * Decimal("0.15") + (10 + 424) * Decimal("0.6")) / 2 / 1_000_000


def test_anthropics_discounts_stack_and_searches_cost_the_full_price(tmp_path: Path) -> None:
    usage = {
        "input_tokens": 1000, "cache_read_input_tokens": 10_000, "cache_creation_input_tokens": 3000, "output_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000}, "server_tool_use": {"web_search_requests": 3},
    }  # fmt: skip
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [],
        "usage": usage,
    }
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps({"custom_id": "a", "result": {"type": "succeeded", "message": message}}) + "\n")
    result = llmcost.simulate(path, scenarios=[])
    assert result.coverage.unpriced == []
    # 1 in, 0.1 read, 1.25 and 2 written, 5 out a million, halved; 0.01 a search
    tokens = 1000 + 10_000 * Decimal("0.1") + 1000 * Decimal("1.25") + 2000 * Decimal(2) + 100 * Decimal(5)
    assert result.baseline.cost_usd == tokens / 2 / 1_000_000 + Decimal("0.03")


def test_an_answer_logged_by_its_caller_too_is_counted_once(tmp_path: Path) -> None:
    body = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1790812800, "model": "gpt-4o-mini", "choices": [],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }  # fmt: skip
    line = {"id": "batch_req_1", "custom_id": "a", "response": {"status_code": 200, "body": body}, "error": None}
    (tmp_path / "output.jsonl").write_text(json.dumps(line) + "\n")
    (tmp_path / "again.jsonl").write_text(json.dumps(line) + "\n\n")
    with Store(None) as store:
        ingest(store, [str(tmp_path / name) for name in ("output.jsonl", "again.jsonl")])
        assert store.rows("SELECT count(*), sum(input_tokens) FROM usage") == [(1, 100)]
