"""Fleets for a demand: peaks, whole replicas, modes, reservations, spot, baselines with burst."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.hosting.demand import Demand, Floats
from llmcost.hosting.fleet import Fleet, Shape, Spot, fixed, median_size, needed, reserved_size, sized, sweep
from llmcost.hosting.limits import Limit

FULL = Shape(utilisation=1.0)


def hourly(busy: Sequence[float] | Floats, start: int = 0) -> Demand:
    """A demand that keeps so many GPUs busy in each hour, evenly."""
    return Demand(start, np.repeat(np.asarray(busy, dtype=float), 12) * 300)


def test_an_hour_needs_its_peak_in_whole_replicas_at_the_target_utilisation() -> None:
    work = np.zeros(24)
    work[:12] = 300  # one GPU all through the first hour
    work[12:14] = 1200  # four GPUs for ten minutes of the second, nothing afterwards
    demand = Demand(0, work)
    assert list(needed(demand, FULL)) == [1, 4]
    assert list(needed(demand, Shape(utilisation=0.5, gpus_per_replica=8))) == [8, 8]
    assert list(demand.busy) == [1, pytest.approx(4 / 6)]


def test_modes() -> None:
    demand = hourly([1, 0, 3, 1])
    modes = {
        mode: list(sized(demand, Shape(utilisation=1.0, mode=mode)).gpus)
        for mode in ("always-on", "autoscale", "scale-to-zero")
    }
    assert modes == {"always-on": [3, 3, 3, 3], "autoscale": [1, 3, 3, 1], "scale-to-zero": [1, 0, 3, 1]}
    days = hourly(np.ones(168))
    office = Shape(utilisation=1.0, mode="active-window", active_hours=frozenset(range(8, 18)))
    # 1970-01-01 was a Thursday: the Monday begins 96 hours later
    assert list(np.flatnonzero(sized(days, office).gpus)) == list(range(96 + 8, 96 + 18))


def test_cold_starts_are_paid_for_every_gpu_that_starts() -> None:
    fleet = sized(hourly([1, 0, 3, 1]), Shape(utilisation=1.0, mode="scale-to-zero", cold_start_seconds=1800))
    assert fleet.started == 1 + 3
    assert fleet.gpu_hours == 5 + 2


def test_what_a_baseline_cannot_serve_bursts() -> None:
    fleet = fixed(hourly([1, 3]), FULL, 2)
    assert fleet.served_share == pytest.approx(3 / 4)
    assert fleet.used == pytest.approx(3 / 4)
    assert fleet.burst_share[-1] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("kind", "served", "used"), [("sine", 68, 68), ("0.25", 89, 91), ("0.5", 75, 85), ("1.0", 46, 76)]
)
def test_the_median_hour_as_a_baseline(kind: str, served: int, used: int) -> None:
    """A fixed rule of thumb serves 68 % of a sine load and 89, 75, 46 % of log-normal ones."""
    if kind == "sine":
        busy = 100 * (1 + np.sin(np.arange(720) / 24 * 2 * np.pi))
    else:
        busy = 100 * np.exp(np.random.default_rng(1).normal(0, float(kind), 200_000))
    demand = hourly(busy)
    fleet = fixed(demand, FULL, median_size(demand, FULL))
    assert fleet.served_share * 100 == pytest.approx(served, abs=0.6)
    assert fleet.used * 100 == pytest.approx(used, abs=0.6)


def test_the_sweep_finds_the_cheapest_baseline_and_none_when_the_api_is_cheaper() -> None:
    demand = hourly([1, 1, 1, 4])
    worth = [Decimal(str(round(seconds / 3600 * 5, 6))) for seconds in demand.work]  # a GPU-hour is worth $5 at the API
    always = Shape(utilisation=1.0, mode="always-on")
    dear, fair = sweep(demand, always, Decimal(6), worth), sweep(demand, always, Decimal(2), worth)
    assert min(dear, key=lambda s: s.usd).gpus == 0
    best = min(fair, key=lambda s: s.usd)
    assert best.gpus == 1
    assert best.gpu_usd == 8
    assert float(best.api_usd) == pytest.approx(15)
    assert fair[-1].api_usd == 0


@given(st.lists(st.integers(0, 50), min_size=1, max_size=48), st.integers(1, 4))
def test_a_larger_baseline_never_serves_less(busy: list[int], replica: int) -> None:
    demand, shape = hourly(busy), Shape(utilisation=0.8, gpus_per_replica=replica)
    shares = [step.served_share for step in sweep(demand, shape, Decimal(1), [Decimal(1)] * len(demand.work))]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.sampled_from(["0.3", "0.5", "0.62", "0.9"]))
def test_the_reservation_costs_least_of_all(gpus: list[int], ratio: str) -> None:
    wanted, reserved = np.array(gpus, dtype=np.int64), Decimal(ratio)

    def cost(size: int) -> Decimal:
        over = int(np.maximum(wanted - size, 0).sum())
        return size * len(gpus) * reserved + over

    chosen = reserved_size(wanted, reserved, Decimal(1))
    assert cost(chosen) == min(cost(size) for size in range(max(gpus) + 1))


def test_spot_pays_for_the_hours_it_loses() -> None:
    spot = Spot(Decimal(2), Decimal("0.1"), Decimal(360))
    assert spot.effective_usd_per_gpu_hour == Decimal("2.02")
    assert spot.available == Decimal("0.990099010")


@pytest.mark.parametrize(("per_hour", "share", "full"), [("40", "6.17", "5.56"), ("13.875", "2.14", "1.93")])
def test_the_articles_clusters_never_break_even(per_hour: str, share: str, full: str) -> None:
    """2,000 tokens a second against $0.90: on demand at $40 an hour, spot at $333 a day."""
    limit = Limit(Decimal(per_hour), Decimal(2000), Decimal("0.90"))
    assert limit.never
    assert round(limit.utilisation, 2) == Decimal(share)
    assert round(limit.full_use_usd_per_mtok, 2) == Decimal(full)
    assert not limit.fits(Decimal(730))


@pytest.mark.parametrize(
    ("price", "then", "now"), [("6.88", 48, 206), ("3.99", 28, 119), ("2.69", 19, 81), ("12.29", 86, 368)]
)
def test_llama_70b_on_an_h100(price: str, then: int, now: int) -> None:
    """4,418 tokens a second at 1:1 against $0.90 of 2025 and the $0.21 blend of 2026-11."""
    shares = [Limit(Decimal(price), Decimal(4418), Decimal(api)).utilisation * 100 for api in ("0.90", "0.21")]
    assert [round(share) for share in shares] == [then, now]


def test_an_empty_fleet_serves_nothing() -> None:
    fleet = Fleet(hourly([1.0]), FULL, np.zeros(1, dtype=np.int64))
    assert (fleet.served_share, fleet.used, fleet.gpu_hours) == (0.0, 0.0, Decimal(0))
