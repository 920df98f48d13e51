"""Request logs of Ollama: its native API (chat, generate, embed) and the forms of others that it speaks.

From: what an application or proxy logs for calls of a server on port 11434 (https://docs.ollama.com/api/usage, 2026-11-24). A row is
one call. ``prompt_eval_count`` is the whole input, ``prompt_eval_cached_count`` (from 0.33) its cached part, ``eval_count``
the output, thinking included; durations are nanoseconds. A stream is JSON objects, one a line, counted in the last.
The computing is the user's own: the provider ``ollama`` has no price; give its hours as a flat charge or a price file.
Left out: a native answer has no id, those of the compatible forms are drawn from a thousand and identify nothing; ``/api/embeddings`` (the old one) counts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.calls import ask_for, finished, usage_row
from llmcost.records.contract import Body, Context, Part, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange, first_call
from llmcost.records.hosts import Dialect, claims, host_readings, provider_of
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS, chat_body
from llmcost.records.prompts import body_of, dump, response_format
from llmcost.records.shapes import items, mapping, objects, word
from llmcost.records.values import count
from llmcost.usage.columns import Usage

_DRAWN_ID: Final = re.compile(r"(?:chatcmpl|cmpl|resp|msg)[-_]\d{1,6}")
"""Ids of the compatible forms are numbers drawn below 1,000 or a million (https://github.com/ollama/ollama, middleware/openai.go,
2026-11-24): two calls of a day often share one, and would be taken for one call."""


def adds(row: Usage, _answer: dict[str, Any], _notes: Notes) -> Iterable[Reading]:
    """Takes back an id that says nothing."""
    if _DRAWN_ID.fullmatch(row.get("request_id") or ""):
        row.pop("request_id", None)
    return ()


DIALECT: Final = Dialect("ollama", adds)
_NANOSECONDS: Final = 1_000_000
"""In a millisecond."""


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call went to Ollama."""
    call = first_call(sample)
    return claims(sample, DIALECT) or (call is not None and call.api == "ollama" and call.provider in {None, "ollama"})


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "ollama", read_call)


def read_call(call: Exchange) -> Iterator[Reading]:
    """The rows of one call."""
    if call.api != "ollama" and not (call.api is None and provider_of(call) == "ollama"):
        return host_readings(call, DIALECT)
    notes = Notes(call.problems)
    return notes.after(_native(call, notes))


def _native(call: Exchange, notes: Notes) -> Iterator[Reading]:
    answer = _merged(call)
    row = _asked(call.request, notes)
    used = "prompt_eval_count" in answer or "eval_count" in answer
    if not call.failed:
        row["input_tokens"] = count(answer.get("prompt_eval_count"), "prompt_eval_count")
        row["output_tokens"] = count(answer.get("eval_count"), "eval_count")
        row["cache_read_input_tokens"] = count(answer.get("prompt_eval_cached_count"), "prompt_eval_cached_count")
        row.update(_times(call, answer, notes))
    embeds = "embedding" in answer or "embeddings" in answer
    if embeds and used:
        row["output_tokens"] = 0
    row.update(finished(call, answer, word(answer.get("done_reason")) or None, notes, has_usage=used))
    row["provider_name"], row["operation_name"] = "ollama", "embeddings" if embeds else "chat"
    yield usage_row(call, answer, row, notes, body=_body(call.request, answer), created="created_at")


def _merged(call: Exchange) -> dict[str, Any]:
    """A stream's last object, with the text of all."""
    if not call.events:
        return call.response
    answer: dict[str, Any] = {}
    said: list[str] = []
    for event in call.events:
        answer.update(event.data)
        said.append(_said(event.data))
    return {**answer, "response": "".join(said), "message": {}}


def _said(answer: dict[str, Any]) -> str:
    message = mapping(answer.get("message"))
    calls = [dump(c.get("function")) for c in objects(message.get("tool_calls")) if c.get("function")]
    return "\n".join([word(answer.get("response")) or word(message.get("content")), *calls]).rstrip("\n")


def _asked(request: dict[str, Any], notes: Notes) -> Usage:
    row = ask_for(mapping(request.get("options")), notes, cap=("num_predict",))
    form = request.get("format")
    if form == "json":
        row["response_format"] = "json_object"
    elif isinstance(form, dict):
        row["response_format"] = response_format({"type": "json_schema", "json_schema": form})
    return row


def _times(call: Exchange, answer: dict[str, Any], notes: Notes) -> Usage:
    row = Usage()
    whole, loaded, read_in = (
        notes.soft(count, answer.get(key), key) for key in ("total_duration", "load_duration", "prompt_eval_duration")
    )
    if whole is not None and call.labels.get("duration_ms") is None:
        row["duration_ms"] = whole // _NANOSECONDS
    if read_in is not None and call.labels.get("time_to_first_token_ms") is None:
        row["time_to_first_token_ms"] = ((loaded or 0) + read_in) // _NANOSECONDS
    return row


def _body(request: dict[str, Any], answer: dict[str, Any]) -> Body | None:
    said = _said(answer) or None
    if objects(request.get("messages")):
        return chat_body(request, {"choices": [{"message": {"content": said}}]})
    prompt = request.get("prompt") or request.get("input")
    texts = [word(p) for p in (prompt if isinstance(prompt, list) else [prompt]) if word(p)]
    if not texts or request.get("context"):  # the context is token ids of earlier turns, which are no text
        return None
    form = mapping(request.get("format"))
    parts = [Part("schema", dump(form))] if form else []
    parts += [Part("system", word(request.get("system")))] if word(request.get("system")) else []
    parts += [Part("user", piece) for piece in [*texts, word(request.get("suffix"))] if piece]
    return body_of(parts, said, complete=not items(request.get("images")))


SOURCE: Final = Source(
    title="Ollama request logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=CHAT_KNOWS,
    url="https://docs.ollama.com/api/usage",
    checked="2026-11-24",
)
