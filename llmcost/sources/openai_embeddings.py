"""Request logs of OpenAI's embeddings and moderations, and of hosts that speak this form and have no source of their own.

From: what an application or proxy writes for calls of ``POST /v1/embeddings`` and ``/v1/moderations``
(https://platform.openai.com/docs/api-reference/embeddings, 2026-11-24): JSONL or one JSON document of
``{request, response ..}`` wrappers or of bare answers. A row is one call, however many texts it embeds. There is no
output; a moderation counts nothing and is free. Left out: an id, so that calls are told apart by their content. Calls
of OpenAI's other APIs in the same file are read too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.openai_forms import FORMS_KNOW, claims, read_forms


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call makes embeddings or judges texts."""
    return claims(sample, frozenset({"embeddings", "moderations"}))


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_forms(record, context, "embeddings")


SOURCE: Final = Source(
    title="OpenAI embeddings and moderations",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=FORMS_KNOW,
    url="https://platform.openai.com/docs/api-reference/embeddings",
    checked="2026-11-24",
)
