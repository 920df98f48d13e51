"""Turns the paths of a command line into the files to read; standard input and pipes are among them."""

from __future__ import annotations

import glob
import hashlib
import re
import sys
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final

from llmcost.errors import UsageError

_STRING: Final = re.compile(r"[A-Za-z][\w+.-]*://")
_BLOCK: Final = 1 << 20


class Stdin:
    """Standard input, or a pipe with a path, as a file: its beginning can be looked at, then it is read once.

    Nothing is spooled to a disk, because log bodies never are. A pipe is opened when it is first looked at.
    """

    def __init__(self, raw: BinaryIO | None = None, pipe: Path | None = None, name: str = "-") -> None:
        self.name: Final = str(pipe) if pipe is not None else name
        self._given, self._pipe = raw, pipe
        self._buffer = bytearray()
        self._whole = self._opened = False
        self._hash = hashlib.sha256()

    def __str__(self) -> str:
        return self.name

    @cached_property
    def _raw(self) -> BinaryIO:
        if self._given is not None:
            return self._given
        if self._pipe is not None:
            opened = self._pipe.open("rb")
            weakref.finalize(self, opened.close)
            return opened
        if sys.stdin is None or getattr(sys.stdin, "closed", False):
            raise UsageError("standard input is closed", hint="name a file or a folder instead of -")
        return sys.stdin.buffer

    @property
    def _called(self) -> str:
        return "standard input" if self._pipe is None else self.name

    def peek(self, size: int) -> bytes:
        """The first ``size`` bytes (fewer at the end), still to be read."""
        while len(self._buffer) < size and not self._whole and not self._opened:
            self._pull(size - len(self._buffer))
        return bytes(self._buffer[:size])

    def blocks(self, size: int = _BLOCK) -> Iterator[bytes]:
        """All bytes. May run again only while everything fits the buffer (after :meth:`digest`)."""
        if self._opened:
            raise UsageError(f"{self._called} was already read", why="it can be read only once")
        if self._whole:
            yield from (bytes(self._buffer[i : i + size]) for i in range(0, len(self._buffer), size))
            return
        self._opened = True
        if self._buffer:
            yield bytes(self._buffer)
            self._buffer.clear()
        while block := self._raw.read(size):
            self._hash.update(block)
            yield block
        self._whole = True

    def digest(self) -> bytes:
        """SHA-256 of all bytes. Before :meth:`blocks` everything is kept in memory; after, what was left is passed over."""
        while self._opened and not self._whole:
            rest = self._raw.read(_BLOCK)
            self._whole = not rest
            self._hash.update(rest)
        while not self._whole:
            self._pull(_BLOCK)
        return self._hash.digest()

    def _pull(self, size: int) -> None:
        block = self._raw.read(max(size, 1))
        self._whole = not block
        self._buffer += block
        self._hash.update(block)


Input = Path | Stdin


def expand(paths: Sequence[str]) -> list[Input]:
    """The files that ``paths`` name, each once: files, folders (all below, sorted), globs, and ``-``.

    Hidden files and folders inside a folder are left out unless they were named.
    """
    found: dict[str, Input] = {}
    for name in paths:
        for item in _expand_one(name):
            found.setdefault(item.name if isinstance(item, Stdin) else str(item.resolve()), item)
    return list(found.values())


def _expand_one(name: str) -> list[Input]:
    if name == "-":
        return [Stdin()]
    if _STRING.match(name):
        raise UsageError(
            "a connection string of a kind that cannot be read", hint="postgresql://user@host/database is one"
        )
    path = Path(name).expanduser()
    if path.is_dir():
        return list(_below(path))
    if path.exists():
        return [path if path.is_file() or path.is_block_device() else Stdin(pipe=path)]
    if glob.has_magic(name):
        matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207 - unlike Path.glob, absolute and without hidden files
        if files := [file for match in matches for file in (_below(match) if match.is_dir() else [match])]:
            return list(dict.fromkeys(files))
        raise UsageError(f"no file matches {name!r}", hint="quote the pattern, or name a folder to read all of it")
    raise UsageError(f"{name!r} does not exist", hint=_neighbour(path))


def _below(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _below(entry)
        elif entry.is_file():
            yield entry


def _neighbour(path: Path) -> str | None:
    from difflib import get_close_matches

    parent = path.parent
    if not parent.is_dir():
        return f"there is no folder {str(parent)!r}"
    close = get_close_matches(path.name, sorted(entry.name for entry in parent.iterdir()), n=1)
    if close:
        return f"did you mean {str(parent / close[0])!r}?"
    return "name a file, a folder, a pattern in quotes, or - for standard input"


def digest(path: Input) -> bytes:
    """SHA-256 of the bytes as stored (compressed bytes stay compressed): what makes two files the same.

    Processors have instructions for it, with which it takes half the time of BLAKE2b.
    """
    if isinstance(path, Stdin):
        return path.digest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
