"""Measures reading files: ingest beside DuckDB's own read, with bodies beside hashing and tokenising, and start-up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from benchmarks.generate import bodies_jsonl, usage_jsonl, usage_parquet
from benchmarks.loops import hashing, tokenising
from benchmarks.measure import ROOT, command, in_child

_SAMPLE: Final = ROOT / "sample_logs" / "usage_rows" / "october.jsonl.gz"
_TOKENISED_MB: Final = 20


def _store_path(folder: Path, rows: int) -> Path:
    return folder / f"usage-{rows}.duckdb"


def store(folder: Path, rows: int) -> Path:
    """The store of the generated rows; ingested again when it is missing or of another version."""
    from llmcost.errors import LlmcostError
    from llmcost.usage.store import Store

    path = _store_path(folder, rows)
    try:
        with Store(path, read_only=True):
            return path
    except LlmcostError:
        in_child("ingest", usage_jsonl(folder, rows), path)
    return path


def usage_rows(folder: Path, rows: int) -> list[dict[str, Any]]:
    """Usage rows as JSONL, at a tenth and in full, and as Parquet; the store of the JSONL stays for the scenarios."""
    made = [
        (usage_jsonl(folder, rows // 10), rows // 10),
        (usage_parquet(folder, rows), rows),
        (usage_jsonl(folder, rows), rows),
    ]
    return [_beside_duckdb(path, _store_path(folder, number)) for path, number in made]


def _beside_duckdb(path: Path, target: Path) -> dict[str, Any]:
    plain = in_child("duckdb", path, target.with_suffix(".plain"))
    target.with_suffix(".plain").unlink(missing_ok=True)
    ours = in_child("ingest", path, target)
    if ours["rows"] != plain["rows"]:
        raise RuntimeError(f"{path.name}: DuckDB read {plain['rows']} rows, llmcost ingested {ours['rows']}")
    return _line(path, ours) | {
        "duckdb_wall": plain["wall"], "duckdb_peak_mb": plain["peak_mb"], "ratio": ours["wall"] / plain["wall"],
    }  # fmt: skip


def _line(path: Path, found: dict[str, Any]) -> dict[str, Any]:
    return {"file": path.name, **found, "mb_per_second": path.stat().st_size / 1e6 / found["wall"]}


def bodies(folder: Path, megabytes: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A log with bodies, and what hashing and tokenising alone reach over the same bytes."""
    path, small = bodies_jsonl(folder, megabytes), bodies_jsonl(folder, max(1, megabytes // 10))
    target = folder / "bodies.duckdb"
    tenth = in_child("ingest", small, target)
    line = _line(path, in_child("ingest", path, target))
    target.unlink(missing_ok=True)
    hashed = path.stat().st_size / 1e6 / hashing(path).wall
    took, size = tokenising(path, min(megabytes, _TOKENISED_MB))
    more = {
        "BLAKE2b alone over the bodies": {"figure": f"{hashed:,.0f} MB/s"},
        "tiktoken alone over the bodies": {"figure": f"{size / 1e6 / took.wall:,.1f} MB/s"},
        "ingest with bodies": {"figure": f"{line['mb_per_second']:,.1f} MB/s"},
        "peak memory, bodies x0.1 and x1": {
            "figure": f"{tenth['peak_mb']:,.0f} and {line['peak_mb']:,.0f} MB",
            "aim": "flat",
        },
    }
    return line, more


def start_up(python: str, repeat: int) -> dict[str, Any]:
    """The first commands a newcomer runs, as processes."""
    found: dict[str, Any] = {}
    sample = str(_SAMPLE.relative_to(ROOT))
    for name, arguments, aim in (
        (f"llmcost simulate {sample}", ["simulate", sample], "< 2 s"),
        ("llmcost --help", ["--help"], "< 0.3 s"),
    ):
        try:
            found[name] = {
                "figure": f"{command([python, '-m', 'llmcost', *arguments], max(3, repeat)).wall:.2f} s",
                "aim": aim,
            }
        except RuntimeError as error:
            found[name] = {"figure": f"failed: {error}", "aim": aim}
    return found
