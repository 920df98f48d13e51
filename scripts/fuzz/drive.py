"""Reads one input as an ingest would (what is it, its records, rows, the account) and says what went wrong."""

from __future__ import annotations

import contextlib
import io
import signal
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import FrameType
from typing import Any, Final

import pyarrow as pa

from llmcost.errors import LlmcostError
from llmcost.ingest.read import FileTally, read_into
from llmcost.ingest.recognise import recognise
from llmcost.ingest.stage import ProblemLog, Staging
from llmcost.records import BadValueError, Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.files import Stdin, records, sample
from llmcost.sources import SOURCES
from llmcost.usage.columns import BILLED, USAGE

LIMIT_S: Final = 5.0
"""Seconds of processor time that one input may take."""
_SECRET: Final = b"fuzz" * 8
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "text": (str,), "count": (int,), "instant": (int,), "decimal": (Decimal,), "number": (float,), "flag": (bool,),
    "json": (str,), "counts": (list,), "numbers": (list,),
}  # fmt: skip
_COLUMNS: Final = {column.name: column for column in (*USAGE, *BILLED)}


class BrokenPromiseError(AssertionError):
    """The reading broke what it promises: a record was lost, or a row holds what its column cannot."""


class OutOfTimeError(BaseException):
    """The input took too long; no source may catch it."""


@dataclass(frozen=True)
class Failure:
    """One input that broke something, and where."""

    source: str
    what: str
    where: str
    data: bytes
    told: str = ""


@dataclass
class Read:
    """What an input gave."""

    source: str | None = None
    read: int = 0
    rejected: int = 0
    skipped: int = 0
    table: list[dict[str, Any]] | None = None
    kinds: frozenset[str] = frozenset()

    @property
    def rows(self) -> int:
        """Records that gave a row."""
        return self.read - self.rejected


class Collected(Staging):
    """Takes what a file gives, as Arrow, and keeps it only where it is to be compared."""

    def __init__(self, problems: ProblemLog, *, keep: bool) -> None:
        self.problems, self.rows = problems, 0
        self.kept: list[dict[str, Any]] | None = [] if keep else None

    def add_usage(
        self, table: pa.Table, _file_no: int, _name: str, lines: Sequence[int] | pa.Array, *, foreign: bool = False
    ) -> None:
        """Counts rows, each with its line."""
        del foreign
        if len(table) != len(lines):
            raise BrokenPromiseError("rows without a line")
        self.rows += len(table)
        if self.kept is not None:
            numbers = lines.to_pylist() if isinstance(lines, pa.Array) else lines
            self.kept += [
                {"line": line, **{k: v for k, v in row.items() if v is not None}}
                for line, row in zip(numbers, table.to_pylist(), strict=True)
            ]

    def add_billed(self, table: pa.Table, _file_no: int, lines: Sequence[int]) -> None:
        """Counts billed lines."""
        if len(table) != len(lines):
            raise BrokenPromiseError("billed lines without a line")
        self.rows += len(table)


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Ends what takes more processor time than this."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome_of(data: bytes, forced: str | None, name: str = "fuzz", mapping: Any = None) -> Read | Failure:
    """What an input gives or breaks: read by the source that knows it, and by ``forced`` whatever it looks like."""
    try:
        with limited(LIMIT_S):
            return drive(data, forced, name, mapping)
    except OutOfTimeError as error:
        return Failure(forced or "", "out of time", _place(error), data, traceback.format_exc())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return Failure(forced or "", type(error).__name__, _place(error), data, traceback.format_exc())


def drive(data: bytes, forced: str | None, name: str = "fuzz", mapping: Any = None) -> Read:
    """Reads an input; raises what no user should see. An error of ours that names a reason is an answer."""
    found = sample(_input(data, name))
    if isinstance(found, Problem):
        return Read(rejected=int(found.rejected), read=int(found.rejected))
    known = None
    with contextlib.suppress(LlmcostError):
        known = recognise(found)
    told = read_whole(data, found, known, None) if known is not None else Read()
    if forced is not None and told.source != forced and found.form in SOURCES.load(forced).forms:
        told = read_whole(data, found, (forced, SOURCES.load(forced)), mapping if forced == "mapping" else None)
    return told


