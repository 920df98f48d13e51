"""Reads one file through its source into the staging: vectorised where the source can, record by record otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from llmcost.content.analyse import analyse
from llmcost.ingest.ahead import in_order
from llmcost.ingest.blocks import Block, blocks, split, vectorised
from llmcost.ingest.stage import ProblemLog, Staging
from llmcost.records import BadValueError, Context, Problem, Record, Row, Sample, Skip, Source
from llmcost.records.excerpt import excerpt
from llmcost.records.files import Input, Stdin, records
from llmcost.usage.arrow import billed_to_arrow, rows_to_arrow
from llmcost.usage.columns import Billed, Usage
from llmcost.usage.names import provider

BATCH_ROWS: Final = 50_000
PARTS: Final = 8
SMALL_BLOCK: Final = 256
Watch = Callable[[int], None] | None
Arrow = Callable[[Any, Context], Any]


@dataclass
class FileTally:
    """Counts of one file while it is read. ``read`` counts rows and rejects; records that are no calls are skipped."""

    file_no: int
    name: str
    problems: ProblemLog
    read: int = 0
    skipped: int = 0

    def problem(self, problem: Problem, line: int, record: Any = None) -> None:
        """Counts a problem of one record; of ``record`` an error shows what may be shown."""
        self.problems.add(
            self.file_no,
            self.name,
            problem.kind,
            problem.detail,
            rejected=problem.rejected,
            line=problem.line or line,
            informative=problem.informative,
            excerpt=lambda: excerpt(record, problem.line or line),
        )
        self.read += problem.rejected


@dataclass
class _Batch:
    """Rows on their way to the staging; those whose keys the log supplied wait apart, to be re-keyed together."""

    usage: list[Usage] = field(default_factory=list)
    usage_lines: list[int] = field(default_factory=list)
    foreign: list[Usage] = field(default_factory=list)
    foreign_lines: list[int] = field(default_factory=list)
    billed: list[Billed] = field(default_factory=list)
    billed_lines: list[int] = field(default_factory=list)

    def add(self, row: Row, line: int, secret: bytes) -> None:
        """Takes one row of a source."""
        at = row.line or line
        if row.billed is not None:
            self.billed.append(row.billed)
            self.billed_lines.append(at)
            return
        usage = row.usage
        if usage is None:
            raise TypeError("a row carries neither usage nor a billed line")
        name = usage.get("provider_name")
        if name:
            usage["provider_name"] = provider(name)
        if any(usage.get(key) is not None for key in ("prompt_key", "response_key", "prefix_keys")):
            self.foreign.append(usage)
            self.foreign_lines.append(at)
            return
        self.usage.append(analyse(usage, row.body, secret) if row.body is not None else usage)
        self.usage_lines.append(at)

    def flush(self, staging: Staging, tally: FileTally) -> None:
        """Stages what was taken."""
        if self.usage:
            staging.add_usage(rows_to_arrow(self.usage), tally.file_no, tally.name, self.usage_lines)
        if self.foreign:
            staging.add_usage(rows_to_arrow(self.foreign), tally.file_no, tally.name, self.foreign_lines, foreign=True)
        if self.billed:
            staging.add_billed(billed_to_arrow(self.billed), tally.file_no, self.billed_lines)


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
    context = Context(item.name, found.header, {"mapping": mapping} if mapping is not None else {}, _changed_at(item))
    if source.arrow is None or not vectorised(source, found, context):
        _read_records(staging, records(item, found.form, watch), source, context, secret, tally)
        return
    arrow = source.arrow
    for block, table in in_order(blocks(item, found, watch), lambda block: _vectorised(arrow, block, context)):
        if isinstance(block, Problem):
            tally.problem(block, block.line or 0)
        else:
            _read_block(staging, block, table, source, context, secret, tally)


def _vectorised(arrow: Arrow, block: Block | Problem, context: Context) -> pa.Table | None:
    return None if isinstance(block, Problem) else arrow(block.data, context)


def _changed_at(item: Input) -> int | None:
    """When a file was last changed; standard input does not say."""
    if isinstance(item, Stdin):
        return None
    try:
        return int(item.stat().st_mtime_ns // 1000)
    except OSError:
        return None


def _read_block(
    staging: Staging,
    block: Block,
    table: pa.Table | None,
    source: Source,
    context: Context,
    secret: bytes,
    tally: FileTally,
) -> bool:
    """Stages the vectorised reading of a block, else reads its parts; gives whether any of it could be read so.

    One bad line makes a source decline the whole block: only the smallest part around it is read record by record.
    """
    if table is not None and len(table) == block.rows:
        tally.read += len(table)
        lines = pa.array(np.arange(block.first_line, block.first_line + len(table), dtype=np.int64))
        staging.add_usage(table, tally.file_no, tally.name, lines, foreign=True)
        return True
    parts = split(block, PARTS) if block.rows < 0 or block.rows > SMALL_BLOCK else []
    for place, part in enumerate(parts):
        again = source.arrow(part.data, context) if source.arrow is not None else None
        if not _read_block(staging, part, again, source, context, secret, tally) and place == 0 and len(parts) > 1:
            # Not even the first part: the whole block is of a kind that needs care.
            for rest in parts[1:]:
                _read_records(staging, rest.careful(), source, context, secret, tally)
            return False
    if not parts:
        _read_records(staging, block.careful(), source, context, secret, tally)
    return bool(parts)


def _read_records(
    staging: Staging,
    incoming: Iterable[Record | Problem],
    source: Source,
    context: Context,
    secret: bytes,
    tally: FileTally,
) -> None:
    batch = _Batch()
    for line, reading, record in _readings(incoming, source, context):
        match reading:
            case Problem():
                tally.problem(reading, line, record)
            case Skip():
                tally.skipped += 1
            case Row():
                tally.read += 1
                batch.add(reading, line, secret)
        if len(batch.usage) + len(batch.foreign) + len(batch.billed) >= BATCH_ROWS:
            batch.flush(staging, tally)
            batch = _Batch()
    batch.flush(staging, tally)


def _readings(
    incoming: Iterable[Record | Problem], source: Source, context: Context
) -> Iterator[tuple[int, Row | Problem | Skip, Any]]:
    """All readings with their lines and records; a value that cannot be what its field says rejects its record."""
    if source.read_file is not None:
        yield from _file_readings(incoming, source, context)
        return
    read = source.read
    if read is None:
        raise TypeError(f"source {source.title!r} has neither read nor read_file")
    for record in incoming:
        if isinstance(record, Problem):
            yield record.line or 0, record, None
            continue
        try:
            for reading in read(record, context):
                yield record.line, reading, record.value
        except BadValueError as error:
            yield record.line, Problem(error.kind, error.detail), record.value


def _file_readings(
    incoming: Iterable[Record | Problem], source: Source, context: Context
) -> Iterator[tuple[int, Row | Problem | Skip, Any]]:
    broken: list[Problem] = []
    latest = Record(None, 0)

    def good() -> Iterator[Record]:
        nonlocal latest
        for record in incoming:
            if isinstance(record, Problem):
                broken.append(record)
            else:
                latest = record
                yield record

    if source.read_file is None:
        return
    left = good()
    try:
        for reading in source.read_file(left, context):
            yield latest.line, reading, latest.value
    except BadValueError as error:
        yield latest.line, Problem(error.kind, error.detail), latest.value
        for record in left:
            told = Problem("not-read", f"the reader stopped before this record: {error.detail}")
            yield record.line, told, record.value
    for problem in broken:
        yield problem.line or 0, problem, None
