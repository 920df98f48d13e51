"""The vectorised twin of :mod:`llmcost.records.canonical`: Arrow columns of a file to canonical columns.

It knows clean values only. Whatever it does not know for certain raises :class:`DeclineError`, and the caller reads
the same bytes record by record, where each bad value is named. Both ways must give the same rows for what is not declined.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from llmcost.records.canonical import CONVERT, KEY_LIMIT, KEYS, key
from llmcost.records.values import EARLIEST, LATEST, MAX_COUNT, BadValueError
from llmcost.usage import names
from llmcost.usage.arrow import MONEY, TYPES
from llmcost.usage.columns import BY_NAME, SUM_OF_CALLS, USAGE, Column

MOST_UNCLEAN: Final = 32
"""Rows of a block that are read one by one while the others are read as columns; with more, the block is cut."""
_LONGEST: Final = 1000
_PLAIN_TEXT: Final = r"^[!-~]([ -~]{0,1000}[!-~])?$"
_PLAIN_LABEL: Final = r"^[ !#-\[\]-~]*$"
_EMPTY_WORDS: Final = pa.array(
    [w for word in ("null", "none") for w in map("".join, product(*zip(word, word.upper(), strict=True)))]
)
_DIGITS: Final = r"^[0-9]{1,18}$"
_FLOATING: Final = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$"
_AMOUNT: Final = r"^-?[0-9]{1,16}(\.[0-9]+)?([eE]-[0-9]{1,2})?$"
_RFC3339: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})?$"
_ZONED: Final = r"(Z|[+-][0-9]{2}:[0-9]{2})$"
_MONEY_LIMIT: Final = pa.scalar(10**16, MONEY)


class DeclineError(Exception):
    """Something is not perfectly clean; the record path decides what it is. ``rows``: where it is, if that is known."""

    def __init__(self, rows: Iterable[int] = ()) -> None:
        self.rows = tuple(rows)
        super().__init__()


@dataclass(frozen=True)
class Unclean:
    """What a vectorised reader gives instead of a table: the places of records without which it may read the others."""

    rows: tuple[int, ...]


def canonical(columns: Iterable[tuple[Column, pa.ChunkedArray]]) -> pa.Table:
    """Raw columns as a table of the canonical ones that hold anything, in canonical order."""
    done: dict[str, pa.ChunkedArray] = {}
    unclean: set[int] = set()
    for column, raw in columns:
        if column.name in done:
            raise DeclineError
        try:
            done[column.name] = converted(raw, column)
        except _UNCLEAN:
            unclean.update(_culprits(raw, column))
            done[column.name] = raw
    if unclean:
        raise DeclineError(sorted(unclean))
    known = {name: array for name, array in done.items() if array.null_count < len(array)}
    if not any(array.null_count == 0 for array in known.values()):
        raise DeclineError  # some row may say nothing at all
    _one_request_each(known)
    ordered = [column for column in USAGE if column.name in known]
    return pa.table([known[c.name] for c in ordered], names=[c.name for c in ordered])


def _one_request_each(known: dict[str, pa.ChunkedArray]) -> None:
    """Whatever is no bucket (a bucket has an end) and no sum of a batch is one request."""
    counts, ends = known.get("requests"), known.get("ended_at")
    if counts is not None and counts.null_count == 0:
        return
    size = len(next(iter(known.values()), ()))
    ones = pa.chunked_array([pa.repeat(pa.scalar(1, pa.int64()), size)])
    if ends is not None:
        ones = pc.if_else(ends.is_null(), ones, pa.scalar(None, pa.int64()))
    if (operations := known.get("operation_name")) is not None:
        is_sum = pc.fill_null(pc.equal(operations, SUM_OF_CALLS), False)
        ones = pc.if_else(is_sum, pa.scalar(None, pa.int64()), ones)
    merged = ones if counts is None else pc.coalesce(counts, ones)
    if merged.null_count < size:
        known["requests"] = merged


_UNCLEAN: Final = (
    DeclineError, BadValueError, pa.ArrowException, msgspec.DecodeError, OverflowError, RecursionError, UnicodeDecodeError,
)  # fmt: skip


def declines(read: Callable[[], pa.Table]) -> pa.Table | Unclean | None:
    """What ``read`` gives; where it met anything unclean the places of that, or None when they are many or not known."""
    try:
        return read()
    except _UNCLEAN as error:
        rows = error.rows if isinstance(error, DeclineError) else ()
        return Unclean(rows) if rows else None


def _culprits(raw: pa.ChunkedArray, column: Column) -> list[int]:
    """The rows whose values decline by themselves, found by halving; raises when there are many, or none."""
    found: list[int] = []
    spans = [(0, len(raw))]
    while spans:
        start, end = spans.pop()
        try:
            converted(raw.slice(start, end - start), column)
        except _UNCLEAN:
            if end - start == 1:
                found.append(start)
                if len(found) > MOST_UNCLEAN:
                    raise
                continue
            middle = (start + end) // 2
            spans += [(middle, end), (start, middle)]
    if not found:
        raise DeclineError
    return found


def converted(raw: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """One raw column as its canonical type; DeclineError when any value is not plainly right."""
    if pa.types.is_dictionary(raw.type):
        raw = raw.cast(raw.type.value_type)
    if pa.types.is_large_string(raw.type) or pa.types.is_string_view(raw.type):
        raw = raw.cast(pa.string())
    if pa.types.is_null(raw.type):
        return pa.chunked_array([pa.nulls(len(raw), TYPES[column.type])])
    if pa.types.is_string(raw.type) and column.type not in {"text", "json"}:
        raw = _absent(raw)
    if column.name in KEYS and column.type == "count":
        return _keys(raw, column)
    return _BY_TYPE[column.type](raw, column)


def by_value(raw: pa.ChunkedArray, convert: Callable[[Any], Any], kind: pa.DataType) -> pa.ChunkedArray:
    """Each distinct value converted once; a BadValueError of ``convert`` declines."""
    coded = pc.dictionary_encode(raw).combine_chunks()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.chunk(0) if coded.num_chunks else pa.array([], coded.type)
    mapped = pa.array([convert(value) for value in coded.dictionary.to_pylist()], kind)
    return pa.chunked_array([mapped.take(coded.indices)])


def _absent(raw: pa.ChunkedArray) -> pa.ChunkedArray:
    """Empty text is absent, as CSV has it."""
    empty = pc.equal(raw, "")
    return pc.if_else(empty, None, raw) if pc.any(empty).as_py() else raw


def _require(condition: pa.ChunkedArray) -> None:
    """Declines unless the condition holds wherever it is known."""
    if pc.all(condition, min_count=0).as_py() is False:
        raise DeclineError


def _matches(raw: pa.ChunkedArray, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(raw, pattern), min_count=0).as_py() is not False


def _within(array: pa.ChunkedArray, low: int, high: int) -> None:
    ends = pc.min_max(array).as_py()
    if ends["min"] is not None and not (low <= ends["min"] and ends["max"] <= high):
        raise DeclineError


def _whole(raw: pa.ChunkedArray, low: int, high: int) -> pa.ChunkedArray:
    if pa.types.is_string(raw.type):
        _require(pc.match_substring_regex(raw, _DIGITS))
    elif not (pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type)):
        raise DeclineError
    whole = raw.cast(pa.int64())
    _within(whole, low, high)
    return whole


def _count(raw: pa.ChunkedArray, _column: Column) -> pa.ChunkedArray:
    return _whole(raw, 0, MAX_COUNT)


def _keys(raw: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if pa.types.is_string(raw.type):
        return by_value(raw, lambda value: key(value, column.name), pa.int64())
    if not pa.types.is_integer(raw.type):
        raise DeclineError
    return _whole(raw, 0, KEY_LIMIT - 1)


def _instant(raw: pa.ChunkedArray, _column: Column) -> pa.ChunkedArray:
    if pa.types.is_timestamp(raw.type):
        micros = pc.floor_temporal(raw, unit="microsecond").cast(pa.timestamp("us", raw.type.tz)).cast(pa.int64())
    elif pa.types.is_string(raw.type) and not _matches(raw, _DIGITS):
        micros = _rfc3339(raw)
    elif pa.types.is_floating(raw.type):
        raise DeclineError
    else:
        return _whole(raw, EARLIEST, LATEST - 1)
    _within(micros, EARLIEST, LATEST - 1)
    return micros


def _rfc3339(raw: pa.ChunkedArray) -> pa.ChunkedArray:
    """Microseconds of RFC 3339 texts, all with a zone or all without (which is UTC); more digits are cut off."""
    _require(pc.match_substring_regex(raw, _RFC3339))
    zoned = pc.match_substring_regex(raw, _ZONED)
    kind = pa.timestamp("ns", "UTC") if pc.any(zoned).as_py() else pa.timestamp("ns")
    nanos = raw.cast(kind).cast(pa.int64())
    return pc.divide(nanos, 1000)


def _decimal(raw: pa.ChunkedArray, _column: Column) -> pa.ChunkedArray:
    if pa.types.is_floating(raw.type):
        _require(pc.less(pc.abs(raw), 1e16))
        _require(pc.is_finite(raw))
        raw = raw.cast(pa.string())
    elif pa.types.is_string(raw.type):
        _require(pc.match_substring_regex(raw, _AMOUNT))
    elif not (pa.types.is_integer(raw.type) or pa.types.is_decimal(raw.type)):
        raise DeclineError
    if pa.types.is_integer(raw.type):
        _within(raw, -(10**16) + 1, 10**16 - 1)
    amounts = raw.cast(MONEY)
    _require(pc.less(pc.abs(amounts), _MONEY_LIMIT))
    return amounts


def _number(raw: pa.ChunkedArray, _column: Column) -> pa.ChunkedArray:
    if pa.types.is_string(raw.type):
        _require(pc.match_substring_regex(raw, _FLOATING))
    elif not (pa.types.is_integer(raw.type) or pa.types.is_floating(raw.type)):
        raise DeclineError
    floating = raw.cast(pa.float64())
    _require(pc.is_finite(floating))
    return floating


def _flag(raw: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if pa.types.is_boolean(raw.type):
        return raw
    if pa.types.is_string(raw.type):
        return by_value(raw, lambda value: CONVERT[column.name](value, column.name), pa.bool_())
    raise DeclineError


def _text(raw: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if not pa.types.is_string(raw.type):
        raise DeclineError
    special = column.name == "provider_name" or column.allowed
    if not special and not _repeats(raw) and _is_plain(raw):
        return raw
    convert = CONVERT[column.name]
    return by_value(raw, lambda value: convert(_not_prepaid(value, column), column.name), pa.string())


def _is_plain(raw: pa.ChunkedArray) -> bool:
    """Whether every text stays as it is: printable ASCII, no blanks around it, no word for nothing, not too long."""
    lengths = pc.min_max(pc.binary_length(raw)).as_py()
    if lengths["min"] is None or lengths["min"] < 1 or lengths["max"] > _LONGEST:
        return False
    if not all(map(_is_solid, raw.chunks)) and not _matches(raw, _PLAIN_TEXT):
        return False
    return lengths["min"] > 4 or not pc.any(pc.is_in(raw, _EMPTY_WORDS)).as_py()


def _is_solid(chunk: pa.StringArray) -> bool:
    """Whether the texts have no blank and no control character at all, looked at in one piece."""
    _, offsets, data = chunk.buffers()
    ends = memoryview(offsets).cast("i")
    letters = bytes(data)[ends[chunk.offset] : ends[chunk.offset + len(chunk)]] if data is not None else b""
    return letters.isascii() and b" " not in letters and letters.decode("ascii").isprintable()


def _repeats(raw: pa.ChunkedArray) -> bool:
    """Whether the first values repeat so much that each distinct one is better looked at once."""
    head = raw.slice(0, 1000)
    return len(raw) > len(head) and len(pc.unique(head)) < len(head) // 4


def _not_prepaid(value: str | None, column: Column) -> str | None:
    if column.name == "service_tier" and names.is_prepaid_tier(value):
        raise DeclineError  # a problem that the record path counts
    return value


def _counts(raw: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    kind = TYPES[column.type]
    if pa.types.is_string(raw.type):
        of = msgspec.json.Decoder(list[int] if column.type == "counts" else list[float])
        raw = pa.chunked_array([pa.array([v if v is None else of.decode(v) for v in raw.to_pylist()], kind)])
    if not (pa.types.is_list(raw.type) or pa.types.is_large_list(raw.type)):
        raise DeclineError
    items = pc.list_flatten(raw)
    if items.null_count:
        raise DeclineError
    if pa.types.is_null(items.type):
        return raw.cast(kind)  # nothing but empty lists
    if column.type == "numbers":
        checked = _number(items, column)
    elif column.name in KEYS:
        checked = _keys(items, column)
    else:
        checked = _whole(items, 0, MAX_COUNT)
    if checked.null_count:
        raise DeclineError
    return raw.cast(kind) if raw.type.value_type == checked.type else _relisted(raw, checked)


def _relisted(raw: pa.ChunkedArray, items: pa.ChunkedArray) -> pa.ChunkedArray:
    """The lists of ``raw`` around new ``items``."""
    whole = pa.concat_arrays(raw.chunks)
    flat = pa.concat_arrays(items.chunks) if items.num_chunks else pa.array([], items.type)
    lengths = pc.fill_null(pc.list_value_length(whole), 0).cast(pa.int32())
    ends = pc.cumulative_sum(lengths)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.chunked_array([pa.ListArray.from_arrays(offsets, flat, mask=whole.is_null())])


def _json(raw: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if column.name == "tags" and pa.types.is_struct(raw.type):
        return pa.chunked_array([_labels(chunk) for chunk in raw.chunks], pa.string())
    convert = CONVERT[column.name]
    if pa.types.is_string(raw.type):
        return by_value(raw, lambda value: convert(value, column.name), pa.string())
    return pa.chunked_array([pa.array([convert(_known(v), column.name) for v in raw.to_pylist()], pa.string())])


def _known(value: Any) -> Any:
    """Without the absent members that Arrow gives a struct."""
    if isinstance(value, Mapping):
        return {name: _known(item) for name, item in value.items() if item is not None}
    return [_known(item) for item in value] if isinstance(value, list) else value


def _labels(chunk: pa.StructArray) -> pa.Array:
    """Canonical JSON text of a struct of texts, as :func:`llmcost.records.canonical.tags` writes it."""
    fields = sorted((field.name, number) for number, field in enumerate(chunk.type))
    flat = chunk.flatten()
    pieces = [_label(name, pa.chunked_array([flat[number]])).combine_chunks() for name, number in fields]
    if not pieces:
        return pa.nulls(len(chunk), pa.string())
    members = pieces[0]
    for piece in pieces[1:]:
        # Not null_handling="skip": pyarrow 26 then drops every row in which all pieces are null.
        members = pc.coalesce(pc.binary_join_element_wise(members, piece, ","), members, piece)
    return pc.binary_join_element_wise(pa.scalar("{"), members, pa.scalar("}"), "")


def _label(name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """One member of the text, null where it is absent."""
    if pa.types.is_integer(values.type):
        values = values.cast(pa.string())
    words = converted(values, BY_NAME["feature"])  # any label: text without surrounding blanks
    quoted = f"{json.dumps(name, ensure_ascii=False)}:"
    if _matches(words, _PLAIN_LABEL):
        return pc.binary_join_element_wise(pa.scalar(f'{quoted}"'), words, pa.scalar('"'), "")
    return by_value(
        words, lambda word: None if word is None else quoted + json.dumps(word, ensure_ascii=False), pa.string()
    )


_BY_TYPE: Final[dict[str, Callable[[pa.ChunkedArray, Column], pa.ChunkedArray]]] = {
    "text": _text, "count": _count, "instant": _instant, "decimal": _decimal, "number": _number, "flag": _flag,
    "counts": _counts, "numbers": _counts, "json": _json,
}  # fmt: skip