def read_whole(data: bytes, found: Sample, named: tuple[str, Source], mapping: Any) -> Read:
    """Reads an input through one source and holds the reading to what it promises."""
    name, _ = named
    if mapping is not None:
        with contextlib.suppress(LlmcostError):  # an ingest stops there; what it would read must be sound all the same
            mapping.check_sample(found)
    try:
        return _both(data, found, named, mapping)
    except LlmcostError:
        if mapping is None:  # only a mapping file may fit no file, which stops an ingest with a reason
            raise
        return Read(name)


def _both(data: bytes, found: Sample, named: tuple[str, Source], mapping: Any) -> Read:
    """Reads carefully, and where the source can read whole columns, that way too: both must say the same."""
    name, source = named
    seen: list[int] = []
    careful = _read(
        data, found, (name, replace(_watched(source, seen), arrow=None)), mapping, keep=source.arrow is not None
    )
    there = sum(isinstance(item, Record) for item in records(_input(data, found.name), found.form))
    if len(seen) != there:
        raise BrokenPromiseError(f"{there} records in the file, {len(seen)} came to the source")
    if source.arrow is None:
        return careful
    fast = _read(data, found, named, mapping, keep=True)
    if "corrupt-file" in careful.kinds:  # how much of a damaged table can be had depends on the size of a batch
        return careful
    if (fast.read, fast.rejected) != (careful.read, careful.rejected):
        raise BrokenPromiseError(
            f"vectorised {fast.read} read, {fast.rejected} rejected; carefully {careful.read}, {careful.rejected}"
        )
    if fast.table != careful.table:
        raise BrokenPromiseError("the vectorised reading differs from the careful one")
    return careful


def _read(data: bytes, found: Sample, named: tuple[str, Source], mapping: Any, *, keep: bool) -> Read:
    problems = ProblemLog()
    staging = Collected(problems, keep=keep)
    tally = FileTally(0, found.name, problems)
    read_into(staging, _input(data, found.name), found, named, mapping, _SECRET, tally, None)
    rejected = problems.rejected(0)
    if tally.read != staging.rows + rejected:
        raise BrokenPromiseError(f"{tally.read} read, {staging.rows} rows and {rejected} rejects")
    table = sorted(staging.kept, key=lambda row: (row["line"], repr(row))) if staging.kept is not None else None
    return Read(named[0], tally.read, rejected, tally.skipped, table, frozenset(kind for _, kind, _ in problems.counts))


def _input(data: bytes, name: str) -> Stdin:
    return Stdin(io.BytesIO(data), name=name)


def _watched(source: Source, seen: list[int]) -> Source:
    """The source, whose every record must give a reading before the next is taken, and every reading be a sound one."""
    read, read_file = source.read, source.read_file

    def one(record: Record, context: Context) -> Iterator[Reading]:
        given = 0
        seen.append(record.line)
        try:
            for reading in read(record, context) if read else ():
                given += 1
                yield _sound(reading)
        except BadValueError:
            given += 1
            raise
        if not given:
            raise BrokenPromiseError("a record gave no reading")

    def whole(incoming: Iterable[Record], context: Context) -> Iterator[Reading]:
        owed = False

        def fed() -> Iterator[Record]:
            nonlocal owed
            for record in incoming:
                if owed:
                    raise BrokenPromiseError("the next record was taken before the last one gave a reading")
                owed = True
                seen.append(record.line)
                yield record

        try:
            for reading in read_file(fed(), context) if read_file else ():
                owed = False
                yield _sound(reading)
        except BadValueError:  # the rest is rejected record by record, which the account shows
            seen.extend(record.line for record in incoming)
            raise
        if owed:
            raise BrokenPromiseError("the last record gave no reading")

    return replace(source, read=one if read else None, read_file=whole if read_file else None)


def _sound(reading: Reading) -> Reading:
    if isinstance(reading, Row):
        for name, value in {**(reading.usage or {}), **(reading.billed or {})}.items():
            column = _COLUMNS.get(name)
            if column is None or (value is not None and type(value) not in _TYPES[column.type]):
                raise BrokenPromiseError(f"{name} is {type(value).__name__}")
    elif not isinstance(reading, Problem | Skip):
        raise BrokenPromiseError(f"a reading is {type(reading).__name__}")
    return reading


def _place(error: BaseException) -> str:
    """The deepest line of ours that the error came through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "/llmcost/" in f.filename or "fuzz" in f.filename]
    last = next((f for f in reversed(frames) if "/llmcost/" in f.filename), frames[-1] if frames else None)
    return f"{last.filename.rpartition('/llmcost/')[2]}:{last.name}" if last else "?"
