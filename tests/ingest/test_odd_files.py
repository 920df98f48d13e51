"""Files that are broken, odd or no files at all: what can be read of them is kept, and the rest is told."""

from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from llmcost.errors import NothingIngestedError
from llmcost.ingest.recognise import claimants
from llmcost.ingest.run import IngestSummary, ingest
from llmcost.records import Sample
from llmcost.records.files import sample
from llmcost.usage.store import Store
from tests.cli.support import row
from tests.ingest.support import balanced
from tests.support import SAMPLES

LINES = [json.dumps(row(n)).encode() + b"\n" for n in range(300)]
PLAIN = b"".join(LINES)
FOREIGN = b'{"exported_by": "a script", "version": 3}\n'


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def _with(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) or None :]


def _read(path: Path) -> IngestSummary:
    with Store() as store:
        return balanced(ingest(store, [str(path)]))


PACKED = gzip.compress(PLAIN)
FROZEN = _zstd(PLAIN)


@pytest.mark.parametrize(
    ("stored", "kind", "detail"),
    [
        (_with(PACKED, len(PACKED) - 8, b"wrong"), "corrupt-file", "checksum"),
        (_with(FROZEN, len(FROZEN) - 4, b"bad!"), "corrupt-file", "checksum"),
        (_with(gzip.compress(PLAIN[:9000]), 9, b"x") + gzip.compress(PLAIN[9000:])[:-8] + b"12345678", "corrupt-file", "checksum"),
        (_zstd(PLAIN[:9000]) + _zstd(PLAIN[9000:])[:-4] + b"bad!", "corrupt-file", "checksum"),
        (PACKED + b"something else", "corrupt-file", "cannot be read"),
        (FROZEN + b"something else", "corrupt-file", "cannot be read"),
        (FROZEN[:-1], "truncated-file", "ends early"),
        (PACKED[:-1], "truncated-file", "ends early"),
    ],
    ids=["gzip", "zstd", "gzip members", "zstd frames", "behind gzip", "behind zstd", "end of zstd", "end of gzip"],
)  # fmt: skip
def test_every_record_before_a_fault_is_kept(tmp_path: Path, stored: bytes, kind: str, detail: str) -> None:
    path = tmp_path / "log"
    path.write_bytes(stored)
    summary = _read(path)
    assert (summary.ingested, summary.rejected) == (300, 1)
    ((told, rejected, _, example),) = summary.problems
    assert (told, rejected) == (kind, True)
    assert detail in example
    assert example.startswith(f"{path}:301: ")


@pytest.mark.parametrize(
    ("stored", "what"),
    [
        (_with(PACKED, 10, b"\0" * (len(PACKED) - 10)), "gzip data is damaged"),
        (_with(PACKED, 12, b"\xff" * 40), "gzip data is damaged"),
        (PACKED[:15], "gzip data ends early"),
        (_with(FROZEN, 16, b"\xff" * 40), "zstd data is damaged"),
        (FROZEN[:9], "zstd data ends early"),
        (FROZEN[:4], "zstd data ends early"),
        (b"\0" * 9000, "zero bytes"),
    ],
    ids=["zeroed gzip", "gzip", "cut gzip", "zstd", "cut zstd", "magic alone", "zeros"],
)
def test_a_file_of_which_nothing_can_be_read_is_no_empty_file(tmp_path: Path, stored: bytes, what: str) -> None:
    path = tmp_path / "log"
    path.write_bytes(stored)
    with pytest.raises(NothingIngestedError, match=what) as raised:
        _read(path)
    assert str(path) in raised.value.render()
    assert "empty" not in raised.value.render()


def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(PACKED,))
    writer.start()
    summary = _read(pipe)
    writer.join()
    assert (summary.ingested, summary.rejected) == (300, 0)
    assert summary.files[0].name == str(pipe)


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "log.jsonl").write_bytes(PLAIN)
    assert _read(tmp_path).ingested == 300


def test_old_mac_line_ends(tmp_path: Path) -> None:
    names = list(row(1))
    rows = [",".join(names), *(",".join(str(v) for v in row(n).values()) for n in range(5)), '"r,9' + '"' + "," * 5, ""]
    path = tmp_path / "log.csv"
    path.write_bytes("\r".join(rows).encode())
    summary = _read(path)
    assert (summary.ingested, summary.rejected) == (6, 0)


JSON_LINES = sorted(path for path in SAMPLES.glob("*/*") if ".jsonl" in path.name and "expected" not in path.name)


@pytest.mark.parametrize("path", JSON_LINES, ids=lambda path: f"{path.parent.name}/{path.name}")
@pytest.mark.parametrize("head", [FOREIGN, FOREIGN + b'{"n": 1}\nnot JSON\n'], ids=["one line", "three lines"])
def test_a_foreign_line_at_the_head_hides_no_format(tmp_path: Path, path: Path, head: bytes) -> None:
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    odd = tmp_path / path.name.removesuffix(".gz")
    odd.write_bytes(head + data)
    plain, found = sample(path), sample(odd)
    assert isinstance(plain, Sample)
    assert isinstance(found, Sample)
    assert claimants(found) == claimants(plain)
    with Store() as store:
        before = balanced(ingest(store, [str(path)]))
    after = _read(odd)
    assert after.ingested == before.ingested
    told = after.rejected - before.rejected + after.skipped - before.skipped
    assert told == head.count(b"\n")


def test_records_of_no_format_stay_unknown(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(FOREIGN * 30 + b"".join(LINES[:10]))
    found = sample(path)
    assert isinstance(found, Sample)
    assert claimants(found) == []


def test_a_column_of_parquet_that_is_no_text_costs_its_row_alone(tmp_path: Path) -> None:
    """A list as text, in a row that is not UTF-8: the writer of the file broke its own promise."""
    text = b"[1, 2]" + b"[\x80]" + b"[3, 4]"
    keys = pa.StringArray.from_buffers(3, pa.array([0, 6, 9, 15], pa.int32()).buffers()[1], pa.py_buffer(text))
    rows = pa.Table.from_pylist([{**row(n), "prefix_block_tokens": 128} for n in range(3)])
    pq.write_table(rows.append_column("prefix_keys", keys), tmp_path / "rows.parquet")
    with Store(threads=1) as store:
        summary = balanced(ingest(store, [str(tmp_path / "rows.parquet")]))
        assert (summary.ingested, summary.rejected) == (2, 1)
