"""OpenAI's costs: the sums of the real CSV, exact to the last digit, and a real day's usage at list prices."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import llmcost
from llmcost.ingest.run import ingest
from llmcost.usage.store import Store
from tests.support import shared_data

FOLDER = "openai_dashboard_csv"
COSTS, USAGE = "cost_2025-10-05_2025-10-13.csv", "completions_usage_2025-10-05_2025-10-09.csv"


def test_the_sum_is_that_of_the_real_file_and_later_exports_add_nothing() -> None:
    path = shared_data("formats", FOLDER, COSTS)
    with path.open(encoding="utf-8", newline="") as lines:
        amounts = [Decimal(line["amount_value"]) for line in csv.DictReader(lines) if line["amount_value"]]
    with Store(None) as store:
        summary = ingest(store, [str(path)])
        assert (summary.ingested, summary.skipped, summary.rejected) == (len(amounts), 2, 0)
        assert store.value("SELECT sum(billed_cost) FROM billed") == sum(amounts) == Decimal("2.9859537500")
        assert store.value("SELECT count(*) FROM usage") == 0
        again = ingest(store, [str(path)])
        assert (again.ingested, again.duplicates) == (0, len(amounts))


def test_a_real_days_usage_at_list_price_is_that_days_charge(tmp_path: Path) -> None:
    files = [shared_data("formats", FOLDER, name) for name in (COSTS, USAGE)]
    result = llmcost.simulate(*files, scenarios=[])
    (day,) = [p.cost_usd for p in result.baseline.series if p.date.isoformat() == "2025-10-07"]
    with Store(None) as store:
        ingest(store, [str(file) for file in files])
        at = int(datetime(2025, 10, 7, tzinfo=UTC).timestamp()) * 1_000_000
        charged = store.value(f"SELECT sum(billed_cost) FROM billed WHERE started_at = {at}")  # noqa: S608 - a number
    assert day == charged == Decimal("0.569788")


def test_digits_beyond_the_stores_are_rounded_once(tmp_path: Path) -> None:
    value = "0.123456789012345678901234567890"
    result = {"object": "organization.costs.result", "amount": {"value": value, "currency": "usd"}}
    page = {"object": "page", "data": [{"object": "bucket", "start_time": 1790812800, "end_time": 1790899200, "results": [result, result]}]}  # fmt: skip
    (tmp_path / "costs.json").write_text(json.dumps(page))
    with Store(None) as store:
        ingest(store, [str(tmp_path / "costs.json")])
        # Two equal charges of one bucket are two charges.
        assert store.rows("SELECT billed_cost FROM billed") == [(Decimal("0.123456789012345679"),)] * 2


def test_a_later_export_of_an_open_day_replaces_the_earlier_in_any_order(tmp_path: Path) -> None:
    def page(name: str, *amounts: str) -> str:
        results = [
            {
                "object": "organization.costs.result",
                "amount": {"value": a, "currency": "usd"},
                "line_item": f"gpt-5, {w}",
            }
            for a, w in zip(amounts, ("input", "output"), strict=False)
        ]
        bucket = {"object": "bucket", "start_time": 1790812800, "end_time": 1790899200, "results": results}
        (tmp_path / name).write_text(json.dumps({"object": "page", "data": [bucket]}))
        return str(tmp_path / name)

    early, late = page("noon.json", "1", "2"), page("night.json", "4", "6")
    for files in ([early, late], [late, early]):
        with Store(None) as store:
            for file in files:
                ingest(store, [file])
            assert store.value("SELECT sum(billed_cost) FROM billed") == 10
