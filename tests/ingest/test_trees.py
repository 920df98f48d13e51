"""Prefix trees in memory, group by group and in the engine are one and the same."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from llmcost.ingest import merge, prefix, trees
from llmcost.ingest.run import ingest
from llmcost.ingest.trees import _by_key, _largest
from llmcost.usage.ddl import DERIVED
from llmcost.usage.store import Store
from tests.ingest.support import ROWS, Rows, write
from tests.strategies.random_prompts import crowd

_COLUMNS = ", ".join(name for name, _ in DERIVED)


def _derived(path: Path) -> list[tuple[Any, ...]]:
    with Store() as store:
        ingest(store, [str(path)], ROWS)
        return store.rows(f"SELECT request_id, {_COLUMNS} FROM usage ORDER BY request_id")  # noqa: S608 - our own names


def _agree(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = _derived(path)
    assert any(row[1] for row in at_once)
    monkeypatch.setattr(prefix, "PAIRS", 7)
    assert _derived(path) == at_once
    monkeypatch.setattr(prefix, "LARGEST", 100)  # some trees a fetch, some in the engine
    monkeypatch.setattr(merge, "PORTION", 31)  # and many portions to insert
    assert _derived(path) == at_once
    for largest in (60, -1):  # some trees, then all of them, are too large for memory
        monkeypatch.setattr(prefix, "LARGEST", largest)
        assert _derived(path) == at_once


@pytest.mark.parametrize("seed", range(3))
def test_on_random_prompts(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{name: value for name, value in prompt.row.items() if value is not None} for prompt in crowd(seed)]
    _agree(write(tmp_path / "log.jsonl", rows), monkeypatch)


def _burst(dice: random.Random, number: int) -> Rows:
    """Many calls in flight at once, some slow ones behind which all others wait."""
    return [
        {
            "request_id": f"r{n}", "provider_name": "openai", "request_model": dice.choice(["a", "b"]), "input_tokens": 1000,
            "started_at": 1_790_000_000_000_000 + dice.randint(0, 200) * 20_000, "prefix_block_tokens": 128,
            "duration_ms": dice.choice([100, 1500, 3000, 60_000]), "prefix_keys": [1, 2, *dice.choice([[3], [4, 5], []])],
        }
        for n in range(number)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(2))
def test_on_bursts(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "log.jsonl", _burst(random.Random(seed), 400))
    one_by_one = _derived(path)
    monkeypatch.setattr(trees, "_STEPS", 0)  # every use in flight goes through the sort
    assert _derived(path) == one_by_one
    _agree(path, monkeypatch)


def test_calls_of_one_instant_find_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**row, "started_at": 1_790_000_000_000_000} for row in _burst(random.Random(3), 100)]
    path = write(tmp_path / "log.jsonl", rows)
    _agree(path, monkeypatch)
    hits = 1 + [name for name, _ in DERIVED].index("prefix_hit_any")
    assert {row[hits] for row in _derived(path)} == {None}


@pytest.mark.parametrize("most", [1, 5, 1000])
def test_a_group_holds_whole_trees_and_each_row_is_in_one(most: int) -> None:
    dice = random.Random(most)
    keys = [[dice.randint(0, 9) << 40, *range(dice.randint(0, 4))] for _ in range(200)]
    numbers = {name: [0] * len(keys) for name in trees.COLUMNS}
    prompts = trees.Prompts.of(pa.table(numbers | {"prefix_keys": keys}))
    groups = [group.tolist() for group in prompts.groups(most)]
    assert sorted(place for group in groups for place in group) == list(range(len(keys)))
    roots = [{keys[place][0] for place in group} for group in groups]
    assert sum(map(len, roots)) == len(set().union(*roots))
    assert len(groups) > 1 or most == 1000


@pytest.mark.parametrize("top", [5, 1000, 2**40, 2**63 - 1])
def test_keys_are_sorted_whole_and_equal_ones_keep_their_order(top: int) -> None:
    keys = np.random.default_rng(1).integers(0, top, 3000, endpoint=True)
    keys[::3] = keys[1::3] ^ 1  # they agree in all bits but the last
    assert np.array_equal(_by_key(keys), np.argsort(keys, kind="stable"))


def test_the_largest_of_spans() -> None:
    dice = np.random.default_rng(2)
    values = dice.integers(0, 10**15, 500)
    first = dice.integers(0, 500, 2000)
    last = np.minimum(first + dice.integers(0, 500, 2000), 499)
    expected = [int(values[a : b + 1].max()) for a, b in zip(first, last, strict=True)]
    assert _largest(values, first, last).tolist() == expected
