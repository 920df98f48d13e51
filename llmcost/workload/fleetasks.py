"""What a log's requests ask of a fleet of one's own: which they are, their counters there, their work by window."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import ibis
import ibis.expr.types as ir

from llmcost.hosting.throughput import Work
from llmcost.pricing.names import ModelRef
from llmcost.workload.branching import is_bucket
from llmcost.workload.capacity import weighted, windows
from llmcost.workload.contract import Stage, Workload
from llmcost.workload.draw import Taken, take
from llmcost.workload.fleetparams import SelfHostParams
from llmcost.workload.fleets import UNITS, WINDOW_US, Plan
from llmcost.workload.move import fits, refused, rescaled
from llmcost.workload.select import condition

_COUNTERS: Final = ("input_tokens", "cache_read_input_tokens", "output_tokens")


def asking(workload: Workload, params: SelfHostParams, stage: Stage) -> tuple[ir.Table, Taken]:
    """The rows with what they ask of the fleet: ``_asks``, and their counters there (``_in``, ``_read``, ``_out``)."""
    rows = workload.rows
    matching = rows.selected & rows.sent & ~is_bucket(rows) & rows.started_at.notnull()
    if params.when:
        matching = matching & condition(params.when, rows)
    taken = take(workload.branches, rows, matching, params.share, params.by, stage)
    return _counted_as(taken.rows, params, target_of(params, stage), stage), taken


def target_of(params: SelfHostParams, stage: Stage) -> ModelRef | None:
    """The hosted model in the price catalogue, where it is named."""
    return stage.catalogue.get(params.as_model) if params.as_model else None


def _counted_as(rows: ir.Table, params: SelfHostParams, target: ModelRef | None, stage: Stage) -> ir.Table:
    """Rows with ``_asks`` and the counters that the hosted model would have (``_in``, ``_read``, ``_out``)."""
    asks, tally = rows._taken.fill_null(False), rows.tally
    if target is not None:
        stage.model_id(target.key)
        room = fits(rows, stage, target)
        tally, asks = tally + refused(rows, asks & ~room), asks & room

    def counter(name: str) -> ir.IntegerValue:
        found = rows[name] if target is None else rescaled(rows, name, stage, target)
        return found.fill_null(0).cast("int64")

    fresh, read, out = (counter(name) for name in _COUNTERS)
    if params.own_cache == "none":
        read = ibis.literal(0, type="int64")
    return stage.view(rows.mutate(tally=tally, _asks=asks, _in=fresh, _read=ibis.least(read, fresh), _out=out))


def planned(rows: ir.Table, params: SelfHostParams, counts: Mapping[int, Decimal], stage: Stage) -> Plan:
    """The plan for the rows' work by window."""
    asked = rows.filter(rows._asks)
    context = asked._out * (2 * asked._in + asked._out)
    sums = asked.group_by("branch", window=windows(asked, WINDOW_US)).agg(
        requests=asked.count(), fresh=asked._in.sum(), read=asked._read.sum(), out=asked._out.sum(),
        # Doubles: the sum of products of two counts can pass 64 bits.
        context=context.cast("float64").sum() / 2,
        first=asked.started_at.min(), positions=_positions(asked).cast("float64").sum() / 2,
    )  # fmt: skip
    work: dict[int, Work] = {}
    firsts: dict[int, int] = {}
    for line in stage.collect(sums).to_pylist():
        count, at = float(counts.get(int(line["branch"]), 1)), int(line["window"])
        parts = [float(line[name]) * count for name in ("requests", "fresh", "read", "out", "context", "positions")]
        work[at] = Work(*parts) + work[at] if at in work else Work(*parts)
        firsts[at] = min(int(line["first"]), firsts.get(at, int(line["first"])))
    return Plan(params, stage, dict(sorted(work.items())), firsts)


def room_of(rows: ir.Table, plan: Plan, counts: Mapping[int, Decimal], stage: Stage) -> dict[int, int]:
    """What asks for room in each window, in the rows' own units."""
    asked = rows.filter(rows._asks)
    own = weighted(units_of(asked, plan), asked, counts)
    units = asked.mutate(_own=own).group_by(window=windows(asked, WINDOW_US)).agg(units=lambda t: t._own.sum())
    return {int(line["window"]): int(line["units"]) for line in stage.collect(units).to_pylist()}


def _positions(rows: ir.Table) -> ir.IntegerValue:
    """Twice the token positions that a row's prefill attends to."""
    return rows._in * rows._in - rows._read * rows._read


def units_of(rows: ir.Table, plan: Plan) -> ir.IntegerValue:
    """What a row takes of its window's room: its modelled time, at least one unit."""
    prefill, decode, context, *shared = (float(value) / plan.faster for value in plan.throughput.coefficients)
    load = plan.concurrency or 0.0
    if load:
        decode, prefill = decode + shared[0] / load, prefill + shared[1] / load
    kept = round((1 - float(plan.params.cached_cost)) * prefill * UNITS)
    work = rows._in * round(prefill * UNITS) - rows._read * kept + rows._out * round(decode * UNITS)
    # Tokens times positions are large and cost little each: thousands of them are one number.
    work = work + rows._out * (2 * rows._in + rows._out) // 2000 * round(context * UNITS * 1000)
    work = work + _positions(rows) // 2000 * round(prefill * plan.throughput.attention * UNITS * 1000)
    return ibis.greatest(work, 1).cast("int64")
