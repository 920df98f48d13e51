"""Another library's reading of a thousand real usage objects agrees with ours on every counter that both know.

Every object is read, whatever provider it is of; what differs is listed below with its reason and its number.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from llmcost.records import Context, Record, Row
from llmcost.records.anthropic import messages_usage
from llmcost.records.bedrock import converse_usage
from llmcost.records.gemini import gemini_usage
from llmcost.records.jsontext import decode
from llmcost.records.labels import Notes
from llmcost.records.openai_chat import chat_usage
from llmcost.records.openai_responses import responses_usage
from llmcost.sources.cohere import read as read_cohere
from llmcost.usage.columns import Usage
from tests.support import shared_data

NAMES: Final = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_write_tokens": "cache_creation_input_tokens",
    "cache_audio_read_tokens": "cache_read_audio_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "input_image_tokens": "input_image_tokens",
    "input_video_tokens": "input_video_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "output_image_tokens": "output_image_tokens",
    "output_reasoning_tokens": "reasoning_output_tokens",
    "web_searches": "web_search_requests",
}
KNOWN: Final = {
    ("chat", "cache_read_tokens", "num_cached_tokens"): (
        19,
        "Mistral's cached tokens beside the details; that library passes over them",
    ),
    ("gemini", "input_image_tokens", "DOCUMENT"): (
        11,
        "that library counts pages of documents as images; we count pictures only",
    ),
}
"""(form, counter, what the object holds) -> how many objects differ in just that counter, and why."""
OBJECTS: Final = {"gemini": 314, "chat": 252, "messages": 157, "responses": 153, "converse": 132, "cohere": 14}


def _cohere(body: dict[str, Any]) -> Usage:
    """A whole answer of which only the counts are there."""
    (reading,) = read_cohere(Record({**body, "id": "r", "finish_reason": "COMPLETE"}, 1), Context("case"))
    assert isinstance(reading, Row)
    assert reading.usage is not None
    return reading.usage


def _ours(body: dict[str, Any]) -> tuple[str, Usage]:
    usage = body.get("usage")
    if "usageMetadata" in body:
        return "gemini", gemini_usage(body["usageMetadata"], Notes())
    if not isinstance(usage, dict) or "billed_units" in usage:
        return "cohere", _cohere(body)
    readers: dict[str, tuple[str, Callable[[dict[str, Any], Notes], Usage]]] = {
        "inputTokens": ("converse", converse_usage),
        "prompt_tokens": ("chat", chat_usage),
        "total_tokens": ("responses", responses_usage),
        "input_tokens": ("messages", messages_usage),
    }
    form, reader = next(found for key, found in readers.items() if key in usage)
    return form, reader(usage, Notes())


def test_every_usage_object_is_read_alike() -> None:
    with gzip.open(shared_data("traces", "genai_prices_usages", "usages.json.gz")) as packed:
        entries = decode(packed.read())
    forms: Counter[str] = Counter()
    known: Counter[tuple[str, str, str]] = Counter()
    unknown = []
    for entry in entries:
        form, row = _ours(entry["body"])
        forms[form] += 1
        ours = {name: value for name, column in NAMES.items() if (value := row.get(column))}
        theirs = [{k: v for k, v in e["usage"].items() if k in NAMES and v} for e in entry["extracted"]]
        if ours in theirs:
            continue
        apart = min((dict(t.items() ^ ours.items()) for t in theirs), key=len)
        reason = next(
            (key for key in KNOWN if key[0] == form and {key[1]} == apart.keys() and key[2] in repr(entry["body"])),
            None,
        )
        if reason is None:
            unknown.append((entry["body"]["file"], ours, theirs))
        else:
            known[reason] += 1
    assert unknown == []
    assert known == {key: number for key, (number, _) in KNOWN.items()}
    assert forms == OBJECTS
    assert sum(forms.values()) == len(entries) == 1022
