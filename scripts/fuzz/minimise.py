"""Makes a failing input small: halves, quarters .. of it are left out as long as it fails in the same place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_TRIES = 3000


def minimised(data: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """The smallest input found that still fails: without lines first, then without bytes."""
    tries = _TRIES

    def counted(candidate: bytes) -> bool:
        nonlocal tries
        tries -= 1
        return tries > 0 and fails(candidate)

    lines = data.splitlines(keepends=True)
    if len(lines) > 1:
        data = b"".join(_without([*lines], lambda kept: counted(b"".join(kept))))
    return bytes(_without([*data], lambda kept: counted(bytes(kept)))) if len(data) < 20_000 else data


def _without(items: list[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    size = max(len(items) // 2, 1)
    while items:
        at = 0
        while at < len(items):
            fewer = items[:at] + items[at + size :]
            if fails(fewer):
                items = fewer
            else:
                at += size
        if size == 1:
            break
        size //= 2
    return items
