"""OpenAI responses: the sums of the real calls."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import llmcost
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


def test_a_container_that_two_answers_share_is_paid_once(tmp_path: Path) -> None:
    code = {"type": "code_interpreter_call", "container_id": "cntr_7", "status": "completed"}
    answers = [
        {
            "id": f"resp_{n}", "object": "response", "status": "completed", "model": "gpt-5", "created_at": 1790812800 + n, "service_tier": "default",
            "output": [code, code, {"type": "file_search_call", "status": "completed"}], "usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
        }
        for n in range(2)
    ]  # fmt: skip
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    result = llmcost.simulate(path, scenarios=[])
    assert result.coverage.unpriced == []
    assert result.baseline.cost_usd == Decimal("0.035")  # one session, two searches at 2.50 USD per 1,000
    assert result.baseline.requests == 2
