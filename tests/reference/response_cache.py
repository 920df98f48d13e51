"""A response cache as one would explain it: lookups in order of time, one list of answers written so far."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass
class Entry:
    key: Hashable
    written_at: int
    last_used: int
    uses: int


@dataclass(frozen=True)
class Lookup:
    """One call; ``ready`` is when its answer would be complete, None when it may not be stored."""

    key: Hashable
    start: int
    ready: int | None


def hits(lookups: Sequence[Lookup], life: int | None, entries: int | None = None, policy: str = "lru") -> list[bool]:
    """Whether each lookup, given in order of time, is answered from the cache."""
    cache: list[Entry] = []
    waiting: list[tuple[int, int, Hashable]] = []
    found = []
    clock = 0
    for number, lookup in enumerate(lookups):
        for write in sorted(w for w in waiting if w[0] <= lookup.start):
            clock += 1
            cache = _written(cache, write[2], write[0], clock, life, entries, policy)
            waiting.remove(write)
        clock += 1
        alive = [e for e in cache if e.key == lookup.key and (life is None or lookup.start - e.written_at <= life)]
        for entry in alive:
            entry.last_used, entry.uses = clock, entry.uses + 1
        if not alive and lookup.ready is not None:
            waiting.append((lookup.ready, number, lookup.key))
        found.append(bool(alive))
    return found


def _written(
    cache: list[Entry], key: Hashable, at: int, clock: int, life: int | None, entries: int | None, policy: str
) -> list[Entry]:
    cache = [e for e in cache if life is None or at - e.written_at <= life]
    same = [e for e in cache if e.key == key]
    others = [e for e in cache if e.key != key]
    uses = same[0].uses + 1 if same else 1
    if not same and entries is not None and len(others) >= entries:
        # The list is in order of writing: a renewed entry moved to its end.
        leaving = others[0]
        if policy == "lru":
            leaving = min(others, key=lambda entry: entry.last_used)
        if policy == "lfu":
            leaving = min(others, key=lambda entry: (entry.uses, entry.last_used))
        others.remove(leaving)
    return [*others, Entry(key, at, clock, uses)]
