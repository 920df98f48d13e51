"""Request logs of Cerebras: the Chat Completions form with the server's own times.

From: what an application or proxy logs for calls of ``https://api.cerebras.ai/v1`` (https://inference-docs.cerebras.ai/api-reference,
2026-11-24). A row is one call. Cached tokens are inside the prompt, reasoning inside the completion; ``time_info`` holds
seconds, taken where the logger measured none. Left out: nothing that is billed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange
from llmcost.records.hosts import Dialect, claims, host_readings, seconds
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS
from llmcost.records.shapes import mapping
from llmcost.records.values import number
from llmcost.usage.columns import Usage


def adds(row: Usage, answer: dict[str, Any], notes: Notes) -> Iterable[Reading]:
    """The server's times: the total holds the queue, the first token comes after queue and prompt."""
    times = mapping(answer.get("time_info"))
    seconds(row, "duration_ms", times.get("total_time"), notes)
    waited, first = (notes.soft(number, times.get(key), key) for key in ("queue_time", "prompt_time"))
    if first is not None:
        seconds(row, "time_to_first_token_ms", (waited or 0) + first, notes)
    return ()


DIALECT: Final = Dialect("cerebras", adds)


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call went to Cerebras."""
    return claims(sample, DIALECT)


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "cerebras", read_call)


def read_call(call: Exchange) -> Iterable[Reading]:
    """The rows of one call."""
    return host_readings(call, DIALECT)


SOURCE: Final = Source(
    title="Cerebras request logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=CHAT_KNOWS,
    url="https://inference-docs.cerebras.ai/api-reference",
    checked="2026-11-24",
)
