"""Reads what calls of Amazon Bedrock share, and the Converse form.

Converse's ``inputTokens`` leaves cached tokens out: total = input + cache read + cache write + output in 248 of 248 recorded
answers (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html, 2026-11-24). The price hangs on
the model id that was asked for (a ``us.``, ``eu.`` .. profile is dearer than a ``global.`` one), so the name inside a body
never replaces it, unless the id is an opaque ARN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from llmcost.records.calls import ask_for, tier_of
from llmcost.records.contract import Body, Part, PartRole, Problem
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes
from llmcost.records.prompts import body_of, digest, dump, images_of
from llmcost.records.shapes import items, mapping, objects, place, word
from llmcost.records.sse import Event
from llmcost.records.values import count, instant
from llmcost.usage.columns import Usage

BEDROCK_KNOWS: Final = frozenset({
    "request_id", "parent_request_id", "call_role", "started_at", "duration_ms", "time_to_first_token_ms", "provider_name", "request_model",
    "response_model", "operation_name", "service_tier", "region", "status", "finish_reason", "attempt", "requests", "input_tokens",
    "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "output_tokens", "images", "output_images",
    "organization", "project", "team", "user_id", "api_key_id", "feature", "environment", "conversation_id", "tags", "task_type", "confidence",
    "quality_score", "original_model", "was_routed", "temperature", "top_p", "response_format", "max_output_tokens", "thinking_budget_tokens",
    "token_source",
})  # fmt: skip
"""The columns that a Bedrock call can fill."""

_IN_PATH: Final = re.compile(r"/model/(.+)/(?:converse|invoke)[a-z-]*$")
_ARN: Final = re.compile(
    r"^arn:aws[a-z-]*:(?:bedrock|sagemaker):(?P<region>[a-z0-9-]*):[^:]*:(?P<kind>[a-z-]+)/(?P<name>.+)$"
)
_NAMED: Final = frozenset({"foundation-model", "inference-profile"})
_FREE_UNITS: Final = frozenset({"wordPolicyUnits", "sensitiveInformationPolicyFreeUnits"})
"""Word filters and regular expressions cost nothing: https://aws.amazon.com/bedrock/pricing/ (recalled, 2026-11)."""


def model_of(call: Exchange) -> str | None:
    """The model id that was called, from the URL or as the logger named it."""
    try:
        match = _IN_PATH.search(urlsplit(call.url or "").path)
    except ValueError:
        match = None
    return unquote(match[1]) if match else call.model


def is_opaque(model: str | None) -> bool:
    """Whether the id names a resource of the account (application profile, provisioned or custom model, router), not a model."""
    match = _ARN.match(model or "")
    return match is not None and match["kind"] not in _NAMED


def region_of_model(model: str | None) -> str | None:
    """The region of an ARN."""
    match = _ARN.match(model or "")
    return (match["region"] or None) if match else None


def split_input(rest: int | None, read: int | None, written: int | None, hour: int | None = None) -> Usage:
    """Input counters with the cached and written tokens put inside."""
    return Usage(
        input_tokens=None if rest is None else rest + (read or 0) + (written or 0),
        cache_read_input_tokens=read,
        cache_creation_input_tokens=written,
        cache_creation_1h_input_tokens=0 if written == 0 else hour,
    )


def converse_usage(usage: dict[str, Any], notes: Notes) -> Usage:
    """The counters of a Converse ``usage`` object; cache counters come under two names with one value."""
    rest, made = count(usage.get("inputTokens"), "inputTokens"), count(usage.get("outputTokens"), "outputTokens")
    read, written = (
        _twice(usage, f"cache{kind}InputTokens", f"cache{kind}InputTokenCount") for kind in ("Read", "Write")
    )
    row = split_input(rest, read, written, _hour(usage, written, notes))
    row["output_tokens"] = made
    total, whole = count(usage.get("totalTokens"), "totalTokens"), row["input_tokens"]
    if total is not None and whole is not None and made is not None and total != whole + made:
        notes.append(
            Problem("total-mismatch", f"input {whole} and output {made} are not total {total}", rejected=False)
        )
    return row


