"""What an amount of a bill is in dollars, where the user or the bill itself says a rate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, decimal_of

USD: Final = "USD"
DIGITS: Final = Decimal("1e-12")
"""Dollars of a line whose rate is a quotient: far below any bill's own digits."""


def dollars(
    amount: Decimal, currency: str, rates: Mapping[str, Decimal], tags: str | None
) -> tuple[Decimal | None, str, Decimal | None]:
    """(USD per unit, who says so, dollars): the user's rate, else the bill's own (tag ``usd_rate``: units a dollar)."""
    if currency == USD:
        return Decimal(1), "", amount
    if currency in rates:
        return rates[currency], "user", EXACT.multiply(amount, rates[currency])
    told = _told_rate(tags)
    if told:
        return (1 / told).quantize(DIGITS), "bill", (amount / told).quantize(DIGITS)
    return None, "", None


def _told_rate(tags: str | None) -> Decimal | None:
    try:
        value = decimal_of(str(json.loads(tags or "{}").get("usd_rate", "")))
    except (ValueError, AttributeError):
        return None
    return value if value > 0 else None
