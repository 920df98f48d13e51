"""Money recomputed from what a report prints, and from nothing else: every cent must follow from it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.results.model import Scenario, Step
from tests.strategies.support import scenario, step, world
from tests.strategies.test_self_host import LOG

D = Decimal
CENT = D("0.01")
CALL = D("0.01")
"""1,000 tokens in at $2 and 1,000 out at $8 per million."""
MONTH = D("30.4375") * 24 / 3
"""A month has so many times the log's three hours."""


def played(folder: Path, name: str, **given: Any) -> tuple[Scenario, Step, dict[str, str], dict[str, Decimal]]:
    """The scenario, its step, what the step assumes by name, and its flat charges by SKU."""
    with world(folder, LOG) as here:
        done = here.result(scenario(step(name, **given)), extrapolate=True).scenarios[0]
    noted = {a.name: a.value for a in done.steps[0].assumptions}
    return done, done.steps[0], noted, {line.sku: line.cost_usd or D(0) for line in done.flat_charges}


def seconds(text: str) -> Decimal:
    return D(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[text[-1]]


def test_a_month_on_own_gpus(tmp_path: Path) -> None:
    """GPU-hours = GPUs x 3 h + starts x cold start; staff by the month of 730 hours."""
    done, found, noted, charges = played(
        tmp_path, "self-host", model="Llama-3.3-70B", usd_per_gpu_hour="2.49", staff_usd_per_month="7300"
    )
    facts = found.facts
    assert facts["GPUs"] == "2 to 2, 2.0 on average"
    hours = 2 * 3 + D(facts["GPUs started"]) * seconds(noted["cold start"]) / 3600
    own = hours * D(noted["GPU-hour"])
    staff = D(7300) * 3 / 730
    assert charges == {
        "gpu_hour_on_demand": pytest.approx(own, abs=D("1e-8")),
        "staff": pytest.approx(staff, abs=D("1e-5")),
    }
    assert done.cost_usd == pytest.approx(own + staff + D(facts["requests left to the API"]) * CALL, abs=D("1e-5"))
    assert done.monthly_cost_usd is not None
    assert done.monthly_cost_usd.quantize(CENT) == (
        (charges["gpu_hour_on_demand"] + charges["staff"]) * MONTH
    ).quantize(CENT)


def test_a_baseline_with_the_rest_at_the_api(tmp_path: Path) -> None:
    """What is left to the API is a whole number of calls of $0.01; what is served fits the target use."""
    done, found, noted, charges = played(
        tmp_path,
        "self-host",
        model="Llama-3.3-70B",
        usd_per_gpu_hour="2",
        utilisation="0.01",
        replicas=1,
        mode="always-on",
    )
    served, left = (D(found.facts[name]) for name in ("requests served by the fleet", "requests left to the API"))
    assert served + left == 550
    assert left > 0
    assert charges == {"gpu_hour_on_demand": D(2 * 3) * D(noted["GPU-hour"])}
    assert done.cost_usd == 2 * 3 * 2 + left * CALL
    # A call keeps a GPU busy for its 2,000 tokens at the printed speed; five minutes of two GPUs at 1 % are six seconds.
    each = D(2000) / found.measures["tokens_per_gpu_second"]
    assert D(noted["target utilisation"]) * 2 * 300 == 6
    # Four windows have calls in the first hour, twelve in the second, two in the third: 33 or 34 come in each full one.
    arrivals: dict[int, int] = {}
    for row in LOG:
        window = row["started_at"] // 300_000_000
        arrivals[window] = arrivals.get(window, 0) + 1
    assert served == sum(min(number, int(6 / each)) for number in arrivals.values())


def test_a_commitment(tmp_path: Path) -> None:
    """A unit of 9,000 tokens a minute holds four of the six or seven calls of 2,000 that come in a minute."""
    done, found, noted, charges = played(
        tmp_path, "commitment", kind="provisioned", units=1, tokens_per_minute=9000, usd_per_unit_month="1460"
    )
    assert D(noted["price of a unit"]) == D(1460) / 730
    assert charges == {"provisioned_throughput": D(3) * 2}
    minutes: dict[int, int] = {}
    for row in LOG:
        minute = row["started_at"] // 60_000_000
        minutes[minute] = minutes.get(minute, 0) + 1
    each = 1000 + 1000 * D(noted["output weight"])
    served = sum(min(number, int(D(noted["a unit serves"]) // each)) for number in minutes.values())
    assert found.facts["requests served by the commitment"] == str(served)
    assert done.cost_usd == 6 + (550 - served) * CALL
    assert found.facts["use of the units"] == f"{served * 2000 / (9000 * 180) * 100:.1f} %"


def test_a_fine_tune(tmp_path: Path) -> None:
    """openai/small at $0.10 and $0.40 per million; training for three hours of a life of 90 days."""
    done, found, noted, charges = played(
        tmp_path, "fine-tune", model="openai/small", example_tokens=400, training_tokens=2_000_000, training_usd_per_mtok="8",
        data_preparation_usd="900", retrain_every="90d",
    )  # fmt: skip
    life = D(3 * 3600) / seconds(noted["life of a tuned model"])
    assert charges["fine_tune_training"] == pytest.approx(D(2) * D(noted["epochs"]) * 8 * life, abs=D("1e-9"))
    assert charges["fine_tune_data_preparation"] == pytest.approx(900 * life, abs=D("1e-9"))
    assert noted["tokenizer factor openai/big to openai/small"] == "unknown: 1 assumed"
    into, out = 1000 - D(noted["example tokens"]), D(1000)
    calls = D(found.facts["requests on a tuned model"]) * (into * D("0.1") + out * D("0.4")) / 1_000_000
    assert done.cost_usd == calls + charges["fine_tune_training"] + charges["fine_tune_data_preparation"]
    once = {line.sku: line.once_usd for line in done.flat_charges}
    assert once == {"fine_tune_training": 2 * 3 * 8, "fine_tune_data_preparation": 900}
    assert done.monthly_cost_usd is not None
    assert done.monthly_cost_usd.quantize(CENT) == (done.cost_usd * MONTH).quantize(CENT)
