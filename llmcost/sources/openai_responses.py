"""Request logs of OpenAI's Responses API.

From: what an application, proxy or recorder writes for calls of ``POST /v1/responses``
(https://platform.openai.com/docs/api-reference/responses, 2026-11-23): JSONL or one JSON document of
``{request, response ..}`` wrappers or of bare answers; streams as raw text, lists of events, or one event a record. A row is one call; images
that a tool made are a second row (``<id>#image-gen``), and a container of code interpreter is one, under the container's
id, however many calls used it. Cached and written tokens are inside the input count, reasoning
inside the output count. Left out: the texts that the server kept for
``previous_response_id``, ``conversation`` and stored prompts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.openai_forms import FORMS_KNOW, claims, read_forms


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is a Responses call of no host with a source of its own."""
    return claims(sample, frozenset({"responses"}))


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_forms(record, context, "responses")


SOURCE: Final = Source(
    title="OpenAI responses",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=FORMS_KNOW,
    url="https://platform.openai.com/docs/api-reference/responses",
    checked="2026-11-23",
)
