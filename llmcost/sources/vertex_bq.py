"""Rows of Vertex AI's request-response logging, exported from BigQuery.

From: the table that ``setPublisherModelConfig`` or the SDK's ``set_request_response_logging_config`` names
(https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/request-response-logging, 2026-11-24), exported as JSONL,
JSON or Parquet. A row is one call; the rows of ``streamGenerateContent`` hold the merged answer. Bodies are JSON or JSON
as text, in camelCase or snake_case. Counts mean what they mean in the answer: see the sources ``gemini`` and
``anthropic-messages``; answers of other makers have no counts that are known here. The identity is the answer's own id,
so that an application's log of the same call is the same call. Left out: the share of calls that ``samplingRate`` drops
is nowhere in the table, so a log that was sampled must be scaled by who knows it; calls over the size limit of a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.anthropic import MESSAGES_KNOWS, messages_readings
from llmcost.records.calls import usage_row
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Source
from llmcost.records.exchange import Exchange
from llmcost.records.gemini import GEMINI_KNOWS, gemini_readings, location_of_path, model_of_path
from llmcost.records.labels import Notes
from llmcost.records.rows import known
from llmcost.records.shapes import mapping, word
from llmcost.records.sse import Event, parse_json
from llmcost.records.values import count, instant, text
from llmcost.usage.columns import Usage

_COLUMNS: Final = frozenset({"logging_time", "request_id", "model", "api_method", "full_request", "full_response"})


def sniff(sample: Sample) -> bool:
    """Claims records with the columns of the table."""
    if sample.form == "parquet":
        return set(sample.header) >= _COLUMNS
    return any(record.keys() >= _COLUMNS for record in _objects(sample.records))


def _objects(values: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for value in values:
        if isinstance(value, list):
            yield from _objects(value)
        elif isinstance(value, dict):
            yield value


_BODIES: Final = frozenset({"full_request", "full_response", "request_payload", "response_payload"})
"""Columns of which every row of the table has one."""


def read(record: Record, _context: Context) -> Iterator[Reading]:
    """The rows of one record, or of each record of a JSON array."""
    found = False
    for line in _objects([record.value]):
        found = True
        if not _BODIES & line.keys():
            yield Problem("no-row", "the record is no row of the table")
            continue
        notes = Notes()
        yield from notes.after(_call(line, notes))
    if not found:
        yield Problem("no-row", "the record is no row of the table")


def _call(line: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    request, answer = mapping(_json(line.get("full_request"))), _json(line.get("full_response"))
    if not isinstance(answer, dict | list) or not answer:
        answer = [_json(piece) for piece in _strings(line.get("response_payload"))]
    if not request:
        request = mapping(next((_json(piece) for piece in _strings(line.get("request_payload"))), None))
    pieces = [piece for piece in answer if isinstance(piece, dict)] if isinstance(answer, list) else [answer]
    events = tuple(Event(None, piece) for piece in pieces) if len(pieces) > 1 else ()
    whole = pieces[0] if len(pieces) == 1 else {}
    path = notes.soft(text, line.get("model"), "model")
    place = location_of_path(word(line.get("endpoint"))) or location_of_path(word(request.get("model")))
    labels = known({
        "started_at": notes.soft(instant, line.get("logging_time"), "logging_time"),
        "request_id": notes.soft(text, line.get("request_id"), "request_id"),
        "duration_ms": _latency(line, notes),
        "provider_name": "vertex_ai",
        "region": place,
    })  # fmt: skip
    call = Exchange({**request, "model": path}, whole, events, labels, _status(line), None, ())
    for reading in _readings(call, path, notes):
        yield _settled(reading, labels, path) if isinstance(reading, Row) else reading


def _readings(call: Exchange, path: str | None, notes: Notes) -> Iterator[Reading]:
    body = call.response or (call.events[0].data if call.events else {})
    if {"usageMetadata", "usage_metadata", "candidates", "promptFeedback", "prompt_feedback"} & body.keys():
        return gemini_readings(call)
    if body.get("type") in {"message", "message_start", "error"}:
        return messages_readings(call, "vertex_ai")
    return _uncounted(call, path, notes)


def _uncounted(call: Exchange, path: str | None, notes: Notes) -> Iterator[Reading]:
    row = Usage(provider_name="vertex_ai", request_model=model_of_path(path))
    if call.failed:
        row["status"] = "error"
    else:
        notes.append(Problem("no-usage", "the answer carries no counts; its tokens are unknown", rejected=False))
    yield usage_row(call, {}, row, notes)


def _settled(reading: Row, labels: Usage, path: str | None) -> Row:
    """The row under the provider, model and region of the table."""
    row = Usage(**(reading.usage or {}))
    row["provider_name"] = "vertex_ai"
    if (model := model_of_path(path)) is not None and not row.get("parent_request_id"):
        row["request_model"] = model
    if "region" not in row and labels.get("region") is not None:
        row["region"] = labels["region"]
    return Row(row, body=reading.body)


def _strings(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return None


def _latency(line: dict[str, Any], notes: Notes) -> int | None:
    found = mapping(_json(line.get("metadata")))
    return notes.soft(count, found.get("request_latency", found.get("requestLatency")), "request_latency")


def _status(line: dict[str, Any]) -> int | None:
    fault = mapping(_json(line.get("full_response"))).get("error")
    code = fault.get("code") if isinstance(fault, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) and 100 <= code < 600 else None


SOURCE: Final = Source(
    title="Vertex AI request-response logging (BigQuery)",
    grain="requests",
    forms=("jsonl", "json", "parquet"),
    sniff=sniff,
    read=read,
    knows=GEMINI_KNOWS | MESSAGES_KNOWS,
    url="https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/request-response-logging",
    checked="2026-11-24",
)
