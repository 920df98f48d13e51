"""The forecast by calendar month, and the day on which a month's budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate

from llmcost.results.forecast.model import Breach, Interval, MonthForecast
from llmcost.results.forecast.series import DAY
from llmcost.results.priced import add

Paths = Sequence[Sequence[float]]
Banded = Callable[[Sequence[float], Decimal, Decimal], Interval]


def months_of(
    known: Mapping[date, Decimal | None],
    days: Sequence[date],
    points: Sequence[Decimal],
    paths: Paths | None,
    interval: Banded,
    budget: Decimal | None,
) -> list[MonthForecast]:
    """Every month that has a day of the forecast, with what is known of it."""
    found = []
    for month in dict.fromkeys((day.year, day.month) for day in days):
        places = [n for n, day in enumerate(days) if (day.year, day.month) == month]
        past = (days[places[0]] - date(*month, 1)).days
        amounts = [known.get(date(*month, 1) + DAY * n) for n in range(past)]
        spent = add(amount for amount in amounts if amount is not None)
        ahead = add(points[n] for n in places)
        drawn = [[path[n] for n in places] for path in paths] if paths else None
        here = [days[n] for n in places]
        found.append(
            MonthForecast(
                month=f"{month[0]:04}-{month[1]:02}",
                known_usd=spent,
                known_days=sum(amount is not None for amount in amounts),
                unknown_days=sum(amount is None for amount in amounts),
                forecast_usd=ahead,
                forecast_days=len(places),
                complete=(here[-1] + DAY).month != month[1],
                total_usd=add((spent, ahead)),
                range=interval([sum(path) for path in drawn], ahead, spent) if drawn else None,
                breach=None if budget is None else _breach(budget, spent, here, [points[n] for n in places], drawn),
            )
        )
    return found


def _breach(
    budget: Decimal, spent: Decimal, days: Sequence[date], points: Sequence[Decimal], paths: Paths | None
) -> Breach:
    if spent > budget:
        return Breach(budget_usd=budget, spent=True, on=None, probability=Decimal(1))
    totals = accumulate(points, initial=spent)
    next(totals)
    on = next((day for day, total in zip(days, totals, strict=True) if total > budget), None)
    if not paths:
        return Breach(budget_usd=budget, spent=False, on=on, probability=None)
    left = float(budget - spent)
    over = sorted(place for path in paths if (place := _first_over(path, left)) is not None)

    def reached(share: float) -> date | None:
        rank = int(share * len(paths))
        return days[over[rank]] if rank < len(over) else None

    probability = (Decimal(len(over)) / len(paths)).quantize(Decimal("0.01"))
    return Breach(budget_usd=budget, spent=False, on=on, probability=probability, early=reached(0.1), late=reached(0.9))


def _first_over(path: Sequence[float], left: float) -> int | None:
    return next((place for place, total in enumerate(accumulate(path)) if total > left), None)
