"""Unwraps a logged call: the request, the answer and what the logger wrote around them, in the common spellings.

A record is ``{request, response, timestamp ..}`` (also ``request_body``/``response_body``, ``input``/``output``,
``body``; HTTP envelopes inside; bodies as objects, JSON text or a raw event stream) or a bare answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from llmcost.records.contract import Problem, Sample
from llmcost.records.labels import Notes, labels_of
from llmcost.records.shapes import word
from llmcost.records.sse import Event, events_of_lines, events_of_list, events_of_text, is_stream, parse_json
from llmcost.records.values import BadValueError, count, text
from llmcost.usage.columns import Usage
from llmcost.usage.names import provider_of_url

_REQUEST: Final = ("request", "request_body", "requestBody", "req", "request_json", "input", "payload")
_RESPONSE: Final = (
    "response",
    "response_body",
    "responseBody",
    "resp",
    "response_json",
    "output",
    "result",
    "completion",
)
_URL: Final = ("url", "request_url", "target_url", "endpoint", "uri", "path", "api_base", "base_url")
_STATUS: Final = ("status", "status_code", "http_status", "response_status", "response_status_code", "statusCode")
_ANSWERS: Final = frozenset({"choices", "content", "output", "object", "candidates"})
_STREAMS: Final = ("chunks", "events", "stream_events", "response_chunks")
_FOREIGN: Final = frozenset({
    "custom_id", "custom_llm_provider", "call_type", "schemaType", "request_created_at", "costUSD", "run_type", "dotted_order", "traceId", "trace",
    "observations", "ai_org", "parentUuid", "full_request", "resourceSpans", "resourceLogs", "openinference.span.kind", "resourceId", "span_kind",
    "spans", "payload_type", "rateLimits", "generationId", "tokens_in", "ai_model", "req_units", "res_units", "total_units", "cost_currency", "RateLimited",
    "standard_logging_object", "usageDetails", "usage_details",
})  # fmt: skip
"""Keys of other tools' records, which have sources of their own."""
_PATHS: Final = {
    "chat/completions": "chat", "fim/completions": "chat", "agents/completions": "chat", "v1/ocr": "ocr", "v1/chat": "cohere", "v2/chat": "cohere",
    "v1/embed": "cohere", "v2/embed": "cohere", "v1/rerank": "rerank", "v2/rerank": "rerank", "api/embed": "ollama", "api/embeddings": "ollama", "responses": "responses", "responses/compact": "responses", "messages": "messages", "embeddings": "embeddings",
    "completions": "completions", "moderations": "moderations", "images/generations": "images", "images/edits": "images", "images/variations": "images",
    "audio/speech": "speech", "audio/transcriptions": "transcription", "audio/translations": "transcription",
}  # fmt: skip
_OBJECTS: Final = {
    "chat.completion": "chat", "chat.completion.chunk": "chat", "response": "responses", "response.compaction": "responses", "text_completion": "completions",
}  # fmt: skip


_CLOUD_PATHS: Final = (
    (re.compile(r":((stream)?generateContent|(batch)?embedContents?|predict)$", re.IGNORECASE), "gemini"),
    (re.compile(r"/model/[^/]+(/[^/]+)*/converse(-stream)?$"), "converse"),
    (re.compile(r"/model/[^/]+(/[^/]+)*/invoke(-with-response-stream)?$"), "invoke"),
)
"""Ends of the paths of Gemini (both APIs) and of Bedrock's runtime, whose middle names the model."""
_CONVERSE_EVENTS: Final = frozenset({"messageStart", "contentBlockDelta", "contentBlockStop", "messageStop"})
_MODEL: Final = ("modelId", "model_id")
_HEADERS: Final = ("headers", "response_headers", "responseHeaders")


