"""Chat completions: the sums of the real calls, and hosts with a source of their own."""

from __future__ import annotations

from typing import Any

import pytest

from llmcost.records import Sample
from llmcost.sources.openai_chat import SOURCE
from tests.sources.cases import rows_of, sample_lines


@pytest.mark.parametrize(
    "folder", ["azure_openai_chat", "openrouter_chat", "groq_chat", "cerebras_chat", "deepseek_chat"]
)
def test_a_bare_answer_of_a_host_with_its_own_source_is_left_to_it(folder: str) -> None:
    bare = [
        r["response"] for r in sample_lines(folder) if isinstance(r["response"], dict) and "choices" in r["response"]
    ]
    assert bare
    assert not any(SOURCE.sniff(Sample("x.jsonl", "jsonl", "", (answer,))) for answer in bare)


def test_the_sums_are_those_of_the_raw_answers() -> None:
    records = list(sample_lines("openai_chat_completions"))
    usages = [_raw_usage(r["response"]) for r in records]
    rows = rows_of(SOURCE, records)
    assert len(rows) == len(records)
    for column, key in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        assert sum(r.get(column) or 0 for r in rows) == sum(u[key] for u in usages if u)
    cached = sum((u.get("prompt_tokens_details") or {}).get("cached_tokens", 0) for u in usages if u)
    assert sum(r.get("cache_read_input_tokens") or 0 for r in rows) == cached == 1408
    failed = sum(r["status"] >= 400 for r in records)
    assert [r["status"] for r in rows].count("error") == failed == 3
    assert all("input_tokens" not in r for r in rows if r["status"] == "error")
    assert {r["service_tier"] for r in rows if "service_tier" in r} == {"standard", "priority"}


def _raw_usage(response: Any) -> dict[str, Any] | None:
    if isinstance(response, dict):
        return response.get("usage")
    import json

    chunks = [json.loads(line[6:]) for line in response.splitlines() if line.startswith("data: {")]
    return next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None)
