"""Blocks of a file for a vectorised source: the data, its line numbers, and the careful way through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from llmcost.records import Context, Problem, Record, Sample, Source
from llmcost.records.columnar import plain_records, unreadable
from llmcost.records.cut import newline_count
from llmcost.records.files import Input, batches, chunk_records, chunks, records

Ints = NDArray[np.int64]
Watch = Callable[[int], None] | None


@dataclass(frozen=True)
class Block:
    """Some rows of a file, each with its line number: lines of JSONL, blank ones too, or a Parquet batch."""

    data: Any
    numbers: Ints
    careful: Callable[[], Iterator[Record | Problem]]

    @property
    def rows(self) -> int:
        """How many records they are, so that a vectorised reader can be held to it."""
        return len(self.numbers)


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
        yield _lines(first, data)


def _batches(item: Input, watch: Watch) -> Iterator[Block | Problem]:
    done = 0
    try:
        for batch in batches(item, watch):
            yield Block(batch, np.arange(done + 1, done + 1 + batch.num_rows), partial(plain_records, batch, done))
            done += batch.num_rows
    except (OSError, ValueError) as error:
        yield unreadable(error, done + 1)


def _lines(first: int, data: bytes) -> Block:
    number = newline_count(data) + (not data.endswith(b"\n"))
    return Block(data, np.arange(first, first + number), partial(chunk_records, first, data))


def split(block: Block, parts: int) -> list[Block]:
    """A block of lines as up to ``parts`` line-aligned blocks; Parquet batches are not split."""
    if not isinstance(block.data, bytes):
        return []
    found, start, line = [], 0, int(block.numbers[0])
    size = len(block.data)
    for part in range(1, parts + 1):
        wanted = size * part // parts
        end = size if part == parts else block.data.find(b"\n", max(wanted, start)) + 1 or size
        if end > start:
            found.append(_lines(line, block.data[start:end]))
            line += found[-1].rows
            start = end
    return found if len(found) > 1 else []


def without(data: Any, numbers: Ints, rows: Sequence[int]) -> tuple[Any, Ints, list[Block]]:
    """The data of a block without some of its rows, the line numbers of the others, and each row left out as a block."""
    kept = np.ones(len(numbers), bool)
    kept[list(rows)] = False
    if isinstance(data, bytes):
        lines = data.split(b"\n")
        apart = [_lines(int(numbers[row]), lines[row]) for row in rows]
        return b"".join(lines[place] + b"\n" for place in np.flatnonzero(kept).tolist()), numbers[kept], apart
    single = [(data.slice(row, 1), int(numbers[row])) for row in rows]
    apart = [Block(one, np.array([number]), partial(plain_records, one, number - 1)) for one, number in single]
    return data.filter(pa.array(kept)), numbers[kept], apart


def vectorised(source: Source, found: Sample, context: Context) -> bool:
    """Whether the file can be offered in blocks to the source."""
    del context
    return source.arrow is not None and found.form in {"jsonl", "parquet"}


__all__ = ["Block", "blocks", "records", "split", "vectorised", "without"]
