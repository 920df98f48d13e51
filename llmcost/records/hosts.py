"""Reads the logs of hosts that speak OpenAI's APIs in a dialect: the same forms, and what one host adds to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from llmcost.records.anthropic import merged as merged_message
from llmcost.records.anthropic import messages_readings
from llmcost.records.contract import Problem, Reading, Row, Sample
from llmcost.records.exchange import Exchange, first_call
from llmcost.records.labels import Notes
from llmcost.records.openai_bodies import body_readings
from llmcost.records.openai_chat import chat_readings, merged, provider_of_answer
from llmcost.records.openai_responses import merged as merged_response
from llmcost.records.openai_responses import responses_readings
from llmcost.records.shapes import mapping
from llmcost.records.values import number
from llmcost.usage.columns import Usage

FORMS: Final = frozenset({"chat", "completions", "embeddings", "responses", "messages"})
"""The APIs of others that hosts offer under their own address."""

OWN_SOURCE: Final = {
    "azure": "azure-openai", "openrouter": "openrouter-chat", "mistral": "mistral", "deepseek": "deepseek", "groq": "groq", "cerebras": "cerebras",
    "ollama": "ollama", "cohere": "cohere", "xai": "xai", "perplexity": "perplexity",
}  # fmt: skip
"""Hosts whose calls in these forms are claimed and read by a source of their own, and its name."""


def _nothing(_row: Usage, _answer: dict[str, Any], _notes: Notes) -> Iterable[Reading]:
    return ()


@dataclass(frozen=True)
class Dialect:
    """What one host adds. ``adds`` completes the row of a call and gives further readings of it; it rejects nothing."""

    provider: str
    adds: Callable[[Usage, dict[str, Any], Notes], Iterable[Reading]] = _nothing


def provider_of(call: Exchange) -> str | None:
    """Who served a call, from its address, its logger or its form."""
    return call.provider or provider_of_answer(answer_of(call))


def answer_of(call: Exchange) -> dict[str, Any]:
    """The answer of a call, a stream's put together."""
    if not call.events:
        return call.response
    merge = {"responses": merged_response, "messages": merged_message}.get(call.api or "", merged)
    return merge(call.events)


def claims(sample: Sample, dialect: Dialect, apis: frozenset[str] = FORMS) -> bool:
    """Whether the first recognisable call of a file is one of this host's."""
    call = first_call(sample)
    return call is not None and call.api in apis and provider_of(call) == dialect.provider


def host_readings(call: Exchange, dialect: Dialect) -> Iterator[Reading]:
    """The rows of one call."""
    provider = provider_of(call) or dialect.provider
    notes = Notes()
    readings = form_of_others(call, provider)
    if provider == dialect.provider and not call.failed:
        readings = _added(readings, answer_of(call), dialect, notes)
    return notes.after(readings)


def form_of_others(call: Exchange, provider: str) -> Iterable[Reading]:
    """The rows of a call in one of the forms of others."""
    if call.api == "responses":
        return responses_readings(call, provider)
    if call.api == "messages":
        return messages_readings(call, provider)
    if call.api in {"embeddings", "completions"}:
        return body_readings(call, provider, call.api)
    return chat_readings(call, provider)


def _added(readings: Iterable[Reading], answer: dict[str, Any], dialect: Dialect, notes: Notes) -> Iterator[Reading]:
    more: Iterable[Reading] = ()
    for place, reading in enumerate(readings):
        if place == 0 and isinstance(reading, Row) and reading.usage is not None:
            more = list(dialect.adds(reading.usage, answer, notes))
        yield reading
    yield from more


def seconds(row: Usage, column: str, value: Any, notes: Notes) -> None:
    """Takes a host's own seconds for a time in milliseconds that the logger did not measure."""
    measured = notes.soft(number, value, column)
    if measured is not None and 0 <= measured < 1e9 and row.get(column) is None:
        row[column] = round(measured * 1000)  # type: ignore[literal-required] # the callers name a column of times


def fee(kind: str, times: Any) -> Iterator[Problem]:
    """Tells of a fee that no column holds."""
    if isinstance(times, int | Decimal) and not isinstance(times, bool) and times > 0:
        told = f"{times} {kind}: a fee that no column holds"
        yield Problem("tool-fee-not-counted", told, rejected=False, informative=True)


def usage_of(answer: dict[str, Any]) -> dict[str, Any]:
    """The usage object of an answer, an empty one if it has none."""
    return mapping(answer.get("usage"))
