"""What the token and the cost CSV of Anthropic's console share: days, owners by name, tier and place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from llmcost.records.anthropic import committed, tier_and_region
from llmcost.records.labels import Notes
from llmcost.records.rows import tags_of
from llmcost.records.values import BadValueError, instant, text

_DAY, _HOUR, _MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000
_WINDOW: Final = re.compile(r"([<>≤≥]=?|up to|over)\s*(\d+)\s*k", re.IGNORECASE)


def span(line: Mapping[str, Any]) -> tuple[int, int]:
    """Start and end of a line's time: a day, or the hour or minute that it names.

    An hourly export writes full hours, an export by the minute any minute; a full hour of the latter is taken for the
    whole hour, which no line tells from an hourly one.
    """
    raw = text(line.get("usage_date_utc"), "usage_date_utc")
    start = instant(raw, "usage_date_utc")
    if raw is None or start is None:
        raise BadValueError("not-an-instant", "usage_date_utc is empty")
    length = _DAY if len(raw) <= len("2026-03-31") else _HOUR if start % _HOUR == 0 else _MINUTE
    return start, start + length


def dimensions(line: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Owners, tier, region and size class, under our names. Keys and workspaces come by their names, not ids."""
    kind = line.get("usage_type")
    served = tier_and_region(
        {
            "service_tier": None if kind == "message" else kind,
            "speed": line.get("speed"),
            "inference_geo": line.get("inference_geo") or None,
        },
        notes,
    )
    return {
        "provider_name": "anthropic",
        "service_tier": served.get("service_tier"),
        "region": served.get("region"),
        "project": notes.soft(text, line.get("workspace"), "workspace"),
        "api_key_id": notes.soft(text, line.get("api_key_id") or line.get("api_key"), "api_key"),
        "tags": tags_of({"context_window": _window(line.get("context_window")), "capacity": committed(kind)}),
    }


def _window(raw: Any) -> str | None:
    """The size class in the words of the usage report: the console writes signs ("≤ 200k", "> 200k")."""
    found = _WINDOW.search(raw) if isinstance(raw, str) else None
    if found is None:
        return raw if isinstance(raw, str) and raw.strip() else None
    return f"0-{found[2]}k" if found[1][0] in "<≤uU" else f"{found[2]}k-1M"
