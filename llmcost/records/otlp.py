"""Opens OTLP/JSON envelopes: spans and log records with their attributes as plain values.

The encoding is https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding (2026-11-23): 64-bit numbers come as
text or numbers, ids as hex, names in lowerCamelCase; exporters that keep the proto's snake_case exist and are read too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

_INT64: Final = re.compile(r"-?[0-9]{1,19}")
"""Protobuf's JSON writes 64-bit integers as text."""


@dataclass(frozen=True, slots=True)
class Span:
    """A span, or a log record (``is_log``), with its own and its resource's attributes."""

    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: Any
    end: Any
    failed: bool
    is_log: bool = False


def _get(value: Any, camel: str, snake: str) -> Any:
    if not isinstance(value, dict):
        return None
    return value[camel] if camel in value else value.get(snake)


def _items(value: Any, camel: str, snake: str) -> list[Any]:
    found = _get(value, camel, snake)
    return found if isinstance(found, list) else []


def envelopes(value: Any) -> Iterator[dict[str, Any]]:
    """The export requests in a record: one, or those of an array."""
    if isinstance(value, list):
        for item in value:
            yield from envelopes(item)
    elif isinstance(value, dict) and any(
        key in value for key in ("resourceSpans", "resource_spans", "resourceLogs", "resource_logs")
    ):
        yield value


def spans(envelope: dict[str, Any]) -> Iterator[Span]:
    """All spans, then all log records of an export request."""
    for held in _items(envelope, "resourceSpans", "resource_spans"):
        resource = attributes(_get(_get(held, "resource", "resource"), "attributes", "attributes"))
        for scoped in _items(held, "scopeSpans", "scope_spans") or _items(
            held, "instrumentationLibrarySpans", "instrumentation_library_spans"
        ):
            for span in _items(scoped, "spans", "spans"):
                if isinstance(span, dict):
                    yield _span(span, resource, _scope(scoped))
    for held in _items(envelope, "resourceLogs", "resource_logs"):
        resource = attributes(_get(_get(held, "resource", "resource"), "attributes", "attributes"))
        for scoped in _items(held, "scopeLogs", "scope_logs"):
            for log in _items(scoped, "logRecords", "log_records"):
                if isinstance(log, dict):
                    yield _log(log, resource, _scope(scoped))


def _scope(scoped: Any) -> str:
    scope = _get(scoped, "scope", "scope") or _get(scoped, "instrumentationLibrary", "instrumentation_library")
    return f"{scope.get('name')} {scope.get('version')}" if isinstance(scope, dict) else ""


def _span(span: dict[str, Any], resource: dict[str, Any], scope: str) -> Span:
    status = _get(span, "status", "status")
    return Span(
        attributes=attributes(span.get("attributes")),
        resource=resource,
        scope=scope,
        name=str(span.get("name") or ""),
        trace_id=str(_get(span, "traceId", "trace_id") or ""),
        span_id=str(_get(span, "spanId", "span_id") or ""),
        parent_id=str(_get(span, "parentSpanId", "parent_span_id") or ""),
        start=_time(_get(span, "startTimeUnixNano", "start_time_unix_nano")),
        end=_time(_get(span, "endTimeUnixNano", "end_time_unix_nano")),
        failed=isinstance(status, dict) and str(status.get("code")) in {"2", "STATUS_CODE_ERROR"},
    )


def _log(log: dict[str, Any], resource: dict[str, Any], scope: str) -> Span:
    own = attributes(log.get("attributes"))
    body = _value(log.get("body"))
    name = _get(log, "eventName", "event_name") or own.get("event.name") or (body if isinstance(body, str) else "")
    at = _time(_get(log, "timeUnixNano", "time_unix_nano")) or _time(
        _get(log, "observedTimeUnixNano", "observed_time_unix_nano")
    )
    return Span(
        attributes={**(body if isinstance(body, dict) else {}), **own},
        resource=resource,
        scope=scope,
        name=str(name),
        trace_id=str(_get(log, "traceId", "trace_id") or ""),
        span_id=str(_get(log, "spanId", "span_id") or ""),
        parent_id="",
        start=None,
        end=at,
        failed=False,
        is_log=True,
    )


def _time(value: Any) -> Any:
    return None if str(value) in {"0", "", "None"} else value


def attributes(pairs: Any) -> dict[str, Any]:
    """A list of ``{key, value}`` as a mapping of plain values; an object is taken as it stands."""
    if isinstance(pairs, dict):
        return pairs
    found: dict[str, Any] = {}
    for pair in pairs if isinstance(pairs, list) else []:
        if isinstance(pair, dict) and isinstance(pair.get("key"), str):
            found[pair["key"]] = _value(pair.get("value"))
    return found


def _value(value: Any) -> Any:
    if not isinstance(value, dict) or len(value) != 1:
        return value if isinstance(value, str | int | Decimal | bool) else None
    ((kind, inner),) = value.items()
    flat = kind.replace("_", "").lower()
    if flat == "arrayvalue":
        return [_value(item) for item in _items(inner, "values", "values")]
    if flat == "kvlistvalue":
        return attributes(_get(inner, "values", "values"))
    if flat == "intvalue" and isinstance(inner, str) and _INT64.fullmatch(inner):
        return int(inner)
    return inner if flat in {"stringvalue", "intvalue", "doublevalue", "boolvalue", "bytesvalue"} else None
