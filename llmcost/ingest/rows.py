"""Records through a source to rows that are ready to be staged: bodies become counts and keys, and are gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from llmcost.content.analyse import analyse
from llmcost.records import BadValueError, Context, Problem, Record, Row, Skip, Source
from llmcost.records.excerpt import excerpt
from llmcost.usage.columns import Billed, Usage
from llmcost.usage.names import provider


@dataclass
class Batch:
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

    @property
    def rows(self) -> int:
        """How many rows were taken."""
        return len(self.usage) + len(self.foreign) + len(self.billed)


@dataclass
class Taken:
    """What a stretch of records gave: rows, and problems each with its line and what an error may show of its record."""

    batch: Batch = field(default_factory=Batch)
    problems: list[tuple[Problem, int, str | None]] = field(default_factory=list)
    skipped: int = 0


def take(incoming: Iterable[Record | Problem], source: Source, context: Context, secret: bytes) -> Taken:
    """Reads a stretch of records as a whole. Of each kind of problem only the first shows its record: others are counted."""
    taken, shown = Taken(), set[tuple[bool, bool]]()
    for line, reading, record in readings(incoming, source, context):
        match reading:
            case Problem():
                kind = reading.rejected, reading.informative
                text = None if kind in shown else excerpt(record, reading.line or line)
                shown.add(kind)
                taken.problems.append((reading, line, text))
            case Skip():
                taken.skipped += 1
            case Row():
                taken.batch.add(reading, line, secret)
    return taken


def readings(
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
