"""Shows a bad record without showing what anybody wrote: counters, ids, models and states only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from llmcost.records.apikeys import KEY

DEPTH: Final = 5
FIELDS: Final = 8
_COUNTER: Final = re.compile(
    r"(^|_)(tokens?|requests|seconds|count|cost|attempt|pages|num|ms)($|_)|Tokens?$|Cost$|^(temperature|top_p|usage|spend)$"
)
_LABEL: Final = re.compile(
    r"^(id|request_?id|call_?id|generation_?id|response_?id|.*model.*|provider(_name)?|status|service_tier|object|type|slug|date|"
    r"(start|end)(ed)?_?(at|time)|timestamp|created(_at)?)$",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"[-+\w.:/@ ]{1,64}")
_WORDS: Final = re.compile(r"\w+(\s+\w+){3,}")


def excerpt(value: Any, line: int) -> str | None:
    """One line of a record in the form ``132 | id req_91  model gpt-4o  input_tokens -500``; None when nothing of it may be shown."""
    found = list(_fields(value, 0))
    shown = "  ".join(f"{name} {text}" for name, text in found[:FIELDS])
    more = " .." if len(found) > FIELDS else ""
    return f"{line} | {shown}{more}" if shown else None


def _fields(value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Fields that may be shown, those nearer to the record's top first."""
    if not isinstance(value, Mapping) or depth > DEPTH:
        return
    inner: list[Any] = []
    for name, item in value.items():
        if isinstance(item, Mapping):
            inner.append(item)
        elif isinstance(name, str) and _PLAIN.fullmatch(name) and (text := _shown(name, item)) is not None:
            yield name, text
    for item in inner:
        yield from _fields(item, depth + 1)


def _shown(name: str, value: Any) -> str | None:
    if _LABEL.match(name) and isinstance(value, str | int | float | Decimal):
        text = str(value)
        plain = _PLAIN.fullmatch(text) and not _WORDS.fullmatch(text) and not KEY.search(text)
        return text if plain else f"(text of {len(text)} characters)"
    return _number(value) if _COUNTER.search(name) else None


def _number(value: Any) -> str | None:
    if value is None or isinstance(value, list | Mapping):
        return None
    text = str(value)
    numeric = not isinstance(value, str) or re.fullmatch(r"[-+0-9.,eE ]{0,32}", text)
    return text if numeric else f"(text of {len(text)} characters)"
