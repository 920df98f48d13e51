"""Budgets of hours, days and weeks over a month: in how many windows each was passed, by whom and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from llmcost.money import EXACT
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.budget.status import over_line, windows_of
from llmcost.results.monthly.model import WindowBudget, Windows
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import add
from llmcost.results.replay import Replaying
from llmcost.usage.store import Store
from llmcost.workload.budgetplay import Window
from llmcost.workload.budgets import Budget, Budgets
from llmcost.workload.clock import bounds_of, moment


def windows(
    store: Store,
    catalogue: Catalogue,
    options: ReplayOptions,
    budgets: Sequence[Budget],
    zone: str,
    start: int,
    end: int,
) -> Windows | None:
    """The windows that meet the month [start, end); None where the file has no budget shorter than a month.

    A week that the month's edge cuts is counted whole; what passes it in another month is told in that month's report.
    """
    short = tuple(budget for budget in budgets if budget.per != "month")
    if not short:
        return None
    replaying = Replaying(store, catalogue, replace(options, since=None, until=None, dimensions=()))
    try:
        played, _ = windows_of(replaying, Budgets(budgets=short, timezone=zone))
    finally:
        replaying.engine.close()
    met = [window for window in played.windows if _meets(window, zone, start, end)]
    passed = [window for window in met if _passed(window, start, end)]
    return Windows(
        timezone=zone,
        budgets=sorted(_lines(met, zone, start, end), key=lambda line: (-line.over, line.budget, str(line.owner))),
        passed=sorted((over_line(w, zone) for w in passed), key=lambda o: (o.over_at, o.budget, str(o.owner))),
    )


def _lines(met: Sequence[Window], zone: str, start: int, end: int) -> Iterator[WindowBudget]:
    of: dict[tuple[str, tuple[tuple[str, str], ...]], list[Window]] = {}
    for window in met:
        of.setdefault((window.budget.name, window.owner), []).append(window)
    for mine in of.values():
        budget, over = mine[0].budget, [w for w in mine if _passed(w, start, end)]
        most = max(mine, key=lambda w: w.logged)
        yield WindowBudget(
            budget=budget.name, owner=dict(most.owner), unit="USD" if budget.usd is not None else "tokens", per=budget.per,
            amount=most.limit, windows=len(mine), over=len(over), most=most.logged,
            most_at=moment(bounds_of(most.number, budget.per, zone)[0]),
            above=add(EXACT.subtract(w.logged, w.limit) for w in over), unknown_requests=sum(w.unknown for w in mine),
        )  # fmt: skip


def _meets(window: Window, zone: str, start: int, end: int) -> bool:
    first, behind = bounds_of(window.number, window.budget.per, zone)
    return first < end and behind > start


def _passed(window: Window, start: int, end: int) -> bool:
    """Whether the window was passed, and in the month."""
    return window.over_at is not None and start <= window.over_at < end
