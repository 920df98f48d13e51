"""Gemini CLI's session files: ``~/.gemini/tmp/<project>/chats/session-*.json`` and, from 0.40, ``.jsonl``.

From: the files that Gemini CLI writes (https://github.com/google-gemini/gemini-cli, 2026-11-24): one JSON document with
``messages``, or a header line and one message a line. A row is one message of the model with ``tokens``. There ``input`` holds
cached tokens, ``tool`` (results of tools that the server called) and ``thoughts`` stand beside input and output: total =
input + output + thoughts + tool. They are put inside; a total that says otherwise decides. A message that is written
again while it grows keeps its id, and the ingest keeps its largest version; a line ``$set`` may repeat the whole history.
A total of 0 stands for one that the API left out.

Assumed: the provider is ``google``; the file does not say whether the calls went to the Gemini API, to Vertex AI or to a
free sign-in. Left out: the system prompt and tool definitions, so prompts are not given; times of the calls but their
end; what grounding cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known
from llmcost.records.settle import Inside, settle
from llmcost.records.shapes import mapping, objects
from llmcost.records.values import count, instant, text

_APART: Final = Inside(reasoning=False)


@dataclass
class _Session:
    """The session that the header names."""

    id: str | None = None
    kind: str | None = None


def sniff(sample: Sample) -> bool:
    """Claims a session's document or its header line."""
    return sample.form in {"jsonl", "json"} and any(_is_header(line) for line in sample.objects())


def _is_header(line: Any) -> bool:
    return isinstance(line, dict) and {"sessionId", "projectHash", "startTime"} <= line.keys()


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The calls of one session, from lines or from a document of them."""
    session = _Session()
    for record in records:
        notes = Notes()
        yield from notes.after(_line(session, record.value, notes))


def _line(session: _Session, line: Any, notes: Notes) -> Iterator[Reading]:
    if not isinstance(line, dict):
        yield Problem("no-message", "not an object")
    elif _is_header(line):
        session.id = notes.soft(text, line.get("sessionId"), "sessionId")
        session.kind = notes.soft(text, line.get("kind"), "kind")
        yield Skip("the header of a session")
        for message in objects(line.get("messages")):
            yield from _message(session, message)
    elif "$set" in line:
        yield Skip("a change of the session's header")
        for message in objects(mapping(line["$set"]).get("messages")):
            yield from _message(session, message)
    else:
        yield from _message(session, line)


def _message(session: _Session, message: dict[str, Any]) -> Iterator[Reading]:
    tokens = message.get("tokens")
    if message.get("type") != "gemini":
        yield Skip("no message of a model")
        return
    if not isinstance(tokens, dict):
        yield Skip("a message without counts, as it stands before its call ends")
        return
    mine = Notes()
    yield from mine.after(_call(session, message, tokens, mine))


def _call(session: _Session, message: dict[str, Any], tokens: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    given, made = count(tokens.get("input"), "input"), count(tokens.get("output"), "output")
    tool = count(tokens.get("tool"), "tool") or 0
    found = known(
        {
            "input_tokens": None if given is None else given + tool,
            "cache_read_input_tokens": count(tokens.get("cached"), "cached"),
            "output_tokens": made,
            "reasoning_output_tokens": count(tokens.get("thoughts"), "thoughts"),
        }
    )
    counters = settle(dict(found), count(tokens.get("total"), "total") or None, notes, habit=_APART)
    facts = {
        "request_id": notes.soft(text, message.get("id"), "id"),
        "call_role": "subcall" if session.kind == "subagent" else "primary",
        "started_at": notes.soft(instant, message.get("timestamp"), "timestamp"),
        "provider_name": "google",
        "response_model": notes.soft(text, message.get("model"), "model"),
        "operation_name": "chat",
        "status": "ok",
        "requests": 1,
        "feature": "gemini-cli",
        "conversation_id": session.id,
        "token_source": "provider",
    }
    yield Row(known({**facts, **counters}))


SOURCE: Final = Source(
    title="Gemini CLI session files",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read_file=read_file,
    knows=frozenset({
        "request_id", "call_role", "started_at", "provider_name", "response_model", "operation_name", "status", "requests", "input_tokens",
        "cache_read_input_tokens", "output_tokens", "reasoning_output_tokens", "feature", "conversation_id", "token_source",
    }),
    url="https://github.com/google-gemini/gemini-cli",
    checked="2026-11-24",
)  # fmt: skip
