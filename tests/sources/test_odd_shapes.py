"""No odd value at any place of a record breaks a source: it becomes a problem, a field less, or nothing at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from llmcost.records import Context, Problem, Record, Row, Sample, Skip
from llmcost.sources import SOURCES, read_elsewhere
from llmcost.usage.columns import BILLED, USAGE
from tests.sources.cases import CaseFile, case_files, read_all, sample_of

JUNK: list[Any] = [None, True, -1, 0, 10**30, Decimal("0.5"), "", "x", "{", "data: x", [], [None], [1, "a"], {}, {"a": None}, [{}], {"type": 1}]  # fmt: skip
CELLS: list[Any] = [v for v in JUNK if isinstance(v, str)] + ["null", " ", "-1", "0", "1e30", "0.5", "[1]", '{"a": null}']  # fmt: skip
"""What may stand in a cell of CSV, which is always text."""
FILES = [file for file in case_files() if file.stem != "mapping"]  # a mapping says what its fields must be
TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,), "count": (int,), "instant": (int,), "decimal": (Decimal,), "number": (float,), "flag": (bool,), "json": (str,), "counts": (list,),
    "numbers": (list,),
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


def _samples(file: CaseFile) -> list[Sample]:
    samples = [sample_of(SOURCES.load(file.name), case) for case in file.cases]
    return [replace(sample, records=tuple(map(_stream_as_list, sample.records))) for sample in samples]


def _stream_as_list(record: Any) -> Any:
    """A raw stream as a list of its events, so that their insides are spoilt too."""
    if isinstance(record, dict) and isinstance(record.get("response"), str) and "data:" in record["response"]:
        lines = [
            line[6:] for line in record["response"].splitlines() if line.startswith("data: {") and line.endswith("}")
        ]
        return {**record, "response": [json.loads(line) for line in lines]}
    return record


def _spoilt(sample: Sample) -> Iterator[Sample]:
    """The sample with one record, in which one value is another; in CSV every line has the cells of its header."""
    is_table = sample.form == "csv"
    for record in sample.records:
        for at in _places(record):
            for junk in CELLS if is_table else JUNK:
                if at or not is_table:
                    yield replace(sample, records=(_with(record, at, junk),))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_an_odd_value_anywhere_breaks_nothing(file: CaseFile) -> None:
    source = SOURCES.load(file.name)
    for sample in _samples(file):
        for spoilt in _spoilt(sample):
            source.sniff(spoilt)
            found = list(
                read_all(
                    source,
                    [Record(spoilt.records[0], 1)],
                    Context(spoilt.name, spoilt.header, elsewhere=read_elsewhere),
                )
            )
            assert found, "every record gives a reading"
            for reading in found:
                assert isinstance(reading, Row | Problem | Skip)
                _check_types(reading)


def _check_types(row: Any) -> None:
    if isinstance(row, Row):
        said: dict[str, Any] = {**(row.usage or {}), **(row.billed or {})}
        for column in (*USAGE, *BILLED):
            value = said.get(column.name)
            assert value is None or type(value) in TYPES[column.type], (column.name, value)
            assert value is None or not column.allowed or value in column.allowed
