"""Keys: equal exactly where texts are equal, different under another secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.content.analyse import Analyser
from llmcost.content.keys import BLOCK_TOKENS, Keyer
from llmcost.records.contract import Body, Part, PartRole
from llmcost.usage.columns import Usage

SECRET = bytes(range(32))
KEYER = Keyer(SECRET)
ROLES = st.sampled_from(["tools", "system", "schema", "example", "history", "context", "user"])
PARTS = st.lists(st.builds(Part, ROLES, st.text("ab", max_size=3)), min_size=1, max_size=4).map(tuple)


def keys(*parts: Part, secret: bytes = SECRET, answer: str | None = None) -> Usage:
    return Analyser(secret).analyse({}, Body(parts, answer))


def words(count: int, word: str = "alpha") -> str:
    return f" {word}" * count


@given(PARTS, PARTS)
def test_prompt_keys_are_equal_exactly_when_the_prompts_are(one: tuple[Part, ...], other: tuple[Part, ...]) -> None:
    def prompt(parts: tuple[Part, ...]) -> int:
        return KEYER.prompt((part.role, len(part.text), KEYER.text(part.text)) for part in parts)

    assert (prompt(one) == prompt(other)) == (one == other)
    assert 0 <= prompt(one) < 2**63


def test_where_a_text_is_cut_matters() -> None:
    one = keys(Part("user", "ab" + words(200)), Part("user", "c" + words(200)))
    other = keys(Part("user", "a"), Part("user", "b" + words(200) + "c" + words(200)))
    assert one["prompt_key"] != other["prompt_key"]
    assert len(one["prefix_keys"] or ()) == len(other["prefix_keys"] or ()) == 3
    assert not set(one["prefix_keys"] or ()) & set(other["prefix_keys"] or ())


def test_another_secret_gives_other_keys() -> None:
    mine = keys(Part("user", words(400)), answer="yes")
    theirs = keys(Part("user", words(400)), answer="yes", secret=b"other")
    for name in ("prompt_key", "response_key"):
        assert mine[name] != theirs[name]
    assert not set(mine["prefix_keys"] or ()) & set(theirs["prefix_keys"] or ())


def test_the_digest_of_a_text_is_keyed_too() -> None:
    assert KEYER.text("yes") == Keyer(SECRET).text("yes") != Keyer(b"other").text("yes")


def test_a_text_has_other_keys_as_prompt_and_as_answer() -> None:
    row = keys(Part("user", "yes"), answer="yes")
    assert row["prompt_key"] != row["response_key"]
    assert row["response_key"] == keys(Part("user", "no"), answer="yes")["response_key"]


def test_a_prefix_chain_has_one_key_for_every_full_block() -> None:
    # One marker and one token a word: 127 words fill the first block.
    for count, blocks in ((126, 0), (127, 1), (254, 1), (255, 2)):
        row = keys(Part("user", words(count)))
        assert len(row["prefix_keys"] or ()) == blocks
        assert row["prefix_block_tokens"] == BLOCK_TOKENS


def test_prefixes_agree_up_to_the_first_difference() -> None:
    def chain(change_at: int | None) -> list[int]:
        text = "".join(" beta" if at == change_at else " alpha" for at in range(127 + 3 * 128))
        return keys(Part("user", text))["prefix_keys"] or []

    same = chain(None)
    assert len(same) == 4
    assert all(0 <= key < 2**63 for key in same)
    for change_at, agree in ((0, 0), (126, 0), (127, 1), (254, 1), (255, 2), (510, 3)):
        changed = chain(change_at)
        assert [a == b for a, b in zip(same, changed, strict=True)] == [True] * agree + [False] * (4 - agree)


def test_a_conversation_keeps_the_prefix_of_its_earlier_turn() -> None:
    tools, system = Part("tools", words(150, "tool")), Part("system", words(150))
    asked, answered = words(150, "question"), words(90, "answer")
    first = keys(tools, system, Part("context", words(40, "fact")), Part("user", asked))
    second = keys(
        tools,
        system,
        Part("history", words(40, "fact")),
        Part("history", asked),
        Part("history", answered),
        Part("user", "more"),
    )
    assert len(first["prefix_keys"] or ()) == (4 + 150 + 150 + 40 + 150) // BLOCK_TOKENS == 3
    assert (second["prefix_keys"] or [])[:3] == first["prefix_keys"]
    assert first["prompt_key"] != second["prompt_key"]


@pytest.mark.parametrize("other", ["anthropic/claude-opus-5", "openai/gpt-4-0613", "google/gemini-2.5-pro"])
def test_keys_do_not_depend_on_the_model(other: str) -> None:
    body = Body((Part("user", words(300)),), "yes")
    provider, _, model = other.partition("/")
    analyser = Analyser(SECRET)
    here = analyser.analyse({"provider_name": "openai", "request_model": "gpt-4o"}, body)
    there = analyser.analyse({"provider_name": provider, "request_model": model}, body)
    for name in ("prompt_key", "response_key", "prefix_keys"):
        assert here[name] == there[name]


def test_breakpoints_stand_at_the_ends_of_their_parts_and_change_no_key() -> None:
    def parts(*, marked: bool) -> tuple[Part, ...]:
        return Part("tools", words(10), marked), Part("system", words(20)), Part("user", words(5), marked)

    marked, plain = keys(*parts(marked=True)), keys(*parts(marked=False))
    assert marked["cache_breakpoints"] == [1 + 10, 3 + 10 + 20 + 5]
    assert plain["cache_breakpoints"] == []
    assert marked["prompt_key"] == plain["prompt_key"]


@pytest.mark.parametrize("role", ["tools", "system", "schema"])
def test_a_special_role_is_part_of_the_prefix(role: PartRole) -> None:
    assert keys(Part(role, words(200)))["prefix_keys"] != keys(Part("user", words(200)))["prefix_keys"]


def test_half_a_surrogate_pair_has_a_key_of_its_own() -> None:
    assert len({KEYER.text("\ud83d"), KEYER.text("\ude00"), KEYER.text("\ufffd"), KEYER.text("?")}) == 4
