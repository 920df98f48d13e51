"""Logs of OpenAI's Realtime API: the server's events of spoken conversations.

From: what an application or recorder writes of the events of a WebSocket, WebRTC or SIP session
(https://platform.openai.com/docs/api-reference/realtime-server-events, 2026-11-24): one event a line, as it came or inside
``event``, ``data`` or ``message`` beside a time. A row is one ``response.done``, also of a response that the user interrupted: what
it had produced is billed. ``input_tokens`` contains cached, audio and image tokens and the whole conversation so far;
``output_tokens`` contains audio. The model is the session's, which only ``session.created`` and ``session.updated`` name.
A transcript of what the user said is made and billed by another model: a row of its own (``<item>#transcription``), with
tokens or seconds. Left out: an event itself has no time; the model of the transcripts where no session event names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes, labels_of
from llmcost.records.openai_chat import chat_usage
from llmcost.records.rows import known
from llmcost.records.shapes import mapping, word
from llmcost.records.sse import parse_json
from llmcost.records.values import money, text
from llmcost.usage.columns import Usage

_INSIDE: Final = ("event", "data", "message", "payload")
_DONE: Final = "response.done"
_HEARD: Final = "conversation.item.input_audio_transcription.completed"
_SESSION: Final = frozenset({"session.created", "session.updated"})
_STATUS: Final = {"completed": "ok", "incomplete": "ok", "cancelled": "cancelled", "failed": "error"}


@dataclass
class _Session:
    """What the latest session event says."""

    id: str | None = None
    model: str | None = None
    transcriber: str | None = None


def sniff(sample: Sample) -> bool:
    """Claims events of a realtime session."""
    return sample.form in {"jsonl", "json"} and any(_is_own(_event(value)) for value in sample.objects())


def _event(value: dict[str, Any]) -> dict[str, Any]:
    """The event in a record, bare or inside what the logger wrote around it."""
    if word(value.get("type")) in {_DONE, _HEARD, *_SESSION}:
        return value
    for key in _INSIDE:
        inner = value.get(key)
        if isinstance(inner, str) and inner.startswith("{"):
            try:
                inner = parse_json(inner)
            except ValueError:
                continue
        if isinstance(inner, dict) and isinstance(inner.get("type"), str):
            return inner
    return value


def _is_own(event: dict[str, Any]) -> bool:
    kind = word(event.get("type"))
    if kind in _SESSION:
        session = mapping(event.get("session"))
        return word(session.get("object")).startswith("realtime.") or word(session.get("id")).startswith("sess_")
    return kind == _HEARD or (kind == _DONE and mapping(event.get("response")).get("object") == "realtime.response")


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The responses and transcripts of the sessions in order."""
    session = _Session()
    for record in records:
        notes = Notes()
        yield from notes.after(_line(session, record.value, notes))


def _line(session: _Session, value: Any, notes: Notes) -> Iterator[Reading]:
    if not isinstance(value, dict):
        yield Problem("no-event", "not an object")
        return
    event = _event(value)
    kind = word(event.get("type"))
    around = labels_of({} if event is value else value, (), notes)
    if kind in _SESSION:
        _learn(session, mapping(event.get("session")), notes)
        yield Skip("what a session is set to")
    elif kind == _DONE:
        yield _response(session, mapping(event.get("response")), around, notes)
    elif kind == _HEARD:
        yield from _transcript(session, event, around, notes)
    else:
        yield Skip("an event without counts")


def _learn(session: _Session, said: dict[str, Any], notes: Notes) -> None:
    own = notes.soft(text, said.get("id"), "session id")
    if own is not None and own != session.id:
        session.id, session.model, session.transcriber = own, None, None
    heard = mapping(said.get("input_audio_transcription"))
    heard = heard or mapping(mapping(mapping(said.get("audio")).get("input")).get("transcription"))
    session.model = notes.soft(text, said.get("model"), "model") or session.model
    session.transcriber = notes.soft(text, heard.get("model"), "transcription model") or session.transcriber


def _counts(usage: dict[str, Any], notes: Notes) -> Usage:
    """The counters, whose details are named in the singular here."""
    given, made = mapping(usage.get("input_token_details")), mapping(usage.get("output_token_details"))
    plain = {"prompt_tokens": usage.get("input_tokens"), "completion_tokens": usage.get("output_tokens")}
    details = {"prompt_tokens_details": given, "completion_tokens_details": made}
    return chat_usage({**plain, **details, "total_tokens": usage.get("total_tokens")}, notes)


def _facts(session: _Session, around: Usage) -> dict[str, Any]:
    shared = {"provider_name": "openai", "requests": 1, "conversation_id": session.id, "token_source": "provider"}
    return {**shared, **around}


def _response(session: _Session, response: dict[str, Any], around: Usage, notes: Notes) -> Row:
    usage = response.get("usage")
    status = word(response.get("status"))
    counters = _counts(usage, notes) if isinstance(usage, dict) else Usage()
    if not isinstance(usage, dict):
        around["token_source"] = None
        if status != "failed":
            notes.append(Problem("no-usage", "the response carries no usage; its tokens are unknown", rejected=False))
    reason = word(mapping(response.get("status_details")).get("reason")) or status
    facts = {
        "request_id": notes.soft(text, response.get("id"), "response id"),
        "response_model": notes.soft(text, response.get("model"), "model") or session.model,
        "operation_name": "realtime",
        "status": _STATUS.get(status),
        "finish_reason": reason or None,
    }
    return Row(known({**_facts(session, around), **facts, **counters}))


def _transcript(session: _Session, event: dict[str, Any], around: Usage, notes: Notes) -> Iterator[Reading]:
    usage = mapping(event.get("usage"))
    if not usage:
        yield Skip("a transcript without counts, as they were before they were billed apart")
        return
    item = notes.soft(text, event.get("item_id"), "item_id")
    is_timed = usage.get("type") == "duration"
    counters = Usage(input_audio_seconds=money(usage.get("seconds"), "seconds")) if is_timed else _counts(usage, notes)
    facts = {
        "request_id": None if item is None else f"{item}#transcription",
        "call_role": "subcall",
        "response_model": session.transcriber,
        "operation_name": "transcription",
        "status": "ok",
    }
    yield Row(known({**_facts(session, around), **facts, **counters}))


SOURCE: Final = Source(
    title="OpenAI realtime events",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read_file=read_file,
    knows=frozenset({
        "request_id", "parent_request_id", "call_role", "started_at", "duration_ms", "time_to_first_token_ms", "provider_name", "region", "attempt",
        "response_model", "operation_name", "status", "finish_reason", "requests", "input_tokens", "cache_read_input_tokens",
        "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "input_audio_tokens", "cache_read_audio_tokens", "input_image_tokens",
        "output_tokens", "reasoning_output_tokens", "output_audio_tokens", "output_image_tokens", "input_audio_seconds", "organization", "project",
        "team", "user_id", "api_key_id", "feature", "environment", "conversation_id", "tags", "task_type", "confidence", "quality_score",
        "original_model", "was_routed", "token_source",
    }),
    url="https://platform.openai.com/docs/api-reference/realtime-server-events",
    checked="2026-11-24",
)  # fmt: skip
