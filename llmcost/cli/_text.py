"""Plain aligned text for lists: no colours, nothing that a terminal would act on."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any

from llmcost.cli.diagnostics import visible
from llmcost.cli.output import to_stdout


def show(text: str) -> None:
    """Text on stdout, made harmless, with one line end."""
    to_stdout(visible(text.rstrip("\n")) + "\n")


def show_json(value: Any) -> None:
    """A JSON value on stdout."""
    to_stdout(json.dumps(value, indent=2, ensure_ascii=True) + "\n")


def aligned(rows: Sequence[Sequence[str]], head: Sequence[str] = (), *, right: Sequence[int] = ()) -> str:
    """Rows in columns; the columns in ``right`` are numbers."""
    table = [tuple(head), *map(tuple, rows)] if head else list(map(tuple, rows))
    if not table:
        return ""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    cells = [
        [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in table
    ]
    return "\n".join("  ".join(row).rstrip() for row in cells)


def wrapped(text: str, indent: str = "") -> str:
    """A paragraph at the terminal's width, at most 100 columns."""
    width = min(shutil.get_terminal_size((80, 24)).columns, 100)
    return textwrap.fill(" ".join(text.split()), width, initial_indent=indent, subsequent_indent=indent)
