"""Reads OpenAI's bucketed usage, which the organization API and the dashboard's CSV name alike.

``input_tokens`` contains cached and written tokens and all modalities; ``input_text_tokens``, ``input_audio_tokens`` and
``input_image_tokens`` are the uncached rest of theirs since ``input_cached_audio_tokens`` exists, and contained cached
ones before (https://platform.openai.com/docs/api-reference/usage/completions_object, 2026-11-23). Tokens that were written
for 30 minutes and for 12 hours are counted apart; the latter are our longer-lived part. A dimension is null
unless the export was grouped by it: an export that was not grouped by model has no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmcost.records.calls import tier_of
from llmcost.records.contract import Problem, Reading, Row
from llmcost.records.labels import Notes
from llmcost.records.openai_chat import written
from llmcost.records.rows import known, tags_of
from llmcost.records.tools import CODE_INTERPRETER, FILE_SEARCH
from llmcost.records.values import count, flag, instant, money, text
from llmcost.usage.columns import Usage

OPERATIONS: Final = {
    "completions": "chat", "embeddings": "embeddings", "moderations": "moderations", "images": "image_generation", "audio_speeches": "speech",
    "audio_transcriptions": "transcription", "decisions": "decisions", "web_search_calls": "web_search", "web_searches": "web_search",
    "file_search_calls": "file_search", "file_searches": "file_search", "code_interpreter_sessions": "code_interpreter",
}  # fmt: skip
"""Kinds of usage with a row, and the operation that the row names."""
_NO_COLUMN: Final = {"vector_stores": "usage_bytes"}
_TOOLS: Final = {
    "web_search": ("web_search_requests", "num_requests", None),
    "file_search": ("file_search_requests", "num_requests", FILE_SEARCH),
    "code_interpreter": ("code_execution_sessions", "num_sessions", CODE_INTERPRETER),
}
"""Operation -> column and key of its calls, and the name under which the tool is sold where no model is named. The
tokens and requests of the model that called the tool stand in the completions export."""
_NO_OUTPUT: Final = frozenset({"embeddings", "moderations"})
"""Kinds whose answers are no tokens. Images and speech are billed by the piece: their counts stay unknown."""
_TAGS: Final = ("size", "source", "context_level", "vector_store_id", "api_source")
BUCKETS_KNOW: Final = frozenset({
    "call_role", "started_at", "ended_at", "provider_name", "response_model", "operation_name", "service_tier", "requests", "input_tokens",
    "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "input_audio_tokens", "cache_read_audio_tokens",
    "input_image_tokens", "output_tokens", "output_audio_tokens", "output_image_tokens", "web_search_requests", "file_search_requests", "code_execution_sessions", "input_characters",
    "output_images", "input_audio_seconds", "project", "user_id", "api_key_id", "tags", "token_source",
})  # fmt: skip
"""The columns that bucketed usage can fill."""


def bucket_readings(kind: str, result: Mapping[str, Any], start: Any, end: Any) -> Iterator[Reading]:
    """The row of one result of a bucket, rejected if a counter or an end of the bucket is none; then what was odd."""
    notes = Notes()
    return notes.after(_rows(kind, result, start, end, notes))


def _rows(kind: str, result: Mapping[str, Any], start: Any, end: Any, notes: Notes) -> Iterator[Reading]:
    if kind in _NO_COLUMN:
        amount = count(result.get(_NO_COLUMN[kind]), _NO_COLUMN[kind])
        yield Problem("no-column", f"{amount} {_NO_COLUMN[kind]} of {kind}: a fee that no column holds")
        return
    if kind not in OPERATIONS:
        yield Problem("unknown-kind", "a kind of usage that is not known")
        return
    row = Usage(**{**_counters(kind, result, notes), **known(_dimensions(result, notes))})
    row["started_at"], row["ended_at"] = instant(start, "start_time"), instant(end, "end_time")
    row["provider_name"], row["operation_name"], row["token_source"] = "openai", OPERATIONS[kind], "provider"
    yield Row(known(row))


def _counters(kind: str, result: Mapping[str, Any], notes: Notes) -> Usage:
    if OPERATIONS[kind] in _TOOLS:
        column, key, sold_as = _TOOLS[OPERATIONS[kind]]
        calls = {column: count(result.get(key), key), "response_model": sold_as, "service_tier": sold_as and "standard"}
        return known({"call_role": "subcall", "input_tokens": 0, "output_tokens": 0, **calls})
    row = Usage(
        requests=count(result.get("num_model_requests"), "num_model_requests"),
        input_tokens=count(result.get("input_tokens"), "input_tokens"),
        output_tokens=count(result.get("output_tokens"), "output_tokens"),
        cache_read_input_tokens=count(result.get("input_cached_tokens"), "input_cached_tokens"),
        cache_read_audio_tokens=count(result.get("input_cached_audio_tokens"), "input_cached_audio_tokens"),
        input_audio_tokens=_both(result, "audio"),
        input_image_tokens=_both(result, "image"),
        output_audio_tokens=count(result.get("output_audio_tokens"), "output_audio_tokens"),
        output_image_tokens=count(result.get("output_image_tokens"), "output_image_tokens"),
        input_audio_seconds=money(result.get("seconds"), "seconds"),
        input_characters=count(result.get("characters"), "characters"),
        output_images=count(result.get("images"), "images"),
    )
    row.update(written(result, "input_cache_write_tokens", "input_cache_write_12h_tokens"))
    if kind in _NO_OUTPUT:
        row["output_tokens"] = 0
    _check(row, count(result.get("input_uncached_tokens"), "input_uncached_tokens"), notes)
    return row


def _both(result: Mapping[str, Any], medium: str) -> int | None:
    fresh = count(result.get(f"input_{medium}_tokens"), f"input_{medium}_tokens")
    cached = count(result.get(f"input_cached_{medium}_tokens"), f"input_cached_{medium}_tokens")
    return None if fresh is None else fresh + (cached or 0)


def _check(row: Usage, uncached: int | None, notes: Notes) -> None:
    whole, read, written = (
        row.get("input_tokens"),
        row.get("cache_read_input_tokens"),
        row.get("cache_creation_input_tokens") or 0,
    )
    if whole is not None and read is not None and uncached is not None and whole != read + written + uncached:
        notes.append(
            Problem(
                "total-mismatch",
                f"cached {read}, written {written} and uncached {uncached} are not input {whole}",
                rejected=False,
            )
        )


def _dimensions(result: Mapping[str, Any], notes: Notes) -> Usage:
    row = Usage(
        response_model=text(result.get("model"), "model"),
        project=notes.soft(text, result.get("project_id"), "project_id"),
        user_id=notes.soft(text, result.get("user_id"), "user_id"),
        api_key_id=notes.soft(text, result.get("api_key_id"), "api_key_id"),
    )
    if notes.soft(flag, result.get("batch"), "batch"):
        row["service_tier"] = "batch"
    else:
        row["service_tier"] = tier_of(result.get("service_tier"), notes)
    row["tags"] = tags_of({key: result.get(key) for key in _TAGS})
    return row
