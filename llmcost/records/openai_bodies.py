"""Reads calls of OpenAI's other APIs: embeddings, text completions, moderations, images, speech and transcriptions.

Embeddings have input only. An image call counts tokens (gpt-image) or nothing but its images (dall-e); its output
tokens are image tokens. Speech is billed by the characters of its input or by tokens, which only a stream's last event
tells; a transcription counts tokens or seconds (https://platform.openai.com/docs/api-reference/audio, 2026-11-24).
Moderations are free and count nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from llmcost.records.calls import ask_for, finished, usage_row
from llmcost.records.contract import Body, Part, Reading
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes
from llmcost.records.openai_chat import chat_usage
from llmcost.records.prompts import body_of, is_cut
from llmcost.records.rows import tags_of
from llmcost.records.shapes import items, mapping, objects, word
from llmcost.records.sse import Event
from llmcost.records.values import count, money
from llmcost.usage.columns import Usage

BODIES_KNOW: Final = frozenset({"input_characters", "input_audio_seconds", "output_images"})
"""The columns that these calls can fill beside those of a chat call."""


def merged(events: tuple[Event, ...]) -> dict[str, Any]:
    """A stream as one answer: its last event that counts, with the pieces of text or the images before."""
    answer: dict[str, Any] = {}
    texts: dict[int, str] = {}
    images: list[dict[str, Any]] = []
    reason: Any = None
    for event in events:
        data = event.data
        answer.update({k: v for k, v in data.items() if k not in {"choices", "type", "b64_json"} and v is not None})
        for at, choice in enumerate(objects(data.get("choices"))):
            texts[at] = texts.get(at, "") + word(choice.get("text"))
            reason = choice.get("finish_reason") or reason
        if word(data.get("type")) in {"image_generation.completed", "image_edit.completed"}:
            images.append({})
    if texts:
        answer["choices"] = [{"text": text, "finish_reason": reason} for _, text in sorted(texts.items())]
    return {**answer, "data": images} if images else answer


def _given(usage: dict[str, Any], notes: Notes) -> Usage:
    """Counters under the names of the newer APIs, whose details are called with or without an s."""
    into = mapping(usage.get("input_tokens_details") or usage.get("input_token_details"))
    plain = {
        "prompt_tokens": usage.get("input_tokens"),
        "completion_tokens": usage.get("output_tokens"),
        "total_tokens": usage.get("total_tokens"),
        "prompt_tokens_details": into,
        "completion_tokens_details": mapping(usage.get("output_tokens_details")),
    }
    return chat_usage(plain, notes)


def _embeddings(_call: Exchange, answer: dict[str, Any], notes: Notes) -> Usage:
    usage = mapping(answer.get("usage"))
    row = chat_usage(usage, notes)
    return Usage(**{**row, "output_tokens": 0}) if usage else Usage()


def _completions(_call: Exchange, answer: dict[str, Any], notes: Notes) -> Usage:
    return chat_usage(mapping(answer.get("usage")), notes)


def _images(call: Exchange, answer: dict[str, Any], notes: Notes) -> Usage:
    usage = mapping(answer.get("usage"))
    row = _given(usage, notes) if usage else Usage()
    made, said = row.get("output_tokens"), mapping(usage.get("output_tokens_details")).get("text_tokens")
    if made is not None and row.get("output_image_tokens") is None:
        row["output_image_tokens"] = made - (count(said, "output text_tokens") or 0)
    row["output_images"] = len(items(answer.get("data"))) or None
    labels = {key: answer.get(key) or call.request.get(key) for key in ("size", "quality")}
    row["tags"] = tags_of({k: v for k, v in labels.items() if v != "auto"})
    return row


def _speech(call: Exchange, answer: dict[str, Any], notes: Notes) -> Usage:
    usage = mapping(answer.get("usage"))
    row = _given(usage, notes) if usage else Usage()
    if (spoken := row.get("output_tokens")) is not None and row.get("output_audio_tokens") is None:
        row["output_audio_tokens"] = spoken
    text = call.request.get("input")
    if isinstance(text, str) and not is_cut(text):
        row["input_characters"] = len(text)
    return row


def _transcription(_call: Exchange, answer: dict[str, Any], notes: Notes) -> Usage:
    usage = mapping(answer.get("usage"))
    if usage.get("input_tokens") is not None:
        return _given(usage, notes)
    length = usage.get("seconds") if usage else answer.get("duration")
    return Usage(input_audio_seconds=money(length, "seconds"))


def _nothing(_call: Exchange, _answer: dict[str, Any], _notes: Notes) -> Usage:
    return Usage()


def _texts(value: Any) -> list[str]:
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)]


def _body(call: Exchange, answer: dict[str, Any]) -> Body | None:
    parts = [Part("user", text) for text in _texts(call.request.get("input") or call.request.get("prompt"))]
    said = [c["text"] for c in objects(answer.get("choices")) if isinstance(c.get("text"), str)]
    return body_of(parts, "\n".join(said) or None) if parts else None


@dataclass(frozen=True)
class _Api:
    operation: str
    counters: Callable[[Exchange, dict[str, Any], Notes], Usage]
    body: bool = False
    """Whether the texts are counted and keyed: media are neither."""
    free: bool = False


_APIS: Final = {
    "embeddings": _Api("embeddings", _embeddings, body=True),
    "completions": _Api("text_completion", _completions, body=True),
    "moderations": _Api("moderations", _nothing, body=True, free=True),
    "images": _Api("image_generation", _images),
    "speech": _Api("speech", _speech),
    "transcription": _Api("transcription", _transcription),
}
BODIES: Final = frozenset(_APIS)
"""The APIs that this module reads."""


def body_readings(call: Exchange, provider: str | None, api: str) -> Iterator[Reading]:
    """The row of one call of these APIs, with what was odd about it."""
    # Speech is sound: that its answer is neither JSON nor a stream is nothing to tell.
    notes = Notes(p for p in call.problems if not (api == "speech" and p.kind == "unreadable-answer"))
    return notes.after(_rows(call, provider, _APIS[api], notes))


def _rows(call: Exchange, provider: str | None, api: _Api, notes: Notes) -> Iterator[Reading]:
    answer = merged(call.events) if call.events else call.response
    row = ask_for(call.request, notes, cap=("max_tokens",))
    counters = Usage() if call.failed else api.counters(call, answer, notes)
    row.update(counters)
    reason = next((r for c in objects(answer.get("choices")) if (r := word(c.get("finish_reason")))), None)
    counted = api.free or any(value is not None for key, value in counters.items() if key != "tags")
    row.update(finished(call, answer, reason, notes, has_usage=counted))
    row["provider_name"], row["operation_name"] = provider, api.operation
    body = _body(call, answer) if api.body else None
    yield usage_row(call, answer, row, notes, body=body, created="created")
