"""The same model on another host has the same tokenizer, or moving it there would seem to save what nothing saves."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from functools import cache

import pytest

from llmcost.pricing.catalogue import load
from llmcost.pricing.entries import ModelEntry

Tokens = tuple[str | None, Decimal | None]

_OWNER = re.compile(
    r"^(anthropic|openai|google|meta|mistral|deepseek|moonshotai|moonshot|minimax|zai|qwen|cohere|xai)\."
)
_WHERE_IT_RUNS = re.compile(
    r"-(\d{8}|\d{4}-\d{2}-\d{2}|maas|fast|ultrafast|us|spot|turbo|ultra|hf|instruct|fp8|fp4|preview)$"
)


def bare(name: str) -> str:
    """A model's name without owner, host, date, speed and the ways to write a dot."""
    name = _OWNER.sub("", name.lower().rpartition("/")[2])
    name = re.sub(r"^(fw|spot)-", "", name)
    name = re.sub(r"(?<=\d)p(?=\d)", "-", name)
    name = re.sub(r"[@:][a-z].*$|@\d.*$|(-v\d+)?:\d+$", "", name)
    name = re.sub(r"[._]", "-", name)
    while (shorter := _WHERE_IT_RUNS.sub("", name)) != name:
        name = shorter
    return name


@cache
def entries() -> tuple[tuple[str, ModelEntry], ...]:
    book = load()
    return tuple((provider, model) for provider in book.providers() for model in book.file(provider).models)


def tokens_of(entry: ModelEntry) -> Tokens:
    return entry.tokenizer, entry.tokenizer_factor


def test_names_of_hosts_are_taken_for_the_makers() -> None:
    same = ("anthropic/claude-opus-4.7:batch", "claude-opus-4-7@20260416", "anthropic.claude-opus-4-7-20260416-v1:0")
    assert {bare(name) for name in same} == {"claude-opus-4-7"}
    assert bare("accounts/fireworks/models/kimi-k2p5-fast") == bare("moonshotai/Kimi-K2.5-fp4") == "kimi-k2-5"
    assert bare("claude-opus-4-7") != bare("claude-opus-4-6")


def test_a_model_has_one_tokenizer_wherever_it_is_sold() -> None:
    found: dict[tuple[str, str], dict[Tokens, list[str]]] = defaultdict(lambda: defaultdict(list))
    for provider, entry in entries():
        # A name like ft:gpt-4o is of a tuned model: what stands before the colon is no model.
        names = {bare(name) for name in (entry.id, *entry.aliases) if not name.startswith("ft:")}
        for name in names:
            found[name, entry.operation][tokens_of(entry)].append(f"{provider}/{entry.id}")
    hosted = [kinds for kinds in found.values() if sum(map(len, kinds.values())) > 1]
    assert len(hosted) > 250  # the comparison compares something
    assert {name: dict(kinds) for name, kinds in found.items() if len(kinds) > 1} == {}


def test_a_tokenizer_has_one_factor() -> None:
    factors: dict[str | None, set[Decimal | None]] = defaultdict(set)
    for _, entry in entries():
        factors[entry.tokenizer].add(entry.tokenizer_factor)
    assert factors.pop(None) == {None}
    assert {name: known for name, known in factors.items() if len(known) > 1} == {}


@pytest.mark.parametrize(
    ("name", "tokenizer"),
    [
        (r"claude-(opus-4.[78]|(opus|sonnet|haiku|fable|mythos)-[5-9])", "claude-4.7"),
        (r"claude-(3|(opus|sonnet|haiku)-(3|4.[0-6]))", "claude-3"),
        (r"distill-llama", "llama3"),
        (r"distill-qwen", "qwen"),
        (r"code-?llama|llama-?2-\d|llamaguard-7b", "llama2"),
        (r"mi[sx]tral-(7b|8x)", "mistral-v3"),
    ],
)
def test_a_family_has_its_tokenizer(name: str, tokenizer: str) -> None:
    members = [
        (f"{p}/{e.id}", e.tokenizer) for p, e in entries() if re.search(name, e.id.lower()) and e.operation == "chat"
    ]
    assert len(members) > 5
    assert [member for member in members if member[1] != tokenizer] == []
