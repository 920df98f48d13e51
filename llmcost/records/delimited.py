"""Reads CSV exports: any usual delimiter, quoted fields over several lines, and each ragged row as a problem."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from llmcost.records.contract import Problem, Record
from llmcost.records.cut import MAX_RECORD, lines
from llmcost.records.streams import Stream
from llmcost.records.values import in_doubt

_DELIMITERS: Final = (",", ";", "\t", "|")
_SEP_LINE: Final = re.compile(r'^"?sep=(.)"?\s*$', re.IGNORECASE)
_NO_NAME: Final = re.compile(r"[=\[\]{}<>!?]|: |^[-+]?[\d.,]+$|^\d{4}-\d\d-\d\d|https?://")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The delimiter, how many lines stand before the header, the header's names (made unique), and what ends a line."""

    delimiter: str
    skip: int
    header: tuple[str, ...]
    end: bytes = b"\n"
    """A carriage return in tables of old Macs and their spreadsheets."""


def dialect_of(head: str) -> Dialect | None:
    """The dialect that the first lines are written in; None when they are no table with a header."""
    text = head.lstrip("\ufeff")
    if "\n" not in text and "\r" in text:
        found = dialect_of(text.replace("\r", "\n"))
        return replace(found, end=b"\r") if found else None
    if match := _SEP_LINE.match(text.partition("\n")[0]):
        rows = _rows(text.partition("\n")[2], match[1])
        return Dialect(match[1], 1, _unique(rows[0])) if rows else None
    best: tuple[int, Dialect] | None = None
    for delimiter in _DELIMITERS:
        rows = _rows(text, delimiter)
        if not rows or len(rows[0]) < 2 or not _is_header(rows[0]):
            continue
        if sum(len(row) > 1 for row in rows) * 2 < len(rows):
            continue
        if best is None or len(rows[0]) > best[0]:
            best = (len(rows[0]), Dialect(delimiter, 0, _unique(rows[0])))
    return best[1] if best else None


def _rows(text: str, delimiter: str, most: int = 50) -> list[list[str]]:
    """The first rows, the last of them left out where the text may be cut inside it."""
    kept = text.splitlines(keepends=True)
    if len(kept) > 1 and not kept[-1].endswith("\n"):
        kept.pop()
    rows = []
    try:
        for row in csv.reader(kept, delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) > most:
                break
    except csv.Error:
        pass
    return rows


def _is_header(cells: Sequence[str]) -> bool:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return (
        len(names) > 1
        and all(len(name) <= 100 and not _NO_NAME.search(name) for name in names)
        and sum(map(bool, names)) > len(names) / 2
    )


def _unique(cells: Sequence[str]) -> tuple[str, ...]:
    seen: Counter[str] = Counter()
    names = []
    for position, cell in enumerate(cells, 1):
        name = cell.strip() or f"column {position}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(names)


def delimited(stream: Stream, dialect: Dialect, limit: int = MAX_RECORD) -> Iterator[Record | Problem]:
    """The rows as mappings of header name to text; ``line`` is the line on which a row starts."""
    feeder = _Feeder(lines(stream, limit, dialect.end))
    csv.field_size_limit(limit)
    reader = csv.reader(feeder, delimiter=dialect.delimiter, strict=True)
    wanted = dialect.skip + 1
    while True:
        feeder.begin()
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if not wanted:
                yield Problem("bad-csv", feeder.explain(error), line=feeder.first)
            feeder.retry()
            continue
        if not row:
            continue
        if wanted:
            wanted -= 1
            continue
        if dialect.delimiter == ";":
            row = list(map(in_doubt, row))
        yield _record(row, dialect.header, feeder.first)
    if stream.fault is not None:
        yield Problem(stream.fault.kind, stream.fault.detail, line=feeder.number + 1)


def _record(row: list[str], header: tuple[str, ...], line: int) -> Record | Problem:
    size = len(header)
    if len(row) != size:
        if len(row) > size and not any(row[size:]):
            row = row[:size]
        else:
            return Problem("ragged-row", f"{len(row)} fields under a header of {size}", line=line)
    for field in row:
        if not field.isascii() and any("\udc80" <= letter <= "\udcff" for letter in field):
            return Problem("not-utf8", "text that is not UTF-8", line=line)
        if "\0" in field:
            return Problem("nul-byte", "a NUL byte in a field", line=line)
    return Record(dict(zip(header, row, strict=True)), line)


class _Feeder:
    """Gives the reader lines, and takes back what an unclosed quote swallowed."""

    def __init__(self, source: Iterable[bytes | None]) -> None:
        self._source = iter(source)
        self._given: list[str] = []
        self._back: list[str] = []
        self._held = 0
        self.number = 0
        self.first = 0

    def __iter__(self) -> _Feeder:
        return self

    def __next__(self) -> str:
        if self._back:
            line = self._back.pop()
        else:
            data = next(self._source)
            if data is None or self._held + len(data) > MAX_RECORD:
                line = ""
                self._given.append(line)
                self.number += 1
                raise csv.Error(f"longer than {MAX_RECORD >> 20} MB")
            line = data.decode("utf-8", "surrogateescape") + "\n"
        self._given.append(line)
        self._held += len(line)
        self.number += 1
        return line

    def begin(self) -> None:
        """A new row starts."""
        self._given.clear()
        self._held = 0
        self.first = self.number + 1

    def retry(self) -> None:
        """The row is no row: only its first line is given up, the lines behind are read again."""
        self._back.extend(reversed(self._given[1:]))
        self.number -= len(self._given) - 1

    def explain(self, error: csv.Error) -> str:
        if "unexpected end" in str(error):
            return "a quoted field that is never closed"
        return "longer than 64 MB" if "longer" in str(error) or "limit" in str(error) else "quotes that do not match"
