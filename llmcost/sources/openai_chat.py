"""Request logs of the Chat Completions form: OpenAI's own, and hosts that speak it and have no source of their own.

From: what an application, proxy or recorder writes for calls of ``POST /v1/chat/completions``
(https://platform.openai.com/docs/api-reference/chat, 2026-11-23): JSONL or one JSON document of ``{request, response ..}``
wrappers or of bare answers. A row is one call. Cached and written tokens are inside the input count, reasoning inside
the output count. Left out: a stream made without ``stream_options.include_usage`` has no counts at all (95 of 162
recorded ones); the tier that a failed call asked for; what hosts hide from ``usage``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmcost.records.contract import Context, Reading, Record, Sample, Skip, Source
from llmcost.records.exchange import Exchange, first_call, read_calls
from llmcost.records.hosts import OWN_SOURCE
from llmcost.records.openai_chat import CHAT_KNOWS, chat_readings, provider_of_answer


def _provider(call: Exchange) -> str | None:
    return call.provider or provider_of_answer(call.response or (call.events[0].data if call.events else {}))


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is a chat completion of no host with a source of its own."""
    call = first_call(sample)
    return call is not None and call.api == "chat" and _provider(call) not in OWN_SOURCE


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, "chat", _readings)


def _readings(call: Exchange) -> Iterable[Reading]:
    if call.response.get("object") == "chat.completion.chunk" and not call.response.get("usage"):
        return [Skip("a chunk of a stream, without the usage that its last one carries")]
    return chat_readings(call, _provider(call))


SOURCE: Final = Source(
    title="OpenAI chat completions",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=CHAT_KNOWS,
    url="https://platform.openai.com/docs/api-reference/chat",
    checked="2026-11-23",
)
