"""When ordered GPUs are really there: within an hour that needs them before they were ordered ahead, some start too late.

Capacity that is ordered ``lead_hours`` ahead is there in time where a start takes no longer. Without a lead, and where a fleet
scales to zero, GPUs are ordered when they are needed (from nothing: when the first request comes) and are there a cold start
later. Until then the GPUs before them carry the load, and where there are none nothing is up (:class:`Cold`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from llmcost.hosting.demand import HOUR_SECONDS, Demand, Floats, Ints
from llmcost.hosting.fleet import Shape

_US = 1_000_000


@dataclass(frozen=True)
class Cold:
    """A time in which nothing is up: from the request that starts GPUs until they are there (microseconds UTC).

    ``gpus`` come up at its end: 0 where the fleet is switched off before.
    """

    start: int
    end: int
    gpus: int


@dataclass
class Coming:
    """GPUs that are up, and those that are ordered: seconds after the demand's start at which they are there, and how many."""

    up: int
    ordered: list[tuple[int, int]] = field(default_factory=list)

    @property
    def all(self) -> int:
        """Up and ordered."""
        return self.up + sum(number for _, number in self.ordered)

    def arrive(self, now: int) -> None:
        """What is there by now is up."""
        self.up += sum(number for ready, number in self.ordered if ready <= now)
        self.ordered = [order for order in self.ordered if order[0] > now]

    def drop(self, number: int) -> None:
        """Switches GPUs off, those first that are not there yet."""
        while number and self.ordered:
            ready, held = self.ordered.pop()
            if held > number:
                self.ordered.append((ready, held - number))
            number = max(0, number - held)
        self.up -= number


def late(shape: Shape) -> bool:
    """Whether GPUs can be there later than they are needed."""
    if shape.mode == "scale-to-zero":
        return shape.cold_start_seconds > 0
    return shape.mode == "autoscale" and shape.cold_start_seconds > shape.lead_hours * HOUR_SECONDS


def starting(
    demand: Demand, shape: Shape, gpus: Ints, firsts: Mapping[int, int], reserved: int = 0
) -> tuple[Floats, tuple[Cold, ...]]:
    """GPUs that are up on average in each window, and the times in which nothing is.

    ``firsts``: the first request of an hour (number of the hour -> microseconds after its start); without one the hour starts
    with it. What is ``reserved``, and an autoscaled fleet as it is before the log, is up from the beginning.
    """
    each = demand.windows_per_hour
    if not late(shape):
        return np.repeat(gpus, each).astype(np.float64), ()
    before = (
        0
        if shape.mode == "scale-to-zero"
        else int(gpus[0])
        if shape.lead_hours
        else shape.min_replicas * shape.gpus_per_replica
    )
    coming, rows, cold = Coming(max(reserved, min(before, int(gpus[0])))), [], []
    offsets = np.arange(each) * demand.window_seconds
    for hour, wanted in enumerate(gpus.tolist()):
        now = hour * HOUR_SECONDS
        coming.arrive(now)
        if wanted < coming.all:
            coming.drop(coming.all - wanted)
        elif wanted > coming.all:
            order = now if coming.all else now + firsts.get(hour, 0) // _US
            ready = order + shape.cold_start_seconds
            if not coming.all:
                cold.append(_cold(demand, gpus, hour, firsts.get(hour, 0), shape))
            coming.ordered.append((ready, wanted - coming.all))
        there = np.full(each, float(coming.up))
        for ready, number in coming.ordered:
            there += number * np.clip((now + offsets + demand.window_seconds - ready) / demand.window_seconds, 0, 1)
        rows.append(there)
    return np.concatenate(rows), tuple(cold)


def _cold(demand: Demand, gpus: Ints, hour: int, first_us: int, shape: Shape) -> Cold:
    """The time from an hour's first request until its GPUs are there, or are switched off again."""
    began = hour * HOUR_SECONDS * _US + first_us
    ready = began + shape.cold_start_seconds * _US
    off = next((n for n in range(hour, len(gpus)) if gpus[n] == 0), len(gpus)) * HOUR_SECONDS * _US
    up = int(gpus[min(hour, len(gpus) - 1)]) if ready < off else 0
    return Cold(demand.start + began, demand.start + min(ready, off), up)


def drained(demand: Demand, cold: Sequence[Cold], waiting: Floats, spare: Floats, gpus: Ints) -> Floats:
    """GPU-seconds of ``waiting`` (by window of arrival) that GPUs catch up with after their start, in what they have to ``spare``.

    What they have not caught up with when they are switched off is left.
    """
    found: Floats = np.zeros(len(waiting))
    for time in cold:
        first, ready = (_window(demand, at) for at in (time.start, time.end - 1))
        asked = float(waiting[first : ready + 1].sum())
        if not asked or not time.gpus:
            continue
        hour = ready // demand.windows_per_hour
        off = next((n for n in range(hour, demand.hours) if gpus[n] == 0), demand.hours) * demand.windows_per_hour
        room = float(spare[ready:off].sum())
        found[first : ready + 1] = waiting[first : ready + 1] * min(1.0, room / asked)
    return found


def _window(demand: Demand, at: int) -> int:
    return int((at - demand.start) // (demand.window_seconds * _US))
