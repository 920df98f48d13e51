"""OpenAI responses: the sums of the real calls."""

from __future__ import annotations

import json
from typing import Any

from llmcost.sources.openai_responses import SOURCE
from tests.sources.cases import rows_of, sample_lines


def test_the_sums_are_those_of_the_raw_answers() -> None:
    records = list(sample_lines("openai_responses"))
    answers = [_answer(r["response"]) for r in records]
    usages = [a["usage"] for a in answers if a.get("usage")]
    rows = rows_of(SOURCE, records)
    assert len(rows) == len(records) == 35
    assert sum(r.get("input_tokens", 0) for r in rows) == sum(u["input_tokens"] for u in usages)
    assert sum(r.get("output_tokens", 0) for r in rows) == sum(u["output_tokens"] for u in usages)
    assert sum(r.get("cache_read_input_tokens", 0) for r in rows) == sum(
        u["input_tokens_details"]["cached_tokens"] for u in usages
    )
    written = sum(u["input_tokens_details"].get("cache_write_tokens", 0) for u in usages)
    assert sum(r.get("cache_creation_input_tokens", 0) for r in rows) == written == 4012 + 4418
    assert sum(r.get("reasoning_output_tokens", 0) for r in rows) == sum(
        u["output_tokens_details"]["reasoning_tokens"] for u in usages
    )
    assert sum(r.get("web_search_requests", 0) for r in rows) == 4
    assert [r["status"] for r in rows].count("error") == 3


def _answer(response: Any) -> dict[str, Any]:
    if isinstance(response, dict):
        return response
    last = [line for line in response.splitlines() if line.startswith("data: {")][-1]
    answer: dict[str, Any] = json.loads(last[6:])["response"]
    return answer
