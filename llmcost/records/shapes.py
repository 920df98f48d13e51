"""Takes JSON values for what they should be, and as empty when they are something else."""

from __future__ import annotations

from typing import Any


def mapping(value: Any) -> dict[str, Any]:
    """``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """``value`` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in ``value`` if it is an array."""
    return [item for item in items(value) if isinstance(item, dict)]


def word(value: Any) -> str:
    """``value`` if it is a text, else the empty text; safe to look up in a set."""
    return value if isinstance(value, str) else ""


def place(value: Any) -> int:
    """``value`` if it is a whole number, else 0: the index of a choice or block in a stream."""
    return value if isinstance(value, int) else 0
