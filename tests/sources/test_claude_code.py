"""Claude Code's session logs: the real session with its repeated lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest.run import ingest
from llmcost.records import Context, Problem, Record, Row
from llmcost.sources.claude_code import SOURCE
from llmcost.usage.store import Store
from tests.sources.cases import read_all, rows_of, sample_lines
from tests.support import shared_data

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


def _line(
    session: str, message_id: str | None, output: int, *, model: str = "claude-opus-4-8", sidechain: bool = False
) -> dict[str, Any]:
    usage = {"input_tokens": 10, "output_tokens": output, "cache_read_input_tokens": 90}
    message = {"model": model, "role": "assistant", "usage": usage} | ({"id": message_id} if message_id else {})
    stamp = "2026-03-01T10:00:00Z"
    return {"type": "assistant", "uuid": "u", "parentUuid": None, "sessionId": session, "timestamp": stamp, "isSidechain": sidechain, "message": message}  # fmt: skip


def _totals(tmp_path: Path, *files: list[dict[str, Any]], at_once: bool) -> Any:
    paths = []
    for number, lines in enumerate(files):
        paths.append(tmp_path / f"session-{number}.jsonl")
        paths[-1].write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Store(None) as store:
        for group in [paths] if at_once else [[path] for path in paths]:
            ingest(store, [str(path) for path in group])
        return store.rows("SELECT count(*), sum(input_tokens), sum(output_tokens) FROM usage")[0]


def test_resumed_forked_and_sidechain_copies_count_once_in_any_order(tmp_path: Path) -> None:
    first = [_line("s-1", "msg_1", 3), _line("s-1", "msg_1", 172), _line("s-1", "msg_2", 50, sidechain=True)]
    resumed = [_line("s-2", "msg_1", 172), _line("s-2", "msg_3", 8)]
    sidechain = [_line("s-1", "msg_2", 50, sidechain=True), _line("s-1", None, 0, model="<synthetic>")]
    for files in ((first, resumed, sidechain), (sidechain, resumed, first)):
        for at_once in (True, False):
            assert _totals(tmp_path, *files, at_once=at_once) == (3, 300, 230)


def test_calls_without_ids_are_not_one_call(tmp_path: Path) -> None:
    lines = [_line("s-1", None, 5), _line("s-1", None, 5), _line("s-1", None, 6)]
    assert _totals(tmp_path, lines, at_once=True) == (3, 300, 16)
    assert _totals(tmp_path, lines, [_line("s-2", None, 5)], at_once=False) == (4, 400, 21)


def test_the_ingest_makes_170_requests_of_the_real_session() -> None:
    path = shared_data("formats", "claude_code_jsonl", SESSION)
    with Store(None) as store:
        told = ingest(store, [str(path)])
        assert (told.read, told.ingested) == (262, 170)
        assert store.value("SELECT sum(output_tokens) FROM usage") == 51_933


def test_the_real_session_has_two_messages_that_no_line_counts_to_its_end() -> None:
    lines = list(sample_lines("claude_code_jsonl", SESSION))
    told = [r for r in read_all(SOURCE, _records(lines), Context(SESSION)) if isinstance(r, Problem)]
    assert [(problem.kind, problem.rejected, problem.line) for problem in told] == [
        ("output-placeholder", False, 9),  # a text and a tool call
        ("output-placeholder", False, 433),  # a text of 1,544 characters, cut by the publisher
    ]
    assert all("counts 1 output tokens" in problem.detail for problem in told)


def test_few_suspects_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmcost.sources.claude_code._REMEMBERED", 2)
    lines = [_line("s", f"msg_{n}", 1) for n in range(5)]
    for line in lines:
        line["message"]["content"] = [{"type": "text", "text": "x" * 240}]
    found = list(read_all(SOURCE, _records(lines), Context("s")))
    assert [type(r) for r in found] == [Row, Row, Row, Problem, Row, Problem, Row, Problem, Problem, Problem]
    assert [r.line for r in found if isinstance(r, Problem)] == [1, 2, 3, 4, 5]


def _records(lines: list[Any]) -> list[Record]:
    return [Record(line, number) for number, line in enumerate(lines, 1)]
