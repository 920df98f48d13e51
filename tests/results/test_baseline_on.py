"""A log from before its prices: both sides at one day, and no drift for any strategy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from llmcost.results.breakeven.run import Subject, break_even
from llmcost.results.model import Result
from llmcost.results.scenario import BoundScenario
from tests.strategies.support import STARTED, scenario, step, world
from tests.strategies.test_self_host import LOG

DAY = datetime.fromtimestamp(STARTED / 1e6, UTC).date()
BEFORE: list[dict[str, Any]] = [
    {**line, "started_at": line["started_at"] - STARTED + 1_500_000_000_000_000} for line in LOG
]
"""The same requests in July 2017, when none of the models had a price."""


def test_both_sides_are_priced_at_the_day(tmp_path: Path) -> None:
    own = step("self-host", model="Llama-3.3-70B", usd_per_gpu_hour="2", utilisation="1", cold_start="0s")
    with world(tmp_path, BEFORE) as here:
        plain = here.result(scenario(own)).scenarios[0]
        assert plain.not_comparable.requests == 550
        done = here.result(scenario(own), baseline_on=DAY)
        assert done.baseline.cost_usd == Decimal("5.5")
        assert (done.scenarios[0].not_comparable.requests, done.scenarios[0].saving_usd) == (0, Decimal("5.5") - 12)
        assert any(f"priced at the rates of {DAY}" in warning for warning in done.warnings)


def test_the_same_day_twice_is_no_step_of_its_own(tmp_path: Path) -> None:
    half = step("reprice", discount="0.5")
    with world(tmp_path, BEFORE) as here:
        (same,) = here.result(BoundScenario("s", (half,), DAY), baseline_on=DAY).scenarios
        assert [done.strategy for done in same.steps] == ["reprice"]
        assert same.saving_usd == Decimal("2.75")


def test_break_even_on_a_day(tmp_path: Path) -> None:
    own = step(
        "self-host", model="Llama-3.3-70B", usd_per_gpu_hour="2", utilisation="1", cold_start="0s", mode="always-on"
    )
    with world(tmp_path, BEFORE) as here:

        def play(scenarios: Sequence[BoundScenario]) -> Result:
            return here.result(*scenarios, extrapolate=True, dimensions=(), month_days=Decimal(30), baseline_on=DAY)

        found = break_even(Subject(own, (), DAY), play, (Decimal("0.5"), Decimal(2), Decimal(3)))
        assert (found.baseline_usd, found.option_usd, found.unpriced_requests) == (Decimal(1320), Decimal(2880), 0)


def test_gpus_are_priced_at_the_same_day(tmp_path: Path) -> None:
    own = step("self-host", model="Llama-3.3-70B", provider="aws", region="us-east-1")
    with world(tmp_path, BEFORE) as here:
        done = here.result(scenario(own), baseline_on=date(2026, 11, 20)).scenarios[0]
        (noted,) = [a for a in done.steps[0].assumptions if a.name == "GPU-hour"]
        assert "seen 2026-11-09" in noted.source
