"""Request logs of Amazon Bedrock's InvokeModel, with the bodies of every model family, and output files of its batch jobs.

From: what an application, proxy or recorder writes for calls of ``/model/<id>/invoke``
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html, 2026-11-24): JSONL or one JSON
document of ``{request, response ..}`` wrappers, the answer's headers beside them where they were logged; and ``.jsonl.out`` of
batch jobs (``recordId, modelInput, modelOutput``), whose calls are of the batch tier. A row is one call. Counts come from
the body, else from the metrics that end a stream, else from the headers; Cohere's, Mistral's and older Claude's bodies have
none, so without headers their tokens are unknown. Claude and Nova leave cached tokens out of their input, the row's contains
them. Left out: a batch file names no model, except inside Claude's answers; guardrail units (problem ``guardrail-units``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from llmcost.records.anthropic import MESSAGES_KNOWS
from llmcost.records.bedrock import BEDROCK_KNOWS, guarded, model_of, served_tier, settle
from llmcost.records.bedrock_bodies import (
    answer_of,
    counted,
    finish_of,
    further_calls,
    images_made,
    invoke_body,
    invoke_request,
    operation_of,
    timing,
)
from llmcost.records.calls import finished, usage_row
from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange, first_call
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.openai_chat import CHAT_KNOWS
from llmcost.records.shapes import mapping
from llmcost.records.values import BadValueError, text
from llmcost.usage.columns import Usage


def _is_batch(value: Any) -> bool:
    return isinstance(value, dict) and "modelInput" in value and ("modelOutput" in value or "error" in value)


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is one of InvokeModel, or a batch job's output."""
    if sample.form in {"json", "jsonl"} and any(_is_batch(record) for record in sample.records):
        return True
    call = first_call(sample)
    return call is not None and call.api == "invoke"


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    if _is_batch(record.value):
        return _batched(record.value)
    return read_calls(record, context, "bedrock-invoke", read_call)


def _batched(value: dict[str, Any]) -> Iterator[Reading]:
    fault = value.get("error")
    answer = {"error": fault} if fault else mapping(value.get("modelOutput"))
    call = Exchange(mapping(value.get("modelInput")), answer, (), Usage(service_tier="batch"))
    try:
        yield from read_call(call)
    except BadValueError as error:
        yield Problem(error.kind, error.detail)


def read_call(call: Exchange) -> Iterator[Reading]:
    """The rows of one call."""
    notes = Notes(call.problems)
    return notes.after(_rows(call, notes))


def _rows(call: Exchange, notes: Notes) -> Iterator[Reading]:
    answer = answer_of(call)
    row = invoke_request(call.request, notes)
    row["operation_name"] = operation_of(model_of(call), answer)
    if not call.failed:
        row.update(counted(answer, call.headers, notes, embeds=row["operation_name"] == "embeddings"))
    row["output_images"] = images_made(answer)
    has_usage = row.get("input_tokens") is not None or row["output_images"] is not None
    row.update(finished(call, answer, finish_of(answer), notes, has_usage=has_usage))
    if not call.failed:
        row.update(timing(answer, call.headers, notes))
        guarded(answer, notes)
    row["service_tier"] = served_tier(answer, call.headers, notes)
    named = {"id": notes.soft(text, answer.get("id"), "id")}
    found = usage_row(replace(call, request={}), named, row, notes, body=invoke_body(call.request, answer))
    if found.usage is not None:
        settle(found.usage, call, answer, notes)
        yield found
        yield from further_calls(answer, found.usage, notes)


SOURCE: Final = Source(
    title="Amazon Bedrock InvokeModel",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=BEDROCK_KNOWS | MESSAGES_KNOWS | CHAT_KNOWS,
    url="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html",
    checked="2026-11-24",
)
