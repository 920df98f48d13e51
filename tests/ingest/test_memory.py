"""An ingest holds a few blocks and a bounded part of the engine's memory, however long the log is."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from llmcost.ingest.stage import PENDING_ROWS, ROW_GROUP, ProblemLog, Staging
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


def test_staged_row_groups_are_those_of_the_engine(tmp_path: Path) -> None:
    """Or the engine would put its own together once more when the store is closed."""
    sizes = [50_000, 1, 70_000, 70_000, 3]
    with Store() as store:
        staging = Staging(store, tmp_path, ProblemLog(), b"secret")
        for size in sizes:
            staging.add_usage(pa.table({"input_tokens": [7] * size}), 0, "x.jsonl", pa.array(range(size)))
        staging.finish()
        (path,) = staging.usage_files
        meta = pq.ParquetFile(path).metadata
        assert [meta.row_group(n).num_rows for n in range(meta.num_row_groups)] == [ROW_GROUP, sum(sizes) - ROW_GROUP]
        assert pq.read_table(path)["n"].to_pylist() == list(range(sum(sizes)))
        store.execute(f"CREATE TABLE numbers AS FROM range({ROW_GROUP + 1})")
        groups = store.rows(
            "SELECT max(count) FROM pragma_storage_info('numbers') WHERE segment_type = 'BIGINT' GROUP BY row_group_id"
        )
        assert sorted(groups) == [(1,), (ROW_GROUP,)]


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
