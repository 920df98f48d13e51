"""What a break-even comes down to: the use of what is bought, the price at which it pays, and what is paid at the start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final

from llmcost.money import EXACT, RATIO, ZERO
from llmcost.results.breakeven.levers import End, Pulled, by_spend
from llmcost.results.breakeven.model import Crossing, Once, Use
from llmcost.results.breakeven.plays import Plays, cost_before, flat_cost, scaled
from llmcost.results.model import FlatChargeLine, Period, Result, Scenario

_MTOK: Final = Decimal(1_000_000)
_PLACES: Final = Decimal("1e-6")
_MONTHS: Final = Decimal("1e-3")
_FAR: Final = 1200
"""No date is told beyond so many months."""


def price_factor_of(own: Scenario, crossings: Sequence[Crossing]) -> Decimal | None:
    """Factor on the API's prices at which both cost the same: rates scale what is paid by the token, not by the hour."""
    if by_spend(own.steps[-1]):
        return crossings[0].factor if len(crossings) == 1 else None
    flat = flat_cost(own)
    avoided = EXACT.add(own.steps[-1].saving_usd, flat)
    return RATIO.divide(flat, avoided).quantize(_PLACES) if avoided > 0 and flat else None


_BOUGHT: Final = ("gpu_hour", "provisioned_throughput", "commitment")


def use_of(own: Scenario, result: Result) -> Use | None:
    """Use of what is bought, and U*; None where nothing is bought by the hour."""
    step = own.steps[-1]
    if "utilisation" not in step.measures:
        return None
    now, flat = step.measures["utilisation"], ZERO
    for line in own.flat_charges:
        if line.sku.startswith(_BOUGHT):
            flat = EXACT.add(flat, line.cost_usd or ZERO)
    avoided = EXACT.add(step.saving_usd, flat_cost(own))
    share = RATIO.divide(RATIO.multiply(now, flat), avoided).quantize(_PLACES) if avoided > 0 else None
    share = step.measures.get("break_even_utilisation", share)
    speed, price = step.measures.get("tokens_per_gpu_second"), step.measures.get("usd_per_gpu_hour")
    base = result.baseline
    tokens = Decimal((base.input_tokens or 0) + (base.output_tokens or 0))
    full = None
    if speed and price is not None:
        full = RATIO.divide(RATIO.multiply(price, _MTOK), RATIO.multiply(speed, Decimal(3600))).quantize(_PLACES)
    api = RATIO.divide(RATIO.multiply(cost_before(own), _MTOK), tokens).quantize(_PLACES) if tokens else None
    return Use(
        now=now, break_even=share, target=step.measures.get("target_utilisation"), tokens_per_gpu_second=speed,
        full_use_usd_per_mtok=full, api_usd_per_mtok=api,
    )  # fmt: skip


def most_used(plays: Plays) -> Decimal:
    """The largest use at any volume that was replayed."""
    volumes = [scenario for key, scenario in plays.found.items() if key.startswith("volume ")]
    return max(scenario.steps[-1].measures.get("utilisation", ZERO) for scenario in volumes)


def once_of(own: Scenario, month: Decimal, period: Period, levers: Sequence[Pulled]) -> Once | None:
    """What is paid at the start and when it is earned back, with the fewest and the most months of any lever."""
    upfront, borne = _paid_once(own.flat_charges)
    if not upfront:
        return None
    share, saving = scaled(borne, month), scaled(own.steps[-1].saving_usd, month)
    ends = [end for lever in levers for end in lever.ends.values()]
    range_ = [_back(end, month) for end in (End(own.steps[-1].saving_usd, own.flat_charges), *ends)]
    known, months = [value for value in range_ if value is not None], range_[0]
    low, high = min(known, default=None), None if None in range_ else max(known)
    return Once(
        upfront_usd=upfront, monthly_net_usd=EXACT.add(saving, share), months=months, on=_day(months, period), months_low=low,
        months_high=high, on_low=_day(low, period), on_high=_day(high, period),
        life_months=RATIO.divide(upfront, share).quantize(_MONTHS) if share else None,
    )  # fmt: skip


def _paid_once(charges: Iterable[FlatChargeLine]) -> tuple[Decimal, Decimal]:
    """What is paid once, and the period's part of it."""
    upfront = borne = ZERO
    for line in charges:
        if line.once_usd is not None:
            upfront, borne = EXACT.add(upfront, line.once_usd), EXACT.add(borne, line.cost_usd or ZERO)
    return upfront, borne


def _back(end: End, month: Decimal) -> Decimal | None:
    """Months until what is paid once is earned back; None where it never is: it is paid again before."""
    if end.saving_usd < 0:
        return None
    upfront, borne = _paid_once(end.flat)
    net = scaled(EXACT.add(end.saving_usd, borne), month)
    return RATIO.divide(upfront, net).quantize(_MONTHS) if net > 0 else None


def _day(months: Decimal | None, period: Period) -> date | None:
    """The day so many months after the log's end; a part of a day is the next one."""
    if months is None or period.end is None or months >= _FAR:
        return None
    days = EXACT.multiply(months, period.month_days).to_integral_value(ROUND_CEILING)
    return period.end.date() + timedelta(days=int(days))
