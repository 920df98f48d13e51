"""Writes OTLP/JSON as the cases shorten it: attributes as a plain map, times in milliseconds after one instant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

EPOCH: Final = 1_772_359_200_000_000_000
"""2026-03-01 10:00 UTC, in nanoseconds."""


def export_request(case: Mapping[str, Any], *, as_text: bool = False) -> dict[str, Any]:
    """An export request of ``spans``, ``logs`` and ``resource``; ``as_text``: numbers as texts, as some exporters write."""
    found: dict[str, Any] = {}
    resource = {"attributes": pairs(case.get("resource", {}), as_text=as_text)}
    if "spans" in case:
        spans = [_span(span, as_text) for span in case["spans"]]
        found["resourceSpans"] = [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]
    if "logs" in case:
        logs = [_log(log, as_text) for log in case["logs"]]
        found["resourceLogs"] = [{"resource": resource, "scopeLogs": [{"logRecords": logs}]}]
    return found


def pairs(attributes: Mapping[str, Any], *, as_text: bool = False) -> list[dict[str, Any]]:
    """A map of attributes as OTLP has it."""
    return [{"key": key, "value": _wrapped(value, as_text)} for key, value in attributes.items()]


def _span(span: dict[str, Any], as_text: bool) -> dict[str, Any]:
    return {
        "traceId": span["trace"],
        "spanId": span["span"],
        "parentSpanId": span.get("parent", ""),
        "startTimeUnixNano": str(EPOCH + span["start"] * 1_000_000),
        "endTimeUnixNano": EPOCH + span["end"] * 1_000_000,
        "attributes": pairs(span["attributes"], as_text=as_text),
        "status": {"code": 2} if span.get("failed") else {},
    }


def _log(log: dict[str, Any], as_text: bool) -> dict[str, Any]:
    ids = {"traceId": log["trace"], "spanId": log["span"]} if "trace" in log else {}
    at = str(EPOCH + log["at"] * 1_000_000)
    attributes = pairs(log["attributes"], as_text=as_text)
    return {**ids, "timeUnixNano": at, "eventName": log["name"], "attributes": attributes}


def _wrapped(value: Any, as_text: bool) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_wrapped(item, as_text) for item in value]}}
    if isinstance(value, str) or as_text:
        return {"stringValue": str(value)}
    return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue": value}
