"""Request logs of Anthropic's Messages API.

From: what an application, proxy or recorder writes for calls of ``POST /v1/messages``
(https://platform.claude.com/docs/en/api/messages, 2026-11-23): JSONL or one JSON document of ``{request, response ..}``
wrappers or of bare answers; streams as raw text or lists of events. A row is one call; advisor, compaction and
fallback iterations are further rows (``<id>#iteration-N``). The export's input count leaves cached and written tokens
out, the row's contains them; thinking is inside the output count. Left out: a bare answer has no time; fees of code
execution.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.exchange import first_call
from llmcost.records.hosts import OWN_SOURCE
from llmcost.records.openai_forms import FORMS_KNOW, read_forms


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is a Messages call of no host with a source of its own."""
    call = first_call(sample)
    return call is not None and call.api == "messages" and call.provider not in OWN_SOURCE


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_forms(record, context, "messages")


SOURCE: Final = Source(
    title="Anthropic messages",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=FORMS_KNOW,
    url="https://platform.claude.com/docs/en/api/messages",
    checked="2026-11-23",
)
