"""Budgets: what is spent of each, how fast, when it ends, and which windows were passed."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from llmcost.results.budget.status_model import BudgetLine, BudgetStatus, OverLine
from llmcost.results.cells import DASH, columns, count_cell, share_cell
from llmcost.results.chart import Tone
from llmcost.results.document import Cell, Document, Figure, Section, Table
from llmcost.results.headline import period_text
from llmcost.results.outcome import Kind, Level, Remark
from llmcost.results.present import UNKNOWN, clean, counted, money, number, rest_note
from llmcost.results.trust_tables import prices_text

_LEVELS: Final[dict[str, Level]] = {"over": "error", "will be over": "warning", "near": "warning", "within": "notice"}
_TONES: Final[dict[str, Tone]] = {"over": "loss", "will be over": "loss"}


def document(found: BudgetStatus, top_n: int = 10, title: str = "") -> Document:
    """``found`` in words and tables; ``top_n`` owners and windows of each list."""
    shown, passed = found.lines[:top_n], found.over[:top_n]
    heads = columns("Budget", "State", "Spent#", "Of#", "Share#%", "A day#", "At the end#", "Exhausted", "Calls#r?")
    rows = tuple(_row(line, found) for line in shown)
    table = Table("budgets", "Budgets", heads, rows, note=rest_note(len(found.lines) - len(shown), "further budget"),
                  empty="no budget meets any request", titled=False)  # fmt: skip
    over = columns("Budget", "Window", "Spent#", "Of#", "Passed", "Calls over#r", "Would be blocked#r", "Downgraded#r?")
    lines = tuple(_passed(line, found) for line in passed)
    past = Table("over", "Who was over", over, lines, note=rest_note(len(found.over) - len(passed), "further window"),
                 empty="no window was passed", titled=False)  # fmt: skip
    return Document(
        title=clean(title or found.title) or "Budgets",
        subtitle=" · ".join(part for part in (clean(found.budget_file), period_text(found.period)) if part),
        sentence=_sentence(found),
        figures=_figures(found),
        sections=(Section("budgets", "Budgets", (table,)), Section("over", "Who was over, and when", (past,))),
        warnings=tuple(clean(warning) for warning in found.warnings),
        footer=f"{clean(found.generated_with)} · {prices_text(found.prices)}",
    )


def _sentence(found: BudgetStatus) -> str:
    if not found.lines:
        return "No budget meets any request of the log."
    numbers = {state: sum(line.state == state for line in found.lines) for state in _LEVELS}
    parts = [f"{count} {state}" for state, count in numbers.items() if count]
    worst = found.lines[0]
    return f"Of {counted(len(found.lines), 'budget')}: {', '.join(parts)}. Furthest: {_label(worst)}, {_amount(worst.spent, worst.unit)} of {_amount(worst.limit, worst.unit)}."


def _figures(found: BudgetStatus) -> tuple[Figure, ...]:
    numbers = {state: sum(line.state == state for line in found.lines) for state in _LEVELS}
    return (
        Figure(
            "Over", f"{numbers['over']:,}", "in the window in which the log ends", "loss" if numbers["over"] else ""
        ),
        Figure("Will be over", f"{numbers['will be over']:,}", "at the pace of the window so far"),
        Figure("Windows passed", f"{len(found.over):,}", "in the whole log"),
    )


def _label(line: BudgetLine | OverLine) -> str:
    owner = ", ".join(f"{name} {value}" for name, value in line.owner.items())
    return clean(f"{line.budget} ({owner})" if owner else line.budget)


def _amount(value: Decimal | None, unit: str) -> str:
    if value is None:
        return UNKNOWN
    return money(value) if unit == "USD" else f"{number(value, 0)} tokens"


def _cell(value: Decimal | None, unit: str, tone: Tone = "") -> Cell:
    return Cell(_amount(value, unit), "muted" if value is None else tone, value)


def _at(found: BudgetStatus, line: BudgetLine | OverLine) -> Cell:
    at = line.exhausted_at if isinstance(line, BudgetLine) else line.over_at
    if at is None:
        return DASH
    local = at.astimezone(ZoneInfo(found.timezone))
    return Cell(f"{local:%Y-%m-%d %H:%M}", "", at.isoformat())


def _row(line: BudgetLine, found: BudgetStatus) -> tuple[Cell, ...]:
    tone = _TONES.get(line.state, "")
    return (
        Cell(_label(line), tone), Cell(line.state, tone), _cell(line.spent, line.unit, tone),
        Cell(f"{_amount(line.limit, line.unit)} a {line.per}", "", line.limit),
        DASH if line.share is None else share_cell(line.share, tone),
        _cell(line.a_day, line.unit), _cell(line.projected, line.unit), _at(found, line), count_cell(line.requests),
    )  # fmt: skip


def _passed(line: OverLine, found: BudgetStatus) -> tuple[Cell, ...]:
    start = line.start.astimezone(ZoneInfo(found.timezone))
    return (
        Cell(_label(line)), Cell(f"{start:%Y-%m-%d %H:%M}", "", line.start.isoformat()), _cell(line.spent, line.unit),
        _cell(line.limit, line.unit), _at(found, line), count_cell(line.requests_over), count_cell(line.blocked),
        count_cell(line.downgraded),
    )  # fmt: skip


def remarks(found: BudgetStatus) -> tuple[Remark, ...]:
    """Every budget and owner with its state."""
    return tuple(
        Remark(clean(line.budget), _label(line), _LEVELS[line.state],
               f"{line.state}: {_amount(line.spent, line.unit)} of {_amount(line.limit, line.unit)} a {line.per}", clean(found.budget_file))
        for line in found.lines
    )  # fmt: skip


OUTCOME = Kind("What is spent of budgets", BudgetStatus, document, remarks=remarks)
