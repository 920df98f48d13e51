"""Small helpers of the file-reading tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llmcost.records.contract import Problem, Record


def told(found: Iterable[Record | Problem]) -> list[tuple[int | None, Any]]:
    """Line and value of each record, line and kind of each problem (in angle brackets)."""
    return [(item.line, item.value if isinstance(item, Record) else f"<{item.kind}>") for item in found]
