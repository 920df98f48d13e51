"""Reads one file through its source into the staging: vectorised where the source can, record by record otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from llmcost.config import rekey, rekey_sql
from llmcost.content.analyse import analyse
from llmcost.ingest.blocks import blocks, vectorised
from llmcost.ingest.stage import ProblemLog, Staging
from llmcost.records import BadValueError, Context, Problem, Record, Row, Sample, Skip, Source
from llmcost.records.files import Input, records
from llmcost.usage.arrow import billed_to_arrow, rows_to_arrow
from llmcost.usage.columns import Billed, Usage
from llmcost.usage.names import provider

BATCH_ROWS: Final = 50_000
Watch = Callable[[int], None] | None


@dataclass
class FileTally:
    """Counts of one file while it is read. ``read`` counts rows and rejects; records that are no calls are skipped."""

    file_no: int
    name: str
    problems: ProblemLog
    read: int = 0
    skipped: int = 0

    def problem(self, problem: Problem, line: int) -> None:
        """Counts a problem of one record."""
        self.problems.add(
            self.file_no, self.name, problem.kind, problem.detail, rejected=problem.rejected, line=problem.line or line
        )
        self.read += problem.rejected


@dataclass
class _Batch:
    usage: list[Usage] = field(default_factory=list)
    usage_lines: list[int] = field(default_factory=list)
    billed: list[Billed] = field(default_factory=list)
    billed_lines: list[int] = field(default_factory=list)

    def flush(self, staging: Staging, tally: FileTally) -> None:
        if self.usage:
            staging.add_usage(rows_to_arrow(self.usage), tally.file_no, tally.name, self.usage_lines)
        if self.billed:
            staging.add_billed(billed_to_arrow(self.billed), tally.file_no, self.billed_lines)
        self.usage, self.usage_lines, self.billed, self.billed_lines = [], [], [], []


def read_into(
    staging: Staging,
    item: Input,
    found: Sample,
    source: Source,
    mapping: Any,
    secret: bytes,
    tally: FileTally,
    watch: Watch,
) -> None:
    """Reads ``item`` into ``staging`` and counts what it met in ``tally``."""
    context = Context(item.name, found.header, {"mapping": mapping} if mapping is not None else {})
    if source.arrow is None or not vectorised(source, found, context):
        _read_records(staging, records(item, found.form, watch), source, context, secret, tally)
        return
    for block in blocks(item, found, watch):
        if isinstance(block, Problem):
            tally.problem(block, block.line or 0)
            continue
        table = source.arrow(block.data, context)
        if table is None or len(table) != block.rows:
            _read_records(staging, block.careful(), source, context, secret, tally)
            continue
        tally.read += len(table)
        lines = pa.array(range(block.first_line, block.first_line + len(table)), pa.int64())
        staging.add_usage(_rekeyed(staging, table, secret), tally.file_no, tally.name, lines)


def _read_records(
    staging: Staging,
    incoming: Iterable[Record | Problem],
    source: Source,
    context: Context,
    secret: bytes,
    tally: FileTally,
) -> None:
    batch = _Batch()
    for line, reading in _readings(incoming, source, context):
        match reading:
            case Problem():
                tally.problem(reading, line)
            case Skip():
                tally.skipped += 1
            case Row(usage=usage, billed=billed):
                tally.read += 1
                if usage is not None:
                    batch.usage.append(_completed(usage, reading, secret))
                    batch.usage_lines.append(reading.line or line)
                elif billed is not None:
                    batch.billed.append(billed)
                    batch.billed_lines.append(reading.line or line)
        if len(batch.usage) >= BATCH_ROWS or len(batch.billed) >= BATCH_ROWS:
            batch.flush(staging, tally)
    batch.flush(staging, tally)


def _readings(
    incoming: Iterable[Record | Problem], source: Source, context: Context
) -> Iterator[tuple[int, Row | Problem | Skip]]:
    """All readings with their lines; a value that cannot be what its field says rejects its record."""
    if source.read_file is not None:
        yield from _file_readings(incoming, source, context)
        return
    read = source.read
    if read is None:
        raise TypeError(f"source {source.title!r} has neither read nor read_file")
    for record in incoming:
        if isinstance(record, Problem):
            yield record.line or 0, record
            continue
        try:
            readings = list(read(record, context))
        except BadValueError as error:
            readings = [Problem(error.kind, error.detail)]
        for reading in readings:
            yield record.line, reading


def _file_readings(
    incoming: Iterable[Record | Problem], source: Source, context: Context
) -> Iterator[tuple[int, Row | Problem | Skip]]:
    broken: list[Problem] = []

    def good() -> Iterator[Record]:
        for record in incoming:
            if isinstance(record, Problem):
                broken.append(record)
            else:
                yield record

    if source.read_file is None:
        return
    for reading in source.read_file(good(), context):
        yield getattr(reading, "line", None) or 0, reading
    for problem in broken:
        yield problem.line or 0, problem


def _completed(usage: Usage, row: Row, secret: bytes) -> Usage:
    """The row with what its body tells; keys that the log supplied are put under the user's secret."""
    name = usage.get("provider_name")
    if name:
        usage["provider_name"] = provider(name)
    keys = usage.get("prefix_keys")
    if keys:
        usage["prefix_keys"] = [rekey(key, secret) for key in keys]
    if (prompt := usage.get("prompt_key")) is not None:
        usage["prompt_key"] = rekey(prompt, secret)
    if (answer := usage.get("response_key")) is not None:
        usage["response_key"] = rekey(answer, secret)
    return analyse(usage, row.body, secret) if row.body is not None else usage


def _rekeyed(staging: Staging, table: pa.Table, secret: bytes) -> pa.Table:
    """The same for a whole table, in SQL."""
    replaced = {}
    for name in ("prompt_key", "response_key"):
        if name in table.column_names and table[name].null_count < len(table):
            replaced[name] = f"CASE WHEN {name} IS NOT NULL THEN {rekey_sql(name, secret)} END"
    if "prefix_keys" in table.column_names and table["prefix_keys"].null_count < len(table):
        replaced["prefix_keys"] = f"list_transform(prefix_keys, lambda k: {rekey_sql('k', secret)})"
    if not replaced:
        return table
    connection = staging.store.connection
    connection.register("_keys", table)
    try:
        clause = ", ".join(f"{sql} AS {name}" for name, sql in replaced.items())
        return staging.store.arrow(f"SELECT * REPLACE ({clause}) FROM _keys").cast(table.schema)
    finally:
        connection.unregister("_keys")
