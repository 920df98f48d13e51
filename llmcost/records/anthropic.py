"""Reads a call of Anthropic's Messages API, as Anthropic, Bedrock, Vertex and coding agents log it.

``input_tokens`` there is only the rest that was neither read from nor written to the cache: all input = input + read +
written (https://platform.claude.com/docs/en/build-with-claude/prompt-caching, 2026-11-23), and written = 5-minute + 1-hour
part in 352 of 352 recorded answers. Thinking is inside the output. ``usage.iterations``: the counters beside it sum
the ``message`` iterations only; advisor, compaction and fallback calls are billed too and come as rows of their own.
A stream's ``message_delta`` restates what ``message_start`` said and wins field by field; they are never added.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from llmcost.records.calls import ask_for, finished, request_text, subcall, tier_of, usage_row
from llmcost.records.contract import Body, Part, PartRole, Problem, Reading, Row
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes
from llmcost.records.prompts import blocks, body_of, dump, has_breakpoint, images_of, parts_of, response_format
from llmcost.records.shapes import items, mapping, objects, place, word
from llmcost.records.sse import Event
from llmcost.records.values import count, text
from llmcost.usage.columns import Usage

MESSAGES_KNOWS: Final = frozenset({
    "request_id", "parent_request_id", "call_role", "started_at", "duration_ms", "time_to_first_token_ms", "provider_name", "request_model",
    "response_model", "operation_name", "service_tier", "region", "status", "finish_reason", "attempt", "requests", "input_tokens",
    "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "output_tokens", "reasoning_output_tokens",
    "web_search_requests", "images", "organization", "project", "team", "user_id", "api_key_id", "feature", "environment", "conversation_id", "tags",
    "task_type", "confidence", "quality_score", "original_model", "was_routed", "temperature", "top_p", "response_format", "max_output_tokens",
    "thinking_budget_tokens", "token_source",
})  # fmt: skip
"""The columns that a Messages call can fill."""

TOKEN_CLASSES: Final = {
    "uncached_input_tokens": "input", "output_tokens": "output", "cache_read_input_tokens": "cache_read",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m", "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h",
    "input_no_cache": "input", "output": "output", "input_cache_read": "cache_read", "input_cache_write_5m": "cache_write_5m",
    "input_cache_write_1h": "cache_write_1h", "web search": "web_search", "web_search": "web_search",
}  # fmt: skip
"""Kinds of tokens as the cost report (API) and the cost CSV (console) name them -> our class."""

_COMMITTED: Final = "priority"
_LONG: Final = 100_000
"""No model of Anthropic's has another price below this size (Haiku 5.5 has above it: pricing/anthropic.toml)."""
_LIVES: Final = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_MAIN: Final = frozenset({"", "message"})
_UNSEEN: Final = frozenset({"thinking", "redacted_thinking"})


def provider_of_id(message_id: Any) -> str | None:
    """Who served a message, told from its id: Bedrock and Vertex mark theirs."""
    if not isinstance(message_id, str):
        return None
    marks = {"msg_bdrk_": "bedrock", "msg_vrtx_": "vertex_ai", "msg_": "anthropic"}
    return next((name for prefix, name in marks.items() if message_id.startswith(prefix)), None)


def merged(events: tuple[Event, ...]) -> dict[str, Any]:
    """The events of a stream as one message; without a final delta its output count is a placeholder and is dropped."""
    answer: dict[str, Any] = {}
    usage: dict[str, Any] = {}
    said: dict[int, str] = {}
    final = False
    for event in events:
        kind, data = word(event.data.get("type")), event.data
        if kind == "message_start" and isinstance(data.get("message"), dict):
            answer = dict(data["message"])
        elif kind == "message_delta":
            final = True
            answer.update({k: v for k, v in mapping(data.get("delta")).items() if v is not None})
        elif kind == "error":
            answer["error"] = data.get("error") or "error"
        elif kind in {"content_block_start", "content_block_delta"}:
            at = place(data.get("index"))
            said[at] = said.get(at, "") + _piece(mapping(data.get("content_block") or data.get("delta")))
        update = mapping(data.get("message")).get("usage") if kind == "message_start" else data.get("usage")
        usage.update({k: v for k, v in mapping(update).items() if v is not None})
    if not final:
        usage.pop("output_tokens", None)
    answer["content"] = [{"type": "text", "text": piece} for _, piece in sorted(said.items()) if piece]
    return {**answer, "usage": usage} if usage else {k: v for k, v in answer.items() if k != "usage"}


def _piece(block: dict[str, Any]) -> str:
    return next((str(block[k]) for k in ("text", "partial_json", "name") if isinstance(block.get(k), str)), "")


