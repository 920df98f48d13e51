"""Reads stretches of a large log in processes of their own, since decoding, hashing and counting tokens are Python's work.

A process is started as ``python -c`` and not by multiprocessing: that would run the program that called us once more.
It gets the secret and the stretches through its standard input and gives rows back through its standard output, so
nothing of a log touches a disk; when the parent ends, however it ends, so does its input, and the process with it.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, Final, Self

from llmcost.errors import LlmcostError
from llmcost.ingest.rows import Taken, take
from llmcost.records import Context, Problem, Sample, Source
from llmcost.records.cut import chunk_records
from llmcost.records.files import Input
from llmcost.sources import SOURCES

SMALLEST: Final = 32_000_000
"""Bytes of a file from which on processes are worth the second that their start takes."""
_PROGRAM: Final = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from llmcost.ingest.readers import serve; serve(sys.stdin.buffer, sys.stdout.buffer)"
)
Stretch = tuple[int, bytes]
"""The number of the first line, and line-aligned bytes of JSONL."""


@dataclass(frozen=True)
class Job:
    """What a process must know to read stretches of one file."""

    source: str
    context: Context
    secret: bytes = field(repr=False)


def worth_processes(item: Input, found: Sample, source: Source) -> bool:
    """Whether the records of a file stand for themselves and are enough to be read in processes."""
    if found.form != "jsonl" or source.read_file is not None or not isinstance(item, Path):
        return False
    return bool(sys.executable) and (os.cpu_count() or 1) > 1 and item.stat().st_size >= SMALLEST


class Readers:
    """Some processes that read stretches; :meth:`read` may be called from several threads at once."""

    def __init__(self, job: Job, number: int) -> None:
        self._free: SimpleQueue[_Reader] = SimpleQueue()
        self._all = [_Reader(job) for _ in range(number)]
        for reader in self._all:
            self._free.put(reader)

    def read(self, stretch: Stretch | Problem) -> Taken:
        """What a stretch gave; a problem in the place of a stretch gives nothing. An error of the process is raised here."""
        if isinstance(stretch, Problem):
            return Taken()
        reader = self._free.get()
        try:
            return reader.ask(stretch)
        finally:
            self._free.put(reader)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reader in self._all:
            reader.close()


class _Reader:
    """One process."""

    def __init__(self, job: Job) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._input, self._output = _open(self._process.stdin), _open(self._process.stdout)
        self._send(sys.path)
        self._send(job)

    def ask(self, stretch: Stretch) -> Taken:
        try:
            self._send(stretch)
            answer = pickle.load(self._output)  # noqa: S301 - what our own process wrote
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as error:
            raise LlmcostError(
                "a process that read a part of the log ended early",
                why=f"exit status {self._process.wait()}; the store was left as it was",
                hint="it may have been out of memory: other programs, or smaller files, would leave it more",
            ) from error
        if isinstance(answer, BaseException):
            raise answer
        taken: Taken = answer
        return taken

    def _send(self, value: object) -> None:
        pickle.dump(value, self._input, protocol=pickle.HIGHEST_PROTOCOL)
        self._input.flush()

    def close(self) -> None:
        """Ends the process, at once: what it is reading is not asked for any more."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._input, self._output):
            try:
                pipe.close()
            except BrokenPipeError:  # what was not read of the last question
                continue


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise TypeError("a process without pipes")
    return pipe


def serve(incoming: IO[bytes], outgoing: IO[bytes]) -> None:
    """Answers stretches until there are no more: the whole life of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends us
    job: Job = pickle.load(incoming)  # noqa: S301 - what our own parent wrote
    source = SOURCES.load(job.source)
    while True:
        try:
            first, data = pickle.load(incoming)  # noqa: S301 - likewise
        except EOFError:
            return
        pickle.dump(_answer(first, data, source, job), outgoing, protocol=pickle.HIGHEST_PROTOCOL)
        outgoing.flush()


def _answer(first: int, data: bytes, source: Source, job: Job) -> Any:
    try:
        return take(chunk_records(first, data), source, job.context, job.secret)
    except Exception as error:  # noqa: BLE001 - it is the parent's to raise
        try:
            pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
        except Exception:  # noqa: BLE001 - an error that cannot be sent is still told by its name
            return RuntimeError(f"{type(error).__name__} while records were read")
        return error
