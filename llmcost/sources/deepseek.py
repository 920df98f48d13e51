"""Request logs of DeepSeek: Chat Completions, Responses and Messages, with cache hits and misses counted apart.

From: what an application or proxy logs for calls of ``https://api.deepseek.com`` (https://api-docs.deepseek.com, 2026-11-24). A
row is one call. ``prompt_cache_hit_tokens`` + ``prompt_cache_miss_tokens`` = ``prompt_tokens`` (8 of 8 recorded answers); hits
are the cached part. Reasoning is inside the completion. Peak hours cost twice as much, so a call without a time is
priced as if it ran off the peak. Left out: nothing that is billed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange
from llmcost.records.hosts import Dialect, claims, host_readings, usage_of
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS
from llmcost.records.values import count
from llmcost.usage.columns import Usage


def adds(row: Usage, answer: dict[str, Any], notes: Notes) -> Iterable[Reading]:
    """Checks that hits and misses are the prompt."""
    usage = usage_of(answer)
    hit, miss = (notes.soft(count, usage.get(f"prompt_cache_{kind}_tokens"), kind) for kind in ("hit", "miss"))
    given = row.get("input_tokens")
    if hit is not None and miss is not None and given is not None and hit + miss != given:
        told = f"hits {hit} and misses {miss} are not the {given} tokens of the prompt"
        yield Problem("cache-split-mismatch", told, rejected=False)


DIALECT: Final = Dialect("deepseek", adds)


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call went to DeepSeek."""
    return claims(sample, DIALECT)


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "deepseek", read_call)


def read_call(call: Exchange) -> Iterable[Reading]:
    """The rows of one call."""
    return host_readings(call, DIALECT)


SOURCE: Final = Source(
    title="DeepSeek request logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=CHAT_KNOWS,
    url="https://api-docs.deepseek.com",
    checked="2026-11-24",
)
