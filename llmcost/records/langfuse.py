"""Reads Langfuse's usage buckets, whose names come from Langfuse, from providers and from other tracers.

Langfuse's own (``input``, ``input_cached_tokens``, ``output_reasoning_tokens`` ..) are disjoint, as its ingestion subtracts each
from ``input`` or ``output`` (github.com/langfuse/langfuse ``packages/shared/src/server/otel``, 2026-11-24). Names in the form
``prompt_details.cache_read`` came through as OpenInference wrote them: parts of ``input``. The total tells where either is wrong.
"""

from __future__ import annotations

from typing import Any, Final

from llmcost.records.contract import Problem
from llmcost.records.gateways import json_object
from llmcost.records.labels import Notes
from llmcost.records.rows import known
from llmcost.records.settle import Inside, settle
from llmcost.records.values import count, text
from llmcost.usage.columns import Usage

_BUCKETS: Final[dict[str, tuple[str, ...]]] = {
    "input_tokens": ("input", "input_tokens", "prompt_tokens", "promptTokens"),
    "output_tokens": ("output", "output_tokens", "completion_tokens", "completionTokens"),
    "cache_read_input_tokens": (
        "input_cached_tokens", "input_cache_read", "input_cache_read_tokens", "cache_read_input_tokens", "prompt_details.cache_read", "input_cached",
        "prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens", "cache_read", "cached_tokens", "cached_content_token_count",
    ),
    "cache_creation_input_tokens": (
        "input_cache_creation", "input_cache_creation_tokens", "cache_creation_input_tokens", "prompt_details.cache_write", "input_cache_write",
        "cache_creation", "cache_write",
    ),
    "reasoning_output_tokens": (
        "output_reasoning_tokens", "output_reasoning", "reasoning_tokens", "completion_details.reasoning", "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens", "reasoning", "thoughts_token_count",
    ),
    "input_audio_tokens": ("input_audio_tokens", "input_audio", "prompt_details.audio", "prompt_tokens_details.audio_tokens"),
    "output_audio_tokens": ("output_audio_tokens", "output_audio", "completion_details.audio", "completion_tokens_details.audio_tokens"),
    "input_image_tokens": ("input_image_tokens", "input_image", "input_modality_image"),
    "output_image_tokens": ("output_image_tokens", "output_image"),
}  # fmt: skip
_LIVES: Final = (
    ("input_cache_creation_5m", "ephemeral_5m_input_tokens"),
    ("input_cache_creation_1h", "ephemeral_1h_input_tokens"),
)
_PARTS: Final = ("output_accepted_prediction_tokens", "output_rejected_prediction_tokens")
_TOKENS: Final = frozenset({"TOKENS", "TOKEN", ""})


def bucket_counts(item: dict[str, Any], notes: Notes) -> Usage:
    """The counters of one observation; nothing where Langfuse shows zeros for what nobody counted."""
    details = {k: v for k, v in json_object(item.get("usage_details"), notes, "usage_details").items() if v is not None}
    usage, other = (details, Usage()) if details else _older(item, notes)
    if other:
        return Usage(**other, token_source="provider")
    found = {column: count(_first(usage, names), names[0]) for column, names in _BUCKETS.items()}
    short, hour = (count(_first(usage, names), names[0]) for names in _LIVES)
    _add_lives(found, short, hour)
    total = notes.soft(count, _first(usage, ("total", "total_tokens", "totalTokens")), "total")
    if not any((*found.values(), total)):
        return Usage()
    media = tuple(
        sum(found.get(f"{side}_{kind}_tokens") or 0 for kind in ("audio", "image")) for side in ("input", "output")
    )
    more = (media[0], media[1] + sum(count(usage.get(name), name) or 0 for name in _PARTS))
    apart = not any("." in name for name in usage)
    habit = Inside(read=not apart, written=not apart, reasoning=not apart)
    row = settle(found, total, notes, habit=habit, more=more)
    if hour is not None and row.get("cache_creation_input_tokens") is not None:
        row["cache_creation_1h_input_tokens"] = hour
    return Usage(**row, token_source="provider") if row else row


def _first(usage: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((usage[name] for name in names if usage.get(name) is not None), None)


def _add_lives(found: dict[str, int | None], short: int | None, hour: int | None) -> None:
    """Written tokens by lifetime stand beside the bucket of the rest; a total of the same amount is not added again."""
    parts = (short or 0) + (hour or 0)
    whole = found["cache_creation_input_tokens"] or 0
    if short is not None or hour is not None:
        found["cache_creation_input_tokens"] = parts if whole in {0, parts} else whole + parts


def _older(item: dict[str, Any], notes: Notes) -> tuple[dict[str, Any], Usage]:
    """Fields of before the buckets: ``usage {input, output, total, unit}`` or single columns; other units are no tokens."""
    usage = json_object(item.get("usage"), notes, "usage")
    unit = (notes.soft(text, usage.get("unit") or item.get("unit"), "unit") or "").upper()
    if unit == "CHARACTERS":
        return {}, known(Usage(input_characters=count(usage.get("input") or usage.get("total"), "input")))
    if unit == "IMAGES":
        return {}, known(Usage(output_images=count(usage.get("output") or usage.get("total"), "output")))
    if unit not in _TOKENS:
        notes.append(Problem("no-column", "usage in a unit that is no token", rejected=False, informative=True))
        return {}, Usage()
    names = {
        "input": ("input_usage", "prompt_tokens"),
        "output": ("output_usage", "completion_tokens"),
        "total": ("total_usage", "total_tokens"),
    }
    flat = {name: _first(item, fields) for name, fields in names.items()}
    held = {k: v for k, v in usage.items() if k != "unit" and v is not None}
    return held or {k: v for k, v in flat.items() if v is not None}, Usage()
