"""Prefix trees in memory: the nodes, their needs and the hits of some rows, as :mod:`llmcost.ingest.prefix` defines them.

The twin of that module's SQL for trees that fit in memory, at a fifth of its cost: trees are taken some at a time, so that
all that is known of them stays in the processor's cache, and a sort of their keys brings the uses of each node together,
in order of time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from llmcost.usage.caching import HIT_COLUMNS, NEVER
from llmcost.usage.ddl import DERIVED

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

COLUMNS: Final = ("row_id", "part", "started_at", "file_key", "line", "ready", "block", "input", "reach")
"""Whole numbers of each row that are needed beside its ``prefix_keys``."""
_TIES: Final = ("row_id", "line", "file_key", "started_at", "part")
"""What decides the order of rows, the last one first."""
_STEPS: Final = 24
"""Uses in flight that are passed over one by one before a sort finds the answered one behind them."""


@dataclass(frozen=True)
class Prompts:
    """Rows with their keys; every row that holds any of the keys must be among them."""

    numbers: Ints
    """``COLUMNS``, row by row, so that a row is fetched from memory at once."""
    lists: pa.ListArray

    @classmethod
    def of(cls, rows: pa.Table) -> Self:
        """The rows of a table of ``COLUMNS`` and ``prefix_keys``, which are never empty."""
        lists = rows["prefix_keys"].combine_chunks()
        lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
        return cls(np.stack([rows[name].to_numpy() for name in COLUMNS], axis=1), lists)

    def groups(self, most: int) -> Iterator[Ints]:
        """The places of the rows of some whole trees at a time, which hold ``most`` keys and at most one tree more."""
        roots = pc.list_element(self.lists, 0).to_numpy(zero_copy_only=False)
        order = _by_key(roots)
        held = np.cumsum(pc.list_value_length(self.lists).to_numpy(zero_copy_only=False)[order], dtype=np.int64)
        trees = np.flatnonzero(_changes(roots[order]))
        before = np.concatenate([[0], held])[trees]
        starts = trees[_changes(before // most)]
        yield from np.split(order, starts[1:])


def derive(prompts: Prompts, group: Ints) -> pa.Table:
    """``derived`` of the rows at the places of a group of whole trees."""
    pairs = _paired(prompts, group)
    nodes = _nodes(pairs)
    kept = np.zeros(len(pairs.keys), bool)
    kept[nodes.uses] = True
    needs = np.empty(len(pairs.keys), np.int64)
    needs[nodes.uses] = _needs(pairs, nodes)
    return packed(pairs.whole["row_id"][pairs.row[kept]], pairs.keys[kept], pairs.tokens[kept], needs[kept])


def packed(row_ids: Ints, nodes: Ints, tokens: Ints, needs: Ints) -> pa.Table:
    """One row of ``derived`` for the uses of each row, which come row by row and in order of depth."""
    starts = np.flatnonzero(np.diff(row_ids, prepend=-1))
    offsets = pa.array(np.append(starts, len(row_ids)).astype(np.int32))
    lists = [pa.ListArray.from_arrays(offsets, pa.array(values)) for values in (nodes, tokens, needs)]
    hits = []
    for life in HIT_COLUMNS:
        found = np.maximum.reduceat(np.where(needs <= life, tokens, -1), starts) if len(starts) else tokens
        hits.append(pa.array(found, mask=found < 0))
    names = ["row_id", *(name for name, _ in DERIVED)]
    return pa.table([pa.array(row_ids[starts]), *lists, *hits], names=names)


@dataclass(frozen=True)
class _Pairs:
    """Each row with each of its keys, row by row: rows by cache and time, keys by depth."""

    whole: dict[str, Ints]
    keys: Ints
    row: Ints
    tokens: Ints
    """Up to the end of the key's block."""


def _paired(prompts: Prompts, group: Ints) -> _Pairs:
    given = dict(zip(COLUMNS, np.ascontiguousarray(prompts.numbers[group].T), strict=True))
    order = _in_time(given)
    whole = {name: values[order] for name, values in given.items()}
    lists = prompts.lists.take(pa.array(group[order]))
    sizes = np.diff(lists.offsets.to_numpy())
    row = np.repeat(np.arange(len(order)), sizes)
    depth = np.arange(1, len(row) + 1) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    # An absurd block is cut where it exceeds any input, before the product could overflow.
    block = np.minimum(whole["block"], NEVER // max(1, int(sizes.max(initial=1))))
    tokens = np.minimum(depth * np.repeat(block, sizes), np.repeat(whole["input"], sizes))
    return _Pairs(whole, lists.flatten().to_numpy(), row, tokens)


def _in_time(rows: dict[str, Ints]) -> Ints:
    """The order of rows by cache and time; what else decides it is looked at only where rows agree in these."""
    order = np.lexsort([rows["started_at"], rows["part"]])
    same = ~(_changes(rows["started_at"][order]) | _changes(rows["part"][order]))
    if same.any():
        same[:-1] |= same[1:]
        tied = order[same]
        order[same] = tied[np.lexsort([rows[name][tied] for name in _TIES])]
    return order


@dataclass(frozen=True)
class _Nodes:
    """The uses of all nodes, node by node, by cache and time; ``first`` marks the first use of a node in a cache."""

    uses: Ints
    first: Flags


def _nodes(pairs: _Pairs) -> _Nodes:
    """The keys that end a run of equally shared blocks and are shared by at least two rows."""
    order = _by_key(pairs.keys)
    keys = pairs.keys[order]
    starts = np.flatnonzero(_changes(keys))
    holders = np.diff(starts, append=len(keys))
    node = np.empty(len(keys), np.int64)
    node[order] = np.repeat(np.arange(len(starts)), holders)
    shares = [holders]
    if (pairs.whole["reach"] < NEVER).any():
        caches = pairs.tokens <= pairs.whole["reach"][pairs.row]
        shares.append(np.add.reduceat(caches[order].astype(np.int64), starts) if len(starts) else starts)
    inner = pairs.row[1:] == pairs.row[:-1]
    for share in shares:
        inner &= share[node[1:]] == share[node[:-1]]
    ends = holders > 1
    ends[node[:-1][inner]] = False
    kept = np.repeat(ends, holders)
    uses = order[kept]
    return _Nodes(uses, _changes(keys[kept]) | _changes(pairs.whole["part"][pairs.row[uses]]))


def _changes(values: Ints) -> Flags:
    """Where a value differs from the one before it; the first one does."""
    changed = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=changed[1:])
    return changed


