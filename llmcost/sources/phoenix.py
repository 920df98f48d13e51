"""Phoenix's spans: traces of model calls with OpenInference attributes, as Arize Phoenix exports them.

From: the spans API or UI as JSON or JSONL (``{name, context {trace_id, span_id}, span_kind, parent_id, attributes ..}``),
or a spans data frame as JSONL, CSV or Parquet (columns ``context.span_id``, ``attributes.llm.token_count.prompt`` ..)
(https://arize.com/docs/phoenix/tracing/how-to-tracing/importing-and-exporting-traces and
https://arize-ai.github.io/openinference/spec/semantic_conventions.html, 2026-11-24). A row is one model call.

``llm.token_count.prompt`` contains what was read from and written to the cache, ``completion`` contains reasoning, and total
= prompt + completion in every real span seen (32,321 = 2 + 31,559 + 760). Published traces exist whose counts are
placeholders (total 1 beside prompt 1 and completion 1): they are the problem ``total-mismatch``. Agents' and chains' spans
that repeat the sum of the calls below them are left out as in OTLP/JSON (:mod:`llmcost.records.spans`), whose ids are the
same: one trace exported both ways is one spend.

Left out: ``llm.cost.*``, which Phoenix computes from its own price list and nobody billed; prompts; annotations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.gateways import json_object
from llmcost.records.genai import GENAI_KNOWS
from llmcost.records.labels import Notes
from llmcost.records.otlp import Span
from llmcost.records.shapes import mapping
from llmcost.records.spans import Seen
from llmcost.records.values import BadValueError, instant

_PREFIX: Final = "attributes."
_MOST_DEEP: Final = 8


def sniff(sample: Sample) -> bool:
    """Claims spans of Phoenix, one by one, in an array, or in an answer of its API."""
    if sample.header:
        return {"context.span_id", "span_kind"} <= set(sample.header)
    return any(_is_span(span) for record in sample.records for span in _spans(record))


def _is_span(value: dict[str, Any]) -> bool:
    context = value.get("context")
    known = "context.span_id" in value or (isinstance(context, dict) and {"trace_id", "span_id"} <= context.keys())
    return known and "span_kind" in value


def _spans(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and "context" not in value:
        value = next((value[key] for key in ("data", "spans") if isinstance(value.get(key), list)), value)
    yield from (span for span in (value if isinstance(value, list) else [value]) if isinstance(span, dict))


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The rows of a file; roll-ups are told from calls by what lies below them."""
    seen = Seen()
    for record in records:
        found = [_span(span) for span in _spans(record.value) if _is_span(span)]
        if found:
            yield from seen.spans(found, record.line)
        else:
            yield Skip("no spans") if isinstance(record.value, list) else Problem("no-call", "not a span of Phoenix")
    yield from seen.rest()


def _span(value: dict[str, Any]) -> Span:
    context = mapping(value.get("context"))

    def identity(name: str) -> str:
        return str(context.get(name) or value.get(f"context.{name}") or "")

    attributes = _attributes(value)
    kind = value.get("span_kind")
    if isinstance(kind, str) and kind and "openinference.span.kind" not in attributes:
        attributes["openinference.span.kind"] = kind
    return Span(
        attributes=attributes,
        resource={},
        scope=str(attributes.get("llm.provider") or attributes.get("llm.system") or ""),
        name=str(value.get("name") or ""),
        trace_id=identity("trace_id"),
        span_id=identity("span_id"),
        parent_id=str(value.get("parent_id") or ""),
        start=_nanoseconds(value.get("start_time")),
        end=_nanoseconds(value.get("end_time")),
        failed=str(value.get("status_code")).upper() == "ERROR",
    )


def _nanoseconds(value: Any) -> Any:
    """Times are ISO text or, in JSON of a data frame, milliseconds; what is neither is left for the reader to name."""
    try:
        at = instant(value, "time")
    except BadValueError:
        return value
    return None if at is None else at * 1000


def _attributes(value: dict[str, Any]) -> dict[str, Any]:
    """The attributes under their dotted names: flat, nested, as JSON text, or in columns of a data frame."""
    found: dict[str, Any] = {}
    own = json_object(value.get("attributes"), Notes(), "attributes")
    columns = {name.removeprefix(_PREFIX): item for name, item in value.items() if name.startswith(_PREFIX)}
    for name, item in {**own, **columns}.items():
        _flatten(name, item, found, 0)
    return found


def _flatten(name: str, item: Any, found: dict[str, Any], depth: int) -> None:
    if isinstance(item, dict) and name != "metadata" and depth < _MOST_DEEP:
        for key, inner in item.items():
            _flatten(f"{name}.{key}", inner, found, depth + 1)
    elif item is not None:
        found[name] = item


SOURCE: Final = Source(
    title="Phoenix spans (OpenInference)",
    grain="requests",
    forms=("json", "jsonl", "csv", "parquet"),
    sniff=sniff,
    read_file=read_file,
    knows=GENAI_KNOWS | {"started_at", "duration_ms"},
    url="https://arize.com/docs/phoenix/tracing/how-to-tracing/importing-and-exporting-traces",
    checked="2026-11-24",
    identity="trace_id and span_id",
)
