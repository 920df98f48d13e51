"""Anthropic messages: the sums of the real calls."""

from __future__ import annotations

import json
from typing import Any

from llmcost.sources.anthropic_messages import SOURCE
from tests.sources.cases import rows_of, sample_lines


def test_the_sums_are_those_of_the_raw_answers() -> None:
    records = list(sample_lines("anthropic_messages"))
    usages = [u for r in records if (u := _usage(r["response"])) is not None]
    extra = [i for u in usages for i in u.get("iterations") or [] if i["type"] != "message"]
    rows = rows_of(SOURCE, records)
    main = [r for r in rows if "parent_request_id" not in r]
    assert (len(main), len(rows) - len(main)) == (len(records), len(extra)) == (44, 3)
    assert sum(r.get("input_tokens", 0) for r in main) == sum(_prompt(u) for u in usages)
    assert sum(r.get("input_tokens", 0) for r in rows) == sum(_prompt(u) for u in [*usages, *extra])
    assert sum(r.get("output_tokens", 0) for r in rows) == sum(u["output_tokens"] for u in [*usages, *extra])
    assert sum(r.get("cache_read_input_tokens", 0) for r in rows) == sum(
        u.get("cache_read_input_tokens", 0) for u in [*usages, *extra]
    )
    assert sum(r.get("web_search_requests", 0) for r in rows) == 4
    assert [r["status"] for r in rows].count("error") == 1
    further = {(r["response_model"], r["call_role"]) for r in rows if "parent_request_id" in r}
    assert further == {
        ("claude-fable-5", "subcall"),
        ("claude-opus-4-8", "subcall"),
        ("claude-sonnet-4-6", "summariser"),
    }
    assert {r.get("region") for r in rows} == {None, "global"}


def _prompt(usage: dict[str, Any]) -> int:
    names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return sum(usage.get(name) or 0 for name in names)


def _usage(response: Any) -> dict[str, Any] | None:
    if isinstance(response, dict):
        return response.get("usage")
    events = [json.loads(line[6:]) for line in response.splitlines() if line.startswith("data: {")]
    start = next(e["message"]["usage"] for e in events if e["type"] == "message_start")
    return {**start, **next(e["usage"] for e in events if e["type"] == "message_delta")}
