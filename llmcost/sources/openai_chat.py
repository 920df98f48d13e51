"""Request logs of the Chat Completions form: OpenAI's own, and hosts that speak it and have no source of their own.

From: what an application, proxy or recorder writes for calls of ``POST /v1/chat/completions``
(https://platform.openai.com/docs/api-reference/chat, 2026-11-23): JSONL or one JSON document of ``{request, response ..}``
wrappers or of bare answers. A row is one call. Cached and written tokens are inside the input count, reasoning inside
the output count. Left out: a stream made without ``stream_options.include_usage`` has no counts at all (95 of 162
recorded ones); the tier that a failed call asked for; what hosts hide from ``usage``. Calls of OpenAI's other APIs in
the same file are read too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange
from llmcost.records.openai_forms import FORMS_KNOW, claims, form_readings, read_forms


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is a chat completion of no host with a source of its own."""
    return claims(sample, frozenset({"chat"}))


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_forms(record, context, "chat")


def read_call(call: Exchange) -> Iterable[Reading]:
    """The rows of a call in the log of another host."""
    return form_readings(call, "chat")


SOURCE: Final = Source(
    title="OpenAI chat completions",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=FORMS_KNOW,
    url="https://platform.openai.com/docs/api-reference/chat",
    checked="2026-11-23",
)
