"""Cuts a logged event stream into its events, whatever the logger kept of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from llmcost.records.jsontext import decode

_STREAM: Final = re.compile(r"^\s*(?::[^\n]*\n|\s|retry:[^\n]*\n|id:[^\n]*\n)*(?:data|event):")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream; ``data`` is its JSON value."""

    name: str | None
    data: dict[str, Any]


def parse_json(text: str) -> Any:
    """The JSON value of ``text`` with fractions as Decimal; ValueError if it is not JSON."""
    return decode(text.encode("utf-8", "replace"))


def is_stream(text: str) -> bool:
    """Whether ``text`` looks like a raw server-sent event stream (comments and blank lines may come first)."""
    return _STREAM.match(text) is not None


def events_of_text(text: str) -> Iterator[Event]:
    """The events of a raw stream; ``[DONE]``, comments and an event that was cut off give nothing."""
    name: str | None = None
    data: list[str] = []
    for line in [*text.splitlines(), ""]:
        if not line.strip():
            yield from _event(name, "\n".join(data))
            name, data = None, []
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            if data and _complete(data):  # loggers that drop the blank lines between events
                yield from _event(name, "\n".join(data))
                data = []
            data.append(line[5:].strip())


def events_of_lines(text: str) -> tuple[Event, ...] | None:
    """The events of a stream of JSON objects, one a line (Ollama, Cohere v1); None if ``text`` is no such stream.

    A last line that was cut off is left out.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith("{") for line in lines):
        return None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            value = parse_json(line)
        except ValueError:
            if number < len(lines):
                return None
            continue
        if not isinstance(value, dict):
            return None
        found.append(Event(None, value))
    return tuple(found)


def events_of_list(chunks: list[Any]) -> Iterator[Event]:
    """The events of a stream that was logged as a list of JSON objects or of raw lines."""
    for chunk in chunks:
        if isinstance(chunk, dict):
            inner = chunk.get("data") if isinstance(chunk.get("data"), dict) and "event" in chunk else None
            yield Event(chunk.get("event") if inner else None, inner or chunk)
        elif isinstance(chunk, str):
            yield from events_of_text(chunk if is_stream(chunk) else f"data: {chunk}")


def _complete(data: list[str]) -> bool:
    try:
        parse_json("\n".join(data))
    except ValueError:
        return data == ["[DONE]"]
    return True


def _event(name: str | None, data: str) -> Iterator[Event]:
    if not data or data == "[DONE]":
        return
    try:
        value = parse_json(data)
    except ValueError:
        return
    if isinstance(value, dict):
        yield Event(name, value)
