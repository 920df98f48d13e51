"""The shorter ways to what prompt caches give are ways to the same answer."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pytest

from llmcost.results.stage import SceneStage
from llmcost.strategies import prompt_cache
from llmcost.workload import prefixes
from llmcost.workload.fixedlife import _latest_before
from llmcost.workload.prefixes import CacheUse, replayed, replayed_hits, scope_key
from tests.strategies.playing import SECOND, Log, after
from tests.strategies.random_prompts import crowd

ROUTED: Mapping[str, Any] = {
    "rules": [{"when": "output_tokens < 5", "model": "anthropic/claude-haiku-4-5", "share": "0.5"}]
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("looks_back", [1, 2, 8])
def test_a_look_at_the_uses_before_finds_what_the_whole_cache_does(
    seed: int, looks_back: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefixes, "_LOOKS_BACK", looks_back)
    made = crowd(seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        Log(Path(folder), [p.row for p in made]) as log,
        log.playing(columns=["organization", "project"]) as play,
    ):
        rows = play.base.rows
        stage = SceneStage(play._replay.engine, "it", 0, 0, play.present)
        usable = (rows.status != "error").fill_null(True) & (rows.requests.fill_null(1) > 0)
        for life in (SECOND, 4 * SECOND + 1, 300 * SECOND):
            for steady in (False, True):
                use = CacheUse(ibis.literal(life, type="int64"), usable, steady=steady)
                scope = scope_key(rows, "project", play.present)
                quick, whole = (
                    {row["row_id"]: row["hit_tokens"] for row in play.answers(table)}
                    for table in (replayed(stage, rows, use, scope), replayed_hits(rows, use, scope))
                )
                assert whole
                assert quick == whole


def test_a_use_behind_many_in_flight_is_decided_by_an_older_one() -> None:
    same = {"provider_name": "openai", "request_model": "gpt-4o", "input_tokens": 2000, "output_tokens": 1}
    keyed = {"prefix_keys": [7], "prefix_block_tokens": 1024, "project": "p", "status": "ok"}
    first = {**same, **keyed, "request_id": "first", "started_at": after(0), "duration_ms": 1000}
    # Twenty that are all still in flight when the next one starts: only the first had been answered.
    crowded = [
        {**same, **keyed, "request_id": f"r{n}", "started_at": after(60 + n), "duration_ms": 500_000} for n in range(20)
    ]
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder), [first, *crowded]) as log:
        found = log.rows(
            ("prompt-cache", {"observed": "replace", "ttl": "5m", "write_latency": "1s"}),
            ("prompt-cache", {"observed": "replace", "ttl": "301s"}),
        )
    assert [found[f"r{n}"]["cache_read_input_tokens"] for n in (0, 8, 19)] == [1024, 1024, 1024]
    assert found["first"]["cache_read_input_tokens"] == 0


@pytest.mark.parametrize("seed", range(2))
def test_caches_that_no_row_came_to_or_left_need_not_be_played(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [{name: value for name, value in p.row.items() if name != "cache_breakpoints"} for p in crowd(seed)]
    steps = (("route", ROUTED), ("prompt-cache", {"observed": "replace", "min_tokens": 0, "increment_tokens": 1}))
    chosen: list[int] = []

    def all_of_them(*arguments: Any) -> frozenset[int]:
        chosen.append(len(usual(*arguments)))
        return frozenset(rule.model for rule in arguments[3])

    usual = prompt_cache._playing
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder), made) as log:
        quick = log.rows(*steps)
        monkeypatch.setattr(prompt_cache, "_playing", all_of_them)
        assert quick == log.rows(*steps)
        assert any(row["cache_read_input_tokens"] for row in quick.values())
    assert chosen


HOSTED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "self-host": (
        "self-host",
        {"model": "Llama-3.3-70B", "usd_per_gpu_hour": "2", "share": "0.5", "when": "request_model = 'gpt-4o-mini'"},
    ),
    "commitment": (
        "commitment",
        {
            "kind": "provisioned", "units": 1, "tokens_per_minute": 3000, "usd_per_unit_hour": "1",
            "when": "request_model = 'gpt-4o-mini'",
        },
    ),
    "fine-tune": (
        "fine-tune",
        {"model": "openai/ft:gpt-4o-mini-2024-07-18", "example_tokens": 10, "when": "request_model = 'gpt-4o-mini'"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTED)
def test_what_is_hosted_tuned_or_committed_leaves_the_other_models_caches_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two models talk in turn; the strategy takes one's calls away: its caches are played, the other's are not."""
    log_rows = [
        {
            "request_id": f"r{n}", "provider_name": "openai", "request_model": ("gpt-4o", "gpt-4o-mini")[n % 2], "status": "ok",
            "started_at": after(20 * n), "input_tokens": 2048, "output_tokens": 9, "prefix_keys": [5 + n % 2, 9 + n % 4],
            "prefix_block_tokens": 1024,
        }
        for n in range(40)
    ]  # fmt: skip
    steps = (HOSTED[name], ("prompt-cache", {"observed": "replace"}))
    played: list[set[str]] = []

    def watched(*arguments: Any) -> frozenset[int]:
        stage, found = arguments[2], usual(*arguments)
        names = {number: model.key for number, model, _, _ in stage.models() if model is not None}
        played.append({names[number] for number in found})
        return found

    def all_of_them(*arguments: Any) -> frozenset[int]:
        return frozenset(rule.model for rule in arguments[3])

    usual = prompt_cache._playing
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder), log_rows) as log:
        monkeypatch.setattr(prompt_cache, "_playing", watched)
        quick = log.rows(*steps)
        monkeypatch.setattr(prompt_cache, "_playing", all_of_them)
        assert quick == log.rows(*steps)
    assert any(not row["sent"] or "ft:" in row["model"] for row in quick.values())
    assert any(row["cache_read_input_tokens"] for row in quick.values())
    assert played
    assert "openai/gpt-4o" not in played[-1]
    assert any("mini" in key for key in played[-1])


