"""The activity export of OpenRouter, a gateway that bills in credits (1 credit is 1 USD).

From: https://openrouter.ai/activity, options, Export to CSV (https://openrouter.ai/docs/guides/guides/activity-export,
2026-11-23). Two forms. By day and model (``Date,Slug,Usage,BYOK Usage,..``): a row is one UTC day. By generation
(``generation_id,created_at,cost_total,..``, in any order of columns; ``num_search_results`` only before 2026-09): one call.

- ``Usage`` and ``cost_total`` are what OpenRouter charged: 0 is a price (free models), an empty cell is not. On your own
  key (BYOK) they are OpenRouter's fee alone. What the upstream then bills OpenRouter only estimates: never part of
  ``billed_cost``, counted as the problem ``byok``, and on a generation the tag ``byok``.
- Counts are taken as the upstream's own (native), which are billed; the page does not say. The days seen cost tokens x
  list price to the cent (cut, not rounded), and the API has cached and reasoning tokens in no other kind. Cached tokens are
  inside the prompt count, reasoning is inside the completion count.
- The provider is ``openrouter``, whose prices hold; the host that served stands in the tag ``upstream_provider``, the
  app in ``app_name``. A variant with a price of its own (``free``, ``thinking`` ..) ends the model's name as in OpenRouter's
  catalogue; one that only routes (``nitro``, ``floor`` ..) does not. Both stand in the tag ``variant``.
- ``created_at`` is taken as the start and ``generation_time_ms`` as the duration, unless the first token came later.

Left out: cache writes, the model that was asked for, the kind of call; by day also cached tokens, host, user and key.
``cost_cache`` is part of what the tokens cost. Fees for web search and files are inside the total: problem ``no-column``;
``num_search_results`` counts results, not searches. A year's export has one row a month, which looks like a day's; rows by
hour or minute are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from llmcost.records.openrouter import DAY, byok, fee, model_of

_DAILY: Final = frozenset({"Date", "Slug", "Usage", "BYOK Usage", "Requests", "Prompt Tokens", "Completion Tokens"})
_CALLS: Final = frozenset(
    {"generation_id", "created_at", "cost_total", "tokens_prompt", "tokens_completion", "model_permaslug"}
)
_KNOWS: Final = frozenset({
    "request_id", "started_at", "ended_at", "duration_ms", "time_to_first_token_ms", "provider_name", "response_model", "status", "finish_reason",
    "requests", "input_tokens", "cache_read_input_tokens", "output_tokens", "reasoning_output_tokens", "user_id", "api_key_id", "tags", "billed_cost",
    "token_source",
})  # fmt: skip


def sniff(sample: Sample) -> bool:
    """Claims a CSV with the columns of either form, in any order."""
    header = set(sample.header)
    return header >= _DAILY or header >= _CALLS


def read(record: Record, _context: Context) -> Iterator[Reading]:
    """The row of one day and model, or of one generation, then what was odd about it."""
    notes = Notes()
    return notes.after(_rows(record.value, notes))


def _rows(line: Mapping[str, Any], notes: Notes) -> Iterator[Reading]:
    if line.keys() >= _DAILY:
        yield _day(line, notes)
    elif line.keys() >= _CALLS:
        yield _call(line, notes)
    else:
        yield Problem("no-row", "the line has the columns of neither form")


def _day(line: Mapping[str, Any], notes: Notes) -> Reading:
    start = instant(line["Date"], "Date")
    if start is None or start % DAY:
        return Problem("not-a-day", "Date is not the start of a day: export a month, which has a row a day")
    counted = {
        "requests": count(line["Requests"], "Requests"),
        "input_tokens": count(line["Prompt Tokens"], "Prompt Tokens"),
        "output_tokens": count(line["Completion Tokens"], "Completion Tokens"),
        "reasoning_output_tokens": count(line.get("Reasoning Tokens"), "Reasoning Tokens"),
        "billed_cost": money(line["Usage"], "Usage"),
    }
    own_key = byok(line["BYOK Usage"], "BYOK Usage", notes)
    if not own_key and all(value == 0 for value in counted.values()):
        return Skip("a day without usage")
    model = text(line["Slug"], "Slug")
    origin = {"provider_name": "openrouter", "response_model": model, "token_source": "provider"}
    return Row(known({**counted, **origin, "started_at": start, "ended_at": start + DAY}))


def _call(line: Mapping[str, Any], notes: Notes) -> Row:
    variant = notes.soft(text, line.get("variant"), "variant")
    variant = None if variant == "standard" else variant
    found = {
        "request_id": text(line["generation_id"], "generation_id"),
        "provider_name": "openrouter",
        "response_model": model_of(text(line["model_permaslug"], "model_permaslug"), variant),
        "requests": 1,
        "billed_cost": money(line["cost_total"], "cost_total"),
        "status": _status(line, notes),
        "finish_reason": _finish(line, notes),
        "tags": _tags(line, variant, notes),
        "user_id": notes.soft(text, line.get("user"), "user"),
        "api_key_id": notes.soft(text, line.get("api_key_name"), "api_key_name"),
    }
    _fees(line, notes)
    return Row(known({**found, **_counts(line), **_times(line, notes)}))


def _tags(line: Mapping[str, Any], variant: str | None, notes: Notes) -> str | None:
    tags = {
        "upstream_provider": notes.soft(text, line.get("provider_name"), "provider_name"),
        "app_name": notes.soft(text, line.get("app_name"), "app_name"),
        "variant": variant,
        "byok": "true" if byok(line.get("byok_usage_inference"), "byok_usage_inference", notes) else None,
    }
    return tags_of(tags)


def _counts(line: Mapping[str, Any]) -> dict[str, Any]:
    counted = {
        "input_tokens": count(line["tokens_prompt"], "tokens_prompt"),
        "cache_read_input_tokens": count(line.get("tokens_cached"), "tokens_cached"),
        "output_tokens": count(line["tokens_completion"], "tokens_completion"),
        "reasoning_output_tokens": count(line.get("tokens_reasoning"), "tokens_reasoning"),
    }
    is_counted = any(value is not None for value in counted.values())
    return {**counted, "token_source": "provider" if is_counted else None}


def _times(line: Mapping[str, Any], notes: Notes) -> dict[str, int | None]:
    duration = notes.soft(count, line.get("generation_time_ms"), "generation_time_ms")
    first = notes.soft(count, line.get("time_to_first_token_ms"), "time_to_first_token_ms")
    is_whole = duration is not None and duration >= (first or 0)
    return {
        "started_at": notes.soft(instant, line["created_at"], "created_at"),
        "duration_ms": duration if is_whole else None,
        "time_to_first_token_ms": first,
    }


def _status(line: Mapping[str, Any], notes: Notes) -> str | None:
    if notes.soft(flag, line.get("cancelled"), "cancelled"):
        return "cancelled"
    word = notes.soft(text, line.get("finish_reason_normalized"), "finish_reason_normalized")
    return None if word is None else "error" if word == "error" else "ok"


def _finish(line: Mapping[str, Any], notes: Notes) -> str | None:
    raw = notes.soft(text, line.get("finish_reason_raw"), "finish_reason_raw")
    return raw or notes.soft(text, line.get("finish_reason_normalized"), "finish_reason_normalized")


def _fees(line: Mapping[str, Any], notes: Notes) -> None:
    for name in ("cost_web_search", "cost_file_processing"):
        fee(notes.soft(money, line.get(name), name), name, notes)


SOURCE: Final = Source(
    title="OpenRouter activity CSV",
    grain="mixed",
    forms=("csv",),
    sniff=sniff,
    read=read,
    knows=_KNOWS,
    url="https://openrouter.ai/docs/guides/guides/activity-export",
    checked="2026-11-23",
)
