"""Blocks of a JSONL or CSV file as Arrow tables of raw columns, or :class:`DeclineError`.

JSON goes through pyarrow with every type given beforehand: nothing is inferred, since inference turns texts that look
like times into times, and its type builder can exhaust the stack on deep nesting.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
from numpy.typing import NDArray

from llmcost.records.canonical import KEYS
from llmcost.records.cut import newline_count, newlines
from llmcost.records.flatjson import flat_table
from llmcost.records.table import MOST_UNCLEAN, DeclineError
from llmcost.usage.arrow import TYPES
from llmcost.usage.columns import Column

BOM: Final = b"\xef\xbb\xbf"
SAMPLED_LINES: Final = 200
_POINT_IN_DOUBT: Final = re.compile(rb"[1-9]\d{0,2}(?:\.\d{3})+(?![.\d])")
_OPENS, _CLOSES, _RETURN = b"{}\r"
_BLOCK: Final = 1024 * 1024
WORTH_AN_ENGINE: Final = 1024 * 1024
"""Bytes of a block from which on the engine's reader is worth its start."""
_IMAGE: Final = pa.struct([("width", pa.int64()), ("height", pa.int64()), ("count", pa.int64())])
_ROW: Final = re.compile(r" in row (\d+)$")
_decode: Final = msgspec.json.Decoder().decode


def jsonl_table(block: bytes, fields: Mapping[str, Column], *, others: Literal["error", "ignore"]) -> pa.Table:
    """The objects of a line-aligned block as raw columns, named as in the file.

    ``others`` tells what a field outside ``fields`` does: decline, or nothing.
    """
    block = block.removeprefix(BOM)
    ends = _object_lines(block)
    _utf8(block)
    samples = list(_samples(block))
    if others == "error" and any(name not in fields for sample in samples for name in sample):
        raise DeclineError
    if others == "ignore" and (b"NaN" in block or b"Infinity" in block):
        raise DeclineError  # no JSON; pyarrow would skip them silently
    expected = _expected(fields, samples, others)
    flat = others == "error" and len(block) >= WORTH_AN_ENGINE
    table = flat_table(block, ends, expected, samples) if flat else None
    if table is not None:
        return table
    table = _parsed(block, expected, samples, others, last=False)
    if table is None:
        # A field that first occurs past the samples. With all types given at once, reading takes twice as long.
        table = _parsed(block, fields, samples, others, last=True)
    if table is None or len(table) != len(ends):
        raise DeclineError
    return table


def _expected(fields: Mapping[str, Column], samples: Sequence[Mapping[str, Any]], others: str) -> Mapping[str, Column]:
    if others == "ignore":
        return fields
    seen = {name for sample in samples for name in sample}
    return {name: column for name, column in fields.items() if name in seen}


def _parsed(
    block: bytes, fields: Mapping[str, Column], samples: Sequence[Mapping[str, Any]], others: str, *, last: bool
) -> pa.Table | None:
    """The block under the types of ``fields``; None, or when ``last`` a decline, when it has other fields that are not to be ignored."""
    schema = pa.schema([(name, _json_type(name, column, samples)) for name, column in fields.items()])
    amounts = [field.name for field in schema if pa.types.is_decimal(field.type)]
    for name in amounts:
        _no_wide_amounts(block, name)
    try:
        table = _read(block, schema, others, _BLOCK)
    except pa.ArrowInvalid as error:
        if "unexpected field" in str(error) and not last:
            return None
        raise DeclineError(_faulty(block, schema, others)) from error
    for name in amounts:
        if len(table) - table[name].null_count > block.count(f'"{name}"'.encode()):
            raise DeclineError  # a name in escapes, past the check on wide amounts
    return table


def _read(block: bytes, schema: pa.Schema, others: str, size: int) -> pa.Table:
    return pa_json.read_json(
        pa.BufferReader(block),
        read_options=pa_json.ReadOptions(block_size=size, use_threads=False),
        parse_options=pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior=others),
    )


def _faulty(block: bytes, schema: pa.Schema, others: str) -> list[int]:
    """Lines that cannot be read under the schema: the first, which the error names, or all, by halving; none when they are many."""
    try:
        _read(block, schema, others, len(block) + 1)  # in one piece: the row of the error counts from its beginning
    except pa.ArrowInvalid as error:
        if row := _ROW.search(str(error)):
            return [int(row[1])]
    found: list[int] = []
    text = block.split(b"\n")
    spans = [(0, len(text))]
    while spans and len(found) <= MOST_UNCLEAN:
        start, end = spans.pop()
        part = b"\n".join(text[start:end])
        try:
            if part:
                _read(part, schema, others, len(part) + 1)
        except pa.ArrowInvalid:
            if end - start == 1:
                found.append(start)
            else:
                middle = (start + end) // 2
                spans += [(middle, end), (start, middle)]
    return found if len(found) <= MOST_UNCLEAN else []


