"""A document as GitHub flavoured Markdown: escaping and layout that the page and the comments share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from llmcost.results.chart import Waterfall
from llmcost.results.document import Block, Cell, Column, Document, Figure, Notes, Section, Table, Text
from llmcost.results.present import clean

_SPECIAL: Final = re.compile(r"([\\`*_\[\]|~]|\$(?!\d))")
_ACTIVE: Final = re.compile(r"(@|#|(?<=:)(?=//)|(?i:www)(?=\.)|:(?=[a-z+-][a-z0-9_+-]*:))")
_LEADING: Final = re.compile(r"^(\s*\d*)([-+=]+(?=\s|$)|[.)](?=\s|$))")


def joined(parts: Iterable[str]) -> bytes:
    """Parts with a blank line between them; empty ones are left out."""
    return ("\n\n".join(part for part in parts if part) + "\n").encode()


def escaped(text: str) -> str:
    """``text`` as itself: no markup, link, mention, issue, emoji or formula; an invisible space breaks what has no escape."""
    flat = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    split = _ACTIVE.sub(lambda found: f"{found.group(1)}\u200b", flat)
    marked = _SPECIAL.sub(r"\\\1", split)
    return _LEADING.sub(lambda found: f"{found.group(1)}\\{found.group(2)}", marked).replace("\u200b", "&#8203;")


def page(doc: Document) -> list[str]:
    """The parts of a whole page."""
    parts = [f"# {escaped(doc.title)}", escaped(doc.subtitle), f"**{escaped(doc.sentence)}**"]
    parts += [figures(doc.figures) if doc.figures else "", bullets(doc.caveats)]
    for part in doc.sections:
        parts += section(part, 2)
    if doc.warnings:
        parts += ["## Warnings", bullets(doc.warnings)]
    return [*parts, f"<sub>{escaped(doc.footer)}</sub>" if doc.footer else ""]


def section(section: Section, level: int) -> list[str]:
    """A section under its title; nothing at all where a page of text shows none of it."""
    parts = [part for block in section.blocks for part in _block(block, section.title, level)]
    return [f"{'#' * level} {escaped(section.title)}", *parts] if parts else []


def _block(block: Block, above: str, level: int) -> list[str]:
    """One block; a waterfall is a list of its bars, the numbers of the other charts are in the tables."""
    match block:
        case Section():
            return section(block, level + 1)
        case Table():
            titled = block.titled and block.title != above
            heading = [f"{'#' * (level + 1)} {escaped(block.title)}"] if titled else []
            return [] if block.long else [*heading, *_body(block)]
        case Waterfall():
            return [_table(_listed(block))]
        case Text():
            return [escaped(line) for line in block.paragraphs]
        case Notes():
            return [bullets(block.lines)]
        case _:
            return []


def bullets(lines: Sequence[str]) -> str:
    """A list of remarks."""
    return "\n".join(f"- {escaped(line)}" for line in lines)


def figures(found: Sequence[Figure]) -> str:
    """Headline numbers as a table of one row."""
    head = _line(escaped(figure.label) for figure in found)
    values = _line(f"**{escaped(figure.value)}**<br>{escaped(figure.detail)}" for figure in found)
    return "\n".join([head, _line(":--" for _ in found), values])


def _body(table: Table) -> list[str]:
    body = _table(table) if table.rows else f"_{escaped(table.empty or 'none')}_"
    return [body, escaped(table.note)]


def _listed(waterfall: Waterfall) -> Table:
    columns = (Column(waterfall.caption), Column("Amount", numeric=True))
    rows = tuple((Cell(bar.label), Cell(bar.text, bar.tone)) for bar in waterfall.bars)
    return Table(waterfall.key, "", columns, rows)


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
