"""Finished cells from exact values: the one place where an amount, a count or a share gets its text in a table."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from llmcost.results.chart import Tone
from llmcost.results.document import Cell, Column, Unit
from llmcost.results.present import UNKNOWN, count, money, moneys, number, percent, places_of, tiny

DASH: Final = Cell("–", "muted")
"""Where a value would have no meaning; what is not known says so."""
_UNITS: Final[dict[str, Unit]] = {"$": "USD", "%": "share", "r": "requests", "t": "tokens", "d": "days"}


def columns(*titles: str) -> tuple[Column, ...]:
    """Columns from their titles; ``#`` marks numbers and may be followed by a unit (``$ % r t d``), ``?`` what a narrow
    screen may leave out: ``Cost a month#$?``.
    """
    return tuple(_column(title) for title in titles)


def _column(text: str) -> Column:
    title, mark, rest = text.removesuffix("?").partition("#")
    return Column(title, numeric=bool(mark), optional=text.endswith("?"), unit=_UNITS.get(rest, ""))


def cells(*values: str | Cell) -> tuple[Cell, ...]:
    """A row of cells; a text stands for itself, and an unknown one is muted."""
    return tuple(
        value if isinstance(value, Cell) else Cell(value, "muted" if value == UNKNOWN else "") for value in values
    )


def usd_cell(value: Decimal | None, places: int | None = None, tone: Tone = "") -> Cell:
    """Dollars; None is unknown."""
    return Cell(money(value, places), "muted" if value is None else tone, value)


def usd_cells(values: Sequence[Decimal | None], places: int) -> list[Cell]:
    """A column of dollars, rounded so that what is shown sums to the shown total."""
    pairs = zip(moneys(values, places), values, strict=True)
    return [Cell(text, "muted" if value is None else "", value) for text, value in pairs]


def saving_cell(exact: Decimal, shown: Decimal, places: int) -> Cell:
    """A saving as displayed, in the colour of its sign."""
    return Cell(tiny(exact, shown, places), tone_of(exact), exact)


def change_cell(value: Decimal | None, places: int | None = None, *, good: bool = False) -> Cell:
    """A difference in dollars with its sign; more is a loss unless it is ``good``."""
    if value is None:
        return Cell(UNKNOWN, "muted")
    text = money(value, places_of([value]) if places is None else places)
    return Cell(f"+{text}" if value > 0 else text, tone_of(value if good else -value), value)


def tone_of(value: Decimal) -> Tone:
    """The colour of a saving: below zero it is a loss."""
    return "loss" if value < 0 else "saving" if value > 0 else ""


def count_cell(value: int | None, tone: Tone = "") -> Cell:
    """A whole number; None is unknown."""
    return Cell(count(value), "muted" if value is None else tone, value)


def number_cell(value: Decimal | None) -> Cell:
    """A quantity; None is unknown."""
    return Cell(UNKNOWN, "muted") if value is None else Cell(number(value), "", value)


def share_cell(value: Decimal | None, tone: Tone = "", *, signed: bool = False) -> Cell:
    """A share as a percentage; None is unknown."""
    sign = "+" if signed and value is not None and value > 0 else ""
    return Cell(f"{sign}{percent(value)}", "muted" if value is None else tone, value)
