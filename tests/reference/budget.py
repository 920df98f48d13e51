"""Budgets as one would explain them: calls one after the other, a dictionary of what each window has spent so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from llmcost.workload.budgets import Budget

Cost = Callable[[Mapping[str, Any], "str | None"], "Decimal | None"]
"""The price of a row as it is, or on another model; None: it has none, or cannot go there."""


def fates(rows: Sequence[Mapping[str, Any]], budgets: Sequence[Budget], zone: str, cost: Cost) -> list[str]:
    """``passed``, ``blocked`` or the model that a row went to; rows are in order of time."""
    spent: dict[Any, Decimal] = {}
    found = []
    for row in rows:
        applying = [(budget, _window(row, budget, zone)) for budget in budgets if _is_of(row, budget)]
        model = None
        for budget, window in applying:
            if budget.action == "downgrade" and _would_pass(row, budget, window, spent, cost(row, None)):
                if cost(row, budget.model) is not None and not row.get("ended_at"):
                    model = budget.model
                break
        price = cost(row, model)
        blocked = not row.get("ended_at") and any(
            budget.action == "block" and _would_pass(row, budget, window, spent, price) for budget, window in applying
        )
        if not blocked:
            for budget, window in applying:
                spent[budget.name, window] = spent.get((budget.name, window), Decimal(0)) + _amount(row, budget, price)
        found.append("blocked" if blocked else model or "passed")
    return found


def _would_pass(
    row: Mapping[str, Any], budget: Budget, window: Any, spent: dict[Any, Decimal], price: Decimal | None
) -> bool:
    amount = _amount(row, budget, price)
    limit = budget.usd if budget.usd is not None else Decimal(budget.tokens or 0)
    return amount > 0 and spent.get((budget.name, window), Decimal(0)) + amount > limit


def _amount(row: Mapping[str, Any], budget: Budget, price: Decimal | None) -> Decimal:
    if budget.usd is not None:
        return price or Decimal(0)
    return Decimal((row["input_tokens"] or 0) + (row["output_tokens"] or 0))


def _is_of(row: Mapping[str, Any], budget: Budget) -> bool:
    return row["started_at"] is not None and all(
        row.get(name) is not None if value == "*" else row.get(name) == value for name, value in budget.owners.items()
    )


def _window(row: Mapping[str, Any], budget: Budget, zone: str) -> Any:
    at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=row["started_at"])).astimezone(ZoneInfo(zone))
    owner = tuple(row[name] for name, value in budget.owners.items() if value == "*")
    match budget.per:
        case "hour":
            return owner, at.replace(minute=0, second=0, microsecond=0).isoformat()
        case "day":
            return owner, at.date()
        case "week":
            return owner, at.isocalendar()[:2]
    return owner, (at.year, at.month)
