"""The specification's worked examples, by hand: logs small enough to think through, and what they cost to the last digit.

A file of tests/cases/worked_examples holds ``examples``. ``log`` lists groups of rows: usage columns, with ``times`` rows
``every`` so long from ``at`` on (time since 2026-10-01), or at ``arrivals: random``, whose gaps average ``every`` and
are those of independent callers. ``steps`` are a scenario; ``baseline``, ``scenario`` and ``step`` are parts of the
result that are compared exactly. ``prices`` is a price file of the example's own, on top of those that are shipped.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmcost.pricing.catalogue import load
from llmcost.workload.durations import micros_of
from tests.strategies.playing import Log, scenario
from tests.strategies.support import NOW, STARTED

FOLDER = Path(__file__).parent / "cases" / "worked_examples"


def _examples() -> list[Any]:
    documents = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}
    return [
        pytest.param({**document, **example}, id=f"{name}: {example['example']}")
        for name, document in documents.items()
        for example in document["examples"]
    ]


def _micros(duration: str) -> int:
    return micros_of(duration) or 0


def _starts(group: Mapping[str, Any]) -> Iterator[int]:
    times, every, at = group.get("times", 1), _micros(group.get("every", "0s")), _micros(group.get("at", "0s"))
    stride = next(n for n in range(round(times * 0.618) or 1, times + 2) if math.gcd(n, times) == 1)
    for number in range(times):
        yield STARTED + at
        # The gaps of independent callers: one from each equally likely slice of their distribution, well mixed.
        scattered = -math.log(1 - ((number + 1) * stride % times + 0.5) / times)
        at += round(every * scattered) if group.get("arrivals") == "random" else every


def _rows(example: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    number = 0
    for group in example["log"]:
        for start in _starts(group):
            row = {**example.get("always", {}), **group, "request_id": f"r{number}", "started_at": start}
            number += 1
            if "lasts" in group:
                row["ended_at"] = start + _micros(group["lasts"])
            yield {
                name: value for name, value in row.items() if name not in {"times", "every", "at", "arrivals", "lasts"}
            }


def _exact(value: Any) -> Any:
    return Decimal(value) if isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdigit() else value


@pytest.mark.parametrize("example", _examples())
def test_the_sums_hold(example: dict[str, Any], tmp_path: Path) -> None:
    overlays = []
    if "prices" in example:
        overlays.append(tmp_path / "own.toml")
        overlays[0].write_text(example["prices"], encoding="utf-8")
    steps = [
        ({**step}.pop("strategy"), {k: v for k, v in step.items() if k != "strategy"}) for step in example["steps"]
    ]
    with Log(tmp_path, list(_rows(example)), book=load(overlays, now=NOW)) as log:
        options = {"month_days": Decimal(30), "extrapolate": True, **example.get("options", {})}
        result = log.replay(scenario(*steps), **options)
    played = result.scenarios[0]
    parts = {"baseline": result.baseline, "scenario": played, "step": played.steps[-1] if played.steps else None}
    assert any(part in example for part in parts), "an example says what comes out"
    for name, part in parts.items():
        expected = example.get(name, {})
        assert {key: getattr(part, key) for key in expected} == {k: _exact(v) for k, v in expected.items()}, name
    flat = [{"sku": line.sku, "quantity": line.quantity, "cost_usd": line.cost_usd} for line in played.flat_charges]
    assert flat == [{k: _exact(v) for k, v in line.items()} for line in example.get("flat_charges", [])]
    assert not played.not_comparable.requests
