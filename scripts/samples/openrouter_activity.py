"""OpenRouter's activity page as CSV: one file by generation, one by day, of different days."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from scripts.samples.files import Folder, expect, folder, table
from scripts.samples.openrouter import answers

Json = dict[str, Any]
GENERATIONS = (
    "generation_id", "created_at", "cost_total", "cost_web_search", "cost_cache", "cost_file_processing", "byok_usage_inference", "tokens_prompt",
    "tokens_completion", "tokens_reasoning", "tokens_cached", "model_permaslug", "provider_name", "variant", "cancelled", "streamed", "user",
    "finish_reason_raw", "finish_reason_normalized", "generation_time_ms", "time_to_first_token_ms", "api_key_disabled", "api_key_name", "app_name",
)  # fmt: skip
DAYS = (
    "Date",
    "Slug",
    "Usage",
    "BYOK Usage",
    "Requests",
    "Prompt Tokens",
    "Completion Tokens",
    "Reasoning Tokens",
)


def _generation(one: Json) -> Json:
    slug, _, variant = one["answered"].partition(":")
    row = one["row"]
    return {
        "generation_id": one["id"], "created_at": f"{one['at']:%Y-%m-%d %H:%M:%S}.000", "cost_total": one["cost"], "byok_usage_inference": one["upstream"] if one["byok"] else 0,
        "tokens_prompt": row["input_tokens"], "tokens_completion": row["output_tokens"], "tokens_reasoning": 0, "tokens_cached": 0, "model_permaslug": slug,
        "provider_name": one["host"], "variant": variant or "standard", "cancelled": "false", "streamed": "false", "finish_reason_raw": "stop",
        "finish_reason_normalized": "stop", "generation_time_ms": 800, "time_to_first_token_ms": 300, "api_key_disabled": "false", "api_key_name": "Primary",
        "app_name": "Catalogue",
    }  # fmt: skip


def _by_day(made: list[Json]) -> list[Json]:
    counts: dict[tuple[str, str], Counter[str]] = {}
    money: dict[tuple[str, str], list[Decimal]] = {}
    for one in made:
        key = (f"{one['at']:%Y-%m-%d} 00:00:00", one["answered"])
        row, sums = one["row"], money.setdefault(key, [Decimal(0), Decimal(0)])
        counts.setdefault(key, Counter()).update(
            {"Requests": 1, "Prompt Tokens": row["input_tokens"], "Completion Tokens": row["output_tokens"]}
        )
        sums[0] += one["cost"]
        sums[1] += one["upstream"] if one["byok"] else Decimal(0)
    return [
        {"Date": day, "Slug": slug, "Usage": money[day, slug][0], "BYOK Usage": money[day, slug][1], **found, "Reasoning Tokens": 0}
        for (day, slug), found in counts.items()
    ]  # fmt: skip


def build() -> Folder:
    """The files of sample_logs/openrouter_activity."""
    single, daily = answers(range(11, 12), 25), answers(range(12, 15), 30)
    days = _by_day(daily)
    calls = [{"request_model": one["answered"], **one["row"], "cache_read_input_tokens": 0} for one in single]
    buckets = [
        {"request_model": d["Slug"], "requests": d["Requests"], "input_tokens": d["Prompt Tokens"], "output_tokens": d["Completion Tokens"], "reasoning_output_tokens": 0}
        for d in days
    ]  # fmt: skip
    spends = [str(sum((one["cost"] for one in made), Decimal(0))) for made in (single, daily)]
    files = {
        "openrouter_activity_2026-10-11.csv": table(GENERATIONS, map(_generation, single)),
        "activity_by_day.csv": table(DAYS, days),
    }
    expected = (
        expect("openrouter-activity", calls, spend_usd=spends[0]),
        expect("openrouter-activity", buckets, spend_usd=spends[1]),
    )
    return folder(files, dict(zip(files, expected, strict=True)))
