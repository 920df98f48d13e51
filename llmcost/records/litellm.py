"""Reads a call as LiteLLM logs it: a row of its spend logs, which its logging payload is turned into.

LiteLLM normalises counts to OpenAI's meaning: ``prompt_tokens`` contains cache reads and writes, ``completion_tokens``
contains reasoning; ``metadata.usage_object`` and ``metadata.additional_usage_values`` hold the details. Times are UTC
without a zone. ``spend`` is what LiteLLM computed or the provider reported, in USD (litellm 1.109.1
``proxy/spend_tracking/spend_tracking_utils.py``, 2026-11-23).

A hit in LiteLLM's own response cache keeps the counts of the first answer, costs nothing, and gets that answer's id
with ``_cache_hit<time>`` behind it: it must not be merged with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmcost.records.anthropic import tier_and_region
from llmcost.records.contract import Body, Problem, Reading, Row, Skip
from llmcost.records.gateways import as_gateway_hit, json_list, json_object, unredacted
from llmcost.records.labels import Notes, labels_of
from llmcost.records.openai_chat import CHAT_KNOWS, chat_body, chat_request, chat_usage
from llmcost.records.rows import known
from llmcost.records.values import count, flag, instant, is_absent, money, text
from llmcost.usage.columns import SUM_OF_CALLS, Usage
from llmcost.usage.names import provider, region_of_url

LITELLM_KNOWS: Final = CHAT_KNOWS | {"billed_cost", "cache_creation_1h_input_tokens", "input_video_tokens"}
"""The columns that a call can fill."""
_OPERATIONS: Final = {
    "completion": "chat", "responses": "chat", "anthropic_messages": "chat", "generate_content": "generate_content", "text_completion": "text_completion",
    "embedding": "embeddings", "image_generation": "image_generation", "image_edit": "image_generation", "transcription": "transcription",
    "speech": "speech", "rerank": "rerank", "moderation": "moderation", "ocr": "ocr", "realtime": "realtime", "retrieve_batch": SUM_OF_CALLS,
}  # fmt: skip
_ROLES: Final = {
    "shadow_eval_judge": "judge", "llm_as_a_judge_guardrail": "judge", "autorouter_classifier": "judge",
    "autorouter_compaction": "summariser", "shadow_eval_router": "subcall",
}  # fmt: skip
_HIT: Final = "_cache_hit"


_REDACTED: Final = "redacted-by-litellm"


def spend_log(row: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    """The row of one spend log, or why there is none."""
    if "spend" not in row and "prompt_tokens" not in row:
        yield Problem("no-usage", "neither spend nor token counts: not a row of the spend logs")
        return
    meta = json_object(row.get("metadata"), notes, "metadata")
    usage = {
        **json_object(meta.get("additional_usage_values"), notes, "usage"),
        **_set(json_object(meta.get("usage_object"), notes, "usage")),
    }
    counted = _counts(row, usage, notes)
    cost = money(row.get("spend"), "spend")
    if (
        not counted.get("input_tokens")
        and not counted.get("output_tokens")
        and not cost
        and not text(row.get("model"), "model")
    ):
        yield Skip("a gateway operation without a model")
        return
    full = labels_of(
        {},
        (_tags(row.get("request_tags"), notes), json_object(meta.get("spend_logs_metadata"), notes, "labels")),
        notes,
    )
    full.update(known(_identity(row, meta, notes)))
    full.update(_times(row, notes))
    full["requests"], full["billed_cost"] = 1, cost
    full.update(counted)
    full.update(_outcome(row, meta, usage, counted, notes))
    full.update(tier_and_region(usage, notes, own=row.get("provider_name") == "anthropic"))
    if "region" not in full:
        full["region"] = region_of_url(notes.soft(text, row.get("api_base"), "api_base"))
    request = json_object(row.get("proxy_server_request"), notes, "proxy_server_request")
    asked = chat_request(request, notes) if request else Usage()
    full.update(known({**asked, "user_id": None}))
    if notes.soft(flag, row.get("cache_hit"), "cache_hit"):
        _as_hit(full)
    _batch(row, meta, full, notes)
    yield Row(known(full), body=_body(row, request, notes))


def _set(usage: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in usage.items() if value is not None}


def _tags(value: Any, notes: Notes) -> dict[str, str]:
    """Request tags as labels; LiteLLM's convention ``key:value`` is split."""
    tags: dict[str, str] = {}
    for tag in json_list(value, notes, "request_tags"):
        name, split, said = str(tag).partition(":")
        tags.update({name.strip(): said.strip()} if split and said.strip() else {str(tag).strip(): "true"})
    return tags


