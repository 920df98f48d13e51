"""Replaying prompt prefixes: how many input tokens each request would find in the provider's cache.

The yardstick is the sequential cache: a miss writes; the entry is usable once that request's first token is due; every
use renews its life; it dies a life after its last use. Two ways reach the same answer:

- :func:`logged_hits` reads the needs that the ingest computed, while every row is still where the log had it;
- :func:`replayed_hits` plays every cache again from the shared prefix nodes, after rows were moved, removed or re-timed.
  Where requests mark what to cache, entries begin at their breakpoints only (:mod:`llmcost.workload.breakpoints`).
  A use hits when no gap since the entry's start is longer than the life, and some earlier use of that unbroken run had
  been answered: ``min(ready of the earlier uses of the run) <= start``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce

import ibis
import ibis.expr.types as ir

from llmcost.usage.caching import DEFAULT_WRITE_LATENCY_US, HIT_COLUMNS, NEVER
from llmcost.workload.breakpoints import positions
from llmcost.workload.contract import Stage
from llmcost.workload.durations import Scope

READS = frozenset(
    {"prefix_nodes", "prefix_ends", "prefix_needs", "prefix_block_tokens", "file_key", "line", *HIT_COLUMNS.values()}
)
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
    model: ir.IntegerValue | None = None
    """Whose cache it is, where several model ids share one; None: the row's model."""
    sparse: ir.BooleanValue | None = None
    """Rows that write at their breakpoints only; None: every row writes all of its prefix."""
    steady: bool = False
    """A cache has one life for all of its uses: no rule changes while the rows last."""


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


def logged_hits(rows: ir.Table, life: ir.IntegerValue, lives: Collection[int]) -> ir.IntegerValue:
    """Tokens that a row finds in a cache of ``life``; unknown for rows that share no prefix with another.

    ``lives`` are the values that ``life`` can have: for those of providers the ingest stored the answer.
    """
    if not lives:
        return ibis.null("int64")
    if all(value in HIT_COLUMNS for value in lives):
        branches = [(life == value, rows[HIT_COLUMNS[value]]) for value in sorted(lives)]
        return branches[0][1] if len(branches) == 1 else ibis.cases(*branches, else_=ibis.null("int64"))
    pairs = rows.prefix_ends.zip(rows.prefix_needs)
    return pairs.filter(lambda pair: (pair.f2 <= life) & (pair.f2 < NEVER)).map(lambda pair: pair.f1).maxs()


def hits_read(lives: Collection[int]) -> list[str]:
    """The log's columns that :func:`logged_hits` asks for."""
    if all(value in HIT_COLUMNS for value in lives):
        return [HIT_COLUMNS[value] for value in sorted(lives)]
    return ["prefix_ends", "prefix_needs"]


def scope_key(rows: ir.Table, scope: Scope, present: Collection[str]) -> ir.StringValue | None:
    """The owner who shares a cache, never across organizations; None when the log never names one."""
    if scope == "global":
        return None
    names = [name for name in dict.fromkeys(("organization", SCOPE_COLUMN[scope])) if name in present]
    parts = [rows[name].fill_null("") for name in names]
    return reduce(lambda a, b: a + "\x1f" + b, parts) if parts else None


_LINES = 2**40
_MIX = 1_000_003_000_019
"""An odd number that spreads model ids over the key space: a cache's key is its node's, shifted by the model."""


def tie(rows: ir.Table) -> ir.IntegerValue:
    """The order of requests of one instant: file digest (its first 23 bits), then line, in one number to sort by."""
    return rows.file_key - rows.file_key % _LINES + rows.line


