"""Rows of a LiteLLM gateway's SpendLogs table, as JSON lines and as a CSV export of other days."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from scripts.samples.dice import Dice, at, digest, seconds
from scripts.samples.files import Folder, expect, folder, table

Row = dict[str, Any]
MODELS: tuple[tuple[tuple[str, str, str, str, str], int], ...] = (
    (("openai", "gpt-4o-mini", "0.15", "0.075", "0.6"), 5),
    (("anthropic", "claude-haiku-4-5", "1", "0.1", "5"), 3),
    (("mistral", "mistral-small-2603", "0.15", "0.015", "0.6"), 2),
)
"""Provider, model and what the gateway's price list says for input, cache read and output, USD per million tokens."""
TEAMS = (("team-support", "support-bot"), ("team-growth", "marketing-copy"), ("team-data", "invoice-extraction"))


def clock(moment: datetime) -> str:
    """The table's times: UTC without a zone."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def spent(row: Row, rates: tuple[str, str, str]) -> Decimal:
    """What the gateway computes."""
    plain = row["input_tokens"] - row["cache_read_input_tokens"]
    counts = (plain, row["cache_read_input_tokens"], row["output_tokens"])
    return sum((Decimal(rate) * count for rate, count in zip(rates, counts, strict=True)), Decimal(0)) / 1_000_000


def metadata(row: Row, team: str, alias: str, *, failed: bool) -> str:
    """The metadata column: JSON in a string."""
    usage: Row | None = None
    if not failed:
        usage = {
            "completion_tokens": row["output_tokens"], "prompt_tokens": row["input_tokens"], "total_tokens": row["input_tokens"] + row["output_tokens"],
            "completion_tokens_details": None,
            "prompt_tokens_details": {"cached_tokens": row["cache_read_input_tokens"], "audio_tokens": 0},
        }  # fmt: skip
    return json.dumps({
        "applied_guardrails": [], "attempted_fallbacks": None, "usage_object": usage, "user_api_key": digest(team, 64),
        "user_api_key_alias": alias, "user_api_key_team_id": team, "status": "failure" if failed else "success",
    })  # fmt: skip


def entry(dice: Dice, moment: datetime, *, failed: bool) -> tuple[Row, Row]:
    """A row of the table and what it means."""
    provider, model, *rates = dice.weighted(MODELS)
    team, feature = dice.pick(TEAMS)
    row: Row = {
        "request_model": f"{provider}/{model}",
        "input_tokens": dice.around(300, 4200),
        "output_tokens": dice.around(20, 500),
    }
    row["cache_read_input_tokens"] = 1024 if row["input_tokens"] > 2600 else 0
    spend = spent(row, (rates[0], rates[1], rates[2]))
    end = moment + timedelta(milliseconds=dice.around(600, 6000))
    logged = {
        "request_id": dice.token("chatcmpl-", 32), "call_type": "acompletion", "api_key": digest(team, 64), "spend": 0.0 if failed else float(spend),
        "total_tokens": 0 if failed else row["input_tokens"] + row["output_tokens"], "prompt_tokens": 0 if failed else row["input_tokens"],
        "completion_tokens": 0 if failed else row["output_tokens"], "startTime": clock(moment), "endTime": clock(end),
        "completionStartTime": clock(moment + (end - moment) / 3), "model": model, "model_id": digest(model, 64), "model_group": f"{provider}/{model}",
        "custom_llm_provider": provider, "api_base": "", "user": f"{feature}-service", "metadata": metadata(row, team, f"{feature}-key", failed=failed),
        "cache_hit": "None", "cache_key": "Cache OFF", "request_tags": json.dumps([feature, "production"]), "team_id": team,
        "organization_id": "org-larkspur", "end_user": f"u-{dice.whole(1, 60):04d}", "requester_ip_address": None, "messages": "{}", "response": "{}",
        "proxy_server_request": "{}", "session_id": dice.uuid(), "status": "failure" if failed else "success", "mcp_namespaced_tool_name": None,
        "agent_id": None,
    }  # fmt: skip
    return logged, {"request_model": row["request_model"]} if failed else row


def again_from_cache(logged: Row, moment: datetime) -> Row:
    """The gateway answers from its own cache: the counts stay, nothing is spent, the id gets a suffix."""
    end = moment + timedelta(milliseconds=12)
    return logged | {
        "request_id": f"{logged['request_id']}_cache_hit{seconds(moment)}.25", "spend": 0.0, "cache_hit": "True", "cache_key": digest(logged["request_id"], 64),
        "startTime": clock(moment), "endTime": clock(end), "completionStartTime": clock(end),
    }  # fmt: skip


def days(dice: Dice, first: int, count: int, per_day: int) -> tuple[list[Row], list[Row], dict[str, int]]:
    """Logged rows of some days, what they mean, and how many failed or came from the gateway's cache."""
    logged: list[Row] = []
    rows: list[Row] = []
    failures = hits = 0
    for day in range(first, first + count):
        for number in range(per_day):
            moment = at(day, 7 * 3600 + number * 900 + dice.whole(0, 800))
            failed = dice.chance(0.05)
            entered, row = entry(dice, moment, failed=failed)
            logged.append(entered)
            rows.append(row)
            failures += failed
            if not failed and dice.chance(0.12):
                logged.append(again_from_cache(entered, moment + timedelta(minutes=9)))
                rows.append(row | {"requests": 0})
                hits += 1
    return logged, rows, {"failed": failures, "gateway_cache_hits": hits}


def build() -> Folder:
    """The files of sample_logs/litellm_spend_logs."""
    dice = Dice("litellm")
    files: Folder = {}
    expected = {}
    plans: tuple[tuple[str, int, Callable[[list[Row]], bytes]], ...] = (
        ("spend_logs.jsonl", 0, _lines),
        ("spend_logs.csv", 7, _csv),
    )
    for name, first, written in plans:
        logged, rows, more = days(dice, first, 3, 40)
        files[name] = written(logged)
        expected[name] = expect("litellm-spend-logs", rows, **more)
        expected[name]["spend_usd"] = str(sum((Decimal(str(row["spend"])) for row in logged), Decimal(0)))
    return folder(files, expected)


def _lines(logged: list[Row]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in logged).encode()


def _csv(logged: list[Row]) -> bytes:
    return table(list(logged[0]), logged)
