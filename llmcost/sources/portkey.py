"""Portkey's log export: calls that the gateway forwarded to a provider, who bills.

From: the logs export, JSONL with the fields that were asked for, nested (``request.body``) or flat
(https://portkey.ai/docs/product/observability/logs-export, 2026-11-24). A row is one attempt at one provider: each retry
and each fallback that Portkey logged is a call of its own.

- Units are tokens as the provider of the call counts them, normalised to ``req_units`` and ``res_units``. Cached tokens
  have no field: they are known only from the answer's ``usage``, which is read first where the bodies were exported; so
  are the provider's response id and the served tier.
- ``cost`` is in **cents**: the documentation says "Cost of the request in cents (USD)", and the documented example is its
  model's list price in cents. It is Portkey's own computation. Another ``cost_currency`` than USD has no column: problem
  ``foreign-currency``, and the charge stays unknown.
- ``cache_status`` HIT and SEMANTIC HIT are answers from Portkey's own cache: ``requests`` 0, tag ``gateway_cache_hit``.

``id`` is Portkey's, ``trace_id`` groups the calls of one request and becomes the conversation. Metadata starting with an
underscore is Portkey's own (``_user``). Left out: the config and its strategy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from llmcost.money import EXACT
from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.gateways import GATEWAY_KNOWS, as_gateway_hit, call_of, json_list, json_object, with_bodies
from llmcost.records.labels import Notes, labels_of
from llmcost.records.rows import known
from llmcost.records.settle import settle
from llmcost.records.values import count, flag, instant, money, text
from llmcost.usage.columns import Usage
from llmcost.usage.names import provider, provider_of_url, region_of_url, status_of

_MARKS: Final = frozenset({"ai_org", "ai_model", "req_units", "res_units", "total_units", "cost_currency"})
_ENOUGH: Final = 2
"""Fields are chosen for each export: two of these names stand in no other format."""
_CENTS: Final = Decimal("0.01")
_HITS: Final = frozenset({"hit", "semantic hit", "semantic_hit"})
_OWN: Final = {"_user": "user_id", "_environment": "environment", "_organisation": "organization", "_prompt": "prompt"}


def sniff(sample: Sample) -> bool:
    """Claims records or tables with Portkey's names for provider, model and units."""
    if sample.header:
        return len(_MARKS & set(sample.header)) >= _ENOUGH
    return any(len(_MARKS & row.keys()) >= _ENOUGH for record in sample.records for row in _rows(record))


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        value = value["data"]
    yield from (row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict))


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one record, or of a page of logs."""
    found = False
    for row in _rows(record.value):
        found = True
        notes = Notes()
        yield from notes.after(_one(row, notes))
    if not found:
        page = isinstance(record.value, dict | list)
        yield Skip("a page without rows") if page else Problem("no-call", "not a log of Portkey")


def _one(row: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    if not _MARKS & row.keys():
        yield Problem("no-call", "neither provider nor model nor units: not a log of Portkey")
        return
    request, response = (_sent(row, name, notes) for name in ("request", "response"))
    http = notes.soft(count, row.get("response_status_code") or response.get("status"), "response_status_code")
    url = notes.soft(text, row.get("request_url"), "request_url")
    full = labels_of({}, (_metadata(row, notes),), notes)
    full.update(_identity(row, url, notes))
    full["requests"], full["billed_cost"] = 1, _cost(row, notes)
    full["status"] = _status(row, http, notes)
    if full["status"] == "ok":
        full.update(_counts(row, notes))
    word = notes.soft(text, row.get("cache_status"), "cache_status")
    if word is not None and word.lower() in _HITS:
        as_gateway_hit(full)
    call = call_of(request.get("body"), response.get("body"), full, status=http, url=url)
    usable = call is not None and bool(call.events or call.response.get("usage"))
    if full["status"] == "ok" and "input_tokens" not in full and not usable:
        notes.append(Problem("no-usage", "the log carries no units; its tokens are unknown", rejected=False))
    yield from with_bodies(known(full), call, notes)


def _sent(row: dict[str, Any], name: str, notes: Notes) -> dict[str, Any]:
    """The request or response: nested, or in flat fields with a dot."""
    nested = json_object(row.get(name), notes, name)
    return nested or {"body": row.get(f"{name}.body")}


def _metadata(row: dict[str, Any], notes: Notes) -> dict[str, Any]:
    given = json_object(row.get("metadata"), notes, "metadata")
    if not given:
        keys, values = (json_list(row.get(f"metadata.{part}"), notes, "metadata") for part in ("key", "value"))
        given = {str(key): value for key, value in zip(keys, values, strict=False)}
    return {_OWN.get(name, name): value for name, value in given.items()}


def _identity(row: dict[str, Any], url: str | None, notes: Notes) -> Usage:
    named = provider(notes.soft(text, row.get("ai_org"), "ai_org"))
    retried = row.get("retry_success_count")  # -1 where retries were off
    retries = None if str(retried).startswith("-") else notes.soft(count, retried, "retry_success_count")
    found = Usage(
        request_id=notes.soft(text, row.get("id"), "id"),
        provider_name=named or provider_of_url(url),
        request_model=notes.soft(text, row.get("ai_model"), "ai_model"),
        region=region_of_url(url),
        conversation_id=notes.soft(text, row.get("trace_id"), "trace_id"),
        api_key_id=notes.soft(text, row.get("virtual_key"), "virtual_key"),
        started_at=notes.soft(instant, row.get("created_at"), "created_at"),
        duration_ms=notes.soft(count, row.get("response_time"), "response_time"),
        attempt=retries + 1 if retries is not None and retries > 0 else None,
    )
    return known(found)


def _cost(row: dict[str, Any], notes: Notes) -> Decimal | None:
    cents = money(row.get("cost"), "cost")
    currency = notes.soft(text, row.get("cost_currency"), "cost_currency")
    if cents is None:
        return None
    if currency is not None and currency.upper() != "USD":
        notes.append(Problem("foreign-currency", "cost_currency is not USD; the charge is unknown", rejected=False))
        return None
    return EXACT.multiply(cents, _CENTS)


def _status(row: dict[str, Any], http: int | None, notes: Notes) -> str | None:
    if http is not None:
        return status_of(http)
    succeeded = notes.soft(flag, row.get("is_success"), "is_success")
    return None if succeeded is None else "ok" if succeeded else "error"


def _counts(row: dict[str, Any], notes: Notes) -> Usage:
    found = {
        "input_tokens": count(row.get("req_units"), "req_units"),
        "output_tokens": count(row.get("res_units"), "res_units"),
    }
    total = notes.soft(count, row.get("total_units"), "total_units")
    if not any((*found.values(), total)):
        return Usage()
    return Usage(**settle(found, total, notes), token_source="provider")


SOURCE: Final = Source(
    title="Portkey logs export",
    grain="requests",
    forms=("jsonl", "json", "csv"),
    sniff=sniff,
    read=read,
    knows=GATEWAY_KNOWS,
    url="https://portkey.ai/docs/product/observability/logs-export",
    checked="2026-11-24",
    identity="the answer's id, else id",
)
