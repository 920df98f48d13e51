"""OpenRouter's activity CSV: the money of real days."""

from __future__ import annotations

import csv
from decimal import ROUND_DOWN, Decimal

from llmcost.sources.openrouter_activity import SOURCE
from tests.sources.cases import rows_of
from tests.support import shared_data

FOLDER = "openrouter_activity_csv"


def test_real_days_cost_tokens_times_list_price() -> None:
    with shared_data("formats", FOLDER, "activity_daily.csv").open(encoding="utf-8", newline="") as lines:
        rows = rows_of(SOURCE, csv.DictReader(lines))
    for row in rows:
        cost = (row["input_tokens"] * 5 + row["output_tokens"] * 25) / Decimal(1_000_000)
        assert cost.quantize(Decimal("0.01"), ROUND_DOWN) == row["billed_cost"]
    assert len(rows) == 2