def _twice(usage: dict[str, Any], *names: str) -> int | None:
    return next((n for name in names if (n := count(usage.get(name), name)) is not None), None)


def _hour(usage: dict[str, Any], written: int | None, notes: Notes) -> int | None:
    """The written tokens that are kept for an hour, from ``cacheDetails``."""
    parts = [
        (word(d.get("ttl")), count(d.get("inputTokens"), "cacheDetails")) for d in objects(usage.get("cacheDetails"))
    ]
    if not parts:
        return None
    if written is not None and sum(tokens or 0 for _, tokens in parts) != written:
        notes.append(
            Problem("cache-split-mismatch", f"cacheDetails are not the {written} written tokens", rejected=False)
        )
        return None
    return sum(tokens or 0 for ttl, tokens in parts if ttl == "1h")


def converse_merged(events: tuple[Event, ...]) -> dict[str, Any]:
    """The events of ConverseStream as one answer; usage is in the last one."""
    answer: dict[str, Any] = {}
    texts: dict[int, str] = {}
    for event in events:
        data = event.data
        answer.update(mapping(data.get("metadata")))
        answer.update(mapping(data.get("messageStop")))
        delta = mapping(data.get("contentBlockDelta"))
        if delta:
            at, piece = place(delta.get("contentBlockIndex")), mapping(delta.get("delta"))
            said = piece.get("text") or mapping(piece.get("toolUse")).get("input")
            texts[at] = texts.get(at, "") + word(said)
    answer["output"] = {"message": {"role": "assistant", "content": [{"text": texts[at]} for at in sorted(texts)]}}
    return answer


def converse_request(request: dict[str, Any], notes: Notes) -> Usage:
    """What a Converse request asked for."""
    config, more = mapping(request.get("inferenceConfig")), mapping(request.get("additionalModelRequestFields"))
    asked = {
        "temperature": config.get("temperature"),
        "top_p": config.get("topP"),
        "max_tokens": config.get("maxTokens"),
    }
    row = ask_for(asked, notes, cap=("max_tokens",))
    thinking = mapping(more.get("thinking") or more.get("reasoning_config"))
    row["thinking_budget_tokens"] = notes.soft(count, thinking.get("budget_tokens"), "budget_tokens")
    form = mapping(mapping(request.get("outputConfig")).get("textFormat"))
    if form.get("type") == "json_schema":
        row["response_format"] = f"json_schema:{digest(form)}"
    blocks = [b for m in objects(request.get("messages")) for b in objects(m.get("content"))]
    row["images"] = images_of([[_image(b["image"]) for b in blocks if isinstance(b.get("image"), dict)]])
    return row


def _image(image: dict[str, Any]) -> dict[str, Any]:
    source = mapping(image.get("source"))
    return {
        "type": "image",
        "source": {"data": source.get("bytes"), "url": mapping(source.get("s3Location")).get("uri")},
    }


def converse_body(request: dict[str, Any], answer: dict[str, Any]) -> Body | None:
    """The texts of a Converse call in caching order: tools, system, messages; a cache point ends the part before it."""
    if not objects(request.get("messages")):
        return None
    said = [
        _said(b)
        for b in objects(mapping(mapping(answer.get("output")).get("message")).get("content"))
        if "reasoningContent" not in b
    ]
    return body_of(_pointed(_parts(request)), "\n".join(s for s in said if s) or None)


def _parts(request: dict[str, Any]) -> Iterator[Part | None]:
    for tool in objects(mapping(request.get("toolConfig")).get("tools")):
        yield None if "cachePoint" in tool else Part("tools", dump(tool))
    for block in objects(request.get("system")):
        yield None if "cachePoint" in block else Part("system", _said(block))
    messages = objects(request.get("messages"))
    last = max((at for at, m in enumerate(messages) if _is_turn(m)), default=-1)
    for at, message in enumerate(messages):
        role: PartRole = "user" if at == last else "history"
        for block in objects(message.get("content")):
            is_context = bool({"toolResult", "document", "searchResult"} & block.keys())
            yield None if "cachePoint" in block else Part("context" if is_context else role, _said(block))


