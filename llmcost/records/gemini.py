"""Reads a call of Gemini's generateContent, as the Gemini API and Vertex AI answer it.

``promptTokenCount`` contains cached tokens; tokens of tool results (``toolUsePromptTokenCount``) are billed input beside
it, thinking (``thoughtsTokenCount``) is billed output beside ``candidatesTokenCount``: total = the four of them in 537 of
537 recorded answers (https://ai.google.dev/api/generate-content#UsageMetadata, 2026-11-24). A count of zero is left out of
the JSON, as all defaults of protocol buffers are (https://protobuf.dev/programming-guides/json/, 2026-11-24): in a whole
answer, what is not there is zero; output that the total holds and no counter names is output. The Live API says
``responseTokenCount`` for candidates (https://ai.google.dev/api/live, 2026-11-24). Every chunk of a stream restates the counts so far: the last one wins, field by field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from llmcost.records.calls import ask_for, finished, tier_of, usage_row
from llmcost.records.contract import Body, Part, PartRole, Problem, Reading, Skip
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes
from llmcost.records.prompts import body_of, digest, dump, images_of
from llmcost.records.shapes import items, mapping, objects, place, word
from llmcost.records.sse import Event
from llmcost.records.values import count, whole
from llmcost.usage.columns import Usage
from llmcost.usage.names import region_of_url

GEMINI_KNOWS: Final = frozenset({
    "request_id", "parent_request_id", "call_role", "started_at", "duration_ms", "time_to_first_token_ms", "provider_name", "request_model",
    "response_model", "operation_name", "service_tier", "region", "status", "finish_reason", "attempt", "requests", "input_tokens",
    "cache_read_input_tokens", "input_audio_tokens", "cache_read_audio_tokens", "input_image_tokens", "input_video_tokens", "output_tokens",
    "reasoning_output_tokens", "output_audio_tokens", "output_image_tokens", "output_images", "web_search_requests", "images", "organization", "project", "team",
    "user_id", "api_key_id", "feature", "environment", "conversation_id", "tags", "task_type", "confidence", "quality_score", "original_model",
    "was_routed", "temperature", "top_p", "seed", "response_format", "max_output_tokens", "thinking_budget_tokens", "token_source",
})  # fmt: skip
"""The columns that a Gemini call can fill."""

_PATH: Final = re.compile(r"(?:^|/)(?:models|tunedModels|endpoints)/[^/:]+")
_LOCATION: Final = re.compile(r"(?:^|/)locations/(global|us|eu|[a-z]+-[a-z]+\d+)(?:/|$)")
_SNAKE: Final = re.compile(r"_([a-z0-9])")
_OPAQUE: Final = frozenset({"args", "response", "parameters", "schema", "responseSchema", "responseJsonSchema"})
"""Members whose names are the user's own."""
_LEFT_OUT: Final = ("cache_read_input_tokens", "reasoning_output_tokens")
_EMBEDS: Final = re.compile(r":(?:batch)?embedContents?\b", re.IGNORECASE)
_GENERATION: Final = re.compile(r"gemini-(\d+)")


def model_of_path(path: str | None) -> str | None:
    """The model's own name in a resource path or URL; a tuned model or endpoint keeps the kind of its name."""
    if path is None:
        return None
    try:
        bare = unquote(urlsplit(path).path) if "//" in path else path
    except ValueError:
        return None
    found = _PATH.findall(bare)
    if not found:
        return bare if "/" not in bare and ":" not in bare else None
    return str(found[-1]).lstrip("/").removeprefix("models/")


def location_of_path(path: str | None) -> str | None:
    """The region that a resource path or URL of Vertex names."""
    match = _LOCATION.search(path or "")
    return match[1] if match else region_of_url(path)


