"""A discrete-event replay of one hour on a fleet: what the fluid plan of :mod:`llmcost.hosting.fleet` is held against.

Requests come when they come and go to the replica with the fewest under way; a replica works on all of its requests at once, each
getting its part, up to ``slots``; then they wait, and where the wait would be longer than ``patience`` they burst. Seconds come
from the same series as the plan's: of the whole at the replica's load, shared out by the model's terms.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import simpy

from llmcost.hosting.throughput import Throughput, Work


@dataclass(frozen=True)
class Arrival:
    at: float
    work: Work


class Seconds:
    """GPU-seconds of a request at so many under way per GPU."""

    def __init__(self, throughput: Throughput, arrivals: Sequence[Arrival], full: float | None) -> None:
        self.throughput, self.full = throughput, full
        self.whole = reduce(Work.__add__, (arrival.work for arrival in arrivals))
        prefill, decode, context = (float(value) for value in throughput.coefficients[:3])
        step, prefill_step = (float(value) for value in throughput.coefficients[3:])
        if full:
            decode, prefill = decode + step / full, prefill + prefill_step / full
        self._parts = (prefill, decode, context)
        self._scale = self._of_all(full) / self._plain(self.whole)
        self._loads: dict[float, float] = {}

    def _of_all(self, load: float | None) -> float:
        return self.throughput.estimate(self.whole, load).gpu_seconds

    def _plain(self, work: Work) -> float:
        fresh = work.input_tokens - work.cached_tokens * (1 - self.throughput.cached_cost)
        fresh += work.positions * self.throughput.attention
        return fresh * self._parts[0] + work.output_tokens * self._parts[1] + work.context * self._parts[2]

    def of(self, work: Work) -> float:
        return self._plain(work) * self._scale

    def slower(self, load: float) -> float:
        """How much longer the same work takes at a load than in full batches."""
        if self.full is None:
            return 1.0
        if load not in self._loads:
            self._loads[load] = self._of_all(load) / self._of_all(self.full)
        return self._loads[load]


@dataclass
class Replayed:
    gpu_seconds: float = 0.0
    """Work served, in full batches."""
    busy_seconds: float = 0.0
    """GPU time with anything under way."""
    burst_seconds: float = 0.0
    """Work that went to the API, in full batches."""
    waits: list[float] = field(default_factory=list)
    came: list[float] = field(default_factory=list)
    """When they came, those of ``waits``."""
    end: float = 0.0


@dataclass
class Replica:
    env: simpy.Environment
    seconds: Seconds
    gpus: int
    slots: int
    told: Replayed
    ready: float = 0.0
    """When it is up: before, what comes to it waits."""
    active: list[list[float]] = field(default_factory=list)
    queue: list[tuple[float, float]] = field(default_factory=list)
    changed: Any = None

    def __post_init__(self) -> None:
        self.changed = self.env.event()
        self.env.process(self.run())

    @property
    def backlog(self) -> float:
        """GPU-seconds that are ahead of a newcomer who has to wait."""
        return sum(left for (left,) in self.active) + sum(size for _, size in self.queue)

    def take(self, size: float) -> None:
        self.queue.append((self.env.now, size))
        changed, self.changed = self.changed, self.env.event()
        changed.succeed()

    def run(self) -> Generator[Any, Any, None]:
        if self.ready:
            yield self.env.timeout(self.ready)
        while True:
            while self.queue and len(self.active) < self.slots:
                came, size = self.queue.pop(0)
                self.told.waits.append(self.env.now - came)
                self.told.came.append(came)
                self.active.append([size])
            if not self.active:
                yield self.changed
                continue
            number = len(self.active)
            # All share the replica's GPUs; in a part-full batch the same work takes longer.
            pace = self.gpus / number / self.seconds.slower(number / self.gpus)
            start = self.env.now
            yield self.env.timeout(min(left for (left,) in self.active) / pace) | self.changed
            elapsed = self.env.now - start
            self.told.busy_seconds += elapsed * self.gpus
            self.told.end = max(self.told.end, self.env.now)
            for each in self.active:
                each[0] -= elapsed * pace
            self.active = [each for each in self.active if each[0] > 1e-9]


def replay(
    arrivals: Sequence[Arrival],
    seconds: Seconds,
    gpus: int,
    per_replica: int,
    slots: int,
    patience: float = 10.0,
    ready: Sequence[float] = (),
    *,
    waiting: bool = False,
) -> Replayed:
    """The hour on ``gpus`` GPUs in replicas of ``per_replica``, each of ``slots`` requests at once.

    ``ready``: when each replica is up, in seconds (absent: from the beginning). Requests that find none up burst, or wait.
    """
    env, told = simpy.Environment(), Replayed()
    times = [*ready, *[0.0] * (gpus // per_replica - len(ready))]
    replicas = [Replica(env, seconds, per_replica, slots, told, at) for at in times]

    def come() -> Generator[Any, Any, None]:
        for arrival in arrivals:
            yield env.timeout(arrival.at - env.now)
            size = seconds.of(arrival.work)
            up = [r for r in replicas if r.ready <= env.now]
            first = min(up or replicas, key=lambda r: (len(r.active) + len(r.queue), r.backlog), default=None)
            if first is not None and not up and waiting:
                told.gpu_seconds += size
                first.take(size)
            elif first is None or not up or (len(first.active) >= slots and first.backlog / per_replica > patience):
                told.burst_seconds += size
            else:
                told.gpu_seconds += size
                first.take(size)

    env.process(come())
    env.run()
    return told
