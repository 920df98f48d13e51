"""Traffic that is seen twice is charged once, and what is left out is told with its amount."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.results.options import ReplayOptions
from tests.results.test_twins import prices

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
    return llmcost.simulate(log, scenarios=[], options=ReplayOptions(now=START, **options), prices=prices())


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


def two_exports(folder: Path, daily: list[dict[str, Any]], hourly: list[dict[str, Any]]) -> llmcost.Result:
    """Two bucket exports of one provider: a day's and an hour's."""
    return simulated(folder, [*daily, *hourly])


def test_an_export_that_lacks_hours_gives_way_whole(tmp_path: Path) -> None:
    result = two_exports(tmp_path, [bucket(0, 24, 100)], [bucket(9, 10), bucket(10, 11)])
    assert result.baseline.requests == 100
    assert any(warning.startswith("2 usage buckets") for warning in result.warnings)


def test_a_whole_export_of_hours_takes_the_place_of_days(tmp_path: Path) -> None:
    hourly = [bucket(n, n + 1, 5) for n in range(24)]
    result = two_exports(tmp_path, [bucket(0, 24, 120)], hourly)
    assert result.baseline.requests == 120
    assert result.baseline.rows == 24


def test_each_day_is_decided_for_itself(tmp_path: Path) -> None:
    result = two_exports(tmp_path, [bucket(0, 24, 100), bucket(24, 48, 100)], [bucket(30, 31, 200), bucket(60, 61, 7)])
    assert result.baseline.requests == 100 + 200 + 7


def test_owners_of_one_export_are_not_mixed_with_the_sum_of_the_other(tmp_path: Path) -> None:
    split = [bucket(9, 10, 40, project="p"), bucket(9, 10, 40, project="q")]
    result = two_exports(tmp_path, [bucket(0, 24, 100)], split)
    assert result.baseline.requests == 100
    result = two_exports(tmp_path, [bucket(0, 24, 80)], split)
    assert (result.baseline.requests, result.baseline.rows) == (80, 2)


def test_models_that_only_one_export_has_are_charged(tmp_path: Path) -> None:
    daily = [bucket(0, 24, 100), bucket(0, 24, 50, request_model="gpt-4o")]
    assert two_exports(tmp_path, daily, [bucket(9, 10, 20)]).baseline.requests == 150
    assert two_exports(tmp_path, daily, [bucket(9, 10, 500)]).baseline.requests == 550


def test_exports_of_different_models_or_owners_are_both_charged(tmp_path: Path) -> None:
    assert (
        two_exports(tmp_path, [bucket(0, 24, 9)], [bucket(9, 10, 20, request_model="gpt-4o")]).baseline.requests == 29
    )
    daily = [bucket(0, 24, 9, project="p")]
    assert two_exports(tmp_path, daily, [bucket(9, 10, 20, project="q")]).baseline.requests == 29


def test_buckets_that_tie_days_together_are_decided_with_them(tmp_path: Path) -> None:
    month = [bucket(0, 30 * 24, 1000)]
    hourly = [bucket(24 * day + 9, 24 * day + 10, 20) for day in range(30)]
    assert two_exports(tmp_path, month, hourly).baseline.requests == 1000
    more = [{**each, "requests": 50, "input_tokens": 50_000} for each in hourly]
    assert two_exports(tmp_path, month, more).baseline.rows == 30


def test_a_short_last_bucket_belongs_to_its_export(tmp_path: Path) -> None:
    half = bucket(9, 10) | {"started_at": START + 9 * HOUR, "ended_at": START + 9 * HOUR + HOUR // 2}
    assert simulated(tmp_path, [bucket(8, 9), half]).baseline.requests == 20
