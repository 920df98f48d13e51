"""Reads a call of the Chat Completions form, which OpenAI and most other hosts speak.

``prompt_tokens`` contains cached, written, audio and image tokens, ``completion_tokens`` contains reasoning, audio and
rejected prediction tokens: total = prompt + completion in 626 of 626 recorded answers
(https://platform.openai.com/docs/api-reference/chat/object, 2026-11-23). Some hosts leave reasoning out of
``completion_tokens``: then total = prompt + completion + reasoning, exactly, and it is added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmcost.records.calls import ask_for, finished, usage_row
from llmcost.records.contract import Body, Part, PartRole, Problem, Reading
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes
from llmcost.records.prompts import body_of, dump, has_breakpoint, images_of, parts_of, response_format
from llmcost.records.shapes import items, mapping, objects, place, word
from llmcost.records.sse import Event
from llmcost.records.values import count
from llmcost.usage.columns import Usage

_OWN_MODELS: Final = re.compile(
    r"^(ft:)?(gpt-|o\d|chatgpt-|davinci|babbage|codex-|computer-use|omni-|text-(embedding-(3|ada)|moderation-|davinci-)|tts-1|whisper-1|dall-e-)"
)
_CACHED: Final = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
_EXAMPLES: Final = frozenset({"example_user", "example_assistant"})
CHAT_KNOWS: Final = frozenset({
    "request_id", "parent_request_id", "call_role", "started_at", "duration_ms", "time_to_first_token_ms", "provider_name", "request_model",
    "response_model", "operation_name", "service_tier", "region", "status", "finish_reason", "attempt", "requests", "input_tokens",
    "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "input_audio_tokens", "cache_read_audio_tokens",
    "input_image_tokens", "output_tokens",
    "reasoning_output_tokens", "output_audio_tokens", "output_image_tokens", "web_search_requests", "images", "organization", "project", "team",
    "user_id", "api_key_id", "feature", "environment", "conversation_id", "tags", "task_type", "confidence", "quality_score", "original_model",
    "was_routed", "temperature", "top_p", "seed", "response_format", "max_output_tokens", "token_source",
})  # fmt: skip
"""The columns that a chat call can fill."""


def provider_of_answer(answer: dict[str, Any]) -> str | None:
    """Who made a chat answer that came without a URL, told from marks that only one host writes."""
    usage, choices = mapping(answer.get("usage")), [*objects(answer.get("choices")), {}]
    marks = {
        "azure": "prompt_filter_results" in answer or "content_filter_results" in choices[0],
        "groq": "x_groq" in answer or "queue_time" in usage,
        "openrouter": str(answer.get("id")).startswith("gen-") or "provider" in answer,
        "deepseek": "prompt_cache_hit_tokens" in usage,
        "cerebras": "time_info" in answer,
        "ollama": answer.get("system_fingerprint") == "fp_ollama",
        "mistral": re.fullmatch(r"[0-9a-f]{32}", str(answer.get("id"))) is not None
        and "system_fingerprint" not in answer,
        "openai": is_openai_model(answer.get("model")),
    }
    return next((name for name, found in marks.items() if found), None)


def is_openai_model(model: Any) -> bool:
    """Whether a model name is one that OpenAI gives."""
    return isinstance(model, str) and _OWN_MODELS.match(model) is not None


def merged(events: tuple[Event, ...]) -> dict[str, Any]:
    """The chunks of a stream as one answer. Usage may come in any chunk: a moderation chunk can follow it."""
    answer: dict[str, Any] = {}
    texts: dict[int, str] = {}
    tools: dict[tuple[int, int], list[str]] = {}
    reasons: dict[int, Any] = {}
    for event in events:
        answer.update({k: v for k, v in event.data.items() if k != "choices" and v is not None})
        if "usage" not in answer and isinstance(late := mapping(event.data.get("x_groq")).get("usage"), dict):
            answer["usage"] = late
        for choice in objects(event.data.get("choices")):
            at, delta = place(choice.get("index")), mapping(choice.get("delta"))
            texts[at] = texts.get(at, "") + word(delta.get("content"))
            for call in objects(delta.get("tool_calls")):
                function = mapping(call.get("function"))
                pieces = tools.setdefault((at, place(call.get("index"))), [])
                pieces += [p for p in (word(function.get("name")), word(function.get("arguments"))) if p]
            reasons[at] = choice.get("finish_reason") or reasons.get(at)
    answer["choices"] = [
        {"finish_reason": reasons[at], "message": {"content": _joined(texts[at], at, tools)}} for at in sorted(texts)
    ]
    return answer


def _joined(content: str, at: int, tools: dict[tuple[int, int], list[str]]) -> str:
    return "\n".join([content, *("".join(p) for (index, _), p in sorted(tools.items()) if index == at)]).strip("\n")


def chat_usage(usage: dict[str, Any], notes: Notes) -> Usage:
    """The counters of a chat ``usage`` object; BadValueError if one of them is no count."""
    into, out = mapping(usage.get("prompt_tokens_details")), mapping(usage.get("completion_tokens_details"))
    cached = mapping(into.get("cached_tokens_details"))
    row = Usage(
        input_tokens=count(usage.get("prompt_tokens"), "prompt_tokens"),
        output_tokens=count(usage.get("completion_tokens"), "completion_tokens"),
        cache_read_input_tokens=_cached(usage, into),
        input_audio_tokens=count(into.get("audio_tokens"), "prompt audio_tokens"),
        cache_read_audio_tokens=count(cached.get("audio_tokens"), "cached audio_tokens"),
        input_image_tokens=count(into.get("image_tokens"), "prompt image_tokens"),
        reasoning_output_tokens=count(out.get("reasoning_tokens"), "reasoning_tokens"),
        output_audio_tokens=count(out.get("audio_tokens"), "completion audio_tokens"),
        output_image_tokens=count(out.get("image_tokens"), "completion image_tokens"),
    )
    row.update(written(into, "cache_write_tokens", "cache_write_12h_tokens"))
    return _checked(row, count(usage.get("total_tokens"), "total_tokens"), notes)


def written(counts: Mapping[str, Any], short: str, long: str) -> Usage:
    """Tokens written to the cache, from the counts of the 30-minute and of the 12-hour part, which stand side by side.

    The usage API documents them so; that answers name them alike is recalled (2026-11).
    """
    brief, kept = count(counts.get(short), short), count(counts.get(long), long)
    if kept is None:
        return Usage(cache_creation_input_tokens=brief)
    return Usage(cache_creation_input_tokens=(brief or 0) + kept, cache_creation_1h_input_tokens=kept)


def _cached(usage: dict[str, Any], into: dict[str, Any]) -> int | None:
    """Cached tokens, which hosts also name beside the details: DeepSeek, Mistral, Moonshot (docs read 2026-11-24)."""
    for place_, key in ((into, "cached_tokens"), *((usage, k) for k in _CACHED)):
        if (found := count(place_.get(key), key)) is not None:
            return found
    return None


def _checked(row: Usage, total: int | None, notes: Notes) -> Usage:
    given, made, reasoning = row.get("input_tokens"), row.get("output_tokens"), row.get("reasoning_output_tokens") or 0
    if made is None and given is not None and total == given:
        row["output_tokens"] = made = 0
    if total is None or given is None or made is None or total == given + made:
        return row
    if reasoning and total == given + made + reasoning:
        row["output_tokens"] = made + reasoning
    else:
        notes.append(
            Problem("total-mismatch", f"prompt {given} and completion {made} are not total {total}", rejected=False)
        )
    return row


def chat_request(request: dict[str, Any], notes: Notes) -> Usage:
    """What a chat request asked for."""
    row = ask_for(request, notes, cap=("max_completion_tokens", "max_tokens"))
    if isinstance(request.get("response_format"), dict):
        row["response_format"] = response_format(request["response_format"])
    if (images := images_of(m.get("content") for m in objects(request.get("messages")))) is not None:
        row["images"] = images
    return row


def chat_body(request: dict[str, Any], answer: dict[str, Any]) -> Body | None:
    """The texts of a call in the order in which the cache sees them: tools, schema, then the messages."""
    messages = objects(request.get("messages"))
    return body_of(_parts(request, messages), _said(answer)) if messages else None


def _parts(request: dict[str, Any], messages: list[dict[str, Any]]) -> Iterator[Part]:
    for tool in [*items(request.get("tools")), *items(request.get("functions"))]:
        yield Part("tools", dump(tool), has_breakpoint(tool))
    form = request.get("response_format")
    if isinstance(form, dict) and form.get("type") == "json_schema":
        yield Part("schema", dump(form.get("json_schema")))
    last = max((at for at, m in enumerate(messages) if m.get("role") == "user"), default=-1)
    for at, message in enumerate(messages):
        role = _role(message, is_last=at == last)
        yield from parts_of(message.get("content"), role)
        for call in objects(message.get("tool_calls")):
            yield Part(role, dump(call.get("function")))
        if message.get("function_call"):
            yield Part(role, dump(message["function_call"]))


def _role(message: dict[str, Any], *, is_last: bool) -> PartRole:
    if (
        word(message.get("name")) in _EXAMPLES
    ):  # the few-shot convention of OpenAI's cookbook, "How to format inputs to ChatGPT models"
        return "example"
    if word(message.get("role")) in {"system", "developer"}:
        return "system"
    if word(message.get("role")) in {"tool", "function"}:
        return "context"
    return "user" if is_last else "history"


def _said(answer: dict[str, Any]) -> str | None:
    texts: list[str] = []
    for choice in objects(answer.get("choices")):
        message = mapping(choice.get("message"))
        texts += [part.text for part in parts_of(message.get("content") or message.get("refusal"), "history")]
        made = [c.get("function") for c in objects(message.get("tool_calls"))]
        texts += [dump(function) for function in [*made, message.get("function_call")] if function]
    return "\n".join(texts) or None


def chat_readings(call: Exchange, provider: str | None) -> Iterator[Reading]:
    """The row of one chat call, with what was odd about it."""
    notes = Notes(call.problems)
    return notes.after(_rows(call, provider, notes))


def _rows(call: Exchange, provider: str | None, notes: Notes) -> Iterator[Reading]:
    answer = merged(call.events) if call.events else call.response
    row = chat_request(call.request or answer, notes)
    usage = answer.get("usage")
    if isinstance(usage, dict) and not call.failed:
        row.update(chat_usage(usage, notes))
    if _always_searches(answer.get("model") or call.request.get("model")) and not call.failed:
        row["web_search_requests"] = 1
    reason = next((r for c in objects(answer.get("choices")) if (r := word(c.get("finish_reason")))), None)
    row.update(finished(call, answer, reason, notes, has_usage=isinstance(usage, dict)))
    row["provider_name"] = provider
    row["operation_name"] = "chat"
    yield usage_row(call, answer, row, notes, body=chat_body(call.request, answer), created="created")


def _always_searches(model: Any) -> bool:
    # The guide says that these models search before every answer; no bill at hand confirms it:
    # https://platform.openai.com/docs/guides/tools-web-search (from memory, 2026-11).
    return isinstance(model, str) and ("-search-preview" in model or "-search-api" in model)
