"""Every strategy compiles for DuckDB and for Spark, without a function that only one of them has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest
import sqlglot
from ibis.config import Config
from sqlglot import exp

from llmcost.results.stage import Engine, compiled
from tests.strategies.support import STARTED, step, world
from tests.test_laws import CASES, IDS

SPARK = "pyspark"
KNOWN = frozenset({"arrays_zip"})
"""Functions of Spark that its parser passes through by name."""
LOG = [
    {
        "request_id": f"r{number}", "started_at": STARTED + number * 3_600_000_000, "provider_name": "openai", "request_model": "big",
        "input_tokens": 5_000, "output_tokens": 10, "temperature": 0, "prompt_key": number % 2, "prefix_keys": [1, number % 3],
        "prefix_block_tokens": 2_000, "conversation_id": f"c{number % 4}", "project": "p", "parent_request_id": None if number else "x",
        "cache_breakpoints": [4_000], "duration_ms": 3,
    }
    for number in range(8)
]  # fmt: skip


class SparkOptions(Config):  # type: ignore[misc]  # ibis ships no types
    treat_nan_as_null: bool = False


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[ir.Table]:
    """Every expression that is run while a scenario is played."""
    # Ibis makes the options of an engine when its driver is imported; compiling alone needs no driver.
    monkeypatch.setattr(ibis.options, "pyspark", SparkOptions())
    found: list[ir.Table] = []
    for name in ("collect", "materialise", "stream", "view"):
        original = getattr(Engine, name)

        def noted(self: Engine, expression: ir.Table, original: Any = original) -> Any:
            found.append(expression)
            return original(self, expression)

        monkeypatch.setattr(Engine, name, noted)
    return found


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=IDS)
def test_a_strategy_compiles_for_both_engines(
    name: str, parameters: dict[str, Any], tmp_path: Path, seen: list[ir.Table]
) -> None:
    with world(tmp_path, LOG) as here:
        # After a move: then what depends on neighbours is replayed whole.
        moved = step("reprice", model="anthropic/opus", when="output_tokens < 0")
        chain = here.chain([moved, step(name, **parameters)])
        seen.append(chain.rewritten[-1].workload.rows)
    assert len(seen) > 1
    for expression in seen:
        # DuckDB ran it already; there is no Spark here, so its parser judges.
        compiled(expression, "duckdb")
        strange = _strange(compiled(expression, SPARK)) - KNOWN
        assert not strange, strange


def _strange(text: str) -> set[str]:
    """Functions that the parser of Spark does not know."""
    tree = sqlglot.parse_one(text, dialect="spark")
    return {node.name.lower() for node in tree.find_all(exp.Anonymous)}


def test_a_function_that_one_engine_lacks_is_seen() -> None:
    assert _strange("SELECT list_apply(x, y) FROM t") == {"list_apply"}
