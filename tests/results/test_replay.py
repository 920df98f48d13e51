"""A small log is replayed in tables and a large one in views; both give the same result."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from llmcost.api import starters
from llmcost.results import selection
from tests.strategies.playing import Log, after, scenario
from tests.strategies.random_prompts import crowd

COMPOSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("route", {"rules": [{"when": "output_tokens < 200", "model": "openai/gpt-5-mini", "share": "0.5"}]}),
    ("prompt-cache", {}),
    ("reprice", {"growth": "1.3"}),
)


@pytest.mark.parametrize("seed", range(2))
def test_views_and_tables_give_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = [p.row for p in crowd(seed)]
    unpriced = {"provider_name": "openai", "request_model": "unheard-of", "input_tokens": 9, "started_at": after(0)}
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder), [*usage, unpriced], usage[:3]) as log:
        asked = [*starters(), scenario(*COMPOSED, name="composed")]
        found = []
        for few in (10**9, 0):
            monkeypatch.setattr(selection, "_FEW", few)
            found.append(log.replay(*asked, dimensions=("feature", "project"), primary="requests"))
    assert found[0] == found[1]
    assert any(step.requests_changed for one in found[0].scenarios for step in one.steps)
    assert all(one.breakdown and one.series for one in found[0].scenarios)
