"""What an error may show of a record: counters, ids, models and states, and nothing that anybody wrote."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.records.excerpt import excerpt


def test_counters_ids_models_and_states_are_shown() -> None:
    record = {
        "id": "req_91", "model": "gpt-4o", "status": "ok", "usage": {"input_tokens": -500, "output_tokens": 20, "spend": Decimal("0.10")},
        "temperature": 0.5, "requests": 2,
    }  # fmt: skip
    expected = "id req_91  model gpt-4o  status ok  temperature 0.5  requests 2  input_tokens -500  output_tokens 20  spend 0.10"
    assert excerpt(record, 132) == f"132 | {expected}"


def test_a_long_record_ends_in_dots() -> None:
    shown = excerpt({f"tokens_{n}": n for n in range(20)}, 1)
    assert shown is not None
    assert shown.endswith("tokens_7 7 ..")


@pytest.mark.parametrize("value", [None, "text", ["a"], 5, {}, {"prompt": "hello"}, {"user": "ann"}])
def test_nothing_to_show_is_no_excerpt(value: Any) -> None:
    assert excerpt(value, 1) is None


@pytest.mark.parametrize(
    "record",
    [
        {"input_tokens": "wombat marmalade"},
        {"id": "the wombat likes marmalade"},
        {"model": "wombat\x1b[31m"},
        {"status": "wombat " * 20},
        {"wombat marmalade is what I like tokens": {"prompt": "wombat"}},
        {
            "messages": [{"role": "user", "content": "wombat"}],
            "user_id": "wombat",
            "prompt": "wombat",
            "api_key": "wombat",
        },
        {"type": {"deep": {"content": "wombat"}}},
        {"tokens": ["wombat"]},
    ],
)
def test_no_text_is_shown(record: dict[str, Any]) -> None:
    assert "wombat" not in (excerpt(record, 1) or "")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)


def test_no_key_is_shown() -> None:
    assert (
        excerpt({"id": "sk-ant-api03-AbCdEf0123456789", "tokens": 1}, 1) == "1 | id (text of 29 characters)  tokens 1"
    )


@given(_JSON)
def test_any_record_can_be_shown(record: Any) -> None:
    shown = excerpt(record, 7)
    assert shown is None or (shown.startswith("7 | ") and "\n" not in shown)
