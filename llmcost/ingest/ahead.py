"""Works on the blocks of a file ahead of their use, on every core, and gives them back in the order of the file."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")
MOST: Final = 4
"""Threads at most: what uses the results is one thread, and more would only hold more blocks in memory."""


def workers() -> int:
    """How many blocks are worked on at once."""
    return max(1, min(MOST, os.cpu_count() or 1))


def in_order(items: Iterable[T], work: Callable[[T], R]) -> Iterator[tuple[T, R]]:
    """Each item with what ``work`` gives for it, in order; a few items are worked on ahead, in threads.

    Worth it where ``work`` spends its time outside of Python (reading JSON, hashing, compressing). An exception of
    ``work`` is raised when its item is due.
    """
    ahead = workers()
    waiting: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(ahead, thread_name_prefix="llmcost-read") as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) > ahead:
                    due, result = waiting.popleft()
                    yield due, result.result()
            while waiting:
                due, result = waiting.popleft()
                yield due, result.result()
        finally:
            for _, result in waiting:
                result.cancel()
