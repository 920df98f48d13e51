"""The fluid plan of an hour against a discrete-event replay of it: GPU-seconds, busy share, and what bursts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from llmcost.hosting.catalogue import GpuCatalogue
from llmcost.hosting.demand import Demand, demand_of
from llmcost.hosting.fleet import Fleet, Shape, fixed, sized
from llmcost.hosting.starts import drained, starting
from llmcost.hosting.throughput import Throughput, Work
from llmcost.workload.coldstarts import Arrived, ColdStarts
from tests.hosting.fleet_replay import Arrival, Replayed, Seconds, replay
from tests.support import shared_data

CATALOGUE = GpuCatalogue()
OFFLINE = Throughput(next(s for s in CATALOGUE.measured("Llama-3.3-70B", "H100-SXM", "FP8") if s.load == "offline"))
SERVED = Throughput(next(s for s in CATALOGUE.measured("Llama-3.3-70B", "H100-SXM", "FP8") if s.load == "served"))
SLOTS = 128


def poisson(
    per_second: float, *, swing: float = 0.5, seed: int = 1, tokens: tuple[int, int] = (1500, 400)
) -> list[Arrival]:
    """An hour of requests that come at random, more in the middle of it, of lengths that vary."""
    draw = np.random.default_rng(seed)
    at, found = 0.0, list[Arrival]()
    while True:
        at += float(draw.exponential(1 / (per_second * (1 + swing))))
        if at >= 3600:
            return found
        if draw.random() * (1 + swing) <= 1 + swing * np.sin(at / 3600 * np.pi * 2):
            sizes = [max(1.0, float(round(mean * draw.gamma(2, 0.5)))) for mean in tokens]
            found.append(Arrival(at, Work.one(*sizes)))


def planned(arrivals: Sequence[Arrival], throughput: Throughput, load: float | None = None) -> Demand:
    windows: dict[int, list[Work]] = {}
    for arrival in arrivals:
        windows.setdefault(int(arrival.at // 300) * 300_000_000, []).append(arrival.work)
    works = {at: reduce(Work.__add__, each) for at, each in windows.items()}
    return demand_of(works, throughput, load, span=(0, 3_600_000_000)).demand


def told(name: str, fleet: Fleet, done: Replayed) -> tuple[float, float, float]:
    """(GPU-seconds replayed / planned - 1, busy share replayed - planned, burst share replayed - planned); shown by -s."""
    paid = float(fleet.gpus.sum()) * 3600
    work = done.gpu_seconds + done.burst_seconds
    apart = (
        done.gpu_seconds / float(fleet.served.sum()) - 1,
        done.busy_seconds / paid - fleet.used,
        done.burst_seconds / work - (1 - fleet.served_share),
    )
    waits = np.percentile(done.waits, 99) if done.waits else 0.0
    sys.stdout.write(
        f"\n{name}: {int(fleet.gpus[0])} GPUs, GPU-seconds {apart[0]:+.1%}, busy {fleet.used:.1%} planned {apart[1]:+.1%}, "
        f"burst {1 - fleet.served_share:.1%} planned {apart[2]:+.1%}, p99 wait {waits:.1f} s\n"
    )
    return apart


@pytest.mark.parametrize("per_second", [2.0, 10.0, 30.0])
def test_a_sized_fleet_serves_what_the_plan_says(per_second: float) -> None:
    arrivals = poisson(per_second)
    demand = planned(arrivals, OFFLINE)
    fleet = sized(demand, Shape(gpus_per_replica=2, utilisation=0.7))
    done = replay(arrivals, Seconds(OFFLINE, arrivals, None), int(fleet.gpus[0]), 2, SLOTS)
    seconds, busy, burst = told(f"{per_second:g} a second", fleet, done)
    assert abs(seconds) < 0.03
    assert abs(busy) < 0.03
    assert abs(burst) < 0.03


@pytest.mark.parametrize("per_second", [12.0, 20.0])
def test_what_a_baseline_cannot_serve_bursts_alike(per_second: float) -> None:
    """One replica, asked for more than it has: the plan lets work wait to the end of its five minutes, the replay for 10 s."""
    arrivals = poisson(per_second, seed=2)
    fleet = fixed(planned(arrivals, OFFLINE), Shape(gpus_per_replica=2, utilisation=1.0), 2)
    assert fleet.served_share < 0.9
    done = replay(arrivals, Seconds(OFFLINE, arrivals, None), 2, 2, SLOTS)
    seconds, busy, burst = told(f"overload, {per_second:g} a second", fleet, done)
    assert abs(seconds) < 0.05
    assert abs(busy) < 0.05
    assert abs(burst) < 0.05


def test_part_full_batches_keep_gpus_busy_longer_than_their_work() -> None:
    """In full batches the plan counts; a replica that is never full works longer on the same, and still keeps up."""
    full = 50.0
    arrivals = poisson(1.0, seed=3, tokens=(5000, 500))
    fleet = sized(planned(arrivals, SERVED, full), Shape(gpus_per_replica=2, utilisation=0.7))
    done = replay(arrivals, Seconds(SERVED, arrivals, full), int(fleet.gpus[0]), 2, int(full * 2))
    seconds, busy, burst = told("served, part-full batches", fleet, done)
    assert abs(seconds) < 0.03
    assert busy > 0
    assert abs(burst) < 0.03


@pytest.mark.parametrize("waiting", [False, True])
def test_requests_that_find_nothing_up_burst_or_wait_alike(waiting: bool) -> None:
    """From nothing at the first request, ten minutes to start: the plan's windows against requests one by one."""
    start, per_second = 600.0, 8.0
    arrivals = [a for a in poisson(per_second, seed=5) if a.at >= 433]
    first = arrivals[0].at
    demand = planned(arrivals, OFFLINE)
    shape = Shape(gpus_per_replica=2, utilisation=1.0, mode="scale-to-zero", cold_start_seconds=int(start))
    asked = sized(demand, shape)
    up, (cold,) = starting(demand, shape, asked.gpus, {0: int(first * 1e6)})
    assert cold.end - cold.start == start * 1_000_000
    whole, late = np.zeros(12), np.zeros(12)
    for arrival in arrivals:
        size = OFFLINE.estimate(arrival.work).gpu_seconds
        whole[int(arrival.at // 300)] += size
        late[int(arrival.at // 300)] += size if arrival.at * 1e6 < cold.end else 0.0
    fleet = Fleet(demand, shape, asked.gpus, up=up, cold=np.where(whole > 0, late / np.where(whole > 0, whole, 1), 0))
    if waiting:
        spare = fleet.room - fleet.at_once
        fleet = replace(fleet, waited=drained(demand, (cold,), demand.work * np.asarray(fleet.cold), spare, fleet.gpus))
    gpus = int(fleet.gpus[0])
    ready = [first + start] * (gpus // 2)
    done = replay(arrivals, Seconds(OFFLINE, arrivals, None), gpus, 2, SLOTS, 1e9, ready, waiting=waiting)
    seconds, _, burst = told(f"cold start, {'waiting' if waiting else 'to the API'}", fleet, done)
    assert abs(seconds) < 0.03
    assert abs(burst) < 0.03
    assert (1 - fleet.served_share > 0.1) == (not waiting)
    # At most the start itself: a replica of many slots takes all that waited at once.
    assert max(done.waits, default=0.0) == pytest.approx(start if waiting else 0.0, abs=15)
    if waiting:
        early = [(at, wait) for at, wait in zip(done.came, done.waits, strict=True) if at * 1e6 < cold.end]
        arrived = Arrived(len(early), float(late.sum()), float(np.mean([at - first for at, _ in early])))
        plan = SimpleNamespace(cold=(cold,), shape=shape)
        mean, longest = ColdStarts({0: arrived}, {}).waits(plan)  # type: ignore[arg-type]  # it asks for no more of a plan
        sys.stdout.write(
            f"waits: {np.mean([wait for _, wait in early]):.0f} s replayed, {mean:.0f} s told; {longest:.0f} s\n"
        )


def test_an_hour_of_azures_code_traffic() -> None:
    rows = pl.read_csv(shared_data("traces", "azure_llm_2023_code", "AzureLLMInferenceTrace_code.csv.gz"))
    times = [datetime.fromisoformat(text[:26]).timestamp() for text in rows["TIMESTAMP"]]
    arrivals = [
        Arrival(at - times[0], Work.one(i, o))
        for at, i, o in zip(times, rows["ContextTokens"], rows["GeneratedTokens"], strict=True)
    ]
    fleet = sized(planned(arrivals, OFFLINE), Shape(gpus_per_replica=2, utilisation=0.7))
    done = replay(arrivals, Seconds(OFFLINE, arrivals, None), int(fleet.gpus[0]), 2, SLOTS)
    seconds, busy, burst = told("Azure code", fleet, done)
    assert abs(seconds) < 0.05
    assert abs(busy) < 0.05
    assert abs(burst) < 0.05
