"""The story as the providers bill it: cost exports of OpenAI and Anthropic, and the tokens of Anthropic's console.

The amounts are the month's tokens at the list prices of those days, written out here, and two charges that no usage
export shows: searches on 17 October and code execution on the 9th.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from scripts.samples.buckets import model_of_bucket, provider_days
from scripts.samples.dice import MONTH, seconds
from scripts.samples.files import Expected, Folder, expect, folder, packed, pretty, table
from scripts.samples.story import ORGANIZATION, Row

DIMENSIONS: Final = ("response_model", "project", "api_key_id")
OPENAI_RATES: Final = {
    "gpt-6.1-sol": {"input": "2", "cached input": "0.1", "cache write": "2.5", "output": "10"},
    "gpt-6-luna": {"input": "0.1", "cached input": "0.01", "cache write": "0.125", "output": "0.5"},
    "text-embedding-3-small": {"input": "0.02", "output": "0"},
}
ANTHROPIC_RATES: Final = {
    "claude-opus-5-5": {"input": "4", "read": "0.2", "5m": "5", "1h": "8", "output": "20"},
    "claude-sonnet-5-5": {"input": "2", "read": "0.1", "5m": "2.5", "1h": "4", "output": "10"},
}
"""USD a million tokens in October 2026; Sonnet read for 0.2 until the 7th."""
_KINDS: Final = {
    "input": ("uncached_input_tokens", "input_no_cache", "Input Tokens"),
    "read": ("cache_read_input_tokens", "input_cache_read", "Input Tokens, Cache Read"),
    "5m": ("cache_creation.ephemeral_5m_input_tokens", "input_cache_write_5m", "Input Tokens, Cache Write 5m"),
    "1h": ("cache_creation.ephemeral_1h_input_tokens", "input_cache_write_1h", "Input Tokens, Cache Write 1h"),
    "output": ("output_tokens", "output", "Output Tokens"),
}
"""Our word -> the report's, the console's, and the one in the report's description."""
Charge = tuple[int, str | None, str, Row, Decimal, int]
"""Day of the month from 0, model, kind, the bucket, dollars and tokens."""


def _usd(tokens: int, rate: str) -> Decimal:
    return Decimal(tokens) * Decimal(rate) / 1_000_000


def _openai() -> Iterator[Charge]:
    for day, rows in enumerate(provider_days("openai", DIMENSIONS)):
        for row in rows:
            read, written = row["cache_read_input_tokens"], row["cache_creation_input_tokens"]
            counts = {"input": row["input_tokens"] - read - written, "cached input": read, "cache write": written, "output": row["output_tokens"]}  # fmt: skip
            for kind, rate in OPENAI_RATES[row["response_model"]].items():
                if counts[kind]:
                    yield day, row["response_model"], kind, row, _usd(counts[kind], rate), counts[kind]
        if day == 16:
            yield day, None, "web search tool calls", {"project": "proj_data"}, Decimal("1.2"), 120


def _times(day: int, days: int = 1) -> tuple[datetime, datetime]:
    return MONTH + timedelta(days=day), MONTH + timedelta(days=day + days)


def _item(charge: Charge) -> str:
    return charge[2] if charge[1] is None else f"{charge[1]}, {charge[2]}"


def openai_costs() -> Folder:
    """The files of sample_logs/openai_costs: ten days as CSV of 2025, ten as CSV of 2026, the rest by line item from the API."""
    charges = list(_openai())
    data: list[Row] = []
    for day in range(20, 31):
        start, end = _times(day)
        results = [_cost_result(charge) for charge in charges if charge[0] == day]
        data.append({"object": "bucket", "start_time": seconds(start), "end_time": seconds(end), "results": results})
    page, old, new = "costs-page.json", "cost_2026-10-01_2026-10-10.csv", "cost_2026-10-11_2026-10-20.csv"
    early, late = _sums(charges, 0, 10), [charge for charge in charges if 10 <= charge[0] < 20]
    files = {
        page: pretty({"object": "page", "data": data, "has_more": False, "next_page": None}),
        old: table(_CSV_2025, early),
        new: table(_CSV_2026, map(_csv_2026, late)),
    }
    amounts = [Decimal(line["amount_value"]) for line in early if "amount_value" in line]
    return folder(
        files,
        {
            page: _expected("openai-costs", [charge[4] for charge in charges if charge[0] >= 20]),
            old: _expected("openai-costs", amounts, skipped=1),
            new: _expected("openai-costs", [charge[4] for charge in late]),
        },
    )


