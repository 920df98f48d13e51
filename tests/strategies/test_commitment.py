"""Commitments: what they cost whether used or not, and what is saved by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.errors import UsageError
from llmcost.money import ZERO
from tests.strategies.support import STARTED, scenario, step, world

HOUR = 3_600_000_000
LOG = [
    {
        "request_id": f"r{n}", "started_at": STARTED + n * HOUR, "provider_name": "openai", "request_model": "big",
        "input_tokens": 500_000, "output_tokens": 0, "service_tier": "standard", "cache_read_input_tokens": 0,
    }
    for n in range(10)
]  # fmt: skip
"""Ten hours, a request each: long context at 4 USD a MTok, $2 each, $20 in all."""


def played(folder: Path, **parameters: Any) -> Any:
    with world(folder, LOG) as here:
        return here.result(scenario(step("commitment", **parameters))).scenarios[0]


def test_units_are_paid_for_every_hour(tmp_path: Path) -> None:
    done = played(tmp_path, kind="provisioned", units=1, tokens_per_minute=500_000, usd_per_unit_hour="1.5")
    assert done.cost_usd == 15
    assert done.saving_usd == 5
    assert done.steps[0].facts["use of the units"] == "1.7 %"


def test_too_few_units_pay_twice(tmp_path: Path) -> None:
    done = played(tmp_path, kind="provisioned", units=1, tokens_per_minute=499_999, usd_per_unit_hour="1.5")
    assert done.cost_usd == 35
    assert done.saving_usd == -15


def test_half_the_traffic_needs_half_the_units(tmp_path: Path) -> None:
    units = step("commitment", kind="provisioned", units=1, tokens_per_minute=250_000, usd_per_unit_hour="0.5")
    with world(tmp_path, LOG) as here:
        done = here.result(scenario(step("reprice", growth="0.5"), units)).scenarios[0]
    assert done.cost_usd == 5
    assert done.steps[1].measures["utilisation"] == Decimal("0.016667")


def test_a_month_has_730_hours(tmp_path: Path) -> None:
    done = played(tmp_path, kind="provisioned", units=0, tokens_per_minute=1, usd_per_unit_month="730")
    assert done.cost_usd == 20
    done = played(tmp_path, kind="provisioned", units=1, tokens_per_minute=1, usd_per_unit_month="730")
    assert done.cost_usd == 30


@pytest.mark.parametrize(
    ("committed", "above", "cost"),
    [
        ("0", "discounted", "15"),  # a quarter off
        ("730", "discounted", "15"),  # ten hours of it are $10: used up
        ("1460", "discounted", "20"),  # $20 committed, $15 used
        ("730", "list", "16.666666666666"),  # $10 buy $13.33 of usage, $6.67 are paid at list price
        ("0", "list", "20"),
    ],
)
def test_committed_spend(tmp_path: Path, committed: str, above: str, cost: str) -> None:
    done = played(tmp_path, kind="spend", usd_per_month=committed, discount="0.25", above=above)
    assert abs(done.cost_usd - Decimal(cost)) < Decimal("1e-8")
    assert done.steps[0].saving_usd == Decimal(20) - done.cost_usd
    parts = done.steps[0].evidence
    assert parts.measured_usd == parts.modelled_usd == ZERO


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "provisioned", "tokens_per_minute": 1}, "usd_per_unit_hour"),
        ({"kind": "provisioned", "usd_per_unit_hour": 1}, "tokens_per_minute"),
        ({"kind": "spend"}, "usd_per_month"),
    ],
)
def test_what_is_missing_is_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        step("commitment", **given)
