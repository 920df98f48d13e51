"""What a benchmark's result file says, in one form: a run with its lengths, its load and what came out.

The formats (:mod:`llmcost.hosting.benchfiles`) read one record each and keep the units right: a :class:`Run` has tokens per
second of the *whole* replica, and milliseconds. A run that cannot be a measurement is :class:`NoMeasurementError`, with the reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Record = Mapping[str, Any]
FAILED_SHARE: Final = 0.05
"""A run with more failures than this is no measurement: failed requests take time and leave no tokens."""
_DISAGREE: Final = 0.05
_OTHER_LOAD: Final = 2.0


class NoMeasurementError(ValueError):
    """A record of a known format that says nothing usable; the message says why."""


@dataclass(frozen=True)
class Run:
    """One run. ``concurrency``: requests under way at once in the replica; None: as many as it holds (offline)."""

    model: str | None
    input_tokens: float
    output_tokens: float
    output_tokens_per_second: float
    concurrency: float | None
    gpus: int | None = None
    gpu: str | None = None
    precision: str | None = None
    parallelism: str | None = None
    stack: str = ""
    ttft_ms: float | None = None
    tpot_ms: float | None = None


@dataclass(frozen=True)
class BenchFile:
    """A format: ``claims`` looks at one record, ``read`` makes a run of it or raises NoMeasurementError."""

    title: str
    claims: Callable[[Record], bool]
    read: Callable[[Record], Run]
    url: str
    checked: str


def number(record: Record, name: str) -> float | None:
    """A finite number above zero; None where the record has none (null, blank, nan, zero or an option left out)."""
    value = record.get(name)
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found > 0 else None


def needed(record: Record, name: str) -> float:
    """A number that a measurement cannot do without."""
    found = number(record, name)
    if found is None:
        raise NoMeasurementError(f"{name} is {record.get(name)!r}" if name in record else f"there is no {name}")
    return found


def text(record: Record, *names: str) -> str | None:
    """The first of the names that holds a text."""
    return next((value for name in names if isinstance(value := record.get(name), str) and value.strip()), None)


def part(record: Record, name: str) -> Record:
    """A nested record; empty where it is something else."""
    found = record.get(name)
    return found if isinstance(found, Mapping) else {}


def check_failures(asked: float | None, completed: float) -> None:
    """NoMeasurementError where too many requests failed."""
    if asked is not None and completed < asked * (1 - FAILED_SHARE):
        raise NoMeasurementError(f"only {completed:g} of {asked:g} requests were answered")


def rate(tokens: float, seconds: float, stated: float | None) -> float:
    """Tokens per second from tokens and seconds; NoMeasurementError where the file itself states another."""
    found = tokens / seconds
    if stated is not None and abs(stated / found - 1) > _DISAGREE:
        raise NoMeasurementError(
            f"{tokens:g} output tokens in {seconds:g} s are {found:.1f} a second, the file says {stated:.1f}"
        )
    return found


def under_way(run: Run) -> float | None:
    """Requests under way at once by the run's own rate and latencies (Little's law); None where it states none."""
    if run.ttft_ms is None or run.tpot_ms is None:
        return None
    seconds = (run.ttft_ms + (run.output_tokens - 1) * run.tpot_ms) / 1000
    return run.output_tokens_per_second / run.output_tokens * seconds


def check_load(run: Run) -> None:
    """NoMeasurementError where the stated concurrency and what rate and latencies make of it are two different things.

    Medians stand for means and a queue may come and go, so only more than :data:`_OTHER_LOAD` counts.
    """
    found = under_way(run)
    if found is None or run.concurrency is None:
        return
    if not 1 / _OTHER_LOAD <= found / run.concurrency <= _OTHER_LOAD:
        raise NoMeasurementError(
            f"{run.output_tokens_per_second:.1f} tokens a second at its latencies are {found:.3g} requests under way, the file "
            f"says {run.concurrency:g}"
        )


def arrived(per_second: float, latency_ms: float) -> float:
    """Requests under way at once on average (Little's law)."""
    return per_second * latency_ms / 1000
