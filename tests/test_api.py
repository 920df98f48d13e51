"""The Python interface: typed, lazy, and the same numbers as the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import llmcost
from llmcost.errors import UsageError
from llmcost.results.scenario import BoundScenario, bind
from tests.support import SAMPLES

STAGING = SAMPLES / "usage_rows" / "staging.csv"


def test_every_public_name_is_there() -> None:
    assert all(getattr(llmcost, name) is not None for name in llmcost.__all__)
    assert set(dir(llmcost)) == set(llmcost.__all__)
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        llmcost.simulat  # type: ignore[attr-defined]  # noqa: B018


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
