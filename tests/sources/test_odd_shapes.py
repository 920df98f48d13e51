"""No odd value at any place of a record breaks a source: it becomes a problem, a field less, or nothing at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import yaml

from llmcost.records import BadValueError, Context, Problem, Record, Row, Sample, Skip
from llmcost.sources import SOURCES
from llmcost.usage.columns import USAGE
from tests.sources.cases import FOLDER

JUNK: list[Any] = [None, True, -1, 0, 10**30, Decimal("0.5"), "", "x", "{", "data: x", [], [None], [1, "a"], {}, {"a": None}, [{}], {"type": 1}]
KINDS = ("openai-chat", "openai-responses", "openai-usage", "openai-dashboard", "anthropic-messages", "anthropic-usage-report")
TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,), "count": (int,), "instant": (int,), "decimal": (Decimal,), "number": (float,), "flag": (bool,), "json": (str,)
}  # fmt: skip


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _places(child, (*at, key))


def _with(value: Any, at: tuple[Any, ...], junk: Any) -> Any:
    if not at:
        return junk
    changed = copy.deepcopy(value)
    inner = changed
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = junk
    return changed


def _records(name: str) -> list[Any]:
    document = yaml.safe_load((FOLDER / f"{name.replace('-', '_')}.yaml").read_text(encoding="utf-8"))
    return [_stream_as_list(case["record"]) for case in document["cases"]]


def _stream_as_list(record: Any) -> Any:
    """A raw stream as a list of its events, so that their insides are spoilt too."""
    if isinstance(record, dict) and isinstance(record.get("response"), str) and "data:" in record["response"]:
        lines = [line[6:] for line in record["response"].splitlines() if line.startswith("data: {") and line.endswith("}")]
        return {**record, "response": [json.loads(line) for line in lines]}
    return record


@pytest.mark.parametrize("name", KINDS)
def test_an_odd_value_anywhere_breaks_nothing(name: str) -> None:
    source = SOURCES.load(name)
    assert source.read is not None
    for record in _records(name):
        for at in _places(record):
            for junk in JUNK:
                spoilt = _with(record, at, junk)
                source.sniff(Sample("x", source.forms[0], "", (spoilt,), ("start_time",)))
                try:
                    found = list(source.read(Record(spoilt, 1), Context("x")))
                except BadValueError:
                    continue
                assert found, "every record gives a reading"
                assert all(isinstance(r, Row | Problem | Skip) for r in found)
                for row in found:
                    _check_types(row)


def _check_types(row: Any) -> None:
    if isinstance(row, Row) and row.usage is not None:
        for column in USAGE:
            value = row.usage.get(column.name)
            assert value is None or type(value) in TYPES[column.type], (column.name, value)
            assert value is None or not column.allowed or value in column.allowed
