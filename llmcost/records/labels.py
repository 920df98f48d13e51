"""Reads what a logger writes around a call: times, owners and free labels, in the common spellings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

from llmcost.records.contract import Problem, Reading
from llmcost.records.rows import label, tags_of
from llmcost.records.values import BadValueError, count, flag, instant, is_absent, number, text
from llmcost.usage.columns import BY_NAME, Usage
from llmcost.usage.names import provider

T = TypeVar("T")

_LABELS: Final[dict[str, tuple[str, ...]]] = {
    "request_id": ("request_id", "requestId", "call_id", "generation_id"),
    "parent_request_id": ("parent_request_id", "parent_id"),
    "call_role": ("call_role",),
    "provider_name": ("provider_name", "provider", "vendor"),
    "region": ("region",),
    "attempt": ("attempt",),
    "organization": ("organization", "organization_id", "org_id", "org", "tenant_id", "tenant"),
    "project": ("project", "project_id", "workspace"),
    "team": ("team", "team_id", "team_name"),
    "user_id": ("user_id", "user", "end_user", "userId", "customer_id"),
    "api_key_id": ("api_key_id", "api_key_name", "api_key_alias", "key_id"),
    "feature": ("feature", "feature_name", "use_case"),
    "environment": ("environment", "env", "deployment_environment"),
    "conversation_id": ("conversation_id", "session_id", "thread_id", "conversationId", "sessionId", "conversation"),
    "task_type": ("task_type", "task"),
    "confidence": ("confidence",),
    "quality_score": ("quality_score",),
    "original_model": ("original_model",),
    "was_routed": ("was_routed",),
}
_SPELLINGS: Final = frozenset(spelling for spellings in _LABELS.values() for spelling in spellings)
_MAPS: Final = ("metadata", "labels", "tags", "properties", "attributes", "custom_properties")
_STARTED: Final = (
    "started_at", "start_time", "startTime", "request_time", "request_timestamp", "timestamp", "@timestamp", "created_at", "createdAt", "time", "ts",
    "datetime", "date",
)  # fmt: skip
_ENDED: Final = ("ended_at", "end_time", "endTime", "response_time_at", "completed_at", "finished_at")
_DURATION: Final = {
    "duration_ms": "ms", "latency_ms": "ms", "elapsed_ms": "ms", "response_time_ms": "ms", "delay_ms": "ms", "total_time_ms": "ms",
    "duration_seconds": "s", "latency_seconds": "s", "duration_s": "s", "latency_s": "s", "elapsed_seconds": "s", "latency_sec": "s",
    "latency": "", "duration": "", "elapsed": "", "response_time": "",
}  # fmt: skip
_FIRST: Final = {
    "time_to_first_token_ms": "ms",
    "ttft_ms": "ms",
    "first_token_ms": "ms",
    "ttft_seconds": "s",
    "ttft": "",
    "time_to_first_token": "",
}
_UNITLESS_SECONDS: Final = 100
"""A duration without a unit is in seconds below this and in milliseconds from it on: no answer takes 99 ms or 100 s often."""


class Notes(list[Problem]):
    """Problems met on the way that cost a field, not the row."""

    def soft(self, read: Callable[[Any, str], T | None], value: Any, field: str) -> T | None:
        """``read(value, field)``; a bad value becomes a noted problem and is unknown."""
        try:
            return read(value, field)
        except BadValueError as error:
            self.append(Problem(error.kind, error.detail, rejected=False))
            return None

    def after(self, readings: Iterable[Reading]) -> Iterator[Reading]:
        """``readings``, then the notes that were taken on the way.

        A BadValueError rejects what was still to come of ``readings`` and loses neither them nor the notes.
        """
        try:
            yield from readings
        except BadValueError as error:
            self.append(Problem(error.kind, error.detail))
        yield from self


def labels_of(wrapper: dict[str, Any], maps: Iterable[Any], notes: Notes) -> Usage:
    """The canonical columns that ``wrapper``, its label maps and the further ``maps`` name; the rest becomes tags."""
    row = _times(wrapper, notes)
    own = [_as_map(wrapper.get(key)) for key in _MAPS]
    free = [*(m for m in own if m), *(m for m in map(_as_map, maps) if m)]
    sources = [source for source in (wrapper, *free) if not _SPELLINGS.isdisjoint(source)]
    for column, spellings in _LABELS.items() if sources else ():
        for source in sources:
            value = next((source[s] for s in spellings if not is_absent(source.get(s))), None)
            if value is not None and (read := _read(column, value, notes)) is not None:
                row[column] = read
                break
    if (tags := _tags(free)) is not None:
        row["tags"] = tags
    return cast("Usage", row)


def _read(column: str, value: Any, notes: Notes) -> Any:
    if isinstance(value, dict):
        value = value.get("id")
    kind = BY_NAME[column].type
    reader: Callable[[Any, str], Any] = {"count": count, "number": number, "flag": flag}.get(kind, text)
    read = notes.soft(reader, value, column)
    if column == "provider_name":
        return provider(read)
    allowed = BY_NAME[column].allowed
    return None if allowed and read not in allowed else read


def _times(wrapper: dict[str, Any], notes: Notes) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for key in _STARTED:
        if (
            key in wrapper
            and isinstance(wrapper[key], str | int | float | Decimal)
            and (at := notes.soft(instant, wrapper[key], key)) is not None
        ):
            row["started_at"] = at
            break
    for column, spellings in (("duration_ms", _DURATION), ("time_to_first_token_ms", _FIRST)):
        for key, unit in spellings.items():
            if key in wrapper and (ms := _millis(wrapper[key], unit)) is not None:
                row[column] = ms
                break
    ended = next((wrapper[k] for k in _ENDED if wrapper.get(k) is not None), None)
    if ended is not None and "started_at" in row and "duration_ms" not in row:
        end = notes.soft(instant, ended, "ended_at")
        if end is not None and end >= row["started_at"]:
            row["duration_ms"] = (end - row["started_at"]) // 1000
    return row


def _millis(value: Any, unit: str) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        seconds = Decimal(str(value).strip())
    except ArithmeticError:
        return None
    if not seconds.is_finite() or seconds < 0 or seconds.adjusted() > 12:
        return None
    unit = unit or ("s" if seconds < _UNITLESS_SECONDS else "ms")
    return int((seconds * 1000 if unit == "s" else seconds).to_integral_value())


def _as_map(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {v: "true" for v in value if isinstance(v, str) and v}
    return value if isinstance(value, dict) else {}


def _tags(maps: list[dict[str, Any]]) -> str | None:
    """All other labels; of two with one name the first that says something."""
    free: dict[str, Any] = {}
    for source in maps:
        for key, value in source.items():
            if key not in _SPELLINGS and label(value) is not None:
                free.setdefault(key, value)
    return tags_of(free)
