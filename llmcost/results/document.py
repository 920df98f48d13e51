"""What every report for people shows, format aside: figures, one sentence, waterfalls and tables of finished cells.

The cells are made once, so a terminal, a page and a wiki cannot disagree; a format only escapes and lays out.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Tone = Literal["", "saving", "loss", "muted"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A finished text and how it is meant; names in it are clean but not yet escaped for any format."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading. An ``optional`` column may be left out where there is no room for it."""

    title: str
    numeric: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first column names the row. ``empty`` is said where there are no rows."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    note: str = ""
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a waterfall between two displayed totals; ``text`` is what it stands for, in dollars."""

    label: str
    start: Decimal
    end: Decimal
    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Waterfall:
    """How a scenario gets from the comparable baseline to its cost."""

    scenario: str
    bars: tuple[Bar, ...]
    steps: Table
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """One headline number."""

    label: str
    value: str
    detail: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A result as a reader meets it, top to bottom."""

    title: str
    subtitle: str
    sentence: str
    caveats: tuple[str, ...]
    figures: tuple[Figure, ...]
    scenarios: Table
    waterfalls: tuple[Waterfall, ...]
    breakdowns: tuple[Table, ...]
    days: Table
    token_lines: Table
    evidence: Table
    flat_charges: Table
    coverage: Table
    unpriced: Table
    problems: Table
    assumptions: Table
    warnings: tuple[str, ...]
    footer: str

    def tables(self) -> tuple[Table, ...]:
        """Every table in reading order, the steps of each waterfall included."""
        steps = tuple(waterfall.steps for waterfall in self.waterfalls)
        money = (self.days, self.token_lines, self.evidence, self.flat_charges)
        trust = (self.coverage, self.unpriced, self.problems, self.assumptions)
        return (self.scenarios, *steps, *self.breakdowns, *money, *trust)
