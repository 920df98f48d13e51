"""LiteLLM's logging payload: what its callbacks hand to S3, GCS, Pub/Sub, HTTP endpoints and own loggers.

From: the object ``StandardLoggingPayload``, one a line or a file, an array of them, or inside a callback's
``standard_logging_object`` (https://docs.litellm.ai/docs/proxy/logging_spec and litellm 1.109.1 ``types/utils.py``,
2026-11-24). A row is one call: a success, a failure, or a hit in LiteLLM's own cache.

It is read as the row that LiteLLM's spend logs would hold of it, so that both exports of one call are one spend:
:mod:`llmcost.records.litellm` says what the counts contain (cached tokens and reasoning are inside) and how hits in
LiteLLM's cache stay. ``response_cost`` is what LiteLLM computed or the provider reported, in USD; the provider that it
names is who bills. Times are floats in seconds or text in UTC. Texts that LiteLLM redacted are not used. Left out:
``saved_cache_cost``, which nobody was billed, and the price map that LiteLLM copies into each record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.gateways import json_list, json_object
from llmcost.records.labels import Notes
from llmcost.records.litellm import LITELLM_KNOWS, spend_log
from llmcost.records.shapes import mapping
from llmcost.records.values import money

_MARKS: Final = frozenset({"id", "call_type", "response_cost", "startTime"})
_INNER: Final = "standard_logging_object"
_RENAMED: Final[dict[str, str]] = {
    "input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}  # fmt: skip
"""Names of the Responses API's usage, in those of the normalised one."""


_NO_COST: Final = ("response_cost_failure_debug_info", "zero_cost_diagnostic")
"""Why a cost could not be computed, and why a call that should cost something came to 0 (logging_spec, 2026-11-24)."""


def sniff(sample: Sample) -> bool:
    """Claims records that name their id, call type, cost and start in the payload's spelling."""
    return any(True for record in sample.records for _ in _payloads(record))


def _payloads(value: Any) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else [value]:
        inner = item.get(_INNER, item) if isinstance(item, dict) else None
        if isinstance(inner, dict) and inner.keys() >= _MARKS:
            yield inner


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one record, which may be an array of payloads."""
    found = False
    for payload in _payloads(record.value):
        found = True
        notes = Notes()
        yield from notes.after(spend_log(_as_spend_log(payload, notes), notes))
    if not found:
        empty = isinstance(record.value, list) and not record.value
        yield Skip("an empty batch") if empty else Problem("no-call", "not a logging payload of LiteLLM")


def _as_spend_log(payload: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """The row that LiteLLM's own spend logger makes of the payload."""
    meta, hidden = (json_object(payload.get(name), notes, name) for name in ("metadata", "hidden_params"))
    parameters = json_object(payload.get("model_parameters"), notes, "model_parameters")
    response = json_object(payload.get("response"), notes, "response")
    messages = json_list(payload.get("messages"), notes, "messages")
    usage = json_object(meta.get("usage_object"), notes, "usage_object") or _usage(response)
    return {
        **{name: payload.get(name) for name in _SAME},
        "request_id": payload.get("id"),
        "spend": _cost(payload, notes),
        "api_base": payload.get("api_base") or hidden.get("api_base"),
        "api_key": meta.get("user_api_key_hash"),
        "user": meta.get("user_api_key_user_id"),
        "end_user": payload.get("end_user") or meta.get("user_api_key_end_user_id"),
        "team_id": meta.get("user_api_key_team_id"),
        "organization_id": meta.get("user_api_key_org_id"),
        "session_id": payload.get("session_id") or payload.get("trace_id"),
        "metadata": {**meta, "usage_object": usage},
        "proxy_server_request": {**parameters, "messages": messages},
        "response": response,
    }


_SAME: Final = (
    "call_type", "prompt_tokens", "completion_tokens", "total_tokens", "startTime", "endTime", "completionStartTime", "model", "model_group",
    "custom_llm_provider", "cache_hit", "request_tags", "status",
)  # fmt: skip


def _cost(payload: dict[str, Any], notes: Notes) -> Any:
    """What the call cost; a zero that LiteLLM wrote because it could not compute the cost is no price."""
    cost = payload.get("response_cost")
    if any(payload.get(name) for name in _NO_COST) and not notes.soft(money, cost, "response_cost"):
        notes.append(Problem("cost-unknown", "LiteLLM could not compute the cost; it is unknown", rejected=False))
        return None
    return cost


def _usage(response: dict[str, Any]) -> dict[str, Any]:
    usage = response.get("usage")
    return {_RENAMED.get(key, key): value for key, value in mapping(usage).items()}


SOURCE: Final = Source(
    title="LiteLLM logging payload",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=LITELLM_KNOWS,
    url="https://docs.litellm.ai/docs/proxy/logging_spec",
    checked="2026-11-24",
    identity="id",
)
