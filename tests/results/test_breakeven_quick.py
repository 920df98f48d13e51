"""A break-even out of one look at the log: the same as replaying everything, to the last digit, and many times cheaper."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.results.breakeven.look import look
from llmcost.results.breakeven.model import BreakEven
from llmcost.results.breakeven.quick import Asked
from llmcost.results.breakeven.run import Subject, break_even
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.scenario import BoundScenario, BoundStep
from tests.strategies.support import NOW, STARTED, step, world

VOLUMES = tuple(Decimal(text) for text in ("1", "7", "60"))
OWN = {"model": "Llama-3.3-70B", "usd_per_gpu_hour": "2"}


def uneven(seed: int = 5) -> list[dict[str, Any]]:
    """Four hours, one of them empty: heaps of requests of all sizes, some of a model without a price, some at one instant."""
    draw, rows = random.Random(seed), []
    for hour, number in enumerate([60, 250, 0, 90]):
        for n in range(number):
            at = (
                STARTED
                + hour * 3_600_000_000
                + min(draw.choice([0, 7, 31, 44]) * 60 + draw.randrange(40), 3599) * 1_000_000
            )
            into = draw.choice([300, 2000, 9000])
            rows.append(
                {
                    "request_id": f"r{hour}-{n}", "started_at": at, "provider_name": "openai", "service_tier": "standard",
                    "request_model": "unheard-of" if draw.random() < 0.05 else draw.choice(["big", "small"]),
                    "input_tokens": into, "output_tokens": draw.randrange(1, 1500),
                    "cache_read_input_tokens": draw.choice([0, into // 2]),
                }
            )  # fmt: skip
    return rows


class Count:
    """Plays by replaying, and counts the scenarios."""

    def __init__(self, here: Any) -> None:
        self.here, self.played = here, 0

    def __call__(self, scenarios: Sequence[BoundScenario]) -> Result:
        self.played += len(scenarios)
        found: Result = self.here.result(*scenarios, extrapolate=True, dimensions=(), month_days=Decimal(30))
        return found


def both(
    folder: Path, lie: bool = False, volumes: Sequence[Decimal] = VOLUMES, **parameters: Any
) -> tuple[BreakEven, int, BreakEven, int]:
    """With one look and without, and how many scenarios each replayed."""
    subject = Subject(step("self-host", **(OWN | parameters)))
    with world(folder, uneven()) as here:
        options = ReplayOptions(now=NOW, extrapolate=True, dimensions=(), month_days=Decimal(30))

        def looked(of: BoundStep) -> Asked | None:
            found = look(of, here.store, here.book, options)
            return replace(found, low=found.low + 1) if found and lie else found

        quick, slow = Count(here), Count(here)
        return (
            break_even(subject, quick, volumes, looked),
            quick.played,
            break_even(subject, slow, volumes),
            slow.played,
        )


@pytest.mark.parametrize(
    "parameters",
    [
        {"utilisation": "0.4"},
        {"tier": "spot", "mode": "always-on", "replicas": 1, "utilisation": "0.05", "when": "request_model = 'big'"},
    ],
)
def test_one_look_gives_the_same_as_every_replay(tmp_path: Path, parameters: dict[str, Any]) -> None:
    quick, few, slow, many = both(tmp_path, **parameters)
    assert quick == slow
    assert few < many / 2
    assert len({point.option_usd for point in quick.curve}) > 2, "the fleet grows, or windows are full"


@pytest.mark.parametrize("parameters", [{"share": "0.5"}, {"egress_usd_per_gb": "0.1"}], ids=["draw", "egress"])
def test_what_one_look_does_not_tell_is_not_looked_up(tmp_path: Path, parameters: dict[str, Any]) -> None:
    with world(tmp_path, uneven()) as here:
        options = ReplayOptions(now=NOW, extrapolate=True, dimensions=())
        assert look(step("self-host", **(OWN | parameters)), here.store, here.book, options) is None
        assert look(step("self-host", **OWN), here.store, here.book, options) is not None


@pytest.mark.slow
def test_a_fleet_that_starts_too_late_is_replayed(tmp_path: Path) -> None:
    quick, few, slow, many = both(tmp_path, volumes=VOLUMES[:1], mode="scale-to-zero")
    assert quick == slow
    assert few == many


@pytest.mark.slow
def test_a_look_that_is_a_fraction_of_a_cent_off_is_not_believed(tmp_path: Path) -> None:
    quick, few, slow, many = both(tmp_path, lie=True, volumes=VOLUMES[:1])
    assert quick == slow
    assert few == many
