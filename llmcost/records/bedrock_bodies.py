"""Reads InvokeModel bodies of the model families that Bedrock serves, each in its maker's own form.

Counts come from the body where it has any, else from the metrics that end a stream, else from the HTTP headers
``X-Amzn-Bedrock-Input-Token-Count`` and ``-Output-Token-Count`` (https://docs.aws.amazon.com/bedrock/latest/userguide/
model-parameters.html, 2026-11-24): 59 of 113 recorded bodies had none. Titan and Llama count everything, Claude and Nova
leave cached tokens out of their input, as the metrics do.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

from llmcost.records.anthropic import iterations, messages_body, messages_request, messages_usage
from llmcost.records.anthropic import merged as messages_merged
from llmcost.records.bedrock import converse_body, converse_merged, converse_request, converse_usage, split_input
from llmcost.records.calls import ask_for
from llmcost.records.contract import Body, Part, Row
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes
from llmcost.records.openai_chat import chat_body, chat_request, chat_usage
from llmcost.records.openai_chat import merged as chat_merged
from llmcost.records.prompts import body_of
from llmcost.records.shapes import items, mapping, objects, word
from llmcost.records.sse import Event, parse_json
from llmcost.records.values import count
from llmcost.usage.columns import Usage

METRICS: Final = "amazon-bedrock-invocationMetrics"
_CONVERSE_EVENTS: Final = frozenset({"messageStart", "contentBlockDelta", "messageStop", "metadata"})


def unpacked(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """The events of a stream without the SDK's wrapping (``{"chunk": {"bytes": ..}}``)."""
    return tuple(Event(e.name, inner) for e in events if (inner := _chunk(e.data)))


def _chunk(data: dict[str, Any]) -> dict[str, Any]:
    raw = mapping(data.get("chunk") or data).get("bytes")
    if not isinstance(raw, str):
        return data
    for text in (raw, _decoded(raw)):
        try:
            value = parse_json(text)
        except ValueError:
            continue
        if isinstance(value, dict):
            return value
    return {}


def _decoded(raw: str) -> str:
    try:
        return base64.b64decode(raw).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""


def answer_of(call: Exchange) -> dict[str, Any]:
    """The answer as one object, whatever form its stream had; the metrics that end a stream stay beside it."""
    if not call.events:
        return call.response
    events = unpacked(call.events)
    answer = _merged(events)
    metrics = next((m for e in reversed(events) if isinstance(m := e.data.get(METRICS), dict)), None)
    return {**answer, METRICS: metrics} if metrics else answer


def _merged(events: tuple[Event, ...]) -> dict[str, Any]:
    if any(word(e.data.get("type")) == "message_start" for e in events):
        return messages_merged(events)
    if any(_CONVERSE_EVENTS & e.data.keys() for e in events):
        return converse_merged(events)
    if any("choices" in e.data for e in events):
        return chat_merged(events)
    answer: dict[str, Any] = {}
    texts: list[str] = []
    for event in events:
        answer.update({k: v for k, v in event.data.items() if v is not None})
        texts += _texts(event.data)
    return {**answer, "said": "".join(texts)}


def body_usage(answer: dict[str, Any], notes: Notes) -> Usage:
    """The counters that a body itself has; empty if it has none."""
    usage = mapping(answer.get("usage"))
    if "input_tokens" in usage:
        return messages_usage(usage, notes)
    if "inputTokens" in usage:
        return converse_usage(usage, notes)
    if "prompt_tokens" in usage:
        return chat_usage(usage, notes)
    if "inputTextTokenCount" in answer:
        return _titan(answer)
    if "prompt_token_count" in answer or "generation_token_count" in answer:
        given, made = (
            count(answer.get(f"{side}_token_count"), f"{side}_token_count") for side in ("prompt", "generation")
        )
        return Usage(input_tokens=given, output_tokens=made)
    return Usage()


def _titan(answer: dict[str, Any]) -> Usage:
    given = count(answer.get("inputTextTokenCount"), "inputTextTokenCount")
    if "embedding" in answer or "embeddingsByType" in answer:
        return Usage(input_tokens=given, output_tokens=0)
    counts = [count(r.get("tokenCount"), "tokenCount") for r in objects(answer.get("results"))]
    total = count(answer.get("totalOutputTextTokenCount"), "totalOutputTextTokenCount")
    known = [n for n in counts if n is not None]
    return Usage(input_tokens=given, output_tokens=sum(known) if known else total)


