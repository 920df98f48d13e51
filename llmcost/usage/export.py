"""Usage rows to a file under the canonical names: what the usage-rows source reads back."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from llmcost.errors import UsageError
from llmcost.money import plain
from llmcost.usage.arrow import schema_of
from llmcost.usage.columns import USAGE, Column
from llmcost.usage.formulas import begins_formula
from llmcost.usage.store import Store

Form = Literal["jsonl", "csv", "parquet"]
_BATCH: Final = 100_000


@dataclass
class Exported:
    """What was written, what was left out, and what was changed."""

    rows: int = 0
    billed: int = 0
    defused: int = 0


def export_rows(store: Store, path: Path, form: Form) -> Exported:
    """Writes all usage rows of ``store`` to ``path``, whole or not at all; columns that no row knows are left out.

    Times are RFC 3339 text (microseconds in Parquet). Rows come in no particular order of meaning, but the same store
    gives the same bytes.
    """
    done = Exported(billed=int(store.value("SELECT count(*) FROM billed")))
    columns = _known(store)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                _WRITERS[form](file, _batches(store, columns, text_times=form != "parquet"), columns, done)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot be written: {error.strerror}",
            where=str(path),
            hint="name a file in a folder that you may write to",
        ) from error
    return done


def _known(store: Store) -> list[Column]:
    counted = ", ".join(f'count("{column.name}")' for column in USAGE)
    counts = store.rows(f"SELECT {counted} FROM usage")[0]
    return [column for column, number in zip(USAGE, counts, strict=True) if number]


def _batches(store: Store, columns: list[Column], *, text_times: bool) -> Iterator[pa.RecordBatch]:
    if not columns:
        return
    chosen = ", ".join(
        f"""strftime(make_timestamp("{c.name}"), '%Y-%m-%dT%H:%M:%S.%fZ') AS "{c.name}" """
        if text_times and c.type == "instant"
        else f'"{c.name}"'
        for c in columns
    )
    yield from store.batches(f"SELECT {chosen} FROM usage ORDER BY started_at NULLS LAST, identity", _BATCH)


def _jsonl(file: IO[bytes], batches: Iterator[pa.RecordBatch], columns: list[Column], done: Exported) -> None:
    del columns
    for batch in batches:
        for row in batch.to_pylist():
            known = {name: _json(value) for name, value in row.items() if value is not None}
            file.write(
                json.dumps(known, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass") + b"\n"
            )
        done.rows += batch.num_rows


def _json(value: Any) -> Any:
    return plain(value) if isinstance(value, Decimal) else value


def _csv(file: IO[bytes], batches: Iterator[pa.RecordBatch], columns: list[Column], done: Exported) -> None:
    import io

    with io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        for batch in batches:
            for row in batch.to_pylist():
                writer.writerow([_cell(value, done) for value in row.values()])
            done.rows += batch.num_rows
        text.flush()


def _cell(value: Any, done: Exported) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return plain(value)
        case list():
            return json.dumps(value)
        case str() if begins_formula(value):
            done.defused += 1
            return f"'{value}"
    return str(value)


def _parquet(file: IO[bytes], batches: Iterator[pa.RecordBatch], columns: list[Column], done: Exported) -> None:
    schema = schema_of(columns)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))
            done.rows += batch.num_rows


_WRITERS: Final = {"jsonl": _jsonl, "csv": _csv, "parquet": _parquet}
