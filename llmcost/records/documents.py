"""Cuts JSON documents into records: array elements one by one, concatenated values, pretty-printed or not.

Only brackets and strings are scanned, so an element that is no JSON is one problem and the next is read, and
memory holds one element at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.contract import Problem, Record
from llmcost.records.cut import MAX_RECORD
from llmcost.records.jsontext import BadJsonError, decode_all
from llmcost.records.streams import BLOCK, Stream

MAX_DOCUMENT: Final = 4 * MAX_RECORD
"""Bytes of a top-level object: pages of usage exports and traces come as one."""
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_STRING_END: Final = re.compile(rb'(?:[^"\\]++|\\.)*+"', re.DOTALL)
_QUOTE: Final = 0x22
_ARRAY: Final = 0x5B
Piece = bytes | list[Any] | Problem
"""The bytes of a record, values that stood in an array beside its objects, or a problem."""
_BETWEEN: Final = b" \t\r\n,\x1e"


def documents(stream: Stream, limit: int | None = None) -> Iterator[Record | Problem]:
    """The records of a JSON file, numbered from 1: elements of top-level arrays, and other top-level values."""
    ordinal = 0
    for item in _Cutter(stream.text(), limit).pieces():
        for found in _decoded(item) if isinstance(item, bytes) else item if isinstance(item, list) else [item]:
            ordinal += 1
            yield (
                Problem(found.kind, found.detail, line=ordinal)
                if isinstance(found, Problem)
                else Record(found, ordinal)
            )
    if stream.fault is not None:
        yield Problem(stream.fault.kind, stream.fault.detail, line=ordinal + 1)


def _decoded(piece: bytes) -> list[Any]:
    try:
        return decode_all(piece)
    except BadJsonError as error:
        return [Problem(error.kind, error.detail)]


class _Cutter:
    """Cuts blocks into the bytes of one record after another."""

    def __init__(self, blocks: Iterable[bytes], limit: int | None) -> None:
        self._blocks = iter(blocks)
        self._limit = limit
        self._buffer = b""
        self._at = 0  # where scanning goes on
        self._start = 0  # where the open record, or the gap before the next, starts
        self._depth = 0
        self._floor = 0  # 1 inside a top-level array: its elements are the records
        self._in_string = False  # only while a record that is too long is passed over
        self._dropping = False

    def pieces(self) -> Iterator[Piece]:
        while self._more():
            if self._in_string and not self._leave_string():
                continue
            yield from self._scan()
            self._drop_if_too_long()
        if self._depth == self._floor:
            yield from self._gap(len(self._buffer))
        if self._dropping:
            yield self._too_long()
        elif self._depth > self._floor:
            yield Problem("truncated-json", "the file ends inside a record")
        elif self._floor:
            yield Problem("truncated-json", "the file ends inside its array: the closing bracket is missing")

    @property
    def _most(self) -> int:
        return self._limit or (MAX_RECORD if self._floor else MAX_DOCUMENT)

    def _more(self) -> bool:
        """Reads on, as much as is held already, so that a record is rescanned a few times and not often."""
        parts = [self._buffer[self._start :]]
        held, size = len(parts[0]), 0
        while size < max(held, BLOCK) and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            size += len(block)
        self._at -= self._start
        self._start, self._buffer = 0, b"".join(parts)
        return size > 0

    def _scan(self) -> Iterator[Piece]:
        for token in _TOKEN.finditer(self._buffer, self._at):
            self._at, first = token.end(), self._buffer[token.start()]
            if first == _QUOTE:
                if token.end() - token.start() == 1:  # a string that the buffer does not close
                    self._at = token.start()
                    self._in_string = True
                    return
            elif first in b"{[":
                yield from self._open(token.start(), first)
            else:
                yield from self._close(token.end())
        self._at = len(self._buffer)

    def _open(self, at: int, bracket: int) -> Iterator[Piece]:
        if self._depth == self._floor:
            yield from self._gap(at)
            self._start = at
        if self._depth == 0 and bracket == _ARRAY:
            self._floor, self._start = 1, at + 1
        self._depth += 1

    def _close(self, end: int) -> Iterator[Piece]:
        if self._depth == self._floor:
            yield from self._gap(end - 1)
            if self._floor == 0:
                yield Problem("bad-json", "a closing bracket that was never opened")
            self._depth = self._floor = 0
            self._start = end
            return
        self._depth -= 1
        if self._depth == self._floor:
            yield self._too_long() if self._dropping else self._buffer[self._start : end]
            self._dropping = False
            self._start = end

    def _gap(self, end: int) -> Iterator[Piece]:
        """What stands between records: blanks and commas, or values that are no objects."""
        gap = self._buffer[self._start : end].strip(_BETWEEN)
        if not gap:
            return
        if not self._floor:
            yield gap
            return
        (values,) = _decoded(b"[" + gap + b"]")
        yield values if isinstance(values, list) else [values]

    def _drop_if_too_long(self) -> None:
        if self._at - self._start > self._most or len(self._buffer) - self._start > self._most:
            self._dropping = True
        if self._dropping and self._in_string:
            self._at += 1
            self._leave_string()
        elif not self._dropping:
            self._in_string = False
        if self._dropping:
            self._start = self._at

    def _leave_string(self) -> bool:
        """Passes over the rest of a string inside a record that is too long."""
        match = _STRING_END.match(self._buffer, self._at)
        self._in_string = match is None
        if match is not None:
            self._at = match.end()
            return True
        slashes = len(self._buffer) - len(self._buffer.rstrip(b"\\"))
        self._start = self._at = len(self._buffer) - slashes % 2
        return False

    def _too_long(self) -> Problem:
        return Problem("record-too-long", f"longer than {self._most >> 20} MB")


def closed(prefix: bytes) -> bytes:
    """A JSON text cut off anywhere, closed behind its last complete object or array; empty if there is none."""
    stack: list[int] = []
    best, closers = 0, b""
    for token in _TOKEN.finditer(prefix):
        first = prefix[token.start()]
        if first == 0x22:
            if token.end() - token.start() == 1:
                break
        elif first in b"{[":
            stack.append(first)
        elif stack:
            stack.pop()
            best, closers = token.end(), bytes(0x7D if opened == 0x7B else 0x5D for opened in reversed(stack))
    return prefix[:best] + closers
