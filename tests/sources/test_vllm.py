"""vLLM's log: which year its stamps get, and what an hour of lines adds up to."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llmcost.ingest.run import ingest
from llmcost.usage.store import Store

LINE = "INFO {stamp} [loggers.py:1] Engine 000: Avg prompt throughput: {prompt} tokens/s, Avg generation throughput: 2.5 tokens/s, Running: 1 reqs\n"


def _years(path: Path) -> list[int]:
    with Store(None) as store:
        told = ingest(store, [str(path)])
        assert [kind for kind, *_ in told.problems] in ([], ["year-assumed"])
        return [
            datetime.fromtimestamp(at // 10**6, UTC).year
            for (at,) in store.rows("SELECT ended_at FROM usage ORDER BY 1")
        ]


@pytest.mark.parametrize(
    ("name", "changed", "years"),
    [
        ("server.log", "2026-01-05", [2025, 2026]),
        ("server-2024.log", "2026-01-05", [2024, 2024]),
        ("server.log", "2025-12-31", [2025, 2025]),
    ],
)
def test_the_year_is_the_names_or_the_latest_before_the_last_change(
    tmp_path: Path, name: str, changed: str, years: list[int]
) -> None:
    path = tmp_path / name
    path.write_text("".join(LINE.format(stamp=f"{day} 10:00:00", prompt=5) for day in ("12-31", "01-02")))
    at = datetime.fromisoformat(f"{changed}T12:00:00+00:00").timestamp()
    os.utime(path, (at, at))
    assert _years(path) == years


def test_an_hour_of_uneven_lines_is_an_hour_of_tokens(tmp_path: Path) -> None:
    path = tmp_path / "vllm-2026-03-01.log"
    at = [n * 10 + n % 2 for n in range(361)]
    path.write_text(
        "".join(LINE.format(stamp=f"03-01 {9 + s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}", prompt=100) for s in at)
    )
    with Store(None) as store:
        ingest(store, [str(path)])
        assert store.rows("SELECT sum(input_tokens), sum((ended_at - started_at) // 1000000)::INT FROM usage")[0] == (
            361_000,
            3610,
        )