def messages_usage(usage: dict[str, Any], notes: Notes) -> Usage:
    """The counters of a Messages ``usage`` object (or of one iteration), cached tokens put inside the input."""
    rest = count(usage.get("input_tokens"), "input_tokens")
    read = count(usage.get("cache_read_input_tokens"), "cache_read_input_tokens")
    written, hour = _written(usage, notes)
    return Usage(
        input_tokens=None if rest is None else rest + (read or 0) + (written or 0),
        cache_read_input_tokens=read,
        cache_creation_input_tokens=written,
        cache_creation_1h_input_tokens=hour,
        output_tokens=count(usage.get("output_tokens"), "output_tokens"),
        reasoning_output_tokens=count(
            mapping(usage.get("output_tokens_details")).get("thinking_tokens"), "thinking_tokens"
        ),
        web_search_requests=count(
            mapping(usage.get("server_tool_use")).get("web_search_requests"), "web_search_requests"
        ),
    )


def _written(usage: dict[str, Any], notes: Notes) -> tuple[int | None, int | None]:
    written = count(usage.get("cache_creation_input_tokens"), "cache_creation_input_tokens")
    parts = [count(mapping(usage.get("cache_creation")).get(key), key) for key in _LIVES]
    if parts == [None, None]:
        return written, 0 if written == 0 else None
    short, hour = (part or 0 for part in parts)
    if written is None or written == short + hour:
        return short + hour, hour
    notes.append(
        Problem(
            "cache-split-mismatch",
            f"5-minute {short} and 1-hour {hour} are not the {written} written tokens",
            rejected=False,
        )
    )
    return written, None


def tier_and_region(usage: dict[str, Any], notes: Notes, *, own: bool = True) -> Usage:
    """What the usage says of how and where the call was served; fast mode is a tier of its own.

    Priority Tier is capacity that was committed to and paid before, drawn at the standard rates; what exceeds it is served
    as standard (https://platform.claude.com/docs/en/api/service-tiers, 2026-11-24). ``own``: the usage is in Anthropic's words;
    a gateway's ``priority`` may be another provider's, which is paid by the call.
    """
    row = Usage()
    named, tier = usage.get("service_tier"), None
    if own and word(named).lower() == _COMMITTED:
        tier = "standard"
        told = "service_tier priority draws on capacity that was paid in advance; the list price is no charge"
        notes.append(Problem("prepaid-tier", told, rejected=False, informative=True))
    else:
        tier = "fast" if usage.get("speed") == "fast" else tier_of(named, notes)
    if tier is not None:
        row["service_tier"] = tier
    geo = notes.soft(text, usage.get("inference_geo"), "inference_geo")
    if geo is not None and geo != "not_available":
        row["region"] = geo
    return row


def committed(raw: Any) -> str | None:
    """The label that tells committed capacity from standard calls, which have one tier and would be one bucket."""
    return "committed" if word(raw).lower() == _COMMITTED else None


def calls_inside(usage: dict[str, Any], notes: Notes) -> int:
    """How many calls of the model a message sums up, where that matters: 1, or more if only their sum is a long prompt.

    A loop over server tools samples several times, and each sampling is long or not by itself (``iterations`` tells "which
    exceeded long context thresholds": anthropic-sdk-python, BetaUsage, 2026-11-24). As a sum of several calls the row selects
    no long-context price.
    """
    ran = [i for i in objects(usage.get("iterations")) if word(i.get("type")) in _MAIN]
    sizes = [messages_usage(i, Notes()).get("input_tokens") or 0 for i in ran]
    if len(ran) < 2 or sum(sizes) < _LONG:
        return 1
    if max(sizes) < _LONG:
        return len(ran)
    told = f"an input of {sum(sizes)} tokens is the sum of {len(ran)} calls, the largest of {max(sizes)}: its size is taken for one call's"
    notes.append(Problem("iterations-summed", told, rejected=False, informative=True))
    return 1


def iterations(usage: dict[str, Any], main: Usage, notes: Notes) -> Iterator[Row]:
    """The calls of other kinds that ran inside a message: advisor, compaction, fallback."""
    ran = objects(usage.get("iterations"))
    extra = [(n, i) for n, i in enumerate(ran, 1) if word(i.get("type")) not in _MAIN]
    if not extra or _inside_already(ran, usage, notes):
        return
    for number, iteration in extra:
        model = notes.soft(text, iteration.get("model"), "iteration model")
        model = model or main.get("response_model") or main.get("request_model")
        served = tier_and_region({"service_tier": usage.get("service_tier"), "speed": iteration.get("speed")}, Notes())
        row = subcall(main, f"iteration-{number}", messages_usage(iteration, notes), model)
        if iteration.get("type") == "compaction":
            row["call_role"] = "summariser"
        row["operation_name"] = "chat"
        row.pop("service_tier", None)
        row.update(served)
        yield Row(row)


def _inside_already(ran: list[dict[str, Any]], usage: dict[str, Any], notes: Notes) -> bool:
    def total(those: list[dict[str, Any]]) -> tuple[int, ...]:
        return tuple(sum(count(i.get(k), k) or 0 for i in those) for k in ("input_tokens", "output_tokens"))

    whole = total([usage])
    if whole == total([i for i in ran if word(i.get("type")) in _MAIN]):
        return False
    inside = whole == total(ran)
    told = "already hold the extra iterations" if inside else "are not the sum of the message iterations"
    notes.append(Problem("iterations-mismatch", f"input and output {whole[0]} and {whole[1]} {told}", rejected=False))
    return inside


