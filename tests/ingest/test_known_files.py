"""A file whose bytes were read before is known, whichever way it comes; others of its size are not."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest.run import IngestSummary, ingest
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store
from tests.ingest.support import ROWS, balanced, write


class _Input:
    """Standard input that holds some bytes."""

    closed = False

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def _rows(feature: str, number: int = 30) -> list[dict[str, Any]]:
    return [{"request_id": f"{feature}-{n}", "request_model": "gpt-5", "input_tokens": 5 + n} for n in range(number)]


def _from_stdin(store: Store, data: bytes, monkeypatch: pytest.MonkeyPatch) -> IngestSummary:
    monkeypatch.setattr(sys, "stdin", _Input(data))
    return balanced(ingest(store, ["-"], ROWS))


def test_standard_input_is_known_once_it_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its problems are counted once, and nothing of the second reading is kept."""
    rows = [*_rows("a"), {"request_id": "bad", "request_model": "gpt-5", "input_tokens": -1}]
    data = write(tmp_path / "a.jsonl", rows).read_bytes()
    with Store() as store:
        first = _from_stdin(store, data, monkeypatch)
        assert (first.read, first.ingested, first.rejected) == (31, 30, 1)
        before = store_digest(store), store.rows("FROM problems"), store.rows("FROM files")
        again = _from_stdin(store, data, monkeypatch)
        assert (again.read, again.ingested, again.duplicates, again.rejected) == (31, 0, 30, 1)
        assert again.files[0].known
        assert (store_digest(store), store.rows("FROM problems"), store.rows("FROM files")) == before
        assert balanced(ingest(store, [str(tmp_path / "a.jsonl")], ROWS)).files[0].known


def test_a_file_read_by_name_is_known_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.jsonl", _rows("a"))
    with Store() as store:
        ingest(store, [str(path)], ROWS)
        before = store_digest(store)
        assert _from_stdin(store, path.read_bytes(), monkeypatch).duplicates == 30
        assert (
            _from_stdin(store, path.read_bytes() + b"\n", monkeypatch).duplicates == 30
        )  # other bytes, the same calls
        assert store_digest(store) == before
        assert store.value("SELECT count(*) FROM files") == 2


def test_a_damaged_stream_on_standard_input_has_a_key_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the damage nothing is read, but it is part of what makes two inputs the same."""
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in _rows("a", 3000))
    packed = bytearray(gzip.compress(lines, mtime=0))
    packed[len(packed) // 2 :] = bytes(len(packed) - len(packed) // 2)
    with Store() as store:
        first = _from_stdin(store, bytes(packed), monkeypatch)
        assert 0 < first.ingested < 3000
        assert _from_stdin(store, bytes(packed), monkeypatch).files[0].known


def test_files_of_one_size_are_told_apart(tmp_path: Path) -> None:
    """Only files of a size seen before are hashed before they are read: they need not be the same."""
    first, second = write(tmp_path / "a.jsonl", _rows("a")), write(tmp_path / "b.jsonl", _rows("b"))
    twin = tmp_path / "c.jsonl"
    twin.write_bytes(first.read_bytes())
    assert first.stat().st_size == second.stat().st_size
    with Store() as store:
        summary = balanced(ingest(store, [str(first), str(second), str(twin)], ROWS))
        assert [file.known for file in summary.files] == [False, False, True]
        assert (summary.ingested, summary.duplicates) == (60, 30)
        assert [file.known for file in ingest(store, [str(second), str(twin)], ROWS).files] == [True, True]
