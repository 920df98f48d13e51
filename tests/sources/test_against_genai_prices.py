"""Another library's reading of a thousand real usage objects agrees with ours on every counter that both know."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

from llmcost.records.anthropic import messages_usage
from llmcost.records.labels import Notes
from llmcost.records.openai_chat import chat_usage
from llmcost.records.openai_responses import responses_usage
from tests.support import shared_data

NAMES = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_creation_input_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "output_audio_tokens": "output_audio_tokens",
}


def _entries() -> list[dict[str, Any]]:
    with gzip.open(shared_data("traces", "genai_prices_usages", "usages.json.gz")) as packed:
        entries: list[dict[str, Any]] = json.load(packed)
    return entries


def _ours(usage: dict[str, Any], model: str) -> tuple[str, Any] | None:
    if "prompt_tokens" in usage and "cost" not in usage:
        return "chat", chat_usage(usage, Notes())
    if model.startswith("claude") and "input_tokens" in usage and "total_tokens" not in usage:
        return "messages", messages_usage(usage, Notes())
    if "input_tokens" in usage and "total_tokens" in usage and "cost" not in usage:
        return "responses", responses_usage(usage, Notes())
    return None


def test_every_usage_object_is_read_alike() -> None:
    compared: Counter[str] = Counter()
    different = []
    for entry in _entries():
        usage = entry["body"].get("usage")
        if not isinstance(usage, dict) or not entry["extracted"]:
            continue
        ours = _ours(usage, str(entry["body"].get("model")))
        if ours is None:
            continue
        compared[ours[0]] += 1
        readings = [{k: v for k, v in e["usage"].items() if k in NAMES and v} for e in entry["extracted"]]
        mine = {k: v for k, column in NAMES.items() if (v := ours[1].get(column))}
        if (
            "num_cached_tokens" in usage or "cached_tokens" in usage
        ):  # Mistral, Moonshot: that library reads it as not cached
            mine.pop("cache_read_tokens", None)
        if mine not in readings:
            different.append((entry["body"].get("file"), mine, readings))
    assert different == []
    assert compared["chat"] > 150
    assert compared["messages"] > 150
    assert compared["responses"] > 100
