"""Bedrock: the sums of the real calls in three logs, by rules of their own."""

from __future__ import annotations

from typing import Any

from llmcost.records import Problem
from llmcost.sources.bedrock_converse import SOURCE as CONVERSE
from llmcost.sources.bedrock_invocation_log import SOURCE as LOG
from llmcost.sources.bedrock_invoke import SOURCE as INVOKE
from tests.sources.cases import readings, rows_of, sample_lines


def test_converse_calls_cost_all_that_their_total_says() -> None:
    records = list(sample_lines("bedrock_converse"))
    rows = rows_of(CONVERSE, records)
    usages = [r["response"]["usage"] for r in records if "usage" in r["response"]]
    assert len(rows) == len(records)
    assert sum(r.get("input_tokens", 0) + r.get("output_tokens", 0) for r in rows) == sum(
        u["totalTokens"] for u in usages
    )
    read = sum(u.get("cacheReadInputTokens", 0) for u in usages)
    written = sum(u.get("cacheWriteInputTokens", 0) for u in usages)
    assert sum(r.get("cache_read_input_tokens") or 0 for r in rows) == read > 0
    assert sum(r.get("cache_creation_input_tokens") or 0 for r in rows) == written > 0
    assert [r["status"] for r in rows].count("error") == sum(r["status"] >= 400 for r in records) == 3


def test_guardrail_units_of_the_real_calls_are_told() -> None:
    told = [p for n, r in enumerate(sample_lines("bedrock_converse"), 1) for p in readings(CONVERSE, r, n)]
    kinds = [p.kind for p in told if isinstance(p, Problem)]
    assert kinds == ["guardrail-units", "guardrail-units"]


def test_bodies_of_every_family_give_their_counts_or_none() -> None:
    records = list(sample_lines("bedrock_invoke"))
    rows = rows_of(INVOKE, records)
    assert len(rows) == len(records)
    for record, row in zip(records, rows, strict=True):
        assert row.get("input_tokens") == _input(record["response"])
        assert row["request_model"].replace(":", "%3A") in record["url"].replace(":", "%3A").replace("%2F", "/")
    assert sum("input_tokens" not in row for row in rows) == 8


def _input(body: dict[str, Any]) -> int | None:
    usage = body.get("usage") or {}
    if "input_tokens" in usage:
        parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        return sum(usage.get(name) or 0 for name in parts)
    found = usage.get("inputTokens", body.get("inputTextTokenCount", body.get("prompt_token_count")))
    return None if found is None else int(found)


def test_the_log_counts_what_its_records_say() -> None:
    records = list(sample_lines("bedrock_invocation_log", "records.jsonl"))
    rows = rows_of(LOG, records)
    assert [(r["input_tokens"], r["output_tokens"]) for r in rows] == [
        (r["input"]["inputTokenCount"], r["output"]["outputTokenCount"]) for r in records
    ]
    assert [r["request_id"] for r in rows] == [r["requestId"] for r in records]
