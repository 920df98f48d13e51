"""Exact money: Decimal from file to page, rounded once, in the report."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from functools import cache
from typing import Final

MTOK: Final = Decimal(1_000_000)
ZERO: Final = Decimal(0)
_MOST_DIGITS: Final = 1000
EXACT: Final = Context(prec=100, traps=[InvalidOperation, Inexact])
"""Adds and multiplies money; a result that would need rounding raises instead."""
_WIDE: Final = Context(prec=100)
RATIO: Final = Context(prec=50, traps=[InvalidOperation])
"""Divides: shares, prices per unit and break-even points, which are no amounts and are rounded at the 50th digit."""


def decimal_of(text: str | int | Decimal) -> Decimal:
    """The exact value of ``text``; ValueError for anything but a finite number. Floats are not accepted."""
    if isinstance(text, float):
        raise TypeError("money never comes from a float")
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    if abs(value.adjusted()) > _MOST_DIGITS:  # written out it would fill the memory
        raise ValueError("a number beyond all reason")
    return value


def per_token(rate_per_mtok: Decimal) -> Decimal:
    """A rate in USD per million tokens as USD per token, exactly."""
    return rate_per_mtok.scaleb(-6)


def plain(value: Decimal) -> str:
    """Decimal text without exponent or trailing zeros, the form amounts have in JSON."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def rounded(value: Decimal, places: int = 2) -> Decimal:
    """``value`` rounded half up to ``places``: in reports, and where a number came with more digits than any amount has."""
    return value.quantize(_step(places), rounding=ROUND_HALF_UP, context=_WIDE)


@cache
def _step(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


def usd(value: Decimal, places: int | None = None) -> str:
    """``value`` as dollars: cents from one dollar up, enough digits below it that a sub-cent amount is not 0.00."""
    if places is None:
        magnitude = abs(value)
        places = 2 if magnitude >= 1 or magnitude == 0 else min(8, max(2, 2 - magnitude.adjusted()))
    shown = rounded(value, places)
    sign = "-" if shown < 0 else ""
    return f"{sign}${abs(shown):,.{places}f}"
