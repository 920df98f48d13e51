"""Stores that are in use, may not be written, or have little memory; readers that leave."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest import run
from llmcost.ingest.merge import insert_usage
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store
from tests.cli.support import OCTOBER, Program, row, write_rows
from tests.support import ROOT

_HOLD = """
import sys
from pathlib import Path
from llmcost.usage.store import Store
with Store(Path(sys.argv[1])):
    print("there", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _another_writer(store: Path) -> Iterator[None]:
    line = [sys.executable, "-c", _HOLD, str(store)]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        yield
        assert process.stdin is not None
        process.stdin.close()


def test_of_two_writers_one_is_told_and_loses_nothing(llmcost: Program) -> None:
    log = write_rows(llmcost.folder / "log.jsonl", row(1))
    with _another_writer(llmcost.folder / "s.duckdb"):
        for command in (("ingest", log), ("simulate", log)):
            told = llmcost(*command, "--store", "s.duckdb", code=2)
            assert told.err.startswith("llmcost: error: another process is using the store s.duckdb\n")
            assert "wait for it to end, or give another --store" in told.err
            assert told.out == ""
    assert "1 ingested" in llmcost("ingest", log, "--store", "s.duckdb").out


def _bound_by_modes() -> list[str]:
    """What makes a process obey the modes of files: root must give up the right to pass over them."""
    if os.geteuid():
        return []
    if (setpriv := shutil.which("setpriv")) is None:
        pytest.skip("root passes over the modes of files")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search"]


def _told(folder: Path, *arguments: str) -> tuple[int, str]:
    line = [*_bound_by_modes(), sys.executable, "-m", "llmcost", *arguments]
    done = subprocess.run(
        line, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(("folder_mode", "store_mode"), [(0o555, 0o644), (0o755, 0o444), (0o555, None)])
def test_a_store_that_may_not_be_written(folder_mode: int, store_mode: int | None, llmcost: Program) -> None:
    folder = llmcost.folder / "of-another"
    folder.mkdir()
    write_rows(llmcost.folder / "log.jsonl", row(1))
    store = folder / "s.duckdb"
    if store_mode is not None:
        llmcost("ingest", "log.jsonl", "--store", store)
        store.chmod(store_mode)
    folder.chmod(folder_mode)
    try:
        code, told = _told(llmcost.folder, "ingest", "log.jsonl", "--store", "of-another/s.duckdb")
        assert code == 2
        assert told.startswith("llmcost: error: the store of-another/s.duckdb cannot be written: permission denied\n")
        assert [path.name for path in folder.iterdir()] == (["s.duckdb"] if store_mode else [])
        if store_mode is not None:  # to be read it need not be writable
            assert _told(llmcost.folder, "export", "--store", "of-another/s.duckdb", "--out", "rows.csv")[0] == 0
    finally:
        folder.chmod(0o755)


def test_who_does_not_read_a_report_hears_nothing(tmp_path: Path) -> None:
    """As ``llmcost .. | head`` does when it has seen enough."""
    line = [sys.executable, "-m", "llmcost", "simulate", str(OCTOBER), "--quiet", "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_a_memory_limit_holds_while_rows_are_loaded(llmcost: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        row(n, prefix_keys=[n % 7, n % 50 + 10, *range(1000 + n, 1012 + n)], prefix_block_tokens=64)
        for n in range(5000)
    ]
    log = write_rows(llmcost.folder / "log.jsonl", *rows)
    llmcost("ingest", log, "--store", "free.duckdb")
    limits: list[Any] = []
    insert = insert_usage

    def looked(store: Store, staged: int, *, prefixed: bool) -> None:
        insert(store, staged, prefixed=prefixed)
        limits.append(store.value("SELECT current_setting('memory_limit')"))

    monkeypatch.setattr(run, "insert_usage", looked)
    llmcost("ingest", log, "--store", "small.duckdb", "--memory-limit", "100MB")
    assert limits == ["95.3 MiB"]
    digests = set()
    for name in ("free", "small"):
        with Store(llmcost.folder / f"{name}.duckdb", read_only=True) as store:
            digests.add(store_digest(store))
    assert len(digests) == 1
