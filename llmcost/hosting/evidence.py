"""How well the model of a replica predicts what it was not shown: each measurement left out and predicted by the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Final

from llmcost.hosting.schema import Series
from llmcost.hosting.throughput import LeftOut, errors_left_out

AIM: Final = 0.15
"""The error that the model aims at inside the hull of the measurements."""


@dataclass(frozen=True)
class Span:
    """The least and the most of something that was measured."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:,.0f}" if self.low == self.high else f"{self.low:,.0f} to {self.high:,.0f}"


@dataclass(frozen=True)
class Errors:
    """Relative errors of predictions, without their sign."""

    values: tuple[float, ...]
    told: int = 0
    """How many stay within what the model itself says it may be off there."""

    @property
    def median(self) -> float | None:
        """The middle one."""
        return median(self.values) if self.values else None

    @property
    def ninth(self) -> float | None:
        """The 90th percentile: the smallest that nine tenths of them do not pass."""
        return sorted(self.values)[-(-9 * len(self.values) // 10) - 1] if self.values else None

    @property
    def worst(self) -> float | None:
        """The largest."""
        return max(self.values, default=None)

    @property
    def within(self) -> int:
        """How many stay within :data:`AIM`."""
        return sum(value <= AIM for value in self.values)


@dataclass(frozen=True)
class Checked:
    """A series with its left-out errors, inside the hull of the other points and outside it."""

    series: Series

    @cached_property
    def _left_out(self) -> list[LeftOut]:
        return errors_left_out(self.series)

    def _errors(self, *, inside: bool) -> Errors:
        found = [left for left in self._left_out if left.inside == inside]
        return Errors(tuple(abs(left.error) for left in found), sum(abs(left.error) <= left.off for left in found))

    @cached_property
    def inside(self) -> Errors:
        """Errors inside the hull: what a log between the measurements may expect."""
        return self._errors(inside=True)

    @cached_property
    def outside(self) -> Errors:
        """Errors outside it: the model alone."""
        return self._errors(inside=False)


def together(errors: Iterable[Errors]) -> Errors:
    """All of them as one."""
    every = list(errors)
    return Errors(tuple(value for each in every for value in each.values), sum(each.told for each in every))


def hull(series: Series) -> dict[str, Span]:
    """The ranges that a series was measured over: input, output, requests at once in the replica."""
    loads = [point.concurrency for point in series.points if point.concurrency is not None]
    found = {
        "input": _span([point.input_tokens for point in series.points]),
        "output": _span([point.output_tokens for point in series.points]),
    }
    return {**found, "concurrency": _span(loads)} if loads else found


def _span(values: Sequence[float]) -> Span:
    return Span(min(values), max(values))