def test_the_latest_end_before_an_entry_is_that_of_its_own_key() -> None:
    rng = np.random.default_rng(7)
    for size in (0, 1, 2, 50):
        key = np.sort(rng.integers(0, 5, size)).astype(np.int64)
        end = rng.integers(1, 100, size).astype(np.int64)
        before = [max((int(end[j]) for j in range(i) if key[j] == key[i]), default=0) for i in range(size)]
        assert _latest_before(key, end).tolist() == before


@pytest.mark.parametrize(
    "params", [{}, {"when": "provider_name <> 'google' and output_tokens > 3"}, {"observed": "replace", "share": "0.5"}]
)
def test_caches_on_which_no_counter_depends_need_not_be_played(
    params: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some models' rows say what was cached, on others the log is silent."""
    made = [dict(p.row) for p in crowd(0)]
    for row in made:
        if row["request_model"] == made[0]["request_model"]:
            row["cache_read_input_tokens"] = 0
            row["cache_creation_input_tokens"] = min(1, row["input_tokens"])
    steps = (("route", ROUTED), ("prompt-cache", {"min_tokens": 0, **params} if "observed" in params else params))
    left_out: list[int] = []

    def all_of_them(*arguments: Any) -> frozenset[int]:
        everything = frozenset(rule.model for rule in arguments[2])
        left_out.append(len(everything - usual(*arguments)))
        return everything

    usual = prompt_cache._open
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder), made) as log:
        quick = log.rows(*steps)
        monkeypatch.setattr(prompt_cache, "_open", all_of_them)
        whole = log.rows(*steps)
    assert quick == whole
    assert any(row["changed"] for row in quick.values())
    assert left_out
    assert params.get("observed") or left_out[-1]
