"""Counting split rows by their exact weights, and telling a row from its branches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from llmcost import wording
from llmcost.money import EXACT
from llmcost.workload.contract import Branches, Stage

MOTHER: Final = "_mother"
"""Column that :func:`one_branch` makes: the branch that stands for all branches of its row."""


def calls(rows: ir.Table) -> ir.IntegerValue:
    """How many calls a row stands for; a row that does not say is one."""
    return rows.requests.fill_null(1)


def is_bucket(rows: ir.Table) -> ir.BooleanValue:
    """Whether a row sums up several calls."""
    return rows.ended_at.notnull() | (rows.requests > 1).fill_null(False)


def counted(
    stage: Stage, branches: Branches, rows: ir.Table, flags: Mapping[str, ir.BooleanValue], by: Sequence[str] = ()
) -> dict[tuple[Any, ...], dict[str, Decimal]]:
    """Calls of the rows of each flag, weighted by their branches; by the values of the columns ``by``."""
    each = calls(rows)
    sums = {f"f{place}": flag.ifelse(each, 0).sum() for place, flag in enumerate(flags.values())}
    found: dict[tuple[Any, ...], dict[str, Decimal]] = {} if by else {(): dict.fromkeys(flags, Decimal(0))}
    for line in stage.collect(rows.group_by([*by, "branch"]).agg(**sums)).to_pylist():
        weight = branches.weight(line["branch"]).count
        held = found.setdefault(tuple(line[name] for name in by), dict.fromkeys(flags, Decimal(0)))
        for place, name in enumerate(flags):
            held[name] = add((held[name], EXACT.multiply(Decimal(int(line[f"f{place}"] or 0)), weight)))
    return found


def shown(number: Decimal) -> str:
    """A weighted number of calls for a reader: whole."""
    return str(number.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def counted_calls(number: Decimal) -> str:
    """The same with its noun."""
    return wording.counted(int(number.quantize(Decimal(1), rounding=ROUND_HALF_UP)), "request")


def part(of: Decimal, whole: Decimal) -> str:
    """A share of calls for a reader: four digits."""
    return str((of / whole).quantize(Decimal("0.0001")))


def add(numbers: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    return reduce(EXACT.add, numbers, Decimal(0))


def one_branch(rows: ir.Table, taking: ir.BooleanValue, branches: Branches) -> ir.Table:
    """Rows with the column MOTHER: of the branches ``taking`` part, one for each row and model.

    The branches of a row are one call: they neither follow nor warm each other. Only the one that :func:`plays` takes
    part, and what it finds holds for all: join it by row and MOTHER.
    """
    if not branches.splits:
        return rows.mutate(**{MOTHER: rows.branch})
    rows = rows.mutate(_taking=taking)
    same = ibis.window(group_by=["row_id", "model"])
    rows = rows.mutate(**{MOTHER: rows._taking.ifelse(rows.branch, ibis.null("int64")).min().over(same)})
    return rows.drop("_taking")


def plays(rows: ir.Table) -> ir.BooleanValue:
    """Whether a branch is the one that takes part for its row."""
    return (rows[MOTHER] == rows.branch).fill_null(False)
