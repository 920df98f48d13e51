"""Reads single values strictly: a value is what it says, None when absent, or an error that names it.

Absent is the same for all of them: None, blank text, and the texts ``null`` and ``none`` in any case. Never zero.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from llmcost.money import decimal_of, rounded

MAX_COUNT: Final = 10**15
"""No counter of a real request or bucket comes near this; larger ones are typing errors."""
EARLIEST: Final = 1_420_070_400_000_000
"""2015-01-01: before any of these APIs existed."""
LATEST: Final = 4_102_444_800_000_000
"""2100-01-01."""
_FINEST: Final = 40
"""Decimals of an amount that are read: the most that any export was seen with is 30."""
_ISO = re.compile(
    r"^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE,
)


_SEPARATED: Final = re.compile(r"[+-]?\d+(?:[.,' \u2019\u00a0\u202f]\d+)+")
_GROUPED: Final = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
"""``1.000`` is one thousand where the point groups digits, and one where it begins the fraction."""
_ABSENT: Final = frozenset({"", "null", "none"})
_PLAIN_DIGITS: Final = len(str(MAX_COUNT)) - 1
"""So many digits are a count, whatever they are."""


class BadValueError(ValueError):
    """A value that cannot be what its field says. ``kind`` becomes the problem's kind; the text names the field."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind, self.detail = kind, detail
        super().__init__(detail)


class PointInDoubt(str):
    """A cell of a table whose point may group digits: where semicolons part the cells, a comma begins the fraction."""

    __slots__ = ()


def in_doubt(cell: str) -> str:
    """The cell, marked when it is a number whose point may group digits."""
    return PointInDoubt(cell) if _GROUPED.fullmatch(cell.strip()) else cell


def _check_separators(value: Any, field: str, *, whole: bool) -> None:
    """BadValueError for a number that countries read differently: ``1.234,56``, ``1,234``, or ``1.000`` tokens."""
    if not isinstance(value, str) or not _SEPARATED.fullmatch(word := value.strip()):
        return
    plain = word.count(".") == 1 and word.replace(".", "").lstrip("+-").isdigit()
    if plain and not ((whole or isinstance(value, PointInDoubt)) and _GROUPED.fullmatch(word)):
        return
    raise BadValueError(
        "ambiguous-number",
        f"{field} is written {word[:30]}, which may be read in two ways: write plain digits, and a point before the fraction",
    )


def _show(value: object) -> str:
    return (
        _short(value)
        if isinstance(value, int | float | Decimal)
        else f"text of {len(str(value))} characters"
        if isinstance(value, str)
        else type(value).__name__
    )


def _short(value: float | Decimal) -> str:
    """A number as written; one of very many digits rounded, since Python neither prints nor converts such integers."""
    is_long = isinstance(value, int) and abs(value) >= 10**30
    return f"{Decimal(value):.3e}" if is_long else repr(value)


def is_absent(value: Any) -> bool:
    """None, blank text, and the words that exports write for it in any case."""
    if not isinstance(value, str):
        return value is None
    first = value[:1]
    # Most values are told by their first letter.
    return not first or ((first in "nN" or first.isspace()) and value.strip().lower() in _ABSENT)


def count(value: Any, field: str) -> int | None:
    """A whole number that is not negative; ``10``, ``"10"``, ``10.0`` and ``"10.0"`` are 10. Absent is None."""
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return value
    if type(value) is str and len(value) <= _PLAIN_DIGITS and value.isascii():
        digits = value.removesuffix(".0")
        if digits.isdigit():
            return int(digits)
    if is_absent(value):
        return None
    if isinstance(value, bool | list | dict):
        raise BadValueError("not-a-count", f"{field} is {_show(value)}, not a count")
    _check_separators(value, field, whole=True)
    if isinstance(value, int):
        whole = value
    else:
        try:
            exact = (
                Decimal(repr(value))
                if isinstance(value, float)
                else decimal_of(value.strip() if isinstance(value, str) else value)
            )
        except (ValueError, TypeError, ArithmeticError) as error:
            raise BadValueError("not-a-count", f"{field} is {_show(value)}, not a count") from error
        if not exact.is_finite() or exact.adjusted() > 30 or exact != exact.to_integral_value():
            raise BadValueError("not-a-count", f"{field} is {_show(value)}, not a whole number")
        whole = int(exact)
    if whole < 0:
        raise BadValueError("negative-count", f"{field} is {_short(whole)}")
    if whole > MAX_COUNT:
        raise BadValueError("implausible-count", f"{field} is {Decimal(whole):.3e}")
    return whole


