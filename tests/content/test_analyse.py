"""Analysis: provider's counts stay, missing ones are counted and labelled, parts sum to the input."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.content import tokens
from llmcost.content.analyse import PART_COLUMN, Analyser, analyse, apportion
from llmcost.records.contract import Body, Part
from llmcost.usage.columns import BY_NAME, Usage

SECRET = b"a secret"
CANARY = "CANARY-7f3a"
GPT4O: Usage = {"provider_name": "openai", "request_model": "gpt-4o"}
TALK = Body(
    (
        Part("tools", '{"name": "search", "parameters": {}}'),
        Part("system", "You are a helpful assistant. " * 20),
        Part("history", "Hello there, how do you do? " * 10),
        Part("user", "And what is the weather like?"),
    ),
    "It is sunny.",
)


def of(usage: Usage, body: Body = TALK) -> Usage:
    return Analyser(SECRET).analyse(usage, body)


def parts_of(row: Usage) -> dict[str, int | None]:
    return {column: row.get(column) for column in PART_COLUMN.values()}  # type: ignore[misc]  # columns of a table, no literals


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=7).filter(any), st.integers(0, 10**9))
def test_apportion_sums_exactly_and_keeps_the_proportion(weights: list[int], total: int) -> None:
    shares = apportion(weights, total)
    assert sum(shares) == total
    whole = sum(weights)
    assert all(abs(share * whole - weight * total) < whole for share, weight in zip(shares, weights, strict=True))


def test_apportion_by_hand() -> None:
    assert apportion([1, 1, 1], 10) == [4, 3, 3]
    assert apportion([5, 3, 2], 11) == [6, 3, 2]  # 5.5, 3.3, 2.2: the half has the largest remainder
    assert apportion([0, 7], 3) == [0, 3]


@given(st.integers(1, 1200))
def test_parts_sum_to_the_providers_input(given_tokens: int) -> None:
    row = of({**GPT4O, "input_tokens": given_tokens, "output_tokens": 5})
    parts = parts_of(row)
    assert sum(value or 0 for value in parts.values()) == row["input_tokens"] == given_tokens
    assert parts["schema_tokens"] == parts["context_tokens"] == parts["example_tokens"] == 0
    assert row.get("token_source") == "provider"


def test_missing_counts_come_from_the_tokenizer() -> None:
    row = of(GPT4O, Body((Part("user", "hello world"),), "hello world"))
    assert row["input_tokens"] == 2 + 4 + 3  # a user message of gpt-4o costs 4 tokens beside its text, a request 3
    assert row["user_tokens"] == row["input_tokens"]
    assert row["output_tokens"] == 2
    assert row.get("token_source") == "tokenizer"
    assert row.get("reasoning_output_tokens") is None


def test_an_embedding_has_no_chat_template() -> None:
    row = of(
        {"provider_name": "openai", "request_model": "gpt-4o", "operation_name": "embeddings"},
        Body((Part("user", "hello world"),)),
    )
    assert row["input_tokens"] == 2
    assert "output_tokens" not in row


def test_an_older_model_is_counted_in_its_own_encoding() -> None:
    text = "深圳市人民政府办公厅" * 20
    newer = of(GPT4O, Body((Part("user", text),)))["input_tokens"]
    older = of({"provider_name": "openai", "request_model": "gpt-4-0613"}, Body((Part("user", text),)))["input_tokens"]
    assert older == tokens.count(text, "cl100k_base") + 7
    assert newer == tokens.count(text, "o200k_base") + 7
    assert older > newer


def test_another_familys_count_is_scaled_and_says_so() -> None:
    row = of(
        {"provider_name": "anthropic", "request_model": "claude-opus-4-7"},
        Body((Part("user", " alpha" * 1000),), " beta" * 100),
    )
    assert row["input_tokens"] == 1410 + 7
    assert row["output_tokens"] == 141
    assert row.get("token_source") == "other-tokenizer"


@pytest.mark.parametrize(
    ("usage", "source"),
    [
        ({"input_tokens": 300}, "mixed"),
        ({"output_tokens": 3}, "mixed"),
        ({"input_tokens": 300, "output_tokens": 3}, "provider"),
        ({"input_tokens": 300, "output_tokens": 3, "token_source": "estimate"}, "estimate"),
        ({}, "tokenizer"),
    ],
)
def test_token_source(usage: Usage, source: str) -> None:
    row = of({**GPT4O, **usage})
    assert row.get("token_source") == source
    assert source in BY_NAME["token_source"].allowed
    for name, value in usage.items():
        assert name == "token_source" or row[name] == value  # type: ignore[literal-required]  # any column


def test_an_output_counted_from_a_reasoning_models_answer_is_an_estimate() -> None:
    row = of({"provider_name": "openai", "request_model": "o3-mini"}, Body((), "hello world"))
    assert row["output_tokens"] == 2
    assert row.get("token_source") == "estimate"
    assert row.get("reasoning_output_tokens") is None
    known = of(
        {"provider_name": "openai", "request_model": "o3-mini", "reasoning_output_tokens": 64}, Body((), "hello world")
    )
    assert known["output_tokens"] == 66
    assert known.get("token_source") == "tokenizer"


def test_an_incomplete_body_gives_nothing() -> None:
    usage: Usage = {**GPT4O, "output_tokens": 5}
    assert of(usage, Body(TALK.parts, TALK.answer, complete=False)) == usage


def test_a_bucket_is_left_alone() -> None:
    usage: Usage = {**GPT4O, "requests": 2}
    assert of(usage) == usage


def test_the_input_row_is_untouched() -> None:
    usage: Usage = {**GPT4O, "input_tokens": 300}
    before = copy.deepcopy(usage)
    of(usage)
    assert usage == before


def test_what_the_log_gave_stays() -> None:
    usage: Usage = {
        **GPT4O,
        "input_tokens": 300,
        "output_tokens": 4,
        "system_tokens": 7,
        "prompt_key": 1,
        "response_key": 2,
        "prefix_keys": [3],
        "prefix_block_tokens": 512,
    }
    assert of(usage) == {**usage, "token_source": "provider"}


def test_no_prompt_is_not_an_empty_prompt() -> None:
    row = of(GPT4O, Body((), "hello world"))
    assert row.keys() == {*GPT4O, "output_tokens", "response_key", "token_source"}


@pytest.mark.parametrize("answer", [None, ""])
def test_no_answer_is_unknown_and_not_zero(answer: str | None) -> None:
    row = of(GPT4O, Body(TALK.parts, answer))
    assert "output_tokens" not in row
    assert "response_key" not in row


def test_a_failed_call_is_not_given_counts_it_may_not_have_been_billed_for() -> None:
    row = of({**GPT4O, "status": "error"})
    assert "input_tokens" not in row
    assert "output_tokens" not in row
    assert row["prompt_key"] is not None


def test_known_media_tokens_are_no_texts() -> None:
    row = of(
        {
            **GPT4O,
            "input_tokens": 1000,
            "input_image_tokens": 765,
            "output_tokens": 1,
            "images": '[{"width":1024,"height":1024,"count":1}]',
        }
    )
    assert sum(value or 0 for value in parts_of(row).values()) == 235
    assert "prompt_key" not in row
    assert "prefix_keys" not in row


@pytest.mark.parametrize(
    "media", [{"images": '[{"width":null,"height":null,"count":1}]'}, {"input_audio_seconds": Decimal(3)}, {"pages": 2}]
)
def test_unknown_media_leave_the_input_unknown_and_are_not_spread_over_the_text(media: Usage) -> None:
    assert "input_tokens" not in of({**GPT4O, **media})
    row = of({**GPT4O, **media, "input_tokens": 1000})
    alone = sum(value or 0 for value in parts_of(of(GPT4O)).values())
    assert sum(value or 0 for value in parts_of(row).values()) == alone - 3  # no share of the request's own 3 tokens


def test_images_of_known_sizes_are_counted_by_the_rule_of_the_family_and_are_an_estimate() -> None:
    image: Usage = {"images": '[{"count":2,"height":1024,"width":1024},{"count":1,"height":100,"width":100}]'}
    row = of({**GPT4O, **image})
    assert row["input_image_tokens"] == 765 * 2 + 255
    assert row["input_tokens"] == (of(GPT4O)["input_tokens"] or 0) + 1785
    assert row.get("token_source") == "estimate"
    assert sum(value or 0 for value in parts_of(row).values()) == row["input_tokens"] - 1785


@pytest.mark.parametrize(
    "images",
    [
        '[{"count":1,"height":null,"width":9},{"count":1,"height":9,"width":9}]', "[]x", '{"a":1}', '["x"]', '[{"count":-1,"height":9,"width":9}]',
    ],
)  # fmt: skip
def test_an_image_without_a_size_leaves_the_input_unknown(images: str) -> None:
    assert "input_tokens" not in of({**GPT4O, "images": images})


def test_images_are_not_counted_where_the_provider_counted_the_input() -> None:
    row = of({**GPT4O, "images": '[{"count":1,"height":9,"width":9}]', "input_tokens": 900, "output_tokens": 1})
    assert "input_image_tokens" not in row
    assert row["input_tokens"] == 900


def test_an_input_far_beyond_the_text_is_not_the_texts() -> None:
    row = of({**GPT4O, "input_tokens": 50_000, "output_tokens": 1})
    assert sum(value or 0 for value in parts_of(row).values()) < 500


@pytest.mark.parametrize(
    ("usage", "body"),
    [
        ({"input_tokens": 10, "input_image_tokens": 765}, TALK),  # counts that contradict each other are not spread
        ({"input_tokens": 10, "operation_name": "embeddings"}, Body((Part("user", ""),))),
    ],
)
def test_what_cannot_be_split_stays_unknown(usage: Usage, body: Body) -> None:
    assert not any(parts_of(of({**GPT4O, **usage}, body)).values())
    assert set(parts_of(of({**GPT4O, **usage}, body)).values()) == {None}


def test_a_very_long_text_is_estimated_and_has_no_prefix() -> None:
    text = " alpha" * (tokens.LONGEST // 6 + 1)
    assert len(text) > tokens.LONGEST
    row = of({"provider_name": "openai", "request_model": "gpt-4"}, Body((Part("user", text),)))
    assert row.get("token_source") == "estimate"
    assert abs((row["input_tokens"] or 0) - len(text) // 6) < len(text) // 600
    assert row["prompt_key"] is not None
    assert "prefix_keys" not in row


def test_the_cache_of_texts_changes_no_result() -> None:
    warm, small = Analyser(SECRET), Analyser(SECRET, cache_bytes=0)
    rows: tuple[Usage, ...] = (
        GPT4O,
        {**GPT4O, "input_tokens": 77},
        {"provider_name": "openai", "request_model": "gpt-4"},
    )
    for usage in rows:
        assert (
            warm.analyse(usage, TALK)
            == warm.analyse(usage, TALK)
            == small.analyse(usage, TALK)
            == analyse(usage, TALK, SECRET)
        )


def test_no_text_is_kept() -> None:
    analyser = Analyser(SECRET)
    row = analyser.analyse(GPT4O, Body((Part("user", CANARY),), CANARY * 2))
    assert CANARY not in repr(row)
    recent = analyser._recent
    assert CANARY.encode() not in b"".join(key + value for key, value in {**recent._young, **recent._old}.items())
