"""An ingest holds a few blocks and a bounded part of the engine's memory, however long the log is."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from llmcost.ingest.stage import PENDING_ROWS, ProblemLog, Staging
from llmcost.usage.store import Store


def _limit(store: Store) -> str:
    return str(store.value("SELECT current_setting('memory_limit')"))


def test_rows_that_were_staged_are_held_by_nobody(tmp_path: Path) -> None:
    """Not by the open transaction either, which keeps what was registered in it."""
    rows = pa.table({"request_id": [f"r{n}" * 20 for n in range(PENDING_ROWS)], "input_tokens": [5] * PENDING_ROWS})
    with Store() as store, store.transaction():
        staging = Staging(store, tmp_path, ProblemLog(), b"secret")
        held = []
        for _ in range(6):
            staging.add_usage(rows, 0, "x.jsonl", pa.array(range(PENDING_ROWS)))
            held.append(pa.total_allocated_bytes())
        staging.finish()
    assert max(held[1:]) - held[0] < rows.nbytes


def test_rows_that_were_appended_are_held_by_nobody() -> None:
    with Store() as store, store.transaction():
        store.execute("CREATE TEMP TABLE numbers (n BIGINT)")
        before = pa.total_allocated_bytes()
        for start in range(5):
            store.append("numbers", pa.table({"n": pa.array(range(start, 1_000_000))}))
        assert store.value("SELECT count(*) FROM numbers") == 5_000_000 - 10
        assert pa.total_allocated_bytes() - before < 8_000_000


def test_the_engine_spills_sooner_while_it_loads() -> None:
    with Store() as store:
        before = _limit(store)
        with store.loading(), store.transaction():
            assert _limit(store) != before
        assert _limit(store) == before


def test_a_limit_of_the_user_stays() -> None:
    with Store(memory_limit="3GB") as store:
        before = _limit(store)
        with store.loading():
            assert _limit(store) == before
