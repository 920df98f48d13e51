"""Measures llmcost on made-up logs beside DuckDB, hand-written SQL and price libraries in a loop.

``python -m scripts.bench [--rows 10_000_000]`` prints tables and writes ``out/bench.json``. Everything made lies in
``out/bench`` and is used again. Ratios mean something on any machine, seconds only on a quiet one.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks import files, replays, sources, table
from benchmarks.measure import ROOT, environment, machine

PARTS: Final = ("ingest", "bodies", "sources", "scenarios", "start")
_WIDTH: Final = 130
"""Columns where no terminal says how wide it is: names of scenarios should not be cut."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures llmcost on made-up logs.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="requests to make up (default 1,000,000)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each scenario, of which the median counts")
    parser.add_argument("--bodies-mb", type=int, default=200, help="size of the log with bodies, MB")
    parser.add_argument("--source-mb", type=int, default=1, help="size of each source's log at 1x, MB")
    parser.add_argument("--source", help="one folder of sample_logs, for the part sources")
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="where bench.json and the logs go")
    parser.add_argument("--only", choices=PARTS, action="append", help="parts to run (repeatable)")
    parser.add_argument("--page", type=Path, help="write the tables as a Markdown page too (docs/benchmarks.md)")
    return parser.parse_args()


def main() -> None:
    """Runs the parts that were asked for, prints them and writes the report."""
    options = _arguments()
    os.environ.update(environment())
    wanted = options.only or PARTS
    folder, piped = options.out / "bench", not sys.stdout.isatty()
    console = Console(width=_WIDTH if piped else None)
    report: dict[str, Any] = {"rows": options.rows, "machine": machine(), "ingest": [], "more": {}}
    if "ingest" in wanted:
        report["ingest"] += files.usage_rows(folder, options.rows)
    if "bodies" in wanted:
        line, more = files.bodies(folder, options.bodies_mb)
        report["ingest"].append(line)
        report["more"] |= more
    if "sources" in wanted:
        report["sources"] = []
        for line in sources.measure(folder, options.source_mb, options.source):
            print(f"{line['source']} {line['file']}: {line.get('failed', 'measured')}", file=sys.stderr)
            report["sources"].append(line)
    if "scenarios" in wanted:
        report |= replays.measure(files.store(folder, options.rows), options.rows, options.repeat, report["more"])
    if "start" in wanted:
        report["more"] |= files.start_up(sys.executable, options.repeat)
    table.show(report, console)
    target = options.out / "bench.json"
    target.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {target}")
    if options.page:
        command = shlex.join([".venv/bin/python", "-m", "scripts.bench", *sys.argv[1:]])
        options.page.write_text(table.page(report, command, f"{datetime.now(UTC):%Y-%m-%d}"), encoding="utf-8")


if __name__ == "__main__":
    main()