def _cost_result(charge: Charge) -> Row:
    _, _, _, row, usd, tokens = charge
    return {
        "object": "organization.costs.result", "amount": {"value": f"{usd:.22f}", "currency": "usd"}, "line_item": _item(charge),
        "project_id": row["project"], "api_key_id": row.get("api_key_id"), "quantity": tokens, "quantity_unit": "tokens" if charge[1] else None,
    }  # fmt: skip


_TIMES = ("start_time", "end_time", "start_time_iso", "end_time_iso")
_CSV_2025 = (
    *_TIMES,
    "amount_value",
    "amount_currency",
    "line_item",
    "project_id",
    "organization_id",
    "organization_name",
)
_CSV_2026 = (
    *_TIMES, "amount_value", "amount_currency", "quantity", "quantity_unit", "line_item", "user_id", "api_key_id", "project_id", "organization_id",
    "project_name", "organization_name", "user_email", "api_source",
)  # fmt: skip


def _stamps(day: int, zone: str) -> Row:
    start, end = _times(day)
    named = dict(zip(_TIMES, (seconds(start), seconds(end)), strict=False))
    return named | {
        "start_time_iso": f"{start:%Y-%m-%dT%H:%M:%S}{zone}",
        "end_time_iso": f"{end:%Y-%m-%dT%H:%M:%S}{zone}",
    }


def _sums(charges: Sequence[Charge], first: int, last: int) -> list[Row]:
    """One line a day, not grouped; 4 October, on which nobody looked, is a line without a charge."""
    lines = []
    for day in range(first, last):
        usd = sum((c[4] for c in charges if c[0] == day), Decimal(0))
        charged = {
            "amount_value": f"{usd:.16f}",
            "amount_currency": "usd",
            "organization_id": ORGANIZATION,
            "organization_name": "Larkspur",
        }
        lines.append(_stamps(day, "+00:00") | (charged if day != 3 else {}))
    return lines


def _csv_2026(charge: Charge) -> Row:
    day, model, _, row, usd, tokens = charge
    return _stamps(day, "") | {
        "amount_value": f"{usd:.30f}", "amount_currency": "usd", "quantity": float(tokens), "quantity_unit": "tokens" if model else "",
        "line_item": _item(charge), "api_key_id": row.get("api_key_id"), "project_id": row["project"], "project_name": row["project"].removeprefix("proj_"),
        "organization_id": ORGANIZATION, "organization_name": "Larkspur", "user_email": "platform@larkspur.example", "api_source": "api",
    }  # fmt: skip


def _expected(source: str, amounts: Sequence[Decimal], **more: Any) -> Expected:
    empty = expect(source, [], requests=None, **more)
    return empty | {"billed": {"rows": len(amounts), "cost": str(sum(amounts, Decimal(0)).normalize())}}


def _anthropic() -> Iterator[Charge]:
    for day, rows in enumerate(provider_days("anthropic", DIMENSIONS)):
        for row in rows:
            rates = dict(ANTHROPIC_RATES[row["response_model"]])
            if row["response_model"] == "claude-sonnet-5-5" and day < 6:
                rates["read"] = "0.2"
            for kind, tokens in _split(row).items():
                if tokens:
                    yield day, row["response_model"], kind, row, _usd(tokens, rates[kind]), tokens
        if day == 8:
            yield (
                day,
                None,
                "code execution",
                {"project": "wrkspc_platform", "api_key_id": "apikey_platform"},
                Decimal("0.35"),
                0,
            )


def _split(row: Row) -> dict[str, int]:
    read, written, hour = (row[f"cache_{name}_input_tokens"] for name in ("read", "creation", "creation_1h"))
    return {"input": row["input_tokens"] - read - written, "read": read, "5m": written - hour, "1h": hour, "output": row["output_tokens"]}  # fmt: skip


def _display(model: str) -> str:
    family, major, minor = model.removeprefix("claude-").split("-")
    return f"Claude {family.title()} {major}.{minor}"


def anthropic_cost_report() -> Folder:
    """The file of sample_logs/anthropic_cost_report: amounts in cents, as texts."""
    charges = list(_anthropic())
    data: list[Row] = []
    for day in range(31):
        start, end = _times(day)
        results = [_report_result(charge) for charge in charges if charge[0] == day]
        data.append({"starting_at": f"{start:%Y-%m-%dT%H:%M:%SZ}", "ending_at": f"{end:%Y-%m-%dT%H:%M:%SZ}", "results": results})  # fmt: skip
    page = packed(pretty({"data": data, "has_more": False, "next_page": None}))
    return folder(
        {"cost_report.json.gz": page},
        {"cost_report.json.gz": _expected("anthropic-cost-report", [c[4] for c in charges])},
    )


