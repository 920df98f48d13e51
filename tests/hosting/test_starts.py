"""When GPUs are really there: cold starts, leads at both ends of a log, minimum fleets, peaks inside the hour; by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.hosting.demand import Demand
from llmcost.hosting.fleet import Fleet, Shape, sized
from llmcost.hosting.starts import Cold, drained, late, starting
from tests.hosting.test_fleet import hourly

HOUR, MINUTE = 3_600_000_000, 60_000_000


def up(
    gpus: Sequence[int], firsts: Mapping[int, int] | None = None, reserved: int = 0, **shape: Any
) -> tuple[list[float], tuple[Cold, ...]]:
    demand = hourly(gpus)
    there, cold = starting(
        demand, Shape(utilisation=1.0, **shape), np.array(gpus, dtype=np.int64), firsts or {}, reserved
    )
    return there.tolist(), cold


def test_from_nothing_gpus_are_there_a_cold_start_after_the_first_request() -> None:
    """First request at 01:10, twelve minutes to start: up from 01:22, three of five minutes of the window from 01:20."""
    there, cold = up([0, 2, 0], {1: 10 * MINUTE}, mode="scale-to-zero", cold_start_seconds=720)
    assert there == [0] * 12 + [0] * 4 + [pytest.approx(2 * 3 / 5)] + [2] * 7 + [0] * 12
    assert cold == (Cold(HOUR + 10 * MINUTE, HOUR + 22 * MINUTE, 2),)


def test_growth_without_a_lead_comes_late_and_what_was_there_serves_on() -> None:
    there, cold = up([1, 3, 1], mode="autoscale", lead_hours=0, cold_start_seconds=600)
    assert there == [1] * 12 + [1, 1] + [3] * 10 + [1] * 12
    assert not cold


def test_a_lead_as_long_as_the_start_is_in_time_and_a_shorter_one_is_not() -> None:
    assert not late(Shape(lead_hours=1, cold_start_seconds=3600))
    assert late(Shape(lead_hours=1, cold_start_seconds=3601))
    assert not late(Shape(mode="always-on", lead_hours=0, cold_start_seconds=9999))
    # Ordered at 01:00, there at 02:30.
    there, _ = up([1, 4, 4], mode="autoscale", lead_hours=1, cold_start_seconds=5400)
    assert there == [1] * 12 + [1] * 18 + [4] * 6


def test_gpus_that_are_switched_off_before_they_are_there_never_were() -> None:
    there, cold = up([0, 2, 0, 0], {1: 50 * MINUTE}, mode="scale-to-zero", cold_start_seconds=900)
    assert not any(there)
    assert cold == (Cold(HOUR + 50 * MINUTE, 2 * HOUR, 0),)


def test_a_start_that_takes_longer_than_its_hour_goes_on_into_the_next() -> None:
    there, cold = up([2, 2], {0: 30 * MINUTE}, mode="scale-to-zero", cold_start_seconds=3600)
    assert there == [0] * 18 + [2] * 6
    assert cold == (Cold(30 * MINUTE, 90 * MINUTE, 2),)


def test_what_is_reserved_never_starts() -> None:
    there, cold = up([1, 3], reserved=1, mode="scale-to-zero", cold_start_seconds=600)
    assert there == [1] * 12 + [1, 1] + [3] * 10
    assert not cold


@given(
    gpus=st.lists(st.integers(0, 5), min_size=1, max_size=12), seconds=st.integers(0, 9000),
    mode=st.sampled_from(["autoscale", "scale-to-zero"]), lead=st.integers(0, 2),
)  # fmt: skip
def test_never_more_is_up_than_is_paid_and_without_a_start_all_of_it(
    gpus: list[int], seconds: int, mode: Any, lead: int
) -> None:
    there, cold = up(gpus, mode=mode, lead_hours=lead, cold_start_seconds=seconds)
    assert all(one <= paid + 1e-9 for one, paid in zip(there, np.repeat(gpus, 12), strict=True))
    assert all(before.end <= after.start for before, after in pairwise(cold))
    if not seconds:
        assert there == np.repeat(gpus, 12).tolist()


def test_what_waits_is_caught_up_with_in_what_is_spare() -> None:
    """Sixty GPU-seconds wait for one GPU that has ten to spare in each window: six windows; five before it is off."""
    demand = hourly([1, 0])
    waiting, spare, gpus = np.zeros(24), np.full(24, 10.0), np.array([1, 0])
    waiting[5] = 60
    cold = (Cold(25 * MINUTE, 30 * MINUTE, 1),)
    assert drained(demand, cold, waiting, spare, gpus)[5] == pytest.approx(60)
    cold = (Cold(25 * MINUTE, 40 * MINUTE, 1),)
    assert drained(demand, cold, waiting, spare, gpus)[5] == pytest.approx(50)
    assert not drained(demand, (Cold(25 * MINUTE, HOUR, 0),), waiting, spare, gpus).any()


def test_served_counts_what_waited_where_it_arrived() -> None:
    demand = hourly([1])
    part, waited = np.zeros(12), np.zeros(12)
    part[0], waited[0] = 0.5, 150.0
    fleet = Fleet(demand, Shape(utilisation=1.0), np.array([1]), up=np.array([0.5] + [1.0] * 11), cold=part)
    assert fleet.served[0] == pytest.approx(150)
    assert fleet.served_share == pytest.approx(11.5 / 12)
    waits = Fleet(demand, fleet.shape, fleet.gpus, up=fleet.up, cold=part, waited=waited)
    assert waits.served_share == pytest.approx(1)


def test_two_replicas_at_least_run_at_every_hour_and_through_the_quiet_ones() -> None:
    shape = Shape(gpus_per_replica=4, min_replicas=2, utilisation=1.0)
    demand = hourly([0, 1, 9, 0])
    assert list(sized(demand, shape).gpus) == [8, 12, 12, 8]
    on = Shape(gpus_per_replica=4, min_replicas=2, utilisation=1.0, mode="always-on")
    assert list(sized(hourly([0, 1, 2, 0]), on).gpus) == [8, 8, 8, 8]
    # A fleet that scales to zero has its minimum only while it is up.
    zero = Shape(gpus_per_replica=4, min_replicas=2, utilisation=1.0, mode="scale-to-zero")
    assert list(sized(demand, zero).gpus) == [0, 8, 12, 0]


def test_a_lead_looks_no_further_than_the_log() -> None:
    demand = hourly([1, 1, 1, 5])
    for lead, expected in ((0, [1, 1, 1, 5]), (1, [1, 1, 5, 5]), (2, [1, 5, 5, 5]), (24, [5, 5, 5, 5])):
        assert list(sized(demand, Shape(utilisation=1.0, lead_hours=lead)).gpus) == expected
    assert list(sized(hourly([3]), Shape(utilisation=1.0, lead_hours=2)).gpus) == [3]


@pytest.mark.parametrize(("busy", "peak"), [(1, 12.0), (2, 12.0), (12, 12.0), (0, 0.0)])
def test_the_95th_percentile_of_twelve_windows_is_the_busiest(busy: int, peak: float) -> None:
    """Of twelve the 95th percentile, never below a measured one, is the twelfth; of sixty windows of a minute the 58th."""
    work = np.zeros(12)
    work[:busy] = 12 * 300.0
    assert Demand(0, work).peak[0] == peak
    minutes = np.zeros(60)
    minutes[: 5 * busy // 2] = 12 * 60.0
    assert Demand(0, minutes, 60).peak[0] == (12.0 if 5 * busy // 2 >= 4 else minutes.sum() / 3600)
