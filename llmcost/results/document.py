"""What every report for people shows, format aside: figures, one sentence, and sections of tables, charts and remarks.

The cells are made once, so a terminal, a page and a wiki cannot disagree; a format only escapes and lays out. A cell
carries its exact value beside its text, so a format for machines never parses a text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from llmcost.results.chart import Chart, Tone
from llmcost.results.cube import Cube, View
from llmcost.results.panel import Panel

Value = Decimal | int | str | None
Unit = Literal["", "USD", "share", "requests", "tokens", "days", "rows"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A finished text and how it is meant; names in it are clean but not yet escaped for any format.

    ``value`` is what the text was made from, exactly; None where there is no more than the text.
    """

    text: str
    tone: Tone = ""
    value: Value = None


@dataclass(frozen=True, slots=True)
class Column:
    """A heading. An ``optional`` column may be left out where there is no room for it; ``unit`` is that of its values."""

    title: str
    numeric: bool = False
    optional: bool = False
    unit: Unit = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first column names the row. ``empty`` is said where there are no rows.

    ``folded`` starts closed where a reader can open it. ``long`` marks lists that only such a place and data formats
    show: a row a day, say. ``titled`` is false where the heading above says it already.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] | None = None
    note: str = ""
    empty: str = ""
    titled: bool = True
    folded: bool = False
    long: bool = False
    view: View | None = None
    """What its lines are of, where a page can show them for a part of the spend."""


@dataclass(frozen=True, slots=True)
class Text:
    """Paragraphs."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """Remarks, one a line."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading, sections of their own among them; ``short`` is its name where room is scarce."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    folded: bool = False
    short: str = ""

    def tables(self) -> Iterator[Table]:
        """Every table in reading order, those of inner sections included."""
        for block in self.blocks:
            if isinstance(block, Section):
                yield from block.tables()
            elif isinstance(block, Table):
                yield block

    def charts(self) -> Iterator[Chart]:
        """Every chart in reading order, those of inner sections included."""
        for block in self.blocks:
            if isinstance(block, Section):
                yield from block.charts()
            elif isinstance(block, Chart):
                yield block


Block = Table | Chart | Text | Notes | Section


@dataclass(frozen=True, slots=True)
class Figure:
    """One headline number."""

    label: str
    value: str
    detail: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Document:
    """An outcome as a reader meets it, top to bottom."""

    title: str
    subtitle: str
    sentence: str
    caveats: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    sections: tuple[Section, ...] = ()
    warnings: tuple[str, ...] = ()
    footer: str = ""
    panel: Panel | None = None
    """Levers that a page lets its reader move."""
    cubes: tuple[Cube, ...] = ()
    """Sums by which a page can filter the tables and charts that have a view."""

    def tables(self) -> tuple[Table, ...]:
        """Every table in reading order."""
        return tuple(table for section in self.sections for table in section.tables())

    def charts(self) -> tuple[Chart, ...]:
        """Every chart in reading order."""
        return tuple(chart for section in self.sections for chart in section.charts())

    def table(self, key: str) -> Table:
        """The table called ``key``; KeyError where there is none."""
        for table in self.tables():
            if table.key == key:
                return table
        raise KeyError(key)
