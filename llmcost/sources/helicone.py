"""Helicone's requests: the log of a proxy or asynchronous logger that forwards to the provider, who bills.

From: ``npx @helicone/export`` (JSONL, JSON, CSV), or pages of ``POST /v1/request/query-clickhouse``
(https://docs.helicone.ai/rest/request/post-v1requestquery-clickhouse and github.com/Helicone/helicone
``packages/cost/usage``, 2026-11-24). A row is one request; nulls are common.

- ``prompt_tokens`` leave out what was read from the provider's cache, for every provider; what was written is outside too,
  except at OpenAI and Azure, where it is part of the prompt. ``reasoning_tokens``, where the column is there, are beside
  ``completion_tokens``. ``total_tokens`` is their sum without the cached ones: it decides nothing, it is only checked.
- With ``--include-body`` the bodies are read first: their counts, the provider's response id and model win, so that the
  provider's own log and this one are one spend. Without them ``request_id`` is Helicone's own.
- ``costUSD`` is what Helicone computed, or what the provider behind it reported (``cost`` in its own table counts billionths). A hit in Helicone's cache
  (``cache_reference_id`` of another request) stays, with ``requests`` 0 and the tag ``gateway_cache_hit``.
- ``response_status`` below 0 is Helicone's own (cancelled, no answer yet); from 400 on the call failed.

Left out without bodies: the region, the served tier, what the request asked for. Session and user come from properties.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from llmcost.money import EXACT
from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.gateways import GATEWAY_KNOWS, as_gateway_hit, call_of, json_object, with_bodies
from llmcost.records.labels import Notes, labels_of
from llmcost.records.rows import known
from llmcost.records.settle import Inside, settle
from llmcost.records.values import count, flag, instant, is_absent, money, text
from llmcost.usage.columns import Usage
from llmcost.usage.names import provider, provider_of_url, region_of_url, status_of

_MARKS: Final = frozenset({"request_id", "request_created_at", "response_status", "delay_ms"})
_NO_ID: Final = "00000000-0000-0000-0000-000000000000"
_PROPERTIES: Final = {
    "Helicone-Session-Id": "session_id",
    "Helicone-User-Id": "user_id",
    "Helicone-Prompt-Id": "prompt",
    "Helicone-Session-Name": "feature",
}
"""Helicone's own properties, in the words of :func:`labels_of`."""


def sniff(sample: Sample) -> bool:
    """Claims tables, rows or pages of rows with Helicone's names for id, time, status and delay."""
    if sample.header:
        return set(sample.header) >= _MARKS
    return any(row.keys() >= _MARKS for record in sample.records for row in _rows(record))


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get("data"), list) and "request_id" not in value:
        value = value["data"]
    yield from (row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict))


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one record, or of one page."""
    found = False
    for row in _rows(record.value):
        found = True
        notes = Notes()
        yield from notes.after(_one(row, notes))
    if not found:
        page = isinstance(record.value, dict | list)
        yield Skip("a page without rows") if page else Problem("no-call", "not a request of Helicone")


def _one(row: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    if not {"request_id", "request_created_at"} & row.keys():
        yield Problem("no-call", "neither an id nor a time: not a request of Helicone")
        return
    http = _http(row, notes)
    url = notes.soft(text, _first(row, "request_path", "target_url"), "request_path")
    full = labels_of({}, (_properties(row, notes),), notes)
    full.update(_identity(row, url, notes))
    full.update(_times(row, notes))
    full["requests"], full["billed_cost"] = 1, _cost(row)
    full["status"] = _status(row, http)
    if full["status"] in {"ok", None}:
        full.update(_counts(row, full, notes))
    if _is_hit(row, notes):
        as_gateway_hit(full)
    call = call_of(row.get("request_body"), row.get("response_body"), full, status=http, url=url)
    counted = full.get("input_tokens") is not None
    usable = call is not None and bool(call.events or call.response.get("usage"))
    if full["status"] == "ok" and not counted and not usable:
        notes.append(Problem("no-usage", "the request carries no usage; its tokens are unknown", rejected=False))
    yield from with_bodies(known(full), call, notes)


def _first(row: dict[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if not is_absent(row.get(name))), None)


def _cost(row: dict[str, Any]) -> Decimal | None:
    """Dollars; a whole number under ``cost`` counts billionths of one, as Helicone's own table does.

    github.com/Helicone/helicone ``packages/cost/costCalc.ts``: COST_PRECISION_MULTIPLIER (2026-11-24).
    """
    said = money(_first(row, "costUSD", "cost_usd"), "costUSD")
    if said is not None:
        return said
    raw = money(row.get("cost"), "cost")
    return EXACT.scaleb(raw, -9) if raw is not None and raw == raw.to_integral_value() else raw


def _http(row: dict[str, Any], notes: Notes) -> int | None:
    value = row.get("response_status")
    return None if str(value).lstrip().startswith("-") else notes.soft(count, value, "response_status")


def _status(row: dict[str, Any], http: int | None) -> str | None:
    """How the call ended. Helicone's own codes: -3 is a call that the client cancelled, others never got an answer."""
    word = str(row.get("response_status")).strip()
    return ("cancelled" if word.startswith("-3") else "error") if word.startswith("-") else status_of(http)