def _is_turn(message: dict[str, Any]) -> bool:
    kinds = {key for block in objects(message.get("content")) for key in block} - {"cachePoint"}
    return message.get("role") == "user" and kinds != {"toolResult"}


def _pointed(parts: Iterator[Part | None]) -> Iterator[Part]:
    """The parts, those before a cache point marked."""
    held: Part | None = None
    for part in parts:
        if part is None:
            held = Part(held.role, held.text, breakpoint=True) if held else None
            continue
        if held is not None:
            yield held
        held = part
    if held is not None:
        yield held


def _said(block: dict[str, Any]) -> str:
    inner = block.get("text", block.get("guardContent"))
    if isinstance(inner, str):
        return inner
    text = mapping(mapping(inner).get("text")).get("text")
    if isinstance(text, str):
        return text
    held = next((block[k] for k in ("image", "document", "video") if isinstance(block.get(k), dict)), None)
    return f"<media {digest(held)}>" if held else dump(block)


def served_tier(answer: dict[str, Any], headers: dict[str, str], notes: Notes) -> str | None:
    """The tier that the answer names; latency-optimised inference has rates of its own."""
    latency = mapping(answer.get("performanceConfig")).get("latency") or headers.get(
        "x-amzn-bedrock-performanceconfig-latency"
    )
    if latency == "optimized":
        return "fast"
    tier = answer.get("serviceTier")
    named = tier.get("type") if isinstance(tier, dict) else tier
    return tier_of(named or headers.get("x-amzn-bedrock-service-tier"), notes)


def guarded(answer: dict[str, Any], notes: Notes) -> None:
    """Notes the units of a guardrail's policies, which are billed apart from tokens and have no column."""
    trace = mapping(mapping(answer.get("trace") or answer.get("amazon-bedrock-trace")).get("guardrail"))
    assessed = [*mapping(trace.get("inputAssessment")).values()]
    assessed += [a for given in mapping(trace.get("outputAssessments")).values() for a in items(given)]
    units: dict[str, int] = {}
    for assessment in assessed:
        used = mapping(mapping(mapping(assessment).get("invocationMetrics")).get("usage"))
        for name, amount in used.items():
            number = (
                notes.soft(count, amount, name) if str(name).endswith("Units") and name not in _FREE_UNITS else None
            )
            if number:
                units[str(name)] = units.get(str(name), 0) + number
    if units:
        told = ", ".join(f"{n} {name}" for name, n in sorted(units.items()))
        notes.append(Problem("guardrail-units", f"{told}: fees that no column holds", rejected=False, informative=True))


def invoked_model(answer: dict[str, Any]) -> str | None:
    """The model that a prompt router chose."""
    return word(mapping(mapping(answer.get("trace")).get("promptRouter")).get("invokedModelId")) or None


def settle(row: Usage, call: Exchange, answer: dict[str, Any], notes: Notes) -> None:
    """What any Bedrock call has: id and time from the headers, model, region, provider."""
    model = model_of(call)
    row["provider_name"], row["requests"] = "bedrock", 1
    if model is not None:
        row["request_model"] = model
    inner = invoked_model(answer) or word(answer.get("model")) or None
    if (is_opaque(model) or model is None) and inner is not None:
        row["response_model"] = inner
    else:
        row.pop("response_model", None)
    if (own := call.headers.get("x-amzn-requestid")) is not None:
        row["request_id"] = own[:1024]
    if row.get("region") is None and (region := region_of_model(model)) is not None:
        row["region"] = region
    if row.get("started_at") is None and "date" in call.headers:
        row["started_at"] = notes.soft(_http_date, call.headers["date"], "date")


def _http_date(value: str, field: str) -> int | None:
    try:
        return instant(parsedate_to_datetime(value), field)
    except (ValueError, TypeError, OverflowError):
        return None
