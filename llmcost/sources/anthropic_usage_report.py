"""Pages of Anthropic's Admin API usage report for messages.

From: ``GET /v1/organizations/usage_report/messages`` with an admin key
(https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-messages-usage-report, 2026-11-23), saved as JSON: a
page, a list of pages or a page a line. A row is one result of one bucket (minute, hour or day); how many requests it
stands for is not said. ``uncached_input_tokens`` leaves cached and written tokens out, the row's input contains them.
Left out: thinking tokens; every dimension the query was not grouped by. A null workspace is the default one, a null
API key the Workbench, but only in a report that was grouped by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.anthropic import committed, tier_and_region
from llmcost.records.anthropic_pages import read_pages, results
from llmcost.records.contract import Context, Reading, Record, Row, Sample, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known, tags_of
from llmcost.records.shapes import mapping
from llmcost.records.values import count, instant, text
from llmcost.usage.columns import Usage

KNOWS: Final = frozenset({
    "started_at", "ended_at", "provider_name", "response_model", "operation_name", "service_tier", "region", "input_tokens",
    "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "output_tokens", "web_search_requests", "project",
    "user_id", "api_key_id", "tags", "token_source",
})  # fmt: skip


def sniff(sample: Sample) -> bool:
    """Claims pages of time buckets whose results count uncached input (an empty page too: it has no charge either)."""
    found = results(sample)
    return found is not None and all(isinstance(result, dict) and "uncached_input_tokens" in result for result in found)


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one page."""
    return read_pages(record, "usage", _readings)


def _readings(result: dict[str, Any], bucket: dict[str, Any]) -> Iterable[Reading]:
    notes = Notes()
    return notes.after(_result(result, bucket, notes))


def _result(result: dict[str, Any], bucket: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    row = _row(result, notes)
    row["started_at"] = instant(bucket["starting_at"], "starting_at")
    row["ended_at"] = instant(bucket.get("ending_at"), "ending_at")
    yield Row(known(row))


def _row(result: dict[str, Any], notes: Notes) -> Usage:
    fresh, read_back = (
        count(result.get("uncached_input_tokens"), "uncached_input_tokens"),
        count(result.get("cache_read_input_tokens"), "cache_read"),
    )
    short, hour = _written(result, "5m"), _written(result, "1h")
    written = None if short is None and hour is None else (short or 0) + (hour or 0)
    window = notes.soft(text, result.get("context_window"), "context_window")
    row = Usage(
        input_tokens=None if fresh is None else fresh + (read_back or 0) + (written or 0),
        cache_read_input_tokens=read_back,
        cache_creation_input_tokens=written,
        cache_creation_1h_input_tokens=hour,
        output_tokens=count(result.get("output_tokens"), "output_tokens"),
        web_search_requests=count(
            mapping(result.get("server_tool_use")).get("web_search_requests"), "web_search_requests"
        ),
        provider_name="anthropic",
        operation_name="chat",
        response_model=text(result.get("model"), "model"),
        project=notes.soft(text, result.get("workspace_id"), "workspace_id"),
        api_key_id=notes.soft(text, result.get("api_key_id"), "api_key_id"),
        user_id=notes.soft(text, result.get("account_id") or result.get("service_account_id"), "account_id"),
        tags=tags_of({"context_window": window, "capacity": committed(result.get("service_tier"))}),
        token_source="provider",
    )
    row.update(tier_and_region(result, notes))
    return row


def _written(result: dict[str, Any], life: str) -> int | None:
    return count(
        mapping(result.get("cache_creation")).get(f"ephemeral_{life}_input_tokens"), f"ephemeral_{life}_input_tokens"
    )


SOURCE: Final = Source(
    title="Anthropic usage report (Admin API)",
    grain="buckets",
    forms=("json", "jsonl"),
    sniff=sniff,
    read=read,
    knows=KNOWS,
    url="https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-messages-usage-report",
    checked="2026-11-23",
)
