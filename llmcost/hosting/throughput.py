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
interpolated over the logarithms of ``i``, ``o`` and ``c`` (:class:`Between`). Outside the hull of the measurements nothing is left to
interpolate: the model stands alone, and the estimate says how far away the nearest measurement is. All of it is linear in
sums over requests, so an hour of a log is one sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from llmcost.hosting.schema import Point, Series

if TYPE_CHECKING:
    from scipy.spatial import Delaunay

Floats = NDArray[np.float64]
CACHED_COST: Final = 0.05
"""A cached token's share of an uncached one's prefill: between 0 and 0.1 (its keys are there, the request still attends to
them); assumed unless the caller knows better."""
ATTENTION: Final = 4e-5
"""What a token's prefill costs more for each token before it, as a part of its own. By operations it is 4 x layers x width /
(2 x parameters): 1.9e-5 in Llama-3.3-70B (80 layers, 8,192 wide, https://apxml.com/models/llama-3-1-70b, 2026-11-24), and its matrices
run in FP8 at twice the speed of its attention. Assumed: between 1e-5 and 8e-5 the left-out errors differ little
(``docs/self-host.md``)."""
OFF_INSIDE: Final = 0.12
OFF_OUTSIDE: Final = 0.72
"""What nine in ten of the shipped measurements, left out and predicted by the others, are missed by at most, inside their hull
and outside it (``docs/self-host.md``; a test counts them again)."""
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
    length, output length and concurrency: 1.0 is on it. ``inside`` the hull of the measurements. ``off`` is how far the
    seconds may be off, a part of them: what nine in ten left-out measurements stay within (:data:`OFF_INSIDE`,
    :data:`OFF_OUTSIDE`), or more where the measurements around disagree by more.
    """

    gpu_seconds: float
    inside: bool
    distance: float
    nearest: Point
    off: float


@dataclass(frozen=True)
class Estimates:
    """:class:`Estimate` of many: arrays of one length; ``nearest`` are the numbers of points."""

    gpu_seconds: Floats
    inside: NDArray[np.bool_]
    distance: Floats
    nearest: NDArray[np.intp]
    off: Floats


class Throughput:
    """The model of one series. ``cached_cost`` is what a cached token costs of an uncached one's prefill (0 to 1), ``attention``
    what each token before it adds to a token's prefill.
    """

    def __init__(self, series: Series, cached_cost: float = CACHED_COST, attention: float = ATTENTION) -> None:
        self.series, self.cached_cost, self.attention = series, cached_cost, attention
        self.served = all(point.concurrency is not None for point in series.points)

    def estimate(self, work: Work, concurrency: float | None = None) -> Estimate:
        """GPU-seconds for ``work`` with ``concurrency`` requests at once per GPU (None: as many as measured at most)."""
        found = self.estimates([work], concurrency)
        nearest = self.series.points[int(found.nearest[0])]
        seconds, off = float(found.gpu_seconds[0]), float(found.off[0])
        return Estimate(seconds, bool(found.inside[0]), float(found.distance[0]), nearest, off)

    def estimates(self, works: Sequence[Work], concurrency: float | None = None) -> Estimates:
        """:meth:`estimate` of many at once."""
        at = self._concurrency(concurrency)
        terms = np.array([self._terms(work, at) for work in works]).reshape(len(works), 5)
        places = np.log(np.array([[*work.mean, at] for work in works]).reshape(len(works), 3))
        left, inside, apart = self._between(places)
        far = np.abs(self._places[None, :, :] - places[:, None, :]).max(axis=2)
        seconds = terms @ self.coefficients * np.exp(np.where(inside, left, 0.0))
        off = np.where(inside, np.maximum(np.expm1(apart), OFF_INSIDE), OFF_OUTSIDE)
        return Estimates(seconds, inside, np.exp(far.min(axis=1)), far.argmin(axis=1), off)

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
        """Seconds per token (and token x position) of each term, none negative.

        A token in is the same arithmetic as one out (two operations a parameter), so it is never free: where the measurements
        cannot tell the two apart, or a fit to them leaves nothing for prefill, both cost the same in a full batch.
        """
        wanted = self._columns()
        found = self._fitted(wanted) if _INPUT in wanted else None
        if found is not None and (found[_INPUT] or found[_PREFILL_STEP]):
            return found
        tied = [column for column in wanted if column not in {_INPUT, _PREFILL_STEP}]
        found = self._fitted(tied, tied=True)
        # What reading earlier tokens would explain as well is put to the tokens first: nothing is read that was not computed.
        return found if found[_INPUT] else self._fitted([column for column in tied if column != _CONTEXT], tied=True)

    @property
    def told_apart(self) -> bool:
        """Whether the measurements say what a token in costs beside one out."""
        return bool(self.coefficients[_INPUT] != self.coefficients[_OUTPUT])

    def _fitted(self, wanted: list[int], *, tied: bool = False) -> Floats:
        """The ``wanted`` terms fitted to the relative error; ``tied``: a token in costs what one out does."""
        from scipy.optimize import nnls

        design = self._design.copy()
        if tied:
            design[:, _OUTPUT] += design[:, _INPUT]
        scaled = design[:, wanted] / self._measured[:, None]
        # Columns differ by orders of magnitude; the solver wants them alike.
        size = np.linalg.norm(scaled, axis=0)
        size[size == 0] = 1.0
        solved, _ = nnls(scaled / size, np.ones(len(scaled)))
        found: Floats = np.zeros(5)
        found[wanted] = solved / size
        if tied:
            found[_INPUT] = found[_OUTPUT]
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
            # One length: tokens and the step that they share are told apart by the load alone.
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

    @cached_property
    def _between(self) -> Between:
        """What the model misses at a place, as a logarithm."""
        return Between(self._places, self._residuals)


@lru_cache(maxsize=32)
def throughput_of(series: Series, cached_cost: float = CACHED_COST) -> Throughput:
    """The model of a series, fitted once: a break-even asks for it in every replay."""
    return Throughput(series, cached_cost)


_SAME: Final = log(1.05)
"""What lies within 5 % of the only measured length or load counts as it."""


class Between:
    """Interpolation inside the hull of ``places``, whatever dimension it has. Made once, asked often.

    Along a single line straight from point to point; over more it is the spline that does the same there (distances as its
    basis and a plane: it goes through every point, and has nothing to set). Interpolating in triangles asks for triangles,
    and over a grid of measurements there are many that are as good: which one is taken decided by a third what a place between
    two contradicting runs got. The spline has no choice to make, and every point around has its part.
    """

    def __init__(self, places: Floats, values: Floats) -> None:
        merged: dict[tuple[float, ...], list[float]] = {}
        for place, value in zip(places.tolist(), values.tolist(), strict=True):
            merged.setdefault(tuple(place), []).append(value)
        spots = np.array(list(merged))
        self._means = np.array([sum(found) / len(found) for found in merged.values()])
        self._centre = spots.mean(axis=0)
        _, sizes, axes = np.linalg.svd(spots - self._centre, full_matrices=False)
        self._used = axes[sizes > _FLAT * max(1.0, float(sizes[0]))]
        self._inner = (spots - self._centre) @ self._used.T

    def __call__(self, at: Floats) -> tuple[Floats, NDArray[np.bool_], Floats]:
        """The value at each place, whether it lies inside (outside there is none), and how far the points around are apart.

        These are the corners of the triangle that a place lies in. Where a knee lies between them, or one of them is a run that
        contradicts the others, no interpolation knows on which side the truth is.
        """
        moved = (at - self._centre) @ self._used.T
        inside = np.abs(at - self._centre - moved @ self._used).max(axis=1) <= _SAME
        values: Floats = np.full(len(at), np.nan)
        apart: Floats = np.zeros(len(at))
        if not len(self._used):
            values[inside] = self._means[0]
        elif len(self._used) == 1:
            line, means = self._line
            inside &= (moved[:, 0] >= line[0] - _EDGE) & (moved[:, 0] <= line[-1] + _EDGE)
            values[inside] = np.interp(moved[inside, 0], line, means)
            right = np.clip(np.searchsorted(line, moved[inside, 0]), 1, len(line) - 1)
            on = np.abs(moved[inside, 0][:, None] - line[None, :]).min(axis=1) < _EDGE
            apart[inside] = np.where(on, 0.0, np.abs(means[right] - means[right - 1]))
        else:
            simplex, on = self._hull.find_simplex(moved), self._on_a_point(moved)
            inside &= (simplex >= 0) | on
            values[inside] = self._spline(moved[inside]) if inside.any() else []
            around = inside & (simplex >= 0) & ~on
            apart[around] = self._corners(simplex[around], moved[around])
        return values, inside, apart

    def _corners(self, simplex: NDArray[np.intp], at: Floats) -> Floats:
        """How far the values at the corners of a place's triangle are apart: those that have a part in it."""
        turned = self._hull.transform[simplex]
        inner = np.einsum("nij,nj->ni", turned[:, :-1], at - turned[:, -1])
        weights = np.concatenate([inner, 1 - inner.sum(axis=1, keepdims=True)], axis=1)
        values = self._means[self._hull.simplices[simplex]]
        part = weights > _PART
        found: Floats = np.where(part, values, -np.inf).max(axis=1) - np.where(part, values, np.inf).min(axis=1)
        return found

    @cached_property
    def _line(self) -> tuple[Floats, Floats]:
        order = np.argsort(self._inner[:, 0])
        return self._inner[order, 0], self._means[order]

    @cached_property
    def _hull(self) -> Delaunay:
        from scipy.spatial import Delaunay

        return Delaunay(self._inner)

    @cached_property
    def _spline(self) -> Callable[[Floats], Floats]:
        from scipy.interpolate import RBFInterpolator

        # Beyond a thousand measurements those far away are left out: the solution's memory goes with their square.
        near = _NEAR if len(self._inner) > _MANY else None
        found: Callable[[Floats], Floats] = RBFInterpolator(
            self._inner, self._means, kernel="linear", degree=1, neighbors=near
        )
        return found

    def _on_a_point(self, at: Floats) -> NDArray[np.bool_]:
        # Rounding may leave a point on the rim outside the triangles.
        found: NDArray[np.bool_] = (np.abs(at[:, None, :] - self._inner[None, :, :]).max(axis=2) < _EDGE).any(axis=1)
        return found


_FLAT: Final = 1e-6
_EDGE: Final = 1e-9
_PART: Final = 1e-6
_MANY: Final = 1000
_NEAR: Final = 64


@dataclass(frozen=True)
class LeftOut:
    """A measurement as the others predict it: predicted / measured - 1, inside their hull or not, and how far off they say."""

    point: Point
    error: float
    inside: bool
    off: float


def errors_left_out(series: Series) -> list[LeftOut]:
    """Each point as the others predict it."""
    found = []
    for place, point in enumerate(series.points):
        others: Sequence[Point] = [p for n, p in enumerate(series.points) if n != place]
        if not others:
            continue
        model = Throughput(series.model_copy(update={"points": tuple(others)}))
        load = None if point.concurrency is None else point.concurrency / series.gpus
        guess = model.estimate(Work.one(point.input_tokens, point.output_tokens), load)
        measured = point.output_tokens / point.output_tokens_per_second_per_gpu
        found.append(LeftOut(point, guess.gpu_seconds / measured - 1, guess.inside, guess.off))
    return found
