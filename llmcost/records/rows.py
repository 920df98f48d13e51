"""Builds usage rows, billed lines and their tags out of fields of which any may be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

from llmcost.money import plain
from llmcost.records.values import as_json, text
from llmcost.usage.columns import Billed, Usage

_LONGEST_LABEL: Final = 256


def known(fields: Mapping[str, Any]) -> Usage:
    """The fields that are known, as a row: an unknown one is absent."""
    return cast("Usage", {name: value for name, value in fields.items() if value is not None})


def known_charge(fields: Mapping[str, Any]) -> Billed:
    """The fields that are known, as a billed line."""
    return cast("Billed", {name: value for name, value in fields.items() if value is not None})


def tags_of(fields: Mapping[str, Any]) -> str | None:
    """The column ``tags``: canonical JSON of the fields that are labels, None without any. See :func:`label`."""
    labels = {str(name): word for name, value in fields.items() if (word := label(value)) is not None}
    return as_json(labels) if labels else None


def label(value: Any) -> str | None:
    """A label's text: short text, a number or a truth value. None for what is absent, long or nested."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal) and value.is_finite():
        value = plain(value)
    is_short = isinstance(value, str | int) and len(str(value)) <= _LONGEST_LABEL
    return text(value, "label") if is_short else None