def money(value: Any, field: str) -> Decimal | None:
    """An exact amount; Decimal, int or text. Absent is None.

    A double written out in full may have hundreds of digits: what is beyond the 40th decimal is rounded, or no product of it
    would be exact. The store keeps 18.
    """
    if is_absent(value):
        return None
    if isinstance(value, bool | list | dict):
        raise BadValueError("not-an-amount", f"{field} is {_show(value)}, not an amount")
    _check_separators(value, field, whole=False)
    try:
        amount = (
            Decimal(repr(value))
            if isinstance(value, float)
            else decimal_of(value.strip() if isinstance(value, str) else value)
        )
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BadValueError("not-an-amount", f"{field} is {_show(value)}, not an amount") from error
    if not amount.is_finite() or amount.adjusted() > 15:
        raise BadValueError("not-an-amount", f"{field} is {_show(value)}, not an amount")
    return rounded(amount, _FINEST) if _exponent(amount) < -_FINEST else amount


def _exponent(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def number(value: Any, field: str) -> float | None:
    """A finite floating number, for what is never money. Absent is None."""
    if is_absent(value):
        return None
    if isinstance(value, bool | list | dict):
        raise BadValueError("not-a-number", f"{field} is {_show(value)}, not a number")
    try:
        result = float(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadValueError("not-a-number", f"{field} is {_show(value)}, not a number") from error
    if not math.isfinite(result):
        raise BadValueError("not-a-number", f"{field} is not finite")
    return result


def whole(value: Any, field: str, times: int = 1) -> int | None:
    """The nearest whole number to ``times`` a measurement, such as milliseconds of seconds; no count, so it may have a fraction."""
    measured = number(value, field)
    if measured is None:
        return None
    if abs(measured * times) > MAX_COUNT:
        raise BadValueError("implausible-count", f"{field} is {measured:.3e}")
    return round(measured * times)


def text(value: Any, field: str, limit: int = 1024) -> str | None:
    """Text without surrounding blanks; numbers become text. Absent is None."""
    if is_absent(value):
        return None
    if isinstance(value, list | dict):
        raise BadValueError("not-a-text", f"{field} is {_show(value)}, not a text")
    result = str(value).strip()
    if len(result) > limit:
        raise BadValueError("text-too-long", f"{field} has {len(result)} characters")
    return result


def flag(value: Any, field: str) -> bool | None:
    """A truth value; ``true/false/1/0/yes/no`` in any case. Absent is None."""
    if is_absent(value):
        return None
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in {"true", "1", "yes", "t"}:
        return True
    if word in {"false", "0", "no", "f"}:
        return False
    raise BadValueError("not-a-flag", f"{field} is {_show(value)}, not true or false")


def instant(value: Any, field: str, unit: str = "auto") -> int | None:
    """Microseconds since 1970 in UTC; a time without zone is UTC. Absent is None.

    ``unit`` of a number: ``s``, ``ms``, ``us``, ``ns`` or ``auto`` (told from its size; all instants from 2015 to
    2099 have disjoint ranges in the four units).
    """
    if is_absent(value):
        return None
    if isinstance(value, date):
        return _plausible(_calendar(value), field)
    if isinstance(value, str):
        stripped = value.strip()
        match = _ISO.match(stripped)
        if match:
            return _plausible(_iso(match, field), field)
        try:
            value = decimal_of(stripped)
        except ValueError as error:
            raise BadValueError("not-an-instant", f"{field} is {_show(stripped)}, not a time") from error
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise BadValueError("not-an-instant", f"{field} is {_show(value)}, not a time")
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite() or abs(exact.adjusted()) > 30:
        raise BadValueError("not-an-instant", f"{field} is not a time")
    if unit == "auto":
        unit = next((u for u, top in (("s", 11), ("ms", 14), ("us", 17)) if exact < Decimal(10) ** top), "ns")
    scaled = exact * {"s": Decimal(10**6), "ms": Decimal(1000), "us": Decimal(1), "ns": Decimal("0.001")}[unit]
    return _plausible(int(scaled), field)


def _calendar(value: date) -> int:
    """Microseconds of a date (its midnight) or a datetime, as Parquet gives them; without zone it is UTC."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


def _iso(match: re.Match[str], field: str) -> int:
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), min(int(second or 0), 59), tzinfo=UTC
        )
    except ValueError as error:
        raise BadValueError("not-an-instant", f"{field} is not a date of the calendar") from error
    micros = int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000
    micros += int((fraction or "0").ljust(9, "0")[:6])
    if zone and zone.upper() not in {"Z", "UTC"}:
        digits = zone[1:].replace(":", "")
        offset = (int(digits[:2]) * 60 + int(digits[2:])) * 60_000_000
        micros -= offset if zone[0] == "+" else -offset
    return micros


def _plausible(micros: int, field: str) -> int:
    if not EARLIEST <= micros < LATEST:
        raise BadValueError("implausible-time", f"{field} is outside 2015 to 2099")
    return micros


def as_json(value: Any) -> str | None:
    """Canonical JSON text (sorted keys, no blanks); None stays None."""
    return (
        None
        if value is None
        else json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    )
