"""OpenAI responses as a proxy logs them: reasoning, cache writes, web searches, cut and failed answers, streams."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scripts.samples.dice import Dice, at, seconds
from scripts.samples.files import Folder, expect, folder, jsonl, packed
from scripts.samples.http import TOOLS, Json, call, events
from scripts.samples.text import prose, question, tokens

URL = "https://api.openai.com/v1/responses"
MODEL = "gpt-6.1-sol"
FUNCTIONS = [
    {"type": "function", "name": t["name"], "description": t["description"], "parameters": t["schema"], "strict": True}
    for t in TOOLS
]
KINDS = (("plain", 8), ("stream", 4), ("cut stream", 1), ("incomplete", 1), ("search", 2))


def response(dice: Dice, moment: datetime, request: Json, output: list[Json], counts: Json | None, **more: Any) -> Json:
    """The response object; ``counts`` None leaves usage null, as an unfinished response has it."""
    return {
        "id": dice.token("resp_", 48), "object": "response", "created_at": seconds(moment), "status": "completed", "background": False,
        "error": None, "incomplete_details": None, "instructions": request.get("instructions"), "max_output_tokens": request["max_output_tokens"],
        "model": MODEL, "output": output, "parallel_tool_calls": True, "previous_response_id": request.get("previous_response_id"),
        "prompt_cache_key": None, "reasoning": {"effort": "low", "summary": None}, "service_tier": "default", "store": True, "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"}, "tool_choice": "auto", "tools": request["tools"], "top_p": 1.0,
        "truncation": "disabled", "usage": counts, "user": None, "metadata": {},
    } | more  # fmt: skip


def usage(row: Json) -> Json:
    """The usage object of a row."""
    return {
        "input_tokens": row["input_tokens"],
        "input_tokens_details": {
            "cached_tokens": row["cache_read_input_tokens"],
            "cache_write_tokens": row["cache_creation_input_tokens"],
        },
        "output_tokens": row["output_tokens"],
        "output_tokens_details": {"reasoning_tokens": row["reasoning_output_tokens"]},
        "total_tokens": row["input_tokens"] + row["output_tokens"],
    }


def output_items(dice: Dice, answer: str, *, searched: bool) -> list[Json]:
    """Hidden reasoning, a search if there was one, and the message."""
    search = {
        "id": dice.token("ws_"),
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "larkspur tent recall"},
    }
    message = {
        "id": dice.token("msg_", 48), "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "annotations": [], "logprobs": [], "text": answer}],
    }  # fmt: skip
    return [{"id": dice.token("rs_", 48), "type": "reasoning", "summary": []}, *([search] if searched else []), message]


def stream(whole: Json, answer: str, *, cut: bool) -> str:
    """The same response as events; cut off, it never says what it used."""
    created: Json = {
        "type": "response.created",
        "sequence_number": 0,
        "response": whole | {"status": "in_progress", "output": [], "usage": None},
    }
    delta: Json = {
        "type": "response.output_text.delta", "sequence_number": 1, "item_id": whole["output"][-1]["id"], "output_index": 1, "content_index": 0,
        "delta": answer,
    }  # fmt: skip
    return events(
        [created, delta] + ([] if cut else [{"type": "response.completed", "sequence_number": 2, "response": whole}]),
        named=True,
    )


def answered(dice: Dice, moment: datetime, request: Json, warm: int, *, kind: str) -> tuple[Json, Json]:
    """One answered call and its row."""
    answer = prose(dice, dice.around(30, 160))
    fixed = tokens(request["instructions"]) + 330
    row: Json = {"request_model": MODEL, "input_tokens": fixed + tokens(str(request["input"])) + 11}
    read = warm // 128 * 128
    row |= {"cache_read_input_tokens": read, "cache_creation_input_tokens": row["input_tokens"] // 128 * 128 - read}
    thought = dice.around(0, 6) * 64
    row |= {"reasoning_output_tokens": thought, "output_tokens": thought + tokens(answer)}
    more: Json = (
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}} if kind == "incomplete" else {}
    )
    if kind == "search":
        row["web_search_requests"] = 1
    whole = response(dice, moment, request, output_items(dice, answer, searched=kind == "search"), usage(row), **more)
    if kind not in {"stream", "cut stream"}:
        return call(moment, URL, request, whole), row
    body = stream(whole, answer, cut=kind == "cut stream")
    return call(moment, URL, request | {"stream": True}, body), {
        "request_model": MODEL
    } if kind == "cut stream" else row


def build() -> Folder:
    """The files of sample_logs/openai_responses."""
    dice = Dice("openai_responses")
    instructions = prose(dice, 1400, "You help the buyers of Larkspur compare suppliers.")
    calls: list[Json] = []
    rows: list[Json] = []
    for session in range(7):
        moment, previous, warm = at(11 + session, 10 * 3600 + dice.whole(0, 3000)), None, 0
        for _ in range(dice.whole(4, 7)):
            request: Json = {
                "model": MODEL, "instructions": instructions, "input": [{"role": "user", "content": question(dice)}], "max_output_tokens": 900,
                "reasoning": {"effort": "low"}, "tools": [*FUNCTIONS, {"type": "web_search"}], "stream": False,
            } | ({"previous_response_id": previous} if previous else {})  # fmt: skip
            logged, row = answered(dice, moment, request, warm, kind=dice.weighted(KINDS))
            calls.append(logged)
            rows.append(row)
            previous = logged["response"]["id"] if isinstance(logged["response"], dict) else None
            warm = tokens(instructions) + 330
            moment += timedelta(seconds=dice.around(20, 200))
    refused = {
        "error": {"message": "Rate limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    }
    calls.append(call(at(18, 36_000), URL, {"model": MODEL, "input": "Which supplier is cheapest?"}, refused, 429))
    expected = {"requests.jsonl.gz": expect("openai-responses", [*rows, {"request_model": MODEL}], failed=1)}
    expected["requests.jsonl.gz"]["totals"]["web_search_requests"] = sum(
        row.get("web_search_requests", 0) for row in rows
    )
    return folder({"requests.jsonl.gz": packed(jsonl(calls))}, expected)
