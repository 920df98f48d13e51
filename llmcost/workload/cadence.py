"""Jobs found by their rhythm: groups of calls whose runs start at regular gaps.

A run starts with the first call of its group after ``quiet`` microseconds without one. A group is a job if it has at
least ``runs`` runs and the gaps between their starts have a coefficient of variation (sample standard deviation over
mean) below ``variation``: people and their products do not work so evenly.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import ibis.expr.types as ir

from llmcost.workload.contract import Stage


@dataclass(frozen=True)
class Job:
    """A group that runs regularly: the values that name it, and its runs."""

    values: tuple[Any, ...]
    runs: int


def run_starts(calls: ir.Table, group: Sequence[str], quiet: int) -> ir.Table:
    """One row a run: the group's columns and ``started_at``.

    Calls in one slice of ``quiet`` microseconds are never that far apart, so slices are compared, not calls.
    """
    sliced = calls.mutate(_slice=calls.started_at // quiet)
    slices = sliced.group_by([*group, "_slice"]).agg(_first=sliced.started_at.min(), _last=sliced.started_at.max())
    before = slices._last.lag().over(ibis.window(group_by=list(group), order_by="_first"))
    gaps = slices.mutate(_gap=slices._first - before)
    starts = gaps.filter((gaps._gap > quiet).fill_null(True))
    return starts.select(*group, started_at=starts._first)


def jobs(stage: Stage, calls: ir.Table, group: Sequence[str], quiet: int, variation: Decimal, runs: int) -> list[Job]:
    """The groups of ``calls`` that are jobs, in a stable order."""
    found: dict[tuple[Any, ...], list[int]] = {}
    starts = run_starts(calls, group, quiet)
    often = starts.group_by(list(group)).agg(_runs=starts.started_at.count())
    listed = stage.collect(_matched(starts, often.filter(often._runs >= runs), group))
    for row in listed.to_pylist():
        found.setdefault(tuple(row[name] for name in group), []).append(row["started_at"])
    regular = (Job(values, len(times)) for values, times in found.items() if regularly(sorted(times), variation))
    return sorted(regular, key=lambda job: str(job.values))


def regularly(times: Sequence[int], variation: Decimal) -> bool:
    """Whether the gaps between ``times`` vary less than ``variation``; exact, without roots or floats."""
    gaps = [after - before for before, after in itertools.pairwise(times)]
    if len(gaps) < 2:
        return False
    number, total = len(gaps), sum(gaps)
    # s^2 / mean^2 with s^2 = (sum of squares - total^2 / n) / (n - 1)
    squared = Fraction(number * (number * sum(gap * gap for gap in gaps) - total * total), (number - 1) * total * total)
    return squared < Fraction(variation) ** 2


def _matched(starts: ir.Table, kept: ir.Table, group: Sequence[str]) -> ir.Table:
    """``starts`` of the ``kept`` groups; unknown owners are a group like any other."""
    return starts.semi_join(kept, [starts[name].identical_to(kept[name]) for name in group])


def of_jobs(rows: ir.Table, group: Mapping[str, str], found: Sequence[Job]) -> ir.BooleanValue:
    """Rows whose values of ``group`` (column -> Ibis type) are those of a job."""
    flag: ir.BooleanValue = ibis.literal(False)
    for job in found:
        same: ir.BooleanValue = ibis.literal(True)
        for name, value in zip(group, job.values, strict=True):
            same = same & (rows[name].isnull() if value is None else (rows[name] == value).fill_null(False))
        flag = flag | same
    return flag
