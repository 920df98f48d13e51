"""Replaying prefix caches whose entries are not renewed: each ends a fixed time after its writing.

Every block of a prefix is an entry of its own. A request that misses one writes it; it is read from the writer's first
token on, until a life after that (:mod:`llmcost.workload.expiry`). A request hits as far as block after block is there.
Gemini's explicit caches are such: https://ai.google.dev/gemini-api/docs/caching, 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.workload.contract import Stage
from llmcost.workload.expiry import NEVER, Flags, Ints, unbounded
from llmcost.workload.prefixes import CacheUse, uses


@dataclass(frozen=True)
class FixedPlay:
    """What the caches gave and held."""

    hits: ir.Table
    """(row_id, branch, hit_tokens) of every row that hits."""
    token_ms: Mapping[int, int]
    """Token-milliseconds that entries were kept, by model."""


def play(stage: Stage, rows: ir.Table, use: CacheUse, scope: ir.StringValue | None) -> FixedPlay:
    """All caches of the rows that use one, from the first row on."""
    data = stage.collect(uses(rows, use, scope))
    owner = pc.dictionary_encode(data["_scope"].combine_chunks()).indices if "_scope" in data.column_names else None
    node = np.unique(data["node"].to_numpy(), return_inverse=True)[1].astype(np.int64)
    key = node if owner is None else node * (pc.max(owner).as_py() or 0) + node + owner.to_numpy(zero_copy_only=False)
    start, ready, life = (data[name].to_numpy() for name in ("started_at", "_ready", "_life"))
    # At least a microsecond: calls that start at the same instant cannot have answered one another.
    ready = np.maximum(ready, start + 1)
    order = np.lexsort((start, key))
    hit = np.zeros(len(key), dtype=np.bool_)
    for one in np.unique(life):
        chosen = order[life[order] == one]
        hit[chosen] = unbounded(key[chosen], start[chosen], ready[chosen], int(one))
    found = _whole(data, hit) if use.sparse is not None else _deepest(data, hit)
    return FixedPlay(stage.register(found), _kept(data, key, ready, hit, order))


def _whole(data: pa.Table, hit: Flags) -> pa.Table:
    """The longest entry that a row hits, where entries are whole prefixes up to a breakpoint."""
    hits = data.select(["row_id", "branch", "tokens"]).filter(pa.array(hit))
    longest = hits.group_by(["row_id", "branch"]).aggregate([("tokens", "max")])
    return longest.select(["row_id", "branch", "tokens_max"]).rename_columns(["row_id", "branch", "hit_tokens"])


def _deepest(data: pa.Table, hit: Flags) -> pa.Table:
    """The tokens up to the last block of an unbroken line of hits, of rows that have one."""
    row, branch, tokens = (data[name].to_numpy() for name in ("row_id", "branch", "tokens"))
    order = np.lexsort((tokens, branch, row))
    row, branch, tokens, hit = row[order], branch[order], tokens[order], hit[order]
    first = np.ones(len(row), dtype=np.bool_)
    first[1:] = (row[1:] != row[:-1]) | (branch[1:] != branch[:-1])
    missed = np.cumsum(~hit)
    begin = np.flatnonzero(first)
    before = np.where(begin > 0, missed[begin - 1], 0)
    unbroken = missed == np.repeat(before, np.diff(np.append(begin, len(row))))
    # Of an unbroken line the last place counts: the next one misses or is another row's.
    goes_on = np.zeros(len(row), dtype=np.bool_)
    goes_on[:-1] = unbroken[1:] & ~first[1:]
    last = unbroken & ~goes_on
    return pa.table({"row_id": row[last], "branch": branch[last], "hit_tokens": tokens[last]})


def _kept(data: pa.Table, key: Ints, ready: Ints, hit: Flags, order: Ints) -> dict[int, int]:
    """Time that entries are there, from the start of a writing to a life after it, times the tokens of the block."""
    place = order[~hit[order] & (ready[order] < NEVER)]
    start, life, model = (data[name].to_numpy()[place] for name in ("started_at", "_life", "model"))
    end = ready[place] + life
    begin = np.maximum(start, _latest_before(key[place], end))
    span = np.maximum(end - begin, 0) // 1000
    own = _own(data)[place]
    # Long lives of many tokens exceed 64 bits together, so these few products are added as Python's integers.
    return {
        int(one): int(np.dot(own[model == one].astype(object), span[model == one].astype(object)))
        for one in np.unique(model)
    }


def _latest_before(key: Ints, end: Ints) -> Ints:
    """The latest end among the entries of the same key before each, 0 where there is none; keys stand together."""
    latest: Ints = np.zeros(len(end), dtype=np.int64)
    latest[1:] = np.where(key[1:] == key[:-1], end[:-1], 0)
    step, longest = 1, int(np.unique(key, return_counts=True)[1].max(initial=0))
    while step < longest:
        latest[step:] = np.maximum(latest[step:], np.where(key[step:] == key[:-step], latest[:-step], 0))
        step *= 2
    return latest


def _own(data: pa.Table) -> Ints:
    """Tokens of each block beyond the one before it in its row, so that nothing is stored twice."""
    row, branch, tokens = (data[name].to_numpy() for name in ("row_id", "branch", "tokens"))
    order = np.lexsort((tokens, branch, row))
    same = (row[order][1:] == row[order][:-1]) & (branch[order][1:] == branch[order][:-1])
    own: Ints = tokens.astype(np.int64).copy()
    own[order[1:]] -= np.where(same, tokens[order][:-1], 0)
    return own
