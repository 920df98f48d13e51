"""Claude Code's session logs: the real session with its repeated lines."""

from __future__ import annotations

from typing import Any

from llmcost.sources.claude_code import SOURCE
from tests.sources.cases import rows_of, sample_lines

SESSION = "fe5e1c67-53e7-4862-81ae-d0e013e3270b.jsonl"


def _kept(rows: list[dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """What the ingest does: of one request the line with the most output stays, at the earliest time."""
    kept: dict[Any, dict[str, Any]] = {}
    for row in rows:
        key = (row["provider_name"], row["request_id"])
        first = kept.setdefault(key, row)
        best = max(first, row, key=lambda r: r["output_tokens"])
        kept[key] = {**best, "started_at": min(first["started_at"], row["started_at"])}
    return kept


def test_the_real_session_is_170_requests_in_262_lines() -> None:
    lines = list(sample_lines("claude_code_jsonl", SESSION))
    rows = rows_of(SOURCE, lines)
    kept = _kept(rows)
    assert (len(rows), len(kept)) == (262, 170)
    usages: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line["type"] == "assistant":
            message = line["message"]
            usages.setdefault(message["id"], {"output_tokens": 0})
            usages[message["id"]] = max(usages[message["id"]], message["usage"], key=lambda u: u["output_tokens"])
    for column, keys in {
        "input_tokens": ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
        "cache_read_input_tokens": ("cache_read_input_tokens",),
        "cache_creation_input_tokens": ("cache_creation_input_tokens",),
        "output_tokens": ("output_tokens",),
    }.items():
        assert sum(row[column] for row in kept.values()) == sum(usage[key] for usage in usages.values() for key in keys)
    assert sum(row["output_tokens"] for row in kept.values()) == 51_933
    assert {row["response_model"] for row in kept.values()} == {
        line["message"]["model"] for line in lines if line["type"] == "assistant"
    }
