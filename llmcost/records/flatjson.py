"""Flat objects of JSONL through the engine's reader, which takes a third of the time of Arrow's, held to the very bytes.

The engine is lenient: it reads ``"12"``, ``true`` and ``1.5`` as whole numbers, numbers as texts, the first of two equal keys,
a comma too many, and passes over keys that were not asked for. So what it read is counted against the block: without escapes,
every quote, colon, comma, point and ``e`` in it belongs to a name, to a text that was read, or to the tokens that make up a
table of exactly these types. Wherever the sums differ the block is left to Arrow's strict reader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from llmcost.records.canonical import KEYS
from llmcost.records.cut import byte_counts
from llmcost.usage.columns import Column
from llmcost.usage.store import of_json

Ints = NDArray[np.int64]
_COUNTED: Final = b'":,.eE'
_NO_LETTERS: Final = "0123456789+-{["
_NO_TEXT: Final = np.isin(np.arange(256), np.frombuffer(_NO_LETTERS.encode(), np.uint8))
"""First bytes of tokens that are no text: a value of a text column that begins so is read with its quotes."""
_WORDS: Final = pa.array(["true", "false", "nan", "inf", "infinity"])
"""Tokens that are no text either, in any case: a text that is one of them is left to the strict reader."""
_MAYBE_WORD: Final = np.isin(np.arange(256), np.frombuffer(b"tTfFnNiI", np.uint8))
_READ_AS: Final = {
    "text": "VARCHAR", "quoted": "JSON", "whole": "BIGINT", "wholes": "BIGINT[]", "number": "JSON", "flag": "BOOLEAN",
}  # fmt: skip
"""Kinds of columns, and the type under which the engine reads them."""


def flat_table(
    block: bytes, ends: Ints, fields: Mapping[str, Column], samples: Sequence[Mapping[str, Any]]
) -> pa.Table | None:
    """The objects of a block as raw columns; None when they are not flat and plain. ``ends``: where its lines end.

    Each line must be UTF-8 and begin and end with a brace; ``fields`` are those that the samples have.
    """
    if b"\\" in block or not samples:
        return None
    kinds = {
        name: _kind(column, [s[name] for s in samples if s.get(name) is not None]) for name, column in fields.items()
    }
    if not all(kinds.values()):
        return None
    whole = all(len(sample) == len(kinds) for sample in samples)
    if not whole and b"null" in block:
        return None  # a key that is null and one that is not there look alike
    table = of_json(
        _lines(block, ends), {name: _READ_AS[kind] for name, kind in kinds.items() if kind}, every_key=whole
    )
    if table is None or len(table) != len(ends):
        return None
    columns = {name: _unquoted(table[name], kind) for name, kind in kinds.items()}
    if any(column is None for column in columns.values()):
        return None
    found = pa.table(columns)
    return found if _counts(block) == _expected(found, kinds, whole=whole) else None


def _lines(block: bytes, ends: Ints) -> pa.StringArray:
    offsets = np.concatenate([[0], np.minimum(ends + 1, len(block))]).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(block)])


def _kind(column: Column, values: Sequence[Any]) -> str | None:
    """How the engine shall read a column with such values; None when that would lose something of them."""
    types = {type(value) for value in values}
    if column.type == "text" or (types == {str} and (column.type in {"instant", "decimal"} or column.name in KEYS)):
        if not types <= {str}:
            return None
        return "quoted" if any(value[:1] in _NO_LETTERS for value in values if value) else "text"
    if column.type in {"count", "instant"}:
        return "whole" if types <= {int} else None
    if column.type == "counts":
        return "wholes" if types <= {list} and all(type(item) is int for value in values for item in value) else None
    if column.type == "number":
        return "number" if types <= {int, float} else None
    return "flag" if column.type == "flag" and types <= {bool} else None


def _unquoted(column: pa.ChunkedArray, kind: str | None) -> pa.ChunkedArray | None:
    """Texts without their quotes; None when a text column holds what may be no text, or a column of numbers a text."""
    if kind == "quoted":
        if not pc.all(pc.starts_with(column, '"'), min_count=0).as_py():
            return None
        return pc.utf8_slice_codeunits(column, 1, -1)
    if kind == "text":
        first = np.concatenate([_first_bytes(chunk) for chunk in column.chunks])
        if _NO_TEXT[first].any():
            return None
        if _MAYBE_WORD[first].any() and pc.any(pc.is_in(pc.utf8_lower(column.unique()), _WORDS)).as_py():
            return None
    if kind == "number" and pc.any(pc.starts_with(column, '"')).as_py():
        return None
    return column


def _first_bytes(chunk: pa.StringArray) -> NDArray[np.uint8]:
    _, offsets, data = chunk.buffers()
    if data is None:
        return np.empty(0, np.uint8)
    ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    return np.frombuffer(data, np.uint8)[ends[:-1][ends[1:] > ends[:-1]]]


def _counts(data: bytes | memoryview) -> Counter[int]:
    """How often each of the counted bytes occurs."""
    return Counter(dict(zip(_COUNTED, byte_counts(data, _COUNTED), strict=True)))


def _expected(table: pa.Table, kinds: Mapping[str, str | None], *, whole: bool) -> Counter[int]:
    """How often each of them occurs in a block of which this table is all there is."""
    quote, colon, comma, _, small, _ = _COUNTED
    found: Counter[int] = Counter(dict.fromkeys(_COUNTED, 0))
    keys = 0
    for name, kind in kinds.items():
        column = table[name]
        known = len(column) - column.null_count
        there = len(column) if whole else known
        keys += there
        for byte in _COUNTED:
            found[byte] += there * name.encode().count(byte)
        if kind == "wholes":
            sizes = pc.list_value_length(column)
            found[comma] += (pc.sum(sizes).as_py() or 0) - (pc.sum(pc.greater(sizes, 0)).as_py() or 0)
        elif kind == "flag":
            found[small] += known
        elif kind != "whole":
            found.update(_of_texts(column))
            found[quote] += 0 if kind == "number" else 2 * known
    found[quote] += 2 * keys
    found[colon] += keys
    found[comma] += keys - len(table)
    return found


def _of_texts(column: pa.ChunkedArray) -> Counter[int]:
    found: Counter[int] = Counter()
    for chunk in column.chunks:
        _, offsets, data = chunk.buffers()
        if data is not None:
            ends = np.frombuffer(offsets, np.int32)
            found.update(_counts(memoryview(data)[ends[chunk.offset] : ends[chunk.offset + len(chunk)]]))
    return found