def camelised(value: Any) -> Any:
    """The names of an SDK's dump (``usage_metadata``) as the API writes them (``usageMetadata``)."""
    if isinstance(value, list):
        return [camelised(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {_SNAKE.sub(lambda m: m[1].upper(), k) if isinstance(k, str) else k: v for k, v in value.items()}
    return {k: v if k in _OPAQUE else camelised(v) for k, v in named.items()}


def merged(events: tuple[Event, ...]) -> dict[str, Any]:
    """The chunks of a stream as one answer."""
    answer: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        chunk = camelised(event.data)
        answer.update({k: v for k, v in chunk.items() if k not in {"candidates", "usageMetadata"} and v is not None})
        usage.update({k: v for k, v in mapping(chunk.get("usageMetadata")).items() if v is not None})
        for candidate in objects(chunk.get("candidates")):
            seen = choices.setdefault(place(candidate.get("index")), {"content": {"parts": []}})
            seen["content"]["parts"] += items(mapping(candidate.get("content")).get("parts"))
            seen.update({k: v for k, v in candidate.items() if k != "content" and v is not None})
    if choices:
        answer["candidates"] = [choices[at] for at in sorted(choices)]
    return {**answer, "usageMetadata": usage} if usage else answer


def gemini_usage(usage: dict[str, Any], notes: Notes) -> Usage:
    """The counters of a ``usageMetadata`` object; BadValueError if one of them is no count."""
    prompt, tool = (count(usage.get(k), k) for k in ("promptTokenCount", "toolUsePromptTokenCount"))
    thought, total = (count(usage.get(k), k) for k in ("thoughtsTokenCount", "totalTokenCount"))
    said = _said_tokens(usage)
    if prompt is not None and said is None:
        said = _rest(total, prompt + (tool or 0) + (thought or 0), notes)
    given = None if prompt is None else prompt + (tool or 0)
    made = None if said is None else said + (thought or 0)
    if total is not None and given is not None and made is not None and total != given + made:
        known = f"prompt {prompt}, tool use {tool or 0}, candidates {said} and thoughts {thought or 0}"
        notes.append(Problem("total-mismatch", f"{known} are not total {total}", rejected=False))
    into = _modalities(usage, "promptTokensDetails", "toolUsePromptTokensDetails")
    cached, out = _modalities(usage, "cacheTokensDetails"), _modalities(usage, _DETAILS[_SAID[1] in usage])
    return Usage(
        input_tokens=given,
        output_tokens=made,
        reasoning_output_tokens=thought,
        cache_read_input_tokens=count(usage.get("cachedContentTokenCount"), "cachedContentTokenCount"),
        input_audio_tokens=into.get("AUDIO"),
        input_image_tokens=into.get("IMAGE"),
        input_video_tokens=into.get("VIDEO"),
        cache_read_audio_tokens=cached.get("AUDIO"),
        output_audio_tokens=out.get("AUDIO"),
        output_image_tokens=out.get("IMAGE"),
    )


_SAID: Final = ("candidatesTokenCount", "responseTokenCount")
_DETAILS: Final = ("candidatesTokensDetails", "responseTokensDetails")
"""The modalities of what was said: as generateContent names them, and as the Live API does."""


def _said_tokens(usage: dict[str, Any]) -> int | None:
    return next((found for key in _SAID if (found := count(usage.get(key), key)) is not None), None)


def _rest(total: int | None, others: int, notes: Notes) -> int:
    """What the total holds beside the other counts: zeros are left out, so it is mostly nothing."""
    if total is None or total <= others:
        return 0
    told = f"no count of candidates: {total - others} tokens of the total {total} are taken for output"
    notes.append(Problem("output-from-total", told, rejected=False, informative=True))
    return total - others


def _modalities(usage: dict[str, Any], *names: str) -> dict[str, int]:
    """Tokens by modality; the lists leave out what they cannot tell (7 of 537 answers), so they are never summed up."""
    sums: dict[str, int] = {}
    for name in names:
        for detail in objects(usage.get(name)):
            tokens = count(detail.get("tokenCount"), f"{name} tokenCount")
            if tokens is not None:
                modality = word(detail.get("modality"))
                sums[modality] = sums.get(modality, 0) + tokens
    return sums


def predicted(answer: dict[str, Any]) -> Usage:
    """What an answer of ``:predict`` counts: tokens of embedded texts (never output), or the images that were made.

    https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api and .../imagen-api (2026-11-24).
    """
    row = Usage()
    tokens: list[int | None] = []
    for made in objects(answer.get("predictions")):
        if isinstance(made.get("embeddings"), dict):
            counted = mapping(made["embeddings"].get("statistics"))
            tokens.append(count(counted.get("tokenCount"), "token_count"))
        row["output_images"] = (row.get("output_images") or 0) + ("bytesBase64Encoded" in made or "gcsUri" in made)
    if tokens and None not in tokens:
        row["input_tokens"], row["output_tokens"] = sum(n for n in tokens if n is not None), 0
    if not row.get("output_images"):
        row.pop("output_images", None)
    return row


def _operation(call: Exchange, answer: dict[str, Any], row: Usage) -> str:
    made = objects(answer.get("predictions"))
    if (
        {"embedding", "embeddings"} & answer.keys()
        or any("embeddings" in m for m in made)
        or _EMBEDS.search(call.url or "")
    ):
        return "embeddings"
    return "image_generation" if made and row.get("output_images") else "generate_content"


def searches(answer: dict[str, Any], model: str | None) -> int | None:
    """Billed Google searches: from Gemini 3 on each different query, before that one for each grounded prompt.

    https://ai.google.dev/gemini-api/docs/google-search#pricing (2026-09-17): empty queries do not count.
    """
    queries: set[str] = set()
    for candidate in objects(answer.get("candidates")):
        asked = items(mapping(candidate.get("groundingMetadata")).get("webSearchQueries"))
        queries |= {query for query in asked if isinstance(query, str) and query.strip()}
    if not queries:
        return None
    generation = _GENERATION.search(model or "")
    return len(queries) if generation and int(generation[1]) >= 3 else 1


def gemini_request(request: dict[str, Any], notes: Notes) -> Usage:
    """What a generateContent request asked for."""
    config = mapping(request.get("generationConfig") or request.get("config"))
    named = {"temperature": config.get("temperature"), "top_p": config.get("topP"), "seed": config.get("seed")}
    row = ask_for({**named, "max_tokens": config.get("maxOutputTokens")}, notes, cap=("max_tokens",))
    budget = notes.soft(whole, mapping(config.get("thinkingConfig")).get("thinkingBudget"), "thinkingBudget")
    if budget is not None and budget >= 0:  # -1 leaves it to the model
        row["thinking_budget_tokens"] = budget
    row["response_format"] = _format(config)
    row["images"] = images_of([_image(part) for part in _all_parts(request)])
    return row


def _format(config: dict[str, Any]) -> str | None:
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    if isinstance(schema, dict):
        return f"json_schema:{digest(schema)}"
    return "json_object" if config.get("responseMimeType") == "application/json" else None


def _all_parts(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for content in objects(request.get("contents")):
        yield from objects(content.get("parts"))


def _image(part: dict[str, Any]) -> Any:
    held = mapping(part.get("inlineData") or part.get("fileData"))
    if not word(held.get("mimeType")).startswith("image/"):
        return None
    return [{"type": "image", "source": {"data": held.get("data"), "url": held.get("fileUri")}}]


def gemini_body(request: dict[str, Any], answer: dict[str, Any]) -> Body | None:
    """The texts of a call in caching order; a prompt that begins with a named cache is not all there."""
    if not objects(request.get("contents")):
        return None
    said = [_said(part) for c in objects(answer.get("candidates")) for part in _answer_parts(c)]
    return body_of(_parts(request), "\n".join(s for s in said if s) or None, complete=not request.get("cachedContent"))


def _answer_parts(candidate: dict[str, Any]) -> list[dict[str, Any]]:
    parts = objects(mapping(candidate.get("content")).get("parts"))
    return [part for part in parts if part.get("thought") is not True]


def _parts(request: dict[str, Any]) -> Iterator[Part]:
    for tool in items(request.get("tools")):
        yield Part("tools", dump(tool))
    config = mapping(request.get("generationConfig"))
    if schema := config.get("responseJsonSchema") or config.get("responseSchema"):
        yield Part("schema", dump(schema))
    for part in objects(mapping(request.get("systemInstruction")).get("parts")):
        yield Part("system", _said(part))
    contents = objects(request.get("contents"))
    last = max((at for at, c in enumerate(contents) if c.get("role", "user") == "user"), default=-1)
    for at, content in enumerate(contents):
        role: PartRole = "user" if at == last else "history"
        for part in objects(content.get("parts")):
            yield Part("context" if "functionResponse" in part else role, _said(part))


def _said(part: dict[str, Any]) -> str:
    """The text of a part; media stand as a digest."""
    if isinstance(part.get("text"), str):
        return str(part["text"])
    held = part.get("inlineData") or part.get("fileData")
    if held:
        return f"<media {digest(held)}>"
    return dump({k: v for k, v in part.items() if k != "thoughtSignature"})


def provider_of(call: Exchange, answer: dict[str, Any]) -> str:
    """Vertex says when an answer was made and how its capacity was paid; the Gemini API says neither."""
    if call.provider in {"google", "vertex_ai"}:
        return call.provider
    marks = {"createTime"} & answer.keys() or {"trafficType"} & mapping(answer.get("usageMetadata")).keys()
    return call.provider or ("vertex_ai" if marks else "google")


def gemini_readings(call: Exchange, *, batch: bool = False) -> Iterator[Reading]:
    """The row of one call, with what was odd about it; ``batch`` tells that it was part of a batch job."""
    notes = Notes(call.problems)
    return notes.after(_rows(call, notes, batch=batch))


def _rows(call: Exchange, notes: Notes, *, batch: bool) -> Iterator[Reading]:
    answer = merged(call.events) if call.events else camelised(call.response)
    cut = _is_chunk(call, answer)
    if cut and not word(answer.get("responseId")):
        yield Skip("a chunk of a stream, whose counts a later one repeats, without an id that would join them")
        return
    request = camelised(call.request)
    usage = mapping(answer.get("usageMetadata"))
    counted = "promptTokenCount" in usage and not call.failed
    row = gemini_request(request, notes)
    served = word(answer.get("modelVersion")) or None
    asked = model_of_path(call.url) or model_of_path(word(request.get("model")) or call.model)
    if counted:
        row.update(gemini_usage(usage, notes))
    if not call.failed:
        row["web_search_requests"] = searches(answer, served or asked)
        row["output_images"] = _images_made(answer)
        row.update(predicted(answer) if "predictions" in answer else {})
        _maps(answer, notes)
    named_counts = row.get("input_tokens") is not None or row.get("output_images") is not None
    row.update(_ended(call, answer, notes, counted=named_counts))
    if cut and row["status"] == "ok":
        row["status"] = "partial"  # the last chunk of the same id counts most and takes its place
    if row["status"] == "partial" and _said_tokens(usage) is None:
        row["output_tokens"] = None  # the counts before the last may lack what was said already
    if counted and row["status"] == "ok" and "totalTokenCount" in usage:
        row.update({name: 0 for name in _LEFT_OUT if row.get(name) is None})  # type: ignore[typeddict-item]  # counters all
    row["provider_name"], row["operation_name"] = provider_of(call, answer), _operation(call, answer, row)
    row["service_tier"] = "batch" if batch else tier_of(usage.get("serviceTier") or usage.get("trafficType"), notes)
    row["region"] = location_of_path(call.url) or location_of_path(word(request.get("model")))
    named = {"id": answer.get("responseId"), "model": served, "createTime": answer.get("createTime")}
    if asked is not None:
        row["request_model"] = asked
    made = usage_row(call, named, row, notes, body=gemini_body(request, answer), created="createTime")
    if asked is not None and made.usage is not None:
        made.usage["request_model"] = asked  # not the resource path that the body may name
    yield made


def _is_chunk(call: Exchange, answer: dict[str, Any]) -> bool:
    """Whether a bare answer is a piece of a stream that was saved as it came: only the last one says why it ended."""
    said = objects(answer.get("candidates"))
    bare = not call.events and not call.asked and call.url is None and not call.failed
    return bare and bool(said) and not any(c.get("finishReason") for c in said)


def _images_made(answer: dict[str, Any]) -> int | None:
    parts = (part for candidate in objects(answer.get("candidates")) for part in _answer_parts(candidate))
    held = (mapping(part.get("inlineData")) for part in parts)
    return sum(word(data.get("mimeType")).startswith("image/") for data in held) or None


def _ended(call: Exchange, answer: dict[str, Any], notes: Notes, *, counted: bool) -> Usage:
    reason = next((r for c in objects(answer.get("candidates")) if (r := word(c.get("finishReason")))), None)
    blocked = word(mapping(answer.get("promptFeedback")).get("blockReason")) or None
    row = finished(call, answer, reason or blocked, notes, has_usage=counted)
    if call.events and counted and row["status"] == "ok" and reason is None and blocked is None:
        row["status"] = "partial"
        notes.append(Problem("stream-cut-off", "the stream ends before its last counts", rejected=False))
    return row


def _maps(answer: dict[str, Any], notes: Notes) -> None:
    chunks = (
        c
        for a in objects(answer.get("candidates"))
        for c in items(mapping(a.get("groundingMetadata")).get("groundingChunks"))
    )
    if any(isinstance(chunk, dict) and "maps" in chunk for chunk in chunks):
        told = "a prompt grounded with Google Maps: a fee that no column holds"
        notes.append(Problem("no-column", told, rejected=False, informative=True))
