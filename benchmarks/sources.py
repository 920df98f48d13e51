"""Measures every source that has a sample log: its sample made larger, at 1x and 10x, beside DuckDB's own read of the same file.

A source is found by its folder in ``sample_logs``; there is nothing to add for a new one. Of each folder the largest
file of each kind is repeated, each time with other request ids, so that the copies are other calls.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import ROOT, in_child

SAMPLES: Final = ROOT / "sample_logs"
TIMES: Final = 10
_HEX: Final = re.compile(rb"[0-9a-f-]{12,}")
_SHORTEST: Final = 6
_MOST_IDS: Final = 20_000


def measure(folder: Path, megabytes: float, only: str | None = None) -> Iterator[dict[str, Any]]:
    """One line of figures for each kind of file of each source, as they come; ``only`` names one folder."""
    for name, path in samples(only):
        target = folder / "sources" / name
        line: dict[str, Any] = {"source": name, "file": path.name}
        try:
            line |= _figures(path, target, megabytes)
        except RuntimeError as error:
            line["failed"] = str(error)
        finally:
            shutil.rmtree(target, ignore_errors=True)
        yield line


def samples(only: str | None = None) -> list[tuple[str, Path]]:
    """(source, file) for the largest file of each kind in each folder of samples."""
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(SAMPLES.glob("*/**/*")):
        source = path.relative_to(SAMPLES).parts[0]
        if not path.is_file() or path.name == "expected.json" or only not in {None, source}:
            continue
        kind = source, _kind(path)
        if kind not in found or _size(path) > _size(found[kind]):
            found[kind] = path
    return [(source, path) for (source, _), path in sorted(found.items())]


def _kind(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix


def _size(path: Path) -> int:
    return len(_content(path)) if path.suffix == ".gz" else path.stat().st_size


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _figures(path: Path, target: Path, megabytes: float) -> dict[str, Any]:
    store = target / "store.duckdb"
    small = in_child("ingest", larger(path, target / "x1", int(megabytes * 1_000_000)), store)
    large = larger(path, target / f"x{TIMES}", int(megabytes * TIMES * 1_000_000))
    size = large.stat().st_size / 1e6
    big, plain = in_child("ingest", large, store), in_child("duckdb", large, target / "plain.duckdb")
    return {
        "mb": size, "records": big["records"], "rows": big["rows"], "wall": big["wall"], "cpu": big["cpu"],
        "records_per_second": big["records"] / big["wall"], "mb_per_second": size / big["wall"],
        "duckdb_wall": plain["wall"], "reader": plain["reader"], "ratio": big["wall"] / plain["wall"],
        "peak_mb": small["peak_mb"], "peak_mb_x10": big["peak_mb"],
    }  # fmt: skip


def larger(path: Path, folder: Path, size: int) -> Path:
    """The sample repeated until it has about ``size`` bytes, uncompressed, each time with other request ids."""
    content = _content(path)
    target = folder / (path.stem if path.suffix == ".gz" else path.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".parquet":
        raise RuntimeError("a Parquet sample is not made larger")
    head, body = _head(target, content)
    if not body.endswith(b"\n"):
        body += b"\n"
    pieces = _between(body, _ids(path))
    with target.open("wb") as file:
        file.write(head)
        copy = 0
        while not copy or file.tell() < size:
            file.write(_numbered(pieces, copy))
            copy += 1
    return target


def _head(path: Path, content: bytes) -> tuple[bytes, bytes]:
    """What stands once: the header of a CSV, and what its export writes before it."""
    if path.suffix != ".csv":
        return b"", content
    from llmcost.records.delimited import dialect_of

    dialect = dialect_of(content[:65536].decode(errors="replace"))
    if dialect is None:
        return b"", content
    name = dialect.header[0].encode()
    end = content.find(b"\n", max(content.find(name), 0)) + 1
    return content[:end], content[end:]


@cache
def _ids(path: Path) -> list[bytes]:
    """The ids of the sample's requests, as our own reading of it finds them."""
    from llmcost.ingest.run import ingest
    from llmcost.usage.store import Store

    with Store() as store:
        ingest(store, [str(path)])
        rows = store.rows(
            f"SELECT DISTINCT request_id FROM usage WHERE length(request_id) >= {_SHORTEST} LIMIT {_MOST_IDS}"
        )
    # Some are made of several ids of the log (trace and span).
    parts = {part for (each,) in rows for part in (each, *each.split(":")) if len(part) >= _SHORTEST}
    return sorted((part.encode() for part in parts), key=len, reverse=True)


def _between(body: bytes, ids: list[bytes]) -> list[bytes]:
    """The body cut at its ids: text and id in turn, text at both ends."""
    if not ids:
        return [body]
    return re.split(b"(" + b"|".join(re.escape(each) for each in ids) + b")", body)


def _numbered(pieces: list[bytes], copy: int) -> bytes:
    return b"".join(_other(piece, copy) if place % 2 else piece for place, piece in enumerate(pieces))


def _other(each: bytes, copy: int) -> bytes:
    """Another id of the same form: hexadecimal ids keep their length, others grow a number."""
    if not copy:
        return each
    if _HEX.fullmatch(each):
        return b"%06x" % (int(each[:6].replace(b"-", b"0"), 16) ^ (copy * 0x9E3779 & 0xFFFFFF)) + each[6:]
    return each + (b"0000%d" if each.isdigit() else b"x%d") % copy
