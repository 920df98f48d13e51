"""Traffic that is seen twice is charged once, and what is left out is told with its amount."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.results.options import ReplayOptions

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_792_800_000_000_000 // DAY * DAY
CALL: dict[str, Any] = {
    "provider_name": "openai",
    "request_model": "gpt-4o-mini",
    "input_tokens": 1000,
    "output_tokens": 0,
}
PRICE = Decimal("0.00015")
"""1,000 input tokens at 0.15 USD per million."""


def call(number: int, **changes: Any) -> dict[str, Any]:
    return {**CALL, "request_id": f"r{number}", "started_at": START + number * HOUR, **changes}


def bucket(start: int, end: int, calls: int = 10, **changes: Any) -> dict[str, Any]:
    span = {"started_at": START + start * HOUR, "ended_at": START + end * HOUR, "requests": calls}
    return {**CALL, **span, "input_tokens": 1000 * calls, **changes}


def simulated(folder: Path, rows: list[dict[str, Any]], **options: Any) -> llmcost.Result:
    log = folder / "log.jsonl"
    log.write_text("\n".join(json.dumps(row) for row in rows))
    return llmcost.simulate(log, scenarios=[], options=ReplayOptions(now=START, **options))


CALLS = [call(number) for number in range(10)]


@pytest.mark.parametrize(
    ("rows", "primary", "calls", "left_out"),
    [
        ([*CALLS, bucket(0, 24)], "requests", 10, "1 usage buckets ($0.00150"),
        ([*CALLS, bucket(0, 24)], "buckets", 10, "10 rows ($0.00150"),
        ([*CALLS, bucket(24, 48)], "requests", 20, None),
        ([bucket(0, 24), bucket(0, 1)], "requests", 10, "1 usage buckets"),
        ([bucket(0, 24), bucket(24, 25)], "requests", 20, None),
        ([*CALLS, bucket(0, 24, request_model="gpt-4o-mini-2024-07-18")], "requests", 10, "1 usage buckets"),
        ([*CALLS, bucket(0, 24, project="other")], "requests", 10, "1 usage buckets"),
        ([call(0, project="one"), bucket(0, 24, project="other")], "requests", 11, None),
    ],
    ids=[
        "requests",
        "buckets",
        "another day",
        "finer",
        "beside",
        "a snapshot's name",
        "owner unknown",
        "another owner",
    ],
)
def test_one_spend_is_one_spend(
    rows: list[dict[str, Any]], primary: str, calls: int, left_out: str | None, tmp_path: Path
) -> None:
    result = simulated(tmp_path, rows, primary=primary)
    assert result.baseline.cost_usd == calls * PRICE
    assert result.baseline.requests == calls
    told = [warning for warning in result.warnings if "left out" in warning]
    assert [warning for warning in told if not warning.startswith(str(left_out))] == []
    assert len(told) == (left_out is not None), result.warnings


def test_another_model_is_other_traffic(tmp_path: Path) -> None:
    result = simulated(tmp_path, [*CALLS, bucket(0, 24, request_model="gpt-4o")])
    assert result.baseline.requests == 20
    assert result.baseline.cost_usd == 10 * PRICE + Decimal("0.025")
    assert not result.warnings
