"""Pages of OpenAI's usage API: every kind of usage, and the documented pages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmcost.records import Sample
from llmcost.sources.openai_usage import SOURCE
from tests.sources.cases import cases_of, check, claimed, rows_of
from tests.support import shared_data


@pytest.mark.parametrize("case", cases_of("openai_usage"))
def test_case(case: dict[str, Any]) -> None:
    check(SOURCE, case)


def test_it_claims_its_own_samples_and_no_other() -> None:
    assert claimed(SOURCE) == {f"openai_usage_api/{name}.documented.json" for name in ("embeddings", "usage_completions")}


def test_costs_are_not_claimed() -> None:
    costs = {"object": "page", "data": [{"object": "bucket", "start_time": 1, "end_time": 2, "results": [{"object": "organization.costs.result"}]}]}
    assert not SOURCE.sniff(Sample("x.json", "json", "", (costs,)))


def test_the_documented_page() -> None:
    page = json.loads(shared_data("formats", "openai_usage_api", "usage_completions.documented.json").read_text())
    raw = page["data"][0]["results"][0]
    (row,) = rows_of(SOURCE, [page])
    assert row["input_tokens"] == raw["input_cached_tokens"] + raw["input_cache_write_tokens"] + raw["input_uncached_tokens"] == 1000
    assert row["input_audio_tokens"] + row["input_image_tokens"] + raw["input_text_tokens"] + raw["input_cached_text_tokens"] + 100 == 1000
    assert "response_model" not in row
    assert "service_tier" not in row