_OPENING: Final = "response.created"
_ENDING: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
"""Events of a Responses stream that begin a call, and those that end it and carry its usage."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as it was logged. ``request`` and ``response`` are empty when the log lacks them.

    ``labels`` are the canonical columns that the logger wrote around the call; ``asked`` tells whether the request is there.
    ``headers`` are those of the answer, in lower case; ``model`` is what the logger named beside the bodies.
    """

    request: dict[str, Any]
    response: dict[str, Any]
    events: tuple[Event, ...]
    labels: Usage
    http_status: int | None = None
    url: str | None = None
    problems: tuple[Problem, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    model: str | None = None

    @property
    def asked(self) -> bool:
        """Whether the request's body is in the log."""
        return bool(self.request)

    @property
    def provider(self) -> str | None:
        """The provider that the URL, or else the logger, names."""
        return provider_of_url(self.url) or self.labels.get("provider_name")

    @property
    def failed(self) -> bool:
        """Whether the call failed: an HTTP status from 400 on, or an error in place of an answer."""
        if self.http_status is not None and self.http_status >= 400:
            return True
        return (
            bool(self.response.get("error"))
            and not self.response.get("usage")
            and self.response.get("object") != "response"
        )

    @property
    def begins(self) -> bool:
        """Whether it is the first event of a stream whose other events are records of their own."""
        return len(self.events) == 1 and self.events[0].name == _OPENING and not self.request

    @property
    def api(self) -> str | None:
        """Which API was called (chat, responses, messages, embeddings ..), from the URL or else the answer's form."""
        return _api_of_url(self.url) or self.form

    @property
    def form(self) -> str | None:
        """The API whose form the answer has, whatever the URL says."""
        return _api_of_answer(self.response) or _api_of_events(self.events)


def exchanges(value: Any) -> Iterator[Exchange]:
    """The calls of one record: one, or those of a list (a whole file that is one JSON array, a page of stored answers)."""
    if isinstance(value, list):
        for item in value:
            yield from exchanges(item)
    elif isinstance(value, dict) and value.get("object") == "list" and _is_page(value.get("data")):
        yield from exchanges(value["data"])
    elif isinstance(value, dict) and (found := exchange(value)) is not None:
        yield found


def exchange(value: dict[str, Any]) -> Exchange | None:
    """The call that ``value`` logs, or None if it is no record of a call."""
    if _FOREIGN & value.keys():
        return None
    if (event := response_event(value)) is not None:
        return _of_event(value, event)
    notes = Notes()
    if _api_of_answer(value):
        own = labels_of({}, (value.get("metadata"),), notes)
        return Exchange({}, value, (), own, problems=tuple(notes), headers=_headers(value))
    request, envelope = _request(value)
    raw, status = _response(value)
    if request is None and raw is None:
        return None
    answer, events = _parsed(raw, notes)
    if not answer and not events and (fault := _fault(value)) is not None:
        answer = {"error": fault}
    asked = request if isinstance(request, dict) else {}
    labels = labels_of(value, (asked.get("metadata"), asked.get("labels"), asked.get("requestMetadata")), notes)
    url = _first_text({**value, **envelope}, _URL)
    model = _first_text({**asked, **value, **envelope}, _MODEL)
    return Exchange(asked, answer, events, labels, status, url, tuple(notes), _headers(value), model)


def response_event(value: Any) -> dict[str, Any] | None:
    """The event of a Responses stream that was logged as a record of its own, bare or under ``data``; None for anything else.

    https://platform.openai.com/docs/api-reference/responses-streaming (2026-11-24). The events of realtime sessions have a source.
    """
    if not isinstance(value, dict):
        return None
    inner = value.get("data") if "event" in value else value
    if not isinstance(inner, dict) or not word(inner.get("type")).startswith("response."):
        return None
    numbered = "sequence_number" in inner
    answer = inner.get("response")
    return inner if (answer.get("object") == "response" if isinstance(answer, dict) else numbered) else None


def _of_event(value: dict[str, Any], event: dict[str, Any]) -> Exchange | None:
    """The call that an event begins or ends. What begins one stays, without counts, where no end of it was logged."""
    kind, notes = word(event.get("type")), Notes()
    if kind not in {_OPENING, *_ENDING} or not isinstance(event.get("response"), dict):
        return None
    labels = labels_of(value, (event["response"].get("metadata"),), notes)
    if kind == _OPENING:
        return Exchange({}, {}, (Event(kind, event),), labels, problems=tuple(notes))
    return Exchange({}, event["response"], (), labels, problems=tuple(notes))


def _headers(value: dict[str, Any]) -> dict[str, str]:
    """The answer's HTTP headers, wherever the logger put them; an SDK of AWS keeps them in ResponseMetadata."""
    found: dict[str, str] = {}
    for holder in (value, *(value[k] for k in _RESPONSE if isinstance(value.get(k), dict))):
        kept = holder.get("ResponseMetadata")
        inner = [kept.get("HTTPHeaders")] if isinstance(kept, dict) else []
        for headers in (*(holder.get(k) for k in _HEADERS), *inner):
            if isinstance(headers, dict):
                found.update({str(k).lower(): v for k, v in headers.items() if isinstance(v, str)})
        if isinstance(kept, dict) and isinstance(kept.get("RequestId"), str):
            found.setdefault("x-amzn-requestid", kept["RequestId"])
    return found


def _fault(value: dict[str, Any]) -> Any:
    """What the logger says went wrong with a call that has no answer."""
    if isinstance(value.get("error"), dict | str) and value["error"]:
        return value["error"]
    word = value.get("status")
    return word if isinstance(word, str) and word.strip().lower() in {"error", "failed", "failure", "timeout"} else None


def first_call(sample: Sample) -> Exchange | None:
    """The first sampled call whose API is known; it decides which source claims the file."""
    if sample.form not in {"json", "jsonl"}:
        return None
    for record in sample.records:
        try:
            found = next((call for call in exchanges(record) if call.api is not None), None)
        except BadValueError:
            continue
        if found is not None:
            return found
    return None


def _is_page(data: Any) -> bool:
    return isinstance(data, list) and any(isinstance(d, dict) and _api_of_answer(d) for d in data)


@lru_cache(maxsize=1024)
def _api_of_url(url: str | None) -> str | None:
    try:
        path = urlsplit(url or "").path.rstrip("/")
    except ValueError:
        return None
    known = (api for end, api in _PATHS.items() if path == end or path.endswith(f"/{end}"))
    return next(known, None) or next((api for form, api in _CLOUD_PATHS if form.search(path)), None)


def _api_of_answer(answer: dict[str, Any]) -> str | None:
    kind = answer.get("object")
    if isinstance(kind, str) and kind in _OBJECTS:
        return _OBJECTS[kind]
    if kind == "list" and _first_object(answer.get("data")) == "embedding":
        return "embeddings"
    if answer.get("type") == "message" and answer.get("role") == "assistant" and "content" in answer:
        return "messages"
    if answer.get("type") == "error" and isinstance(answer.get("error"), dict):
        return "messages"
    if kind is None and (cloud := _cloud_of_answer(answer)) is not None:
        return cloud
    if kind is None and isinstance(answer.get("choices"), list) and "usage" in answer:
        return "chat"
    return _api_of_native(answer)


def _api_of_native(answer: dict[str, Any]) -> str | None:
    """The APIs of hosts with a form of their own, told from counters that nobody else writes."""
    if "done" in answer and ("model" in answer or "eval_count" in answer) and "created_at" in answer:
        return "ollama"
    for key in ("usage", "meta"):
        if isinstance(answer.get(key), dict) and isinstance(answer[key].get("billed_units"), dict):
            return "rerank" if "results" in answer else "cohere"
    if isinstance(answer.get("usage_info"), dict) and isinstance(answer.get("pages"), list):
        return "ocr"
    return _api_of_media(answer)


def _api_of_media(answer: dict[str, Any]) -> str | None:
    """OpenAI's answers without an ``object``: moderations, images and transcriptions."""
    if str(answer.get("id")).startswith("modr-") and isinstance(answer.get("results"), list):
        return "moderations"
    data = answer.get("data")
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
    if "created" in answer and {"b64_json", "url"} & first.keys() and "object" not in answer:
        return "images"
    usage = answer.get("usage")
    counted = isinstance(usage, dict) and word(usage.get("type")) in {"tokens", "duration"}
    return "transcription" if isinstance(answer.get("text"), str) and (counted or "task" in answer) else None


def _cloud_of_answer(answer: dict[str, Any]) -> str | None:
    """Gemini and Converse answers, whose fields no other API has."""
    if isinstance(answer.get("usageMetadata") or answer.get("usage_metadata"), dict) and "run_type" not in answer:
        return "gemini" if {"candidates", "modelVersion", "model_version", "promptFeedback"} & answer.keys() else None
    usage = answer.get("usage")
    if "stopReason" in answer and isinstance(usage, dict) and "inputTokens" in usage and "output" in answer:
        return "converse"
    return None


def _first_object(data: Any) -> Any:
    return data[0].get("object") if isinstance(data, list) and data and isinstance(data[0], dict) else None


_EVENT_TYPES: Final = (
    (("message_start", "message_delta"), "messages"), (("response.",), "responses"), (("image_generation.", "image_edit."), "images"),
    (("transcript.text.",), "transcription"), (("speech.audio.",), "speech"), (("message-start",), "cohere"),
)  # fmt: skip
"""How the types of a stream's events begin, and the API that writes them."""


def _api_of_events(events: tuple[Event, ...]) -> str | None:
    return next((api for event in events if (api := _api_of_event(event.data)) is not None), None)


def _api_of_event(data: dict[str, Any]) -> str | None:
    kind, thing = word(data.get("type")), word(data.get("object"))
    named = next((api for starts, api in _EVENT_TYPES if kind.startswith(starts)), None)
    if named is not None:
        return named
    if thing in {"chat.completion.chunk", "text_completion"}:
        return _OBJECTS[thing]
    if _cloud_of_answer(data) == "gemini":
        return "gemini"
    if _CONVERSE_EVENTS & data.keys():
        return "converse"
    return "cohere" if word(data.get("event_type")) == "stream-start" else _api_of_native(data)


def _request(value: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    raw = next((value[k] for k in _REQUEST if isinstance(value.get(k), dict | str) and value[k]), None)
    if raw is None and isinstance(value.get("body"), dict | str):
        raw = value["body"]
    body = _json(raw)
    if not isinstance(body, dict):
        return None, {}
    if "body" in body and not {"messages", "model"} & body.keys():
        inner = _json(body["body"])
        return (inner if isinstance(inner, dict) else {}), {
            k: v for k, v in body.items() if k in {*_URL, *_MODEL} and isinstance(v, str)
        }
    return body, {}


def _response(value: dict[str, Any]) -> tuple[Any, int | None]:
    status = next((s for k in _STATUS if (s := _status(value.get(k))) is not None), None)
    raw = next((value[k] for k in (*_RESPONSE, *_STREAMS) if value.get(k)), None)
    if isinstance(raw, dict) and "body" in raw and not _ANSWERS & raw.keys():
        inner = next((s for k in _STATUS if (s := _status(raw.get(k))) is not None), None)
        return raw["body"], inner if inner is not None else status
    return raw, status


def _status(value: Any) -> int | None:
    try:
        number = count(value, "status")
    except BadValueError:
        return None
    return number if number is not None and 100 <= number < 600 else None


def _json(raw: Any) -> Any:
    if not isinstance(raw, str):
        return raw
    try:
        return parse_json(raw)
    except ValueError:
        return None


def _parsed(raw: Any, notes: Notes) -> tuple[dict[str, Any], tuple[Event, ...]]:
    if isinstance(raw, str):
        if is_stream(raw):
            return {}, tuple(events_of_text(raw))
        raw = _json(raw) if (lines := events_of_lines(raw)) is None else lines
        if isinstance(raw, tuple):
            return {}, raw
        if raw is None:
            notes.append(Problem("unreadable-answer", "the answer is neither JSON nor an event stream", rejected=False))
    if isinstance(raw, list):
        return {}, tuple(events_of_list(raw))
    return (raw if isinstance(raw, dict) else {}), ()


def _first_text(value: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        if isinstance(value.get(key), str):
            try:
                return text(value[key], key, 4096)
            except BadValueError:
                continue
    return None
