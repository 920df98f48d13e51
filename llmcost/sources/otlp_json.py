"""OpenTelemetry traces and logs of model calls as OTLP/JSON, with GenAI or OpenInference attributes.

From: the collector's file exporter (one ExportTraceServiceRequest a line), or one request as a document, also
pretty-printed (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding and
https://github.com/open-telemetry/semantic-conventions-genai, 2026-11-23). A row is one model call: a span, or a log record
with usage (also Claude Code's ``api_request`` events). What counters contain: :mod:`llmcost.records.genai`.

Spans nest, and an agent's, a chain's or an outer wrapper's span repeats the sum of the calls below it: a span with counts
is a roll-up when a span below it has counts too, and counts itself when none has. Children usually come first, because they
end first; where a call comes after the call around it was counted already, the inner one is left out instead.

Left out: costs in attributes (computed by the instrumentation or by Claude Code, not billed), prompts, spans that name neither model nor
counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.genai import GENAI_KNOWS
from llmcost.records.otlp import envelopes, spans
from llmcost.records.spans import Seen


def sniff(sample: Sample) -> bool:
    """Claims export requests of spans or log records; that of metrics is another thing."""
    return sample.form in {"jsonl", "json"} and any(True for record in sample.records for _ in envelopes(record))


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The rows of a file; roll-ups are told from calls by what lies below them."""
    seen = Seen()
    for record in records:
        found = list(envelopes(record.value))
        if not found:
            yield Problem("no-call", "not an OTLP export request")
            continue
        readings = list(seen.spans([span for envelope in found for span in spans(envelope)], record.line))
        yield from readings or [Skip("no model call")]
    yield from seen.rest()


SOURCE: Final = Source(
    title="OpenTelemetry GenAI and OpenInference, OTLP/JSON",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read_file=read_file,
    knows=GENAI_KNOWS | {"started_at", "duration_ms"},
    url="https://opentelemetry.io/docs/specs/otlp/",
    checked="2026-11-23",
)
