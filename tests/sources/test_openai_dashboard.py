"""The dashboard's usage CSV: the sums of the real file, and the money of a real day."""

from __future__ import annotations

import csv
from decimal import Decimal

from llmcost.records import Skip
from llmcost.sources.openai_dashboard import SOURCE
from tests.sources.cases import readings, rows_of
from tests.support import shared_data

USAGE = ("openai_dashboard_csv", "completions_usage_2025-10-05_2025-10-09.csv")


def _lines() -> list[dict[str, str]]:
    with shared_data("formats", *USAGE).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_sums_are_those_of_the_file() -> None:
    lines = _lines()
    rows = rows_of(SOURCE, lines)
    for column, key in (
        ("input_tokens", "input_tokens"),
        ("cache_read_input_tokens", "input_cached_tokens"),
        ("requests", "num_model_requests"),
    ):
        assert sum(r[column] for r in rows) == sum(int(float(line[key] or 0)) for line in lines)
    assert sum(isinstance(r, Skip) for line in lines for r in readings(SOURCE, line)) == 1


def test_a_real_day_costs_what_its_cost_row_says() -> None:
    (row,) = (r for r in rows_of(SOURCE, _lines()) if r["response_model"] == "gpt-5-mini-2025-08-07")
    cost = row["input_tokens"] * Decimal("0.25") + row["output_tokens"] * Decimal(2)
    assert cost / 1_000_000 == Decimal("0.569788")
