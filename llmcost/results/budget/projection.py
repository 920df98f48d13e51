"""What a log's amounts are multiplied by to be a month's: its plain pace, or the same forecast as ``llmcost forecast``.

The forecast is of the whole: owners are taken to keep their shares of it. It continues the daily costs of each side, so
that prices that changed inside the log do not weigh on a side that is priced at one day; requests and tokens follow the
daily requests. One method continues all of them, the one that a backtest chooses on the log as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, RATIO, ZERO
from llmcost.results.budget.ahead import Ahead, settled_of, weights
from llmcost.results.budget.check_model import Basis, BasisName, BasisWish
from llmcost.results.forecast.coming import Coming, coming
from llmcost.results.forecast.outlook import Factor, unchanged
from llmcost.results.forecast.recent import factor_of
from llmcost.results.forecast.run import daily_of
from llmcost.results.forecast.series import Settled
from llmcost.results.model import Range, Result, Totals
from llmcost.results.options import ReplayOptions
from llmcost.results.present import counted, number

_ONE: Final = Decimal(1)
_FACTOR: Final = Decimal("0.0001")
"""A factor has four digits, so that amounts stay exact and a reader can multiply."""
TOO_SHORT: Final = "less than a day of log: no month can be projected (--extrapolate does it all the same)"


@dataclass(frozen=True)
class Projection:
    """Factors to the log's pace, 1 where that is the basis; ``pace`` None: no month can be projected, as ``why`` says."""

    basis: Basis
    pace: Decimal | None
    why: str = ""
    before: Decimal = _ONE
    after: Decimal = _ONE
    requests: Decimal = _ONE
    band: tuple[Decimal, Decimal, Decimal] | None = None
    """P10, P50, P90 as factors to the pace of what comes after."""
    traffic: tuple[Decimal, Decimal] = (_ONE, _ONE)
    """``before`` and ``after`` at the prices of the log's end."""
    parts: tuple[Mapping[date, Decimal], Mapping[date, Decimal]] = field(default_factory=lambda: ({}, {}))
    """Of each side: which part of the month falls behind a dated price change; nothing where there is none."""

    def month(self, amount: Decimal, factor: Decimal, flat: Decimal = ZERO) -> Decimal | None:
        """What ``amount`` of the period is a month; ``flat`` is what no request causes, so traffic moves none of it."""
        if self.pace is None:
            return None
        grown = EXACT.multiply(amount, factor)
        return EXACT.add(grown, flat) * self.pace

    def range(self, amount: Decimal, flat: Decimal) -> Range | None:
        """The forecast's band of a month after the change."""
        if self.band is None or self.pace is None:
            return None
        low, middle, high = ((self.month(amount, factor, flat) or ZERO) for factor in self.band)
        return Range(p10_usd=low, p50_usd=middle, p90_usd=high)


def projected(
    result: Result, options: ReplayOptions, wish: BasisWish, base: BasisName | None, prices: Ahead | None = None
) -> Projection:
    """The projection of a result's baseline and first scenario; ``prices`` are those that are dated in its month.

    ``wish`` auto forecasts where the log's history is enough for it; where the check is held against a saved one whose
    basis (``base``) is the pace, so is this, or growth would pass for what the change does.
    """
    days = result.period.days
    pace = None
    if days and (days >= 1 or options.extrapolate):
        pace = options.month_days / days
    text = f"the log's pace over {number(days, 2)} days" if days else "the log has no times"
    rate = Basis(kind="run-rate", note=text)
    if wish == "run-rate":
        return Projection(rate, pace, TOO_SHORT)
    if wish == "auto" and base == "run-rate":
        return Projection(rate.model_copy(update={"note": f"{text}, as what it is held against"}), pace, TOO_SHORT)
    found, why = (_forecast(result, options, pace, prices or Ahead()), "") if pace is not None else (None, TOO_SHORT)
    if isinstance(found, Projection):
        return found
    why = why or found or ""
    if wish == "forecast":
        return Projection(Basis(kind="forecast", note=why), None, f"no forecast: {why}")
    return Projection(rate.model_copy(update={"note": f"{text}; {why}" if pace else text}), pace, TOO_SHORT)


def _forecast(result: Result, options: ReplayOptions, pace: Decimal, prices: Ahead) -> Projection | str:
    """The forecast, or why there is none."""
    daily = daily_of(result.baseline)
    if not daily:
        return "no day of the log has a price"
    kept = settled_of(result)
    found = coming(daily, kept, options.month_days, seed=options.seed, factor=factor_of(prices.before))
    if found is None:
        return "no day of the log is settled"
    if found.why:
        return found.why
    before = _factor(found.total, daily, pace)
    if before is None:
        return "the log's days cost nothing"
    after, side, traffic = before, found, (_factor(sum(found.plain), daily, pace) or before,) * 2
    if result.scenarios:
        changed = daily_of(result.scenarios[0])
        side = _side(changed, kept, options, found, factor_of(prices.after)) or found
        after = _factor(side.total, changed, pace) or before
        traffic = (traffic[0], _factor(sum(side.plain), changed, pace) or after)
    counts = _requests(result.baseline)
    moved = _side(counts, kept, options, found)
    requests = None if moved is None else _factor(moved.total, counts, pace)
    band = None
    if side.band is not None and side.total > 0:
        low, middle, high = (RATIO.divide(Decimal(value), Decimal(side.total)) for value in side.band)
        band = (_rounded(after * low), _rounded(after * middle), _rounded(after * high))
    basis = Basis(
        kind="forecast", method=found.method, settled_days=found.settled_days, first_day=found.first, factor=after,
        factor_before=before if result.scenarios else None, requests_factor=requests or before,
        price_changes=list(prices.after), prices_note=prices.why,
        note=f"{found.title}, the method that did best in {counted(found.forecasts, 'forecast')} made at earlier days of this log; "
        f"the {number(options.month_days, 4)} days from {found.first} cost {number(after, 4)} times the log's pace",
    )  # fmt: skip
    parts = (weights(found, prices.before), weights(side, prices.after))
    return Projection(basis, pace, "", before, after, requests or before, band, traffic, parts)


def _side(
    daily: Mapping[date, Decimal], kept: Settled, options: ReplayOptions, like: Coming, factor: Factor = unchanged
) -> Coming | None:
    """Another series of the same days by the same method."""
    found = coming(daily, kept, options.month_days, like.method, options.seed, factor)
    return None if found is None or found.why else found


def _factor(total: float, daily: Mapping[date, Decimal], pace: Decimal) -> Decimal | None:
    """What is to come / what the pace of the whole series says; None for a series of nothing."""
    whole = sum(daily.values(), ZERO) * pace
    return _rounded(RATIO.divide(Decimal(total), whole)) if whole else None


def _rounded(factor: Decimal) -> Decimal:
    return factor.quantize(_FACTOR)


def _requests(totals: Totals) -> dict[date, Decimal]:
    found: dict[date, Decimal] = {}
    for point in totals.series:
        found[point.date] = found.get(point.date, ZERO) + point.requests
    return found
