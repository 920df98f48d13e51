"""Single values: what is absent, what labels are, and that notes survive a value that rejects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from llmcost.records import (
    BadValueError,
    Notes,
    Problem,
    Reading,
    Row,
    count,
    flag,
    instant,
    known,
    money,
    number,
    tags_of,
    text,
)
from llmcost.records.canonical import CONVERT

READERS: list[Callable[[Any, str], Any]] = [count, money, number, instant, flag, text]


@pytest.mark.parametrize("absent", [None, "", " ", "\t\n", "null", "NULL", " Null ", "none", "None"])
@pytest.mark.parametrize("read", READERS, ids=[read.__name__ for read in READERS])
def test_nothing_is_said_in_many_ways_and_is_never_zero(read: Callable[[Any, str], Any], absent: Any) -> None:
    assert read(absent, "field") is None


@pytest.mark.parametrize("name", CONVERT)
@pytest.mark.parametrize("absent", [None, "", " ", "NULL", "none"])
def test_that_holds_for_every_column(name: str, absent: Any) -> None:
    assert CONVERT[name](absent, name) is None


@pytest.mark.parametrize(
    ("read", "value", "meant"), [(count, " 0 ", 0), (money, "0", Decimal(0)), (number, "0", 0.0), (flag, "0", False)]
)
def test_zero_is_said(read: Callable[[Any, str], Any], value: str, meant: Any) -> None:
    found = read(value, "field")
    assert found == meant
    assert found is not None


def test_tags_are_short_labels_in_one_order() -> None:
    fields = {
        "b": "x",
        "a": Decimal("1E+2"),
        "on": True,
        "n": 3,
        "no": None,
        "blank": " ",
        "long": "y" * 257,
        "deep": {"k": 1},
    }
    assert tags_of(fields) == '{"a":"100","b":"x","n":"3","on":"true"}'
    assert tags_of({"no": None}) is None


def test_notes_and_rows_before_a_bad_value_stay() -> None:
    notes = Notes()

    def rows() -> Iterator[Reading]:
        row = Row(known({"input_tokens": 1, "temperature": notes.soft(number, "hot", "temperature")}))
        yield row
        count(-1, "output_tokens")

    found = list(notes.after(rows()))
    assert found[0] == Row({"input_tokens": 1})
    assert [(p.kind, p.rejected) for p in found[1:] if isinstance(p, Problem)] == [
        ("not-a-number", False),
        ("negative-count", True),
    ]


def test_other_errors_are_not_hidden() -> None:
    def broken() -> Iterator[Reading]:
        yield Row({"input_tokens": 1})
        raise KeyError("x")

    with pytest.raises(KeyError):
        list(Notes().after(broken()))
    with pytest.raises(BadValueError):
        count([], "n")
