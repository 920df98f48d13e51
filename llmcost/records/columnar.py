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


def parquet_header(path: Input) -> tuple[str, ...]:
    """The column names."""
    return tuple(_open(path).schema_arrow.names)


def parquet(path: Input, progress: Progress | None = None, batch_rows: int = BATCH_ROWS) -> Iterator[Record | Problem]:
    """The rows as mappings, numbered from 1. Times become ISO text, bytes text, maps mappings."""
    ordinal = 0
    try:
        for batch in batches(path, progress, batch_rows):
            for row in _plain_times(batch).to_pylist(maps_as_pydicts="lossy"):
                ordinal += 1
                yield Record({key: _plain(value) for key, value in row.items()}, ordinal)
    except (OSError, ValueError) as error:
        yield Problem(
            "corrupt-file", f"a Parquet file that cannot be read on ({type(error).__name__})", line=ordinal + 1
        )


def plain_record(row: dict[str, Any], ordinal: int) -> Record:
    """One row of a batch as a record."""
    return Record({key: _plain(value) for key, value in row.items()}, ordinal)


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
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
