"""Amazon Bedrock's model invocation log, from S3 or CloudWatch.

From: Bedrock console, Settings, Model invocation logging (https://docs.aws.amazon.com/bedrock/latest/userguide/
model-invocation-logging.html, 2026-11-24): JSON lines (``AWSLogs/<account>/BedrockModelInvocationLogs/<region>/..``); records
inside CloudWatch's ``events`` or ``logEvents``, a Logs Insights result (``@message``), or the lines of an export task, which
begin with a time. A row is one call, identified by ``requestId``. ``inputTokenCount`` leaves cached and written tokens out,
the row's input contains them; where the record has no cache counters the body's are taken. The price hangs on ``modelId``
(a profile's prefix is kept) and on ``region``; where inference ran is the tag ``inference_region``. A failed call (tag
``error_code``) has no counts. Left out: latency, where bodies are not delivered; texts that lie in S3; the service tier,
where the body does not name it; guardrail units (problem ``guardrail-units``), which a blocked call of 0 tokens pays too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from llmcost.records.anthropic import MESSAGES_KNOWS
from llmcost.records.bedrock import (
    BEDROCK_KNOWS,
    converse_body,
    converse_request,
    guarded,
    served_tier,
    settle,
    split_input,
)
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
from llmcost.records.exchange import Exchange
from llmcost.records.labels import Notes, labels_of
from llmcost.records.openai_chat import CHAT_KNOWS
from llmcost.records.shapes import mapping, objects
from llmcost.records.sse import events_of_list, parse_json
from llmcost.records.values import count, instant, text
from llmcost.usage.columns import Usage

_FIELDS: Final = frozenset({"modelId", "operation", "requestId"})
_EXPORTED: Final = re.compile(r"^\d{4}-\d{2}-\d{2}T[0-9:.]+Z\s+(?=\{)")
"""What CloudWatch's export task writes before each message."""


def _logged(value: Any) -> Iterator[dict[str, Any]]:
    """The records of the log inside ``value``, whatever CloudWatch wrapped around them."""
    if isinstance(value, str):
        yield from _logged(_json(_EXPORTED.sub("", value.strip())))
    elif isinstance(value, list):
        for item in value:
            yield from _logged(item) if isinstance(item, dict) else ()
    elif isinstance(value, dict) and _is_record(value):
        yield value
    elif isinstance(value, dict):
        for event in (*objects(value.get("events")), *objects(value.get("logEvents")), value):
            for key in ("message", "@message"):
                inner = event.get(key)
                inner = _json(inner) if isinstance(inner, str) else inner
                if isinstance(inner, dict) and _is_record(inner):
                    yield inner


def _is_record(value: dict[str, Any]) -> bool:
    return value.get("schemaType") == "ModelInvocationLog" or (
        value.keys() >= _FIELDS and bool({"input", "output"} & value.keys())
    )


def _json(raw: str) -> Any:
    if not raw.startswith("{"):
        return None
    try:
        return parse_json(raw)
    except ValueError:
        return None


def sniff(sample: Sample) -> bool:
    """Claims a file that holds a record of the log."""
    return any(True for record in sample.records for _ in _logged(record))


def read(record: Record, _context: Context) -> Iterator[Reading]:
    """The rows of one record."""
    found = False
    for logged in _logged(record.value):
        found = True
        notes = Notes()
        yield from notes.after(_call(logged, notes))
    if not found:
        yield Problem("no-call", "the record is no entry of the invocation log")


