"""Cells of a workbook: real numbers under the format that shows what every other report shows; texts that stay texts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from llmcost.results.document import Cell, Column, Value
from llmcost.results.present import clean
from llmcost.usage.formulas import begins_formula

_LONGEST: Final = 32_767
"""Characters in a cell."""
_DAY: Final = re.compile(r"(?:19|20)\d\d-\d\d-\d\d")
_NUMBER: Final = re.compile(r"[<>]?[+-]?[<>]?\$?[\d,]+(?:\.\d+)?%?")
"""A text that a number's format can show; words beside a number stay words."""
_TONES: Final = {"loss": "#B3261E", "saving": "#1B6E3C", "muted": "#6B7280"}
_EXACT_BELOW: Final = 10**15
"""A spreadsheet's number has 15 digits; longer counts (keys, say) stay texts."""


@dataclass
class Formats:
    """The formats of one workbook, each made once."""

    workbook: Any
    _made: dict[tuple[tuple[str, Any], ...], Any] = field(default_factory=dict)

    def get(self, **properties: Any) -> Any:
        """A format with these properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self.workbook.add_format(properties)
        return self._made[key]


def write_text(sheet: Any, row: int, column: int, text: str, formats: Formats, **properties: Any) -> None:
    """A text as a text: never a formula, link or number, however it begins, and after an edit neither."""
    shown = clean(text)[:_LONGEST]
    if begins_formula(shown):
        properties["quote_prefix"] = True
    sheet.write_string(row, column, shown, formats.get(**properties))


def write_cell(sheet: Any, row: int, place: int, cell: Cell, column: Column, formats: Formats, **more: Any) -> None:
    """A cell of a table: its exact value where it has one, in the colour of its meaning."""
    properties = dict(more)
    if cell.tone in _TONES:
        properties["font_color"] = _TONES[cell.tone]
    day = day_of(cell)
    if day is not None:
        sheet.write_datetime(
            row, place, datetime.combine(day, time()), formats.get(num_format="yyyy-mm-dd", **properties)
        )
    elif is_number(cell.value) and _NUMBER.fullmatch(cell.text):
        form = number_format(cell.text, column.unit)
        sheet.write_number(row, place, float(cell.value), formats.get(num_format=form, align="right", **properties))  # type: ignore[arg-type]  # is_number leaves Decimal and int
    else:
        if column.numeric:
            properties["align"] = "right"
        write_text(sheet, row, place, cell.text, formats, **properties)


def is_number(value: Value) -> bool:
    """Whether a value is a number that a spreadsheet holds."""
    return isinstance(value, Decimal | int) and abs(Decimal(value)) < _EXACT_BELOW


def day_of(cell: Cell) -> date | None:
    """The calendar day that a cell says and nothing else."""
    if cell.value is not None or not _DAY.fullmatch(cell.text):
        return None
    try:
        return date.fromisoformat(cell.text)
    except ValueError:
        return None


def number_format(text: str, unit: str) -> str:
    """The format that shows a value with the places, currency and sign that its text has."""
    places = len(re.sub(r"[^0-9.]", "", text).partition(".")[2])
    digits = "#,##0" + ("." + "0" * places if places else "")
    percent = "%" if text.endswith("%") or unit == "share" else ""
    dollar = "$" if "$" in text or unit == "USD" else ""
    form = f"{dollar}{digits}{percent}"
    if text.startswith("+"):
        return f"+{form};-{form};{form}"
    return f"{form};-{form}"
