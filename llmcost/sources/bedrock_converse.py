"""Request logs of Amazon Bedrock's Converse and ConverseStream.

From: what an application, proxy or recorder writes for calls of ``/model/<id>/converse``
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, 2026-11-24): JSONL or one JSON document of
``{request, response ..}`` wrappers (``modelId`` beside or inside the request, where there is no URL), of an SDK's answers
with ``ResponseMetadata``, or of bare answers; streams as lists of events. A row is one call; its identity is Bedrock's
request id where the headers are logged, which is that of the invocation log. The export's input count leaves cached and
written tokens out, the row's contains them. The price hangs on the id that was asked for: ``us.`` and the like are kept.
Left out: reasoning tokens, which Converse does not count apart; guardrail units (problem ``guardrail-units``); a bare
answer names neither model nor time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from llmcost.records.bedrock import (
    BEDROCK_KNOWS,
    converse_body,
    converse_request,
    converse_usage,
    guarded,
    served_tier,
    settle,
)
from llmcost.records.bedrock_bodies import answer_of, timing
from llmcost.records.calls import finished, usage_row
from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.exchange import Exchange, first_call
from llmcost.records.labels import Notes
from llmcost.records.mixed import read_calls
from llmcost.records.shapes import mapping, word


def sniff(sample: Sample) -> bool:
    """Claims a file whose first recognisable call is one of Converse."""
    call = first_call(sample)
    return call is not None and call.api == "converse"


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The rows of one record."""
    return read_calls(record, context, "bedrock-converse", read_call)


def read_call(call: Exchange) -> Iterator[Reading]:
    """The rows of one call."""
    notes = Notes(call.problems)
    return notes.after(_rows(call, notes))


def _rows(call: Exchange, notes: Notes) -> Iterator[Reading]:
    answer = answer_of(call)
    counted = isinstance(answer.get("usage"), dict) and not call.failed
    row = converse_request(call.request, notes)
    if counted:
        row.update(converse_usage(mapping(answer.get("usage")), notes))
        row.update(timing(answer, call.headers, notes))
        guarded(answer, notes)
    row.update(finished(call, answer, word(answer.get("stopReason")) or None, notes, has_usage=counted))
    row["service_tier"] = served_tier(answer, call.headers, notes)
    row["operation_name"] = "chat"
    body = converse_body(call.request, answer)
    made = usage_row(replace(call, request={}), {}, row, notes, body=body)
    if made.usage is not None:
        settle(made.usage, call, answer, notes)
    yield made


SOURCE: Final = Source(
    title="Amazon Bedrock Converse",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    read_call=read_call,
    knows=BEDROCK_KNOWS,
    url="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
    checked="2026-11-24",
)
