"""A provider's prompt cache as one would explain it: one call after the other, one dictionary of entries.

A miss writes. What a call writes can be read once that call's first token is due. Every use renews an entry, also of
one whose writer is still being answered. An entry dies a life after its last use. A call reads and writes its prefix
block by block, up to its last breakpoint, and hits as far as block after block is there.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """``blocks`` are the prefix's keys, ``ends`` the tokens up to the end of each; ``ready`` is when the first token is due."""

    start: int
    ready: int
    cache: Hashable
    blocks: tuple[int, ...]
    ends: tuple[int, ...]
    limit: int | None = None


@dataclass
class Entry:
    usable_at: int
    last_use: int


def found(calls: Sequence[Call], life: int | None) -> list[int]:
    """Tokens that each call, given in order of time, finds in its cache; life None: entries never die."""
    entries: dict[tuple[Hashable, int], Entry] = {}
    answers = []
    for call in calls:
        answer, unbroken = 0, True
        for block, end in zip(call.blocks, call.ends, strict=True):
            if call.limit is not None and end > call.limit:
                break
            entry = entries.get((call.cache, block))
            if entry is not None and life is not None and call.start - entry.last_use > life:
                entry = None
            if entry is None:
                entry = entries[call.cache, block] = Entry(call.ready, call.start)
                unbroken = False
            elif entry.usable_at > call.start:
                # Another call writes it just now: this one cannot read it, writes it too, and the first one done counts.
                entry.usable_at = min(entry.usable_at, call.ready)
                unbroken = False
            entry.last_use = call.start
            answer = end if unbroken else answer
        answers.append(answer)
    return answers


def rounded(tokens: int, minimum: int, increment: int) -> int:
    """What of ``tokens`` a provider caches: nothing below the minimum, then whole increments on top of it."""
    if tokens <= 0 or tokens < minimum:
        return 0
    cached = minimum
    while cached + increment <= tokens:
        cached += increment
    return cached


def counters(found_tokens: int, input_tokens: int, limit: int | None, minimum: int, increment: int) -> tuple[int, int]:
    """(read, written) of a call: what it finds, and the rest of what may be cached."""
    reach = input_tokens if limit is None else min(limit, input_tokens)
    read = rounded(min(found_tokens, reach), minimum, increment)
    return read, rounded(reach, minimum, increment) - read
