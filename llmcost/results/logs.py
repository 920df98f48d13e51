"""The logs that a question is asked of: files that are read first, a store, or both, and the prices they are seen at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final, TypedDict, Unpack

from llmcost.errors import UsageError
from llmcost.ingest.run import IngestOptions, IngestSummary, Progress, ingest
from llmcost.pricing.catalogue import Catalogue, load
from llmcost.records.postgres import shown
from llmcost.results.options import ReplayOptions
from llmcost.usage.store import Store

MEMORY: Final = "70%"


class Logs(TypedDict, total=False):
    """What every question takes beside the paths of its logs; all of it may be left out."""

    store: Store | Path | str | None
    """Where rows are kept. None: a temporary store. Without paths everything in it is charged."""
    prices: Catalogue | Sequence[Path]
    """A catalogue, or price files of your own on top of the one that is shipped."""
    options: ReplayOptions | None
    """Which rows are charged and how: period, condition, zone, price days, seed."""
    reading: IngestOptions | None
    """How files are read: source, owners, what becomes of problems."""
    memory_limit: str
    """Of the engine: ``70%`` of the machine's memory, or ``4GB``."""
    progress: Progress | None
    """Told how far the reading is."""
    ingested: Callable[[IngestSummary], None] | None
    """Told what the reading did."""


@contextmanager
def opened_logs(
    verb: str, paths: Sequence[Path | str], **logs: Unpack[Logs]
) -> Iterator[tuple[Store, Catalogue, ReplayOptions]]:
    """The store with everything read into it, the catalogue, and the options narrowed to what was read.

    UsageError where there is nothing to ``verb``.
    """
    given, where = logs.get("store"), [str(path) for path in paths]
    if not where and given is None:
        raise UsageError(f"there is nothing to {verb}", hint="name log files, or a store")
    options = logs.get("options") or ReplayOptions(now=now())
    prices = logs.get("prices", ())
    catalogue = prices if isinstance(prices, Catalogue) else load(list(prices), now=options.now)
    with opened_store(given, reading=not where, memory_limit=logs.get("memory_limit", MEMORY)) as store:
        sources = tuple(shown(path) for path in where) or (Path(str(store.path)).name,)
        options = replace(options, sources=options.sources or sources)
        if where:
            summary = ingest(store, where, logs.get("reading"), logs.get("progress"))
            options = replace(options, file_keys=tuple(summary.file_keys))
            if told := logs.get("ingested"):
                told(summary)
        yield store, catalogue, options


def opened_store(
    store: Store | Path | str | None, *, reading: bool = False, memory_limit: str = MEMORY
) -> AbstractContextManager[Store]:
    """A store that is closed at the end if it was opened here; ``reading`` leaves it to other readers too."""
    if isinstance(store, Store):
        return nullcontext(store)
    path = None if store is None else Path(store)
    if reading and path is not None and not path.exists():
        raise UsageError(
            f"there is no store at {path}", hint="llmcost ingest PATH... makes one; or name log files to simulate"
        )
    return Store(path, read_only=reading and path is not None, memory_limit=memory_limit)


def now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000
