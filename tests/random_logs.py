"""Random logs for the laws: few values, so that requests meet each other in caches, prices and groups."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.strategies.support import STARTED

MINUTE = 60_000_000
MODELS = (
    ("openai", "big"),
    ("openai", "big"),
    ("openai", "small"),
    ("anthropic", "opus"),
    ("openai", "vectors"),
    ("openai", "unheard-of"),
)
NESTED = [[1], [1, 2], [1, 2, 3], [1, 4], [5], [5, 6]]


@st.composite
def rows(draw: Any, *, timed: bool = False, priced: bool = False) -> dict[str, Any]:
    """One usage row; ``timed``: it has a time; ``priced``: everything it needs has a price."""
    pool = MODELS[:1] + MODELS[3:4] if priced else MODELS
    provider, model = draw(st.sampled_from(pool))
    minutes = draw(st.one_of(st.integers(0, 90), st.sampled_from([60 * n for n in range(0, 600, 12)])))
    row = {
        "provider_name": provider, "request_model": model, **draw(counters(provider, model)),
        "temperature": draw(st.sampled_from([None, 0, 0, 0.5])), "prompt_key": draw(st.sampled_from([None, 1, 1, 2])),
        "prefix_keys": draw(st.sampled_from([None, *NESTED])), "prefix_block_tokens": 300,
        "cache_breakpoints": draw(st.sampled_from([None, None, [300], [600, 900]])) if provider == "anthropic" else None,
        "duration_ms": draw(st.sampled_from([None, 0, 900, 200_000])), "project": draw(st.sampled_from([None, "a", "b"])),
        "feature": draw(st.sampled_from([None, "chat", "bulk"])), "user_id": draw(st.sampled_from([None, "u", "v"])),
        "conversation_id": draw(st.sampled_from([None, None, "c"])), "requests": draw(st.sampled_from([None] * 9 + [0])),
        "service_tier": draw(st.sampled_from([None, "standard", "standard" if priced else "flex"])),
        "started_at": STARTED + minutes * MINUTE if timed else draw(st.sampled_from([None, *[STARTED + minutes * MINUTE] * 9])),
    }  # fmt: skip
    if row["status"] != "error" and row["started_at"] is not None and draw(st.integers(0, 6)) == 0:
        row |= {
            "ended_at": row["started_at"] + 60 * MINUTE,
            "requests": draw(st.sampled_from([None, 1, 2, 5, 1000])),
            "prompt_key": None,
            "prefix_keys": None,
            "cache_breakpoints": None,
        }
    if row["prefix_keys"] is None:
        row["prefix_block_tokens"] = None
    return row


@st.composite
def counters(draw: Any, provider: str, model: str) -> dict[str, Any]:
    """Counts that do not contradict each other, how the call ended among them; sizes lie on both sides of a tier."""
    size = draw(st.sampled_from([0, 1, 900, 4_096, 200_000, 200_001, 900_000]))
    read = draw(st.sampled_from([None, 0, draw(st.integers(0, size))]))
    left = size - (read or 0)
    written = draw(st.integers(0, left)) if provider == "anthropic" else 0
    told = draw(st.sampled_from([None, written]))
    output = draw(st.integers(0, 900))
    status = draw(st.sampled_from([None, "ok", "ok", "ok", "error", "error"]))
    row = {
        "input_tokens": size, "cache_read_input_tokens": read, "cache_creation_input_tokens": told, "status": status,
        "output_tokens": draw(st.sampled_from([None, 0, output])) if status == "error" else output,
    }  # fmt: skip
    if model == "big" and draw(st.integers(0, 4)) == 0:
        cached = draw(st.integers(0, read or 0))
        row |= {
            "cache_read_audio_tokens": cached,
            "input_audio_tokens": cached + draw(st.integers(0, left)),
            "output_audio_tokens": draw(st.integers(0, row["output_tokens"] or 0)),
        }
    if provider == "openai" and draw(st.integers(0, 5)) == 0:
        row["code_execution_sessions"] = draw(st.integers(0, 3))
    return row


@st.composite
def logs(draw: Any, *, timed: bool = False, priced: bool = False, most: int = 24) -> list[dict[str, Any]]:
    """A log of distinct requests; at least one has a price."""
    found = draw(st.lists(rows(timed=timed, priced=priced), min_size=1, max_size=most))
    # A bucket has no id: its owners tell it from others, so each has its own key.
    keys = ({"api_key_id": f"k{number}"} if "ended_at" in row else {} for number, row in enumerate(found))
    return [
        {"request_id": f"r{number}", **row, **key} for number, (row, key) in enumerate(zip(found, keys, strict=True))
    ]


CERTAIN = [
    {
        "request_id": f"r{number}", "provider_name": provider, "request_model": model, "input_tokens": 1_500, "output_tokens": 50,
        "temperature": 0, "prompt_key": number % 2, "started_at": STARTED + number * MINUTE, "duration_ms": 900,
        "prefix_keys": [1, 2, 3], "prefix_block_tokens": 300, "feature": ("chat", "bulk")[number % 3 == 0], "conversation_id": "c",
        "cache_read_input_tokens": 900 if number > 4 else None,
    }
    for number, (provider, model) in enumerate([("openai", "big"), ("anthropic", "opus")] * 4)
]  # fmt: skip
"""A log in which every cache hits for sure: prompts come again while answers, prefixes and conversations are there."""
