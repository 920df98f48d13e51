"""Durations in scenario files: ``"5m"``, ``"1h"``, ``"24h"``, ``"0s"``, ``"unlimited"``, or whole seconds."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, WithJsonSchema

_UNITS: Final = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_TEXT: Final = re.compile(r"^(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)$")
UNLIMITED: Final = "unlimited"


def _parse(value: object) -> object:
    if value == UNLIMITED or value is None:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = f"{value}s"
    match = _TEXT.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration is a text like '5m', '1h', '30s' or 'unlimited'")
    micros = Decimal(match[1]) * _UNITS[match[2]]
    if micros != micros.to_integral_value() or micros > 36_500 * _UNITS["d"]:
        raise ValueError("a duration is a whole number of microseconds, at most 100 years")
    return shown(int(micros))


def shown(micros: int | None) -> str:
    """The duration in its largest whole unit; None is unlimited."""
    if micros is None:
        return UNLIMITED
    for unit in ("d", "h", "m", "s", "ms"):
        if micros and micros % _UNITS[unit] == 0:
            return f"{micros // _UNITS[unit]}{unit}"
    return f"{micros}us" if micros else "0s"


def micros_of(duration: str) -> int | None:
    """Microseconds of a checked duration; None for unlimited."""
    if duration == UNLIMITED:
        return None
    match = _TEXT.match(duration)
    if match is None:
        raise ValueError(f"{duration!r} is no duration")
    return int(Decimal(match[1]) * _UNITS[match[2]])


_SCHEMA: Final = WithJsonSchema(
    {"type": "string", "pattern": r"^(\d+(\.\d+)?(us|ms|s|m|h|d)|unlimited)$", "examples": ["5m", "1h", "unlimited"]}
)
Duration = Annotated[str, BeforeValidator(_parse), _SCHEMA]
"""A span of time as checked text; :func:`micros_of` gives microseconds, None for ``unlimited``."""
Finite = Annotated[
    Duration,
    BeforeValidator(lambda v: (_ for _ in ()).throw(ValueError("must not be unlimited")) if v == UNLIMITED else v),
]
"""A span of time that has an end."""
Scope = Literal["global", "organization", "project", "api_key", "user"]
