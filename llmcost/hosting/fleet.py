"""How many GPUs a demand needs by hour, how they are bought, and what is left for the API.

Replicas are whole: a fleet grows by ``gpus_per_replica`` at a time. ``utilisation`` is the part of a GPU's time that may be
sold before latency suffers (0.6 to 0.8 as a rule); without queueing limits it is 1. Costs are exact: GPU-hours are
counted in whole seconds, prices are Decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final, Literal

import numpy as np

from llmcost.hosting.demand import HOUR_SECONDS, Demand, Floats, Ints
from llmcost.money import EXACT, RATIO

Mode = Literal["always-on", "autoscale", "active-window", "scale-to-zero"]
_HOURS: Final = Decimal("1e-9")
"""Quantities that no meter states (cold starts, hours lost) are rounded here, before money is made of them."""


@dataclass(frozen=True)
class Shape:
    """How a fleet may grow and shrink.

    ``lead_hours``: hours ahead that capacity is ordered; ``cold_start_seconds``: from order to first token, paid and idle;
    ``active_hours``: hours of the week (0 is Monday 00:00 UTC) in which an active-window fleet runs.
    """

    gpus_per_replica: int = 1
    min_replicas: int = 1
    utilisation: float = 0.7
    mode: Mode = "autoscale"
    lead_hours: int = 1
    cold_start_seconds: int = 120
    active_hours: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Fleet:
    """GPUs by hour and what they serve of a demand; what they cannot serve in a window bursts to the API."""

    demand: Demand
    shape: Shape
    gpus: Ints
    away: Floats | None = None
    """Of the GPUs of each hour, those that are taken away on average (spot): paid for, and not there."""
    up: Floats | None = None
    """GPUs that are up in each window where some start too late (:mod:`llmcost.hosting.starts`)."""
    cold: Floats | None = None
    """Part of each window's work that arrives while nothing is up."""
    waited: Floats | None = None
    """GPU-seconds of it that wait and are served later."""

    @cached_property
    def room(self) -> Floats:
        """GPU-seconds that may be served in each window: ``utilisation`` of what is there."""
        each = self.demand.windows_per_hour
        there: Floats = np.repeat(self.gpus, each).astype(np.float64)
        up = there if self.up is None else self.up
        if self.away is not None:
            up = up * (1 - np.repeat(self.away, each) / np.where(there > 0, there, 1))
        found: Floats = up * self.demand.window_seconds * self.shape.utilisation
        return found

    @cached_property
    def at_once(self) -> Floats:
        """GPU-seconds served in the window in which they arrive."""
        warm = self.demand.work if self.cold is None else self.demand.work * (1 - self.cold)
        found: Floats = np.minimum(warm, self.room)
        return found

    @cached_property
    def served(self) -> Floats:
        """GPU-seconds served of what arrives in each window."""
        return self.at_once if self.waited is None else self.at_once + self.waited

    @property
    def served_share(self) -> float:
        """Part of the work that the fleet serves."""
        whole = float(self.demand.work.sum())
        return float(self.served.sum()) / whole if whole else 1.0

    @property
    def burst_share(self) -> Floats:
        """Part of each window's work that is left to the API; 0 where there is none."""
        work = self.demand.work
        found: Floats = np.where(work > 0, 1 - self.served / np.where(work > 0, work, 1), 0.0)
        return found

    @property
    def used(self) -> float:
        """Part of the paid GPU time that works."""
        paid = float(self.gpus.sum()) * HOUR_SECONDS
        return float(self.served.sum()) / paid if paid else 0.0

    @cached_property
    def started(self) -> int:
        """GPUs started over the time, the first ones included."""
        return int(np.maximum(np.diff(self.gpus, prepend=0), 0).sum())

    @property
    def gpu_hours(self) -> Decimal:
        """GPU-hours paid, the cold starts included."""
        cold = 0 if self.shape.mode == "always-on" else self.started * self.shape.cold_start_seconds
        seconds = Decimal(int(self.gpus.sum()) * HOUR_SECONDS + cold)
        return (seconds / HOUR_SECONDS).quantize(_HOURS)


def needed(demand: Demand, shape: Shape) -> Ints:
    """GPUs that carry each hour's peak at the target utilisation, in whole replicas; 0 where nothing arrives."""
    wanted = np.ceil(demand.peak / shape.utilisation / shape.gpus_per_replica - 1e-9)
    found: Ints = wanted.astype(np.int64) * shape.gpus_per_replica
    return found


def sized(demand: Demand, shape: Shape) -> Fleet:
    """The fleet that serves all of the demand (but for windows above the peak percentile) in the shape's mode."""
    least = shape.min_replicas * shape.gpus_per_replica
    wanted = needed(demand, shape)
    if shape.mode == "always-on":
        gpus = np.full(demand.hours, max(int(wanted.max(initial=0)), least), dtype=np.int64)
    elif shape.mode == "active-window":
        gpus = np.where(active(demand, shape), np.maximum(_ahead(wanted, shape.lead_hours), least), 0)
    elif shape.mode == "scale-to-zero":
        gpus = np.where(wanted > 0, np.maximum(wanted, least), 0)
    else:
        gpus = np.maximum(_ahead(wanted, shape.lead_hours), least)
    return Fleet(demand, shape, gpus.astype(np.int64))


