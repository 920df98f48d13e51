"""Tokens of images by size: worked examples of each rule, and the measured sizes."""

from __future__ import annotations

import csv

import pytest

from llmcost.content.images import image_tokens
from tests.support import shared_data

MEASURED = {
    "claude_5_5": "claude-opus-5-5",
    "claude_4_5": "claude-sonnet-4-5-20250929",
    "gpt_6_auto": "gpt-6-sol",
    "gpt_5_5_auto": "gpt-5.5",
}
PROMPT = {"claude_5_5": 77, "claude_4_5": 65}
"""Tokens of the text that was sent with the image."""


@pytest.mark.parametrize("column", MEASURED)
def test_the_measured_sizes_come_back(column: str) -> None:
    path = shared_data("prices", "image_tokens_measured.csv")
    told = 0
    for row in csv.DictReader(path.read_text().splitlines()):
        counted = image_tokens(MEASURED[column], int(row["width"]), int(row["height"]))
        measured = int(row[column]) - PROMPT.get(column, 0)
        if counted is None:
            continue
        told += 1
        if column == "claude_4_5":  # at its cap images are scaled down, by 2 % more or less
            assert counted == measured or abs(counted - measured) <= 30
        else:
            assert counted == measured
    assert told >= 7


@pytest.mark.parametrize(
    ("model", "width", "height", "tokens"),
    [
        ("gpt-4o", 1024, 1024, 765),
        ("gpt-4o-2024-08-06", 3840, 2160, 1105),
        ("gpt-4o", 512, 512, 255),
        ("gpt-5-2025-08-07", 2048, 4096, 1105),
        ("gpt-4o-mini", 1024, 1024, 2833 + 4 * 5667),
        ("gpt-5-mini", 1024, 1024, 1659),
        ("gpt-4.1-nano", 4000, 4000, 3779),
        ("o4-mini-2025-04-16", 32, 32, 2),
        ("gpt-5.5", 3840, 2160, 9792),
        ("gpt-5.5", 4032, 3024, None),
        ("gpt-6-sol", 4032, 3024, 14364),
        ("claude-3-5-sonnet-20241022", 1024, 1024, 1369),
        ("anthropic.claude-sonnet-4-20250514-v1:0", 4032, 3024, 1568),
        ("claude-opus-4-7", 1024, 1024, 1369),
        ("claude-opus-4-7", 4032, 3024, None),
        ("gemini-2.5-flash", 300, 384, 258),
        ("gemini-2.5-flash", 1024, 768, 516),
        ("gemini-3.1-pro", 64, 64, 1090),
        ("gpt-5.2", 64, 64, None),
        ("llama-3.2-90b-vision", 64, 64, None),
        (None, 64, 64, None),
        ("gpt-4o", None, 64, None),
        ("gpt-4o", 0, 64, None),
        ("gpt-4o", 10**9, 1, None),
    ],
)
def test_by_the_rule_of_each_family(
    model: str | None, width: int | None, height: int | None, tokens: int | None
) -> None:
    assert image_tokens(model, width, height) == tokens
