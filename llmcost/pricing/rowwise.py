"""What one more of each counter costs a row: the price of a group as exact factors, so that an engine prices row by row.

Within a group (:data:`llmcost.pricing.grid.PRICE_KEYS`) the cost is linear in the counters. The factors are found by
asking :func:`llmcost.pricing.price.charge` itself, so there is no second way to compute money; that they give back what
it says is checked for every group.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from llmcost.money import EXACT, ZERO
from llmcost.pricing.grid import SUMMED
from llmcost.pricing.price import charge
from llmcost.pricing.resolve import Rates, Unpriced

COUNTED: Final = (*SUMMED, "requests")
"""The counters that a row's cost can depend on."""
_PROBE: Final[Mapping[str, int]] = {
    "input_tokens": 10**9, "output_tokens": 10**9,
    "cache_read_audio_tokens": 10**3, "cache_creation_1h_input_tokens": 10**3,
}  # fmt: skip
"""Counts of a request in which every part is smaller than its whole, so that none contradicts another."""
_USUAL: Final = 10**6


def factors(most: Mapping[str, Any], rates: Rates) -> dict[str, Decimal] | Unpriced:
    """USD for one of each counter, for rows of a group at ``rates``.

    ``most`` has the greatest value of each counter among the group's rows: None where no row knows it.
    """
    probe = {
        name: None if most[name] is None else _PROBE.get(name, _USUAL) if most[name] > 0 else 0 for name in COUNTED
    }
    base = charge(probe, rates)
    if isinstance(base, Unpriced):
        return base
    found: dict[str, Decimal] = {}
    total = ZERO
    for name, count in probe.items():
        if not count:
            continue
        more = charge({**probe, name: count + 1}, rates)
        if isinstance(more, Unpriced):
            return more
        found[name] = EXACT.subtract(more.cost, base.cost)
        total = EXACT.add(total, EXACT.multiply(found[name], Decimal(count)))
    if total != base.cost:
        raise AssertionError(f"a price is not linear in its counters: {total} is not {base.cost}")
    return {name: factor for name, factor in found.items() if factor}


def places(values: list[Decimal]) -> int:
    """Decimal places that hold all of ``values`` exactly."""
    exponents = (value.normalize(EXACT).as_tuple().exponent for value in values)
    return max((-exponent for exponent in exponents if isinstance(exponent, int)), default=0)