def fixed(demand: Demand, shape: Shape, gpus: int) -> Fleet:
    """A baseline of ``gpus`` that runs all the time (or in the active hours); the rest bursts to the API."""
    hours = np.full(demand.hours, gpus, dtype=np.int64)
    if shape.mode == "active-window":
        hours = np.where(active(demand, shape), hours, 0)
    return Fleet(demand, shape, hours)


def active(demand: Demand, shape: Shape) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each hour is one of the shape's active hours of the week; without any, whether any work arrives in it."""
    if not shape.active_hours:
        return np.asarray(demand.busy > 0)
    # 1970-01-01 was a Thursday: three days after Monday.
    first = demand.start // (HOUR_SECONDS * 1_000_000) + 72
    hours = (first + np.arange(demand.hours)) % 168
    return np.isin(hours, sorted(shape.active_hours))


def _ahead(gpus: Ints, lead_hours: int) -> Ints:
    """Capacity must be there when the hour begins: the most of this hour and those that are ordered ahead."""
    found = gpus.copy()
    for hours in range(1, lead_hours + 1):
        found[:-hours] = np.maximum(found[:-hours], gpus[hours:])
    return found


def median_size(demand: Demand, shape: Shape) -> int:
    """The baseline that the median hour needs: the usual rule of thumb, shown beside the swept optimum."""
    replicas = np.ceil(float(np.median(demand.busy)) / shape.utilisation / shape.gpus_per_replica - 1e-9)
    return int(replicas) * shape.gpus_per_replica


def reserved_size(gpus: Ints, reserved: Decimal, on_demand: Decimal, step: int = 1) -> int:
    """The reservation that costs least: the largest R for which the share of hours with at least R GPUs reaches the price ratio.

    A reserved GPU is paid in every hour; it beats on-demand when it is needed in more than reserved / on_demand of them.
    """
    if on_demand <= 0:
        return 0
    ratio = float(reserved / on_demand)
    best = 0
    for size in range(step, int(gpus.max(initial=0)) + 1, step):
        if float((gpus >= size).mean()) < ratio:
            break
        best = size
    return best


@dataclass(frozen=True)
class Spot:
    """Spot capacity: cheaper, taken away ``interruptions_per_hour`` times an hour, back after ``recovery_seconds``."""

    usd_per_gpu_hour: Decimal
    interruptions_per_hour: Decimal
    recovery_seconds: Decimal

    @property
    def lost(self) -> Decimal:
        """Hours lost to recoveries per hour that works."""
        return RATIO.divide(EXACT.multiply(self.interruptions_per_hour, self.recovery_seconds), Decimal(HOUR_SECONDS))

    @property
    def effective_usd_per_gpu_hour(self) -> Decimal:
        """USD per hour that works: the hours lost are paid too."""
        return RATIO.multiply(self.usd_per_gpu_hour, RATIO.add(Decimal(1), self.lost)).quantize(_HOURS)

    @property
    def available(self) -> Decimal:
        """Part of the time in which the capacity is there; the rest falls back to on-demand or the API."""
        return RATIO.divide(Decimal(1), RATIO.add(Decimal(1), self.lost)).quantize(_HOURS)


@dataclass(frozen=True)
class Swept:
    """One size of a sweep: what GPUs and API cost together."""

    gpus: int
    gpu_usd: Decimal
    api_usd: Decimal
    served_share: float
    used: float

    @property
    def usd(self) -> Decimal:
        """Both together."""
        return EXACT.add(self.gpu_usd, self.api_usd)


def sweep(
    demand: Demand, shape: Shape, usd_per_gpu_hour: Decimal, api_usd: Sequence[Decimal], most: int | None = None
) -> list[Swept]:
    """Every baseline from none to one that never bursts: ``api_usd`` is what each window's work costs at the API.

    The cheapest is the optimum by enumeration; the marginal rule (add a replica while the part of time it works is worth
    more at API prices than it costs) finds the same where costs are proportional to work.
    """
    top = int(needed(demand, shape).max(initial=0)) if most is None else most
    found = []
    for gpus in range(0, top + 1, shape.gpus_per_replica):
        fleet = fixed(demand, shape, gpus)
        left = Decimal(0)
        for share, cost in zip(fleet.burst_share, api_usd, strict=True):
            if share and cost:
                left = EXACT.add(left, EXACT.multiply(cost, Decimal(repr(float(share)))))
        paid = EXACT.multiply(fleet.gpu_hours, usd_per_gpu_hour)
        found.append(Swept(gpus, paid, left, fleet.served_share, fleet.used))
    return found
