"""Aider's chat history: the ``> Tokens:`` lines of ``.aider.chat.history.md``.

From: the Markdown file that aider keeps in a project's folder (https://aider.chat/docs/config/options.html, 2026-11-24). A row is one
report line, which covers one message of the user: mostly one call, several where aider reflected. ``sent`` is all input,
cache hits and writes inside; where they are larger than what would hold them, they stood beside it and are added. From
1,000 tokens on newer versions round (``1.2k``, ``12k``): such counts are estimates. The model is that of the latest banner,
also for calls of the weak model, which aider does not report, and of an editor model.

Assumed: the file has one time a chat, its start, in the local zone of the machine, which it does not name: every call of
the chat gets it, as UTC. Left out: ``Cost`` is aider's own estimate at LiteLLM's prices, rounded to cents, and no charge;
prompts, whose system part the file lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.openai_chat import is_openai_model
from llmcost.records.rows import known
from llmcost.records.values import instant, text
from llmcost.usage import names

_STARTED: Final = re.compile(r"^# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\s*$")
_MODEL: Final = re.compile(r"^> (?:Models?|Main model): (?P<model>[\w./:@+-]+)(?: |$)")
_COUNT: Final = r"(\d[\d,]*(?:\.\d+)?[kM]?)"
_TOKENS: Final = re.compile(
    rf"^> Tokens: {_COUNT} sent((?:, {_COUNT} (?:cache write|cache hit|cached))*), {_COUNT} received\.(?:\s|$)"
)
_CACHE: Final = re.compile(rf"{_COUNT} (cache write|cache hit|cached)")
_SCALE: Final = {"k": 1000, "M": 1_000_000}
_PREFIXES: Final = frozenset({
    "anthropic", "azure", "azure_ai", "bedrock", "cerebras", "cohere", "cohere_chat", "deepseek", "fireworks_ai", "gemini", "groq", "mistral",
    "ollama", "ollama_chat", "openai", "openrouter", "perplexity", "together_ai", "vertex_ai", "xai",
})  # fmt: skip
"""Providers as LiteLLM writes them before a model."""


@dataclass
class _Chat:
    """The chat that is open, and its model."""

    started: str | None = None
    model: str | None = None


def sniff(sample: Sample) -> bool:
    """Claims a text that starts a chat or reports tokens."""
    return sample.form == "text" and any(
        _STARTED.match(line) or _TOKENS.match(line) for line in sample.head.splitlines()
    )


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The reports of one history in order."""
    chat = _Chat()
    for record in records:
        notes = Notes()
        yield from notes.after(_line(chat, record.value, notes))


def _line(chat: _Chat, line: object, notes: Notes) -> Iterator[Reading]:
    if not isinstance(line, str):
        yield Problem("no-line", "not a line of text")
    elif (report := _TOKENS.match(line)) is not None:
        yield Row(known({**_counts(report), **_facts(chat, notes)}))
    elif (started := _STARTED.match(line)) is not None:
        chat.started, chat.model = started[1], None
        yield Skip("the start of a chat")
    else:
        if (banner := _MODEL.match(line)) is not None:
            chat.model = notes.soft(text, banner["model"], "model")
        elif line.startswith(("> Model: ", "> Models: ", "> Main model: ")):
            chat.model = None
        yield Skip("no report of tokens")


def _counts(report: re.Match[str]) -> dict[str, int | str | None]:
    cached = {kind: _number(amount) for amount, kind in _CACHE.findall(report[2])}
    read, written = cached.get("cache hit", cached.get("cached")), cached.get("cache write")
    sent, inside = _number(report[1]), (read or 0) + (written or 0)
    is_rounded = re.search(r"\d[kM] ", report[0]) is not None
    return {
        "input_tokens": sent if inside <= sent else sent + inside,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "output_tokens": _number(report[report.re.groups]),
        "token_source": "estimate" if is_rounded else "provider",
    }


def _number(word: str) -> int:
    scale = _SCALE.get(word[-1])
    digits = Decimal((word[:-1] if scale else word).replace(",", ""))
    return int(digits * scale) if scale else int(digits)


def _facts(chat: _Chat, notes: Notes) -> dict[str, object]:
    provider, model = _provider(chat.model)
    return {
        "call_role": "primary",
        "started_at": notes.soft(instant, chat.started, "chat started at"),
        "provider_name": provider,
        "request_model": model,
        "operation_name": "chat",
        "status": "ok",
        "requests": 1,
        "feature": "aider",
        "conversation_id": chat.started,
    }


def _provider(model: str | None) -> tuple[str | None, str | None]:
    """Provider and model of a name in LiteLLM's form (``openrouter/anthropic/claude-3.5-sonnet``)."""
    if model is None:
        return None, None
    prefix, slash, rest = model.partition("/")
    if slash and prefix in _PREFIXES:
        return names.provider(prefix), rest
    if model.startswith("claude"):
        return "anthropic", model
    return ("openai" if is_openai_model(model) else None), model


SOURCE: Final = Source(
    title="aider chat history",
    grain="requests",
    forms=("text",),
    sniff=sniff,
    read_file=read_file,
    knows=frozenset({
        "call_role", "started_at", "provider_name", "request_model", "operation_name", "status", "requests", "input_tokens", "cache_read_input_tokens",
        "cache_creation_input_tokens", "output_tokens", "feature", "conversation_id", "token_source",
    }),
    url="https://aider.chat/docs/config/options.html",
    checked="2026-11-24",
)  # fmt: skip
