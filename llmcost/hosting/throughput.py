"""How long a GPU works on a request: a small physical model of a replica, bent to go through its measurements.

GPU-seconds of one request with ``i`` input tokens (``k`` of them read from the replica's own prefix cache) and ``o`` output
tokens, at ``c`` requests per GPU at once::

    f = i - k + q k + r (i^2 - k^2) / 2
    s = a f + b o + g o (i + o/2) + (d o + e f) / c

- ``a``: prefill of a token; ``q``: what a cached token still costs of it; ``b``: decoding a token in a full batch;
- ``r``: a new token attends to all before it, so the prefill of long inputs costs more than proportionally (``ATTENTION``);
- ``g``: reading the keys and values of all tokens before it, which also bounds the batch by memory: this is why long
  answers cost more than proportionally (TensorRT-LLM measures 2.5 to 4.4 times less at 1,024/8,192 than ``a i + b o``
  fitted at 1,000/1,000 and 8,192/1,024 says);
- ``d``, ``e``: the work of a step that all its requests share. Offline measurements have no such part.

The coefficients are fitted without negative values to the relative error; what is left at the measured points is
interpolated linearly over the logarithms of ``i``, ``o`` and ``c``. Outside the hull of the measurements nothing is left to
interpolate: the model stands alone, and the estimate says how far away the nearest measurement is. All of it is linear in
sums over requests, so an hour of a log is one sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llmcost.hosting.schema import Point, Series

Floats = NDArray[np.float64]
CACHED_COST: Final = 0.05
"""A cached token's share of an uncached one's prefill: between 0 and 0.1 (its keys are there, the request still attends to
them); assumed unless the caller knows better."""
ATTENTION: Final = 4e-5
"""What a token's prefill costs more for each token before it, as a part of its own. By operations it is 4 x layers x width /
(2 x parameters): 1.9e-5 in Llama-3.3-70B (80 layers, 8,192 wide, https://apxml.com/models/llama-3-1-70b, 2026-11-24), and its matrices
run in FP8 at twice the speed of its attention. Assumed: between 1e-5 and 8e-5 the left-out errors differ little
(``docs/self-host.md``)."""
_INPUT, _OUTPUT, _CONTEXT, _STEP, _PREFILL_STEP = range(5)


@dataclass(frozen=True)
class Work:
    """Sums over requests: enough to say how long GPUs work on them.

    ``context`` is the sum of output x (input + output / 2): the token positions that decoding reads; ``positions`` the sum
    of (input^2 - cached^2) / 2: those that prefill reads.
    """

    requests: float
    input_tokens: float
    cached_tokens: float
    output_tokens: float
    context: float
    positions: float

    @classmethod
    def one(cls, input_tokens: float, output_tokens: float, cached_tokens: float = 0.0) -> Work:
        """A single request."""
        context = output_tokens * (input_tokens + output_tokens / 2)
        positions = (input_tokens**2 - cached_tokens**2) / 2
        return cls(1, input_tokens, cached_tokens, output_tokens, context, positions)

    def __add__(self, other: Work) -> Work:
        return Work(
            self.requests + other.requests, self.input_tokens + other.input_tokens, self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens, self.context + other.context, self.positions + other.positions,
        )  # fmt: skip

    @property
    def mean(self) -> tuple[float, float]:
        """Input and output tokens of the request that stands for all; at least one token of each."""
        number = max(self.requests, 1e-9)
        return max(self.input_tokens / number, 1.0), max(self.output_tokens / number, 1.0)


@dataclass(frozen=True)
class Estimate:
    """GPU-seconds for some work, and how near to a measurement they are.

    ``distance`` is the largest factor between the request that stands for all and the nearest measured one, over input
    length, output length and concurrency: 1.0 is on it. ``inside`` the hull of the measurements.
    """

    gpu_seconds: float
    inside: bool
    distance: float
    nearest: Point


class Throughput:
    """The model of one series. ``cached_cost`` is what a cached token costs of an uncached one's prefill (0 to 1), ``attention``
    what each token before it adds to a token's prefill.
    """

    def __init__(self, series: Series, cached_cost: float = CACHED_COST, attention: float = ATTENTION) -> None:
        self.series, self.cached_cost, self.attention = series, cached_cost, attention
        self.served = all(point.concurrency is not None for point in series.points)

    def estimate(self, work: Work, concurrency: float | None = None) -> Estimate:
        """GPU-seconds for ``work`` with ``concurrency`` requests at once per GPU (None: as many as measured at most)."""
        at = self._concurrency(concurrency)
        seconds = float(self._terms(work, at) @ self.coefficients)
        mean = np.array([*work.mean, at])
        left = self._left(mean)
        nearest, distance = self._nearest(mean)
        return Estimate(seconds * exp(left or 0.0), left is not None, distance, nearest)

    def latency_ms(self, work: Work, concurrency: float) -> tuple[float | None, float | None]:
        """Time to first token and time per output token at a concurrency per GPU, between measured ones; None: unknown."""
        found = []
        for name in ("time_to_first_token_ms", "time_per_output_token_ms"):
            known = [(self._per_gpu(p), float(v)) for p in self._like(work) if (v := getattr(p, name)) is not None]
            known.sort()
            loads, values = [load for load, _ in known], [value for _, value in known]
            inside = bool(loads) and loads[0] <= concurrency <= loads[-1]
            found.append(float(np.interp(concurrency, loads, values)) if inside else None)
        return found[0], found[1]

    def concurrency_within(self, work: Work, ttft_ms: float | None, tpot_ms: float | None) -> float | None:
        """The largest measured concurrency per GPU whose latencies stay within the limits; None: not even the smallest."""
        best = None
        for at in sorted({self._per_gpu(point) for point in self._like(work)}):
            first, each = self.latency_ms(work, at)
            slow = (ttft_ms is not None and (first is None or first > ttft_ms)) or (
                tpot_ms is not None and (each is None or each > tpot_ms)
            )
            if slow:
                break
            best = at
        return best

    @cached_property
    def coefficients(self) -> Floats:
        """Seconds per token (and token x position) of each term, none negative."""
        from scipy.optimize import nnls

        wanted = self._columns()
        seconds = self._measured
        scaled = self._design[:, wanted] / seconds[:, None]
        # Columns differ by orders of magnitude; the solver wants them alike.
        size = np.linalg.norm(scaled, axis=0)
        size[size == 0] = 1.0
        solved, _ = nnls(scaled / size, np.ones(len(seconds)))
        found: Floats = np.zeros(5)
        found[wanted] = solved / size
        return found

    @cached_property
    def _measured(self) -> Floats:
        """GPU-seconds of one request at each point."""
        return np.array([p.output_tokens / p.output_tokens_per_second_per_gpu for p in self.series.points])

    @cached_property
    def _design(self) -> Floats:
        rows = [self._terms(Work.one(p.input_tokens, p.output_tokens), self._per_gpu(p)) for p in self.series.points]
        return np.array(rows)

    def _columns(self) -> list[int]:
        """The terms that the points can tell apart: no more than there are points, shared steps only where load varies."""
        loads = {point.concurrency for point in self.series.points}
        wanted = [_INPUT, _OUTPUT, _CONTEXT]
        if self.served and len(loads) > 1:
            wanted = [_INPUT, _OUTPUT, _STEP, _CONTEXT, _PREFILL_STEP]
        lengths = {(point.input_tokens, point.output_tokens) for point in self.series.points}
        if len(lengths) == 1:
            # One length: output carries the step, and what is left of it is told by the load alone.
            wanted = [_OUTPUT, _STEP] if len(loads) > 1 else [_OUTPUT]
        elif len(lengths) == 2 and not self.served:
            wanted = [_INPUT, _OUTPUT]
        return wanted[: len(self.series.points)]

    def _terms(self, work: Work, concurrency: float) -> Floats:
        prefill = work.input_tokens - work.cached_tokens * (1 - self.cached_cost) + self.attention * work.positions
        shared = (work.output_tokens / concurrency, prefill / concurrency) if self.served else (0.0, 0.0)
        return np.array([prefill, work.output_tokens, work.context, *shared])

    def _per_gpu(self, point: Point) -> float:
        return (point.concurrency or 1.0) / self.series.gpus if self.served else 1.0

    def _concurrency(self, concurrency: float | None) -> float:
        if not self.served:
            return 1.0
        return concurrency if concurrency is not None else max(self._per_gpu(point) for point in self.series.points)

    def _like(self, work: Work) -> list[Point]:
        """The served points of the lengths nearest to the work's."""
        if not self.served:
            return []
        mean = np.log(work.mean)

        def far(point: Point) -> float:
            return float(np.abs(mean - np.log([point.input_tokens, point.output_tokens])).max())

        least = min(far(point) for point in self.series.points)
        return [point for point in self.series.points if far(point) <= least + 1e-9]

    @cached_property
    def _places(self) -> Floats:
        """Logarithms of lengths and load at each point."""
        return np.log([[p.input_tokens, p.output_tokens, self._per_gpu(p)] for p in self.series.points])

    @cached_property
    def _residuals(self) -> Floats:
        found: Floats = np.log(self._measured) - np.log(self._design @ self.coefficients)
        return found

    def _left(self, mean: Floats) -> float | None:
        """What the model misses at a place, as a logarithm; None outside the measurements."""
        return _between(self._places, self._residuals, np.log(mean))

    def _nearest(self, mean: Floats) -> tuple[Point, float]:
        far = np.abs(self._places - np.log(mean)).max(axis=1)
        place = int(far.argmin())
        return self.series.points[place], exp(float(far[place]))


_SAME: Final = log(1.05)
"""What lies within 5 % of the only measured length or load counts as it."""


def _between(places: Floats, values: Floats, at: Floats) -> float | None:
    """Linear interpolation inside the hull of ``places``, whatever dimension it has; None outside."""
    merged: dict[tuple[float, ...], list[float]] = {}
    for place, value in zip(places.tolist(), values.tolist(), strict=True):
        merged.setdefault(tuple(place), []).append(value)
    spots = np.array(list(merged))
    means = np.array([sum(found) / len(found) for found in merged.values()])
    centre = spots.mean(axis=0)
    _, sizes, axes = np.linalg.svd(spots - centre, full_matrices=False)
    used = axes[sizes > _FLAT * max(1.0, float(sizes[0]))]
    inner, moved = (spots - centre) @ used.T, (at - centre) @ used.T
    if float(np.abs(at - centre - moved @ used).max()) > _SAME:
        return None
    if not len(used):
        return float(means[0])
    if len(used) == 1:
        order = np.argsort(inner[:, 0])
        line = inner[order, 0]
        inside = line[0] - _EDGE <= moved[0] <= line[-1] + _EDGE
        return float(np.interp(moved[0], line, means[order])) if inside else None
    return _in_simplex(inner, means, moved)


_FLAT: Final = 1e-6
_EDGE: Final = 1e-9


def _in_simplex(spots: Floats, values: Floats, at: Floats) -> float | None:
    from scipy.interpolate import LinearNDInterpolator

    exact = np.abs(spots - at).max(axis=1) < _EDGE
    if exact.any():
        return float(values[exact][0])
    found = float(LinearNDInterpolator(spots, values)(at[None, :])[0])
    return None if np.isnan(found) else found


def errors_left_out(series: Series) -> list[tuple[Point, float, bool]]:
    """Each point as the others predict it: (point, predicted / measured - 1, inside the hull of the others)."""
    found = []
    for place, point in enumerate(series.points):
        others: Sequence[Point] = [p for n, p in enumerate(series.points) if n != place]
        if not others:
            continue
        model = Throughput(series.model_copy(update={"points": tuple(others)}))
        load = None if point.concurrency is None else point.concurrency / series.gpus
        guess = model.estimate(Work.one(point.input_tokens, point.output_tokens), load)
        measured = point.output_tokens / point.output_tokens_per_second_per_gpu
        found.append((point, guess.gpu_seconds / measured - 1, guess.inside))
    return found
