"""Prices that are already dated in the month that a check forecasts, on both sides of the change, as ``llmcost forecast`` has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from llmcost.money import RATIO, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.forecast.coming import Coming
from llmcost.results.forecast.model import PriceChange
from llmcost.results.forecast.recent import Recent, dated
from llmcost.results.forecast.run import daily_of, whole_ends
from llmcost.results.forecast.series import DAY, Settled, settled
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.scenario import BoundScenario
from llmcost.usage.store import Store

_WEIGHT: Final = Decimal("0.000001")
FIXED: Final = "the change itself names the day whose prices count: later changes are on neither side"


@dataclass(frozen=True)
class Ahead:
    """The coming price changes and what they make of the recent calls, as they are and behind the change."""

    before: tuple[PriceChange, ...] = ()
    after: tuple[PriceChange, ...] = ()
    why: str = ""
    """Why dated changes are left out."""


def settled_of(result: Result) -> Settled:
    """The settled days of a result's log."""
    daily = daily_of(result.baseline)
    return settled(daily, *whole_ends(result.period, daily), None)


def days_ahead(catalogue: Catalogue, result: Result, options: ReplayOptions) -> list[date]:
    """Days of the month behind the log from which other prices hold for a model of either side."""
    first = max(settled_of(result).days) + DAY
    return dated(catalogue, result, first, first + DAY * math.ceil(options.month_days))


def ahead(
    store: Store,
    catalogue: Catalogue,
    options: ReplayOptions,
    result: Result,
    change: BoundScenario | None,
    days: Sequence[date],
) -> Ahead:
    """What the prices of ``days`` make of the recent calls; replays of its own, so no other may be open on the store.

    A change that names a price day proposes these prices against today's: a later day has no say on either side.
    """
    if change is not None and (change.prices_on is not None or any(s.name == "price-day" for s in change.steps)):
        return Ahead(why=FIXED)
    recent = Recent(store, catalogue, options, settled_of(result))
    before = tuple(recent.changes(days))
    after = before if change is None else tuple(recent.changes(days, change.steps))
    return Ahead(_differing(before), _differing(after))


def _differing(changes: Sequence[PriceChange]) -> tuple[PriceChange, ...]:
    """Nothing where no day makes a difference: prices of other tiers or regions than the log's."""
    return tuple(changes) if any(change.factor != 1 for change in changes) else ()


def weights(found: Coming, changes: Sequence[PriceChange]) -> dict[date, Decimal]:
    """Which part of the month's cost, at the prices of the log's end, falls behind each price change and before the next."""
    whole = sum(found.plain)
    parts: dict[date, Decimal] = {}
    ends = [*(change.on for change in changes), date.max][1:]
    for change, end in zip(changes, ends, strict=True):
        mine = [cost for n, cost in enumerate(found.plain) if change.on <= found.first + DAY * n < end]
        parts[change.on] = Decimal(sum(mine) / whole).quantize(_WEIGHT) if whole else ZERO
    return parts


def mixed(parts: dict[date, Decimal], costs: dict[date, Decimal], at_end: Decimal) -> Decimal:
    """What price changes make of the month of calls that cost ``at_end`` at the prices of the log's end, ``costs`` later."""
    if not at_end:
        return Decimal(1)
    factor = Decimal(1)
    for day, part in parts.items():
        factor += part * (RATIO.divide(costs[day], at_end) - 1)
    return factor
