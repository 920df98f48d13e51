"""Hits that are assumed: a rate of calls finds a prefix of a given length, split by exact weights."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from llmcost.workload.branching import calls
from llmcost.workload.cachecounters import counters, floored
from llmcost.workload.contract import ASSUMED, Branches, Stage, Weight


def sized(rows: ir.Table, prefix_tokens: int) -> ir.Table:
    """Rows with ``_cached``, the assumed prefix in all their calls, and which of them it changes.

    A prompt that is shorter than the prefix is one itself, by the provider's minimum and steps; of a bucket the mean prompt is.
    """
    each = rows.input_tokens // calls(rows).nullif(0)
    prefix = floored(rows, ibis.least(ibis.literal(prefix_tokens, type="int64"), each))
    rows = rows.mutate(_cached=(prefix * calls(rows)).fill_null(0).cast("int64"))
    return rows.mutate(_changing=rows._asks & (rows.evidence == ASSUMED) & ~rows._kept & (rows._cached > 0))


def split(branches: Branches, rows: ir.Table, rate: Decimal) -> tuple[Branches, ir.Table]:
    """:func:`sized` rows split into hits and misses."""
    parts = branches.split((Weight(), Weight(rate), Weight(Decimal(1) - rate)))
    rows = rows.mutate(_place=ibis.ifelse(rows._changing, ibis.array([1, 2]), ibis.array([0])).unnest())
    written = ibis.ifelse((rows._place == 2) & rows._pays, rows._cached, 0).cast("int64")
    read = ibis.ifelse(rows._place == 1, rows._cached, 0).cast("int64")
    return parts, rows.mutate(
        branch=(rows.branch * 3 + rows._place).cast("int64"),
        changed=rows.changed | rows._changing,
        **counters(rows, rows._changing, read, written),
    )


def uncounted(rows: ir.Table, stage: Stage) -> tuple[str, ...]:
    """A rate of calls says nothing of buckets whose calls nobody counted."""
    mine = rows.selected & rows.sent & rows.ended_at.notnull() & rows.requests.isnull()
    (number,) = stage.collect(rows.filter(mine).aggregate(n=rows.row_id.count()))["n"].to_pylist()
    return (
        (f"{number} usage buckets do not say how many calls they hold: no hit was assumed in them",) if number else ()
    )