def _call(logged: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    given, made = mapping(logged.get("input")), mapping(logged.get("output"))
    model = text(logged.get("modelId"), "modelId")
    said = made.get("outputBodyJson")
    events = tuple(events_of_list(said)) if isinstance(said, list) else ()
    fault = notes.soft(text, logged.get("errorCode"), "errorCode")
    answer = {"error": fault} if fault else mapping(said)
    call = Exchange(mapping(given.get("inputBodyJson")), answer, events, _labels(logged, notes), model=model)
    answer = answer_of(call)
    is_converse = str(logged.get("operation")).startswith("Converse")
    row = (converse_request if is_converse else invoke_request)(call.request, notes)
    row["operation_name"] = operation_of(model, answer)
    if not fault:
        row.update(_counts(given, made, answer, notes, embeds=row["operation_name"] == "embeddings"))
        row.update(timing(answer, {}, notes))
        guarded(answer, notes)
    row["output_images"] = images_made(answer)
    has_usage = row.get("input_tokens") is not None or row["output_images"] is not None
    row.update(finished(call, answer, finish_of(answer), notes, has_usage=has_usage))
    tier = {"serviceTier": logged["serviceTier"]} if "serviceTier" in logged else {}
    row["service_tier"] = served_tier({**answer, **tier}, {}, notes)
    body = (converse_body if is_converse else invoke_body)(call.request, answer)
    found = usage_row(Exchange({}, {}, events, call.labels), {}, row, notes, body=body)
    if found.usage is not None:
        settle(found.usage, call, answer, notes)
        yield found
        yield from further_calls(answer, found.usage, notes)


def _labels(logged: dict[str, Any], notes: Notes) -> Usage:
    extra = {"inference_region": logged.get("inferenceRegion"), "error_code": logged.get("errorCode")}
    row = labels_of({}, (logged.get("requestMetadata"), extra), notes)
    named = {
        "request_id": notes.soft(text, logged.get("requestId"), "requestId"),
        "started_at": notes.soft(instant, logged.get("timestamp"), "timestamp"),
        "region": notes.soft(text, logged.get("region"), "region"),
        "organization": notes.soft(text, logged.get("accountId"), "accountId"),
    }
    row.update({k: v for k, v in named.items() if v is not None})  # type: ignore[typeddict-item]  # columns of a row
    caller = notes.soft(text, mapping(logged.get("identity")).get("arn"), "identity.arn")
    if caller is not None:
        row.setdefault("user_id", caller)
    return row


def _counts(
    given: dict[str, Any], made: dict[str, Any], answer: dict[str, Any], notes: Notes, *, embeds: bool
) -> Usage:
    """The record's own counters; what it does not count, from the body or the metrics that end a stream."""
    body = counted(answer, {}, notes, embeds=embeds)
    rest = count(given.get("inputTokenCount"), "inputTokenCount")
    read = count(given.get("cacheReadInputTokenCount"), "cacheReadInputTokenCount")
    written = count(given.get("cacheWriteInputTokenCount"), "cacheWriteInputTokenCount")
    read = body.get("cache_read_input_tokens") if read is None else read
    hour = (
        body.get("cache_creation_1h_input_tokens")
        if written in {None, body.get("cache_creation_input_tokens")}
        else None
    )
    written = body.get("cache_creation_input_tokens") if written is None else written
    row = Usage(**{**body, **split_input(rest, read, written, hour)})
    output = count(made.get("outputTokenCount"), "outputTokenCount")
    if rest is None:
        row["input_tokens"] = body.get("input_tokens")
    elif body.get("input_tokens") is not None and body["input_tokens"] != row["input_tokens"]:
        told = f"the record's input {row['input_tokens']} is not the body's {body['input_tokens']}"
        notes.append(Problem("count-mismatch", told, rejected=False))
    row["output_tokens"] = body.get("output_tokens") if output is None else output
    if embeds and row["output_tokens"] is None and row["input_tokens"] is not None:
        row["output_tokens"] = 0  # the record counts the input, the body nothing
    return row


SOURCE: Final = Source(
    title="Amazon Bedrock model invocation log",
    grain="requests",
    forms=("jsonl", "json", "text"),
    sniff=sniff,
    read=read,
    knows=BEDROCK_KNOWS | MESSAGES_KNOWS | CHAT_KNOWS,
    url="https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html",
    checked="2026-11-24",
)
