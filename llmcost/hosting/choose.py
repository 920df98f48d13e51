"""Which of several measured replicas stands for the one that would serve a log: the one measured nearest to its requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from llmcost.hosting.schema import Point, Series
from llmcost.hosting.throughput import Work, throughput_of


@dataclass(frozen=True)
class Choice:
    """The chosen series, the measurement of it that is nearest, and how many there were to choose from.

    ``distance`` is the larger of the factors between the lengths of the request that stands for all and the measured ones.
    """

    series: Series
    nearest: Point
    distance: float
    of: int


def nearest_series(candidates: Sequence[Series], work: Work) -> Choice:
    """The series measured nearest to the work's mean lengths, the user's own before any other.

    Of those as near: offline ones (they cover more lengths, and utilisation stands for latency), then the fastest.
    """
    found = []
    for number, series in enumerate(candidates):
        distance, point = min(((_apart(work.mean, point), point) for point in series.points), key=lambda pair: pair[0])
        seconds = throughput_of(series).estimate(work).gpu_seconds
        order = (series.confidence != "user", round(distance, 2), series.load == "served", seconds, number)
        found.append((order, Choice(series, point, distance, len(candidates))))
    return min(found, key=lambda pair: pair[0])[1]


def _apart(mean: tuple[float, float], point: Point) -> float:
    lengths = (point.input_tokens, point.output_tokens)
    return exp(max(abs(log(one / other)) for one, other in zip(mean, lengths, strict=True)))
