"""Gemini: the sums of the real calls, by rules of their own."""

from __future__ import annotations

import json
from typing import Any

from llmcost.sources.gemini import SOURCE
from tests.sources.cases import rows_of, sample_lines

FOLDER = "gemini_generatecontent"


def test_the_sums_are_those_of_the_raw_answers() -> None:
    records = list(sample_lines(FOLDER))
    usages = [usage for r in records if (usage := _raw_usage(r["response"]))]
    rows = rows_of(SOURCE, records)
    assert len(rows) == len(records)
    total = sum(r.get("input_tokens", 0) + r.get("output_tokens", 0) for r in rows)
    assert total == sum(u["totalTokenCount"] for u in usages) > 0
    for column, keys in {
        "input_tokens": ("promptTokenCount", "toolUsePromptTokenCount"),
        "output_tokens": ("candidatesTokenCount", "thoughtsTokenCount"),
        "reasoning_output_tokens": ("thoughtsTokenCount",),
        "cache_read_input_tokens": ("cachedContentTokenCount",),
    }.items():
        assert sum(r.get(column) or 0 for r in rows) == sum(u.get(key, 0) for u in usages for key in keys)


def test_whose_they_are_and_what_failed() -> None:
    records = list(sample_lines(FOLDER))
    rows = rows_of(SOURCE, records)
    assert {r["provider_name"] for r in rows} == {"google", "vertex_ai"}
    for row, record in zip(rows, records, strict=True):
        assert (row["provider_name"] == "vertex_ai") == ("aiplatform" in record["url"])
        assert f"/models/{row['request_model']}:" in record["url"]
    (failed,) = [r for r in rows if r["status"] == "error"]
    assert "input_tokens" not in failed
    assert failed["region"] == "us-central1"


def _raw_usage(response: Any) -> dict[str, Any]:
    if isinstance(response, dict):
        return dict(response.get("usageMetadata") or {})
    return dict(json.loads(response.rstrip().rsplit("data: ", 1)[1])["usageMetadata"])
