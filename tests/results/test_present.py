"""What a reader sees of exact values."""

from __future__ import annotations

from decimal import Decimal

import pytest

from llmcost.results.present import percent, told


@pytest.mark.parametrize(
    ("name", "fact", "shown"),
    [
        ("requests moved", "1178", "1,178"),
        ("token hit rate", "0.5658 (14460634 of 25557748)", "56.6% (14,460,634 of 25,557,748)"),
        ("share of requests moved", "0.3875", "38.8%"),
        ("share of requests moved", "0.0000", "0.0%"),
        ("share of requests moved", "0.00004", "<0.1%"),
        ("tokenizer factor", "0.9120", "0.9120"),
        ("break-even on", "2026-10-05", "2026-10-05"),
        ("models", "gpt-4.1, 2024", "gpt-4.1, 2024"),
        ("", "-12000", "-12,000"),
    ],
)
def test_what_a_step_found_is_written_for_reading(name: str, fact: str, shown: str) -> None:
    assert told(name, fact) == shown


def test_a_share_of_thousands_of_percent_is_readable() -> None:
    assert percent(Decimal("-282695.95")) == "-28,269,595.0%"
    assert percent(Decimal("0.5")) == "50.0%"
