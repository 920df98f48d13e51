"""OpenTelemetry spans of an agent, one export request a line: roll-ups, tools, chats, embeddings, old attribute names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scripts.samples.dice import Dice, at
from scripts.samples.files import Folder, expect, folder, jsonl

Span = dict[str, Any]
Row = dict[str, Any]


def attribute(name: str, value: str | float | list[str]) -> Span:
    """A typed attribute; whole numbers are text in OTLP/JSON."""
    if isinstance(value, list):
        return {"key": name, "value": {"arrayValue": {"values": [{"stringValue": text} for text in value]}}}
    if isinstance(value, int):
        return {"key": name, "value": {"intValue": str(value)}}
    return {"key": name, "value": {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}}


def nanos(moment: datetime) -> str:
    """Nanoseconds since 1970, as text."""
    return str(int(moment.timestamp() * 1000) * 1_000_000)


def span(dice: Dice, trace: str, parent: str, name: str, start: datetime, milliseconds: int, **attributes: Any) -> Span:
    """One span; dots of attribute names are written as double underscores."""
    return {
        "traceId": trace, "spanId": dice.token("", 16), "parentSpanId": parent, "name": name, "kind": 3, "startTimeUnixNano": nanos(start),
        "endTimeUnixNano": nanos(start + timedelta(milliseconds=milliseconds)),
        "attributes": [attribute(key.replace("__", "."), value) for key, value in attributes.items()], "status": {},
    }  # fmt: skip


def chat(dice: Dice, trace: str, parent: str, start: datetime, *, old: bool) -> tuple[Span, Row]:
    """A chat span and its row; ``old`` writes the names of before 2025."""
    row: Row = {
        "request_model": "gpt-6-luna",
        "input_tokens": dice.around(800, 5200),
        "output_tokens": dice.around(40, 500),
    }
    common = {
        "gen_ai__operation__name": "chat", "gen_ai__request__model": "gpt-6-luna", "gen_ai__response__model": "gpt-6-luna",
        "gen_ai__response__id": dice.token("chatcmpl-"), "gen_ai__request__temperature": 0.2, "gen_ai__response__finish_reasons": ["stop"],
    }  # fmt: skip
    if old:
        names = {
            "gen_ai__system": "openai",
            "gen_ai__usage__prompt_tokens": row["input_tokens"],
            "gen_ai__usage__completion_tokens": row["output_tokens"],
        }
    else:
        row |= {"cache_read_input_tokens": row["input_tokens"] // 256 * 128, "cache_creation_input_tokens": 0}
        row["reasoning_output_tokens"] = row["output_tokens"] // 4
        names = {
            "gen_ai__provider__name": "openai", "gen_ai__conversation__id": f"thread-{trace[:6]}", "gen_ai__usage__input_tokens": row["input_tokens"],
            "gen_ai__usage__output_tokens": row["output_tokens"], "gen_ai__usage__cache_read__input_tokens": row["cache_read_input_tokens"],
            "gen_ai__usage__cache_creation__input_tokens": 0, "gen_ai__usage__reasoning__output_tokens": row["reasoning_output_tokens"],
            "openai__response__service_tier": "default",
        }  # fmt: skip
    return span(dice, trace, parent, "chat gpt-6-luna", start, dice.around(700, 4000), **common, **names), row


def turn(dice: Dice, start: datetime, *, old: bool) -> tuple[list[Span], list[Row]]:
    """One question to the agent: the agent's span repeats the sum of its chats, tools use no tokens."""
    trace = dice.token("", 32)
    agent = span(
        dice,
        trace,
        "",
        "invoke_agent returns-helper",
        start,
        20_000,
        gen_ai__operation__name="invoke_agent",
        gen_ai__agent__name="returns-helper",
    )
    spans, rows = [agent], []
    for number in range(dice.whole(2, 4)):
        when = start + timedelta(milliseconds=500 + number * 5000)
        made, row = chat(dice, trace, agent["spanId"], when, old=old)
        spans += [
            made,
            span(
                dice,
                trace,
                agent["spanId"],
                "execute_tool find_order",
                when + timedelta(seconds=4),
                80,
                gen_ai__operation__name="execute_tool",
            ),
        ]
        rows.append(row)
    if not old:
        asked = dice.around(20, 200)
        names = {
            "gen_ai__operation__name": "embeddings", "gen_ai__provider__name": "openai", "gen_ai__request__model": "text-embedding-3-small",
            "gen_ai__usage__input_tokens": asked,
        }  # fmt: skip
        spans.append(
            span(
                dice,
                trace,
                agent["spanId"],
                "embeddings text-embedding-3-small",
                start + timedelta(milliseconds=100),
                90,
                **names,
            )
        )
        rows.append({"request_model": "text-embedding-3-small", "input_tokens": asked})
    agent["attributes"] += [
        attribute("gen_ai.usage.input_tokens", sum(row["input_tokens"] for row in rows)),
        attribute("gen_ai.usage.output_tokens", sum(row.get("output_tokens", 0) for row in rows)),
    ]
    return spans, rows


def build() -> Folder:
    """The files of sample_logs/otlp_json."""
    dice = Dice("otlp")
    resource = {
        "attributes": [
            attribute("service.name", "returns-helper"),
            attribute("deployment.environment.name", "production"),
        ]
    }
    lines: list[Span] = []
    rows: list[Row] = []
    rolled = tools = 0
    for number in range(24):
        old = number % 8 == 7
        spans, made = turn(dice, at(24 + number // 12, 10 * 3600 + (number % 12) * 600 + dice.whole(0, 200)), old=old)
        scope = {"name": "larkspur.agents", "version": "0.3.0" if old else "1.2.0"}
        lines.append({"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]})
        rows += made
        rolled += 1
        tools += sum(s["name"].startswith("execute_tool") for s in spans)
    return folder(
        {"traces.jsonl": jsonl(lines)},
        {"traces.jsonl": expect("otlp-json", rows, roll_up_spans=rolled, tool_spans=tools)},
    )