def uses(rows: ir.Table, use: CacheUse, scope: ir.StringValue | None) -> ir.Table:
    """One row per (request, node) that the request reads or writes, in tokens of the model it is on now.

    ``_ready`` is NEVER for a use that reads only.
    """
    limit = use.limit if use.limit is not None else ibis.literal(NEVER, type="int64")
    kept = rows.filter(use.usable & rows.prefix_nodes.notnull() & rows.started_at.notnull())
    # What the engine sorts below is kept narrow: only columns that the caches need.
    moved = (kept.model != kept.logged_model) & (kept.logged_input_tokens > 0)
    pairs = {} if use.sparse is not None else {"pair": kept.prefix_nodes.zip(kept.prefix_ends).unnest()}
    held = kept.select(
        "row_id", "branch", "started_at",
        _tie=tie(kept),
        model=kept.model if use.model is None else use.model,
        _life=use.life, _ready=ready_at(kept, use.latency), _limit=limit,
        _now=moved.ifelse(kept.input_tokens, 1).fill_null(1), _then=moved.ifelse(kept.logged_input_tokens, 1).fill_null(1),
        _scope=ibis.literal("") if scope is None else scope,
        **pairs,
    )  # fmt: skip
    if use.sparse is None:
        wide = held.mutate(_node=held.pair.f1, _end=held.pair.f2)
    else:
        ends = positions(kept, use.sparse).rename(_node="node", _end="depth_tokens")
        wide = held.inner_join(ends, ["row_id", "branch"])
        never = ibis.literal(NEVER, type="int64")
        wide = wide.mutate(_ready=ibis.ifelse(wide.writes, wide._ready, never))
    flat = wide.select(
        "row_id", "branch", "started_at", "_tie", "model", "_life", "_ready", "_scope",
        _limit="_limit",
        node=wide._node ^ (wide.model * _MIX),
        tokens=ibis.ifelse(wide._then == wide._now, wide._end, (wide._end * wide._now) // wide._then),
    )  # fmt: skip
    found = flat.filter(flat.tokens <= flat._limit).drop("_limit")
    return found.drop("_scope") if scope is None else found


def _partition(found: ir.Table) -> list[str]:
    return ["node", "_scope"] if "_scope" in found.columns else ["node"]


def _judged(found: ir.Table) -> ir.Table:
    """Every use with whether it hits, and its run."""
    partition = _partition(found)
    order = ["started_at", "_tie", "row_id", "branch"]
    window = ibis.window(group_by=partition, order_by=order)
    gapped = found.mutate(
        _broken=(found.started_at - found.started_at.lag().over(window) > found._life).fill_null(False)
    )
    running = ibis.cumulative_window(group_by=partition, order_by=order)
    runs = gapped.mutate(_run=gapped._broken.ifelse(1, 0).cast("int64").sum().over(running))
    before = ibis.window(group_by=[*partition, "_run"], order_by=order, preceding=(None, 1))
    answered = runs.mutate(_answered=runs._ready.min().over(before))
    return answered.mutate(_hit=(answered._answered <= answered.started_at).fill_null(False))


def replayed_hits(rows: ir.Table, use: CacheUse, scope: ir.StringValue | None) -> ir.Table:
    """(row_id, branch, hit_tokens) of every row that hits, all caches played from the first row on."""
    judged = _judged(uses(rows, use, scope))
    hits = judged.filter(judged._hit)
    return hits.group_by(["row_id", "branch"]).agg(hit_tokens=hits.tokens.max())


def replayed(stage: Stage, rows: ir.Table, use: CacheUse, scope: ir.StringValue | None) -> ir.Table:
    """The same, run: one look at the uses just before decides nearly all; only caches of the others are played whole."""
    looked = stage.materialise(_recent(uses(rows, use, scope), steady=use.steady))
    open_ = looked.filter((looked.open_tokens > looked.hit_tokens.fill_null(0)).fill_null(False))
    found = looked.filter(looked.hit_tokens.notnull()).select("row_id", "branch", "hit_tokens")
    if not stage.collect(open_.limit(1)).num_rows:
        return found
    flat = uses(rows, use, scope)
    rest = flat.semi_join(open_, ["row_id", "branch"]).select("node").distinct()
    judged = _judged(flat.semi_join(stage.materialise(rest), "node"))
    both = found.union(judged.filter(judged._hit).select("row_id", "branch", hit_tokens="tokens"))
    return stage.materialise(both.group_by(["row_id", "branch"]).agg(hit_tokens=both.hit_tokens.max()))


_LOOKS_BACK = 4


def _recent(found: ir.Table, *, steady: bool) -> ir.Table:
    """(row_id, branch, hit_tokens, open_tokens) of rows that may hit.

    ``hit_tokens``: one of the few uses before had been answered, with no gap beyond a life since; ``open_tokens``: the
    entry was alive, but all of those uses were in flight, so that an older one decides.
    """
    window = ibis.window(group_by=_partition(found), order_by=["started_at", "_tie", "row_id", "branch"])
    back = range(1, _LOOKS_BACK + 1)
    wide = found.select(
        "row_id", "branch", "tokens", "started_at", "_life",
        **{f"_at{n}": found.started_at.lag(n).over(window) for n in back},
        **{f"_ready{n}": found._ready.lag(n).over(window) for n in back},
        **{f"_life{n}": found._life.lag(n).over(window) for n in back[:-1] if not steady},
    )  # fmt: skip
    alive = [(wide.started_at - wide._at1 <= wide._life).fill_null(False)]
    for n in back[:-1]:
        life = wide._life if steady else wide[f"_life{n}"]
        unbroken = (wide[f"_at{n}"] - wide[f"_at{n + 1}"] <= life).fill_null(False)
        alive.append(alive[-1] & unbroken)
    hits = [
        flag & (wide[f"_ready{n}"] <= wide.started_at).fill_null(False) for n, flag in zip(back, alive, strict=True)
    ]
    hit = reduce(lambda a, b: a | b, hits)
    wide = wide.filter(alive[0]).select("row_id", "branch", "tokens", hit=hit, open=~hit & alive[-1])
    return wide.group_by(["row_id", "branch"]).agg(
        hit_tokens=wide.hit.ifelse(wide.tokens, ibis.null("int64")).max(),
        open_tokens=wide.open.ifelse(wide.tokens, ibis.null("int64")).max(),
    )


def stored_token_milliseconds(rows: ir.Table, use: CacheUse, scope: ir.StringValue | None) -> ir.Table:
    """Token-milliseconds that entries are kept, by model: each run of a node, from its first use to a life after its last.

    A node keeps only the tokens beyond the node before it in the same prefix, so that nothing is stored twice.
    """
    judged = _judged(uses(rows, use, scope))
    within = ibis.window(group_by=["row_id", "branch"], order_by=["tokens", "node"])
    parts = judged.mutate(_own=judged.tokens - judged.tokens.lag().over(within).fill_null(0))
    lives = parts.group_by(["model", *_partition(parts), "_run"]).agg(
        own=parts._own.max(),
        first=parts.started_at.min(where=parts._ready < NEVER),
        last=parts.started_at.max(),
        life=parts._life.max(),
    )
    per = lives.mutate(kept_ms=lives.own * ((lives["last"] - lives["first"] + lives.life) // 1000))
    return per.group_by("model").agg(token_ms=per.kept_ms.sum())


def grown_prompts(rows: ir.Table, life: ir.IntegerValue, latency: int | None, model: ir.IntegerValue) -> ir.Table:
    """(row_id, branch, grown_tokens): the prompt before in the conversation, where it can be a prefix of this one.

    A model for logs without prefix keys: a prompt that is no shorter than the one before in its conversation, and came
    while that one was alive and answered, repeats it.
    """
    narrow = rows.select(
        "row_id", "branch", "conversation_key", "started_at", "input_tokens",
        _tie=tie(rows), _model=model, _life=life, _ready=ready_at(rows, latency),
    )  # fmt: skip
    window = ibis.window(group_by=["conversation_key", "_model"], order_by=["started_at", "_tie", "row_id", "branch"])
    wide = narrow.mutate(
        _before=narrow.input_tokens.lag().over(window),
        _before_at=narrow.started_at.lag().over(window),
        _before_ready=narrow._ready.lag().over(window),
    )
    alive = (wide.started_at - wide._before_at <= wide._life) & (wide._before_ready <= wide.started_at)
    grown = wide.filter(alive & (wide._before <= wide.input_tokens))
    return grown.select("row_id", "branch", grown_tokens=grown._before)
