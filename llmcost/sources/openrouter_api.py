"""OpenRouter's own account of its calls: the activity API by day, and the generation API call by call.

From: ``GET https://openrouter.ai/api/v1/activity`` (``{data: [{date, model, endpoint_id, usage ..}]}``, the last 30 days)
and ``GET /api/v1/generation?id=`` (``{data: {id, total_cost, native_tokens_prompt ..}}``, one a line or in an array)
(https://openrouter.ai/docs/api-reference/analytics/get-user-activity and ../generations/get-generation, 2026-11-24). A row
is one UTC day, model and endpoint, or one generation.

- ``usage`` and ``total_cost`` are what OpenRouter charged in USD: 0 is a price. On your own key (BYOK) they are its fee; what
  the upstream bills it only estimates: problem ``byok``, never part of ``billed_cost``.
- Tokens are the upstream's own: ``native_tokens_*`` are billed, the normalised ``tokens_*`` are not, and are used only where
  no native ones are. Cached tokens are inside the prompt count, reasoning is inside the completion count.
- A generation's id is that of the chat answer, so this export and a log of the answers are one spend.
- ``response_cache_source_id`` names the generation whose stored answer was given again: ``requests`` 0, tag ``gateway_cache_hit``.
- The host that served is the tag ``upstream_provider``. ``generation_time`` is the duration; ``latency`` is not read, as its
  documentation and its use disagree on what it spans.

Left out: cache writes; by day also cached tokens, users and keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmcost.records import (
    Context,
    Notes,
    Problem,
    Reading,
    Record,
    Row,
    Sample,
    Skip,
    Source,
    count,
    flag,
    instant,
    known,
    money,
    tags_of,
    text,
)
from llmcost.records.calls import tier_of
from llmcost.records.gateways import as_gateway_hit
from llmcost.records.openrouter import DAY, byok, model_of
from llmcost.records.values import whole
from llmcost.usage.columns import Usage

_DAILY: Final = frozenset({"date", "model_permaslug", "endpoint_id", "usage"})
_CALL: Final = frozenset({"id", "total_cost", "native_tokens_prompt", "native_tokens_completion"})
_REGIONS: Final = {"europe": "eu", "us": "us", "global": "global"}


def sniff(sample: Sample) -> bool:
    """Claims pages of the activity API and answers of the generation API, or their rows."""
    return any(row.keys() >= _DAILY or row.keys() >= _CALL for record in sample.records for row in _rows(record))


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get("data"), list | dict):
        value = value["data"]
    for item in value if isinstance(value, list) else [value]:
        inner = item.get("data") if isinstance(item, dict) else None
        if isinstance(item, dict):
            yield inner if isinstance(inner, dict) else item


def read(record: Record, _context: Context) -> Iterator[Reading]:
    """The rows of one page, or of one generation."""
    found = False
    for row in _rows(record.value):
        found = True
        notes = Notes()
        yield from notes.after(_one(row, notes))
    if not found:
        empty = isinstance(record.value, dict | list)
        yield Skip("a page without rows") if empty else Problem("no-row", "neither activity nor a generation")


def _one(row: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    if row.keys() >= {"date", "usage"}:
        yield _day(row, notes)
    elif row.keys() >= {"id", "total_cost"}:
        yield _call(row, notes)
    else:
        yield Problem("no-row", "neither a day of activity nor a generation")


def _day(row: dict[str, Any], notes: Notes) -> Reading:
    start = instant(row["date"], "date")
    if start is None or start % DAY:
        return Problem("not-a-day", "date is not the start of a day")
    tags = {
        "upstream_provider": notes.soft(text, row.get("provider_name"), "provider_name"),
        "endpoint_id": notes.soft(text, row.get("endpoint_id"), "endpoint_id"),
    }
    byok(row.get("byok_usage_inference"), "byok_usage_inference", notes)
    found = {
        "provider_name": "openrouter",
        "request_model": notes.soft(text, row.get("model"), "model"),
        "response_model": text(row.get("model_permaslug"), "model_permaslug"),
        "started_at": start,
        "ended_at": start + DAY,
        "requests": count(row.get("requests"), "requests"),
        "input_tokens": count(row.get("prompt_tokens"), "prompt_tokens"),
        "output_tokens": count(row.get("completion_tokens"), "completion_tokens"),
        "reasoning_output_tokens": count(row.get("reasoning_tokens"), "reasoning_tokens"),
        "billed_cost": money(row["usage"], "usage"),
        "tags": tags_of(tags),
        "token_source": "provider",
    }
    return Row(known(found))


def _call(row: dict[str, Any], notes: Notes) -> Row:
    own_key = bool(notes.soft(flag, row.get("is_byok"), "is_byok"))
    if own_key:
        byok(row.get("upstream_inference_cost"), "upstream_inference_cost", notes)
    tags = {
        "upstream_provider": notes.soft(text, row.get("provider_name"), "provider_name"),
        "app_id": row.get("app_id"),
        "byok": "true" if own_key else None,
    }
    reason = notes.soft(text, row.get("native_finish_reason"), "native_finish_reason")
    full = Usage(
        request_id=text(row["id"], "id"),
        provider_name="openrouter",
        response_model=model_of(notes.soft(text, row.get("model"), "model"), None),
        started_at=notes.soft(instant, row.get("created_at"), "created_at"),
        duration_ms=_millis(row.get("generation_time"), notes),
        finish_reason=reason or notes.soft(text, row.get("finish_reason"), "finish_reason"),
        service_tier=tier_of(row.get("service_tier"), notes),
        region=_REGIONS.get(str(row.get("data_region"))),
        status=_status(row, notes),
        requests=1,
        billed_cost=money(row["total_cost"], "total_cost"),
        user_id=notes.soft(text, row.get("external_user"), "external_user"),
        tags=tags_of(tags),
    )
    full.update(_counts(row))
    first = notes.soft(text, row.get("response_cache_source_id"), "response_cache_source_id")
    if first is not None:
        as_gateway_hit(full)
        full["parent_request_id"] = first
    return Row(known(full))


def _millis(value: Any, notes: Notes) -> int | None:
    found = notes.soft(whole, value, "generation_time")
    return found if found is not None and found >= 0 else None


def _status(row: dict[str, Any], notes: Notes) -> str | None:
    if notes.soft(flag, row.get("cancelled"), "cancelled"):
        return "cancelled"
    return "error" if row.get("finish_reason") == "error" else "ok"


def _counts(row: dict[str, Any]) -> Usage:
    def native(name: str, other: str | None = None) -> int | None:
        found = count(row.get(f"native_{name}"), f"native_{name}")
        return count(row.get(other), other) if found is None and other is not None else found

    found = Usage(
        input_tokens=native("tokens_prompt", "tokens_prompt"),
        output_tokens=native("tokens_completion", "tokens_completion"),
        cache_read_input_tokens=native("tokens_cached"),
        reasoning_output_tokens=native("tokens_reasoning"),
        output_image_tokens=native("tokens_completion_images"),
    )
    counted = known(found)
    return Usage(**counted, token_source="provider") if counted else counted


SOURCE: Final = Source(
    title="OpenRouter activity and generation API",
    grain="mixed",
    forms=("json", "jsonl"),
    sniff=sniff,
    read=read,
    knows=frozenset({
        "request_id", "parent_request_id", "started_at", "ended_at", "duration_ms", "provider_name", "request_model", "response_model", "status",
        "finish_reason", "service_tier", "region", "requests", "input_tokens", "cache_read_input_tokens", "output_tokens", "reasoning_output_tokens",
        "output_image_tokens", "user_id", "tags", "billed_cost", "token_source",
    }),
    url="https://openrouter.ai/docs/api-reference/analytics/get-user-activity",
    checked="2026-11-24",
    identity="id of the generation",
)  # fmt: skip
