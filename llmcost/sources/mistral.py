"""Request logs of Mistral: chat, fill-in-the-middle, agents and embeddings in OpenAI's form, and documents read by OCR.

From: what an application or proxy logs for calls of ``https://api.mistral.ai/v1`` (https://docs.mistral.ai/api, 2026-11-24). A row is
one call. Cached tokens are inside the prompt, told in the details or as ``num_cached_tokens``; thinking is inside the
completion. Audio that Voxtral hears is counted in seconds (``prompt_audio_seconds``). OCR is billed per page
(``usage_info.pages_processed``), whatever the page holds. Left out: fees of an agent's connectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from llmcost.records.calls import finished, usage_row
from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange
from llmcost.records.hosts import FORMS, Dialect, claims, fee, host_readings, usage_of
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS
from llmcost.records.shapes import mapping
from llmcost.records.values import count, money
from llmcost.usage.columns import Usage


def adds(row: Usage, answer: dict[str, Any], notes: Notes) -> Iterable[Reading]:
    """Seconds of audio, and the connectors that an agent called."""
    usage = usage_of(answer)
    heard = usage.get("prompt_audio_seconds")
    length = notes.soft(money, None if isinstance(heard, dict) else heard, "prompt_audio_seconds")
    if length is not None and length >= 0:
        row["input_audio_seconds"] = Decimal(length)
    for name, times in sorted(mapping(usage.get("connectors")).items()):
        yield from fee(f"{name[:40]} calls", times)


DIALECT: Final = Dialect("mistral", adds)


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call went to Mistral; only Mistral's OCR answers in its form."""
    return claims(sample, DIALECT, FORMS) or claims(sample, DIALECT, frozenset({"ocr"}))


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "mistral", read_call)


def read_call(call: Exchange) -> Iterator[Reading]:
    """The rows of one call."""
    if call.api != "ocr":
        return host_readings(call, DIALECT)
    notes = Notes(call.problems)
    return notes.after(_document(call, notes))


def _document(call: Exchange, notes: Notes) -> Iterator[Reading]:
    usage = mapping(call.response.get("usage_info"))
    pages = count(usage.get("pages_processed"), "pages_processed")
    if pages is None and not call.failed:
        yield Problem("no-usage", "the answer does not say how many pages were read")
        return
    row = Usage(pages=pages, provider_name=call.provider or "mistral", operation_name="ocr")
    row.update(finished(call, call.response, None, notes, has_usage=bool(usage)))
    yield usage_row(call, call.response, row, notes)


SOURCE: Final = Source(
    title="Mistral request logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=CHAT_KNOWS | {"pages", "input_audio_seconds"},
    url="https://docs.mistral.ai/api",
    checked="2026-11-24",
)
