"""What calls of every chat form share: request parameters, outcome, times and the finished row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from llmcost.records.contract import Body, Problem, Row
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes
from llmcost.records.values import count, instant, number, text
from llmcost.usage.columns import COUNTERS, Usage
from llmcost.usage.names import is_prepaid_tier, is_unknown_tier, region_of_url, service_tier, status_of


def ask_for(request: dict[str, Any], notes: Notes, *, cap: tuple[str, ...]) -> Usage:
    """The sampling parameters and owners that a request names; ``cap`` are the spellings of its output cap."""
    row = Usage()
    if (temperature := notes.soft(number, request.get("temperature"), "temperature")) is not None:
        row["temperature"] = temperature
    if (top_p := notes.soft(number, request.get("top_p"), "top_p")) is not None:
        row["top_p"] = top_p
    seed = request.get("seed")
    if isinstance(seed, int | Decimal) and seed >= 0:
        row["seed"] = notes.soft(count, seed, "seed")
    for key in cap:
        if request.get(key) is not None:
            row["max_output_tokens"] = notes.soft(count, request[key], key)
            break
    if (user := request_text(request, ("user", "safety_identifier"), notes)) is not None:
        row["user_id"] = user
    return row


def request_text(request: dict[str, Any], keys: tuple[str, ...], notes: Notes) -> str | None:
    """The first of ``keys`` that holds a text."""
    return next((found for k in keys if (found := notes.soft(text, request.get(k), k)) is not None), None)


def finished(call: Exchange, answer: dict[str, Any], reason: str | None, notes: Notes, *, has_usage: bool) -> Usage:
    """How the call ended, and the problem of a call whose counts nobody logged."""
    row = Usage(status="error" if call.failed or answer.get("error") else status_of(call.http_status) or "ok")
    if reason is not None:
        row["finish_reason"] = reason
    if row["status"] != "ok" or has_usage:
        return row
    if call.events:
        if reason is None:
            row["status"] = "partial"
        notes.append(
            Problem("stream-without-usage", "the stream carries no usage; its tokens are unknown", rejected=False)
        )
    else:
        notes.append(Problem("no-usage", "the answer carries no usage; its tokens are unknown", rejected=False))
    return row


def tier_of(raw: Any, notes: Notes) -> str | None:
    """The served tier; a tier that was paid before or that nobody knows is noted."""
    name = notes.soft(text, raw, "service_tier")
    if is_prepaid_tier(name):
        notes.append(
            Problem(
                "prepaid-tier",
                f"service_tier {name} was paid in advance; the list price is no charge",
                rejected=False,
                informative=True,
            )
        )
    elif is_unknown_tier(name):
        notes.append(Problem("unknown-tier", f"service_tier {name} is not known", rejected=False))
    return service_tier(name)


def usage_row(
    call: Exchange, answer: dict[str, Any], row: Usage, notes: Notes, *, body: Body | None = None, created: str = ""
) -> Row:
    """The row of a call: its own facts over what the logger wrote around it. ``created`` names the answer's time field."""
    full = Usage(**{**call.labels, **{k: v for k, v in row.items() if v is not None}})  # type: ignore[typeddict-item]  # parts of rows
    full["requests"] = 1
    if (own := notes.soft(text, answer.get("id") or answer.get("request_id"), "id")) is not None:
        full["request_id"] = own
    # Beside Bedrock's bodies stands the model; a gateway's ``model_id`` is a name of its own.
    asked = call.request.get("model") or (call.model if full.get("provider_name") == "bedrock" else None)
    for column, value in (("request_model", asked), ("response_model", answer.get("model"))):
        if (model := notes.soft(text, value, column)) is not None:
            full[column] = model  # type: ignore[literal-required]  # one of two
    if "started_at" not in full and (at := notes.soft(instant, answer.get(created), created)) is not None:
        full["started_at"] = at
    if "service_tier" not in full and (tier := tier_of(answer.get("service_tier"), notes)) is not None:
        full["service_tier"] = tier
    if "region" not in full and (region := region_of_url(call.url)) is not None:
        full["region"] = region
    if any(full.get(name) is not None for name in COUNTERS if name != "requests"):
        full["token_source"] = "provider"
    return Row(full, body=body)


_SHARED: Final = (
    "provider_name", "service_tier", "region", "started_at", "organization", "project", "team", "user_id", "api_key_id", "feature", "environment",
    "conversation_id", "tags",
)  # fmt: skip


def subcall(main: Usage, name: str, counters: Usage, model: str | None) -> Usage:
    """A further call that the provider made and billed inside ``main``: same owners, its own counters and model."""
    given: dict[str, Any] = {k: v for k, v in counters.items() if v is not None}
    shared: dict[str, Any] = {k: main.get(k) for k in _SHARED if main.get(k) is not None}
    own = Usage(call_role="subcall", status="ok", requests=1, token_source="provider")
    if (parent := main.get("request_id")) is not None:
        own["request_id"], own["parent_request_id"] = f"{parent}#{name}", parent
    if model is not None:
        own["request_model"] = own["response_model"] = model
    return Usage(**{**shared, **own, **given})  # type: ignore[typeddict-item]  # parts of rows
