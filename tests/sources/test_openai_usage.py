"""Pages of OpenAI's usage API: the documented page."""

from __future__ import annotations

import json

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
