"""Codex CLI's rollouts: the real fork by differences of totals, in any order; ids that copies share and others do not."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest.run import ingest
from llmcost.records import Context, Problem, Record, Row
from llmcost.sources.codex import SOURCE
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store
from tests.sources.cases import read_all
from tests.support import shared_data

FORK = "live-fork-4d90-52bf__"


def _event(total: int, out: int, at: int = 0) -> dict[str, Any]:
    usage = {"input_tokens": total, "cached_input_tokens": 0, "output_tokens": out, "total_tokens": total + out}
    stamp = f"2026-03-01T10:00:{at:02d}Z"
    return {"timestamp": stamp, "type": "event_msg", "payload": {"type": "token_count", "info": {"total_token_usage": usage}}}  # fmt: skip


def _meta(own: str, forked_from: str | None = None) -> dict[str, Any]:
    return {"type": "session_meta", "payload": {"id": own, "forked_from_id": forked_from}}


def _ids(lines: Iterable[dict[str, Any]]) -> list[Any]:
    found = read_all(SOURCE, [Record(line, n) for n, line in enumerate(lines, 1)], Context("rollout"))
    return [reading.usage["request_id"] for reading in found if isinstance(reading, Row) and reading.usage]


def _oracle(path: Path) -> int:
    """Tokens of the last running totals: what the whole history cost."""
    events = [json.loads(line)["payload"] for line in path.read_text(encoding="utf-8").splitlines()]
    totals = [e["info"]["total_token_usage"] for e in events if e.get("type") == "token_count" and e["info"]]
    return int(totals[-1]["input_tokens"] + totals[-1]["output_tokens"])


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("names", list(itertools.permutations(("parent", "child"))))
def test_the_real_fork_counts_its_copied_beginning_once(names: tuple[str, ...], *, at_once: bool) -> None:
    paths = [shared_data("formats", "codex_rollout_jsonl", f"{FORK}{name}.jsonl") for name in names]
    with Store(None) as store:
        for group in [paths] if at_once else [[path] for path in paths]:
            ingest(store, [str(path) for path in group])
        rows, tokens = store.rows("SELECT count(*), sum(input_tokens + output_tokens) FROM usage")[0]
        first = {store_digest(store)}
    assert (rows, tokens) == (194, 26_801_911)
    assert tokens == _oracle(shared_data("formats", "codex_rollout_jsonl", f"{FORK}child.jsonl"))
    with Store(None) as store:
        ingest(store, [str(path) for path in reversed(paths)])
        assert {store_digest(store)} == first


def test_a_copied_history_has_the_ids_of_the_original_and_what_follows_has_its_own() -> None:
    parent = _ids([_meta("p"), _event(10, 1), _event(20, 2), _event(35, 3)])
    child = _ids([_meta("c", "p"), _event(10, 1, 9), _event(20, 2, 9), _event(90, 3, 9)])
    assert child[:2] == parent[:2]
    assert child[2] not in parent
    assert len(set(parent)) == 3


def test_a_copy_of_a_copy_brings_the_headers_of_both() -> None:
    child = _ids([_meta("c", "p"), _meta("p"), _event(10, 1), _event(20, 2)])
    grandchild = _ids([_meta("g", "c"), _meta("c", "p"), _meta("p"), _event(10, 1), _event(20, 2), _event(30, 3)])
    assert grandchild[:2] == child == _ids([_meta("p"), _event(10, 1), _event(20, 2)])


def test_two_sessions_with_the_same_counts_are_not_one() -> None:
    assert not set(_ids([_meta("a"), _event(10, 1)])) & set(_ids([_meta("b"), _event(10, 1)]))


def test_equal_calls_inside_a_session_are_told_apart() -> None:
    assert len(set(_ids([_meta("a"), _event(10, 1), _event(20, 2), _event(30, 3)]))) == 3


def test_an_event_that_changed_nothing_changes_no_id() -> None:
    told_twice = [_meta("a"), _event(10, 2), _event(10, 2), _event(30, 5)]
    assert _ids(told_twice) == _ids([_meta("a"), _event(10, 2), _event(30, 5)])


def test_a_call_that_came_without_totals_is_not_counted_again_by_the_first_totals() -> None:
    only_last = _event(10, 2)
    only_last["payload"]["info"] = {"last_token_usage": only_last["payload"]["info"]["total_token_usage"]}
    lines = [_meta("a"), only_last, _event(30, 5)]
    found = read_all(SOURCE, [Record(line, n) for n, line in enumerate(lines, 1)], Context("rollout"))
    rows = [reading.usage for reading in found if isinstance(reading, Row) and reading.usage]
    assert [(row["input_tokens"], row["output_tokens"]) for row in rows] == [(10, 2), (20, 3)]


def _calls(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    found = read_all(SOURCE, [Record(line, n) for n, line in enumerate(lines, 1)], Context("rollout"))
    rows = [reading.usage for reading in found if isinstance(reading, Row) and reading.usage]
    return [(row["conversation_id"], row["input_tokens"], row["request_id"]) for row in rows]


def test_sessions_put_together_in_one_file_are_read_as_in_files_of_their_own() -> None:
    first = [_meta("a"), _event(10, 2), _event(30, 5)]
    second = [_meta("b"), _event(8, 1), _event(40, 6)]
    forked = [_meta("c", "a"), _meta("a"), _event(10, 2), _event(30, 5), _event(90, 9)]
    apart = _calls(first) + _calls(second) + _calls(forked)
    assert _calls([*first, *second, *forked]) == apart
    assert [(origin, given) for origin, given, _ in apart] == [
        ("a", 10), ("a", 20), ("b", 8), ("b", 32), ("a", 10), ("a", 20), ("a", 60),
    ]  # fmt: skip


def test_a_longer_session_behind_a_shorter_one_is_told_by_its_first_call() -> None:
    larger = _event(50, 7)
    larger["payload"]["info"]["last_token_usage"] = larger["payload"]["info"]["total_token_usage"]
    assert [call[:2] for call in _calls([_meta("a"), _event(10, 2), _meta("b"), larger])] == [("a", 10), ("b", 50)]


def test_a_header_inside_a_copied_history_begins_no_session() -> None:
    resumed = _event(30, 5)
    resumed["payload"]["info"]["last_token_usage"] = {"input_tokens": 20, "output_tokens": 3, "total_tokens": 23}
    parent = [_meta("a"), _event(10, 2), _meta("a"), resumed]
    child = [_meta("b", "a"), *parent, _event(90, 9)]
    assert [call[2] for call in _calls(child)][:2] == [call[2] for call in _calls(parent)]
    assert [call[1] for call in _calls(child)] == [10, 20, 60]


def test_runs_of_exec_in_one_file_are_sessions_of_their_own() -> None:
    def run(thread: str, total: int) -> list[dict[str, Any]]:
        usage = {"input_tokens": total, "cached_input_tokens": 0, "output_tokens": 1}
        return [{"type": "thread.started", "thread_id": thread}, {"type": "turn.completed", "usage": usage}]

    assert [call[:2] for call in _calls([*run("t-1", 10), *run("t-2", 25)])] == [("t-1", 10), ("t-2", 25)]
    assert [call[:2] for call in _calls([*run("t-1", 10), *run("t-1", 25)])] == [("t-1", 10), ("t-1", 15)]


def test_lines_in_another_order_are_told_and_do_not_add_up_falls_and_rises() -> None:
    events = []
    for at, total in enumerate((10, 30, 60, 100)):
        event = _event(total, 0, at)
        event["payload"]["info"]["last_token_usage"] = {"input_tokens": (at + 1) * 10, "output_tokens": 0}
        events.append(event)
    lines = [_meta("a"), events[0], events[2], events[1], events[3]]
    found = list(read_all(SOURCE, [Record(line, n) for n, line in enumerate(lines, 1)], Context("rollout")))
    assert [r.kind for r in found if isinstance(r, Problem)] == ["out-of-order"]
    assert [call[1] for call in _calls(lines)] == [10, 50, 20, 40]


@pytest.mark.parametrize("names", list(itertools.permutations(("parent", "child"))))
def test_the_real_fork_in_one_file_counts_its_copied_beginning_once(names: tuple[str, ...], tmp_path: Path) -> None:
    texts = [shared_data("formats", "codex_rollout_jsonl", f"{FORK}{name}.jsonl").read_text() for name in names]
    path = tmp_path / "all.jsonl"
    path.write_text("\n".join(text.rstrip("\n") for text in texts) + "\n")
    with Store(None) as store:
        ingest(store, [str(path)])
        assert store.rows("SELECT count(*), sum(input_tokens + output_tokens) FROM usage") == [(194, 26_801_911)]
