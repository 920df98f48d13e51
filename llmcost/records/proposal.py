"""Writes guesses down as a mapping file (``docs/mapping.md``), a comment on each, and shows rows as the mapping reads them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from llmcost.money import plain
from llmcost.records.apikeys import KEY
from llmcost.records.guesses import EPOCH, Guess, Guesses
from llmcost.records.profile import Profile
from llmcost.usage.columns import BY_NAME, Usage

_SHOWN: Final = frozenset({"counter", "media", "time", "part", "origin", "quality"})
_SPELLED: Final = frozenset(
    {"provider_name", "request_model", "response_model", "status", "service_tier", "operation_name"}
)
_CELL: Final = 48


def mapping_text(name: str, guesses: Guesses, records: str | None) -> str:
    """The mapping file: valid TOML whatever the log's names hold."""
    lines = [
        "# Proposed from the first rows of a file: check each line against what the log's makers say, and correct it.",
        "# Left stands a usage column, right a field, a path or a rule. Cached tokens are part of input_tokens, reasoning of output_tokens.",
        "",
        "[mapping]",
        f"name = {_text(name)}",
    ]
    if records is not None:
        lines.append(f"records = {_text(records)}  # where the rows are")
    if guesses.provider is not None:
        lines.append(
            f"provider_name = {_text(guesses.provider)}  # likely: who makes these models; change it if another host served them"
        )
    lines += ["", "[columns]"]
    for guess in guesses.found:
        lines += [f"# {guess.sure}: {_comment(guess.why)}", f"{guess.column} = {_rule(guess)}"]
        if guess.rule.get("epoch") == EPOCH:
            lines.append("# the epoch above is made up: put the true start of the log there")
    lines += ["", *(f"# note: {_comment(remark)}" for remark in guesses.remarks)]
    if guesses.left:
        lines += ["# Not placed:", *(f"#   {_comment(line)}" for line in left_over(guesses.left))]
    return "\n".join(lines).rstrip() + "\n"


def left_over(fields: Sequence[Profile]) -> Iterator[str]:
    """What the wizard could not place, and what could be done with it."""
    for profile in fields:
        yield f"{profile.path}: {_what(profile)}"


def _what(profile: Profile) -> str:
    longest = max((len(value) for value in profile.values if isinstance(value, str)), default=0)
    if profile.counts is not None and profile.distinct > 1:
        return f"whole numbers, {min(profile.counts)} to {max(profile.counts)}"
    if profile.amounts is not None:
        return "numbers"
    if longest > 80:
        return "text; a mapping reads no prompts or answers"
    if profile.labels and profile.distinct <= 20:
        return f"{profile.distinct} different labels; could be a line under [tags]"
    return (
        "lists or objects"
        if any(isinstance(value, list | dict) for value in profile.values)
        else f"{profile.distinct} different values"
    )


def _rule(guess: Guess) -> str:
    if set(guess.rule) == {"field"}:
        return _text(str(guess.rule["field"]))
    return "{ " + ", ".join(f"{key} = {_value(value)}" for key, value in guess.rule.items()) + " }"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_text(str(key))} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    if isinstance(value, Decimal):
        return plain(value)
    return str(value) if isinstance(value, int) else _text(str(value))


def _text(value: str) -> str:
    """A TOML basic string; what acts on a terminal is written out."""
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(f"\\U{ord(c):08X}" if unicodedata.category(c)[0] == "C" else c for c in quoted)


def _comment(value: str) -> str:
    """One line without anything that would end a comment or act on a terminal."""
    return "".join("?" if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" else c for c in value)[:200]


def shown(row: Usage) -> str:
    """A row in one line: times, counts, amounts and models as they are, other texts by their length."""
    return "  ".join(f"{name} {_cell(name, value)}" for name, value in row.items() if value is not None)


def _cell(name: str, value: Any) -> str:
    column = BY_NAME[name]
    if column.type == "instant":
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value):%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, list):
        return f"({len(value)} of them)"
    if column.group in _SHOWN or name in _SPELLED or not isinstance(value, str):
        return (
            str(value)
            if len(str(value)) <= _CELL and not KEY.search(str(value))
            else f"(text of {len(str(value))} characters)"
        )
    return f"(text of {len(value)} characters)"
