"""A group's price as one exact rate for each counter: cost is linear in the counters of rows that are priced alike.

The rates are found by asking :func:`llmcost.pricing.price.charge` what one more of a counter costs, so no rule about
classes, fees or what contains what stands here a second time; a group whose own cost they do not give is a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO
from llmcost.pricing.price import Charge, charge
from llmcost.pricing.resolve import Unpriced
from llmcost.pricing.table import Group

_WHOLE: Final = Decimal(10) ** 18
_PART: Final = Decimal(10) ** 12
_WITHIN: Final = Decimal(10) ** 6
_SIZES: Final = {
    "input_tokens": _WHOLE,
    "output_tokens": _WHOLE,
    "cache_read_audio_tokens": _WITHIN,
    "cache_creation_1h_input_tokens": _WITHIN,
}
"""Counts at which no part is larger than what contains it; other counters are parts."""


def rates_of(group: Group) -> dict[str, Decimal]:
    """Counter name to USD for one more of it, all else equal: a cached token's is the difference to a plain one's.

    Counters of which the group has none are left out. AssertionError where the rates do not give the group's cost.
    """
    if not isinstance(group.charge, Charge) or group.rates is None:
        return {}
    counted = {name: value for name, value in group.counts.items() if value}
    at: Mapping[str, Decimal | None] = {
        name: _SIZES.get(name, _PART) if name in counted else value for name, value in group.counts.items()
    }
    start = charge(at, group.rates)
    found: dict[str, Decimal] = {}
    total = ZERO
    for name, value in counted.items():
        more = charge({**at, name: EXACT.add(at[name] or ZERO, Decimal(1))}, group.rates)
        found[name] = EXACT.subtract(_known(more), _known(start))
        total = EXACT.add(total, EXACT.multiply(found[name], value))
    if total != group.charge.cost:
        raise AssertionError(f"a group's cost is {group.charge.cost}, its counters give {total}")
    return found


def _known(found: Charge | Unpriced) -> Decimal:
    """The cost; a group with a price has one at any count."""
    if isinstance(found, Unpriced):
        raise AssertionError(f"rows of a group that has a price have none: {found.reason}")  # noqa: TRY004 - a fault, no type of anyone's
    return found.cost


def cost_of(counts: Mapping[str, Decimal | None], group: Group) -> Charge:
    """The charge of some of a group's rows: ``counts`` are sums over them, None where the group knows none."""
    if group.rates is None:
        raise AssertionError("a group without rates has no cost")
    found = charge(counts, group.rates)
    _known(found)
    return found if isinstance(found, Charge) else Charge((), ZERO)
