"""Temporary folders of killed processes go with the next run; those of living ones stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcost.errors import LlmcostError
from llmcost.usage.scratch import Scratch
from llmcost.usage.store import Store
from tests.ingest.support import write
from tests.ingest.test_safety import ROW, kill, start


def folders(path: Path) -> list[str]:
    return sorted(each.name for each in path.iterdir() if each.is_dir())


def test_a_killed_run_leaves_nothing_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write(tmp_path / "log.jsonl", [ROW])
    process = start(tmp_path, "simulate", str(log), module="run", function="_record")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    with Store():
        assert len(folders(tmp_path / "tmp")) == 2  # the other process lives
    kill(process)
    assert len(folders(tmp_path / "tmp")) == 1
    with Store() as store:
        assert folders(tmp_path / "tmp") == [store.spill.name]
    assert folders(tmp_path / "tmp") == []


def test_a_killed_writer_leaves_nothing_for_long(tmp_path: Path) -> None:
    log, path = write(tmp_path / "log.jsonl", [ROW]), tmp_path / "s.duckdb"
    kill(start(tmp_path, "ingest", str(log), "--store", str(path), module="run", function="_record"))
    assert any((tmp_path / "s.duckdb.spill").iterdir())
    with Store(path):
        pass
    assert not (tmp_path / "s.duckdb.spill").exists()


def test_folders_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "owner.lock").touch()
    (tmp_path / "llmcost-notes").mkdir()
    (tmp_path / "llmcost-link").symlink_to(elsewhere)
    (tmp_path / "llmcost-file").touch()
    Scratch(tmp_path, "llmcost-").remove()
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "elsewhere",
        "llmcost-file",
        "llmcost-link",
        "llmcost-notes",
    ]
    assert (elsewhere / "owner.lock").exists()


def test_readers_of_one_store_share_a_folder_in_a_process_and_leave_none(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    Store(path).close()
    with Store(path, read_only=True) as one:
        with Store(path, read_only=True) as other:
            assert one.spill == other.spill
        assert folders(tmp_path) == [one.spill.name]
    assert folders(tmp_path) == []
    with Store(path, read_only=True) as again:
        assert folders(tmp_path) == [again.spill.name]


def test_memory_that_is_too_little_to_begin_with_is_told(tmp_path: Path) -> None:
    with pytest.raises(LlmcostError, match="Memory"):
        Store(tmp_path / "s.duckdb", memory_limit="1KB")
