"""Output and error files of OpenAI's Batch API, and of hosts that write the same.

From: dashboard, Batches, Download output or errors; or ``GET /v1/files/{output_file_id}/content``
(https://platform.openai.com/docs/guides/batch, 2026-11-24): one line a request, in any order. A row is one line. The
body is an answer of the API that was called; it is billed at half price **because it stands in this file**: its
``service_tier`` may still say "default". Requests that failed are rows without cost; those that expired or were
cancelled never ran and are skipped. Left out: what was asked, the time of embeddings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.batches import NEVER_RAN, at_batch_rate, failed
from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes
from llmcost.records.openai_forms import FORMS, FORMS_KNOW, form_readings
from llmcost.records.shapes import mapping, word
from llmcost.records.values import count, text
from llmcost.usage.columns import Usage


def sniff(sample: Sample) -> bool:
    """Claims lines of a request's own id with an answer or an error."""
    return sample.form in {"jsonl", "json"} and any(_is_line(line) for line in sample.objects())


def _is_line(line: dict[str, Any]) -> bool:
    response = line.get("response")
    answered = isinstance(response, dict) and "status_code" in response
    return "custom_id" in line and "error" in line and "result" not in line and (answered or response is None)


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one line."""
    line = record.value
    if not isinstance(line, dict) or not _is_line(line):
        return [Problem("no-call", "the line is no answer of a batch")]
    notes = Notes()
    return notes.after(_line(line, notes))


def _line(line: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    own_id = notes.soft(text, line.get("id"), "id")
    response = mapping(line.get("response"))
    body, status = mapping(response.get("body")), _status(response, notes)
    if word(mapping(line.get("error")).get("code")) in NEVER_RAN:
        yield Skip("a request that the batch never ran")
    elif line.get("error") or not body or body.get("error") or (status or 200) >= 400:
        yield failed(own_id, None)
    else:
        call = Exchange({}, body, (), Usage(), status)
        if call.api not in FORMS:
            yield Problem("other-format", "the answer is of an API that this source does not read")
            return
        yield from at_batch_rate(_answered(call), own_id)


def _answered(call: Exchange) -> Iterable[Reading]:
    return form_readings(call, call.api or "chat")


def _status(response: dict[str, Any], notes: Notes) -> int | None:
    return notes.soft(count, response.get("status_code"), "status_code")


SOURCE: Final = Source(
    title="OpenAI batch output",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=FORMS_KNOW,
    url="https://platform.openai.com/docs/guides/batch",
    checked="2026-11-24",
)
