"""Request logs of Cohere: its own chat (v1 and v2), embed and rerank APIs, and the form of OpenAI's that it speaks.

From: what an application or proxy logs for calls of ``https://api.cohere.com`` (https://docs.cohere.com/reference/chat, 2026-11-24). A
row is one call. **What is billed are the ``billed_units``**, not ``tokens``, which hold Cohere's own instructions as well (1,442
against 41): smaller in 57 of 57 recorded answers (https://docs.cohere.com/v2/docs/how-does-cohere-pricing-work, 2026-11-24).
``cached_tokens`` belong to ``tokens`` and lower no bill, so they stand in no column. A rerank is billed by searches, each of
one query over up to 100 documents (``search_units``). Embedded images are billed by tokens of their own. Left out: fees of connectors; a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.calls import ask_for, finished, usage_row
from llmcost.records.contract import Body, Context, Part, Problem, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange, first_call
from llmcost.records.hosts import Dialect, claims, host_readings
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS, chat_body
from llmcost.records.prompts import body_of, dump, response_format
from llmcost.records.shapes import items, mapping, objects, place, word
from llmcost.records.sse import Event
from llmcost.records.values import count
from llmcost.usage.columns import Usage

DIALECT: Final = Dialect("cohere")
_NATIVE: Final = frozenset({"cohere", "rerank"})


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call went to Cohere."""
    call = first_call(sample)
    return claims(sample, DIALECT) or (call is not None and call.api in _NATIVE and call.provider in {None, "cohere"})


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "cohere", read_call)


def read_call(call: Exchange) -> Iterator[Reading]:
    """The rows of one call."""
    if call.api not in _NATIVE:
        return host_readings(call, DIALECT)
    notes = Notes(call.problems)
    return notes.after(_native(call, notes))


def _native(call: Exchange, notes: Notes) -> Iterator[Reading]:
    answer = _merged(call.events) if call.events else call.response
    billed = _billed(answer)
    row = _asked(call.request, notes)
    if billed and not call.failed:
        row["input_tokens"] = count(billed.get("input_tokens"), "billed input_tokens")
        row["output_tokens"] = count(billed.get("output_tokens"), "billed output_tokens")
        row["search_units"] = count(billed.get("search_units"), "search_units")
        _with_images(row, billed)
    operation = _operation(call, answer)
    if operation == "embeddings" and row.get("input_tokens") is not None:
        row["output_tokens"] = 0
    row.update(finished(call, answer, word(answer.get("finish_reason")) or None, notes, has_usage=bool(billed)))
    row["provider_name"], row["operation_name"] = call.provider or "cohere", operation
    main = usage_row(call, {**answer, "id": _own_id(answer)}, row, notes, body=_body(call.request, answer))
    yield main
    if billed.get("images") and not billed.get("image_tokens"):
        told = f"{billed['images']} images were billed, which no column counts"
        notes.append(Problem("images-not-counted", told, rejected=False, informative=True))


def _with_images(row: Usage, billed: dict[str, Any]) -> None:
    """Tokens of embedded images are billed beside those of text; they are part of our input."""
    seen = count(billed.get("image_tokens"), "billed image_tokens")
    if seen is not None:
        row["input_image_tokens"] = seen
        row["input_tokens"] = (row.get("input_tokens") or 0) + seen


def _own_id(answer: dict[str, Any]) -> Any:
    return next((answer[k] for k in ("id", "response_id", "generation_id") if isinstance(answer.get(k), str)), None)


def _operation(call: Exchange, answer: dict[str, Any]) -> str:
    if call.api == "rerank":
        return "rerank"
    return "embeddings" if "embeddings" in answer or "texts" in call.request else "chat"


def _billed(answer: dict[str, Any]) -> dict[str, Any]:
    for key in ("usage", "meta"):
        if found := mapping(mapping(answer.get(key)).get("billed_units")):
            return found
    return {}


def _merged(events: tuple[Event, ...]) -> dict[str, Any]:
    """A stream as one answer: v2 ends in ``message-end``, v1 in an event that holds the whole response."""
    answer: dict[str, Any] = {}
    said: dict[int, str] = {}
    for event in events:
        data, delta = event.data, mapping(event.data.get("delta"))
        if word(data.get("event_type")) == "stream-end":
            answer.update(mapping(data.get("response")))
        elif word(data.get("event_type")) == "text-generation":
            said[0] = said.get(0, "") + word(data.get("text"))
        elif data.get("type") == "message-end":
            answer.update({k: v for k, v in delta.items() if v is not None})
        elif isinstance(data.get("id"), str):
            answer["id"] = data["id"]
        at = place(data.get("index"))
        said[at] = said.get(at, "") + _piece(mapping(delta.get("message")))
    answer.setdefault("text", "\n".join(said[at] for at in sorted(said) if said[at]))
    return answer


def _piece(message: dict[str, Any]) -> str:
    content, tool = mapping(message.get("content")), mapping(message.get("tool_calls"))
    function = mapping(tool.get("function"))
    pieces = (
        content.get("text"),
        content.get("thinking"),
        message.get("tool_plan"),
        function.get("name"),
        function.get("arguments"),
    )
    return "".join(word(piece) for piece in pieces)


def _asked(request: dict[str, Any], notes: Notes) -> Usage:
    renamed = {**request, "top_p": request.get("p")}
    row = ask_for(renamed, notes, cap=("max_tokens",))
    row["response_format"] = response_format(request.get("response_format"))
    row["thinking_budget_tokens"] = notes.soft(
        count, mapping(request.get("thinking")).get("token_budget"), "token_budget"
    )
    return row


def _body(request: dict[str, Any], answer: dict[str, Any]) -> Body | None:
    """The texts of a call: what the request says, since Cohere's own instructions are not billed."""
    said = word(answer.get("text")) or None
    documents = [Part("context", d if isinstance(d, str) else dump(d)) for d in items(request.get("documents"))]
    if objects(request.get("messages")):
        chat = chat_body(request, {"choices": [{"message": mapping(answer.get("message")) or {"content": said}}]})
        return chat and body_of([*documents, *chat.parts], chat.answer, complete=chat.complete)
    if not word(request.get("message")):
        return None
    parts = [Part("tools", dump(tool)) for tool in items(request.get("tools"))]
    parts += [Part("system", request["preamble"])] if word(request.get("preamble")) else []
    parts += [Part("history", word(turn.get("message"))) for turn in objects(request.get("chat_history"))]
    kept = bool(request.get("conversation_id") or request.get("connectors"))
    return body_of([*parts, *documents, Part("user", request["message"])], said, complete=not kept)


SOURCE: Final = Source(
    title="Cohere request logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=CHAT_KNOWS | {"thinking_budget_tokens", "search_units"},
    url="https://docs.cohere.com/reference/chat",
    checked="2026-11-24",
)
