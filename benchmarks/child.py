"""One task in a process of its own, for its peak memory: ``python -m benchmarks.child TASK FILE STORE``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import cpu_seconds, watched_memory

Figures = dict[str, Any]


def _ingest(source: Path, target: Path) -> Figures:
    from llmcost.ingest.run import ingest
    from llmcost.usage import pandas
    from llmcost.usage.store import Store

    pandas.keep_out()  # as the command does
    with Store(target) as store:
        found = ingest(store, [str(source)])
    return {"rows": found.ingested, "records": found.read}


def _duckdb(source: Path, target: Path) -> Figures:
    """DuckDB's own reading of the file into a table of a database file: the yardstick."""
    import duckdb

    name = str(source).replace("'", "''")
    with duckdb.connect(str(target)) as connection:
        connection.execute("SET preserve_insertion_order = false")
        for reader in _readers(source.suffix):
            try:
                connection.execute(f"CREATE TABLE rows AS SELECT * FROM {reader.replace('?', name)}")
            except duckdb.Error:
                continue  # what it cannot read as a table it reads as text
            break
        found = connection.execute("SELECT count(*) FROM rows").fetchone()
    return {"rows": int(found[0]) if found else 0, "reader": reader.partition("(")[0]}


def _readers(suffix: str) -> list[str]:
    ways = {
        ".parquet": "read_parquet('?')",
        ".jsonl": "read_json('?', format = 'newline_delimited')",
        ".json": "read_json('?', maximum_object_size = 1000000000)",
        ".csv": "read_csv('?', sample_size = 20480)",
    }
    return [*([ways[suffix]] if suffix in ways else []), "read_text('?')"]


_TASKS: Final[dict[str, Callable[[Path, Path], Figures]]] = {"ingest": _ingest, "duckdb": _duckdb}


def main() -> None:
    """Runs the task on an empty target and prints its figures as JSON."""
    task, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    target.unlink(missing_ok=True)
    wall, cpu = time.perf_counter(), cpu_seconds()
    with watched_memory() as peak:
        found = _TASKS[task](source, target)
        figures = {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu, "peak_mb": peak(), **found}
    print(json.dumps(figures))  # the answer to the parent process


if __name__ == "__main__":
    main()
