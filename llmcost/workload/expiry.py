"""Which lookups hit a cache whose entries live a fixed time from their writing, and are not renewed by hits.

A lookup hits if the newest answer written by then is at most a life old. A miss writes when its answer is complete; a
call whose answer may not be stored writes nothing. So lookups that arrive before the first answer all miss.

:func:`unbounded` decides all keys at once. While no answer takes longer than a life, a key's time falls into *rounds*:
misses until the first of them is answered, then hits until the last of their writings dies; nothing outlives a round.
Where the next round starts depends on its first lookup alone, so it is found for all lookups by searching, and the
rounds that happen are read off as a chain. Keys with a slower answer are played one lookup after the other.
:func:`bounded` plays a cache of limited size, in which all keys compete.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Policy = Literal["lru", "lfu", "fifo"]
NEVER: Final = 2**62
"""An instant that no log reaches: when an answer that may not be stored is ready, and when an unlimited life ends."""


def unbounded(key: Ints, start: Ints, ready: Ints, life: int | None) -> Flags:
    """Hits among lookups in order of (key, start); ``ready`` is NEVER for answers that are not stored.

    Every ``ready`` is after its ``start``. ``life`` in microseconds, None: entries never die.
    """
    hits = np.zeros(len(key), dtype=np.bool_)
    if not len(key):
        return hits
    new = np.concatenate(([True], key[1:] != key[:-1]))
    first = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    end = np.append(first[1:], len(key))[group]
    if life is None:
        # Once anything is written it stays: hits are what starts after the earliest writing.
        earliest = np.minimum.reduceat(ready, first)[group]
        late: Flags = start >= earliest
        return late
    kept = _near(key, start, ready, life)
    if not kept.all():
        hits[kept] = unbounded(key[kept], start[kept], ready[kept], life)
        return hits
    slow = np.zeros(len(first), dtype=np.bool_)
    slow[group[(ready < NEVER) & (ready - start > life)]] = True
    hits = _by_rounds(group, start, ready, life, end)
    for number in np.flatnonzero(slow):
        part = slice(first[number], end[first[number]])
        hits[part] = _one_by_one(start[part], ready[part], life)
    return hits


def _near(key: Ints, start: Ints, ready: Ints, life: int) -> Flags:
    """Lookups that can be a hit or can cause one: another lookup of their key is near enough before or after."""
    stored = ready < NEVER
    slowest = int((ready - start)[stored].max()) if stored.any() else 0
    close = (key[1:] == key[:-1]) & (start[1:] - start[:-1] <= life + slowest)
    near = np.zeros(len(key), dtype=np.bool_)
    near[1:] |= close
    near[:-1] |= close
    return near


def _by_rounds(group: Ints, start: Ints, ready: Ints, life: int, end: Ints) -> Flags:
    size = len(start)
    place = np.arange(size, dtype=np.int64)
    answered = np.minimum(_first_at_or_after(group, start, ready), end)
    # The round that starts at i is answered at the first lookup that finds any answer written since i.
    answered = np.minimum.accumulate(answered[::-1])[::-1]
    stored = ready < NEVER
    death = np.where(stored, ready + life + 1, 0)
    last_death = _window_max(death, place, answered)
    following = np.where(last_death > 0, np.minimum(_first_at_or_after(group, start, last_death), end), end)
    following = np.maximum(following, answered)
    heads, links, at = [], memoryview(following.astype(np.int64).data), 0
    while at < size:
        heads.append(at)
        at = links[at]
    rounds = np.array(heads, dtype=np.int64)
    edges = np.zeros(size + 1, dtype=np.int64)
    np.add.at(edges, rounds, 1)
    np.add.at(edges, answered[rounds], -1)
    missed: Flags = np.cumsum(edges[:-1]) > 0
    return ~missed


def _first_at_or_after(group: Ints, start: Ints, wanted: Ints) -> Ints:
    """For each lookup the first place in its group, or the group's end, whose start is at or after ``wanted``."""
    # Starts are moved so that every group lies after the one before it and one search serves all of them.
    low, high = int(start.min()), int(start.max())
    span = high - low + 2
    reach = np.clip(wanted - low, 0, span - 1)
    groups = int(group[-1]) + 1
    if groups * span < 2**62:
        return np.searchsorted(start - low + group * span, reach + group * span, side="left").astype(np.int64)
    found = np.empty(len(start), dtype=np.int64)
    step = max(1, 2**62 // span)
    for first in range(0, groups, step):
        chosen = slice(*np.searchsorted(group, [first, first + step]))
        offset = (group[chosen] - first) * span
        found[chosen] = (
            np.searchsorted(start[chosen] - low + offset, reach[chosen] + offset, side="left") + chosen.start
        )
    return found


def _window_max(values: Ints, start: Ints, end: Ints) -> Ints:
    """The greatest of ``values[start:end]`` for each pair; windows are not empty."""
    lengths = end - start
    found = values[start]
    table, width = values.copy(), 1
    while True:
        chosen = np.flatnonzero((lengths >= width) & (lengths < 2 * width))
        found[chosen] = np.maximum(table[start[chosen]], table[end[chosen] - width])
        if 2 * width > lengths.max():
            return found
        table[:-width] = np.maximum(table[:-width], table[width:])
        width *= 2


def _one_by_one(start: Ints, ready: Ints, life: int) -> Flags:
    hits = np.zeros(len(start), dtype=np.bool_)
    pending: list[int] = []
    written = -NEVER
    for place, (at, done) in enumerate(zip(start.tolist(), ready.tolist(), strict=True)):
        while pending and pending[0] <= at:
            written = heapq.heappop(pending)
        if at - written <= life:
            hits[place] = True
        elif done < NEVER:
            heapq.heappush(pending, done)
    return hits


def bounded(calls: Iterable[tuple[int, int, int]], life: int | None, entries: int, policy: Policy) -> list[bool]:
    """Hits among lookups (key, start, ready) in order of start, in a cache that holds ``entries`` keys.

    An entry takes its place when it is written; writing a key again renews it. Dead entries make room first. Then
    ``lru`` drops the entry whose last use (writing or hit) is longest ago, ``fifo`` the one written first, ``lfu`` the
    one with the fewest uses, the least recently used among them.
    """
    cache = _Bounded(life, entries, policy)
    return [cache.look_up(key, start, ready) for key, start, ready in calls]


class _Bounded:
    def __init__(self, life: int | None, entries: int, policy: Policy) -> None:
        self.life = NEVER if life is None else life
        self.entries, self.policy = entries, policy
        self.written: dict[int, int] = {}
        self.rank: dict[int, tuple[int, int]] = {}
        self.clock = 0
        self.leaving: list[tuple[tuple[int, int], int]] = []
        self.dying: deque[tuple[int, int]] = deque()
        self.pending: list[tuple[int, int, int]] = []

    def look_up(self, key: int, start: int, ready: int) -> bool:
        while self.pending and self.pending[0][0] <= start:
            done, _, pending = heapq.heappop(self.pending)
            self._write(pending, done)
        self.clock += 1
        if key in self.written and start - self.written[key] <= self.life:
            if self.policy != "fifo":
                self._use(key)
            return True
        if ready < NEVER:
            heapq.heappush(self.pending, (ready, self.clock, key))
        return False

    def _write(self, key: int, at: int) -> None:
        self.clock += 1
        self._bury(at)
        if key not in self.written:
            while len(self.written) >= self.entries:
                self._evict()
        self.written[key] = at
        self.dying.append((at, key))
        self._use(key)

    def _use(self, key: int) -> None:
        uses = self.rank[key][0] + 1 if self.policy == "lfu" and key in self.rank else 1
        self.rank[key] = (uses, self.clock)
        heapq.heappush(self.leaving, (self.rank[key], key))
        if len(self.leaving) > 4 * len(self.rank) + 1000:
            self.leaving = [(rank, held) for held, rank in self.rank.items()]
            heapq.heapify(self.leaving)

    def _bury(self, at: int) -> None:
        while self.dying and at - self.dying[0][0] > self.life:
            written, key = self.dying.popleft()
            if self.written.get(key) == written:
                del self.written[key], self.rank[key]

    def _evict(self) -> None:
        while True:
            rank, key = heapq.heappop(self.leaving)
            if self.rank.get(key) == rank:
                del self.written[key], self.rank[key]
                return
