"""Words around numbers, for whatever part of the tool has something to say."""

from __future__ import annotations


def counted(value: int, noun: str) -> str:
    """A count with its noun: ``1 request``, ``2,000 requests``."""
    return f"{value:,} {noun}{'' if value == 1 else 's'}"
