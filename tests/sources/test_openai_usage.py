"""Pages of OpenAI's usage API: the documented page."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import llmcost
from llmcost.sources.openai_usage import SOURCE
from tests.sources.cases import rows_of
from tests.support import shared_data


def test_the_documented_page() -> None:
    page = json.loads(shared_data("formats", "openai_usage_api", "usage_completions.documented.json").read_text())
    raw = page["data"][0]["results"][0]
    (row,) = rows_of(SOURCE, [page])
    assert (
        row["input_tokens"]
        == raw["input_cached_tokens"] + raw["input_cache_write_tokens"] + raw["input_uncached_tokens"]
        == 1000
    )
    assert (
        row["input_audio_tokens"]
        + row["input_image_tokens"]
        + raw["input_text_tokens"]
        + raw["input_cached_text_tokens"]
        + 100
        == 1000
    )
    assert "response_model" not in row
    assert "service_tier" not in row


def test_searches_cost_their_fee_though_they_have_no_tokens(tmp_path: Path) -> None:
    results = [
        {"object": "organization.usage.web_searches.result", "num_requests": 12, "num_model_requests": 9, "model": "gpt-5"},
        {"object": "organization.usage.moderations.result", "input_tokens": 20, "num_model_requests": 3, "model": "omni-moderation-latest"},
    ]  # fmt: skip
    day = {"object": "bucket", "start_time": 1790812800, "end_time": 1790899200, "results": results}
    (tmp_path / "page.json").write_text(json.dumps({"object": "page", "data": [day]}))
    result = llmcost.simulate(tmp_path / "page.json", scenarios=[])
    assert result.coverage.unpriced == []
    assert result.baseline.cost_usd == Decimal("0.12")  # 12 searches at 10 USD per 1,000
    assert result.baseline.requests == 3  # the searches' own calls stand in the completions export
