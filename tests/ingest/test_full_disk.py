"""A disk that runs full while a log is ingested: an error that says so, and the store as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmcost.cli.main import invoke
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store
from tests.ingest.support import write
from tests.support import missing

ROW = {
    "provider_name": "openai",
    "request_model": "gpt-5",
    "input_tokens": 5,
    "output_tokens": 1,
    "started_at": "2026-10-01T00:00:00Z",
}
FEW = [{**ROW, "request_id": f"few-{n}"} for n in range(50)]


@pytest.fixture(params=[2200, 3072, 4096])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A disk of a few MB: it fills while rows are staged, merged, or written at last."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        missing("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "tmpfs", str(disk)], check=False)
    if made.returncode:
        missing("a small disk cannot be mounted here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("number", [15_000, 60_000])
def test_a_full_disk_is_told_and_the_store_stays(
    small: Path, number: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = small / "s.duckdb"
    assert invoke(["ingest", str(write(tmp_path / "few.jsonl", FEW)), "--store", str(store)]) == 0
    before = _digest(store)
    rows = [
        {**ROW, "request_id": f"{n * 7919 % 1_000_003:x}-{n}", "user_id": f"u{n * 31 % 5003}", "conversation_id": f"c{n * 104_729 % 99_991:x}"}
        for n in range(number)
    ]  # fmt: skip
    big = write(tmp_path / "big.jsonl", rows)
    capfd.readouterr()
    code = invoke(["ingest", str(big), "--store", str(store)])
    told = capfd.readouterr().err
    if code == 0:  # it fitted after all: then all of it is there
        with Store(store, read_only=True) as opened:
            assert opened.value("SELECT count(*) FROM usage") == number + len(FEW)
        return
    assert code == 2
    assert f"{store}: the disk is full" in told
    assert "the store was left as it was" in told
    assert "Traceback" not in told
    assert _digest(store) == before
    left = {path.name for path in small.iterdir()}
    assert left <= {"s.duckdb", "s.duckdb.wal"}, "nothing but the store is left lying on the full disk"
    assert invoke(["ingest", str(tmp_path / "few.jsonl"), "--store", str(store)]) == 0, "the store can be written again"


def _digest(path: Path) -> str:
    with Store(path, read_only=True) as store:
        return store_digest(store)
