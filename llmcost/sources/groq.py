"""Request logs of Groq: the forms of OpenAI's APIs, with its own times, tiers and systems of several models.

From: what an application or proxy logs for calls of ``https://api.groq.com/openai/v1`` (https://console.groq.com/docs/api-reference,
2026-11-24). A row is one call. Cached tokens are inside the prompt, reasoning inside the completion. A stream carries its
usage in ``x_groq`` of the last chunk, asked for or not. ``usage`` also holds the server's own times in seconds: taken where
the logger measured none. A system (``groq/compound``) runs other models, and each is billed at its own price: where
``usage_breakdown`` adds up to the usage, the row is the first of them and the others are sub-calls of it; its searches
are billed per call (https://console.groq.com/docs/compound, 2026-11-24). Left out: fees of visits and code execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.calls import subcall
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Source
from llmcost.records.exchange import Exchange
from llmcost.records.hosts import Dialect, claims, fee, host_readings, seconds, usage_of
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS, chat_usage
from llmcost.records.shapes import mapping, objects, word
from llmcost.records.values import BadValueError, number, text
from llmcost.usage.columns import Usage


def adds(row: Usage, answer: dict[str, Any], notes: Notes) -> Iterable[Reading]:
    """The server's times, the models that ran inside, the tools that they called."""
    usage = usage_of(answer)
    waited = notes.soft(number, usage.get("queue_time"), "queue_time") or 0
    first, whole = (notes.soft(number, usage.get(key), key) for key in ("prompt_time", "total_time"))
    if whole is not None:
        seconds(row, "duration_ms", waited + whole, notes)
    if first is not None:
        seconds(row, "time_to_first_token_ms", waited + first, notes)
    yield from _models(row, answer, notes)
    ran = [word(tool.get("type")) for tool in _tools(answer)]
    if "search" in ran:
        row["web_search_requests"] = ran.count("search")
    for kind in sorted(set(ran) - {"search", ""}):
        yield from fee(f"{kind} tools", ran.count(kind))


def _tools(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for choice in objects(answer.get("choices")):
        yield from objects(mapping(choice.get("message")).get("executed_tools"))


def _models(row: Usage, answer: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    ran = objects(mapping(answer.get("usage_breakdown")).get("models"))
    if not ran:
        return
    try:
        parts = [(text(m.get("model"), "model"), chat_usage(mapping(m.get("usage")), notes)) for m in ran]
    except BadValueError as error:
        notes.append(Problem(error.kind, error.detail, rejected=False))
        return
    sums = (
        sum(counts.get("input_tokens") or 0 for _, counts in parts),
        sum(counts.get("output_tokens") or 0 for _, counts in parts),
    )
    if sums != (row.get("input_tokens"), row.get("output_tokens")):
        told = f"its models' {sums[0]} input and {sums[1]} output tokens are not the usage's"
        notes.append(Problem("breakdown-mismatch", told, rejected=False))
        return
    (model, first), *others = parts
    for place, (name, counts) in enumerate(others, 2):
        yield Row(Usage(**{**subcall(row, f"model-{place}", counts, name), "operation_name": "chat"}))
    row.update({name: value for name, value in first.items() if value is not None})  # type: ignore[typeddict-item]  # part of a row
    if model is not None:
        row["response_model"] = model


DIALECT: Final = Dialect("groq", adds)


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call went to Groq."""
    return claims(sample, DIALECT)


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "groq", read_call)


def read_call(call: Exchange) -> Iterable[Reading]:
    """The rows of one call."""
    return host_readings(call, DIALECT)


SOURCE: Final = Source(
    title="Groq request logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=CHAT_KNOWS,
    url="https://console.groq.com/docs/api-reference",
    checked="2026-11-24",
)
