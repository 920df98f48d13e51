"""The seeds: the made-up exports of sample_logs/ and the case files, each cut down to a few records of every shape."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from llmcost.errors import UsageError
from llmcost.ingest.recognise import recognise
from llmcost.records import Sample
from llmcost.records.contract import Form
from llmcost.records.files import Stdin, sample
from llmcost.sources import SOURCES
from scripts.fuzz.seed import Seed
from tests.sources.cases import CaseFile, case_files, sample_of

ROOT: Final = Path(__file__).parent.parent.parent
_LINES: Final = 8
_SAME_SHAPE: Final = 2
_LIST: Final = 3
_TEXT: Final = 600


def seeds() -> dict[str, list[Seed]]:
    """The seeds of every source, from the project's own files: the same on every machine."""
    found: dict[str, list[Seed]] = {name: [] for name in SOURCES.names()}
    for seed in [*_twins(), *_cases()]:
        found[seed.source].append(seed)
        if "parquet" in SOURCES.load(seed.source).forms and (packed := _packed(seed)) is not None:
            found[seed.source].append(packed)
    return found


def real_seeds(folder: Path) -> Iterator[Seed]:
    """Seeds from real samples, where a machine has them."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".md" and (seed := seed_of(path.name, path.read_bytes())):
            yield seed


def _twins() -> Iterator[Seed]:
    for folder in sorted((ROOT / "sample_logs").iterdir()):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and path.name != "expected.json" and (seed := seed_of(path.name, path.read_bytes())):
                yield seed


@cache
def _case_files() -> list[CaseFile]:
    return case_files()


def _cases() -> Iterator[Seed]:
    for file in _case_files():
        for case in file.cases:
            found = sample_of(SOURCES.load(file.name), case)
            data = _written(found)
            if data:
                yield Seed(file.name, found.name, found.form, data)


def _written(found: Sample) -> bytes:
    if found.form == "text":
        return found.head.encode() or "\n".join(map(str, found.records)).encode()
    if found.form == "csv":
        return _table([found.header, *([str(row.get(name, "")) for name in found.header] for row in found.objects())])
    if found.form == "parquet":
        return b""
    if found.form == "json" and len(found.records) > 1:
        return json.dumps(found.records, default=float).encode()
    return "\n".join(json.dumps(record, default=float) for record in found.records).encode()


def _table(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _packed(seed: Seed) -> Seed | None:
    from scripts.fuzz.mutate import as_parquet

    found = sample(Stdin(io.BytesIO(seed.data)))
    rows = tuple(json.loads(json.dumps(r, default=float)) for r in found.records) if isinstance(found, Sample) else ()
    data = as_parquet(rows)
    return Seed(seed.source, seed.name, "parquet", data, rows) if data else None


def seed_of(name: str, stored: bytes) -> Seed | None:
    """A file cut down to a seed; None when no source knows it."""
    data = gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored
    found = sample(Stdin(io.BytesIO(data), name=name))
    if not isinstance(found, Sample):
        return None
    try:
        known = recognise(found)
    except UsageError:
        return None
    if known is None:
        return None
    return Seed(known[0], name, found.form, _smaller(found.form, data))


def _smaller(form: Form, data: bytes) -> bytes:
    text = data.decode("utf-8-sig", errors="replace")
    if form == "jsonl":
        return "\n".join(_chosen(line for line in text.split("\n") if line.strip())).encode()
    if form == "json":
        try:
            return json.dumps(_pruned(json.loads(text))).encode()
        except ValueError:
            return data[:20_000]
    if form == "csv":
        rows = list(csv.reader(io.StringIO(text), delimiter=";" if text.partition("\n")[0].count(";") > 2 else ","))
        return _table([rows[0], *rows[1 : 1 + _LINES]])
    return "\n".join(text.split("\n")[:40]).encode()


def _chosen(lines: Iterable[str]) -> Iterator[str]:
    """A few lines of every shape."""
    seen: dict[str, int] = {}
    number = 0
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        shape = _shape(value)
        seen[shape] = seen.get(shape, 0) + 1
        if seen[shape] <= _SAME_SHAPE and number < _LINES:
            number += 1
            yield json.dumps(_pruned(value, 8))


def _shape(value: Any, depth: int = 0) -> str:
    if isinstance(value, dict) and depth < 3:
        return "{" + ",".join(f"{key}:{_shape(child, depth + 1)}" for key, child in sorted(value.items())) + "}"
    return type(value).__name__


def _pruned(value: Any, most: int = _LIST) -> Any:
    if isinstance(value, dict):
        return {key: _pruned(child, most) for key, child in value.items()}
    if isinstance(value, list):
        return [_pruned(child, most) for child in value[:most]]
    if isinstance(value, str) and len(value) > _TEXT and value[:1] not in "{[" and "data:" not in value[:200]:
        return value[:_TEXT]
    return value
