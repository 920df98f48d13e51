"""Opens files as streams of bytes: decompressed, in UTF-8, and honest about a file that ends too early."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from llmcost.records.contract import Problem
from llmcost.records.inputs import Input, Stdin
from llmcost.records.packed import DamagedError, gunzip, is_gzip, is_zstd, unzstd

Progress = Callable[[int], None]
"""Called with the number of stored (compressed) bytes read so far."""

BLOCK: Final = 1 << 20
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Stream:
    """Blocks of decompressed bytes. After the last block ``fault`` says what cut the stream short, if anything did."""

    def __init__(self, raw: Iterable[bytes]) -> None:
        self.fault: Problem | None = None
        self._blocks = self._unpack(iter(raw))

    def __iter__(self) -> Iterator[bytes]:
        return self._blocks

    def beginning(self, most: int) -> bytes:
        """The first ``most`` bytes; the stream is used up by it."""
        parts, size = [], 0
        for block in self._blocks:
            parts.append(block)
            size += len(block)
            if size >= most:
                break
        return b"".join(parts)[:most]

    def text(self) -> Iterator[bytes]:
        """The blocks as UTF-8 without a byte-order mark; UTF-16 and UTF-32 are told by theirs."""
        head = b""
        for block in self._blocks:
            head += block
            if len(head) >= 4:
                break
        codec = next((codec for bom, codec in _BOMS if head.startswith(bom)), None)
        if codec is None:
            yield head
            yield from self._blocks
            return
        head = head[len(next(bom for bom, name in _BOMS if name == codec)) :]
        if codec == "utf-8":
            yield head
            yield from self._blocks
            return
        decoder = codecs.getincrementaldecoder(codec)(errors="replace")
        yield decoder.decode(head).encode()
        for block in self._blocks:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", True).encode()

    def _unpack(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        head = b""
        for block in raw:
            head += block
            if len(head) >= 4:
                break
        if is_gzip(head):
            yield from self._guard(gunzip(_joined(head, raw)), "gzip")
        elif is_zstd(head):
            yield from self._guard(unzstd(_joined(head, raw)), "zstd")
        else:
            yield head
            yield from raw

    def _guard(self, blocks: Iterator[bytes], packer: str) -> Iterator[bytes]:
        try:
            yield from blocks
        except EOFError:
            self.fault = Problem("truncated-file", f"the {packer} data ends early; what stood behind is lost")
        except DamagedError as error:
            self.fault = Problem("corrupt-file", f"the {packer} data is damaged: {error}")


def _joined(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def open_stream(path: Input, progress: Progress | None = None) -> Stream:
    """A stream over the whole file."""
    return Stream(_raw_blocks(path, progress))


def peek(path: Input, size: int) -> bytes:
    """The first ``size`` stored bytes; standard input stays unread."""
    if isinstance(path, Stdin):
        return path.peek(size)
    with path.open("rb") as file:
        return file.read(size)


def _raw_blocks(path: Input, progress: Progress | None) -> Iterator[bytes]:
    done = 0
    for block in path.blocks() if isinstance(path, Stdin) else _file_blocks(path):
        yield block
        done += len(block)
        if progress is not None:
            progress(done)


def _file_blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            yield block


class _StreamFile(io.RawIOBase):
    """A stream under the interface of a binary file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]  # RawIOBase gives any buffer
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(view), len(self._rest))
        view[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def open_bytes(path: Input) -> io.BufferedReader:
    """The decompressed bytes as a file; a damaged end reads as the end (:class:`Stream` tells it)."""
    return io.BufferedReader(_StreamFile(iter(open_stream(path))), BLOCK)
