"""Cuts text into lines and JSONL records, in bounded memory; a bad line is one problem and the next is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llmcost.records.contract import Problem, Record
from llmcost.records.jsontext import BadJsonError, decode_all
from llmcost.records.streams import Stream

MAX_RECORD: Final = 64 * 1024 * 1024
"""Bytes of one line or one array element; more is no log record, and would only eat memory."""
NEWLINE: Final = 0x0A
CHUNK: Final = 8 * 1024 * 1024
_TILE: Final = 1 << 18
"""Bytes that are counted at once: they stay in the processor's cache."""


def lines(stream: Stream, limit: int = MAX_RECORD, end: bytes = b"\n") -> Iterator[bytes | None]:
    """The lines without the byte that ends them; None stands for a line over ``limit``.

    The last one need not end in a newline, unless the stream was cut off: then it is not given.
    """
    tail, size = [b""], 0
    for block in stream.text():
        first, newline, rest = block.partition(end)
        size += len(first)
        if size <= limit:
            tail.append(first)
        else:
            tail.clear()
        if not newline:
            continue
        yield b"".join(tail) if size <= limit else None
        *whole, last = rest.split(end)
        yield from whole if len(block) <= limit else (line if len(line) <= limit else None for line in whole)
        tail, size = [last], len(last)
    if size and stream.fault is None:
        yield b"".join(tail) if size <= limit else None


def too_long(line: int, limit: int = MAX_RECORD) -> Problem:
    """The problem of a record over the limit."""
    return Problem("record-too-long", f"longer than {limit >> 20} MB", line=line)


def line_records(data: bytes, line: int) -> Iterator[Record | Problem]:
    """The records of one non-blank JSONL line: one, unless a newline got lost between two."""
    try:
        values = decode_all(data)
    except BadJsonError as error:
        yield Problem(error.kind, error.detail, line=line)
        return
    for value in values:
        yield Record(value, line)


def jsonl(stream: Stream, limit: int = MAX_RECORD) -> Iterator[Record | Problem]:
    """The records of a JSONL file; blank lines are neither records nor problems."""
    number = 0
    for number, data in enumerate(lines(stream, limit), 1):
        if data is None:
            yield too_long(number, limit)
        elif data and not data.isspace():
            yield from line_records(data, number)
    if stream.fault is not None:
        yield _at(stream.fault, number + 1)


def _at(fault: Problem, line: int) -> Problem:
    return Problem(fault.kind, fault.detail, line=line)


def text_lines(stream: Stream, limit: int = MAX_RECORD) -> Iterator[Record | Problem]:
    """Each non-blank line of a text log as a record; bytes that are no UTF-8 become U+FFFD."""
    number = 0
    for number, data in enumerate(lines(stream, limit), 1):
        if data is None:
            yield too_long(number, limit)
        elif data and not data.isspace():
            yield Record(data.decode(errors="replace").rstrip("\r"), number)
    if stream.fault is not None:
        yield _at(stream.fault, number + 1)


def newlines(data: bytes) -> NDArray[np.int64]:
    """Where the newlines stand. Searching bytes for them one by one takes ten times as long."""
    text = np.frombuffer(data, np.uint8)
    tiles = range(0, len(text), _TILE)
    found = [np.flatnonzero(text[start : start + _TILE] == NEWLINE) + start for start in tiles]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def byte_counts(data: bytes | memoryview, wanted: bytes) -> list[int]:
    """How often each of the wanted bytes occurs."""
    text = np.frombuffer(data, np.uint8)
    found = [0] * len(wanted)
    for start in range(0, len(text), _TILE):
        tile = text[start : start + _TILE]
        for place, byte in enumerate(wanted):
            found[place] += int(np.count_nonzero(tile == byte))
    return found


def newline_count(data: bytes) -> int:
    """How many newlines there are."""
    return byte_counts(data, b"\n")[0]


def line_chunks(stream: Stream, size: int = CHUNK, limit: int = MAX_RECORD) -> Iterator[tuple[int, bytes] | Problem]:
    """Line-aligned blocks of about ``size`` bytes, each with the number of its first line, for a vectorised reader.

    A line over ``limit`` and the end of a damaged file come as problems, in their place.
    """
    held: list[bytes] = []
    held_size = line_size = 0
    first = 1
    for block in stream.text():
        cut = block.rfind(b"\n") + 1
        line_size = len(block) - cut + (0 if cut else line_size)
        if cut and held_size + cut >= size:
            data = b"".join((*held, block[:cut]))
            yield from _bounded(data, first, limit)
            first += newline_count(data)
            held, held_size = [block[cut:]], len(block) - cut
        elif cut or line_size - len(block) <= limit:
            held.append(block)
            held_size += len(block)
        # else: what is held of this line is over the limit already, the rest of it is not needed
    data = b"".join(held)
    if stream.fault is not None:
        data = data[: data.rfind(b"\n") + 1]
    if data.strip():
        yield from _bounded(data, first, limit)
    if stream.fault is not None:
        yield _at(stream.fault, first + newline_count(data))


def _bounded(data: bytes, first: int, limit: int) -> Iterator[tuple[int, bytes] | Problem]:
    if len(data) <= limit:
        yield first, data
        return
    good: list[bytes] = []
    number = first - 1
    for number, line in enumerate(data.split(b"\n"), first):
        if len(line) <= limit:
            good.append(line)
            continue
        if good:
            yield number - len(good), b"\n".join((*good, b""))
            good = []
        yield too_long(number, limit)
    if good:
        yield number + 1 - len(good), b"\n".join(good)


def chunk_records(first: int, data: bytes) -> Iterator[Record | Problem]:
    """The records of one block of :func:`line_chunks`: the careful way through what a vectorised reader declined."""
    for number, line in enumerate(data.split(b"\n"), first):
        if line and not line.isspace():
            yield from line_records(line, number)
