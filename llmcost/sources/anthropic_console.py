"""Token CSV exports of Anthropic's console.

From: platform.claude.com, Usage page, Export (``claude_api_tokens_<date or month>.csv``; https://platform.claude.com/usage,
2026-11-24). Three generations of header: the first with one column of written tokens, that of 2025 with two, that of
2026 with context window, place and speed. A row is one day, hour or minute of one model, key and workspace (both by
name). ``usage_input_tokens_no_cache`` leaves cached and written tokens out, the row's input contains them. An empty
speed is the standard one; "fast" is a dearer tier. How many requests a row stands for is not said. Left out: thinking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from llmcost.records.anthropic_console import dimensions, span
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known
from llmcost.records.values import count, text

_PREFIX: Final = "usage_input_tokens_"


def sniff(sample: Sample) -> bool:
    """Claims a CSV by day in UTC with a count of output tokens."""
    return sample.form == "csv" and {"usage_date_utc", "usage_output_tokens"} <= set(sample.header)


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The row of one line."""
    if not isinstance(record.value, dict):
        return [Problem("no-row", "the line does not fit the header")]
    notes = Notes()
    return notes.after(_rows(record.value, notes))


def _rows(line: Mapping[str, Any], notes: Notes) -> Iterator[Reading]:
    start, end = span(line)
    fresh, read_back = (count(line.get(f"{_PREFIX}{name}"), name) for name in ("no_cache", "cache_read"))
    short, hour, whole = (
        count(line.get(f"{_PREFIX}cache_write{life}"), f"cache_write{life}") for life in ("_5m", "_1h", "")
    )
    written = whole if short is None and hour is None else (short or 0) + (hour or 0)
    yield Row(
        known({
            **dimensions(line, notes),
            "started_at": start,
            "ended_at": end,
            "operation_name": "chat",
            "response_model": text(line.get("model_version"), "model_version"),
            "input_tokens": None if fresh is None else fresh + (read_back or 0) + (written or 0),
            "cache_read_input_tokens": read_back,
            "cache_creation_input_tokens": written,
            "cache_creation_1h_input_tokens": hour,
            "output_tokens": count(line.get("usage_output_tokens"), "usage_output_tokens"),
            "web_search_requests": count(line.get("web_search_count"), "web_search_count"),
            "token_source": "provider",
        })
    )  # fmt: skip


SOURCE: Final = Source(
    title="Anthropic console token CSV",
    grain="buckets",
    forms=("csv",),
    sniff=sniff,
    read=read,
    knows=frozenset({
        "started_at", "ended_at", "provider_name", "response_model", "operation_name", "service_tier", "region", "input_tokens",
        "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "output_tokens", "web_search_requests",
        "project", "api_key_id", "tags", "token_source",
    }),
    url="https://platform.claude.com/usage",
    checked="2026-11-24",
)  # fmt: skip
