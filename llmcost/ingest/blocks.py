"""Blocks of a file for a vectorised source: the data, its first line, and the careful way through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from llmcost.records import Context, Problem, Record, Sample, Source
from llmcost.records.columnar import plain_records, unreadable
from llmcost.records.cut import newline_count, newlines
from llmcost.records.files import Input, batches, chunk_records, chunks, records

_RETURN: Final = 0x0D
Watch = Callable[[int], None] | None


@dataclass(frozen=True)
class Block:
    """Some rows of a file. ``rows`` is how many records they are, so that a vectorised reader can be held to it."""

    data: Any
    rows: int
    first_line: int
    careful: Callable[[], Iterator[Record | Problem]]


def blocks(item: Input, found: Sample, watch: Watch) -> Iterator[Block | Problem]:
    """The file in line-aligned blocks of JSONL, or in Parquet batches; other forms are not cut."""
    if found.form == "parquet":
        yield from _batches(item, watch)
        return
    for chunk in chunks(item, watch):
        if isinstance(chunk, Problem):
            yield chunk
            continue
        first, data = chunk
        yield Block(data, _lines(data), first, _lines_of(first, data))


def _batches(item: Input, watch: Watch) -> Iterator[Block | Problem]:
    done = 0
    try:
        for batch in batches(item, watch):
            yield Block(batch, batch.num_rows, done + 1, _rows(batch, done))
            done += batch.num_rows
    except (OSError, ValueError) as error:
        yield unreadable(error, done + 1)


def split(block: Block, parts: int) -> list[Block]:
    """A block of lines as up to ``parts`` line-aligned blocks; Parquet batches are not split."""
    if not isinstance(block.data, bytes):
        return []
    found, start, line = [], 0, block.first_line
    size = len(block.data)
    for part in range(1, parts + 1):
        wanted = size * part // parts
        end = size if part == parts else block.data.find(b"\n", max(wanted, start)) + 1 or size
        if end > start:
            data = block.data[start:end]
            found.append(Block(data, _lines(data), line, _lines_of(line, data)))
            line += newline_count(data)
            start = end
    return found if len(found) > 1 else []


def _lines(data: bytes) -> int:
    """Lines of a block without blank ones; -1 when there are blank lines, since then line numbers are not in step."""
    ends = newlines(data)
    lengths = np.diff(ends, prepend=-1)
    blank = bool((lengths == 1).any())
    if not blank and (short := ends[lengths == 2]).size:
        blank = any(data[end - 1] == _RETURN for end in short.tolist())
    return -1 if blank else len(ends) + (not data.endswith(b"\n"))


def _lines_of(first: int, data: bytes) -> Callable[[], Iterator[Record | Problem]]:
    return lambda: chunk_records(first, data)


def _rows(batch: Any, done: int) -> Callable[[], Iterator[Record | Problem]]:
    return lambda: plain_records(batch, done)


def vectorised(source: Source, found: Sample, context: Context) -> bool:
    """Whether the file can be offered in blocks to the source."""
    del context
    return source.arrow is not None and found.form in {"jsonl", "parquet"}


__all__ = ["Block", "blocks", "records", "vectorised"]
