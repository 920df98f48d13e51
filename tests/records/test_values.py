"""Single values: what is absent, what labels are, and that notes survive a value that rejects."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from llmcost.money import EXACT
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
from llmcost.records.values import in_doubt

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


AMBIGUOUS = ["1.234,56", "1,234.56", "1,234", "12,5", "1.234.567", "-1.234,5", "1'234", "1 234"]


@pytest.mark.parametrize("written", AMBIGUOUS)
@pytest.mark.parametrize("read", [count, money], ids=["count", "money"])
def test_numbers_that_countries_read_differently_are_refused(read: Callable[[Any, str], Any], written: str) -> None:
    with pytest.raises(BadValueError, match="plain digits") as raised:
        read(written, "field")
    assert raised.value.kind == "ambiguous-number"
    assert written in raised.value.detail


@pytest.mark.parametrize("written", ["1.000", "12.000", "250.000"])
def test_a_count_of_one_or_of_a_thousand_is_refused_and_a_fraction_of_money_is_not(written: str) -> None:
    with pytest.raises(BadValueError, match="plain digits"):
        count(written, "field")
    assert money(written, "field") == Decimal(written)
    with pytest.raises(BadValueError, match="plain digits"):
        money(in_doubt(written), "field")


@pytest.mark.parametrize("written", ["0.125", "10.0", "1.00", "1.5", "1.2345", "1000.250"])
def test_plain_numbers_are_in_no_doubt(written: str) -> None:
    assert in_doubt(written) is written
    assert money(in_doubt(written), "field") == Decimal(written)


@pytest.mark.parametrize("value", ["1e999999999", "-1e-999999999", Decimal("1e999999")])
@pytest.mark.parametrize("name", CONVERT)
def test_no_number_fills_the_memory(name: str, value: Any) -> None:
    with contextlib.suppress(BadValueError):
        CONVERT[name](value, name)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0." + "123456789" * 4, "0." + "123456789" * 4),
        ("0." + "4" * 700, "0." + "4" * 40),
        ("0.1000000000000000055511151231257827021181583404541015625", "0.1000000000000000055511151231257827021182"),
        ("123456789012345." + "9" * 99, "123456789012346"),
    ],
)
def test_an_amount_of_hundreds_of_digits_is_one_that_can_be_multiplied_exactly(written: str, meant: str) -> None:
    found = money(written, "cost")
    assert found == Decimal(meant)
    assert EXACT.multiply(found, Decimal(10**15)) == EXACT.scaleb(found, 15)
