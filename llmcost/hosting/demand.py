"""A log's own demand: GPU-seconds in short windows, and what an hour needs of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llmcost.hosting.throughput import Throughput, Work

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HOUR_SECONDS: Final = 3600
WINDOW_SECONDS: Final = 300
"""Within-hour peaks are seen over five minutes: a mean over the hour hides them, and then a target utilisation is fiction."""
PEAK: Final = 95
"""Percentile of an hour's windows that its fleet must carry."""


@dataclass(frozen=True)
class Demand:
    """GPU-seconds of work that arrives in each window from ``start`` (microseconds UTC, on an hour) on, whole hours."""

    start: int
    work: Floats
    window_seconds: int = WINDOW_SECONDS

    @property
    def windows_per_hour(self) -> int:
        """Windows in an hour."""
        return HOUR_SECONDS // self.window_seconds

    @property
    def hours(self) -> int:
        """Hours that the demand covers, quiet ones included."""
        return len(self.work) // self.windows_per_hour

    @cached_property
    def by_hour(self) -> Floats:
        """The windows of each hour, one row an hour."""
        return self.work.reshape(self.hours, self.windows_per_hour)

    @cached_property
    def busy(self) -> Floats:
        """GPUs kept busy on average in each hour."""
        found: Floats = self.by_hour.sum(axis=1) / HOUR_SECONDS
        return found

    @cached_property
    def peak(self) -> Floats:
        """GPUs kept busy in the busiest windows of each hour (:data:`PEAK`), never below its mean."""
        found: Floats = np.maximum(
            np.percentile(self.by_hour, PEAK, axis=1, method="higher") / self.window_seconds, self.busy
        )
        return found

    def scaled(self, factor: float) -> Demand:
        """The same shape with ``factor`` times the work."""
        return Demand(self.start, self.work * factor, self.window_seconds)


@dataclass(frozen=True)
class Modelled:
    """A demand and how far the throughput behind it is from a measurement."""

    demand: Demand
    outside_seconds: float
    """GPU-seconds in windows whose mix lies outside the measurements."""
    farthest: float
    """The largest distance from a measurement among windows with work (a factor, 1.0 is on it)."""
    off: float = 0.0
    """How far all of the work may be off, as a part of it: the estimates' own, by their work."""

    def faster(self, factor: float) -> Modelled:
        """The same on GPUs that put through ``factor`` times as much."""
        return replace(self, demand=self.demand.scaled(1 / factor), outside_seconds=self.outside_seconds / factor)


def demand_of(
    windows: Mapping[int, Work],
    throughput: Throughput,
    concurrency: float | None = None,
    *,
    span: tuple[int, int] | None = None,
    window_seconds: int = WINDOW_SECONDS,
) -> Modelled:
    """The demand of work by window start (microseconds UTC); ``span`` widens it to quiet hours at the ends.

    Raises ValueError when there is no window at all.
    """
    starts: Iterable[int] = windows.keys() if span is None else (*windows, span[0], span[1] - 1)
    first, last = min(starts), max(windows.keys() if span is None else (*windows, span[1] - 1))
    hour, window = HOUR_SECONDS * 1_000_000, window_seconds * 1_000_000
    start = first - first % hour
    hours = (last - start) // hour + 1
    seconds: Floats = np.zeros(hours * (HOUR_SECONDS // window_seconds))
    if not windows:
        return Modelled(Demand(start, seconds, window_seconds), 0.0, 1.0)
    found = throughput.estimates(list(windows.values()), concurrency)
    places = (np.array(list(windows), dtype=np.int64) - start) // window
    np.add.at(seconds, places, found.gpu_seconds)
    outside = float(found.gpu_seconds[~found.inside].sum())
    whole = float(found.gpu_seconds.sum())
    off = float((found.gpu_seconds * found.off).sum()) / whole if whole else 0.0
    return Modelled(Demand(start, seconds, window_seconds), outside, max(1.0, float(found.distance.max())), off)
