"""One task in a process of its own, for its peak memory: ``python -m benchmarks.child TASK FILE STORE``."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.measure import peak_mb


def _ingest(source: Path, target: Path) -> int:
    from llmcost.ingest.run import ingest
    from llmcost.usage.store import Store

    with Store(target) as store:
        return ingest(store, [str(source)]).ingested


def _duckdb(source: Path, target: Path) -> int:
    """DuckDB's own reading of the file into a table of a database file: the yardstick."""
    import duckdb

    name = str(source).replace("'", "''")
    reader = (
        f"read_parquet('{name}')"
        if source.suffix == ".parquet"
        else f"read_json('{name}', format = 'newline_delimited')"
    )
    with duckdb.connect(str(target)) as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"CREATE TABLE rows AS SELECT * FROM {reader}")
        found = connection.execute("SELECT count(*) FROM rows").fetchone()
    return int(found[0]) if found else 0


_TASKS: Final[dict[str, Callable[[Path, Path], int]]] = {"ingest": _ingest, "duckdb": _duckdb}


def main() -> None:
    """Runs the task on an empty target and prints its figures as JSON."""
    task, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    target.unlink(missing_ok=True)
    wall, cpu = time.perf_counter(), time.process_time()
    rows = _TASKS[task](source, target)
    figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "peak_mb": peak_mb(), "rows": rows}
    print(json.dumps(figures))  # noqa: T201  # the answer to the parent process


if __name__ == "__main__":
    main()
