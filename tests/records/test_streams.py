from __future__ import annotations

import codecs
import gzip
from pathlib import Path

import pytest
import zstandard

from llmcost.records.contract import Problem
from llmcost.records.files import chunk_records, chunks, open_bytes, records
from llmcost.records.streams import open_stream
from tests.records.support import told

LINES = b"".join(b'{"n": %d, "text": "%d"}\n' % (n, n * 7919) for n in range(2000))
VALUES = [(n + 1, {"n": n, "text": str(n * 7919)}) for n in range(2000)]


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


@pytest.mark.parametrize("name", ["log.jsonl", "log.gz"])
@pytest.mark.parametrize(
    "stored",
    [
        LINES,
        gzip.compress(LINES),
        gzip.compress(LINES[:5000]) + gzip.compress(LINES[5000:]) + b"\0" * 512,
        _zstd(LINES),
        _zstd(LINES[:5000]) + _zstd(LINES[5000:]),
        codecs.BOM_UTF8 + LINES,
        codecs.BOM_UTF16_LE + LINES.decode().encode("utf-16-le"),
        gzip.compress(codecs.BOM_UTF16_BE + LINES.decode().encode("utf-16-be")),
    ],
    ids=["plain", "gzip", "gzip members", "zstd", "zstd frames", "utf-8 mark", "utf-16-le", "gzip utf-16-be"],
)
def test_compression_and_encoding_are_told_from_the_bytes(tmp_path: Path, stored: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(stored)
    assert told(records(path, "jsonl")) == VALUES


@pytest.mark.parametrize("pack", [gzip.compress, _zstd], ids=["gzip", "zstd"])
def test_a_truncated_file_is_a_problem_behind_its_good_records(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    head, path = pack(LINES[:1000]), tmp_path / "log.jsonl.gz"
    path.write_bytes(head + pack(LINES[1000:])[:-20])
    found = told(records(path, "jsonl"))
    good, fault = found[:-1], found[-1]
    assert fault[1] == "<truncated-file>"
    assert len(good) >= LINES[:1000].count(b"\n")
    assert good == VALUES[: len(good)]
    assert fault[0] == len(good) + 1


def test_a_damaged_file_is_a_problem_behind_its_good_records(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(LINES))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(LINES) + packed)
    found = told(records(path, "jsonl"))
    assert found[:2000] == VALUES
    assert found[-1][1] in {"<corrupt-file>", "<truncated-file>"}


def test_chunks_are_line_aligned_and_say_what_the_record_path_says(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(LINES)[:-12])
    whole = list(chunks(path))
    assert isinstance(whole[-1], Problem)
    blocks = [item for item in whole if not isinstance(item, Problem)]
    assert all(data.endswith(b"\n") for _, data in blocks)
    again = [record for first, data in blocks for record in chunk_records(first, data)]
    assert [*told(again), (whole[-1].line, f"<{whole[-1].kind}>")] == told(records(path, "jsonl"))


def test_progress_counts_stored_bytes(tmp_path: Path) -> None:
    path, heard = tmp_path / "log.gz", list[int]()
    path.write_bytes(gzip.compress(LINES))
    list(records(path, "jsonl", heard.append))
    assert heard[-1] == path.stat().st_size


def test_open_bytes_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log.zst"
    path.write_bytes(_zstd(LINES))
    with open_bytes(path) as file:
        assert file.readline() == b'{"n": 0, "text": "0"}\n'
        assert file.read() == LINES[22:]


def test_a_bomb_comes_in_bounded_blocks(tmp_path: Path) -> None:
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(b"\0" * 50_000_000))
    assert max(map(len, open_stream(path))) <= 4 * 1024 * 1024
