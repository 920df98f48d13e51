"""The fluid plan of an hour against a discrete-event replay of it: GPU-seconds, busy share, and what bursts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from functools import reduce

import numpy as np
import polars as pl
import pytest

from llmcost.hosting.catalogue import GpuCatalogue
from llmcost.hosting.demand import Demand, demand_of
from llmcost.hosting.fleet import Fleet, Shape, fixed, sized
from llmcost.hosting.throughput import Throughput, Work
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
