"""A bucket says nothing of the size of its requests, and may lie over a change of price."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import llmcost
from llmcost.results.options import ReplayOptions
from llmcost.results.scenario import BoundScenario, bind

DAY = 86_400_000_000


def at(*day: int) -> int:
    return int(datetime(*day, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]  # year, month, day


def simulated(folder: Path, *rows: dict[str, Any]) -> llmcost.Result:
    log = folder / "log.jsonl"
    log.write_text("\n".join(json.dumps({"output_tokens": 0, **row}) for row in rows))
    return llmcost.simulate(log, scenarios=[], options=ReplayOptions(now=at(2026, 11, 1)))


def test_the_sum_of_a_bucket_selects_no_long_context_tier(tmp_path: Path) -> None:
    day = at(2026, 10, 1)
    result = simulated(
        tmp_path,
        {"provider_name": "google", "request_model": "gemini-2.5-pro", "started_at": day, "ended_at": day + DAY,
         "requests": 1000, "input_tokens": 1_000_000},
    )  # fmt: skip
    assert result.baseline.cost_usd == Decimal("1.25")
    assert "request size unknown: base tier assumed" in result.coverage.assumed


def test_a_row_that_stands_for_a_batch_of_calls_selects_no_long_context_tier(tmp_path: Path) -> None:
    """LiteLLM logs a finished batch as one row without a span: its sum is the size of no call."""
    batch = {"provider_name": "google", "request_model": "gemini-2.5-pro", "started_at": at(2026, 10, 1)}
    result = simulated(tmp_path, {**batch, "requests": 1000, "input_tokens": 1_000_000})
    assert result.baseline.cost_usd == Decimal("1.25")
    assert "request size unknown: base tier assumed" in result.coverage.assumed


def test_a_finished_batch_that_does_not_count_its_calls_selects_no_long_context_tier(tmp_path: Path) -> None:
    batch = {"provider_name": "google", "request_model": "gemini-2.5-pro", "started_at": at(2026, 10, 1)}
    told = {**batch, "operation_name": "retrieve_batch", "service_tier": "batch", "input_tokens": 1_000_000}
    call = {**batch, "requests": 1, "input_tokens": 1_000_000, "operation_name": "chat"}
    for more, cost, requests in (([], "0.625", 0), ([call], "3.125", 1)):
        result = simulated(tmp_path, {**told, "request_id": "batch_1"}, *more)
        assert result.baseline.cost_usd == Decimal(cost), "a million tokens of one call are long context, of many not"
        assert result.baseline.requests == requests, "how many calls it holds is unknown"
        assert "request size unknown: base tier assumed" in result.coverage.assumed


def test_a_bucket_over_a_change_of_price_says_so(tmp_path: Path) -> None:
    before = at(2025, 6, 9)
    result = simulated(
        tmp_path,
        {"provider_name": "openai", "request_model": "o3", "started_at": before, "ended_at": before + 7 * DAY,
         "requests": 10, "input_tokens": 1_000_000},
    )  # fmt: skip
    assert result.baseline.cost_usd == Decimal(10)
    assert "usage bucket over a change of price: priced as at its start" in result.coverage.assumed


def test_a_bucket_on_one_side_of_it_does_not(tmp_path: Path) -> None:
    before = at(2025, 6, 1)
    result = simulated(
        tmp_path,
        {"provider_name": "openai", "request_model": "o3", "started_at": before, "ended_at": before + DAY,
         "requests": 10, "input_tokens": 1_000_000},
    )  # fmt: skip
    assert not [note for note in result.coverage.assumed if "change of price" in note]


def test_a_bucket_without_a_count_of_calls_is_seen_when_it_has_no_price(tmp_path: Path) -> None:
    day = at(2026, 10, 1)
    row = {"provider_name": "anthropic", "request_model": "nobody-1", "started_at": day, "ended_at": day + DAY}
    result = simulated(tmp_path, {**row, "input_tokens": 5_000_000})
    assert [(line.requests, line.rows) for line in result.coverage.unpriced] == [(0, 1)]
    assert any("1 usage bucket without a price" in warning for warning in result.warnings)


def test_failed_calls_without_output_are_not_billed(tmp_path: Path) -> None:
    call = {
        "provider_name": "openai",
        "request_model": "gpt-4o-mini",
        "started_at": at(2026, 10, 1),
        "input_tokens": 10**6,
    }
    result = simulated(
        tmp_path, {**call, "request_id": "a", "status": "error"}, {**call, "request_id": "b", "status": "ok"}
    )
    assert result.baseline.cost_usd == Decimal("0.15")
    assert (result.baseline.requests, result.baseline.rows, result.baseline.input_tokens) == (1, 2, 10**6)


def test_a_row_whose_parts_contradict_each_other_takes_no_other_along(tmp_path: Path) -> None:
    call = {
        "provider_name": "openai",
        "request_model": "gpt-4o-audio-preview",
        "started_at": at(2025, 6, 1),
        "input_tokens": 100,
    }
    odd = {
        **call,
        "request_id": "odd",
        "cache_read_input_tokens": 50,
        "input_audio_tokens": 80,
        "cache_read_audio_tokens": 0,
    }
    clean = {
        **call,
        "request_id": "clean",
        "cache_read_input_tokens": 0,
        "input_audio_tokens": 10,
        "cache_read_audio_tokens": 0,
    }
    alone = simulated(tmp_path, clean)
    both = simulated(tmp_path, clean, odd)
    assert both.baseline.cost_usd == alone.baseline.cost_usd
    assert sum(line.requests for line in both.coverage.unpriced) == 1


def test_a_bucket_that_counts_no_call_still_costs_its_tokens(tmp_path: Path) -> None:
    day = at(2026, 10, 1)
    row = {"provider_name": "openai", "request_model": "gpt-4o-mini", "started_at": day, "ended_at": day + DAY}
    result = simulated(tmp_path, {**row, "requests": 0, "input_tokens": 10**6})
    assert (result.baseline.cost_usd, result.baseline.requests) == (Decimal("0.15"), 0)


def with_cache(folder: Path, rows: list[dict[str, Any]], **params: Any) -> llmcost.Result:
    log = folder / "log.jsonl"
    log.write_text(
        "\n".join(
            json.dumps({"output_tokens": 0, "provider_name": "openai", "request_model": "gpt-5"} | row) for row in rows
        )
    )
    step = bind("prompt-cache", params)
    return llmcost.simulate(log, scenarios=[BoundScenario("s", (step,))], options=ReplayOptions(now=at(2026, 11, 1)))


BUCKET: dict[str, Any] = {"started_at": at(2026, 10, 1), "ended_at": at(2026, 10, 2), "input_tokens": 4_000_000}


def test_a_step_counts_the_calls_of_a_bucket_that_it_changed(tmp_path: Path) -> None:
    rows = [BUCKET | {"requests": 1000}, {"request_id": "a", "started_at": at(2026, 10, 5), "input_tokens": 4000}]
    result = with_cache(tmp_path, rows, hit_rate="1", prefix_tokens=2000)
    assert result.scenarios[0].steps[0].requests_changed == 1001


def test_a_rate_is_assumed_of_buckets_too_and_no_step_says_it_could_not_replay_them(tmp_path: Path) -> None:
    rows = [BUCKET | {"requests": 1000}]
    assumed = with_cache(tmp_path, rows, hit_rate="1", prefix_tokens=2000).scenarios[0]
    assert assumed.saving_usd > 0
    assert not any("cannot replay" in warning for warning in assumed.steps[0].warnings)
    assert any("cannot replay" in warning for warning in with_cache(tmp_path, rows).scenarios[0].steps[0].warnings)
    uncounted = with_cache(tmp_path, [*rows, BUCKET | {"project": "p"}], hit_rate="1", prefix_tokens=2000).scenarios[0]
    assert uncounted.steps[0].warnings == [
        "1 usage buckets do not say how many calls they hold: no hit was assumed in them"
    ]
