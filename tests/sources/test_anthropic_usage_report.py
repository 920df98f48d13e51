"""Pages of Anthropic's usage report: buckets whose input leaves the cache out."""

from __future__ import annotations

import json

from llmcost.sources.anthropic_usage_report import SOURCE
from tests.sources.cases import rows_of
from tests.support import shared_data

SAMPLE = ("anthropic_usage_report", "usage_report_messages.documented.json")


def test_the_documented_page() -> None:
    page = json.loads(shared_data("formats", *SAMPLE).read_text())
    raw = page["data"][0]["results"][0]
    (row,) = rows_of(SOURCE, [page])
    assert (
        row["input_tokens"]
        == raw["uncached_input_tokens"] + raw["cache_read_input_tokens"] + sum(raw["cache_creation"].values())
        == 3200
    )
    assert "requests" not in row
    assert row["ended_at"] - row["started_at"] == 86_400_000_000
