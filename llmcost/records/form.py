"""Tells from the first bytes how a file is cut into records: JSONL, JSON, CSV, Parquet or lines of text."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from llmcost.records.columnar import MAGIC, parquet, parquet_header
from llmcost.records.contract import SAMPLE_BYTES, SAMPLE_RECORDS, Form, Problem, Record, Sample
from llmcost.records.cut import jsonl, text_lines
from llmcost.records.delimited import delimited, dialect_of
from llmcost.records.documents import closed, documents
from llmcost.records.inputs import Input, Stdin
from llmcost.records.jsontext import BadJsonError, decode, decode_all
from llmcost.records.streams import Stream, peek

LOOK: Final = 4 * 1024 * 1024
"""Bytes that are looked at when the first 64 KiB hold no whole record."""
_SIGNATURES: Final = (
    (b"PK\x03\x04", "a zip archive or spreadsheet: unpack it, or save the sheet as CSV"),
    (b"%PDF", "a PDF"), (b"BZh", "bzip2 data: unpack it first"), (b"\xfd7zXZ", "xz data: unpack it first"),
    (b"SQLite format 3", "an SQLite database: export its table as CSV"), (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"), (b"ARROW1", "an Arrow file: write it as Parquet"), (b"\x7fELF", "a program"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet: save the sheet as CSV"),
)  # fmt: skip


def sample(path: Input) -> Sample | Problem:
    """What a source needs to recognise a file; a problem when no source could read it."""
    try:
        return _sample(path, SAMPLE_BYTES)
    except OSError as error:
        return Problem("unreadable-file", f"cannot be read ({error.strerror or type(error).__name__})")


def _sample(path: Input, size: int) -> Sample | Problem:
    stored = peek(path, size)
    stream = Stream([stored])
    data = stream.beginning(size)
    if data.startswith(MAGIC):
        return _parquet_sample(path)
    text = b"".join(Stream([data]).text())
    more = len(stored) == size or len(data) == size
    # What was not looked at ends early by itself: only a file that was looked at whole is cut short.
    fault = None if stream.fault and stream.fault.kind == "truncated-file" and len(stored) == size else stream.fault
    if problem := _binary(data, text[:SAMPLE_BYTES]):
        return problem
    if not text.strip():
        return fault or Problem("empty-file", "nothing is in it", rejected=False)
    head = text[:SAMPLE_BYTES].decode(errors="replace")
    form = form_of(text)
    records, header = _first(text, form, head)
    if form in {"json", "jsonl"} and len(records) < SAMPLE_RECORDS and more and size < LOOK:
        return _sample(path, LOOK)
    if fault and not records:
        return fault
    return Sample(str(path), form, head, records, header)


def _binary(data: bytes, text: bytes) -> Problem | None:
    for signature, what in _SIGNATURES:
        if data.startswith(signature) and not (signature.isalpha() and data[:200].isascii()):
            return Problem("binary-file", what)
    if not data.strip(b"\0") and data:
        return Problem("binary-file", "nothing but zero bytes: its content was never written, or lost")
    odd = sum(text.count(bytes([code])) for code in (*range(9), *range(14, 27), 28, 29, 31))
    return Problem("binary-file", "neither text nor Parquet") if odd * 20 > len(text) else None


def _parquet_sample(path: Input) -> Sample | Problem:
    if isinstance(path, Stdin):
        path.digest()  # a table's end is read before its beginning, and more than once: all of it is kept
    try:
        header = parquet_header(path)
    except (OSError, ValueError):
        return Problem("corrupt-file", "a Parquet file without a readable end")
    rows = tuple(
        r.value for r in islice(parquet(path, batch_rows=SAMPLE_RECORDS), SAMPLE_RECORDS) if isinstance(r, Record)
    )
    return Sample(str(path), "parquet", "", rows, header)


def form_of(data: bytes) -> Form:
    """The form of a text that starts like this (UTF-8, no byte-order mark)."""
    parts = [line for line in data.split(b"\n") if line and not line.isspace()]
    first = parts[0].strip()
    if first[:1] in {b"{", b"["} and _is_json(first):
        rest = parts[1:]
        return "jsonl" if first[:1] == b"{" or (rest and rest[0].lstrip()[:1] == b"[") else "json"
    good = sum(line[:1] == b"{" and _is_json(line) for line in parts[:SAMPLE_RECORDS])
    if first != b"{" and first[:1] != b"[" and good and good * 2 >= min(len(parts), SAMPLE_RECORDS) - 1:
        return "jsonl"
    if first[:1] in {b"{", b"["}:
        return "json"
    return "csv" if dialect_of(data[:SAMPLE_BYTES].decode(errors="replace")) else "text"


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(decode_all(line)[0], dict | list)
    except BadJsonError:
        return False


def _first(data: bytes, form: Form, head: str) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The first records, and the header of a table."""
    if form == "csv":
        dialect = dialect_of(head)
        if dialect is None:
            return (), ()
        return _values(delimited(Stream([head.encode()]), dialect)), dialect.header
    if form == "text":
        return _values(text_lines(Stream([head.encode()]))), ()
    if form == "jsonl":
        return _values(jsonl(Stream([data]))), ()
    return _values(documents(Stream([data]))) or _opened(data), ()


def _opened(data: bytes) -> tuple[Any, ...]:
    """The beginning of a document too large to be looked at whole, closed where it was cut."""
    try:
        value = decode(closed(data))
    except BadJsonError:
        return ()
    return tuple(value[:SAMPLE_RECORDS]) if isinstance(value, list) else (value,)


def _values(found: Any) -> tuple[Any, ...]:
    return tuple(item.value for item in islice((r for r in found if isinstance(r, Record)), SAMPLE_RECORDS))
