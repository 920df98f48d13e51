"""Reads the flat attributes of a model call: OpenTelemetry GenAI in its old and new names, OpenInference, vendors'.

OpenTelemetry says that ``gen_ai.usage.input_tokens`` contains what was read from and written to the cache and
``output_tokens`` the reasoning (https://github.com/open-telemetry/semantic-conventions-genai, 2026-11-23; OpenInference
``llm.token_count.*`` likewise). Older instrumentations of Anthropic pass on its own counters, which leave the cache out:
a span proves that when its cache counters exceed its input, or when only the larger sum meets its total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from llmcost.records.calls import tier_of
from llmcost.records.jsontext import BadJsonError, decode
from llmcost.records.labels import Notes, labels_of
from llmcost.records.rows import known
from llmcost.records.settle import Inside, settle
from llmcost.records.values import count, number, text, whole
from llmcost.usage.columns import Usage
from llmcost.usage.names import provider, provider_of_url, region_of_url

_G: Final = "gen_ai.usage."
_COUNTS: Final[dict[str, tuple[str, ...]]] = {
    "input_tokens": (f"{_G}input_tokens", f"{_G}prompt_tokens", "llm.token_count.prompt", "llm.usage.prompt_tokens", "ai.usage.inputTokens", "ai.usage.promptTokens"),
    "output_tokens": (f"{_G}output_tokens", f"{_G}completion_tokens", "llm.token_count.completion", "llm.usage.completion_tokens", "ai.usage.outputTokens", "ai.usage.completionTokens"),
    "cache_read_input_tokens": (
        f"{_G}cache_read.input_tokens", f"{_G}cache_read_input_tokens", f"{_G}cached_input_tokens", f"{_G}input_tokens.cached", f"{_G}prompt_tokens_details.cached_tokens",
        f"{_G}details.cache_read_tokens", f"{_G}details.cache_read_input_tokens", f"{_G}details.cached_tokens", "llm.token_count.prompt_details.cache_read",
        "llm.usage.cache_read_input_tokens", "ai.usage.cachedInputTokens", "ai.usage.inputTokenDetails.cacheReadTokens", f"{_G}input_tokens_details.cached_tokens",
    ),
    "cache_creation_input_tokens": (
        f"{_G}cache_creation.input_tokens", f"{_G}cache_creation_input_tokens", f"{_G}cache_write.input_tokens", f"{_G}details.cache_write_tokens",
        f"{_G}details.cache_creation_input_tokens", "llm.token_count.prompt_details.cache_write", "llm.usage.cache_creation_input_tokens", "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    "reasoning_output_tokens": (
        f"{_G}reasoning.output_tokens", f"{_G}reasoning_tokens", f"{_G}output_tokens.reasoning", f"{_G}completion_tokens_details.reasoning_tokens",
        f"{_G}details.reasoning_tokens", "llm.token_count.completion_details.reasoning", "llm.usage.reasoning_tokens", "ai.usage.reasoningTokens", "ai.usage.outputTokenDetails.reasoningTokens", f"{_G}thoughts_tokens",
        f"{_G}output_tokens_details.reasoning_tokens", "llm.token_count.reasoning_tokens",
    ),
    "input_audio_tokens": ("llm.token_count.prompt_details.audio", f"{_G}details.input_audio_tokens"),
    "output_audio_tokens": ("llm.token_count.completion_details.audio", f"{_G}details.output_audio_tokens"),
}  # fmt: skip
_TOTAL: Final = (
    f"{_G}total_tokens",
    "llm.token_count.total",
    "llm.usage.total_tokens",
    "ai.usage.totalTokens",
    "ai.usage.tokens",
)
_TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "request_model": ("gen_ai.request.model", "llm.request.model", "llm.model_name", "ai.model.id", "embedding.model_name"),
    "response_model": ("gen_ai.response.model", "llm.response.model", "ai.response.model"),
    "request_id": ("gen_ai.response.id", "ai.response.id", "llm.response.id"),
    "conversation_id": ("gen_ai.conversation.id", "session.id", "langfuse.session.id", "traceloop.association.properties.session_id", "ai.telemetry.metadata.sessionId"),
    "user_id": ("user.id", "enduser.id", "langfuse.user.id", "traceloop.association.properties.user_id", "ai.telemetry.metadata.userId", "gen_ai.request.user", "llm.user"),
    "environment": ("deployment.environment.name", "deployment.environment", "langfuse.environment"),
}  # fmt: skip
_NUMBERS: Final[dict[str, tuple[str, ...]]] = {
    "temperature": ("gen_ai.request.temperature", "llm.request.temperature", "ai.settings.temperature"),
    "top_p": ("gen_ai.request.top_p", "llm.top_p", "ai.settings.topP"),
}
_WHOLE: Final[dict[str, tuple[str, ...]]] = {
    "max_output_tokens": (
        "gen_ai.request.max_tokens",
        "llm.request.max_tokens",
        "ai.settings.maxOutputTokens",
        "ai.settings.maxTokens",
    ),
    "seed": ("gen_ai.request.seed", "gen_ai.openai.request.seed", "ai.settings.seed"),
}
_PARAMETERS: Final = {
    "temperature": ("temperature",), "top_p": ("top_p",), "seed": ("seed",), "max_output_tokens": ("max_completion_tokens", "max_tokens", "max_output_tokens"),
}  # fmt: skip
_OPERATIONS: Final = {
    "chat": "chat", "text_completion": "text_completion", "completion": "text_completion", "generate_content": "generate_content",
    "embeddings": "embeddings", "embedding": "embeddings", "rerank": "rerank", "image_generation": "image_generation", "responses": "chat",
}  # fmt: skip
_KINDS: Final = {"LLM": "chat", "EMBEDDING": "embeddings", "RERANKER": "rerank"}
GENAI_KNOWS: Final = frozenset({
    *_COUNTS, *_TEXTS, *_NUMBERS, *_WHOLE, "provider_name", "operation_name", "service_tier", "region", "status", "finish_reason", "requests", "feature",
    "tags", "time_to_first_token_ms", "token_source", "organization", "project", "team", "task_type", "api_key_id",
})  # fmt: skip
"""The columns that attributes can fill."""

Attributes = dict[str, Any]


def _first(attributes: Attributes, keys: Iterable[str]) -> Any:
    for key in keys:
        value = attributes.get(key)
        if value is not None and value not in ("", []):
            return value
    return None


def has_counts(attributes: Attributes) -> bool:
    """Whether any token count stands here."""
    return any(
        _first(attributes, keys) is not None for keys in (_COUNTS["input_tokens"], _COUNTS["output_tokens"], _TOTAL)
    )


def operation(attributes: Attributes) -> str | None:
    """What kind of model call this is; None when it is none (an agent, a chain, a tool) or does not say."""
    named = _first(attributes, ("gen_ai.operation.name", "llm.request.type", "traceloop.span.kind"))
    if isinstance(named, str):
        return _OPERATIONS.get(named.lower())
    kind = _first(attributes, ("openinference.span.kind",))
    if isinstance(kind, str):
        return _KINDS.get(kind.upper())
    return "chat" if has_counts(attributes) and has_model(attributes) else None


def has_model(attributes: Attributes) -> bool:
    """Whether a model is named."""
    return _first(attributes, (*_TEXTS["request_model"], *_TEXTS["response_model"])) is not None


def genai_row(attributes: Attributes, notes: Notes) -> Usage:
    """Everything but times, outcome and counts that the attributes say."""
    row: dict[str, Any] = dict(labels_of({}, _label_maps(attributes), notes))
    parameters = _json(_first(attributes, ("llm.invocation_parameters", "gen_ai.request.parameters")))
    readers: tuple[tuple[dict[str, tuple[str, ...]], Callable[[Any, str], Any]], ...] = (
        (_TEXTS, text),
        (_NUMBERS, number),
        (_WHOLE, count),
    )
    for table, reader in readers:
        for column, keys in table.items():
            value = _first(attributes, keys)
            if value is None:
                value = _first(parameters, _PARAMETERS.get(column, ()))
            row[column] = notes.soft(reader, value, column) if value is not None else row.get(column)
    host = notes.soft(text, _first(attributes, ("server.address", "ai.response.headers.host")), "server.address")
    named = notes.soft(
        text,
        _first(
            attributes, ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
        ),
        "provider",
    )
    row["provider_name"] = _provider(named, host)
    row["region"] = region_of_url(host) or row.get("region")
    row["operation_name"] = operation(attributes)
    tier = _first(
        attributes,
        ("openai.response.service_tier", "gen_ai.openai.response.service_tier", "gen_ai.response.service_tier"),
    )
    row["service_tier"] = tier_of(tier, notes) if tier is not None else None
    row["finish_reason"] = _reason(attributes, notes)
    row["time_to_first_token_ms"] = _first_token(attributes, notes)
    row["requests"] = 1
    return known(row)


def _provider(named: str | None, host: str | None) -> str | None:
    known = provider(named)
    if known is not None and "." in known and not known.startswith(("gcp.", "aws.", "azure.", "ibm.")):
        known = provider(known.partition(".")[0])  # Vercel writes "openai.chat"
    return known or provider_of_url(host)


def _label_maps(attributes: Attributes) -> list[dict[str, Any]]:
    maps = [_json(attributes.get("metadata")), _json(attributes.get("langfuse.trace.metadata"))]
    prefixes = ("traceloop.association.properties.", "ai.telemetry.metadata.", "langfuse.trace.metadata.")
    maps.extend(
        {key.removeprefix(prefix): value for key, value in attributes.items() if key.startswith(prefix)}
        for prefix in prefixes
    )
    tags = _first(attributes, ("tag.tags", "langfuse.trace.tags"))
    maps.append({tag: "true" for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else {})
    return maps


def _json(value: Any) -> dict[str, Any]:
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = decode(value.encode("utf-8", "replace"))
        except BadJsonError:
            return {}
    return value if isinstance(value, dict) else {}


def _reason(attributes: Attributes, notes: Notes) -> str | None:
    reason = _first(
        attributes,
        (
            "gen_ai.response.finish_reasons",
            "gen_ai.response.finish_reason",
            "ai.response.finishReason",
            "llm.finish_reason",
        ),
    )
    if isinstance(reason, str) and reason.startswith("["):
        try:
            reason = decode(reason.encode())
        except BadJsonError:
            return None
    return notes.soft(text, reason[0] if isinstance(reason, list) and reason else reason, "finish_reason")


def _first_token(attributes: Attributes, notes: Notes) -> int | None:
    seconds = _first(attributes, ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"))
    millis = _first(attributes, ("ai.response.msToFirstChunk",))
    told, times = (millis, 1) if seconds is None else (seconds, 1000)
    value = notes.soft(lambda given, field: whole(given, field, times), told, "time_to_first_chunk")
    return None if value is None or value < 0 else value


def tokens(attributes: Attributes, notes: Notes, *, cache_is_outside: bool = False) -> Usage:
    """The counters, cache and reasoning put inside. ``cache_is_outside``: other spans of this scope proved it."""
    found: dict[str, Any] = {}
    for column, keys in _COUNTS.items():
        if (value := _first(attributes, keys)) is not None:
            found[column] = count(value, keys[0])
    total = notes.soft(count, _first(attributes, _TOTAL), "total_tokens")
    outside = leaves_cache_out(attributes, known=cache_is_outside)
    row = settle(found, total, notes, habit=Inside(read=not outside, written=not outside), usual=Inside())
    if found:
        row["token_source"] = "provider"
    return row


def leaves_cache_out(attributes: Attributes, *, known: bool = False) -> bool:
    """Whether the input count leaves out what was read from and written to the cache.

    A total that meets one of the two readings decides; else counters too large to be inside; else what is ``known``.
    """
    cached = sum(
        _whole(_first(attributes, _COUNTS[c])) or 0 for c in ("cache_read_input_tokens", "cache_creation_input_tokens")
    )
    given, made = (
        _whole(_first(attributes, _COUNTS[c])) if cached else None for c in ("input_tokens", "output_tokens")
    )
    if given is None:
        return False
    made = made or 0
    total = _whole(_first(attributes, _TOTAL))
    if cached > given:
        return True
    if total == given + made + cached:
        return True
    return known and total != given + made


def _whole(value: Any) -> int | None:
    try:
        return int(value) if isinstance(value, str | int | Decimal) else None
    except (ValueError, ArithmeticError):
        return None
