"""The Python interface: typed, lazy, and the same numbers as the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import llmcost
from llmcost.errors import StoreBusyError, UsageError
from llmcost.results.scenario import BoundScenario, bind
from tests.support import ROOT, SAMPLES

STAGING = SAMPLES / "usage_rows" / "staging.csv"


def test_every_public_name_is_there() -> None:
    assert all(getattr(llmcost, name) is not None for name in llmcost.__all__)
    assert set(dir(llmcost)) == set(llmcost.__all__)
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        llmcost.simulat  # type: ignore[attr-defined]  # noqa: B018 - a misspelt name, looked up for its error


def test_logs_to_result_to_page(tmp_path: Path) -> None:
    scenario = BoundScenario("dearer", (bind("reprice", {"model": "openai/gpt-5"}),))
    result = llmcost.simulate(STAGING, scenarios=[scenario])
    assert [s.name for s in result.scenarios] == ["dearer"]
    assert b"dearer" in llmcost.render(result)
    path = tmp_path / "r.json"
    path.write_bytes(llmcost.render(result, "json"))
    assert llmcost.load_result(path) == result
    assert llmcost.compare(result, result).totals[0].change_usd == 0


def test_a_store_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    summary = llmcost.ingest_files(path, STAGING)
    assert summary.ingested
    with llmcost.Store(path, read_only=True) as store:
        whole = llmcost.simulate(store=store, scenarios=[], prices=llmcost.load_prices())
    assert whole.baseline.rows == summary.ingested
    with pytest.raises(UsageError, match="nothing to simulate"):
        llmcost.simulate()


READER = """
import sys
import llmcost
import llmcost.api
replay = llmcost.api.replay
def replayed(*arguments):
    result = replay(*arguments)
    print(result.baseline.rows, flush=True)
    sys.stdin.readline()
    return result
llmcost.api.replay = replayed
llmcost.simulate(store=sys.argv[1], scenarios=[])
"""


def test_two_readers_share_a_store_and_a_writer_waits(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    summary = llmcost.ingest_files(path, STAGING)
    other = subprocess.Popen(
        [sys.executable, "-c", READER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == f"{summary.ingested}\n"  # it has the store open while we read
        scenario = BoundScenario("dearer", (bind("reprice", {"model": "openai/gpt-5"}),))
        result = llmcost.simulate(store=path, scenarios=[scenario])
        assert result.baseline.rows == summary.ingested
        assert result.scenarios[0].saving_usd is not None
        with pytest.raises(StoreBusyError, match="another process is using the store"):
            llmcost.ingest_files(path, STAGING)
    finally:
        other.communicate("\n", timeout=60)
    assert other.returncode == 0
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("s.duckdb")] == ["s.duckdb"]


def test_a_store_that_this_process_writes_is_handed_over_open(tmp_path: Path) -> None:
    path = tmp_path / "s.duckdb"
    with llmcost.Store(path) as store:
        llmcost.ingest_files(store, STAGING)
        with pytest.raises(StoreBusyError, match="hand over the open Store"):
            llmcost.simulate(store=path, scenarios=[])
        assert llmcost.simulate(store=store, scenarios=[]).baseline.rows
