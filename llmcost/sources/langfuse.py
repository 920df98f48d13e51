"""Langfuse's observations: calls that an application traced. The model's provider is who bills; Langfuse is not.

From: a trace's JSON download (``{trace, observations}``), pages of ``/api/public/observations``, a table export (CSV, JSON,
JSONL), or the blob storage export (CSV, JSON, JSONL, Parquet; snake_case)
(https://langfuse.com/docs/api-and-data-platform/features/export-from-ui and ../export-to-blob-storage, 2026-11-24). A row
is one observation of type GENERATION or EMBEDDING: spans and agents repeat their children's totals, and of a generation
inside another one only one counts, for two tools told of one call (the one that holds the provider's answer, else the
inner one; in tables, the one that comes first; one without counts only where there is none with some).

- ``usageDetails`` are buckets that Langfuse means to be disjoint (``input`` + ``input_cached_tokens`` + ``output`` +
  ``output_reasoning_tokens``), and that is the first reading of its own names; OpenInference's (``prompt_details.cache_read``)
  are parts of ``input``. SDKs differ: the total decides, and a total that fits nothing is a problem.
- ``costDetails`` or ``totalCost`` is what Langfuse computed from its model definitions, or what the client told it, in USD: a
  definition of the user's own can be far from the list price. A zero beside no usage is no price.
- ``id`` is the provider's where the output holds its answer's id, else trace and observation, as in OTLP/JSON.
- The provider stands in no field: it is known from OpenTelemetry attributes or LangChain's metadata, where those are kept.
- ``cache_hit`` in the metadata of a call that LiteLLM logged is a hit in LiteLLM's own cache: ``requests`` 0, tag
  ``gateway_cache_hit``.

Left out: scores; prompts, unless they are messages as the provider saw them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import reduce
from typing import Any, Final

from llmcost.money import EXACT
from llmcost.records.contract import Body, Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.gateways import GATEWAY_KNOWS, as_gateway_hit, json_list, json_object, with_tag
from llmcost.records.genai import genai_row
from llmcost.records.labels import Notes, labels_of
from llmcost.records.langfuse import bucket_counts
from llmcost.records.nesting import Nesting
from llmcost.records.openai_chat import chat_body, is_openai_model
from llmcost.records.rows import known
from llmcost.records.shapes import mapping, objects, word
from llmcost.records.values import count, flag, instant, money, number, text
from llmcost.usage.columns import Usage
from llmcost.usage.names import provider

_CALLS: Final = {"GENERATION": None, "EMBEDDING": "embeddings"}
_SHAPES: Final = ({"id", "traceId", "type", "startTime"}, {"id", "trace_id", "type", "start_time"})
_USAGE: Final = frozenset({
    "usageDetails", "usage_details", "costDetails", "cost_details", "totalUsage", "calculatedTotalCost", "usage", "provided_model_name", "providedModelName",
})  # fmt: skip
_ENVELOPES: Final = frozenset({"attributes", "resourceAttributes", "scope"})
"""What OpenTelemetry's spans leave in the metadata: read apart, and no labels."""
_LITELLM: Final = frozenset({"litellm_response_cost", "hidden_params"})
"""What LiteLLM's callback writes into the metadata, ``cache_hit`` beside it (litellm ``integrations/langfuse/langfuse.py``, 2026-11-24)."""
_SNAKE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ANSWER_ID: Final = re.compile(r'^\s*\{\s*"id"\s*:\s*"((?:chatcmpl-|cmpl-|resp_|msg_|gen-)[\w-]{4,200})"')
"""The id at the beginning of a provider's answer, which may be cut off behind it."""


_SPARE: Final = "a generation around or inside one that was counted"
_TWICE: Final = Problem(
    "told-twice", "two tools told of one call, one inside the other; one counts", rejected=False, informative=True
)


def sniff(sample: Sample) -> bool:
    """Claims traces with observations, pages and tables of observations, in either spelling."""
    if sample.header:
        return _is_observation(set(sample.header))
    return any(_is_observation(found.keys()) for record in sample.records for found, _ in _observations(record))


def _is_observation(names: Iterable[str]) -> bool:
    held = set(names)
    return any(held >= shape for shape in _SHAPES) and bool(held & _USAGE)


