"""A provider's prompt cache as one would explain it: one call after the other, one dictionary of entries.

A miss writes. What a call writes can be read once that call's first token is due. Every use renews an entry, also of
one whose writer is still being answered. An entry dies a life after its last use. A call reads the longest entry of its
prefix, up to its last breakpoint, and writes every block up to there, or only those that end at its breakpoints.

Entries that hits do not renew die a life after they were written, and a call hits as far as block after block is there.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Call:
    """``blocks`` are the prefix's keys, ``ends`` the tokens up to the end of each; ``ready`` is when the first token is due."""

    start: int
    ready: int
    cache: Hashable
    blocks: tuple[int, ...]
    ends: tuple[int, ...]
    limit: int | None = None
    marks: frozenset[int] | None = None
    """The blocks that the call writes, None: all."""


@dataclass
class Entry:
    usable_at: int
    last_use: int


@dataclass
class Lasting:
    """An entry with a fixed life: when its writings could be read from."""

    written: list[int] = field(default_factory=list)


def found(calls: Sequence[Call], life: int | None) -> list[int]:
    """Tokens that each call, given in order of time, finds in its cache; life None: entries never die."""
    entries: dict[tuple[Hashable, int], Entry] = {}
    answers = []
    for call in calls:
        answer = 0
        for block, end in zip(call.blocks, call.ends, strict=True):
            if call.limit is not None and end > call.limit:
                break
            writes = call.marks is None or block in call.marks
            entry = entries.get((call.cache, block))
            if entry is not None and life is not None and call.start - entry.last_use > life:
                del entries[call.cache, block]
                entry = None
            if entry is None:
                if writes:
                    entries[call.cache, block] = Entry(call.ready, call.start)
                continue
            entry.last_use = call.start
            if entry.usable_at <= call.start:
                answer = end
            elif writes:
                # Another call writes it just now: this one cannot read it, writes it too, and the first one done counts.
                entry.usable_at = min(entry.usable_at, call.ready)
        answers.append(answer)
    return answers


def found_with_fixed_life(calls: Sequence[Call], life: int) -> list[int]:
    """The same where hits do not renew an entry."""
    entries: dict[tuple[Hashable, int], Lasting] = {}
    answers = []
    for call in calls:
        answer, unbroken = 0, True
        for block, end in zip(call.blocks, call.ends, strict=True):
            entry = entries.setdefault((call.cache, block), Lasting())
            if not any(at <= call.start <= at + life for at in entry.written):
                entry.written.append(call.ready)
                unbroken = False
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
