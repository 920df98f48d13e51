"""Request logs of the old text completions, which servers of open models still speak.

From: what an application or proxy writes for calls of ``POST /v1/completions``
(https://platform.openai.com/docs/api-reference/completions, 2026-11-24): JSONL or one JSON document of
``{request, response ..}`` wrappers or of bare answers. A row is one call, however many prompts it completes. Cached
tokens are inside the prompt. Left out: a stream made without ``stream_options.include_usage`` has no counts. Calls of
OpenAI's other APIs in the same file are read too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.openai_forms import FORMS_KNOW, claims, read_forms


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is a text completion of no host with a source of its own."""
    return claims(sample, frozenset({"completions"}))


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_forms(record, context, "completions")


SOURCE: Final = Source(
    title="OpenAI text completions",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=FORMS_KNOW,
    url="https://platform.openai.com/docs/api-reference/completions",
    checked="2026-11-24",
)
