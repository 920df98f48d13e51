from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.records.jsontext import BadJsonError, decode, decode_all


def test_depth_and_exponents_have_an_end() -> None:
    for opened, closed, inner in (("[", "]", "1"), ('{"a":', "}", "1")):
        for depth in (300, 5000, 200_000):
            with pytest.raises(BadJsonError) as raised:
                decode((opened * depth + inner + closed * depth).encode())
            assert raised.value.kind == "json-too-deep"
    for number in (b"1e999999999", b"-1e-999999999", b"1e99999999999999999999", b"1" * 5000 + b"e1"):
        with pytest.raises(BadJsonError):
            decode(b'{"a": %s}' % number)


def test_fractions_are_exact_and_whole_numbers_stay_whole() -> None:
    value = decode(b'{"a": 0.00022500000000000002, "b": 1e3, "c": 12345678901234567890123, "d": -0.0}')
    assert value == {
        "a": Decimal("0.00022500000000000002"),
        "b": Decimal(1000),
        "c": 12345678901234567890123,
        "d": Decimal(0),
    }
    assert isinstance(value["c"], int)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"a": NaN}', "not-a-number"),
        (b'{"a": -Infinity}', "not-a-number"),
        (b'{"a": [1, 2', "truncated-json"),
        (b'{"a": "hel', "truncated-json"),
        (b'{"a": 1, "a": 2}', "duplicate-key"),
        (b'{"u": {"input_tokens" : 1, "b": 0, "input_tokens" : 2}}', "duplicate-key"),
        (b'{"a": "\xff"}', "not-utf8"),
        (b"{'a': 1}", "bad-json"),
        (b'{"a": 1} oops', "bad-json"),
        (b"[" * 100_000, "json-too-deep"),
        (b'{"a": 1e99999999999999999999}', "bad-json"),
        (b"  ", "bad-json"),
    ],
)
def test_what_is_no_json_is_named(data: bytes, kind: str) -> None:
    with pytest.raises(BadJsonError) as caught:
        decode_all(data)
    assert caught.value.kind == kind


def test_a_fault_never_quotes_the_text() -> None:
    with pytest.raises(BadJsonError) as caught:
        decode(b'{"prompt": "my secret", oops}')
    assert "secret" not in str(caught.value)


def test_a_key_given_twice_with_the_same_value_is_harmless() -> None:
    assert decode(b'{"a": 1, "b": 2, "a": 1}') == {"a": 1, "b": 2}


def test_two_values_on_a_line_are_two() -> None:
    assert decode_all(b'{"a": 1}{"b": 2} {"c": 3}') == [{"a": 1}, {"b": 2}, {"c": 3}]
    with pytest.raises(BadJsonError):
        decode(b'{"a": 1}{"b": 2}')


def test_half_a_surrogate_pair_becomes_the_replacement_character_and_whole_ones_stay() -> None:
    assert decode(rb'{"a": "cut \ud83d", "b": "\ud83d\ude00", "c": "\ude00 x", "d": "\\ud83d"}') == {
        "a": "cut �", "b": "😀", "c": "� x", "d": "\\ud83d",
    }  # fmt: skip


def test_raw_control_characters_are_read() -> None:
    assert decode(b'{"a": "x\ty"}') == {"a": "x\ty"}


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON, st.booleans(), st.booleans())
def test_whatever_is_written_is_read_back(value: Any, ascii_only: bool, spaced: bool) -> None:
    separators = (" , ", " : ") if spaced else (",", ":")
    assert decode(json.dumps(value, ensure_ascii=ascii_only, separators=separators).encode()) == value
