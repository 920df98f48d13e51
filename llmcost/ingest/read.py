"""Reads one file through its source into the staging: vectorised where the source can, record by record otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Final

import pyarrow as pa

from llmcost.ingest.ahead import in_order, workers
from llmcost.ingest.blocks import Block, blocks, split, vectorised, without
from llmcost.ingest.readers import Job, Readers, worth_processes
from llmcost.ingest.rows import Batch, readings
from llmcost.ingest.stage import ProblemLog, Staging
from llmcost.records import Context, Problem, Record, Row, Sample, Skip, Source
from llmcost.records.excerpt import excerpt
from llmcost.records.files import Input, Stdin, chunks, records
from llmcost.records.table import Unclean
from llmcost.sources import read_elsewhere
from llmcost.usage.arrow import billed_to_arrow, rows_to_arrow

BATCH_ROWS: Final = 8192
"""Rows that are Python objects at once: each takes some kilobytes."""
PARTS: Final = 8
SMALL_BLOCK: Final = 256
ROUNDS: Final = 6
"""Times a block is read as columns at most, each time without the unclean rows that were found so far."""
Watch = Callable[[int], None] | None
Found = Any
"""A table, :class:`Unclean` or None."""
Arrow = Callable[[Any, Context], Found]


@dataclass
class FileTally:
    """Counts of one file while it is read. ``read`` counts rows and rejects; records that are no calls are skipped."""

    file_no: int
    name: str
    problems: ProblemLog
    read: int = 0
    skipped: int = 0

    def problem(self, problem: Problem, line: int, shown: Callable[[], str | None] = lambda: None) -> None:
        """Counts a problem of one record; ``shown`` gives what an error may show of it."""
        self.problems.add(
            self.file_no,
            self.name,
            problem.kind,
            problem.detail,
            rejected=problem.rejected,
            line=problem.line or line,
            informative=problem.informative,
            excerpt=shown,
        )
        self.read += problem.rejected


def read_into(
    staging: Staging,
    item: Input,
    found: Sample,
    named: tuple[str, Source],
    mapping: Any,
    secret: bytes,
    tally: FileTally,
    watch: Watch,
) -> None:
    """Reads ``item`` into ``staging`` through the source, given with its name, and counts what it met in ``tally``."""
    name, source = named
    context = Context(
        item.name, found.header, {"mapping": mapping} if mapping is not None else {}, _changed_at(item), read_elsewhere
    )
    if source.arrow is None or not vectorised(source, found, context):
        if worth_processes(item, found, source):
            _read_beside(staging, chunks(item, watch), Job(name, context, secret), tally)
            return
        _read_records(staging, records(item, found.form, watch), source, context, secret, tally)
        return
    arrow = source.arrow
    for block, table in in_order(blocks(item, found, watch), lambda block: _vectorised(arrow, block, context)):
        if isinstance(block, Problem):
            tally.problem(block, block.line or 0)
        else:
            _read_block(staging, block, table, source, context, secret, tally)


def _vectorised(arrow: Arrow, block: Block | Problem, context: Context) -> Found:
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
    staging: Staging, block: Block, table: Found, source: Source, context: Context, secret: bytes, tally: FileTally
) -> bool:
    """Stages the vectorised reading of a block, else reads its parts; gives whether any of it could be read so.

    A few unclean rows that the source can name are read record by record, and the others once more without them. Where it
    cannot name them, one makes it decline the whole block: only the smallest part around it is read record by record.
    """
    if _stage_clean(staging, block, table, source, context, secret, tally):
        return True
    parts = split(block, PARTS) if block.rows > SMALL_BLOCK else []
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


def _stage_clean(
    staging: Staging, block: Block, table: Found, source: Source, context: Context, secret: bytes, tally: FileTally
) -> bool:
    """Stages what could be read of a block as columns, and reads the few rows that could not; False leaves it all as it was."""
    data, numbers = block.data, block.numbers
    apart: list[Block] = []
    rounds = 0
    while isinstance(table, Unclean):
        rounds += 1
        if rounds > ROUNDS or len(apart) + len(table.rows) > block.rows // PARTS or source.arrow is None:
            return False
        data, numbers, more = without(data, numbers, table.rows)
        apart += more
        table = source.arrow(data, context)
    if table is None or len(table) != len(numbers):
        return False
    tally.read += len(table)
    staging.add_usage(table, tally.file_no, tally.name, pa.array(numbers), foreign=True)
    apart.sort(key=lambda each: int(each.numbers[0]))
    _read_records(staging, chain.from_iterable(each.careful() for each in apart), source, context, secret, tally)
    return True


def _read_records(
    staging: Staging,
    incoming: Iterable[Record | Problem],
    source: Source,
    context: Context,
    secret: bytes,
    tally: FileTally,
) -> None:
    batch = Batch()
    for line, reading, record in readings(incoming, source, context):
        match reading:
            case Problem():
                at = reading.line or line
                tally.problem(reading, line, partial(excerpt, record, at))
            case Skip():
                tally.skipped += 1
            case Row():
                tally.read += 1
                batch.add(reading, line, secret)
        if batch.rows >= BATCH_ROWS:
            _stage(batch, staging, tally)
            batch = Batch()
    _stage(batch, staging, tally)


def _stage(batch: Batch, staging: Staging, tally: FileTally) -> None:
    if batch.usage:
        staging.add_usage(rows_to_arrow(batch.usage), tally.file_no, tally.name, batch.usage_lines)
    if batch.foreign:
        staging.add_usage(rows_to_arrow(batch.foreign), tally.file_no, tally.name, batch.foreign_lines, foreign=True)
    if batch.billed:
        staging.add_billed(billed_to_arrow(batch.billed), tally.file_no, batch.billed_lines)


def _same(text: str | None) -> str | None:
    return text


def _read_beside(
    staging: Staging, stretches: Iterator[tuple[int, bytes] | Problem], job: Job, tally: FileTally
) -> None:
    """Reads line-aligned stretches of a file in processes, and stages what they give in the order of the file."""
    with Readers(job, workers()) as readers:
        for stretch, taken in in_order(stretches, readers.read):
            if isinstance(stretch, Problem):
                tally.problem(stretch, stretch.line or 0)
                continue
            for problem, line, shown in taken.problems:
                tally.problem(problem, line, partial(_same, shown))
            tally.read += taken.batch.rows
            tally.skipped += taken.skipped
            _stage(taken.batch, staging, tally)
