"""FOCUS of made-up requests: rows a second, peak memory, and what the Foundation's rules say of the file.

Run as ``python -m benchmarks.focus [REQUESTS] [--model MODEL.json --currencies CSV] [--form csv] [--version 1.2]``. The best
published figure is tokencur's: 4 million rows from a million messages in 55.9 s with 1.1 GB (its README, read 2026-11-23,
another machine: i7-1355U).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.generate import usage_parquet
from benchmarks.measure import ROOT, environment, peak_mb
from llmcost import api
from llmcost.results.options import ReplayOptions
from llmcost.usage.store import Store

PEER_SECONDS: Final = 55.9
PEER_ROWS: Final = 4_000_000
PEER_GB: Final = 1.1
NOW: Final = 1_793_000_000_000_000
"""An instant after the made-up month, so that two runs price alike."""
_MODEL: Final = Path("focus") / "model-1.2.json"
_CURRENCIES: Final = Path("focus") / "currency_codes.csv"


@dataclass(frozen=True)
class Exported:
    """One export in a process of its own."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    size_mb: float

    def text(self, name: str) -> str:
        """The export beside the peer's figure."""
        rate, peer = self.rows / self.seconds, PEER_ROWS / PEER_SECONDS
        return (
            f"{name}: {self.rows:,} rows in {self.seconds:.1f} s, {rate:,.0f} rows a second ({rate / peer:.1f} x the best peer's "
            f"{peer:,.0f}; {self.rows / self.cpu_seconds:,.0f} a second of one processor), peak {self.peak_mb:,.0f} MB ({PEER_GB} GB there), file {self.size_mb:,.0f} MB"
        )


def store_of(folder: Path, requests: int) -> Path:
    """A store of made-up requests."""
    store = folder / "bench.duckdb"
    with Store(store) as opened:
        api.ingest_files(opened, usage_parquet(folder, requests))
    return store


def exported(store: Path, out: Path, version: str, memory: str) -> Exported:
    """Exports in a new process, so that its time is from a warm start and its peak is its own."""
    line = [sys.executable, "-m", "benchmarks.focus", "--child", str(store), str(out), version, memory]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, env=environment())
    if done.returncode:
        raise RuntimeError(f"the export failed: {done.stderr.strip().splitlines()[-1:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return Exported(answer["rows"], answer["seconds"], answer["cpu"], answer["peak_mb"], out.stat().st_size / 1e6)


def _child(store: Path, out: Path, version: str, memory: str) -> None:
    began, cpu = time.monotonic(), time.process_time()
    done = api.export_focus(
        out,
        store=store,
        options=ReplayOptions(now=NOW),
        memory_limit=memory,
        version="1.3" if version == "1.3" else "1.2",
    )
    print(
        json.dumps(
            {
                "rows": done.rows,
                "seconds": time.monotonic() - began,
                "cpu": time.process_time() - cpu,
                "peak_mb": peak_mb(),
            }
        )
    )


def main() -> None:
    """Ingests once, exports, and checks the CSV where the model is at hand."""
    if sys.argv[1:2] == ["--child"]:
        _child(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5])
        return
    shared = Path(os.environ.get("LLMCOST_SHARED_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requests", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--model", type=Path, default=shared / _MODEL)
    parser.add_argument("--currencies", type=Path, default=shared / _CURRENCIES)
    parser.add_argument("--form", action="append", choices=["csv", "csv.gz", "csv.zst", "parquet"])
    parser.add_argument("--version", default="1.2", choices=["1.2", "1.3"])
    parser.add_argument("--memory", default="1GB", help="What the engine may hold.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.monotonic()
        store = store_of(folder, given.requests)
        print(f"{given.requests:,} requests ingested in {time.monotonic() - began:.1f} s", flush=True)
        for form in given.form or ["csv"]:
            out = folder / f"focus.{form}"
            print(exported(store, out, given.version, given.memory).text(form), flush=True)
            if form != "parquet" and given.model.exists():
                from scripts.focus_check import check

                began, cpu = time.monotonic(), time.process_time()
                found = check(given.model, given.currencies, out)
                print(
                    f"checked in {time.monotonic() - began:.1f} s ({time.process_time() - cpu:.1f} s of processors): {found.text()}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