def _report_result(charge: Charge) -> Row:
    _, model, kind, row, usd, _ = charge
    token_type, _, words = _KINDS.get(kind, (None, None, None))
    return {
        "currency": "USD", "amount": f"{usd * 100:.12f}".rstrip("0").rstrip("."), "workspace_id": row["project"],
        "description": f"{_display(model)} Usage - {words}" if model else "Code Execution Usage", "cost_type": "tokens" if model else "code_execution",
        "context_window": "0-200k" if model else None, "model": model, "service_tier": "standard" if model else None, "token_type": token_type,
        "inference_geo": "global" if model else None,
    }  # fmt: skip


def anthropic_console() -> Folder:
    """The files of sample_logs/anthropic_console: ten days in each of the three headers the console has had."""
    days = provider_days("anthropic", DIMENSIONS)
    files, expected = {}, {}
    for generation, (name, first, last) in enumerate((("2026_10_01-10", 0, 10), ("2026_10_11-20", 10, 20), ("2026_10_21-31", 20, 31))):  # fmt: skip
        file = f"claude_api_tokens_{name}.csv"
        rows = [(day, row) for day in range(first, last) for row in days[day]]
        files[file] = table(_HEADERS[generation], (_token_line(day, row) for day, row in rows))
        counted = [model_of_bucket(row) | {"reasoning_output_tokens": None} for _, row in rows]
        if generation == 0:
            counted = [row | {"cache_creation_1h_input_tokens": None} for row in counted]
        expected[file] = expect("anthropic-console", counted, requests=None)
        for sums in expected[file]["by_model"].values():
            sums["requests"] = None
    return folder(files, expected)


_HEAD = ("usage_date_utc", "model_version", "api_key", "workspace", "usage_type")
_CACHE = "usage_input_tokens_cache_"
_TAIL = (f"{_CACHE}read", "usage_output_tokens", "web_search_count")
_HEADERS = (
    (*_HEAD, "usage_input_tokens_no_cache", f"{_CACHE}write", *_TAIL),
    (*_HEAD, "usage_input_tokens_no_cache", f"{_CACHE}write_5m", f"{_CACHE}write_1h", *_TAIL),
    (*_HEAD, "context_window", "usage_input_tokens_no_cache", f"{_CACHE}write_5m", f"{_CACHE}write_1h", *_TAIL, "inference_geo", "speed"),
)  # fmt: skip


def _token_line(day: int, row: Row) -> Row:
    parts = _split(row)
    return {
        "usage_date_utc": f"{_times(day)[0]:%Y-%m-%d}", "model_version": row["response_model"], "api_key": row["api_key_id"].removeprefix("apikey_"),
        "workspace": row["project"].removeprefix("wrkspc_"), "usage_type": "standard", "context_window": "≤ 200k",
        "usage_input_tokens_no_cache": parts["input"], f"{_CACHE}write": parts["5m"] + parts["1h"], f"{_CACHE}write_5m": parts["5m"],
        f"{_CACHE}write_1h": parts["1h"], f"{_CACHE}read": parts["read"], "usage_output_tokens": parts["output"], "web_search_count": 0,
        "inference_geo": "global", "speed": "",
    }  # fmt: skip


def anthropic_console_cost() -> Folder:
    """The file of sample_logs/anthropic_console_cost: display names, and amounts rounded to cents."""
    header = ("usage_date_utc", "model", "workspace", "api_key", "usage_type", "context_window", "token_type", "cost_usd", "list_price_usd", "cost_type",
              "inference_geo", "speed", "api_key_id", "api_key_status")  # fmt: skip
    lines: list[Row] = []
    for day, model, kind, row, usd, _ in _anthropic():
        cents = f"{usd:.2f}"
        lines.append({
            "usage_date_utc": f"{_times(day)[0]:%Y-%m-%d}", "model": _display(model) if model else "", "workspace": row["project"].removeprefix("wrkspc_"),
            "api_key": row["api_key_id"].removeprefix("apikey_"), "usage_type": "message", "context_window": "≤ 200k" if model else "",
            "token_type": _KINDS[kind][1] if model else "", "cost_usd": cents, "list_price_usd": cents,
            "cost_type": "token" if model else "code_execution", "inference_geo": "global", "speed": "", "api_key_id": row["api_key_id"],
            "api_key_status": "active",
        })  # fmt: skip
    name = "claude_api_cost_2026_10.csv"
    amounts = [Decimal(line["cost_usd"]) for line in lines]
    return folder({name: table(header, lines)}, {name: _expected("anthropic-console-cost", amounts)})
