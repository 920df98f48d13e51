"""Reads Parquet files batch by batch as rows of plain values."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from llmcost.records.contract import Problem, Record
from llmcost.records.inputs import Input
from llmcost.records.streams import Progress, open_bytes

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS: Final = 8192
MAGIC: Final = b"PAR1"


class _TwiceError(ValueError):
    """A map holds a key with two values: one of them would silently win."""


def parquet_header(path: Input) -> tuple[str, ...]:
    """The column names."""
    return tuple(_open(path).schema_arrow.names)


def parquet(path: Input, progress: Progress | None = None, batch_rows: int = BATCH_ROWS) -> Iterator[Record | Problem]:
    """The rows as mappings, numbered from 1. Times become ISO text, bytes text, maps mappings."""
    ordinal = 0
    try:
        for batch in batches(path, progress, batch_rows):
            yield from plain_records(batch, ordinal)
            ordinal += batch.num_rows
    except (OSError, ValueError) as error:
        yield unreadable(error, ordinal + 1)


def unreadable(error: Exception, ordinal: int) -> Problem:
    """What stands in the place of the rows of a damaged file from ``ordinal`` on."""
    return Problem("corrupt-file", f"a Parquet file that cannot be read on ({type(error).__name__})", line=ordinal)


def plain_records(batch: pa.RecordBatch, done: int) -> Iterator[Record | Problem]:
    """The rows of a batch as records, ``done`` rows being before it; where a value cannot be read, its row is a problem."""
    try:
        rows = _plain_times(batch).to_pylist()
    except (ValueError, OverflowError):
        if batch.num_rows == 1:
            yield Problem("unreadable-value", "a value that no calendar or number holds", line=done + 1)
            return
        for at in range(batch.num_rows):
            yield from plain_records(batch.slice(at, 1), done + at)
        return
    maps = _maps(batch)
    for number, row in enumerate(rows, done + 1):
        yield _record(row, number, maps)


def _maps(batch: pa.RecordBatch) -> frozenset[str]:
    """Columns that hold maps: an empty one comes as an empty list."""
    import pyarrow as pa

    return frozenset(field.name for field in batch.schema if pa.types.is_map(field.type))


def _record(row: dict[str, Any], ordinal: int, maps: frozenset[str]) -> Record | Problem:
    """One row as a record; a problem where a map says a key twice, as in JSON."""
    try:
        values = {key: {} if key in maps and value == [] else _plain(value) for key, value in row.items()}
        return Record(values, ordinal)
    except _TwiceError:
        return Problem("duplicate-key", "an object gives one key two different values", line=ordinal)


def batches(path: Input, progress: Progress | None = None, batch_rows: int = 131_072) -> Iterator[pa.RecordBatch]:
    """The record batches, for a vectorised reader; ``progress`` hears of each row group."""
    file = _open(path)
    done = 0
    for group in range(file.metadata.num_row_groups):
        yield from file.iter_batches(batch_size=batch_rows, row_groups=[group])
        meta = file.metadata.row_group(group)
        done += sum(meta.column(i).total_compressed_size for i in range(meta.num_columns))
        if progress is not None:
            progress(done)


def _open(path: Input) -> Any:
    from pyarrow import parquet as pq

    if isinstance(path, Path):
        with path.open("rb") as file:
            stored_plain = file.read(4) == MAGIC
        if stored_plain:
            return pq.ParquetFile(path, memory_map=True)
    return pq.ParquetFile(io.BytesIO(open_bytes(path).read()))


def _plain_times(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Top-level timestamp columns as text, in UTC where they have a zone; nanoseconds are kept."""
    import pyarrow as pa

    columns = []
    for column, field in zip(batch.columns, batch.schema, strict=True):
        if pa.types.is_timestamp(field.type):
            utc = column.cast(pa.timestamp(field.type.unit, "UTC")) if field.type.tz else column
            columns.append(utc.cast(pa.string()))
        else:
            columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        if value and all(type(item) is tuple for item in value):  # a map, as Arrow gives it
            return _mapping(value)
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


def _mapping(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, inner in pairs:
        key, value = str(name), _plain(inner)
        if key in found and found[key] != value:
            raise _TwiceError
        found[key] = value
    return found
