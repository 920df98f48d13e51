"""The wrapper in which request and response bodies are logged, one call a line, and server-sent events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from scripts.samples.dice import stamp
from scripts.samples.files import dumps

Json = dict[str, Any]


def call(moment: datetime, url: str, request: Json, response: Json | str, status: int = 200) -> Json:
    """One logged call; a stream's response is its raw text."""
    return {
        "timestamp": stamp(moment), "method": "POST", "url": url, "status": status, "stream": isinstance(response, str), "request": request,
        "response": response,
    }  # fmt: skip


def events(chunks: Iterable[Json], *, named: bool) -> str:
    """Server-sent events; ``named`` writes the event's type before its data and no end mark."""
    if named:
        return "".join(f"event: {chunk['type']}\ndata: {dumps(chunk)}\n\n" for chunk in chunks)
    return "".join(f"data: {dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def tool(name: str, description: str, **fields: str) -> Json:
    """A tool's name, description and parameters, before a provider's wrapping."""
    properties = {field: {"type": "string", "description": text} for field, text in fields.items()}
    return {
        "name": name,
        "description": description,
        "schema": {"type": "object", "properties": properties, "required": list(fields), "additionalProperties": False},
    }


TOOLS = (
    tool(
        "find_order",
        "Look an order up by its number or by the mail address.",
        order_number="Five digits.",
        email="Address of the customer.",
    ),
    tool(
        "open_ticket",
        "Hand the conversation to a person.",
        reason="One sentence for the colleague.",
        urgency="low, normal or high.",
    ),
    tool(
        "refund",
        "Pay an amount back to the card that was charged.",
        order_number="Five digits.",
        amount="Euros and cents.",
        reason="For the books.",
    ),
    tool(
        "stock",
        "Tell how many pieces of an item are left.",
        item="Name or number of the item.",
        size="Size, if it has one.",
    ),
)
