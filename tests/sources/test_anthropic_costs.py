"""Anthropic's two cost exports and the console's token export: the sums of the samples."""

from __future__ import annotations

import csv
import json
from decimal import Decimal

import pytest

import llmcost
from llmcost.ingest.run import ingest
from llmcost.pricing.catalogue import load
from llmcost.sources.anthropic_console_cost import model_of
from llmcost.usage.store import Store
from tests.support import shared_data


def test_the_documented_report_counts_cents() -> None:
    path = shared_data("formats", "anthropic_cost_report", "cost_report.documented.json")
    (result,) = json.loads(path.read_text())["data"][0]["results"]
    with Store(None) as store:
        ingest(store, [str(path)])
        assert store.rows("SELECT billed_cost, billing_currency FROM billed") == [
            (Decimal(result["amount"]) / 100, "USD")
        ]
        assert store.value("SELECT sum(billed_cost) FROM billed") == Decimal("1.2378912")


def test_the_sums_of_the_console_exports() -> None:
    cost = shared_data("formats", "anthropic_console_cost_csv", "claude_api_cost_2026_03.csv")
    tokens = [
        shared_data("formats", "anthropic_console_csv", f"claude_api_tokens_2026_{name}.csv")
        for name in ("03_31.hourly", "08.daily")
    ]
    lines = [line for path in (cost, *tokens) for line in csv.DictReader(path.read_text(encoding="utf-8").splitlines())]

    def total(*columns: str) -> Decimal:
        return sum((Decimal(line.get(column) or 0) for line in lines for column in columns), Decimal(0))

    with Store(None) as store:
        summary = ingest(store, [str(cost), *map(str, tokens)])
        assert (summary.rejected, summary.ingested) == (0, len(lines))
        assert store.value("SELECT sum(billed_cost) FROM billed") == total("cost_usd")
        assert store.rows("SELECT sum(input_tokens), sum(output_tokens), sum(cache_creation_input_tokens) FROM usage") == [
            (
                total(*(f"usage_input_tokens_{n}" for n in ("no_cache", "cache_write_5m", "cache_write_1h", "cache_read"))),
                total("usage_output_tokens"),
                total("usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h"),
            )
        ]  # fmt: skip


def test_a_real_day_of_the_console_has_a_price() -> None:
    result = llmcost.simulate(
        shared_data("formats", "anthropic_console_csv", "claude_api_tokens_2026_08.daily.csv"), scenarios=[]
    )
    assert result.coverage.unpriced == []
    # 5 USD input, 25 output, 6.25 for what was written, a million (claude-opus-5 in 2026-07 and 2026-08)
    tokens = (109_911 + 46_981) * Decimal(5) + (34_988 + 16_932) * Decimal(25) + (2_528 + 15_969) * Decimal("6.25")
    assert result.baseline.cost_usd == tokens / 1_000_000


@pytest.mark.parametrize(
    ("display", "model"),
    [
        ("Claude Opus 4.6", "claude-opus-4-6"),
        ("Claude Sonnet 4", "claude-sonnet-4-20250514"),
        ("Claude Sonnet 4.5", "claude-sonnet-4-5"),
        ("Claude Haiku 3", "claude-3-haiku-20240307"),
        ("Claude Sonnet 3.7", "claude-3-7-sonnet-20250219"),
        ("Claude Haiku 3.5", "claude-3-5-haiku-20241022"),
        ("Claude Fable 5.2", "claude-fable-5-2"),
    ],
)
def test_display_names_mean_models_that_are_for_sale(display: str, model: str) -> None:
    name = model_of(display)
    assert name is not None
    found = load().resolve("anthropic", name)
    assert found is not None
    assert found.model == model
