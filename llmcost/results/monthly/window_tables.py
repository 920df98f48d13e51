"""Budgets of hours, days and weeks for readers: how often each was passed, by whom and when."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

from llmcost.money import ZERO
from llmcost.results.budget.status_model import OverLine
from llmcost.results.cells import columns, count_cell
from llmcost.results.document import Cell, Table
from llmcost.results.monthly.model import Finding, WindowBudget, Windows
from llmcost.results.present import clean, counted, money, number, rest_note


def findings(found: Windows) -> Iterator[Finding]:
    """A budget that was passed in some windows, with by how much in all of them."""
    for line in found.budgets:
        if not line.over:
            continue
        first = next(p for p in found.passed if (p.budget, p.owner) == (line.budget, line.owner))
        when = f", first on {_at(first, found.timezone)}"
        amounts = f"{_amount(line.amount, line.unit)} a {line.per}"
        yield Finding(
            kind="budget",
            value=label(line),
            amount_usd=line.above if line.unit == "USD" else None,
            text=f"the budget {label(line)} of {amounts} was passed in {line.over:,} of {counted(line.windows, line.per)}"
            f"{when}; at most {_amount(line.most, line.unit)}",
        )


def label(line: WindowBudget | OverLine) -> str:
    """The budget with whose it is."""
    owner = ", ".join(f"{name} {value}" for name, value in line.owner.items())
    return clean(f"{line.budget} ({owner})" if owner else line.budget)


def _amount(value: Decimal, unit: str) -> str:
    return money(value) if unit == "USD" else f"{number(value, 0)} tokens"


def _at(line: OverLine, zone: str) -> str:
    return f"{line.over_at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def tables(found: Windows, top_n: int) -> tuple[Table, ...]:
    """How often each budget was passed, and the windows one by one."""
    zone = ZoneInfo(found.timezone)
    rows = tuple(
        (
            Cell(label(line), "loss" if line.over else ""), Cell(f"{_amount(line.amount, line.unit)} a {line.per}", "", line.amount),
            count_cell(line.windows), count_cell(line.over, "loss" if line.over else ""), Cell(_amount(line.most, line.unit), "", line.most),
            Cell(f"{line.most_at.astimezone(zone):%Y-%m-%d %H:%M}", "", line.most_at.isoformat()),
            Cell(_amount(line.above, line.unit), "loss" if line.above > ZERO else "", line.above),
        )
        for line in found.budgets[:top_n]
    )  # fmt: skip
    unknown = sum(line.unknown_requests for line in found.budgets)
    note = f"Windows with calls, in {clean(found.timezone)} time. "
    note += f"{counted(unknown, 'call')} without a price or counts in no amount. " if unknown else ""
    note += rest_note(len(found.budgets) - len(rows), "further budget")
    heads = columns("Budget", "Amount#", "Windows#", "Passed#", "Most in one#", "Beginning?", "Above in all#")
    each = Table("windows", "Budgets of hours, days and weeks", heads, rows, note=note.strip())
    lines = tuple(
        (
            Cell(label(line)), Cell(f"{line.start.astimezone(zone):%Y-%m-%d %H:%M}", "", line.start.isoformat()),
            Cell(_at(line, found.timezone), "", line.over_at.isoformat()), Cell(_amount(line.spent, line.unit), "", line.spent),
            Cell(_amount(line.limit, line.unit), "", line.limit), count_cell(line.requests_over), count_cell(line.blocked),
        )
        for line in found.passed[:top_n]
    )  # fmt: skip
    heads = columns("Budget", "Window", "Passed at", "Spent#", "Of#", "Requests over#r", "Would be blocked#r?")
    rest = rest_note(len(found.passed) - len(lines), "later window")
    when = Table("passed", "Who was over, and when", heads, lines, note=rest, empty="no window was passed")
    return (each, when)
