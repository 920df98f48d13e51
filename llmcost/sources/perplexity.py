"""Request logs of Perplexity: Sonar's chat completions and the Agent API, with the charge in the usage.

From: what an application or proxy logs for calls of ``https://api.perplexity.ai`` (https://docs.perplexity.ai, 2026-11-24; Sonar's
Chat Completions ended on 2026-09-27). A row is one call. ``usage.cost.total_cost`` is the charge in dollars, the fee for
the request and its searches included. Sonar deep research counts reasoning beside the completion and bills it, its
citations and its searches apart: reasoning is added to the output, searches have a column, citations do not. Left out:
the search context size, which decides the fee for the request: it is only in the charge.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange
from llmcost.records.hosts import Dialect, claims, fee, host_readings, usage_of
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS
from llmcost.records.shapes import mapping
from llmcost.records.values import count, money
from llmcost.usage.columns import Usage


def adds(row: Usage, answer: dict[str, Any], notes: Notes) -> Iterable[Reading]:
    """The charge, the searches, and reasoning that stands beside the completion."""
    usage = usage_of(answer)
    charged = notes.soft(money, mapping(usage.get("cost")).get("total_cost"), "total_cost")
    if charged is not None:
        row["billed_cost"] = charged
    searches = notes.soft(count, usage.get("num_search_queries"), "num_search_queries")
    if searches is not None:
        row["web_search_requests"] = searches
    thought = notes.soft(count, usage.get("reasoning_tokens"), "reasoning_tokens")
    made = row.get("output_tokens")
    if thought is not None and made is not None and row.get("reasoning_output_tokens") is None:
        row["output_tokens"], row["reasoning_output_tokens"] = made + thought, thought
    yield from fee("citation tokens", usage.get("citation_tokens"))


DIALECT: Final = Dialect("perplexity", adds)


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call went to Perplexity."""
    return claims(sample, DIALECT)


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "perplexity", read_call)


def read_call(call: Exchange) -> Iterable[Reading]:
    """The rows of one call."""
    return host_readings(call, DIALECT)


SOURCE: Final = Source(
    title="Perplexity request logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=CHAT_KNOWS | {"billed_cost"},
    url="https://docs.perplexity.ai",
    checked="2026-11-24",
)