def _observations(value: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The observations of a record, each with what its trace says of it."""
    trace: dict[str, Any] = {}
    if isinstance(value, dict) and isinstance(value.get("observations"), list):
        trace = mapping(value.get("trace")) or {k: v for k, v in value.items() if k != "observations"}
        value = value["observations"]
    elif isinstance(value, dict) and isinstance(value.get("data"), list) and "type" not in value:
        value = value["data"]
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            yield item, trace


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The rows of a file; of nested generations one counts."""
    nesting = Nesting()
    for record in records:
        found = [(_snake(item), trace) for item, trace in _observations(record.value)]
        for item, _ in found:
            nesting.place(
                _key(item),
                f"{item.get('trace_id')}:{item['parent_observation_id']}" if item.get("parent_observation_id") else "",
            )
        for item, trace in sorted(found, key=_preferred) if len(found) > 1 else found:
            notes = Notes()
            yield from notes.after(_one(item, trace, nesting, notes, record.line))
        if not found:
            page = isinstance(record.value, dict | list)
            yield Skip("a page without observations") if page else Problem("no-call", "not an observation of Langfuse")
    yield from nesting.rest()


def _snake(item: dict[str, Any]) -> dict[str, Any]:
    return {_SNAKE.sub("_", name).lower(): value for name, value in item.items()}


def _key(item: dict[str, Any]) -> str:
    return f"{item.get('trace_id')}:{item.get('id')}"


def _preferred(found: tuple[dict[str, Any], dict[str, Any]]) -> tuple[bool, str]:
    """Those that hold the provider's answer first, then the last to start, which are the inner ones."""
    start = str(found[0].get("start_time") or "")
    return _answer_id(found[0]) is None, "".join(chr(0x10FFFF - ord(c)) for c in start)


def _answer_id(item: dict[str, Any]) -> str | None:
    output, parameters = item.get("output"), item.get("model_parameters")
    for held in (output, parameters):
        if isinstance(held, dict) and isinstance(held.get("id"), str):
            found = _ANSWER_ID.match('{"id": "' + held["id"] + '"')
        else:
            found = _ANSWER_ID.match(held) if isinstance(held, str) else None
        if found is not None:
            return found[1]
    return None


def _one(item: dict[str, Any], trace: dict[str, Any], nesting: Nesting, notes: Notes, line: int) -> Iterator[Reading]:
    if "type" not in item:
        yield Problem("no-call", "no type: not an observation of Langfuse")
        return
    kind = word(item.get("type")).upper()
    if kind not in _CALLS:
        yield Skip("an observation that is no model call")
        return
    row = _row(item, trace, _CALLS[kind], notes)
    own = _key(item) if item.get("id") else None
    for reading in nesting.told(own, row, notes, line, _SPARE):
        yield reading
        if isinstance(reading, Skip) and reading.why == _SPARE:
            notes.append(_TWICE)


def _row(item: dict[str, Any], trace: dict[str, Any], operation: str | None, notes: Notes) -> Row:
    meta = json_object(item.get("metadata"), notes, "metadata")
    attributes = json_object(meta.get("attributes"), notes, "attributes")
    full: Usage = genai_row(attributes, Notes()) if attributes else Usage()
    full.pop("requests", None)
    full.update(_labels(item, trace, meta, notes))
    full.update(_identity(item, trace, meta, full, notes))
    full.update(_times(item, notes))
    full.update(_asked(item, notes))
    if operation is not None:
        full["operation_name"] = operation
    full["requests"] = 1
    full["status"] = "error" if word(item.get("level")).upper() == "ERROR" else "ok"
    counted = bucket_counts(item, notes)
    full.update(counted)
    full["billed_cost"] = _cost(item, counted, notes)
    if _is_gateway_hit(item, meta, notes):
        # The stored answer has the first call's id; merged with it, one of the two would be lost.
        full["request_id"] = _key(item) if item.get("id") and item.get("trace_id") else None
        full["parent_request_id"] = _answer_id(item)
        as_gateway_hit(full)
    if full["status"] == "ok" and not counted:
        notes.append(Problem("no-usage", "the observation carries no usage; its tokens are unknown", rejected=False))
    return Row(known(full), body=_body(item))


def _is_gateway_hit(item: dict[str, Any], meta: dict[str, Any], notes: Notes) -> bool:
    """Whether LiteLLM, which logged the call, answered it from its own cache; the word of others may mean any cache."""
    marks = (word(item.get("name")), *meta)
    of_litellm = any(mark.startswith("litellm") for mark in marks) or not _LITELLM.isdisjoint(meta)
    return of_litellm and bool(notes.soft(flag, meta.get("cache_hit"), "cache_hit"))


def _labels(item: dict[str, Any], trace: dict[str, Any], meta: dict[str, Any], notes: Notes) -> Usage:
    """Owners and tags out of the observation's and the trace's labels; OpenTelemetry's envelopes are none."""
    own = {k: v for k, v in meta.items() if k not in _ENVELOPES and not k.startswith("ls_")}
    of_trace = json_object(trace.get("metadata"), notes, "metadata")
    shared = {k: v for k, v in of_trace.items() if k not in _ENVELOPES}
    raw = item.get("tags") or item.get("trace_tags") or trace.get("tags")
    tags = {tag: "true" for tag in json_list(raw, notes, "tags") if isinstance(tag, str)}
    full = labels_of({}, (own, shared, tags), notes)
    named = {
        "trace_name": notes.soft(text, item.get("trace_name") or trace.get("name"), "trace_name"),
        "prompt_name": notes.soft(text, item.get("prompt_name"), "prompt_name"),
    }
    full["tags"] = with_tag(full.get("tags"), **named)
    return known(full)


def _identity(item: dict[str, Any], trace: dict[str, Any], meta: dict[str, Any], told: Usage, notes: Notes) -> Usage:
    own = notes.soft(text, item.get("id"), "id")
    model = notes.soft(text, item.get("provided_model_name") or item.get("model"), "model")
    named = provider(notes.soft(text, meta.get("ls_provider"), "ls_provider"))
    found = Usage(
        request_id=_answer_id(item) or (_key(item) if own and item.get("trace_id") else own),
        provider_name=told.get("provider_name") or named or ("openai" if is_openai_model(model) else None),
        request_model=model,
        project=notes.soft(text, item.get("project_id") or trace.get("projectId"), "project_id"),
        environment=notes.soft(text, item.get("environment") or trace.get("environment"), "environment"),
        user_id=notes.soft(text, item.get("user_id") or trace.get("userId"), "user_id"),
        conversation_id=notes.soft(text, item.get("session_id") or trace.get("sessionId"), "session_id"),
    )
    return known(found)


def _times(item: dict[str, Any], notes: Notes) -> Usage:
    """Start and spans; ``latency`` is not read, because it is in seconds here and in milliseconds there."""
    start, end, first = (
        notes.soft(instant, item.get(n), n) for n in ("start_time", "end_time", "completion_start_time")
    )
    found = Usage(started_at=start)
    if start is not None and end is not None and end >= start:
        found["duration_ms"] = (end - start) // 1000
    if start is not None and first is not None and first >= start:
        found["time_to_first_token_ms"] = (first - start) // 1000
    return known(found)


def _asked(item: dict[str, Any], notes: Notes) -> Usage:
    parameters = json_object(item.get("model_parameters"), notes, "model_parameters")

    def capped(*names: str) -> int | None:
        value = next((parameters[n] for n in names if parameters.get(n) is not None), None)
        return None if str(value).startswith("-") else notes.soft(count, value, names[0])  # -1: no cap

    found = Usage(
        temperature=notes.soft(number, parameters.get("temperature"), "temperature"),
        top_p=notes.soft(number, parameters.get("top_p"), "top_p"),
        max_output_tokens=capped("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"),
        seed=capped("seed"),
    )
    return known(found)


def _cost(item: dict[str, Any], counted: Usage, notes: Notes) -> Decimal | None:
    details = json_object(item.get("cost_details"), notes, "cost_details")
    told = details.get("total")
    if told is not None:
        return money(told, "costDetails total")
    sums = (item.get("total_cost"), item.get("calculated_total_cost"))
    cost = money(next((value for value in sums if value is not None), None), "totalCost")
    if cost is None and details:  # Langfuse sums what the client gave without a total
        parts = [part for name, value in details.items() if (part := money(value, f"costDetails {name}")) is not None]
        cost = reduce(EXACT.add, parts) if parts else None
    return cost if cost or details or counted else None


def _body(item: dict[str, Any]) -> Body | None:
    """The texts, where the input is messages in the provider's form."""
    given = item.get("input")
    asked = json_object(given, Notes(), "input") or {"messages": json_list(given, Notes(), "input")}
    messages = objects(asked.get("messages"))
    if not messages or not all(isinstance(m.get("role"), str) and "content" in m for m in messages):
        return None
    body = chat_body(asked, {})
    said = item.get("output")
    return (
        replace(body, answer=said)
        if body is not None and isinstance(said, str) and said.strip()[:1] not in {"{", "["}
        else body
    )


SOURCE: Final = Source(
    title="Langfuse observations",
    grain="requests",
    forms=("json", "jsonl", "csv", "parquet"),
    sniff=sniff,
    read_file=read_file,
    knows=GATEWAY_KNOWS | {"input_characters", "output_images"},
    url="https://langfuse.com/docs/api-and-data-platform/features/export-from-ui",
    checked="2026-11-24",
    identity="the answer's id, else traceId and id",
)
