"""Budgets and limits as what a check holds an owner's measure to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from llmcost.results.budget.file import BudgetFile, Limit
from llmcost.results.budget.verdict import Held
from llmcost.workload.budgets import Budget
from llmcost.workload.clock import Per

_WINDOWS: Final = {"hour": Decimal(1) / 24, "day": Decimal(1), "week": Decimal(7)}


@dataclass(frozen=True)
class Rule:
    """A limit or budget with whose calls it is about."""

    held: Held
    owners: Mapping[str, str]
    when: str | None
    success_at: Decimal | None = None
    per: Per | None = None
    """The budget's own window; None: a limit."""


def rules_of(file: BudgetFile, month_days: Decimal) -> Iterator[Rule]:
    """Every budget and limit of a file, in its order."""
    if file.budget:
        for budget in file.budgets().budgets:
            yield _of_budget(budget, month_days)
    for limit in file.limits():
        yield _of_limit(limit)


def _of_budget(budget: Budget, month_days: Decimal) -> Rule:
    """A budget as a limit on the month that its windows make up."""
    windows = Decimal(1) if budget.per == "month" else month_days / _WINDOWS[budget.per]
    amount = (budget.usd if budget.usd is not None else Decimal(budget.tokens or 0)) * windows
    near = amount * budget.warn_at
    held = Held(
        budget.name, "monthly" if budget.usd is not None else "tokens",
        warn=amount if budget.action == "warn" else near, block=None if budget.action == "warn" else amount,
    )  # fmt: skip
    return Rule(held, budget.owners, budget.when, per=budget.per)


def _of_limit(limit: Limit) -> Rule:
    held = Held(limit.name, limit.measure, limit.warn, limit.block)
    return Rule(held, limit.owners, limit.when, limit.success_at if limit.measure == "per_success" else None)
