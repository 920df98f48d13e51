"""Replaying prompt prefixes: how many input tokens each request would find in the provider's cache.

The yardstick is the sequential cache: a miss writes; the entry is usable once that request's first token is due; every
use renews its life; it dies a life after its last use. Two ways reach the same answer:

- :func:`logged_hits` reads the needs that the ingest computed, while every row is still where the log had it;
- :func:`replayed_hits` plays every cache again from the shared prefix nodes, after rows were moved, removed or re-timed.
  A use hits when no gap since the entry's start is longer than the life, and some earlier use of that unbroken run had
  been answered: ``min(ready of the earlier uses of the run) <= start``.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from llmcost.usage.caching import DEFAULT_WRITE_LATENCY_US, NEVER
from llmcost.workload.durations import Scope

READS = frozenset({"prefix_nodes", "prefix_ends", "prefix_needs", "prefix_keys", "file_key", "line"})
LATENCY_READS = frozenset({"time_to_first_token_ms", "duration_ms"})
SCOPE_COLUMN = {"organization": "organization", "project": "project", "api_key": "api_key_id", "user": "user_id"}


@dataclass(frozen=True)
class CacheUse:
    """How caches behave, as expressions over the rows: life in microseconds, and tokens up to which a row uses it."""

    life: ir.IntegerValue
    usable: ir.BooleanValue
    """Rows that use the cache at all."""
    limit: ir.IntegerValue | None = None
    """Tokens up to which the row reads and writes (its last breakpoint); None: all of its prefix."""
    latency: int | None = None
    """Microseconds from start to the entry being usable; None: as the log says."""


def ready_at(rows: ir.Table, latency: int | None) -> ir.IntegerValue:
    """When what a row writes can be read by others."""
    if latency is not None:
        return rows.started_at + latency
    logged = ibis.coalesce(
        rows.time_to_first_token_ms * 1000,
        rows.duration_ms * 1000,
        ibis.literal(DEFAULT_WRITE_LATENCY_US, type="int64"),
    )
    return rows.started_at + ibis.greatest(ibis.literal(1, type="int64"), logged)


def logged_hits(rows: ir.Table, life: ir.IntegerValue) -> ir.IntegerValue:
    """Tokens up to the deepest node whose need is within ``life``; unknown for rows without prefixes."""
    pairs = rows.prefix_ends.zip(rows.prefix_needs)
    return pairs.filter(lambda pair: (pair.f2 <= life) & (pair.f2 < NEVER)).map(lambda pair: pair.f1).maxs()


def scope_key(rows: ir.Table, scope: Scope) -> ir.StringValue:
    """The owner who shares a cache."""
    if scope == "global":
        return ibis.literal("")
    return ibis.coalesce(rows[SCOPE_COLUMN[scope]].cast("string"), "")


def _uses(rows: ir.Table, use: CacheUse, scope: ir.StringValue) -> ir.Table:
    """One row per (request, node) that the request reads or writes, in tokens of the model it is on now."""
    wide = rows.mutate(
        _life=use.life,
        _ready=ready_at(rows, use.latency),
        _scope=scope,
        _limit=use.limit if use.limit is not None else ibis.literal(2**61, type="int64"),
    )
    held = wide.filter(use.usable & wide.prefix_nodes.notnull() & wide.started_at.notnull()).select(
        "row_id", "branch", "model", "started_at", "file_key", "line", "_life", "_ready", "_scope", "_limit",
        "input_tokens", "logged_input_tokens", "logged_model",
        pair=wide.prefix_nodes.zip(wide.prefix_ends).unnest(),
    )  # fmt: skip
    flat = held.select(
        "row_id", "branch", "model", "started_at", "file_key", "line", "_life", "_ready", "_scope", "_limit",
        node=held.pair.f1,
        tokens=ibis.ifelse(
            (held.model == held.logged_model) | (held.logged_input_tokens <= 0),
            held.pair.f2,
            (held.pair.f2 * held.input_tokens) // held.logged_input_tokens.nullif(0),
        ).fill_null(0),
    )  # fmt: skip
    return flat.filter(flat.tokens <= flat._limit)


def _judged(uses: ir.Table) -> ir.Table:
    """Every use with whether it hits, its run and its place."""
    partition = ["model", "_scope", "node"]
    order = ["started_at", "file_key", "line", "row_id", "branch"]
    window = ibis.window(group_by=partition, order_by=order)
    gapped = uses.mutate(_gap=uses.started_at - uses.started_at.lag().over(window))
    running = ibis.cumulative_window(group_by=partition, order_by=order)
    broken = (gapped._gap > gapped._life).fill_null(False).ifelse(1, 0)
    runs = gapped.mutate(_run=broken.cast("int64").sum().over(running))
    before = ibis.window(group_by=[*partition, "_run"], order_by=order, preceding=(None, 1))
    answered = runs.mutate(_answered=runs._ready.min().over(before))
    return answered.mutate(_hit=(answered._answered <= answered.started_at).fill_null(False))


def replayed_hits(rows: ir.Table, use: CacheUse, scope: ir.StringValue) -> ir.Table:
    """(row_id, branch, hit_tokens) of every row that hits, all caches played from the first row on."""
    judged = _judged(_uses(rows, use, scope))
    hits = judged.filter(judged._hit)
    return hits.group_by(["row_id", "branch"]).agg(hit_tokens=hits.tokens.max())


def stored_token_seconds(rows: ir.Table, use: CacheUse, scope: ir.StringValue) -> ir.Table:
    """Token-microseconds that entries are kept, by model: each run of a node, from its first use to a life after its last.

    A node keeps only the tokens beyond the node before it in the same prefix, so that nothing is stored twice.
    """
    judged = _judged(_uses(rows, use, scope))
    within = ibis.window(group_by=["row_id", "branch"], order_by=["tokens", "node"])
    parts = judged.mutate(_own=judged.tokens - judged.tokens.lag().over(within).fill_null(0))
    lives = parts.group_by(["model", "_scope", "node", "_run"]).agg(
        own=parts._own.max(), first=parts.started_at.min(), last=parts.started_at.max(), life=parts._life.max()
    )
    per = lives.mutate(kept_ms=lives.own * ((lives["last"] - lives["first"] + lives.life) // 1000))
    return per.group_by("model").agg(token_ms=per.kept_ms.sum())