def metered(answer: dict[str, Any], headers: dict[str, str]) -> Usage:
    """What Bedrock itself counted: the metrics at the end of a stream, or the headers."""
    metrics = mapping(answer.get(METRICS))
    given, made, read, written = (
        count(metrics.get(f"{kind}TokenCount"), f"{kind}TokenCount")
        if metrics.get(f"{kind}TokenCount") is not None
        else count(headers.get(f"x-amzn-bedrock-{header}-token-count"), f"{header} header")
        for kind, header in (
            ("input", "input"), ("output", "output"), ("cacheReadInput", "cache-read-input"), ("cacheWriteInput", "cache-write-input"),
        )
    )  # fmt: skip
    return Usage(**split_input(given, read, written), output_tokens=made)


def counted(answer: dict[str, Any], headers: dict[str, str], notes: Notes, *, embeds: bool) -> Usage:
    """The counters of a call, each from the first place that has it: body, metrics, headers."""
    own, meter = body_usage(answer, notes), metered(answer, headers)
    if own.get("input_tokens") is None:
        known = {k: v for k, v in meter.items() if v is not None and k != "output_tokens"}
        own.update(known)  # type: ignore[typeddict-item]  # part of a row
    if own.get("output_tokens") is None:
        own["output_tokens"] = meter.get("output_tokens")
    if embeds and own.get("input_tokens") is not None and own["output_tokens"] is None:
        own["output_tokens"] = 0
    return own


def images_made(answer: dict[str, Any]) -> int | None:
    """Images that an image model made: they are billed by the piece."""
    return len(items(answer.get("images"))) or None


def further_calls(answer: dict[str, Any], main: Usage, notes: Notes) -> Iterator[Row]:
    """The calls of other kinds that ran inside a Claude message and are billed beside it."""
    usage = answer.get("usage")
    if isinstance(usage, dict) and main.get("status") != "error":
        yield from iterations(usage, main, notes)


def timing(answer: dict[str, Any], headers: dict[str, str], notes: Notes) -> Usage:
    """How long the call took, as Bedrock measured it."""
    metrics, own = mapping(answer.get(METRICS)), mapping(answer.get("metrics"))
    whole = metrics.get("invocationLatency", own.get("latencyMs", headers.get("x-amzn-bedrock-invocation-latency")))
    row = Usage(duration_ms=notes.soft(count, whole, "latency"))
    first = notes.soft(count, metrics.get("firstByteLatency", own.get("timeToFirstByteMs")), "firstByteLatency")
    if first is not None:
        row["time_to_first_token_ms"] = first
    return row


def operation_of(model: str | None, answer: dict[str, Any]) -> str:
    """What kind of call it was, from the model's id and the body's form."""
    named = (model or "").lower()
    if "embed" in named or {"embedding", "embeddings", "embeddingsByType"} & answer.keys():
        return "embeddings"
    if "rerank" in named:
        return "rerank"
    return "image_generation" if items(answer.get("images")) else "chat"


def invoke_request(request: dict[str, Any], notes: Notes) -> Usage:
    """What an InvokeModel request asked for, in its family's words."""
    if "inferenceConfig" in request:
        return converse_request(request, notes)
    if "anthropic_version" in request:
        return messages_request(request, notes)
    if objects(request.get("messages")):
        return chat_request(request, notes)
    config = mapping(request.get("textGenerationConfig"))
    named = {**request, "top_p": request.get("top_p", request.get("p", config.get("topP")))}
    named["temperature"] = request.get("temperature", config.get("temperature"))
    named["max_tokens"] = next(
        (v for v in (*(request.get(k) for k in ("max_tokens", "max_gen_len", "max_tokens_to_sample")), config.get("maxTokenCount")) if v is not None), None
    )  # fmt: skip
    return ask_for(named, notes, cap=("max_tokens",))


def invoke_body(request: dict[str, Any], answer: dict[str, Any]) -> Body | None:
    """The texts of an InvokeModel call."""
    if "inferenceConfig" in request or "output" in answer:
        return converse_body(request, answer)
    if "anthropic_version" in request:
        return messages_body(request, answer)
    if objects(request.get("messages")):
        return chat_body(request, answer)
    asked = [v for k in ("prompt", "inputText", "message") if isinstance(v := request.get(k), str)]
    asked += [text for text in items(request.get("texts")) if isinstance(text, str)]
    said = word(answer.get("said")) or "\n".join(_texts(answer))
    return body_of((Part("user", text) for text in asked), said or None) if asked else None


def finish_of(answer: dict[str, Any]) -> str | None:
    """Why the model stopped, wherever its family says so."""
    inner = [answer, *(d for k in ("results", "outputs", "generations", "choices") for d in objects(answer.get(k)))]
    names = ("stopReason", "stop_reason", "finish_reason", "completionReason")
    return next((found for holder in inner for name in names if (found := word(holder.get(name)))), None)


def _texts(answer: dict[str, Any]) -> Iterator[str]:
    for holder in (answer, *(d for k in ("results", "outputs", "generations") for d in objects(answer.get(k)))):
        yield from (
            holder[k] for k in ("generation", "completion", "outputText", "text") if isinstance(holder.get(k), str)
        )
