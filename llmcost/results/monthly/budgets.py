"""The month held against the monthly budgets of a budget file, each owner's own where a budget is for everyone's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir

from llmcost.money import EXACT
from llmcost.results.monthly.ledger import THIS, Ledger
from llmcost.results.monthly.model import Budget
from llmcost.results.monthly.spend import share_of
from llmcost.workload.budgets import EACH, MODEL, OWNERS, TAG
from llmcost.workload.budgets import Budget as Given
from llmcost.workload.select import condition


def tags_of(budgets: Sequence[Given]) -> list[str]:
    """The tags that budgets are told apart by."""
    names = [name for budget in budgets for name in budget.owners if name.startswith(TAG)]
    return [name.removeprefix(TAG) for name in dict.fromkeys(names)]


def of_amount(name: str, amount: Decimal, spent: Decimal) -> Budget:
    """The whole month against an amount."""
    return Budget(
        name=name, amount=amount, spent=spent, left=EXACT.subtract(amount, spent), spent_share=share_of(spent, amount)
    )


def held(ledger: Ledger, budgets: Sequence[Given]) -> list[Budget]:
    """Every monthly budget, the fullest first; those of other windows are for ``llmcost budget``."""
    found = [line for budget in budgets if budget.per == "month" for line in _lines(ledger, budget)]
    return sorted(found, key=lambda line: (-(line.spent_share or Decimal(0)), line.name, str(line.owner)))


def _lines(ledger: Ledger, budget: Given) -> Iterator[Budget]:
    rows = ledger.expression()
    rows = rows.filter((rows.slot == THIS) & rows.paid)
    for name, value in budget.owners.items():
        told = rows[_column(ledger, name)]
        rows = rows.filter(told.notnull() if value == EACH else (told == value))
    if budget.when is not None:
        rows = rows.filter(condition(budget.when, rows))
    keys = [_column(ledger, name) for name in budget.each]
    tokens = (rows.input_tokens.fill_null(0) + rows.output_tokens.fill_null(0)).sum()
    sums: dict[str, ir.Value] = {"cost": rows.cost.sum(), "tokens": tokens, "gaps": rows.unpriced.sum()}
    table = rows.group_by(keys).agg(**sums) if keys else rows.agg(**sums)
    for row in ledger.engine.rows(table):
        yield _held(ledger, budget, row, [str(row[key]) for key in keys])


def _column(ledger: Ledger, name: str) -> str:
    if name == MODEL:
        return "model_key"
    if name.startswith(TAG):
        return f"tag_{ledger.tags.index(name.removeprefix(TAG))}"
    return OWNERS[name]


def _held(ledger: Ledger, budget: Given, row: Mapping[str, Any], owners: Sequence[str]) -> Budget:
    limit = budget.usd if budget.usd is not None else Decimal(budget.tokens or 0)
    spent = ledger.usd(row["cost"]) if budget.usd is not None else Decimal(int(row["tokens"] or 0))
    return Budget(
        name=budget.name,
        owner=", ".join(owners) or None,
        unit="USD" if budget.usd is not None else "tokens",
        amount=limit,
        spent=spent,
        left=EXACT.subtract(limit, spent),
        spent_share=share_of(spent, limit),
        unpriced_requests=int(row["gaps"] or 0) if budget.usd is not None else 0,
    )
