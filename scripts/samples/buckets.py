"""The story as the providers count it: daily buckets of OpenAI's and Anthropic's usage exports.

They cover the same spend as sample_logs/usage_rows, so the two can be reconciled; calls that failed without
an answer are in no bucket.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from scripts.samples.dice import DAYS, MONTH, digest, seconds
from scripts.samples.files import COUNTERS, Expected, Folder, expect, folder, pretty, table
from scripts.samples.story import Row, month

Key = tuple[Any, ...]
CSV_HEADER = (
    "start_time", "end_time", "start_time_iso", "end_time_iso", "project_id", "num_model_requests", "user_id", "api_key_id", "model", "batch",
    "service_tier", "input_tokens", "output_tokens", "input_cached_tokens", "input_uncached_tokens", "input_text_tokens", "output_text_tokens",
    "input_cached_text_tokens", "input_audio_tokens", "input_cached_audio_tokens", "output_audio_tokens", "input_image_tokens",
    "input_cached_image_tokens", "output_image_tokens",
)  # fmt: skip


def daily(rows: Iterable[Row], dimensions: Sequence[str]) -> list[list[Row]]:
    """One list a day of sums by the dimensions, with our column names."""
    days: list[dict[Key, Row]] = [{} for _ in range(DAYS)]
    for row in rows:
        if row["status"] == "error":
            continue
        group = days[int(row["started_at"][8:10]) - 1]
        key = tuple(row.get(name) for name in dimensions)
        empty = dict(zip(dimensions, key, strict=True)) | dict.fromkeys(("requests", *COUNTERS), 0)
        bucket = group.setdefault(key, empty)
        bucket["requests"] += 1
        for name in COUNTERS:
            bucket[name] += row.get(name) or 0
    return [[day[key] for key in sorted(day, key=str)] for day in days]


def provider_days(provider: str, dimensions: Sequence[str], operation: str | None = None) -> list[list[Row]]:
    """The buckets of one provider, of one operation or of all."""
    rows = (row for row in month() if row["provider_name"] == provider)
    return daily((row for row in rows if operation is None or row["operation_name"] == operation), dimensions)


def model_of_bucket(row: Row) -> Row:
    """Buckets name the model that answered; it stands for the model asked for."""
    return row | {"request_model": row["response_model"]}


def _openai_result(row: Row, kind: str) -> Row:
    read, written = row["cache_read_input_tokens"], row["cache_creation_input_tokens"]
    uncached = row["input_tokens"] - read - written
    result: Row = {"object": f"organization.usage.{kind}.result", "input_tokens": row["input_tokens"]}
    if kind == "completions":
        result |= {
            "input_cached_tokens": read, "input_cache_write_tokens": written, "input_uncached_tokens": uncached,
            "output_tokens": row["output_tokens"], "input_text_tokens": uncached, "output_text_tokens": row["output_tokens"],
            "input_cached_text_tokens": read, "input_audio_tokens": 0, "input_cached_audio_tokens": 0, "output_audio_tokens": 0,
            "input_image_tokens": 0, "input_cached_image_tokens": 0, "output_image_tokens": 0,
        }  # fmt: skip
    result |= {
        "num_model_requests": row["requests"], "project_id": row["project"], "user_id": None, "api_key_id": row["api_key_id"],
        "model": row["response_model"],
    }  # fmt: skip
    return result | ({"batch": False, "service_tier": "default"} if kind == "completions" else {})


def _page(days: Sequence[tuple[int, list[Row]]], kind: str, following: str | None) -> bytes:
    data = [
        {
            "object": "bucket",
            "start_time": seconds(MONTH + timedelta(days=day)),
            "end_time": seconds(MONTH + timedelta(days=day + 1)),
            "results": [_openai_result(row, kind) for row in rows],
        }
        for day, rows in days
    ]
    return pretty({"object": "page", "data": data, "has_more": following is not None, "next_page": following})


def _bucket_expect(source: str, rows: Iterable[Row], **more: Any) -> Expected:
    """Buckets say nothing of reasoning."""
    return expect(source, [model_of_bucket(row) | {"reasoning_output_tokens": None} for row in rows], **more)


def openai_usage() -> Folder:
    """The files of sample_logs/openai_usage: completions in two pages, embeddings in one with empty days."""
    dimensions = ("response_model", "project", "api_key_id")
    chat = list(enumerate(provider_days("openai", dimensions, "chat")))
    embeddings = [
        (day, rows if day % 7 < 5 else []) for day, rows in enumerate(provider_days("openai", dimensions, "embeddings"))
    ]
    pages = {"completions-page-1.json": chat[:16], "completions-page-2.json": chat[16:]}
    expected = {
        name: _bucket_expect("openai-usage", (row for _, rows in days for row in rows)) for name, days in pages.items()
    }
    expected["embeddings.json"] = _bucket_expect("openai-usage", (row for _, rows in embeddings for row in rows))
    following = f"page_{digest('next page')}"
    files = {
        "completions-page-1.json": _page(chat[:16], "completions", following),
        "completions-page-2.json": _page(chat[16:], "completions", None),
        "embeddings.json": _page(embeddings, "embeddings", None),
    }
    return folder(files, expected)


def openai_dashboard() -> Folder:
    """The files of sample_logs/openai_dashboard: counts as floats, days without use as rows with four fields."""
    days = provider_days("openai", ("response_model", "project", "api_key_id"), "chat")
    lines: list[Row] = []
    for day, rows in enumerate(days):
        start, end = MONTH + timedelta(days=day), MONTH + timedelta(days=day + 1)
        times = {
            "start_time": seconds(start),
            "end_time": seconds(end),
            "start_time_iso": start.isoformat(),
            "end_time_iso": end.isoformat(),
        }
        quiet = day in {3, 10}
        lines += [times] if quiet else [times | _csv_row(row) for row in rows]
    kept = [row for day, rows in enumerate(days) if day not in {3, 10} for row in rows]
    counted = [row | {"cache_creation_input_tokens": None} for row in kept]
    name = "completions_usage_2026-10-01_2026-10-31.csv"
    return folder({name: table(CSV_HEADER, lines)}, {name: _bucket_expect("openai-dashboard", counted, skipped=2)})


def _csv_row(row: Row) -> Row:
    result = _openai_result(row, "completions")
    uncached = row["input_tokens"] - row["cache_read_input_tokens"]
    result |= {
        "input_uncached_tokens": uncached,
        "input_text_tokens": uncached,
        "user_id": f"user-{digest(row['api_key_id'])}",
    }
    return {
        k: float(v) if isinstance(v, int) and not isinstance(v, bool) else v
        for k, v in result.items()
        if k in CSV_HEADER
    }


def anthropic_usage_report() -> Folder:
    """The file of sample_logs/anthropic_usage_report: the input without its cached part, no count of requests."""
    days = provider_days("anthropic", ("response_model", "project", "api_key_id"))
    data = [
        {
            "starting_at": f"{MONTH + timedelta(days=day):%Y-%m-%dT%H:%M:%SZ}",
            "ending_at": f"{MONTH + timedelta(days=day + 1):%Y-%m-%dT%H:%M:%SZ}",
            "results": [_anthropic_result(row) for row in rows],
        }
        for day, rows in enumerate(days)
    ]
    page = pretty({"data": data, "has_more": False, "next_page": None})
    name = "usage_report_messages.json"
    expected = _bucket_expect("anthropic-usage-report", (row for rows in days for row in rows), requests=None)
    for sums in expected["by_model"].values():
        sums["requests"] = None
    return folder({name: page}, {name: expected})


def _anthropic_result(row: Row) -> Row:
    read, written, hour = (row[f"cache_{name}_input_tokens"] for name in ("read", "creation", "creation_1h"))
    return {
        "uncached_input_tokens": row["input_tokens"] - read - written,
        "cache_creation": {"ephemeral_1h_input_tokens": hour, "ephemeral_5m_input_tokens": written - hour},
        "cache_read_input_tokens": read,
        "output_tokens": row["output_tokens"],
        "server_tool_use": {"web_search_requests": 0},
        "api_key_id": row["api_key_id"],
        "workspace_id": row["project"],
        "model": row["response_model"],
        "service_tier": "standard",
        "context_window": "0-200k",
        "inference_geo": "global",
        "account_id": None,
        "service_account_id": None,
    }
