"""Days of OpenAI's old usage endpoint.

From: ``GET /v1/usage?date=`` (https://platform.openai.com/docs/api-reference/usage, 2026-11-24; being retired), saved as
JSON: a day, a list of days, or one entry a line as log shippers store it. A row is five minutes of one model, key, user
and operation. Cached tokens are inside the context tokens. Images, seconds of transcription, characters of speech and
code interpreter sessions stand in lists of their own. Left out: reasoning and written tokens; e-mail addresses, which
are personal. Audio tokens of realtime models are told in some days only: where they are not, they count as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known, tags_of
from llmcost.records.shapes import objects
from llmcost.records.tools import CODE_INTERPRETER
from llmcost.records.values import count, instant, money, text

_SPAN: Final = 300_000_000
"""Entries are sums of five minutes, microseconds."""
_COUNTS: Final = {
    "input_tokens": "n_context_tokens_total", "cache_read_input_tokens": "n_cached_context_tokens_total", "output_tokens": "n_generated_tokens_total",
    "input_audio_tokens": "n_context_audio_tokens_total", "cache_read_audio_tokens": "n_cached_context_audio_tokens_total",
    "output_audio_tokens": "n_generated_audio_tokens_total",
}  # fmt: skip
_LISTS: Final = {
    "dalle_api_data": ("image_generation", "output_images", "num_images"),
    "whisper_api_data": ("transcription", "input_audio_seconds", "num_seconds"),
    "tts_api_data": ("speech", "input_characters", "num_characters"),
    "assistant_code_interpreter_data": ("code_interpreter", "code_execution_sessions", "num_sessions"),
}
"""List of a day -> operation, column and key of its measure."""
_DATA: Final = ("data", "ft_data")


def _entries(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of a day, of a list of days, or the entry itself, with the list that they stand in."""
    if isinstance(value, list):
        for item in value:
            yield from _entries(item)
    elif isinstance(value, dict) and "n_context_tokens_total" in value:
        yield "data", value
    elif isinstance(value, dict):
        yield from ((name, entry) for name in (*_DATA, *_LISTS) for entry in objects(value.get(name)))


def _is_day(value: Any) -> bool:
    if not isinstance(value, dict):
        return isinstance(value, list) and any(_is_day(item) for item in value)
    lists = any(isinstance(value.get(name), list) for name in _LISTS)
    return lists or any("n_context_tokens_total" in entry for _, entry in _entries(value))


def sniff(sample: Sample) -> bool:
    """Claims entries that count context tokens, or a day with the old lists."""
    return sample.form in {"json", "jsonl"} and any(_is_day(record) for record in sample.records)


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one day."""
    found = False
    for name, entry in _entries(record.value):
        found = True
        notes = Notes()
        yield from notes.after(_rows(name, entry, notes))
    if not found:
        yield (
            Skip("a day without usage") if _is_day(record.value) else Problem("no-entry", "no entry of a day of usage")
        )


def _rows(name: str, entry: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    start = instant(entry.get("aggregation_timestamp") or entry.get("timestamp"), "timestamp")
    if start is None:
        yield Problem("no-time", "the entry has no time, and could not be told from a later version of itself")
        return
    measured = _tokens(entry, notes) if name in _DATA else _measure(name, entry)
    yield Row(
        known({
            **measured,
            "started_at": start,
            "ended_at": start + _SPAN,
            "provider_name": "openai",
            "requests": count(entry.get("n_requests") or entry.get("num_requests"), "n_requests"),
            "organization": notes.soft(text, entry.get("organization_id"), "organization_id"),
            "project": notes.soft(text, entry.get("project_id"), "project_id"),
            "user_id": notes.soft(text, entry.get("user_id"), "user_id"),
            "api_key_id": notes.soft(text, entry.get("api_key_id"), "api_key_id"),
            "tags": tags_of({key: entry.get(key) for key in ("operation", "request_type", "image_size")}),
            "token_source": "provider",
        })
    )  # fmt: skip


def _tokens(entry: dict[str, Any], notes: Notes) -> dict[str, Any]:
    model = text(entry.get("snapshot_id") or entry.get("model"), "snapshot_id")
    counted: dict[str, Any] = {column: count(entry.get(key), key) for column, key in _COUNTS.items()}
    embeds = "embedding" in f"{entry.get('operation')} {model}"
    if "realtime" in (model or "") and counted["input_audio_tokens"] is None:
        told = f"tokens of {model} do not tell audio from text: all are priced as text"
        notes.append(Problem("audio-not-split", told, rejected=False))
    return {
        **counted,
        "response_model": model,
        "operation_name": "embeddings" if embeds else "chat",
        "service_tier": "batch" if entry.get("request_type") == "batch" else None,
    }


def _measure(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    operation, column, key = _LISTS[name]
    amount = money(entry.get(key), key) if column == "input_audio_seconds" else count(entry.get(key), key)
    if operation == "code_interpreter":
        return {"operation_name": operation, column: amount, "response_model": CODE_INTERPRETER, "call_role": "subcall", "service_tier": "standard"}  # fmt: skip
    return {"operation_name": operation, column: amount, "response_model": text(entry.get("model_id"), "model_id")}


SOURCE: Final = Source(
    title="OpenAI usage by day (old endpoint)",
    grain="buckets",
    forms=("json", "jsonl"),
    sniff=sniff,
    read=read,
    knows=frozenset({
        *_COUNTS, "call_role", "started_at", "ended_at", "provider_name", "response_model", "operation_name", "service_tier", "requests", "output_images",
        "input_audio_seconds", "input_characters", "code_execution_sessions", "organization", "project", "user_id", "api_key_id", "tags",
        "token_source",
    }),
    url="https://platform.openai.com/docs/api-reference/usage",
    checked="2026-11-24",
)  # fmt: skip
