"""Rows are grouped by packed integers: however many it takes, the groups are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcost.pricing import grid
from llmcost.pricing.cuts import Cuts
from llmcost.pricing.grid import SUMMED, Grid
from tests.strategies.playing import Log, after

CALLS = [
    {
        "request_id": f"r{number}", "started_at": after(number * 3600), "provider_name": provider, "request_model": model,
        "input_tokens": 1000 * number, "output_tokens": None if number % 5 == 0 else number, "status": "error" if number % 7 == 0 else "ok",
        "cache_read_input_tokens": None if number % 3 == 0 else number, "feature": "ab"[number % 2],
    }
    for number in range(40)
    for provider, model in (("openai", "gpt-4o"), ("deepseek", "deepseek-chat"), ("nobody", "nothing"))[number % 3 : number % 3 + 1]
]  # fmt: skip


def test_one_integer_or_many_give_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Log(tmp_path, CALLS) as log:
        whole = log.replay(dimensions=("feature",))
        assert whole.baseline.cost_usd
        assert len(whole.baseline.breakdown) > 2
        monkeypatch.setattr(grid, "_MOST_BITS", 3)
        assert log.replay(dimensions=("feature",)) == whole


def test_a_log_with_every_counter_is_summed(tmp_path: Path) -> None:
    """Each counter has a bit of its own behind those of the model: more than the 32 that an engine gives small numbers."""
    plain = {**CALLS[1], "input_tokens": 100, "cache_read_input_tokens": None}
    calls = [{**plain, "request_id": name, name: 1} for name in SUMMED]
    calls += [{**plain, "request_id": f"m{number}", "request_model": f"m{number}"} for number in range(2_000)]
    with Log(tmp_path, calls) as log:
        assert log.replay(dimensions=("feature",)).baseline.requests == len(calls)


def test_no_integer_holds_more_than_engines_have() -> None:
    packs = Grid(Cuts((1, 2), (200_000,), ()), frozenset(SUMMED), 1_000_000).packs
    assert len(packs) > 1 or sum(packs[0].values()) <= 62
    assert all(sum(pack.values()) <= 62 for pack in packs)
    assert len({name for pack in packs for name in pack}) == sum(len(pack) for pack in packs)
