"""Stores filled from rows, and what they hold."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from llmcost.ingest.run import IngestOptions, IngestSummary, ingest
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store

Rows = Sequence[Mapping[str, Any]]


def write(path: Path, rows: Rows) -> Path:
    path.write_text("".join(json.dumps(dict(row)) + "\n" for row in rows))
    return path


ROWS = IngestOptions(source="usage-rows")


def filled(files: Iterable[Path], *, at_once: bool = True, options: IngestOptions = ROWS) -> str:
    """Digest of a new store with these files, read in one ingest or one by one; every account must add up."""
    with Store() as store:
        groups = [list(files)] if at_once else [[file] for file in files]
        for group in groups:
            balanced(ingest(store, [str(file) for file in group], options))
        return store_digest(store) + memberships(store)


def balanced(summary: IngestSummary) -> IngestSummary:
    """The summary, whose records are all accounted for."""
    parts = (summary.ingested, summary.duplicates, summary.superseded, summary.rejected)
    assert min(parts) >= 0
    assert summary.read == sum(parts)
    return summary


def memberships(store: Store) -> str:
    """Which file holds which row, as text; a row's own file is one of them."""
    rows = store.rows(
        "SELECT identity::VARCHAR, file_key FROM usage UNION SELECT identity::VARCHAR, file_key FROM membership "
        "WHERE identity IN (SELECT identity FROM usage) ORDER BY ALL"
    )
    return repr(rows)
