"""How much of every budget is spent, how fast, when it would be exhausted, and who was over in earlier windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from llmcost import __version__
from llmcost.money import RATIO, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.budget.file import BudgetFile
from llmcost.results.budget.status_model import BudgetLine, BudgetStatus, OverLine, State
from llmcost.results.options import ReplayOptions
from llmcost.results.replay import Replaying
from llmcost.results.scenario import BoundScenario, bind
from llmcost.usage.store import Store
from llmcost.workload.budgetplay import Played, Window
from llmcost.workload.budgets import Budget, Budgets
from llmcost.workload.clock import Clock, bounds_of, instant_of, moment

_DAY: Final = Decimal(86_400_000_000)
_LEAST_US: Final = {"month": 86_400_000_000, "week": 86_400_000_000, "day": 3_600_000_000, "hour": 600_000_000}
"""How much of a window must have passed before its pace says anything about the rest."""
_PLACES: Final = Decimal("1e-12")


def status(store: Store, catalogue: Catalogue, options: ReplayOptions, file: BudgetFile, name: str) -> BudgetStatus:
    """The status of the file's budgets over the store's rows."""
    budgets = file.budgets()
    replaying = Replaying(store, catalogue, options)
    try:
        result = replaying.run([])
        played, warnings = windows_of(replaying, budgets)
        span = replaying.log_span
    finally:
        replaying.engine.close()
    period = result.period
    end = None if period.end is None else instant_of(period.end)
    lines = [] if end is None or span is None else list(_lines(played, budgets.budgets, file.timezone, span[0], end))
    return BudgetStatus(
        generated_with=f"llmcost {__version__}", title=options.title, sources=list(options.sources), budget_file=name,
        timezone=file.timezone, as_of=period.end, period=period, prices=result.prices,
        lines=sorted(lines, key=lambda line: (-(line.share if line.share is not None else Decimal(10**9)), line.budget, str(line.owner))),
        over=sorted((over_line(w, file.timezone) for w in played.windows if w.over_at is not None), key=lambda o: o.over_at, reverse=True),
        warnings=[*result.warnings, *warnings],
    )  # fmt: skip


def windows_of(replaying: Replaying, budgets: Budgets) -> tuple[Played, tuple[str, ...]]:
    """Every window of ``budgets`` over the replay's rows, and what the replay of them warns of."""
    given = [b.model_dump(by_alias=True, exclude_none=True) for b in budgets.budgets]
    step = bind("budget", {"budgets": given, "timezone": budgets.timezone})
    return replaying.played(BoundScenario("budget", (step,)), budgets)


def _lines(played: Played, budgets: Sequence[Budget], timezone: str, first: int, end: int) -> Iterator[BudgetLine]:
    """A line for each budget and owner, in the window in which the log ends; an owner without calls in it has spent nothing."""
    now = {budget.name: _number(budget, timezone, end - 1) for budget in budgets}
    seen: dict[tuple[str, tuple[tuple[str, str], ...]], Window | None] = {}
    for window in played.windows:
        key = (window.budget.name, window.owner)
        seen[key] = window if window.number == now[window.budget.name] else seen.get(key)
    for budget in budgets:
        for (name, owner), found in seen.items():
            if name == budget.name:
                number = now[name]
                yield _line(found or Window(budget, owner, number, ZERO, ZERO, 0, 0), timezone, first, end)


def _number(budget: Budget, timezone: str, instant: int) -> int:
    """The window of ``budget`` that holds an instant: the same count as the engine's, in Python."""
    return Clock(timezone, (instant, instant)).number(instant, budget.per)


def _line(window: Window, timezone: str, first: int, end: int) -> BudgetLine:
    budget = window.budget
    start, stop = bounds_of(window.number, budget.per, timezone)
    passed, left = end - max(start, first), max(0, stop - end)
    rate = window.logged / passed if passed >= _LEAST_US[budget.per] else None
    projected = None if rate is None else (window.logged + rate * left).quantize(_PLACES)
    at = window.over_at
    if at is None and rate and projected is not None and projected > window.limit:
        at = end + int((window.limit - window.logged) / rate)
    share = RATIO.divide(window.logged, window.limit).quantize(_PLACES) if window.limit else None
    return BudgetLine(
        budget=budget.name, owner=dict(window.owner), unit="USD" if budget.usd is not None else "tokens", action=budget.action,
        per=budget.per, start=moment(start), end=moment(stop), limit=window.limit, spent=window.logged, share=share,
        a_day=None if rate is None else (rate * _DAY).quantize(_PLACES), projected=projected,
        exhausted_at=None if at is None else moment(at), state=_state(window, projected, share),
        requests=window.calls, unknown_requests=window.unknown,
    )  # fmt: skip


def _state(window: Window, projected: Decimal | None, share: Decimal | None) -> State:
    if window.logged > window.limit:
        return "over"
    if projected is not None and projected > window.limit:
        return "will be over"
    return "near" if share is not None and share >= window.budget.warn_at else "within"


def over_line(window: Window, timezone: str) -> OverLine:
    """A window that was passed."""
    start, stop = bounds_of(window.number, window.budget.per, timezone)
    return OverLine(
        budget=window.budget.name, owner=dict(window.owner), unit="USD" if window.budget.usd is not None else "tokens",
        start=moment(start), end=moment(stop), limit=window.limit, spent=window.logged, over_at=moment(window.over_at or 0),
        requests_over=window.over_calls, blocked=window.blocked, blocked_amount=window.blocked_amount, downgraded=window.moved,
    )  # fmt: skip
