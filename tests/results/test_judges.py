"""Calls that other calls cause (judges, checkers, advisors) are spend of the same owner, and no requests of their own."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import llmcost
from llmcost.results.options import ReplayOptions


def _call(own_id: str, given: int, **metadata: str) -> dict[str, Any]:
    usage = {"prompt_tokens": given, "completion_tokens": 0, "total_tokens": given}
    answer = {
        "id": own_id,
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [],
    }
    return {"request": {"model": "gpt-4o-mini", "metadata": metadata}, "response": {**answer, "usage": usage}}  # fmt: skip


def test_a_judge_in_the_log_is_spend_of_its_owner_and_no_request(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    calls = [
        _call("c-1", 1_000_000, feature="support"),
        _call("c-2", 2_000_000, feature="support", call_role="judge", parent_request_id="c-1"),
        _call("c-3", 4_000_000, feature="search", call_role="checker"),
    ]
    log.write_text("".join(json.dumps(call) + "\n" for call in calls))
    options = ReplayOptions(now=1_790_900_000_000_000, dimensions=("feature", "call_role"))
    result = llmcost.simulate(log, scenarios=[], options=options)
    assert result.baseline.cost_usd == Decimal("1.05"), "7 million tokens at 0.15: nobody's call is free"
    found = {
        (line.dimensions["feature"], line.dimensions["call_role"]): line.cost_usd for line in result.baseline.breakdown
    }
    assert found == {
        ("support", None): Decimal("0.15"), ("support", "judge"): Decimal("0.30"), ("search", "checker"): Decimal("0.60"),
    }  # fmt: skip
    assert result.baseline.requests == 1
