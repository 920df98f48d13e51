"""Calls of hosts that speak OpenAI's forms in a dialect, and of two with a form of their own, as a proxy logs them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from scripts.samples.dice import Dice, at, seconds, stamp
from scripts.samples.files import Folder, dumps, expect, folder, jsonl
from scripts.samples.http import Json, call, events
from scripts.samples.text import prose, question

Answer = tuple[Json | str, dict[str, Any]]
"""What the host sent, and the row behind it."""


def _chat(dice: Dice, moment: datetime, model: str, text: str, usage: Json, **more: Any) -> Json:
    return {
        "id": dice.token("", 32), "object": "chat.completion", "created": seconds(moment), "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}], "usage": usage, **more,
    }  # fmt: skip


def _counts(dice: Dice) -> tuple[int, int, int]:
    prompt = dice.around(200, 4000)
    return prompt, prompt // 256 * 128, dice.around(20, 600)


def _usage(prompt: int, made: int, **more: Any) -> Json:
    return {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made, **more}


def _times(dice: Dice) -> Json:
    queue, first, rest = dice.whole(1, 300) / 1000, dice.whole(1, 80) / 1000, dice.whole(50, 900) / 1000
    return {"queue_time": queue, "prompt_time": first, "completion_time": rest, "total_time": round(first + rest, 3)}


def groq(dice: Dice, moment: datetime, text: str) -> Answer:
    """Times in the usage; a stream has it in x_groq; a system ran two models."""
    prompt, cached, made = _counts(dice)
    row = {"input_tokens": prompt, "cache_read_input_tokens": cached, "output_tokens": made}
    usage = _usage(prompt, made, prompt_tokens_details={"cached_tokens": cached}, **_times(dice))
    more: Json = {"service_tier": "on_demand", "x_groq": {"id": dice.token("req_", 26)}}
    answer = _chat(dice, moment, "llama-3.3-70b-versatile", text, usage, **more)
    if dice.chance(0.3):
        chunk = {**answer, "object": "chat.completion.chunk", "usage": None}
        delta = {**chunk, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
        last = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "x_groq": {"usage": usage}}
        return events([delta, last], named=False), row
    return answer, row


def mistral(dice: Dice, moment: datetime, text: str) -> Answer:
    """Cached tokens in one of two places."""
    prompt, cached, made = _counts(dice)
    told: Json = (
        {"num_cached_tokens": cached} if dice.chance(0.5) else {"prompt_tokens_details": {"cached_tokens": cached}}
    )
    row = {"input_tokens": prompt, "cache_read_input_tokens": cached, "output_tokens": made}
    return _chat(dice, moment, "mistral-medium-2508", text, _usage(prompt, made, **told)), row


def deepseek(dice: Dice, moment: datetime, text: str) -> Answer:
    """Hits and misses."""
    prompt, cached, made = _counts(dice)
    thought = made * dice.whole(0, 60) // 100
    usage = _usage(
        prompt, made, prompt_cache_hit_tokens=cached, prompt_cache_miss_tokens=prompt - cached, prompt_tokens_details={"cached_tokens": cached},
        completion_tokens_details={"reasoning_tokens": thought},
    )  # fmt: skip
    row = {
        "input_tokens": prompt,
        "cache_read_input_tokens": cached,
        "output_tokens": made,
        "reasoning_output_tokens": thought,
    }
    return _chat(dice, moment, "deepseek-v4-flash", text, usage), row


def cerebras(dice: Dice, moment: datetime, text: str) -> Answer:
    """Times beside the usage."""
    prompt, cached, made = _counts(dice)
    usage = _usage(prompt, made, prompt_tokens_details={"cached_tokens": cached})
    row = {"input_tokens": prompt, "cache_read_input_tokens": cached, "output_tokens": made}
    return _chat(dice, moment, "gpt-oss-120b", text, usage, time_info=_times(dice)), row


def xai(dice: Dice, moment: datetime, text: str) -> Answer:
    """Reasoning beside the completion, the charge in ticks."""
    prompt, cached, made = _counts(dice)
    thought = dice.around(0, 900)
    usage = _usage(prompt, made) | {
        "total_tokens": prompt + made + thought, "prompt_tokens_details": {"text_tokens": prompt, "cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": thought}, "num_sources_used": 0,
        "cost_in_usd_ticks": (prompt - cached) * 2000 + cached * 500 + (made + thought) * 5000,
    }  # fmt: skip
    row = {
        "input_tokens": prompt,
        "cache_read_input_tokens": cached,
        "output_tokens": made + thought,
        "reasoning_output_tokens": thought,
    }
    return _chat(dice, moment, "grok-4-fast", text, usage), row


def perplexity(dice: Dice, moment: datetime, text: str) -> Answer:
    """The charge in dollars, the fee for the request inside."""
    prompt, _, made = _counts(dice)
    micros = prompt + made + 5000
    usage = _usage(
        prompt, made, search_context_size="low", cost={"request_cost": 0.005, "total_cost": micros / 1_000_000}
    )
    return _chat(dice, moment, "sonar", text, usage, citations=["https://larkspur.example/returns"]), {
        "input_tokens": prompt,
        "output_tokens": made,
    }


def cohere(dice: Dice, _moment: datetime, text: str) -> Answer:
    """Billed units beside all tokens."""
    prompt, cached, made = _counts(dice)
    usage = {
        "billed_units": {"input_tokens": prompt, "output_tokens": made}, "cached_tokens": cached,
        "tokens": {"input_tokens": prompt + 494, "output_tokens": made + 2},
    }  # fmt: skip
    message = {"role": "assistant", "content": [{"type": "text", "text": text}]}
    answer = {"id": dice.token("", 32), "finish_reason": "COMPLETE", "message": message, "usage": usage}
    return answer, {"input_tokens": prompt, "output_tokens": made}


def ollama(dice: Dice, moment: datetime, text: str) -> Answer:
    """Durations in nanoseconds; a stream of JSON lines."""
    prompt, cached, made = _counts(dice)
    head: Json = {"model": "gemma3:12b", "created_at": stamp(moment)}
    last = {
        "done": True, "done_reason": "stop", "total_duration": dice.whole(10**9, 9 * 10**9), "load_duration": 10**8,
        "prompt_eval_count": prompt, "prompt_eval_cached_count": cached, "prompt_eval_duration": 15 * 10**7, "eval_count": made,
    }  # fmt: skip
    row = {"input_tokens": prompt, "cache_read_input_tokens": cached, "output_tokens": made}
    if dice.chance(0.3):
        lines = [
            {"message": {"role": "assistant", "content": text}, "done": False},
            {"message": {"role": "assistant", "content": ""}, **last},
        ]
        return "".join(dumps(head | line) + "\n" for line in lines), row
    return head | {"message": {"role": "assistant", "content": text}} | last, row


HOSTS: Final[dict[str, tuple[str, str, Callable[[Dice, datetime, str], Answer]]]] = {
    "groq": ("https://api.groq.com/openai/v1/chat/completions", "llama-3.3-70b-versatile", groq),
    "mistral": ("https://api.mistral.ai/v1/chat/completions", "mistral-medium-latest", mistral),
    "deepseek": ("https://api.deepseek.com/chat/completions", "deepseek-reasoner", deepseek),
    "cerebras": ("https://api.cerebras.ai/v1/chat/completions", "gpt-oss-120b", cerebras),
    "xai": ("https://api.x.ai/v1/chat/completions", "grok-4-fast", xai),
    "perplexity": ("https://api.perplexity.ai/chat/completions", "sonar", perplexity),
    "cohere": ("https://api.cohere.com/v2/chat", "command-a-03-2025", cohere),
    "ollama": ("http://localhost:11434/api/chat", "gemma3:12b", ollama),
}
"""Folder of sample_logs -> address, model that is asked for, what answers."""


def build(name: str) -> Folder:
    """The files of one host: two days of calls, two of them refused."""
    url, model, answers = HOSTS[name]
    dice = Dice(name)
    calls: list[Json] = []
    rows: list[dict[str, Any]] = []
    for number in range(24):
        moment = at(19 + number // 12, 8 * 3600 + number % 12 * 1800) + timedelta(seconds=dice.whole(0, 600))
        request: Json = {"model": model, "messages": [{"role": "user", "content": question(dice)}]}
        if number in {7, 15}:
            calls.append(
                call(moment, url, request, {"error": {"message": "Too many requests", "code": "rate_limited"}}, 429)
            )
            rows.append({"request_model": model})
            continue
        answer, row = answers(dice, moment, prose(dice, dice.around(15, 40)))
        calls.append(call(moment, url, request, answer))
        rows.append({"request_model": model, **row})
    expected = {"requests.jsonl": expect(name, rows, failed=2)}
    return folder({"requests.jsonl": jsonl(calls)}, expected)


BUILDERS: Final = {name: partial(build, name) for name in HOSTS}
