"""Reads a call of OpenAI's Responses API.

``input_tokens`` contains cached and written tokens, ``output_tokens`` contains reasoning: total = input + output in 399
of 399 recorded answers (https://platform.openai.com/docs/api-reference/responses/object, 2026-11-23). A stream's
usage is in its last ``response.*`` event. ``/responses/compact`` answers in the same form (``response.compaction``): the call
that sums a conversation up, billed like any other (https://platform.openai.com/docs/api-reference/responses/compact, 2026-11-24). Images that a tool made are billed by another model and come as a row of
their own, as do the containers of code interpreter. A chain of ``previous_response_id`` names the call before, and the log then lacks what the server kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmcost.records.calls import ask_for, finished, request_text, subcall, usage_row
from llmcost.records.contract import Body, Part, Problem, Reading, Row
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes, labels_of
from llmcost.records.openai_chat import written
from llmcost.records.prompts import (
    block_text,
    blocks,
    body_of,
    dump,
    has_breakpoint,
    images_of,
    parts_of,
    response_format,
)
from llmcost.records.shapes import mapping, objects, word
from llmcost.records.sse import Event
from llmcost.records.tools import containers, file_searches, images_made, web_searches
from llmcost.records.values import count
from llmcost.usage.columns import Usage

RESPONSES_KNOW: Final = frozenset({"file_search_requests", "code_execution_sessions", "output_images"})
"""The columns that the tools of a response can fill beside those of a chat call."""
_UNFINISHED: Final = frozenset({"queued", "in_progress"})
_CALLS: Final = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "mcp_call",
        "computer_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
    }
)


def merged(events: tuple[Event, ...]) -> dict[str, Any]:
    """The answer of a stream: the last event that carries the response, with the text that was streamed before."""
    answer: dict[str, Any] = {}
    said: list[str] = []
    for event in events:
        if isinstance(event.data.get("response"), dict):
            answer = event.data["response"]
        elif event.data.get("type") == "error":
            answer = {**answer, "error": event.data.get("error") or event.data.get("message") or "error"}
        elif event.data.get("type") == "response.output_text.done" and isinstance(event.data.get("text"), str):
            said.append(event.data["text"])
    if said and not answer.get("output"):
        answer = {
            **answer,
            "output": [
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "\n".join(said)}]}
            ],
        }
    return answer


def responses_usage(usage: dict[str, Any], notes: Notes) -> Usage:
    """The counters of a Responses ``usage`` object; BadValueError if one of them is no count."""
    into, out = mapping(usage.get("input_tokens_details")), mapping(usage.get("output_tokens_details"))
    row = Usage(
        input_tokens=count(usage.get("input_tokens"), "input_tokens"),
        output_tokens=count(usage.get("output_tokens"), "output_tokens"),
        cache_read_input_tokens=count(into.get("cached_tokens"), "cached_tokens"),
        input_audio_tokens=count(into.get("audio_tokens"), "input audio_tokens"),
        input_image_tokens=count(into.get("image_tokens"), "input image_tokens"),
        reasoning_output_tokens=count(out.get("reasoning_tokens"), "reasoning_tokens"),
        output_audio_tokens=count(out.get("audio_tokens"), "output audio_tokens"),
        output_image_tokens=count(out.get("image_tokens"), "output image_tokens"),
    )
    row.update(written(into, "cache_write_tokens", "cache_write_12h_tokens"))
    total, given, made = (
        count(usage.get("total_tokens"), "total_tokens"),
        row.get("input_tokens"),
        row.get("output_tokens"),
    )
    if total is not None and given is not None and made is not None and total != given + made:
        notes.append(
            Problem("total-mismatch", f"input {given} and output {made} are not total {total}", rejected=False)
        )
    return row


def _asked(request: dict[str, Any], answer: dict[str, Any], notes: Notes) -> Usage:
    # An answer repeats what was asked, with the provider's defaults filled in: the request wins where it is known.
    source = request or {k: v for k, v in answer.items() if k not in {"temperature", "top_p"}}
    row = ask_for(source, notes, cap=("max_output_tokens",))
    text = source.get("text")
    if isinstance(text, dict):
        row["response_format"] = response_format(text.get("format"))
    if (images := images_of(item.get("content") for item in objects(request.get("input")))) is not None:
        row["images"] = images
    if (before := request_text(source, ("previous_response_id",), notes)) is not None:
        row["parent_request_id"] = before
    talk = source.get("conversation")
    talk = talk.get("id") if isinstance(talk, dict) else talk
    if isinstance(talk, str) and talk:
        row["conversation_id"] = talk
    return row


def responses_body(request: dict[str, Any], answer: dict[str, Any]) -> Body | None:
    """The texts of a call in the order in which the cache sees them; incomplete where the server added what it kept."""
    if not request.get("input"):
        return None
    kept = any(request.get(key) for key in ("previous_response_id", "conversation", "prompt"))
    return body_of(_parts(request), _said(answer), complete=not kept)


def _parts(request: dict[str, Any]) -> Iterator[Part]:
    for tool in objects(request.get("tools")):
        yield Part("tools", dump(tool), has_breakpoint(tool))
    form = mapping(mapping(request.get("text")).get("format"))
    if form.get("type") == "json_schema":
        yield Part("schema", dump(form))
    if isinstance(request.get("instructions"), str):
        yield Part("system", request["instructions"])
    turns = [item for item in blocks(request.get("input")) if isinstance(item, str | dict)]
    last = max((at for at, item in enumerate(turns) if isinstance(item, str) or item.get("role") == "user"), default=-1)
    for at, item in enumerate(turns):
        yield from _item_parts(item, is_last=at == last)


def _item_parts(item: Any, *, is_last: bool) -> Iterator[Part]:
    if isinstance(item, str):
        yield Part("user" if is_last else "history", item)
    elif word(item.get("role")) in {"system", "developer"}:
        yield from parts_of(item.get("content"), "system")
    elif "content" in item and word(item.get("type")) in {"", "message"}:
        yield from parts_of(item["content"], "user" if is_last else "history")
    elif "output" in item:  # what a tool gave back
        yield from (Part("context", block_text(block), has_breakpoint(block)) for block in blocks(item["output"]))
    elif item.get("type") != "reasoning":  # encrypted reasoning is no text; the provider counts it as it likes
        yield Part("history", dump({k: v for k, v in item.items() if k not in {"id", "call_id", "status"}}))


def _said(answer: dict[str, Any]) -> str | None:
    texts: list[str] = []
    for item in objects(answer.get("output")):
        if item.get("type") == "message":
            texts += [block_text(block) for block in blocks(item.get("content"))]
        elif word(item.get("type")) in _CALLS:
            texts.append(dump({k: item[k] for k in ("name", "arguments", "input", "action") if k in item}))
    return "\n".join(texts) or None


def _reason(answer: dict[str, Any]) -> str | None:
    if answer.get("status") == "incomplete":
        return word(mapping(answer.get("incomplete_details")).get("reason")) or "incomplete"
    return word(answer.get("status")) or None


def responses_readings(call: Exchange, provider: str | None) -> Iterator[Reading]:
    """The rows of one Responses call, with what was odd about it."""
    notes = Notes(call.problems)
    return notes.after(_rows(call, provider, notes))


def _rows(call: Exchange, provider: str | None, notes: Notes) -> Iterator[Reading]:
    answer = merged(call.events) if call.events else call.response
    if word(answer.get("status")) in _UNFINISHED and not call.events:
        yield Problem(
            "unfinished-response", f"response {answer.get('id')} is still {answer['status']}; its tokens are unknown"
        )
        return
    row = _asked(call.request, answer, notes)
    usage = answer.get("usage")
    if isinstance(usage, dict) and not call.failed:
        row.update(responses_usage(usage, notes))
        row["web_search_requests"] = web_searches(answer)
        # Few answers search in files: none is left unknown, so that a log without any needs no column for them.
        row["file_search_requests"] = file_searches(answer) or None
    row.update(_outcome(call, answer, notes, has_usage=isinstance(usage, dict)))
    row["provider_name"], row["operation_name"] = provider, "chat"
    if answer.get("object") == "response.compaction":
        row["call_role"] = "summariser"
    main = usage_row(call, answer, row, notes, body=responses_body(call.request, answer), created="created_at")
    yield _with_metadata(main, answer, notes)
    if main.usage is not None and not call.failed:
        yield from _image_calls(answer, main.usage, notes)
        yield from containers(answer, main.usage)


def _outcome(call: Exchange, answer: dict[str, Any], notes: Notes, *, has_usage: bool) -> Usage:
    status = word(answer.get("status"))
    cut_off = bool(call.events) and status in _UNFINISHED
    row = finished(
        call,
        answer,
        None if cut_off else _reason(answer),
        notes,
        has_usage=has_usage or status in {"failed", "cancelled"},
    )
    if status == "cancelled":
        row["status"] = "cancelled"
    elif status == "failed":
        row["status"] = "error"
    return row


def _with_metadata(main: Row, answer: dict[str, Any], notes: Notes) -> Row:
    """A streamed answer's metadata are labels too; the logger's own win."""
    if main.usage is not None and isinstance(answer.get("metadata"), dict):
        for column, value in labels_of({}, (answer["metadata"],), notes).items():
            main.usage.setdefault(column, value)  # type: ignore[misc]  # a row's own columns
    return main


def _image_calls(answer: dict[str, Any], main: Usage, notes: Notes) -> Iterator[Row]:
    told, made = mapping(mapping(answer.get("tool_usage")).get("image_gen")), images_made(answer)
    if not told.get("total_tokens") and not made:
        return
    tool = next((t for t in objects(answer.get("tools")) if t.get("type") == "image_generation"), {})
    model = tool.get("model")
    counters = responses_usage(told, notes) if told.get("total_tokens") else Usage()
    if not counters:
        notes.append(
            Problem("image-tokens-unknown", f"{made} images of {answer.get('id')} without tokens", rejected=False)
        )
    drawn, said = counters.get("output_tokens"), mapping(told.get("output_tokens_details")).get("text_tokens")
    if drawn is not None and counters.get("output_image_tokens") is None:
        counters["output_image_tokens"] = drawn - (
            count(said, "output text_tokens") or 0
        )  # as of an image model's own answers
    counters["output_images"] = made or None
    row = subcall(main, "image-gen", counters, model if isinstance(model, str) else None)
    row["operation_name"] = "image_generation"
    if row.get("service_tier") not in {"standard", "batch"}:  # image models are sold in no other tier
        row.pop("service_tier", None)
    yield Row(row)
