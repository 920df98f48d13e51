"""Request logs of xAI: Chat Completions and Responses, with reasoning beside the completion and the charge in ticks.

From: what an application or proxy logs for calls of ``https://api.x.ai/v1`` (https://docs.x.ai/developers, 2026-11-24). A row is one
call. ``prompt_tokens`` contains cached and image tokens. In Chat Completions ``completion_tokens`` leaves reasoning out, and
total = prompt + completion + reasoning: it is added. ``cost_in_usd_ticks`` is what was charged for the call, tools
included; 10^10 ticks are a dollar (https://docs.x.ai/developers/cost-tracking, 2026-11-24). Searches of the web and of X cost the
same per call and are counted together (https://docs.x.ai/developers/pricing, 2026-11-24). Left out: fees of the other tools,
which are in the charge.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange
from llmcost.records.hosts import Dialect, claims, fee, host_readings, usage_of
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS
from llmcost.records.shapes import mapping
from llmcost.records.values import count
from llmcost.usage.columns import Usage

_TICK: Final = Decimal("1E-10")
_SEARCHES: Final = ("web_search_calls", "x_search_calls")


def adds(row: Usage, answer: dict[str, Any], notes: Notes) -> Iterable[Reading]:
    """The charge, and the tools that the server ran."""
    usage = usage_of(answer)
    ticks = notes.soft(count, usage.get("cost_in_usd_ticks"), "cost_in_usd_ticks")
    if ticks is not None:
        row["billed_cost"] = ticks * _TICK
    ran = mapping(usage.get("server_side_tool_usage_details"))
    searches = [found for key in _SEARCHES if (found := notes.soft(count, ran.get(key), key)) is not None]
    if searches:
        row["web_search_requests"] = sum(searches)
    for key in sorted(ran.keys() - set(_SEARCHES)):
        yield from fee(key, ran[key])
    yield from fee("sources of Live Search", usage.get("num_sources_used"))


DIALECT: Final = Dialect("xai", adds)


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call went to xAI."""
    return claims(sample, DIALECT)


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "xai", read_call)


def read_call(call: Exchange) -> Iterable[Reading]:
    """The rows of one call."""
    return host_readings(call, DIALECT)


SOURCE: Final = Source(
    title="xAI request logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=CHAT_KNOWS | {"billed_cost"},
    url="https://docs.x.ai/developers",
    checked="2026-11-24",
)
