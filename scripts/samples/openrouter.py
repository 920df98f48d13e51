"""OpenRouter's view of some calls: the answers as an application logged them, and the APIs that account for them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from scripts.samples.dice import Dice, at, seconds
from scripts.samples.files import Folder, expect, folder, jsonl, pretty
from scripts.samples.http import call

Json = dict[str, Any]
URL = "https://openrouter.ai/api/v1/chat/completions"
MODELS: tuple[tuple[tuple[str, str, str, str, str], int], ...] = (
    (("openai/gpt-4o-mini", "openai/gpt-4o-mini", "OpenAI", "0.15", "0.6"), 4),
    (("google/gemini-2.5-flash", "google/gemini-2.5-flash", "Google AI Studio", "0.3", "2.5"), 3),
    (("meta-llama/llama-3.3-70b-instruct:free", "meta-llama/llama-3.3-70b-instruct:free", "Chutes", "0", "0"), 1),
)
"""Model asked for, model that answered, host, USD per million tokens of input and output."""


def answers(days: range, per_day: int) -> list[Json]:
    """Calls with their counts and charge; every ninth runs on the company's own key."""
    dice = Dice("openrouter")
    made = []
    for day in days:
        for number in range(per_day):
            asked, answered, host, rate, dear = dice.weighted(MODELS)
            row: Json = {
                "input_tokens": dice.around(100, 3000),
                "output_tokens": dice.around(10, 400),
                "reasoning_output_tokens": 0,
            }
            cost = (Decimal(rate) * row["input_tokens"] + Decimal(dear) * row["output_tokens"]) / 1_000_000
            byok = number % 9 == 8
            made.append({
                "at": at(day, 9 * 3600 + number * 900 + dice.whole(0, 600)), "asked": asked, "answered": answered, "host": host, "id": dice.token("gen-1790000000-", 20),
                "upstream": cost, "cost": Decimal(0) if byok else cost, "byok": byok, "row": row,
            })  # fmt: skip
    return made


def _logged(one: Json) -> Json:
    row = one["row"]
    usage = {
        "prompt_tokens": row["input_tokens"], "completion_tokens": row["output_tokens"], "total_tokens": row["input_tokens"] + row["output_tokens"],
        "cost": float(one["cost"]), "is_byok": one["byok"], "cost_details": {"upstream_inference_cost": float(one["upstream"])},
        "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0, "video_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": 0},
    }  # fmt: skip
    request = {
        "model": one["asked"],
        "messages": [{"role": "user", "content": f"Describe item {one['id'][-4:]} of the autumn catalogue."}],
    }
    answer = {
        "id": one["id"], "object": "chat.completion", "created": seconds(one["at"]), "model": one["answered"], "provider": one["host"],
        "choices": [{"index": 0, "finish_reason": "stop", "native_finish_reason": "stop", "message": {"role": "assistant", "content": "A light jacket."}}],
        "usage": usage,
    }  # fmt: skip
    return call(one["at"], URL, request, answer)


def chat() -> Folder:
    """The files of sample_logs/openrouter_chat."""
    made = answers(range(4, 6), 30)
    rows = [
        {"request_model": one["asked"], **one["row"], "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
        for one in made
    ]
    spend = str(sum((one["cost"] for one in made), Decimal(0)))
    return folder(
        {"requests.jsonl": jsonl(map(_logged, made))},
        {"requests.jsonl": expect("openrouter-chat", rows, spend_usd=spend)},
    )


def _generation(one: Json) -> Json:
    row = one["row"]
    return {
        "data": {
            "id": one["id"], "upstream_id": None, "total_cost": float(one["cost"]), "cache_discount": None, "upstream_inference_cost": float(one["upstream"]),
            "created_at": one["at"].isoformat(), "model": one["answered"], "app_id": 4711, "streamed": False, "cancelled": False, "provider_name": one["host"],
            "latency": 900, "generation_time": 800, "finish_reason": "stop", "native_finish_reason": "stop", "tokens_prompt": row["input_tokens"] - 3,
            "tokens_completion": row["output_tokens"], "native_tokens_prompt": row["input_tokens"], "native_tokens_completion": row["output_tokens"],
            "native_tokens_reasoning": 0, "native_tokens_cached": 0, "usage": float(one["cost"]), "is_byok": one["byok"],
        }
    }  # fmt: skip


def _activity(made: list[Json]) -> list[Json]:
    days: dict[tuple[str, str, str], Counter[str]] = {}
    money: dict[tuple[str, str, str], list[Decimal]] = {}
    for one in made:
        key = (f"{one['at']:%Y-%m-%d}", one["answered"], one["host"])
        slot, sums = days.setdefault(key, Counter()), money.setdefault(key, [Decimal(0), Decimal(0)])
        slot.update(
            {
                "requests": 1,
                "prompt_tokens": one["row"]["input_tokens"],
                "completion_tokens": one["row"]["output_tokens"],
            }
        )
        sums[0] += one["cost"]
        sums[1] += one["upstream"] if one["byok"] else Decimal(0)
    return [
        {
            "date": day, "model": model, "model_permaslug": model, "endpoint_id": f"00000000-0000-4000-a000-{number:012d}", "provider_name": host,
            "usage": float(money[day, model, host][0]), "byok_usage_inference": float(money[day, model, host][1]), **slot, "reasoning_tokens": 0,
        }
        for number, ((day, model, host), slot) in enumerate(days.items())
    ]  # fmt: skip


def api() -> Folder:
    """The files of sample_logs/openrouter_api: days by endpoint, and the generations of other days."""
    daily, single = answers(range(4, 6), 30), answers(range(8, 9), 25)
    days = _activity(daily)
    day_rows = [
        {"request_model": d["model"], "requests": d["requests"], "input_tokens": d["prompt_tokens"], "output_tokens": d["completion_tokens"]} for d in days
    ]  # fmt: skip
    call_rows = [{"request_model": one["answered"], **one["row"], "cache_read_input_tokens": 0} for one in single]
    spends = [str(sum((one["cost"] for one in made), Decimal(0))) for made in (daily, single)]
    files = {"activity.json": pretty({"data": days}), "generations.jsonl": jsonl(map(_generation, single))}
    expected = {
        "activity.json": expect("openrouter-api", day_rows, spend_usd=spends[0]),
        "generations.jsonl": expect("openrouter-api", call_rows, spend_usd=spends[1]),
    }
    return folder(files, expected)
