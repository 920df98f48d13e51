"""Counting: families, cutting of long texts, estimates, the memory of recent texts."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.content import tokens
from llmcost.content.families import hides_reasoning
from llmcost.content.ranks import EncodingName, encoding
from llmcost.content.tokens import Recent, tokenizer_for
from tests.support import shared_data

O200K, CL100K, OTHER = "o200k_base", "cl100k_base", "other-tokenizer"


@pytest.mark.parametrize(
    ("provider", "model", "name", "source", "factor"),
    [
        ("openai", "gpt-4o-2024-08-06", O200K, "tokenizer", "1"),
        ("openai", "ft:gpt-4o-mini:acme::1", O200K, "tokenizer", "1"),
        ("openai", "gpt-4.1-nano", O200K, "tokenizer", "1"),
        ("openai", "gpt-4.5-preview", O200K, "tokenizer", "1"),
        ("openai", "chatgpt-4o-latest", O200K, "tokenizer", "1"),
        ("openrouter", "openai/gpt-5.1-codex-mini", O200K, "tokenizer", "1"),
        ("openai", "o3-mini-2025-01-31", O200K, "tokenizer", "1"),
        ("groq", "openai/gpt-oss-120b", O200K, "tokenizer", "1"),
        ("openai", "gpt-4", CL100K, "tokenizer", "1"),
        ("openai", "gpt-4-1106-preview", CL100K, "tokenizer", "1"),
        ("openai", "gpt-4-32k", CL100K, "tokenizer", "1"),
        ("azure", "gpt-35-turbo", CL100K, "tokenizer", "1"),
        ("openai", "text-embedding-3-large", CL100K, "tokenizer", "1"),
        ("openai", "text-davinci-003", CL100K, OTHER, "1"),
        ("azure", "our-deployment", O200K, OTHER, "1"),
        ("anthropic", "claude-2.1", O200K, OTHER, "1.02"),
        ("anthropic", "claude-3-5-sonnet-20240620", O200K, OTHER, "1.06"),
        ("bedrock", "us.anthropic.claude-3-haiku-20240307-v1:0", O200K, OTHER, "1.06"),
        ("anthropic", "claude-opus-4-20250514", O200K, OTHER, "1.06"),
        ("anthropic", "claude-sonnet-4-0", O200K, OTHER, "1.06"),
        ("anthropic", "claude-opus-4-1-20250805", O200K, OTHER, "1.06"),
        ("anthropic", "claude-sonnet-4-6", O200K, OTHER, "1.06"),
        ("vertex_ai", "claude-sonnet-4-5@20250929", O200K, OTHER, "1.06"),
        ("openrouter", "anthropic/claude-4.6-sonnet-20260217", O200K, OTHER, "1.06"),
        ("openrouter", "anthropic/claude-sonnet-4.5", O200K, OTHER, "1.06"),
        ("anthropic", "claude-opus-4-7", O200K, OTHER, "1.41"),
        ("openrouter", "anthropic/claude-opus-4.8", O200K, OTHER, "1.41"),
        ("anthropic", "claude-sonnet-5", O200K, OTHER, "1.41"),
        ("anthropic", "claude-haiku-5-5", O200K, OTHER, "1.41"),
        ("anthropic", "claude-fable-5-1", O200K, OTHER, "1.41"),
        ("google", "gemini-2.5-flash", O200K, OTHER, "1.12"),
        ("ollama", "gemma3:1b", O200K, OTHER, "1.12"),
        ("groq", "meta-llama/llama-4-maverick-17b-128e-instruct", O200K, OTHER, "1.01"),
        ("groq", "deepseek-r1-distill-llama-3-70b", O200K, OTHER, "1.01"),
        ("deepseek", "deepseek-v4-flash", O200K, OTHER, "1.01"),
        ("cerebras", "qwen-3-coder-480b", O200K, OTHER, "1.05"),
        ("mistral", "ministral-8b-latest", O200K, OTHER, "1.08"),
        ("xai", "grok-4", O200K, OTHER, "1"),
        (None, None, O200K, OTHER, "1"),
    ],
)
def test_family(provider: str | None, model: str | None, name: str, source: str, factor: str) -> None:
    tokenizer = tokenizer_for(provider, model)
    assert (tokenizer.name, tokenizer.source, tokenizer.factor) == (name, source, Decimal(factor))


def test_factors_scale_and_round_half_up() -> None:
    assert tokenizer_for("anthropic", "claude-opus-4-7").scaled(50) == 71  # 70.5
    assert tokenizer_for("openai", "gpt-4o").scaled(50) == 50


@pytest.mark.parametrize(
    ("model", "hides"),
    [
        ("gpt-4o", False),
        ("o1-mini", True),
        ("gpt-5", True),
        ("gemini-2.5-pro", True),
        ("gemini-2.0-flash", False),
        ("deepseek-chat", False),
        ("deepseek-reasoner", True),
        ("claude-3.7-sonnet:thinking", True),
        (None, False),
    ],
)
def test_hidden_reasoning(model: str | None, hides: bool) -> None:
    assert hides_reasoning(model) is hides


BITS = (
    *"ab Z9.,:;'_-/\n\r\té字。，²Ⅷ👍\u0301\u2003",
    "it's",
    "we'LL",
    "word",
    "Слово",
    "123",
    "  ",
    "\n\n",
    "__",
    "://",
)
TEXTS = st.lists(st.sampled_from(BITS), max_size=60).map("".join)


@given(TEXTS, st.sampled_from([O200K, CL100K]))
def test_a_cut_at_a_word_end_changes_no_token(text: str, name: EncodingName) -> None:
    encode = encoding(name).encode_ordinary
    whole = encode(text)
    for match in tokens._BREAK.finditer(text):
        assert encode(text[: match.start()]) + encode(text[match.start() :]) == whole


@given(TEXTS, st.integers(2, 40))
def test_pieces_are_the_text_and_never_too_long(text: str, size: int) -> None:
    cuts = list(tokens.pieces(text, size))
    assert "".join(cuts) == text
    assert all(0 < len(cut) <= size for cut in cuts) or not text


def test_a_long_text_gives_the_tokens_of_tiktoken() -> None:
    text = "The quick brown fox, number 1234, jumps over it's lazy dog.\n\n  字字字。好的 – " * 3000
    assert len(text) > 3 * tokens.PIECE
    expected = encoding(O200K).encode_ordinary(text)
    assert tokens.count(text) == len(expected)
    ids = tokens.ids(text)
    assert [int.from_bytes(ids[at : at + 4], "little") for at in range(0, len(ids), 4)] == expected


@pytest.mark.parametrize("unit", ["a", " ", "\n", "=", "字", "é"])
def test_a_run_without_word_ends_takes_linear_time(unit: str) -> None:
    started = time.process_time()
    counted = tokens.count(unit * 2_000_000)
    assert 0 < counted <= 2_000_000
    assert time.process_time() - started < 10


def test_a_very_long_text_is_estimated() -> None:
    text = "All work and no play makes Jack a dull boy. " * (tokens.LONGEST // 40)
    assert len(text) > tokens.LONGEST
    started = time.process_time()
    guess = tokens.count(text)
    assert time.process_time() - started < 1
    exact = len(encoding(O200K).encode_ordinary(text[:440])) * len(text) // 440
    assert abs(guess - exact) < exact // 50


def test_half_a_surrogate_pair_is_counted() -> None:
    assert tokens.count("a\ud83db") >= 3
    assert len(tokens.ids("\ud83d")) >= 4


def test_recent_keeps_what_is_used_and_stays_bounded() -> None:
    recent = Recent(20 * (Recent.ENTRY_BYTES + 100))
    recent.put(b"used", bytes(100))
    for i in range(1000):
        recent.put(i.to_bytes(2, "big"), bytes(100))
        assert recent.get(b"used") == bytes(100)
    kept = [i for i in range(1000) if recent.get(i.to_bytes(2, "big")) is not None]
    assert 1 <= len(kept) <= 20
    recent.put(b"huge", bytes(10**6))
    assert recent.get(b"huge") is None
    recent.put(b"empty", b"")
    assert recent.get(b"empty") == b""


def _plain(request: dict[str, Any]) -> list[str] | None:
    """The messages of a request that is text only."""
    messages = request.get("messages")
    extra = {"tools", "functions", "response_format", "stream"} & {key for key, value in request.items() if value}
    if (
        not messages
        or extra
        or any(not isinstance(m.get("content"), str) or m.keys() - {"role", "content"} for m in messages)
    ):
        return None
    return [message["content"] for message in messages]


def test_counts_of_logged_openai_requests_are_exact() -> None:
    checked: set[tuple[str, int]] = set()
    for folder in ("openai_chat_completions", "azure_openai_chat"):
        for line in shared_data("formats", folder, "requests.jsonl").read_bytes().splitlines():
            record = orjson.loads(line)
            request, response = record.get("request"), record.get("response")
            if b"truncated" in line or not isinstance(request, dict) or not isinstance(response, dict):
                continue
            texts, reported = _plain(request), response.get("usage") or {}
            if texts is None or not reported.get("prompt_tokens"):
                continue
            tokenizer = tokenizer_for("openai", response["model"])
            template = tokenizer.family.template_tokens + len(texts) * tokenizer.family.message_tokens
            counted = sum(map(tokenizer.count, texts)) + template
            assert counted == reported["prompt_tokens"], (response["model"], texts[0][:40])
            checked.add((response["model"], counted))
    assert len(checked) >= 8
