"""Anthropic messages as a proxy logs them: cache breakpoints of both lives, thinking, searches, streams, failures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scripts.samples.dice import Dice, at
from scripts.samples.files import Folder, dumps, expect, folder, jsonl, packed
from scripts.samples.http import TOOLS, Json, call, events
from scripts.samples.text import prose, question, tokens

URL = "https://api.anthropic.com/v1/messages"
FUNCTIONS = [{"name": t["name"], "description": t["description"], "input_schema": t["schema"]} for t in TOOLS]
TOOLS_TOKENS = 290 + sum(tokens(dumps(f)) for f in FUNCTIONS)


def usage(row: Json, **more: Any) -> Json:
    """The usage object: here the input is what is left of the prompt after the cache."""
    read, written = row["cache_read_input_tokens"], row["cache_creation_input_tokens"]
    hour = row["cache_creation_1h_input_tokens"]
    return {
        "input_tokens": row["input_tokens"] - read - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written - hour, "ephemeral_1h_input_tokens": hour},
        "output_tokens": row["output_tokens"],
        "service_tier": "standard",
        "inference_geo": "global",
    } | more


def message(dice: Dice, model: str, content: list[Json], counts: Json, stop: str = "end_turn") -> Json:
    """A whole answer."""
    return {
        "id": dice.token("msg_01"), "type": "message", "role": "assistant", "model": model, "content": content, "stop_reason": stop,
        "stop_sequence": None, "usage": counts,
    }  # fmt: skip


def stream(whole: Json, text: str) -> str:
    """The same answer as events: input counters at the start and again at the end, output counted as it grows."""
    opening = whole | {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 3}}
    closing = {
        k: v
        for k, v in whole["usage"].items()
        if k in {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"}
    }
    return events([
        {"type": "message_start", "message": opening},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": closing},
        {"type": "message_stop"},
    ], named=True)  # fmt: skip


def conversations(dice: Dice, system: str, model: str, life: str, day: int) -> tuple[list[Json], list[Json]]:
    """Conversations whose system prompt, and from the second turn on history, is marked for the cache."""
    calls: list[Json] = []
    rows: list[Json] = []
    marker = {"type": "ephemeral"} | ({"ttl": "1h"} if life == "1h" else {})
    warm_until: datetime | None = None
    for conversation in range(8):
        moment = at(day, 9 * 3600 + conversation * (400 if life == "5m" else 1500) + dice.whole(0, 60))
        head, seen = TOOLS_TOKENS + tokens(system), 0
        messages: list[Json] = []
        for turn in range(dice.whole(2, 5)):
            messages.append({"role": "user", "content": [{"type": "text", "text": question(dice)}]})
            whole = head + sum(tokens(m["content"][0]["text"]) + 4 for m in messages) + 3
            warm = warm_until is not None and moment < warm_until
            read = (seen or head) if warm else 0
            marked = whole - 3 if turn else head
            row: Json = {
                "request_model": model,
                "input_tokens": whole,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": marked - read,
            }
            row["cache_creation_1h_input_tokens"] = marked - read if life == "1h" else 0
            answer = prose(dice, dice.around(30, 150))
            row["output_tokens"] = tokens(answer)
            sent = [dict(m) for m in messages]
            if turn:
                sent[-1] = {"role": "user", "content": [messages[-1]["content"][0] | {"cache_control": marker}]}
            request = {
                "model": model, "max_tokens": 1024, "temperature": 0.3, "tools": FUNCTIONS, "messages": sent,
                "system": [{"type": "text", "text": system, "cache_control": marker}], "metadata": {"user_id": f"u-{conversation:04d}"},
            }  # fmt: skip
            body = message(dice, model, [{"type": "text", "text": answer}], usage(row))
            streamed = dice.chance(0.3)
            calls.append(call(moment, URL, request | {"stream": streamed}, stream(body, answer) if streamed else body))
            rows.append(row)
            messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
            seen = marked
            warm_until = moment + (timedelta(minutes=5) if life == "5m" else timedelta(hours=1))
            moment += timedelta(seconds=dice.around(20, 180))
    return calls, rows


def thinking(dice: Dice) -> tuple[list[Json], list[Json]]:
    """Hard questions with a thinking budget and a web search; nothing is cached."""
    calls: list[Json] = []
    rows: list[Json] = []
    model = "claude-opus-5-5"
    for number in range(6):
        asked, answer = question(dice), prose(dice, dice.around(120, 300))
        thought = dice.around(200, 2400)
        row: Json = {
            "request_model": model, "input_tokens": tokens(asked) + 8 + 1900, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0,
            "cache_creation_1h_input_tokens": 0, "output_tokens": thought + tokens(answer), "reasoning_output_tokens": thought,
        }  # fmt: skip
        counts = usage(
            row,
            output_tokens_details={"thinking_tokens": thought},
            server_tool_use={"web_search_requests": number % 3, "web_fetch_requests": 0},
        )
        request = {
            "model": model, "max_tokens": 8000, "thinking": {"type": "enabled", "budget_tokens": 4000},
            "tools": [{"type": "web_search_20250305", "name": "web_search"}], "messages": [{"role": "user", "content": asked}],
        }  # fmt: skip
        blocks = [
            {"type": "thinking", "thinking": "", "signature": dice.token("", 32)},
            {"type": "text", "text": answer},
        ]
        calls.append(call(at(21, 50_000 + number * 90), URL, request, message(dice, model, blocks, counts)))
        rows.append(row | {"web_search_requests": number % 3})
    return calls, rows


def build() -> Folder:
    """The files of sample_logs/anthropic_messages."""
    dice = Dice("anthropic_messages")
    system = prose(dice, 4100, "You answer for Larkspur, a shop for outdoor gear.")
    short, short_rows = conversations(dice, system, "claude-haiku-4-5", "5m", 19)
    long, long_rows = conversations(dice, system, "claude-sonnet-5-5", "1h", 20)
    hard, hard_rows = thinking(dice)
    request = {
        "model": "claude-haiku-4-5",
        "max_tokens": 16,
        "messages": [{"role": "user", "content": "Where is my lamp?"}],
    }
    errors = [
        (429, "rate_limit_error", "Too many requests"),
        (529, "overloaded_error", "Overloaded"),
        (400, "invalid_request_error", "max_tokens is too large"),
    ]
    failed = [
        call(
            at(22, 30_000 + n),
            URL,
            request,
            {"type": "error", "error": {"type": kind, "message": text}, "request_id": dice.token("req_01")},
            status,
        )
        for n, (status, kind, text) in enumerate(errors)
    ]
    rows = short_rows + long_rows + hard_rows
    expected = expect(
        "anthropic-messages", rows + [{"request_model": "claude-haiku-4-5"} for _ in failed], failed=len(failed)
    )
    expected["totals"]["web_search_requests"] = sum(row.get("web_search_requests", 0) for row in rows)
    return folder({"requests.jsonl.gz": packed(jsonl(short + long + hard + failed))}, {"requests.jsonl.gz": expected})
