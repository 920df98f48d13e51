"""Mutates whole files: records spoilt inside, then bytes cut, spliced, mixed, recoded, packed and cut short.

Every choice is a method of ``random.Random``, so that a seed repeats an input, and hypothesis can make the choices and shrink them.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from random import Random
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from scripts.fuzz.odd import TEXTS, TOKENS
from scripts.fuzz.records import doubled_key, dump, spoil_json, spoil_table, spoil_text
from scripts.fuzz.seed import Seed

LARGEST: Final = 256 * 1024
"""Bytes of an input: what takes long at this size would take for ever at a hundred times it."""


def mutate(seed: Seed, rng: Random, others: Sequence[Seed]) -> bytes:
    """The bytes of one input."""
    data = _spoilt(seed, rng) if rng.random() < 0.75 else seed.data
    for _ in range(rng.choice((0, 0, 0, 1, 1, 3))):
        data = rng.choice(_BYTES)(data, rng, others)[:LARGEST]
    return rng.choice(_PACKED)(data, rng)[:LARGEST] if rng.random() < 0.12 else data[:LARGEST]


def _spoilt(seed: Seed, rng: Random) -> bytes:
    if seed.form == "parquet":
        return as_parquet([spoil_json(row, rng) if rng.random() < 0.5 else row for row in seed.rows], rng) or seed.data
    text = seed.data.decode(errors="replace")
    if seed.form == "csv":
        text = spoil_table(text, rng)
    elif seed.form == "json":
        text = _spoilt_json(text, rng)
    elif seed.form == "jsonl":
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        lines[at] = _spoilt_json(lines[at], rng)
        text = "\n".join(lines)
    else:
        text = spoil_text(text, rng)
    if rng.random() < 0.05 and seed.form in {"json", "jsonl"}:
        text = doubled_key(text, rng)
    return text.encode(errors="surrogatepass")


def _spoilt_json(text: str, rng: Random) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return spoil_text(text, rng)
    return dump(spoil_json(value, rng))


_CASTS: Final = (
    pa.timestamp("us"), pa.timestamp("ns", "Asia/Tokyo"), pa.timestamp("s"), pa.date32(), pa.float32(), pa.float64(), pa.uint8(), pa.uint64(),
    pa.decimal128(38, 9), pa.decimal256(60, 0), pa.binary(), pa.string(), pa.large_string(), pa.bool_(), pa.duration("us"), pa.time64("us"),
    pa.dictionary(pa.int32(), pa.string()), pa.null(), pa.list_(pa.string()), pa.map_(pa.string(), pa.int64()),
)  # fmt: skip
"""Types that a column may have instead of its own."""


def _recast(column: pa.Array, rng: Random) -> pa.Array:
    kind = rng.choice(_CASTS)
    try:
        if pa.types.is_list(kind):
            return pa.array([[value] for value in column.cast(pa.string()).to_pylist()], kind)
        if pa.types.is_map(kind):
            return pa.array([[("a", 1), ("a", 2)]] * len(column), kind)
        return column.cast(kind, safe=False)
    except (pa.ArrowException, ValueError, NotImplementedError):
        return pa.array([rng.choice((-1, 2**62, 10**9, None, 0)) for _ in range(len(column))], pa.int64()).cast(
            pa.timestamp("us")
        )


def as_parquet(rows: Sequence[Any], rng: Random | None = None) -> bytes | None:
    """Rows as Parquet; columns of mixed types as text, and with ``rng`` some of other types. None where they are no rows."""
    plain = [row for row in rows if isinstance(row, dict)]
    names = list(dict.fromkeys(str(name) for row in plain for name in row))
    if not plain or not names:
        return None
    columns = {}
    for name in names:
        values = [row.get(name) for row in plain]
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowException, OverflowError, ValueError, TypeError):
            columns[name] = pa.array([v if v is None or isinstance(v, str) else json.dumps(v) for v in values])
    if rng is not None:
        for name in rng.sample(names, min(len(names), rng.choice((0, 0, 1, 3)))):
            columns[name] = _recast(columns[name], rng)
    out = io.BytesIO()
    try:
        pq.write_table(pa.table(columns), out)
    except (pa.ArrowException, ValueError):
        return None
    return out.getvalue()


def _span(data: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.choice((1, 1, 4, 16, 64, 1000, len(data))))


def _cut(data: bytes, rng: Random, _others: Sequence[Seed]) -> bytes:
    start, end = _span(data, rng)
    return rng.choice((data[:start], data[start:], data[:start] + data[end:]))


def _double(data: bytes, rng: Random, _others: Sequence[Seed]) -> bytes:
    start, end = _span(data, rng)
    times = min(rng.choice((2, 3, 300)), LARGEST // max(end - start, 1) + 1)
    return data[:start] + data[start:end] * times + data[end:]


def _splice(data: bytes, rng: Random, others: Sequence[Seed]) -> bytes:
    other = rng.choice(others).data
    (start, _), (at, end) = _span(data, rng), _span(other, rng)
    return data[:start] + other[at:end] + (data[start:] if rng.random() < 0.5 else b"")


def _mixed(data: bytes, rng: Random, others: Sequence[Seed]) -> bytes:
    lines, strange = data.split(b"\n"), rng.choice(others).data.split(b"\n")
    for line in strange[:6]:
        lines.insert(rng.randrange(len(lines) + 1), line)
    return b"\n".join(lines)


def _shuffled(data: bytes, rng: Random, _others: Sequence[Seed]) -> bytes:
    lines = data.split(b"\n")
    rng.shuffle(lines)
    return b"\n".join(lines)


def _flipped(data: bytes, rng: Random, _others: Sequence[Seed]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 8)) if changed else 0):
        changed[rng.randrange(len(changed))] = rng.choice(
            (0, 0xFF, 0xC3, 0x80, 0x22, 0x5C, 0x0D, 0x0A, rng.randrange(256))
        )
    return bytes(changed)


def _inserted(data: bytes, rng: Random, _others: Sequence[Seed]) -> bytes:
    start, end = _span(data, rng)
    new = rng.choice(
        (
            rng.choice(TOKENS).encode(),
            rng.choice(TEXTS).encode(),
            b"\xff\xfe",
            b"\xed\xa0\x80",
            b"\0",
            b"\xef\xbb\xbf",
            b"\x1e",
            b"\x85",
        )
    )
    return data[:start] + new + data[start if rng.random() < 0.5 else end :]


def _line_ends(data: bytes, rng: Random, _others: Sequence[Seed]) -> bytes:
    ends = rng.choice((b"\r\n", b"\r", b"\n\n", b"\n \n", b"\n\r", b"", b" ", b",\n", b"\xc2\x85", b"\xe2\x80\xa8"))
    return data.replace(b"\n", ends) if rng.random() < 0.7 else data.replace(b"\n", ends, rng.randrange(1, 4))


def _regrouped(data: bytes, rng: Random, _others: Sequence[Seed]) -> bytes:
    lines = [line for line in data.split(b"\n") if line.strip()]
    return rng.choice(
        (
            b"[" + b",".join(lines) + b"]",
            b"[" + b",".join(lines),
            b"".join(lines),
            b'{"data":[' + b",".join(lines) + b"]}",
            b"# note\n" + data,
        )
    )


_BYTES: Final = (_cut, _cut, _double, _splice, _mixed, _shuffled, _flipped, _inserted, _line_ends, _regrouped)


def _gzip(data: bytes, rng: Random) -> bytes:
    packed = gzip.compress(data, 1, mtime=0)
    return rng.choice(
        (
            packed,
            packed[: rng.randrange(len(packed))],
            _flipped(packed, rng, ()),
            packed + packed,
            packed + data,
            packed[:-4],
        )
    )


def _zstd(data: bytes, rng: Random) -> bytes:
    packed = zstandard.ZstdCompressor(level=1, write_checksum=True).compress(data)
    return rng.choice((packed, packed[: rng.randrange(len(packed))], _flipped(packed, rng, ()), packed + packed))


def _recoded(data: bytes, rng: Random) -> bytes:
    text = data.decode(errors="replace")
    code = rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "utf-8-sig", "cp1252"))
    return text.encode(code, errors="replace")


_PACKED: Final = (_gzip, _zstd, _recoded)
