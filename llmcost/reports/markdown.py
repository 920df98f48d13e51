"""The report as GitHub flavoured Markdown, for a wiki, a chat or a merge request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from llmcost.reports import Options, Report
from llmcost.results.compare import Comparison
from llmcost.results.compare_tables import comparison_document
from llmcost.results.document import Cell, Column, Document, Figure, Table, Waterfall
from llmcost.results.model import Result
from llmcost.results.present import clean
from llmcost.results.tables import document

_SPECIAL: Final = re.compile(r"([\\`*_\[\]|~]|\$(?!\d))")
_ACTIVE: Final = re.compile(r"(@|#|(?<=:)(?=//)|(?i:www)(?=\.)|:(?=[a-z+-][a-z0-9_+-]*:))")
_LEADING: Final = re.compile(r"^(\s*\d*)([-+=]+(?=\s|$)|[.)](?=\s|$))")


def render(result: Result, options: Options) -> bytes:
    """``result`` as a Markdown page."""
    doc = document(result, options.top_n, options.title)
    return _joined(_page(doc))


def render_comparison(comparison: Comparison, options: Options) -> bytes:
    """What lies between two results, as Markdown."""
    doc = comparison_document(comparison, options.top_n, options.title)
    head = [f"## {escaped(doc.title)}", _bullets(doc.sides), escaped(doc.sentence), _bullets(doc.warnings)]
    return _joined([*head, *(part for table in doc.tables for part in _section(table))])


def _joined(parts: Iterable[str]) -> bytes:
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def escaped(text: str) -> str:
    """``text`` as itself: no markup, link, mention, issue, emoji or formula; an invisible space breaks what has no escape."""
    flat = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    split = _ACTIVE.sub(lambda found: f"{found.group(1)}\u200b", flat)
    marked = _SPECIAL.sub(r"\\\1", split)
    return _LEADING.sub(lambda found: f"{found.group(1)}\\{found.group(2)}", marked).replace("\u200b", "&#8203;")


def _page(doc: Document) -> list[str]:
    parts = [f"# {escaped(doc.title)}", escaped(doc.subtitle), f"**{escaped(doc.sentence)}**"]
    parts += [_figures(doc.figures), _bullets(doc.caveats)]
    if len(doc.scenarios.rows) > 1:
        parts += _section(doc.scenarios)
    for waterfall in doc.waterfalls:
        parts += _waterfall(waterfall)
    optional = (doc.token_lines, doc.evidence, doc.flat_charges)
    tables = (
        *doc.breakdowns,
        *(t for t in optional if t.rows),
        doc.coverage,
        doc.unpriced,
        doc.problems,
        doc.assumptions,
    )
    for table in tables:
        parts += _section(table)
    if doc.warnings:
        parts += ["## Warnings", _bullets(doc.warnings)]
    return [*parts, f"<sub>{escaped(doc.footer)}</sub>"]


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(line)}" for line in lines)


def _figures(figures: Sequence[Figure]) -> str:
    head = _line(escaped(figure.label) for figure in figures)
    values = _line(f"**{escaped(figure.value)}**<br>{escaped(figure.detail)}" for figure in figures)
    return "\n".join([head, _line(":--" for _ in figures), values])


def _section(table: Table, level: str = "##") -> list[str]:
    body = _table(table) if table.rows else f"_{escaped(table.empty or 'none')}_"
    return [f"{level} {escaped(table.title)}", body, escaped(table.note)]


def _waterfall(waterfall: Waterfall) -> list[str]:
    bars = waterfall.bars
    columns = (Column("From the baseline down"), Column("Amount", numeric=True))
    rows = tuple((Cell(bar.label), Cell(bar.text, bar.tone)) for bar in bars)
    steps = [_table(waterfall.steps)] if waterfall.steps.rows else []
    falls = _table(Table("waterfall", "", columns, rows))
    return [f"## {escaped(waterfall.scenario)}", falls, *steps, _bullets(waterfall.notes)]


def _table(table: Table) -> str:
    lines = [_line(escaped(column.title) or " " for column in table.columns)]
    lines.append(_line("--:" if column.numeric else ":--" for column in table.columns))
    lines += [_line(_cell(cell) for cell in row) for row in table.rows]
    if table.total:
        lines.append(_line(f"**{escaped(cell.text)}**" if cell.text else "" for cell in table.total))
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    """A loss is bold: Markdown has no colour."""
    text = escaped(cell.text)
    return f"**{text}**" if cell.tone == "loss" else text


REPORT = Report("Markdown", "text/markdown; charset=utf-8", ".md", render, render_comparison)
