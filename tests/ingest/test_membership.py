"""A row that several files hold belongs to each of them."""

from __future__ import annotations

from pathlib import Path

import llmcost
from llmcost.usage.store import Store
from tests.ingest.support import write


def row(name: str, **changes: object) -> dict[str, object]:
    return {
        "request_id": name, "provider_name": "openai", "request_model": "gpt-5-mini", "input_tokens": 1000,
        "output_tokens": 10, "started_at": "2026-10-01T00:00:00Z", **changes,
    }  # fmt: skip


def test_only_the_rows_of_the_given_files_are_charged(tmp_path: Path) -> None:
    one = write(tmp_path / "1.jsonl", [row("a"), row("b")])
    two = write(tmp_path / "2.jsonl", [row("b"), row("c"), row("d")])
    with Store(tmp_path / "s.duckdb") as store:
        for order in ([one, two], [two, one]):
            for path, rows in zip(order, [2 if p == one else 3 for p in order], strict=True):
                result = llmcost.simulate(path, store=store, scenarios=[])
                assert result.baseline.rows == rows
                assert result.baseline.cost_usd == rows * llmcost.simulate(one, scenarios=[]).baseline.cost_usd / 2
        assert llmcost.simulate(store=store, scenarios=[]).baseline.rows == 4


def test_a_better_version_in_another_file_is_charged_for_both(tmp_path: Path) -> None:
    early = write(tmp_path / "early.jsonl", [row("a", output_tokens=1)])
    late = write(tmp_path / "late.jsonl", [row("a", output_tokens=90)])
    with Store(tmp_path / "s.duckdb") as store:
        for path in (early, late, early):
            result = llmcost.simulate(path, store=store, scenarios=[])
            assert result.baseline.rows == 1
        assert result.baseline.output_tokens == 90
