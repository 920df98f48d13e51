"""Ingests a table of a database: chunk by chunk, each in a transaction of its own, and later from where it stopped.

A kill in the middle leaves the store at the last whole chunk, together with the place up to which it was read. A later
run reads what came behind that place, and once more what lies up to an hour before it (``?overlap=``): rows are written
when a call ends and carry the time when it began. What is read twice is a duplicate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from llmcost.errors import NothingIngestedError, UsageError
from llmcost.ingest.account import IngestedFile, IngestOptions, IngestSummary, Progress, joined
from llmcost.records.files import Stdin
from llmcost.records.postgres import Chunk, Database, Mark, Session, database, earlier
from llmcost.sources import SOURCES
from llmcost.usage.store import Store

SOURCE: Final = "litellm-spend-logs"
"""What a table is read as unless ``--source`` says otherwise."""
Ingest = Callable[[Store, Stdin, IngestOptions, Callable[[], None]], IngestSummary]
"""Reads one chunk as a file in one transaction, in which the given function is called last."""


def ingest_database(
    store: Store, path: str, options: IngestOptions, progress: Progress | None, ingest: Ingest
) -> IngestSummary:
    """The table that ``path`` names, as far as the store does not hold it yet.

    Raises UsageError for what cannot be right, DatabaseError when it cannot be reached or breaks off, and
    NothingIngestedError for a table without rows; chunks before stay.
    """
    target = database(path)
    name = options.source or SOURCE
    if options.mapping is None and "parquet" not in SOURCES.load(name).forms:
        raise UsageError(
            f"a table cannot be read as {name}",
            where=target.label,
            hint=f"--source {SOURCE} is what a table is read as",
        )
    reading = replace(options, source=None if options.mapping is not None else name)
    mark = _mark(store, target, name)
    summaries: list[IngestSummary] = []
    read = 0
    with Session(target) as session:
        for chunk in session.chunks(earlier(mark, target.overlap) if mark else None):
            mark = max(mark, chunk.keep) if mark else chunk.keep
            keep = _keeper(store, target, name, mark)
            summaries.append(ingest(store, _file(target, chunk), reading, keep))
            read += chunk.rows.nbytes
            if progress is not None:
                progress(target.name, read, None)
    if not summaries and mark is None:
        raise NothingIngestedError("there are no rows in it", where=target.name, why="the store was left as it was")
    return _one(joined(summaries), store, target, name)


def _file(target: Database, chunk: Chunk) -> Stdin:
    return Stdin(chunk.parquet(), name=f"{target.name} up to {chunk.last.started_at}")


def _key(target: Database, source: str) -> str:
    """The store's note of how far a table was read: under a digest, with nothing of the connection but its label."""
    return "read " + hashlib.blake2b(f"{target.name}\x1f{source}".encode(), digest_size=16).hexdigest()


def _mark(store: Store, target: Database, source: str) -> Mark | None:
    noted = store.value("SELECT value FROM meta WHERE key = ?", [_key(target, source)])
    return Mark(**json.loads(str(noted))["mark"]) if noted else None


def _keeper(store: Store, target: Database, source: str, mark: Mark) -> Callable[[], None]:
    def keep() -> None:
        key = _key(target, source)
        note = {"table": target.name, "mark": {"started_at": mark.started_at, "request_id": mark.request_id}}
        store.execute("DELETE FROM meta WHERE key = ?", [key])
        store.execute("INSERT INTO meta VALUES (?, ?)", [key, json.dumps(note)])

    return keep


def _one(summary: IngestSummary, store: Store, target: Database, source: str) -> IngestSummary:
    """The chunks told as one file, which has the keys of all chunks ever read of this table."""
    keys = [
        int(key)
        for (key,) in store.rows(
            "SELECT DISTINCT file_key FROM files WHERE starts_with(name, ?) AND source = ?",
            [f"{target.name} up to ", source],
        )
    ]
    counts = {name: sum(getattr(file, name) for file in summary.files) for name in ("read", "rejected", "skipped")}
    summary.files = [IngestedFile(target.name, source, **counts, keys=tuple(keys))]
    return summary