def _by_key(keys: Ints) -> Ints:
    """The places of the keys in the order of the keys, equal ones in the order of their places.

    By the upper 32 bits of 63, 16 at a time: a stable sort of such short numbers takes no comparisons. Keys are hashes, so
    few differ in their lower bits alone.
    """
    order = np.argsort((keys >> 31).astype(np.uint16), kind="stable")
    order = order[np.argsort((keys >> 47).astype(np.uint16)[order], kind="stable")]
    sorted_keys = keys[order]
    upper = sorted_keys >> 31
    mixed = np.flatnonzero((upper[1:] == upper[:-1]) & (sorted_keys[1:] != sorted_keys[:-1]))
    if len(mixed):
        groups = np.unique(upper[mixed])
        ends = zip(np.searchsorted(upper, groups), np.searchsorted(upper, groups, side="right"), strict=True)
        at = np.concatenate([np.arange(start, end) for start, end in ends])
        order[at] = order[at][np.argsort(sorted_keys[at], kind="stable")]
    return order


def _needs(pairs: _Pairs, nodes: _Nodes) -> Ints:
    """The need of every use: the largest gap since the latest earlier use that was answered when it started."""
    row = pairs.row[nodes.uses]
    started, ready = pairs.whole["started_at"][row], pairs.whole["ready"][row]
    gaps = np.diff(started, prepend=0)
    needs = np.where(nodes.first, NEVER, gaps)
    waits = np.zeros(len(row), bool)
    np.greater(ready[:-1], started[1:], out=waits[1:])
    waiting = np.flatnonzero(waits & ~nodes.first)
    begins = np.maximum.accumulate(np.where(nodes.first, np.arange(len(row)), 0))
    largest, before = gaps[waiting], waiting - 1
    needs[waiting] = NEVER
    for _ in range(_STEPS):
        there = before > begins[waiting]
        waiting, before, largest = waiting[there], before[there], largest[there]
        largest = np.maximum(largest, gaps[before])
        before = before - 1
        found = ready[before] <= started[waiting]
        needs[waiting[found]] = largest[found]
        waiting, before, largest = waiting[~found], before[~found], largest[~found]
    if len(waiting):
        _crowded(waiting, begins, started, ready, gaps, needs)
    return needs


def _crowded(waiting: Ints, begins: Ints, started: Ints, ready: Ints, gaps: Ints, needs: Ints) -> None:
    """Needs of uses with many in flight before them, by one sort; NEVER where none was answered."""
    crowds = np.unique(begins[waiting])
    inside = np.flatnonzero(np.isin(begins, crowds))
    asked = np.concatenate([np.zeros(len(inside), bool), np.ones(len(waiting), bool)])
    instant = np.concatenate([ready[inside], started[waiting]])
    crowd = np.concatenate([begins[inside], begins[waiting]])
    place = np.concatenate([np.arange(len(inside)), np.full(len(waiting), -1)])
    order = np.lexsort([asked, instant, crowd])
    # Places grow from crowd to crowd: what is left of an earlier crowd stands before this one begins.
    running = np.empty(len(order), np.int64)
    running[order] = np.maximum.accumulate(place[order])
    latest = running[len(inside) :]
    here = np.searchsorted(inside, waiting)
    known = latest >= np.searchsorted(inside, begins[waiting])
    needs[waiting] = NEVER
    needs[waiting[known]] = _largest(gaps[inside], latest[known] + 1, here[known])


def _largest(values: Ints, first: Ints, last: Ints) -> Ints:
    """The largest of the values from ``first`` to ``last``, for many spans that may overlap: by spans of powers of two."""
    found = np.empty(len(first), np.int64)
    level = np.floor(np.log2(last - first + 1)).astype(np.int64)
    spans, width = values, 1
    for power in range(int(level.max(initial=-1)) + 1):
        if power:
            spans, width = np.maximum(spans[: len(spans) - width], spans[width:]), 2 * width
        at = level == power
        found[at] = np.maximum(spans[first[at]], spans[last[at] - width + 1])
    return found
