"""Fine-tuning: what caches share afterwards, what tuning costs, what is said where it cannot be known."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.errors import UsageError
from llmcost.money import ZERO
from tests.strategies.support import STARTED, scenario, step, world

HOUR = 3_600_000_000


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "request_id": f"r{number}", "started_at": STARTED + number * 60_000_000, "provider_name": "openai", "request_model": "big",
        "input_tokens": 2000, "output_tokens": 10, "prefix_keys": [1, 2, 3, 4], "prefix_block_tokens": 500, **more,
    }  # fmt: skip


def test_prefixes_begin_where_the_examples_end(tmp_path: Path) -> None:
    """600 of 2,000 tokens go: of the 1,500 that both prompts begin with, 900 are still shared."""
    steps = [step("fine-tune", model="anthropic/opus", example_tokens=600), step("prompt-cache")]
    with world(tmp_path, [row(0), row(1, prefix_keys=[1, 2, 3, 5])]) as here:
        chain = here.chain(steps)
        first, second = chain.rows(chain.rewritten[-1].workload)
    assert (first["input_tokens"], second["input_tokens"]) == (1400, 1400)
    assert first["cache_read_input_tokens"] == 0
    assert second["cache_read_input_tokens"] == 900


def test_training_is_charged_for_the_part_of_a_life_that_the_log_covers(tmp_path: Path) -> None:
    tuned = step(
        "fine-tune", model="openai/small", example_tokens=0, training_tokens=1_000_000, epochs=2, training_usd_per_mtok="8",
        data_preparation_usd="500", hosting_usd_per_hour="1.7", retrain_every="4h",
    )  # fmt: skip
    with world(tmp_path, [row(0), row(1, started_at=STARTED + HOUR)]) as here:
        played = here.result(scenario(tuned)).scenarios[0]
    costs = {line.sku: line.cost_usd for line in played.flat_charges}
    assert costs == {
        "fine_tune_training": Decimal(8),  # 16 over four hours, of which the log covers two
        "fine_tune_data_preparation": Decimal(250),
        "fine_tune_hosting": Decimal("3.4"),
    }
    assert played.steps[0].cost_added_usd >= Decimal("261.4")
    assert played.steps[0].saving_usd < 0


def test_an_unknown_training_rate_is_told_and_not_zero(tmp_path: Path) -> None:
    tuned = step("fine-tune", model="openai/small", example_tokens=500, training_tokens=1000)
    with world(tmp_path, [row(0)]) as here:
        played = here.result(scenario(tuned)).scenarios[0]
    assert [line.cost_usd for line in played.flat_charges] == [None]
    assert any("no price for fine_tune_training" in warning for warning in played.steps[0].warnings)


def test_without_example_tokens_there_is_nothing_to_say(tmp_path: Path) -> None:
    with world(tmp_path, [row(0)]) as here, pytest.raises(UsageError, match="how many example tokens"):
        here.result(scenario(step("fine-tune", model="openai/small")))


def test_nothing_is_charged_where_nothing_moves(tmp_path: Path) -> None:
    tuned = step("fine-tune", example_tokens=10, training_tokens=1000, training_usd_per_mtok="8")
    with world(tmp_path, [row(0)]) as here:
        played = here.result(scenario(tuned)).scenarios[0]
    assert played.flat_charges == []
    assert played.saving_usd == ZERO