def messages_request(request: dict[str, Any], notes: Notes) -> Usage:
    """What a Messages request asked for."""
    row = ask_for(request, notes, cap=("max_tokens",))
    row["thinking_budget_tokens"] = notes.soft(
        count, mapping(request.get("thinking")).get("budget_tokens"), "budget_tokens"
    )
    row["response_format"] = response_format(
        mapping(request.get("output_config")).get("format") or request.get("output_format")
    )
    if (user := request_text(mapping(request.get("metadata")), ("user_id",), notes)) is not None:
        row["user_id"] = user
    row["images"] = images_of(m.get("content") for m in objects(request.get("messages")))
    return row


def messages_body(request: dict[str, Any], answer: dict[str, Any]) -> Body | None:
    """The texts of a call in the order in which the cache sees them: tools, system, messages."""
    if not objects(request.get("messages")):
        return None
    parts = list(_parts(request))
    if request.get("cache_control") and parts:  # one for the whole request stands at its last block
        parts[-1] = Part(parts[-1].role, parts[-1].text, breakpoint=True)
    shown = [b for b in blocks(answer.get("content")) if not isinstance(b, dict) or word(b.get("type")) not in _UNSEEN]
    said = [part.text for part in parts_of(shown, "history") if part.role == "history"]
    return body_of(parts, "\n".join(said) or None)


def _parts(request: dict[str, Any]) -> Iterator[Part]:
    for tool in items(request.get("tools")):
        shown = {k: v for k, v in tool.items() if k != "cache_control"} if isinstance(tool, dict) else tool
        yield Part("tools", dump(shown), has_breakpoint(tool))
    if isinstance(request.get("output_format"), dict):
        yield Part("schema", dump(request["output_format"]))
    yield from parts_of(request.get("system"), "system")
    messages = objects(request.get("messages"))
    last = max((at for at, m in enumerate(messages) if _is_turn(m)), default=-1)
    for at, message in enumerate(messages):
        role: PartRole = "system" if message.get("role") == "system" else "user" if at == last else "history"
        yield from parts_of(message.get("content"), role)


def _is_turn(message: dict[str, Any]) -> bool:
    kinds = {word(b.get("type")) if isinstance(b, dict) else "text" for b in blocks(message.get("content"))}
    return message.get("role") == "user" and kinds != {"tool_result"}


def messages_readings(call: Exchange, provider: str | None) -> Iterator[Reading]:
    """The rows of one Messages call, with what was odd about it."""
    notes = Notes(call.problems)
    return notes.after(_rows(call, provider, notes))


def _rows(call: Exchange, provider: str | None, notes: Notes) -> Iterator[Reading]:
    answer = merged(call.events) if call.events else call.response
    usage = answer.get("usage") if isinstance(answer.get("usage"), dict) and not call.failed else None
    row = messages_request(call.request, notes)
    if usage is not None:
        row.update(messages_usage(usage, notes))
        row.update(tier_and_region(usage, notes, own=provider in {None, "anthropic"}))
    reason = word(answer.get("stop_reason"))
    row.update(finished(call, answer, reason or None, notes, has_usage=usage is not None))
    if call.events and usage is not None and "output_tokens" not in usage:
        row["status"] = "error" if answer.get("error") else "partial"
        notes.append(
            Problem("stream-cut-off", f"the stream of {answer.get('id')} ends before its output count", rejected=False)
        )
    if call.events and usage is not None and "input_tokens" not in usage:
        told = f"the stream of {answer.get('id')} lacks its beginning, which counts the input"
        notes.append(Problem("stream-cut-off", told, rejected=False))
    row["provider_name"], row["operation_name"] = provider, "chat"
    main = usage_row(call, answer, row, notes, body=messages_body(call.request, answer))
    if usage is not None and main.usage is not None:
        main.usage["requests"] = calls_inside(usage, notes)
    yield main
    if usage is not None and main.usage is not None:
        yield from iterations(usage, main.usage, notes)
        yield from _code_runs(answer)
        if usage.get("fallback_credit"):
            notes.append(
                Problem(
                    "fallback-credit",
                    f"{answer.get('id')} carries a credit that no column holds",
                    rejected=False,
                    informative=True,
                )
            )


def _code_runs(answer: dict[str, Any]) -> Iterator[Problem]:
    """Code that ran in a container is billed by the hour beyond a free allowance; no answer says how long it ran."""
    ran = [b for b in objects(answer.get("content")) if b.get("type") == "server_tool_use"]
    times = sum(word(block.get("name")).endswith("code_execution") for block in ran)
    if times:
        detail = f"{times} code executions of {answer.get('id')}: billed by container time, which no answer tells"
        yield Problem("tool-fee-not-counted", detail, rejected=False, informative=True)