def _object_lines(block: bytes) -> NDArray[np.int64]:
    r"""Where the lines end; declines unless each begins with ``{`` and ends with ``}``.

    Then no record can span lines: inside an object ``}`` is never followed by ``{``. It also keeps a bare ``null``
    from pyarrow 26, which crashes on it.
    """
    text = np.frombuffer(block, np.uint8)
    ends = newlines(block)
    if not block.endswith(b"\n"):
        ends = np.append(ends, len(block))
    starts = np.concatenate([[0], ends[:-1] + 1])
    last = text[np.maximum(ends - 1, 0)]
    if _RETURN in last:
        last = np.where(last == _RETURN, text[np.maximum(ends - 2, 0)], last)
    good = (text[np.minimum(starts, len(text) - 1)] == _OPENS) & (last == _CLOSES) & (ends > starts)
    if not good.all():
        raise DeclineError(_few(np.flatnonzero(~good).tolist()))
    return ends


def _few(rows: list[int]) -> list[int]:
    return rows if len(rows) <= MOST_UNCLEAN else []


def _utf8(block: bytes) -> None:
    if not block.isascii():
        try:
            block.decode()
        except UnicodeDecodeError as error:
            raise DeclineError(_few([n for n, line in enumerate(block.split(b"\n")) if not _is_utf8(line)])) from error


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _samples(block: bytes) -> Iterator[dict[str, Any]]:
    """The first lines and some all through the block."""
    yield from (_decode(line) for line in block[: 256 * 1024].split(b"\n")[: SAMPLED_LINES // 2 + 1][:-1])
    step = max(1, len(block) // (SAMPLED_LINES // 2))
    for at in range(0, len(block), step):
        start = block.find(b"\n", at) + 1
        end = block.find(b"\n", start) if start else -1
        if end > start:
            yield _decode(block[start:end])


def _json_type(name: str, column: Column, samples: Sequence[Mapping[str, Any]]) -> pa.DataType:
    kind: pa.DataType = TYPES[column.type]
    value = next((v for sample in samples if (v := sample.get(name)) is not None), None)
    if column.type == "json":
        return pa.string() if isinstance(value, str) else _json_shape(name, column, samples)
    if isinstance(value, str) and (column.type in {"instant", "decimal"} or column.name in KEYS):
        return pa.string()
    if column.name in KEYS and isinstance(value, list):
        return pa.list_(pa.string()) if isinstance(next(iter(value), None), str) else kind
    return kind


def _json_shape(name: str, column: Column, samples: Sequence[Mapping[str, Any]]) -> pa.DataType:
    if column.name == "images":
        return pa.list_(_IMAGE)
    members: dict[str, pa.DataType] = {}
    for sample in samples:
        value = sample.get(name)
        if isinstance(value, dict):
            for label, word in value.items():
                members.setdefault(
                    label, pa.int64() if isinstance(word, int) and not isinstance(word, bool) else pa.string()
                )
    return pa.struct(list(members.items()))


def _no_wide_amounts(block: bytes, name: str) -> None:
    """Declines amounts of more than 17 digits or with a positive exponent: pyarrow 26 wraps them silently."""
    wide = rb'"' + re.escape(name.encode()) + rb'"\s*:\s*"?[+-]?(?:[0-9]{18}|[0-9.]*[eE]\+?[0-9])'
    if re.search(wide, block):
        raise DeclineError


def csv_table(block: bytes, header: Sequence[str], delimiter: str = ",") -> pa.Table:
    """The rows of a block without its header line, all as text; a field without content is null.

    The block must begin and end between two records.
    """
    block = block.removeprefix(BOM)
    lines = newline_count(block) + (not block.endswith(b"\n"))
    if len(set(header)) != len(header) or not block or b"\0" in block or b"\r" in block.replace(b"\r\n", b""):
        raise DeclineError
    if delimiter == ";" and _POINT_IN_DOUBT.search(block):
        raise DeclineError
    _utf8(block)
    table = pa_csv.read_csv(
        pa.BufferReader(block),
        read_options=pa_csv.ReadOptions(column_names=list(header), block_size=_BLOCK, use_threads=False),
        parse_options=pa_csv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    )
    if len(table) != lines:
        raise DeclineError
    return table
