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
    size = draw(st.sampled_from([0, 1, 900, 4_096, 200_000, 200_001]))
    read = draw(st.integers(0, size))
    written = draw(st.integers(0, size - read)) if provider == "anthropic" else 0
    minutes = draw(st.one_of(st.integers(0, 90), st.sampled_from([60 * n for n in range(0, 600, 12)])))
    row = {
        "provider_name": provider, "request_model": model, "input_tokens": size, "output_tokens": draw(st.integers(0, 900)),
        "cache_read_input_tokens": draw(st.sampled_from([None, 0, read])), "cache_creation_input_tokens": draw(st.sampled_from([None, written])),
        "temperature": draw(st.sampled_from([None, 0, 0, 0.5])), "prompt_key": draw(st.sampled_from([None, 1, 1, 2])),
        "prefix_keys": draw(st.sampled_from([None, *NESTED])), "prefix_block_tokens": 300,
        "duration_ms": draw(st.sampled_from([None, 0, 900, 200_000])), "project": draw(st.sampled_from([None, "a", "b"])),
        "feature": draw(st.sampled_from([None, "chat", "bulk"])), "user_id": draw(st.sampled_from([None, "u", "v"])),
        "conversation_id": draw(st.sampled_from([None, None, "c"])), "status": draw(st.sampled_from([None, "ok", "ok", "error"])),
        "service_tier": draw(st.sampled_from([None, "standard", "standard" if priced else "flex"])),
        "started_at": STARTED + minutes * MINUTE if timed else draw(st.sampled_from([None, *[STARTED + minutes * MINUTE] * 9])),
    }  # fmt: skip
    if draw(st.integers(0, 9)) == 0 and row["started_at"] is not None:
        # Buckets describe other traffic than the requests: those of the same span would stand for them.
        earlier = row["started_at"] - 10 * 1440 * MINUTE
        row |= {
            "started_at": earlier,
            "ended_at": earlier + 60 * MINUTE,
            "requests": draw(st.integers(1, 5)),
            "prompt_key": None,
            "prefix_keys": None,
        }
    if row["prefix_keys"] is None:
        row["prefix_block_tokens"] = None
    return row


@st.composite
def logs(draw: Any, *, timed: bool = False, priced: bool = False, most: int = 14) -> list[dict[str, Any]]:
    """A log of distinct requests; at least one has a price."""
    found = draw(st.lists(rows(timed=timed, priced=priced), min_size=1, max_size=most))
    # A bucket has no id: its owners tell it from others, so each has its own key.
    keys = ({"api_key_id": f"k{number}"} if "ended_at" in row else {} for number, row in enumerate(found))
    return [
        {"request_id": f"r{number}", **row, **key} for number, (row, key) in enumerate(zip(found, keys, strict=True))
    ]
