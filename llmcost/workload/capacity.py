"""Capacity by time window: what is served in order of arrival, and what is over.

A window serves requests in the order in which they start until one does not fit: from that on the window is full. A request that
no empty window has room for is over and stands in nobody's way. Whole requests, whole units of work: no draw, the same on every
engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from llmcost.workload.contract import Branches, Stage, Weight, Workload
from llmcost.workload.prefixes import tie

SERVED = "_served"
WINDOW = "_window"


PARTS: Final = tuple(Decimal(part).scaleb(-5) for part in (50_000, 25_000, 12_500, 6_250, 3_125, 3_125))
"""A call that stands for many is served in parts of these sizes."""


def parted(workload: Workload, taking: ir.BooleanValue, stage: Stage) -> Workload:
    """The ``taking`` rows in :data:`PARTS`: where a row stands for many calls, some may be served and others not.

    A volume of a hundred times the log's is a hundred calls where the log has one; without parts a row that a window has no
    room for in one piece is left out whole, and capacity seems unused the more there is to do.
    """
    places = [(0, 0), *((1, number) for number in range(1, len(PARTS) + 1))]
    table = pa.table({name: [row[n] for row in places] for n, name in enumerate(("part_of", "part_place"))})
    parts, rows = stage.register(table), workload.rows
    marked = rows.mutate(_parted=taking.ifelse(1, 0).fill_null(0).cast("int64"))
    found = marked.inner_join(parts, marked._parted == parts.part_of)
    found = found.mutate(branch=(found.branch * len(places) + found.part_place).cast("int64"))
    weights_ = (Weight(), *(Weight(count=part) for part in PARTS))
    return replace(workload, rows=stage.view(found.select(*rows.columns)), branches=workload.branches.split(weights_))


def windows(rows: ir.Table, window_us: int) -> ir.IntegerValue:
    """The window of each row, counted from 1970; unknown without a time."""
    return (rows.started_at // window_us).cast("int64")


def weights(rows: ir.Table, branches: Branches, stage: Stage) -> dict[int, Decimal]:
    """What the branches of ``rows`` stand for, those that count for more or less than one call."""
    if not branches.splits:
        return {}
    found = stage.collect(rows.select("branch").distinct()).to_pylist()
    counted = {int(line["branch"]): branches.weight(int(line["branch"])).count for line in found}
    return {branch: count for branch, count in sorted(counted.items()) if count != 1}


def weighted(work: ir.IntegerValue, rows: ir.Table, counts: Mapping[int, Decimal]) -> ir.IntegerValue:
    """``work`` of a row times what its branch stands for: a call that is split takes its part of the room."""
    if not counts:
        return work
    ratios = {branch: count.as_integer_ratio() for branch, count in counts.items()}
    cases = [(rows.branch == branch, work * above // below) for branch, (above, below) in ratios.items()]
    return ibis.cases(*cases, else_=work).cast("int64")


def within(
    rows: ir.Table, asking: ir.BooleanValue, work: ir.IntegerValue, window_us: int, room: int | ir.Table, stage: Stage
) -> ir.Table:
    """``rows`` with the columns :data:`SERVED` and :data:`WINDOW`: which of the ``asking`` rows their window has room for.

    ``work`` is what a row takes of ``room``, the capacity of every window, or of those in a table (``window``, ``room``);
    windows that it does not name have none. Rows without a time are over.
    """
    rows = rows.mutate(
        _asking=asking, _work=ibis.greatest(work.fill_null(0), 0).cast("int64"), **{WINDOW: windows(rows, window_us)}
    )
    rows = stage.view(rows)
    asked = rows.filter(rows._asking & rows[WINDOW].notnull())
    narrow = asked.select("row_id", "branch", "started_at", "_work", WINDOW, _tie=tie(asked))
    room_of = ibis.literal(room, type="int64") if isinstance(room, int) else room.room
    able = narrow if isinstance(room, int) else narrow.inner_join(room, narrow[WINDOW] == room.window)
    able = able.mutate(_room=room_of).filter(lambda t: t._work <= t._room)
    order = ibis.window(group_by=WINDOW, order_by=["started_at", "_tie", "row_id", "branch"])
    filled = able.mutate(_sum=able._work.sum().over(order.copy(start=None, end=0)))
    fits = filled.filter(filled._sum <= filled._room)
    held = stage.materialise(fits.select("row_id", "branch", _held=ibis.literal(True)))
    found = rows.left_join(held, ["row_id", "branch"])
    names = [name for name in rows.columns if name not in {"_asking", "_work"}]
    return found.select(*(found[name] for name in names), **{SERVED: found._held.fill_null(False)})