def _properties(row: dict[str, Any], notes: Notes) -> dict[str, Any]:
    both = {**json_object(row.get("request_properties"), notes, "request_properties")}
    both.update(json_object(row.get("properties"), notes, "properties"))
    return {_PROPERTIES.get(name, name): value for name, value in both.items()}


def _identity(row: dict[str, Any], url: str | None, notes: Notes) -> Usage:
    named = notes.soft(text, row.get("provider"), "provider")
    host = provider_of_url(notes.soft(text, row.get("target_url"), "target_url")) or provider_of_url(url)
    asked = _first(row, "model_override", "request_model", "model")
    found = Usage(
        request_id=notes.soft(text, row.get("request_id"), "request_id"),
        provider_name=host if named is None or named.upper() == "CUSTOM" else provider(named),
        request_model=notes.soft(text, asked, "request_model"),
        response_model=notes.soft(text, row.get("response_model"), "response_model"),
        region=region_of_url(url),
        user_id=notes.soft(text, _first(row, "request_user_id", "helicone_user"), "request_user_id"),
    )
    return known(found)


def _times(row: dict[str, Any], notes: Notes) -> Usage:
    found = Usage(
        started_at=notes.soft(instant, row.get("request_created_at"), "request_created_at"),
        duration_ms=notes.soft(count, row.get("delay_ms"), "delay_ms"),
        time_to_first_token_ms=notes.soft(count, row.get("time_to_first_token"), "time_to_first_token"),
    )
    return known(found)


def _counts(row: dict[str, Any], full: Usage, notes: Notes) -> Usage:
    """The counters; a row of zeros alone was not counted."""
    names = {
        "input_tokens": "prompt_tokens",
        "output_tokens": "completion_tokens",
        "cache_read_input_tokens": "prompt_cache_read_tokens",
        "cache_creation_input_tokens": "prompt_cache_write_tokens",
        "reasoning_output_tokens": "reasoning_tokens",
        "input_audio_tokens": "prompt_audio_tokens",
        "output_audio_tokens": "completion_audio_tokens",
    }
    found = {column: count(row.get(name), name) for column, name in names.items()}
    if not any(found.values()):
        return Usage()
    total = notes.soft(count, row.get("total_tokens"), "total_tokens")
    sums = _sums(found)
    if total is not None and total not in sums:
        shown = f"prompt {found['input_tokens']} and completion {found['output_tokens']} are not total {total}"
        notes.append(Problem("total-mismatch", shown, rejected=False))
    habit = Inside(read=False, written=full.get("provider_name") in {"openai", "azure"}, reasoning=False)
    return Usage(**settle(found, None, Notes(), habit=habit), token_source="provider")


def _sums(found: dict[str, int | None]) -> set[int]:
    """What Helicone's versions write as the total: reasoning came in later, and cached tokens are in some."""
    plain = (found["input_tokens"] or 0) + (found["output_tokens"] or 0)
    cached = (found["cache_read_input_tokens"] or 0) + (found["cache_creation_input_tokens"] or 0)
    thought = found["reasoning_output_tokens"] or 0
    return {plain, plain + thought, plain + cached, plain + thought + cached}


def _is_hit(row: dict[str, Any], notes: Notes) -> bool:
    other = notes.soft(text, row.get("cache_reference_id"), "cache_reference_id")
    return other not in {None, _NO_ID, notes.soft(text, row.get("request_id"), "request_id")} or bool(
        notes.soft(flag, row.get("cache_hit"), "cache_hit")
    )


SOURCE: Final = Source(
    title="Helicone requests",
    grain="requests",
    forms=("jsonl", "json", "csv"),
    sniff=sniff,
    read=read,
    knows=GATEWAY_KNOWS,
    url="https://docs.helicone.ai/rest/request/post-v1requestquery-clickhouse",
    checked="2026-11-24",
    identity="the answer's id, else request_id",
)
