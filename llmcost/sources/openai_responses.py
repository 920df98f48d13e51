"""Request logs of OpenAI's Responses API.

From: what an application, proxy or recorder writes for calls of ``POST /v1/responses``
(https://platform.openai.com/docs/api-reference/responses, 2026-11-23): JSONL or one JSON document of
``{request, response ..}`` wrappers or of bare answers; streams as raw text or lists of events. A row is one call; images
that a tool made are a second row (``<id>#image-gen``), and a container of code interpreter is one, under the container's
id, however many calls used it. Cached and written tokens are inside the input count, reasoning
inside the output count. Left out: the texts that the server kept for
``previous_response_id``, ``conversation`` and stored prompts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange, first_call, read_calls
from llmcost.records.hosts import OWN_SOURCE
from llmcost.records.openai_chat import CHAT_KNOWS, is_openai_model
from llmcost.records.openai_responses import merged, responses_readings


def _provider(call: Exchange) -> str | None:
    answer = merged(call.events) if call.events else call.response
    return call.provider or ("openai" if is_openai_model(answer.get("model") or call.request.get("model")) else None)


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is a Responses call of no host with a source of its own."""
    call = first_call(sample)
    return call is not None and call.api == "responses" and call.provider not in OWN_SOURCE


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, "responses", lambda call: responses_readings(call, _provider(call)))


SOURCE: Final = Source(
    title="OpenAI responses",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=CHAT_KNOWS | {"file_search_requests", "code_execution_sessions", "output_images"},
    url="https://platform.openai.com/docs/api-reference/responses",
    checked="2026-11-23",
)
