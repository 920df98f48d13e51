"""Turns a benchmark's result file into a throughput file of the user's own.

A record is recognised by its fields, whatever the file is called. Runs of one replica become one series, so that the model
of a replica can tell prefill, decode and load apart. What is no measurement is told with its place and reason.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from llmcost.errors import UsageError
from llmcost.hosting.benchfiles import BENCHFILES
from llmcost.hosting.benchmark import BenchFile, NoMeasurementError, Record, Run
from llmcost.hosting.schema import Load, Point, Series, ThroughputFile

_DIGITS: Final = 6


@dataclass(frozen=True)
class Replica:
    """What the user says about the replica; what a file says itself must not contradict it."""

    gpu: str | None = None
    gpus: int | None = None
    precision: str | None = None
    model: str | None = None
    stack: str | None = None


@dataclass(frozen=True)
class Imported:
    """The series of a file, and the records that are no measurement, with place and reason."""

    file: ThroughputFile
    format: str
    runs: int
    rejected: tuple[str, ...] = ()


def read_benchmark(path: Path, replica: Replica, day: date) -> Imported:
    """The measurements of a file; UsageError where it holds none or what the user says does not fit."""
    records = list(_records(path))
    name, format_ = _format(path, [record for _, record in records])
    groups: dict[tuple[Any, ...], list[Point]] = {}
    rejected: list[str] = []
    for place, record in records:
        where = f"{path.name}:{place}" if len(records) > 1 else path.name
        try:
            run = _run(format_, record)
        except NoMeasurementError as error:
            rejected.append(f"{where}: {error}")
            continue
        key, gpus = _replica(run, replica, where)
        groups.setdefault(key, []).append(_point(run, gpus))
    if not groups:
        raise UsageError("no run in it is a measurement", where=str(path), why="; ".join(rejected[:3]) or "it is empty")
    series = tuple(_series(key, points, path, name, day) for key, points in groups.items())
    return Imported(ThroughputFile(series=series), format_.title, sum(map(len, groups.values())), tuple(rejected))


def _run(format_: BenchFile, record: Record) -> Run:
    if not format_.claims(record):
        raise NoMeasurementError(f"it is no result of {format_.title.partition(':')[0]}")
    return format_.read(record)


def _format(path: Path, records: Sequence[Record]) -> tuple[str, BenchFile]:
    for record in records[:20]:
        claimed = [(name, found) for name, found in BENCHFILES if found.claims(record)]
        if claimed:
            return claimed[0]
    titles = ", ".join(found.title for _, found in BENCHFILES)
    raise UsageError("is no benchmark result that is known here", where=str(path), why=f"known: {titles}")


def _records(path: Path) -> Iterator[tuple[int, Record]]:
    """(line or number, record) of a JSON, JSONL, CSV or Parquet file."""
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            import pyarrow.parquet as pq

            yield from enumerate(pq.read_table(path).to_pylist(), 1)
            return
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    except (UnicodeDecodeError, ValueError) as error:
        raise UsageError("is neither text nor Parquet", where=str(path)) from error
    if path.suffix.lower() == ".csv":
        yield from enumerate(csv.DictReader(text.splitlines()), 2)
        return
    yield from _json_records(path, text)


def _json_records(path: Path, text: str) -> Iterator[tuple[int, Record]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        yield from _lines(path, text)
        return
    rows = whole
    if isinstance(whole, dict):
        lists = [value for key, value in whole.items() if key in {"rows", "results", "data", "benchmarks"}]
        rows = lists[0] if lists and isinstance(lists[0], list) else [whole]
    yield from ((n, row) for n, row in enumerate(rows if isinstance(rows, list) else [], 1) if isinstance(row, dict))


def _lines(path: Path, text: str) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError("is no JSON", where=f"{path}:{number}") from error
        if isinstance(row, dict):
            yield number, row


def _replica(run: Run, given: Replica, where: str) -> tuple[tuple[Any, ...], int]:
    """What one series has in common, and its GPUs."""
    if given.gpus is not None and run.gpus is not None and given.gpus != run.gpus:
        raise UsageError(f"it ran on {run.gpus} GPUs, not {given.gpus}", where=where, hint="leave --gpus out")
    gpus, model, gpu = run.gpus or given.gpus, given.model or run.model, given.gpu or run.gpu
    missing = [option for option, value in (("--gpus", gpus), ("--name", model), ("--gpu", gpu)) if not value]
    if missing or gpus is None:
        raise UsageError(
            f"the file does not say it: {', '.join(missing)}", where=where, hint="give it, it is of this replica"
        )
    load: Load = "offline" if run.concurrency is None else "served"
    precision, stack = given.precision or run.precision or "", given.stack or run.stack
    return (model, gpu, gpus, run.parallelism or "", precision, stack, load), gpus


def _point(run: Run, gpus: int) -> Point:
    def short(value: float | None) -> float | None:
        return None if value is None else float(f"{value:.{_DIGITS}g}")

    return Point.model_validate(
        {
            "input_tokens": short(run.input_tokens),
            "output_tokens": short(run.output_tokens),
            "concurrency": short(run.concurrency),
            "output_tokens_per_second_per_gpu": short(run.output_tokens_per_second / gpus),
            "time_to_first_token_ms": short(run.ttft_ms),
            "time_per_output_token_ms": short(run.tpot_ms),
        }
    )


def _series(key: tuple[Any, ...], points: list[Point], path: Path, name: str, day: date) -> Series:
    model, gpu, gpus, parallelism, precision, stack, load = key
    ordered = sorted(points, key=lambda p: (p.input_tokens, p.output_tokens, p.concurrency or 0))
    return Series(
        model=model, gpu=gpu, gpus=gpus, parallelism=parallelism, precision=precision, stack=stack, load=load,
        source=f"{path.name} ({name})", checked=day, confidence="user", points=tuple(ordered),
    )  # fmt: skip


def dumps(file: ThroughputFile) -> str:
    """The file as TOML that :func:`llmcost.hosting.catalogue.read` reads back to the same."""
    parts = ["# Throughput of replicas, measured. Tokens per second are by GPU, latencies medians in ms.\n"]
    for series in file.series:
        lines = ["[[series]]"]
        for name in (
            "model",
            "gpu",
            "gpus",
            "parallelism",
            "precision",
            "stack",
            "load",
            "source",
            "checked",
            "confidence",
        ):
            value = getattr(series, name)
            if value not in ("", None):
                lines.append(f"{name} = {_toml(value)}")
        rows = [
            ", ".join(f"{name} = {_toml(value)}" for name, value in point.model_dump(exclude_none=True).items())
            for point in series.points
        ]
        lines += ["points = [", *(f"  {{ {row} }}," for row in rows), "]"]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _toml(value: object) -> str:
    if isinstance(value, str):
        # JSON's escapes are TOML's, but for the delete character, which TOML does not take as it is.
        sound = value.encode("utf-8", "replace").decode()
        return json.dumps(sound, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)
