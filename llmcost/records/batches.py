"""What a batch's lines share: their rows are billed at the batch rate, whatever tier an answer repeats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.contract import Reading, Row
from llmcost.records.rows import known
from llmcost.records.tools import CODE_INTERPRETER

NEVER_RAN: Final = frozenset({"batch_expired", "batch_cancelled", "expired", "canceled", "cancelled"})
"""Ends of a request that no model ever saw."""


def at_batch_rate(readings: Iterable[Reading], line_id: str | None = None) -> Iterator[Reading]:
    """The readings with their rows in the batch tier; ``line_id`` names an answer that carries no id of its own.

    The fee of a tool is the same in a batch (``llmcost.pricing.units.CALL_FEES``).
    """
    for reading in readings:
        if isinstance(reading, Row) and reading.usage is not None:
            row = reading.usage
            if row.get("request_model") != CODE_INTERPRETER:
                row["service_tier"] = "batch"
            if line_id is not None:
                row.setdefault("request_id", line_id)
        yield reading


def failed(line_id: str | None, provider: str | None) -> Row:
    """A request of a batch that was answered by an error: it is a row, and costs nothing."""
    fields: dict[str, Any] = {
        "request_id": line_id,
        "provider_name": provider,
        "service_tier": "batch",
        "status": "error",
    }
    return Row(known({**fields, "requests": 1}))
