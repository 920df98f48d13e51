"""The cases in tests/cases/strategies: rows in, rows out, one file a strategy, "leaves alone" first.

``always`` holds what every row of the file has; ``at`` is the time since 2026-10-01; ``steps`` run before the strategy.
An expected row names what it looks at; ``same`` is a row that was sent and left as it was. Rows come out in the order
they went in, branches of a row one after the other.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmcost.strategies import STRATEGIES
from llmcost.workload.durations import micros_of
from tests.strategies.support import STARTED, step, world

FOLDER = Path(__file__).parents[1] / "cases" / "strategies"
FILES = sorted(FOLDER.glob("*.yaml"))


def _cases() -> list[Any]:
    found = []
    for path in FILES:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        found += [
            pytest.param(
                path.stem.replace("_", "-"), document.get("always", {}), case, id=f"{path.stem}: {case['case']}"
            )
            for case in document["cases"]
        ]
    return found


WEEK = 7 * 86_400_000_000


def logged(always: dict[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The case's rows as a log has them."""
    found = []
    for number, row in enumerate(given for given in rows for _ in range(given.get("times", 1))):
        full = {"request_id": f"r{number:03}", **always, **row}
        full.pop("times", None)
        at = full.pop("at", "0s")
        if at is not None:
            full["started_at"] = STARTED + (micros_of(str(at)) or 0)
        if "until" in full:
            # Buckets describe other traffic than the requests of the case: those of the same span would stand for them.
            full["started_at"] -= WEEK
            full["ended_at"] = STARTED - WEEK + (micros_of(str(full.pop("until"))) or 0)
        found.append(full)
    return found


@pytest.mark.parametrize(("name", "always", "case"), _cases())
def test_rows_become_what_the_case_says(
    name: str, always: dict[str, Any], case: dict[str, Any], tmp_path: Path
) -> None:
    rows = logged(always, case["rows"])
    steps = [step(**before) for before in case.get("steps", [])] + [step(name, **case.get("params", {}))]
    options = {
        key: STARTED + (micros_of(value) or 0) if key in {"since", "until"} else value
        for key, value in case.get("options", {}).items()
    }
    with world(tmp_path, rows) as here:
        chain = here.chain(steps, **options)
        last = chain.rewritten[-1]
        found = chain.rows(last.workload)
    expected = [row for row in case["out"] for _ in range(row.get("times", 1) if isinstance(row, dict) else 1)]
    assert len(found) == len(expected), [row["request_id"] for row in found]
    for got, wanted in zip(found, expected, strict=True):
        looked = (
            {"sent": True, "changed": False} if wanted == "same" else {k: v for k, v in wanted.items() if k != "times"}
        )
        assert {key: _plain(got[key]) for key in looked} == looked, got["request_id"]
    assert {key: last.facts.get(key) for key in case.get("facts", {})} == case.get("facts", {})
    for text in case.get("warns", []):
        assert any(text in warning for warning in last.warnings), last.warnings
    charges = [{"sku": c.sku, "quantity": _plain(c.quantity), "unit": c.unit} for c in last.workload.charges]
    assert charges == case.get("charges", charges)


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_case_file_begins_with_what_is_left_alone(path: Path) -> None:
    names = [case["case"] for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]]
    kinds = [name.startswith("leaves alone") for name in names]
    assert kinds[0]
    assert not kinds[-1]
    assert kinds == sorted(kinds, reverse=True), "cases that leave alone come first"


def test_every_strategy_has_a_case_file() -> None:
    assert {path.stem.replace("_", "-") for path in FILES} == set(STRATEGIES.names())
