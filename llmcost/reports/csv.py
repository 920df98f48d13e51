"""One long, tidy table of everything in an outcome, with exact amounts, for spreadsheets and data frames.

The header depends on the kind of outcome alone. In the value column an empty cell does not apply and an unknown amount
reads ``unknown``. UTF-8 without a byte order mark. Text that a spreadsheet would take for a formula starts with an
apostrophe.
"""

from __future__ import annotations

from decimal import Decimal

from llmcost.money import plain
from llmcost.reports import Options, Report
from llmcost.results.document import Value
from llmcost.results.outcome import Outcome
from llmcost.results.present import UNKNOWN, clean
from llmcost.usage.formulas import begins_formula


def render(outcome: Outcome, options: Options) -> bytes:  # noqa: ARG001 - every value is written, exactly
    """``outcome`` as CSV."""
    form = outcome.long_form()
    lines = [",".join(form.header)]
    lines += [",".join(_field(key, row.get(key, "")) for key in form.header) for row in form.rows]
    return ("\n".join(lines) + "\n").encode()


def _field(column: str, value: Value) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None:
        return _text(UNKNOWN if column == "value" else "")
    return plain(value) if isinstance(value, Decimal) else str(value)


def _text(value: str) -> str:
    """A text cell: on one line, never a formula, quoted where a reader could split it."""
    text = clean(value)
    if begins_formula(text):
        text = f"'{text}"
    if any(c in text for c in ',;"\t|') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


REPORT = Report("CSV", "text/csv; charset=utf-8", ".csv", render)
