"""Reads what Azure Monitor wraps around its records, however they were exported.

A storage account keeps a record a line, an event hub ``{"records": [..]}``, the Log Analytics API ``tables`` of columns and
rows, the portal a CSV; Log Analytics flattens to columns that end in ``_s``, ``_d`` ..
(https://learn.microsoft.com/azure/azure-monitor/platform/resource-logs-schema, 2026-11-24). Names are compared in lower case
without those ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from llmcost.records.shapes import items, mapping, objects, word
from llmcost.records.sse import parse_json
from llmcost.records.values import BadValueError, count, instant, money

_SUFFIX: Final = re.compile(r"(?:_[sdgbt])$|\s*\[UTC\]$")
_RESOURCE: Final = re.compile(
    r"^/?subscriptions/(?P<subscription>[^/]+)(?:/.*?/accounts/(?P<account>[^/]+)|/.*?/service/(?P<service>[^/]+))?",
    re.IGNORECASE,
)
_TICKS_OF_1970: Final = 621_355_968_000_000_000
"""100 ns between year 1 and 1970: .NET's ticks (https://learn.microsoft.com/dotnet/api/system.datetime.ticks, 2026-11-24)."""


def plain(record: Mapping[Any, Any]) -> dict[str, Any]:
    """A record under its short names; nested ``properties`` that are JSON text become their object."""
    named = {_SUFFIX.sub("", str(key)).strip().lstrip("_").lower(): value for key, value in record.items()}
    found = named.get("properties")
    if isinstance(found, str):
        named["properties"] = json_of(found)
    return named


def json_of(value: Any) -> Any:
    """The JSON value of a text, None if it is none; other values as they are."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return None


def records_of(value: Any) -> Iterator[dict[str, Any]]:
    """The records inside ``value``, under their short names."""
    if isinstance(value, list):
        for item in value:
            yield from records_of(item) if isinstance(item, dict) else ()
    elif isinstance(value, dict):
        if isinstance(value.get("records"), list):
            yield from records_of(value["records"])
        elif isinstance(value.get("tables"), list):
            yield from (line for table in objects(value["tables"]) for line in _table(table))
        else:
            yield plain(value)


def _table(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    names = [word(column.get("name")) for column in objects(table.get("columns"))]
    for row in items(table.get("rows")):
        if isinstance(row, list) and len(row) == len(names):
            yield plain(dict(zip(names, row, strict=True)))


def properties_of(line: dict[str, Any]) -> dict[str, Any]:
    """The properties, under short names; Log Analytics may have put some of them into columns beside it."""
    inner = {_SUFFIX.sub("", str(k)).lower(): v for k, v in mapping(line.get("properties")).items()}
    return {**{k: v for k, v in line.items() if k != "properties"}, **inner}


def ticks(value: Any, field: str) -> int | None:
    """Microseconds since 1970 of a number of .NET ticks."""
    number = count(value, field) if not isinstance(value, int) or isinstance(value, bool) else value
    if number is None:
        return None
    return instant(Decimal((number - _TICKS_OF_1970) // 10), field, "us") if number > 0 else None


def resource_of(line: dict[str, Any]) -> tuple[str | None, str | None]:
    """Subscription and account (or API Management service) of a resource id, in lower case."""
    match = _RESOURCE.match(word(line.get("resourceid")))
    if match is None:
        return None, None
    account = match["account"] or match["service"]
    return match["subscription"].lower(), account.lower() if account else None


def amount(value: Any, field: str) -> int | None:
    """A metric's total as a count; metrics are floating numbers."""
    exact = money(value, field)
    if exact is None:
        return None
    if exact != exact.to_integral_value():
        raise BadValueError("not-a-count", f"{field} is {exact}, not a whole number")
    return count(exact, field)
