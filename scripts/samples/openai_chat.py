"""OpenAI chat completions as a proxy logs them: bodies, streams with and without usage, failures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scripts.samples.dice import Dice, at, seconds
from scripts.samples.files import Folder, dumps, expect, folder, jsonl, packed
from scripts.samples.http import TOOLS, Json, call, events
from scripts.samples.text import prose, question, tokens

URL = "https://api.openai.com/v1/chat/completions"
MODEL, SERVED = "gpt-4o-mini", "gpt-4o-mini-2024-07-18"
FUNCTIONS = [
    {
        "type": "function",
        "function": {"name": t["name"], "description": t["description"], "parameters": t["schema"], "strict": True},
    }
    for t in TOOLS
]


def usage(prompt: int, cached: int, answer: int) -> Json:
    """The usage object, details included."""
    return {
        "prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    }  # fmt: skip


def completion(dice: Dice, moment: datetime, answer: str, counts: Json) -> Json:
    """A whole answer."""
    return {
        "id": dice.token("chatcmpl-"), "object": "chat.completion", "created": seconds(moment), "model": SERVED,
        "choices": [{
            "index": 0, "message": {"role": "assistant", "content": answer, "refusal": None, "annotations": []}, "logprobs": None,
            "finish_reason": "stop",
        }],
        "usage": counts, "service_tier": "default", "system_fingerprint": f"fp_{dice.token('', 10)}",
    }  # fmt: skip


def chunks(dice: Dice, moment: datetime, answer: str, counts: Json | None) -> str:
    """The same answer as a stream; usage comes in a last chunk without choices, if it was asked for."""
    head: Json = {
        "id": dice.token("chatcmpl-"), "object": "chat.completion.chunk", "created": seconds(moment), "model": SERVED,
        "service_tier": "default", "system_fingerprint": f"fp_{dice.token('', 10)}",
    }  # fmt: skip
    null = {} if counts is None else {"usage": None}
    words = answer.split(" ")
    pieces = [" ".join(words[i : i + 8]) + (" " if i + 8 < len(words) else "") for i in range(0, len(words), 8)]
    deltas: list[tuple[Json, str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        *(({"content": piece}, None) for piece in pieces),
        ({}, "stop"),
    ]
    body = [
        head | {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": end}]} | null
        for delta, end in deltas
    ]
    return events(body if counts is None else [*body, head | {"choices": [], "usage": counts}], named=False)


def support_calls(dice: Dice, system: str) -> tuple[list[Json], list[Json]]:
    """Conversations with the same system prompt and tools in every call."""
    calls: list[Json] = []
    rows: list[Json] = []
    fixed = (
        tokens(system) + sum(tokens(dumps(f)) for f in FUNCTIONS) * 3 // 4
    )  # a provider writes tools shorter than JSON
    for conversation in range(16):
        moment = at(4 + conversation // 8, 9 * 3600 + (conversation % 8) * 1300 + dice.whole(0, 300))
        messages: list[Json] = [{"role": "system", "content": system}]
        seen = 0
        for turn in range(dice.whole(2, 5)):
            messages.append({"role": "user", "content": question(dice)})
            answer = prose(dice, dice.around(20, 110))
            prompt = fixed + sum(tokens(m["content"]) + 4 for m in messages[1:]) + 7
            cached = seen // 128 * 128 if turn else 0
            counts = usage(prompt, cached if cached >= 1024 else 0, tokens(answer))
            request: Json = {
                "model": MODEL,
                "messages": list(messages),
                "tools": FUNCTIONS,
                "temperature": 0.3,
                "max_completion_tokens": 700,
                "user": f"u-{conversation:04d}",
            }
            row: dict[str, Any] = {"request_model": MODEL}
            style = dice.weighted([("plain", 6), ("stream", 3), ("stream without usage", 2)])
            if style == "plain":
                calls.append(call(moment, URL, request, completion(dice, moment, answer, counts)))
            else:
                asked = (
                    {"stream": True, "stream_options": {"include_usage": True}}
                    if style == "stream"
                    else {"stream": True}
                )
                calls.append(
                    call(
                        moment,
                        URL,
                        request | asked,
                        chunks(dice, moment, answer, counts if style == "stream" else None),
                    )
                )
            if style != "stream without usage":
                row |= {
                    "input_tokens": prompt, "cache_read_input_tokens": counts["prompt_tokens_details"]["cached_tokens"], "output_tokens": tokens(answer),
                    "reasoning_output_tokens": 0,
                }  # fmt: skip
            rows.append(row)
            messages.append({"role": "assistant", "content": answer})
            seen = prompt
            moment += timedelta(seconds=dice.around(15, 140))
    return calls, rows


def repeated_calls(dice: Dice) -> tuple[list[Json], list[Json]]:
    """The same few questions at temperature 0, asked again and again."""
    calls: list[Json] = []
    rows: list[Json] = []
    known = [
        (f"Which category fits: {question(dice)}", dice.pick(["delivery", "returns", "fit", "damage"]))
        for _ in range(5)
    ]
    system = "Answer with one word: delivery, returns, fit or damage."
    for number in range(20):
        asked, answer = dice.pick(known)
        moment = at(6, 8 * 3600 + number * 420 + dice.whole(0, 60))
        request = {
            "model": MODEL, "messages": [{"role": "system", "content": system}, {"role": "user", "content": asked}], "temperature": 0, "seed": 11,
            "max_completion_tokens": 5,
        }  # fmt: skip
        prompt = tokens(system) + tokens(asked) + 11
        calls.append(call(moment, URL, request, completion(dice, moment, answer, usage(prompt, 0, 1))))
        rows.append(
            {
                "request_model": MODEL,
                "input_tokens": prompt,
                "cache_read_input_tokens": 0,
                "output_tokens": 1,
                "reasoning_output_tokens": 0,
            }
        )
    return calls, rows


def failed_calls(dice: Dice) -> list[Json]:
    """Calls that were refused: no usage, no cost."""
    request = {"model": MODEL, "messages": [{"role": "user", "content": question(dice)}]}
    limit = {
        "message": "Rate limit reached for requests",
        "type": "requests",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    wrong = {
        "message": "Invalid value for 'temperature'",
        "type": "invalid_request_error",
        "param": "temperature",
        "code": "decimal_above_max_value",
    }
    server = {"message": "The server had an error", "type": "server_error", "param": None, "code": None}
    kinds = [(429, limit), (429, limit), (400, wrong), (500, server)]
    return [
        call(at(7, 43_200 + number * 7), URL, request, {"error": error}, status)
        for number, (status, error) in enumerate(kinds)
    ]


def build() -> Folder:
    """The files of sample_logs/openai_chat."""
    dice = Dice("openai_chat")
    system = prose(dice, 1800, "You answer for Larkspur, a shop for outdoor gear.")
    support, support_rows = support_calls(dice, system)
    repeated, repeated_rows = repeated_calls(dice)
    failed = failed_calls(dice)
    rows = support_rows + repeated_rows + [{"request_model": MODEL} for _ in failed]
    expected = {"requests.jsonl.gz": expect("openai-chat", rows, failed=len(failed))}
    return folder({"requests.jsonl.gz": packed(jsonl(support + repeated + failed))}, expected)
