"""Builds usage rows out of fields of which any may be unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from llmcost.usage.columns import Usage


def known(fields: Mapping[str, Any]) -> Usage:
    """The fields that are known, as a row: an unknown one is absent."""
    return cast("Usage", {name: value for name, value in fields.items() if value is not None})
