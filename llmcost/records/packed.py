"""Unpacks gzip and zstd as streams that give all there is before a fault, and say which fault it was."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

import zstandard

OUT_BLOCK: Final = 1 << 22
_BLOCK_HEADER: Final = 3
_CHECKSUM: Final = 4
_SKIPPABLE: Final = b"\x2a\x4d\x18"


class DamagedError(ValueError):
    """Packed data that cannot be read on, or whose checksum does not match."""


def is_gzip(head: bytes) -> bool:
    """Whether data begins like a gzip member."""
    return head.startswith(b"\x1f\x8b")


def is_zstd(head: bytes) -> bool:
    """Whether data begins like a zstd frame, or one to be skipped."""
    return head.startswith(zstandard.FRAME_HEADER) or _is_skippable(head)


def _is_skippable(head: bytes) -> bool:
    return head[1:4] == _SKIPPABLE and head[0] & 0xF0 == 0x50


def gunzip(raw: Iterator[bytes]) -> Iterator[bytes]:
    """All members of a gzip file, in bounded pieces; zero padding behind the last member is allowed.

    EOFError when it ends inside a member, DamagedError when it is not what was packed.
    """
    member: zlib._Decompress | None = None
    for block in raw:
        data = block
        while data:
            if member is None:
                data = data.lstrip(b"\0")
                if not data:
                    break
                member = zlib.decompressobj(wbits=31)
            before = member.copy()
            try:
                out = member.decompress(data, OUT_BLOCK)
            except zlib.error as error:
                yield from _up_to_the_fault(before, data)
                raise _gzip_fault(error) from error
            if out:
                yield out
            data = member.unused_data if member.eof else member.unconsumed_tail
            if member.eof:
                member = None
    if member is not None:
        yield member.flush()
        raise EOFError


def _up_to_the_fault(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What the data gives before its fault: zlib keeps nothing of a call that fails, so it is given byte by byte."""
    try:
        for at in range(len(data)):
            if out := member.decompress(data[at : at + 1]):
                yield out
    except zlib.error:
        return


def _gzip_fault(error: zlib.error) -> DamagedError:
    if "data check" in str(error) or "length check" in str(error):
        return DamagedError("the checksum does not match, so some of its records may be wrong")
    return DamagedError("what stands behind cannot be read")


def unzstd(raw: Iterator[bytes]) -> Iterator[bytes]:
    """All frames of a zstd file, block by block, so that a fault costs the block it stands in and what follows.

    https://datatracker.ietf.org/doc/html/rfc8878 section 3.1.1, read 2026-11-24.
    EOFError when it ends inside a frame, DamagedError when it is not what was packed.
    """
    source = _Bytes(raw)
    try:
        while head := source.peek(18):
            if _is_skippable(head):
                source.take(4)
                source.skip(int.from_bytes(source.take(4), "little"))
            else:
                yield from _frame(source, head)
    except zstandard.ZstdError as error:
        if "checksum" in str(error):
            raise DamagedError("the checksum does not match, so some of its records may be wrong") from error
        raise DamagedError("what stands behind cannot be read") from error


def _frame(source: _Bytes, head: bytes) -> Iterator[bytes]:
    if len(head) < 6:
        raise EOFError
    about = zstandard.get_frame_parameters(head)
    frame = zstandard.ZstdDecompressor().decompressobj()
    frame.decompress(source.take(zstandard.frame_header_size(head)))
    last = False
    while not last:
        header = source.take(_BLOCK_HEADER)
        number = int.from_bytes(header, "little")
        last, kind, size = bool(number & 1), number >> 1 & 3, number >> 3
        if out := frame.decompress(header + source.take(1 if kind == 1 else size)):  # kind 1 repeats one byte
            yield out
    if about.has_checksum and (out := frame.decompress(source.take(_CHECKSUM))):
        yield out


class _Bytes:
    """Blocks as one run of bytes to be taken from; EOFError where they end too early."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._held = blocks, b""

    def peek(self, size: int) -> bytes:
        while len(self._held) < size and (block := next(self._blocks, None)) is not None:
            self._held += block
        return self._held[:size]

    def take(self, size: int) -> bytes:
        found = self.peek(size)
        if len(found) < size:
            raise EOFError
        self._held = self._held[size:]
        return found

    def skip(self, size: int) -> None:
        while size:
            part = self.peek(1) and self._held[:size]
            if not part:
                raise EOFError
            self._held = self._held[len(part) :]
            size -= len(part)
