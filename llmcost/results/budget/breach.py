"""When each budget of a file is spent: the forecast of its own calls, day by day, against what a month may cost.

Every budget and owner has a daily series of its own, from the same replay that ``llmcost budget`` shows, and is continued
like the whole: settled days of the log, a method chosen by its own backtest, its own band. A day on which the log knows
calls and the owner made none is a day of nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from llmcost.money import RATIO, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.budget.file import BudgetFile
from llmcost.results.budget.status import windows_of
from llmcost.results.forecast.model import BudgetBreach, Forecast, MonthForecast, Outlook
from llmcost.results.forecast.outlook import ForecastOptions, forecast_of
from llmcost.results.forecast.recent import factor_of
from llmcost.results.forecast.series import Settled
from llmcost.results.options import ReplayOptions
from llmcost.results.present import counted
from llmcost.results.replay import Replaying
from llmcost.usage.store import Store
from llmcost.workload.budgets import Budget, Budgets
from llmcost.workload.clock import bounds_of, moment

MOST: Final = 60
"""Budgets and owners that are forecast, the fullest first: a backtest of each takes its time."""
_NEVER: Final = 10**12
Owned = tuple[str, tuple[tuple[str, str], ...]]


def with_budgets(
    found: Forecast,
    store: Store,
    catalogue: Catalogue,
    options: ReplayOptions,
    wanted: ForecastOptions,
    file: BudgetFile,
) -> Forecast:
    """``found`` with every monthly budget of ``file``; what cannot be forecast is told among the warnings."""
    budgets = file.budgets().budgets if file.budget else ()
    kept = tuple(budget for budget in budgets if budget.per == "month")
    told = []
    if len(kept) < len(budgets):
        short = ", ".join(budget.name for budget in budgets if budget.per != "month")
        told.append(f"budgets of hours, days and weeks are not forecast ({short}): llmcost budget shows them")
    if file.limit:
        told.append("the file's limits are for llmcost check")
    if not kept:
        return found.model_copy(update={"warnings": [*found.warnings, *told]})
    series, unknown = _daily(store, catalogue, options, kept)
    settled = [day.date for day in found.outlook.history if day.settled and day.cost_usd is not None]
    lines = _Lines(found, settled, wanted).of({budget.name: budget for budget in kept}, series)
    met = {name for name, _ in series}
    told += [
        f"{budget.name} meets no request of the log: check the names it is for"
        for budget in kept
        if budget.name not in met
    ]
    if len(series) > MOST:
        told.append(f"{counted(len(series) - MOST, 'further owner')} not forecast: less full budgets")
    if unknown:
        told.append(f"{counted(unknown, 'request')} without a price or counts: in no budget's amount")
    return found.model_copy(update={"budgets": lines, "warnings": [*found.warnings, *told]})


def _daily(
    store: Store, catalogue: Catalogue, options: ReplayOptions, budgets: Sequence[Budget]
) -> tuple[dict[Owned, dict[date, Decimal]], int]:
    """What every budget's calls added up to, day by day in the forecast's zone, and how many calls no amount knows."""
    zone = ZoneInfo(options.timezone)
    asked = tuple(
        budget.model_copy(
            update={"per": "day", "action": "warn", "model": None, **_amounts(budget, _NEVER)}
        )
        for budget in budgets
    )  # fmt: skip
    replaying = Replaying(store, catalogue, replace(options, dimensions=()))
    try:
        played, _ = windows_of(replaying, Budgets(budgets=asked, timezone=options.timezone))
        span = replaying.log_span
    finally:
        replaying.engine.close()
    found: dict[Owned, dict[date, Decimal]] = {}
    unknown = 0
    for window in played.windows:
        start = bounds_of(window.number, "day", options.timezone)[0]
        if span is not None and start <= span[1] and start + 86_400_000_000 > span[0]:
            day = moment(start).astimezone(zone).date()
            found.setdefault((window.budget.name, window.owner), {})[day] = window.logged
            unknown += window.unknown
    return found, unknown


def _amounts(budget: Budget, amount: int) -> dict[str, Decimal | int]:
    return {"usd": Decimal(amount)} if budget.usd is not None else {"tokens": amount}


class _Lines:
    """One line for each budget, owner and month."""

    def __init__(self, whole: Forecast, settled: Sequence[date], wanted: ForecastOptions) -> None:
        self.whole, self.settled, self.wanted = whole, settled, wanted
        self.kept = Settled(frozenset(settled), whole.outlook.rule)

    def of(self, budgets: dict[str, Budget], series: dict[Owned, dict[date, Decimal]]) -> list[BudgetBreach]:
        month = f"{max(self.settled):%Y-%m}"

        def full(owned: Owned) -> Decimal:
            limit = _limit(budgets[owned[0]])
            spent = sum((amount for day, amount in series[owned].items() if f"{day:%Y-%m}" == month), ZERO)
            return RATIO.divide(spent, limit) if limit else Decimal(_NEVER)

        lines = []
        for owned in sorted(series, key=lambda each: (-full(each), str(each)))[:MOST]:
            budget = budgets[owned[0]]
            outlook = self._outlook(budget, series[owned])
            lines += [_line(budget, owned[1], outlook, month) for month in outlook.months]
        return lines

    def _outlook(self, budget: Budget, daily: dict[date, Decimal]) -> Outlook:
        known = {day: daily.get(day, ZERO) for day in self.settled}
        options = replace(self.wanted, budget=_limit(budget), by=None)
        # What the dated price changes make of the whole; a budget's own mix may feel them otherwise.
        factor = factor_of(self.whole.price_changes) if budget.usd is not None else None
        return forecast_of(known, self.kept, options, factor)


def _limit(budget: Budget) -> Decimal:
    return budget.usd if budget.usd is not None else Decimal(budget.tokens or 0)


def _line(budget: Budget, owner: tuple[tuple[str, str], ...], outlook: Outlook, month: MonthForecast) -> BudgetBreach:
    breach = month.breach
    if breach is None:
        raise AssertionError("a forecast with a budget has a breach")
    return BudgetBreach(
        budget=budget.name, owner=dict(owner), unit="USD" if budget.usd is not None else "tokens", month=month.month,
        amount=breach.budget_usd, known=month.known_usd, forecast=month.forecast_usd, total=month.total_usd,
        p10=None if month.range is None else month.range.p10_usd, p90=None if month.range is None else month.range.p90_usd,
        complete=month.complete, status=outlook.status, method=outlook.method, spent=breach.spent, on=breach.on,
        probability=breach.probability, early=breach.early, late=breach.late,
    )  # fmt: skip
