"""Cloudflare's AI Gateway: its log of forwarded calls, and the events that Logpush writes of them.

From: pages of ``GET /accounts/{id}/ai-gateway/gateways/{id}/logs``
(https://developers.cloudflare.com/api/resources/ai_gateway/subresources/logs/methods/list/, 2026-11-24), or the
Logpush dataset ``ai_gateway_events``
(https://developers.cloudflare.com/logs/reference/log-fields/account/ai_gateway_events/, 2026-11-24). A row is one attempt
at one provider; ``step`` counts fallbacks, and each is a call of its own. The provider that was called is who bills.

- ``tokens_in`` and ``tokens_out`` are what the provider's answer said. Whether they contain cached tokens is the provider's
  own rule and no field tells how many there were: Anthropic's counts leave cache reads and writes out.
- ``cost`` is Cloudflare's estimate from tokens and its price list, or from the prices in the request's own header
  (``custom_cost``), in USD. ``cached`` is a hit in the gateway's own cache: ``requests`` 0, tag ``gateway_cache_hit``.
- Events of Logpush carry neither time nor tokens nor cost outside their encrypted bodies: such calls are kept, with their
  tokens unknown, unless the bodies were decrypted and hold the provider's usage.

``id`` is the gateway's; the provider's own id is known only where a body is. Left out: prompts, unless decrypted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.gateways import GATEWAY_KNOWS, as_gateway_hit, call_of, json_object, with_bodies
from llmcost.records.labels import Notes, labels_of
from llmcost.records.rows import known
from llmcost.records.values import count, flag, instant, money, text
from llmcost.usage.columns import Usage
from llmcost.usage.names import provider, status_of

_MARKS: Final = frozenset({"tokens_in", "tokens_out", "cached", "provider", "model"})
_EVENT: Final = frozenset({"Cached", "Endpoint", "Gateway", "Model", "Provider", "RateLimited"})


def sniff(sample: Sample) -> bool:
    """Claims pages or rows of the log, and events of Logpush."""
    if sample.header:
        return set(sample.header) >= _MARKS or set(sample.header) >= _EVENT
    return any(row.keys() >= _MARKS or row.keys() >= _EVENT for record in sample.records for row in _rows(record))


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get("result"), list | dict) and "tokens_in" not in value:
        value = value["result"]
    yield from (row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict))


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one record, or of one page."""
    found = False
    for row in _rows(record.value):
        found = True
        notes = Notes()
        yield from notes.after(_event(row, notes) if _EVENT & row.keys() else _one(row, notes))
    if not found:
        page = isinstance(record.value, dict | list)
        yield Skip("a page without rows") if page else Problem("no-call", "not a log of AI Gateway")


def _one(row: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    if not {"tokens_in", "tokens_out", "cost", "provider"} & row.keys():
        yield Problem("no-call", "neither provider nor tokens: not a log of AI Gateway")
        return
    http = notes.soft(count, row.get("status_code"), "status_code")
    full = labels_of({}, (json_object(row.get("metadata"), notes, "metadata"),), notes)
    full.update(_identity(row, notes))
    full["requests"], full["billed_cost"] = 1, money(row.get("cost"), "cost")
    full["status"] = _status(row, http, notes)
    step = notes.soft(count, row.get("step"), "step")
    if step is not None and step > 0:
        full["attempt"] = step + 1
    yield from _told(row, full, http, ("request_body", "response_body"), notes)


def _identity(row: dict[str, Any], notes: Notes) -> Usage:
    found = Usage(
        request_id=notes.soft(text, row.get("id"), "id"),
        provider_name=provider(notes.soft(text, row.get("provider"), "provider")),
        request_model=notes.soft(text, row.get("model"), "model"),
        started_at=notes.soft(instant, row.get("created_at"), "created_at"),
        duration_ms=notes.soft(count, row.get("duration"), "duration"),
        operation_name=_operation(notes.soft(text, row.get("path"), "path")),
    )
    return known(found)


def _operation(path: str | None) -> str | None:
    if path is None:
        return None
    ends = {"chat/completions": "chat", "messages": "chat", "responses": "chat", "embeddings": "embeddings"}
    return next((operation for end, operation in ends.items() if path.rstrip("/").endswith(end)), None)


def _status(row: dict[str, Any], http: int | None, notes: Notes) -> str | None:
    succeeded = notes.soft(flag, row.get("success"), "success")
    if succeeded is False:
        return "cancelled" if status_of(http) == "cancelled" else "error"
    return status_of(http) or ("ok" if succeeded else None)


def _told(
    row: dict[str, Any], full: Usage, http: int | None, bodies: tuple[str, str], notes: Notes
) -> Iterator[Reading]:
    """The row with its counts, its cache hit and what its bodies say."""
    made = {name: count(row.get(field), field) for name, field in _COUNTS.items()}
    if full.get("status") in {"ok", None} and any(made.values()):
        full.update(Usage(**known(made), token_source="provider"))
    if notes.soft(flag, row.get("cached", row.get("Cached")), "cached"):
        as_gateway_hit(full)
    path = row.get("path", row.get("Endpoint"))
    url = path if isinstance(path, str) else None
    call = call_of(row.get(bodies[0]), row.get(bodies[1]), full, status=http, url=url)
    usable = call is not None and bool(call.events or call.response.get("usage"))
    if full.get("status") == "ok" and not any(made.values()) and not usable:
        notes.append(Problem("no-usage", "the log carries no tokens; they are unknown", rejected=False))
    yield from with_bodies(known(full), call, notes)


_COUNTS: Final = {"input_tokens": "tokens_in", "output_tokens": "tokens_out"}


def _event(row: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    """A call of which Logpush tells little: refused ones failed, of the others it does not say."""
    full = labels_of({}, (json_object(row.get("Metadata"), notes, "Metadata"),), notes)
    endpoint = notes.soft(text, row.get("Endpoint"), "Endpoint")
    found = Usage(
        provider_name=provider(notes.soft(text, row.get("Provider"), "Provider")),
        request_model=notes.soft(text, row.get("Model"), "Model"),
        operation_name=_operation(endpoint),
        status="error" if notes.soft(flag, row.get("RateLimited"), "RateLimited") else "ok",
        started_at=notes.soft(instant, row.get("Timestamp"), "Timestamp"),
        requests=1,
    )
    full.update(known(found))
    if "project" not in full and (gateway := notes.soft(text, row.get("Gateway"), "Gateway")) is not None:
        full["project"] = gateway
    yield from _told(row, full, None, ("RequestBody", "ResponseBody"), notes)


SOURCE: Final = Source(
    title="Cloudflare AI Gateway logs",
    grain="requests",
    forms=("json", "jsonl"),
    sniff=sniff,
    read=read,
    knows=GATEWAY_KNOWS,
    url="https://developers.cloudflare.com/api/resources/ai_gateway/subresources/logs/methods/list/",
    checked="2026-11-24",
    identity="the answer's id, else id",
)