def _counts(row: dict[str, Any], usage: dict[str, Any], notes: Notes) -> Usage:
    """The counters. Zeros without a usage object mean that nothing was counted, and stay unknown."""
    given = {key: row.get(key) for key in ("prompt_tokens", "completion_tokens", "total_tokens")}
    counted = chat_usage({**usage, **{key: value for key, value in given.items() if not is_absent(value)}}, notes)
    if not usage and not any(count(value, key) for key, value in given.items()):
        return Usage()
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    if not counted.get("cache_read_input_tokens"):
        counted["cache_read_input_tokens"] = count(
            usage.get("cache_read_input_tokens"), "cache_read_input_tokens"
        ) or counted.get("cache_read_input_tokens")
    if not counted.get("cache_creation_input_tokens"):
        written = count(
            usage.get("cache_creation_input_tokens") or details.get("cache_creation_tokens"),
            "cache_creation_input_tokens",
        )
        counted["cache_creation_input_tokens"] = (
            written if written is not None else counted.get("cache_creation_input_tokens")
        )
    split = details.get("cache_creation_token_details") or usage.get("cache_creation")
    if isinstance(split, dict):
        counted["cache_creation_1h_input_tokens"] = count(
            split.get("ephemeral_1h_input_tokens"), "ephemeral_1h_input_tokens"
        )
    tools = usage.get("server_tool_use")
    searches = (tools if isinstance(tools, dict) else {}).get("web_search_requests") or details.get(
        "web_search_requests"
    )
    counted["web_search_requests"] = count(searches, "web_search_requests")
    counted["input_video_tokens"] = count(details.get("video_tokens"), "video_tokens")
    counted["token_source"] = "provider"
    return counted


def _identity(row: dict[str, Any], meta: dict[str, Any], notes: Notes) -> Usage:
    def first(*values: Any, name: str) -> str | None:
        return next((found for value in values if (found := notes.soft(text, value, name)) is not None), None)

    host = first(row.get("custom_llm_provider"), name="custom_llm_provider")
    model = first(row.get("model"), name="model")
    found = Usage(
        request_id=first(row.get("request_id"), name="request_id"),
        provider_name=provider(host),
        request_model=first(row.get("model_group"), name="model_group"),
        response_model=model.removeprefix(f"{host}/") if model and host else model,
        organization=first(row.get("organization_id"), meta.get("user_api_key_org_id"), name="organization_id"),
        project=first(meta.get("user_api_key_project_alias"), meta.get("user_api_key_project_id"), name="project"),
        team=first(row.get("team_id"), meta.get("user_api_key_team_id"), name="team_id"),
        user_id=first(row.get("end_user"), row.get("user"), name="end_user"),
        api_key_id=first(row.get("api_key"), name="api_key"),
        conversation_id=first(row.get("session_id"), name="session_id"),
        call_role=_ROLES.get(str(meta.get("internal_call_origin")), "primary"),
    )
    if meta.get("routing_decision"):
        found["was_routed"] = True
    retries = notes.soft(count, meta.get("attempted_retries"), "attempted_retries")
    if retries is not None:
        found["attempt"] = retries + 1
    word = first(row.get("call_type"), name="call_type")
    if word is not None:
        found["operation_name"] = (
            _OPERATIONS.get(word) or _OPERATIONS.get(word.removeprefix("_").removeprefix("a")) or word
        )
    return found


def _times(row: dict[str, Any], notes: Notes) -> Usage:
    start, end, first = (
        notes.soft(instant, row.get(key), key) for key in ("startTime", "endTime", "completionStartTime")
    )
    found = Usage(started_at=start)
    if start is not None and end is not None and end >= start:
        found["duration_ms"] = (end - start) // 1000
    # Without streaming LiteLLM writes the end there, which says nothing about a first token.
    if start is not None and first is not None and first != end and first >= start:
        found["time_to_first_token_ms"] = (first - start) // 1000
    return found


def _outcome(row: dict[str, Any], meta: dict[str, Any], usage: dict[str, Any], counted: Usage, notes: Notes) -> Usage:
    word = str(row.get("status") or meta.get("status") or "success").lower()
    if word == "failure":
        return Usage(status="error")
    if not counted and not usage:
        notes.append(Problem("no-usage", "the row carries no usage; its tokens are unknown", rejected=False))
    return Usage(status="ok")


def _as_hit(full: Usage) -> None:
    """An answer from LiteLLM's own cache: the first answer is its parent."""
    as_gateway_hit(full)
    if _HIT in (full.get("request_id") or ""):
        full["parent_request_id"] = str(full["request_id"]).rpartition(_HIT)[0] or None


def _batch(row: dict[str, Any], meta: dict[str, Any], full: Usage, notes: Notes) -> None:
    """A finished batch is one row with the sum of its calls; where nothing says how many, their number is unknown."""
    if full.get("operation_name") != SUM_OF_CALLS:
        return
    full["service_tier"] = "batch"
    told = meta.get("batch_successful_requests")
    if told is None:
        counts = json_object(row.get("response"), notes, "response").get("request_counts")
        told = counts.get("completed") if isinstance(counts, dict) else None
    full["requests"] = notes.soft(count, told, "batch_successful_requests")


def _body(row: dict[str, Any], request: dict[str, Any], notes: Notes) -> Body | None:
    if not request.get("messages"):
        request = {**request, "messages": json_list(row.get("messages"), notes, "messages")}
    return unredacted(chat_body(request, json_object(row.get("response"), notes, "response")), _REDACTED)
