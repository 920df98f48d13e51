"""The report as one self-contained page: no network, no server, readable on a phone, in print and in the dark.

Charts are drawn by the MIT-licensed basic bundle of plotly.js that ships beside the template; tables hold every number
that a chart shows. The page's policy allows its own scripts by their hashes and forbids every request.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from llmcost.money import plain
from llmcost.reports import Options, Report
from llmcost.reports._panel import markup
from llmcost.results.chart import Chart, Lines, Point
from llmcost.results.document import Block, Cell, Column, Document, Figure, Notes, Section, Table, Text
from llmcost.results.outcome import Outcome
from llmcost.results.present import json_text

_SLIM: Final = 3
_LONG: Final = 40
"""A table of more rows can be searched and sorted."""
_PAGE: Final = 100
"""Rows of such a table that are markup; its further rows are data that the page's script shows."""
_WIDE: Final = 10
"""Characters of the longest figure in large type."""
_WORDY: Final = 24
"""Texts of more characters make a phone show a table's rows as cards."""
_HOSTILE_IN_SCRIPT: Final = {
    "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029",
}  # fmt: skip
_DRAWN: Final = 3000
"""Points of a line above which a stretch of them is drawn as its lowest and its highest; the table beside it has all."""
_SHORT: Final = 10
"""Characters of a text that stays on one line: a date, a state."""
_PACKED_FROM: Final = 2_000_000
"""Characters from which the outcome, which no script of the page reads, is packed."""


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as one HTML page."""
    doc = outcome.document(options.top_n, options.title)
    scripts = [_asset(f"{name}.js") for name in ("plotly-basic.min", "amounts", "tables", "charts", "levers", "drill")]
    page = Template(_asset("page.html")).substitute(
        policy=escape(_policy(scripts)),
        css=_asset("page.css"),
        title=escape(doc.title),
        subtitle=f'<p class="subtitle">{escape(doc.subtitle)}</p>' if doc.subtitle else "",
        sentence=escape(doc.sentence),
        figures=_figures(doc.figures),
        caveats=_list("caveats", doc.caveats),
        nav=_nav(doc),
        sections="\n".join(_sections(doc)),
        footer=escape(doc.footer),
        result=_result(outcome.model.model_dump(mode="json")),
        charts=_embedded({chart.key: _drawing(chart) for chart in doc.charts()}),
        tables=_embedded({table.key: _searchable(table) for table in doc.tables() if len(table.rows) > _LONG}),
        cubes=_embedded(_filters(doc)),
        levers=_embedded(_plain(doc.panel)),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )
    return page.encode()


@cache
def _asset(file: str) -> str:
    return files("llmcost.reports").joinpath("_html", file).read_text(encoding="utf-8")


def _policy(scripts: Iterable[str]) -> str:
    """Nothing may be loaded; only these scripts run. Plotly sets styles, which can reach nothing from here."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    rules = f"script-src {hashes}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; {rules}"


def _embedded(value: object) -> str:
    """JSON that no browser can take for markup, whatever strings it holds."""
    return _harmless(json_text(value))


def _harmless(text: str) -> str:
    for char, escape_ in _HOSTILE_IN_SCRIPT.items():
        text = text.replace(char, escape_)
    return text


def _result(value: object) -> str:
    """The outcome for programs: JSON, or where that is large gzip in base64."""
    text = json_text(value)
    kind, shown = "json", _harmless(text)
    if len(text) > _PACKED_FROM:
        kind, shown = "gzip", base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return f'<script type="application/{kind}" id="result">{shown}</script>'


def _drawing(chart: Chart) -> dict[str, object]:
    """A chart as the page's script reads it: its kind, and its fields with numbers as exact strings."""
    if isinstance(chart, Lines):
        chart = replace(chart, lines=tuple(replace(line, points=_drawn(line.points)) for line in chart.lines))
    shown = {f.name: _plain(getattr(chart, f.name)) for f in fields(chart) if f.name != "view"}
    return {"kind": type(chart).__name__.lower(), **shown}


def _drawn(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points of a line; of more than a screen can show, the lowest and the highest of each stretch, so that no peak is lost."""
    if len(points) <= _DRAWN:
        return tuple(points)
    size = -(-len(points) * 2 // _DRAWN)
    places = {0, len(points) - 1}
    for start in range(0, len(points), size):
        stretch = range(start, min(start + size, len(points)))
        places |= {min(stretch, key=lambda n: points[n].y), max(stretch, key=lambda n: points[n].y)}
    return tuple(points[place] for place in sorted(places))


def _filters(doc: Document) -> dict[str, object]:
    """The sums that the page is filtered by, and what each table and chart shows of them."""
    blocks: tuple[tuple[str, Sequence[Table] | Sequence[Chart]], ...] = (
        ("tables", doc.tables()),
        ("charts", doc.charts()),
    )
    views = {kind: {block.key: _plain(block.view) for block in found if block.view} for kind, found in blocks}
    return {"cubes": _plain(doc.cubes), **views}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def _figures(figures: Sequence[Figure]) -> str:
    blocks = "".join(
        f'<div><dt>{escape(f.label)}</dt><dd class="{_value(f)}">{escape(f.value)}</dd><dd>{escape(f.detail)}</dd></div>'
        for f in figures
    )
    return f'<dl class="figures">{blocks}</dl>' if blocks else ""


def _value(figure: Figure) -> str:
    """How a figure looks; one that is longer than a column is smaller and may break."""
    return " ".join(part for part in ("value", figure.tone, "long" if len(figure.value) > _WIDE else "") if part)


def _list(kind: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def _nav(doc: Document) -> str:
    links: list[tuple[str, str]] = []
    for section in doc.sections:
        if doc.panel is not None and doc.panel.before == section.key:
            links.append((doc.panel.key, doc.panel.title))
        links.append((section.key, section.short or section.title))
    links += [("warnings", "Warnings")] if doc.warnings else []
    items = "".join(f'<li><a href="#s-{escape(key)}">{escape(label)}</a></li>' for key, label in links)
    return f'<nav aria-label="Parts of the report"><ul>{items}</ul></nav>' if items else ""


def _sections(doc: Document) -> Iterable[str]:
    for section in doc.sections:
        if doc.panel is not None and doc.panel.before == section.key:
            yield markup(doc.panel)
        parts = [_block(block, section.title) for block in section.blocks]
        yield _section(
            section.key, section.title, *([_folded("Show", *parts, kind="whole")] if section.folded else parts)
        )
    if doc.warnings:
        yield _section("warnings", "Warnings", _list("warnings", doc.warnings))


def _section(key: str, title: str, *parts: str) -> str:
    head = (
        f'<section id="s-{escape(key)}" aria-labelledby="h-{escape(key)}"><h2 id="h-{escape(key)}">{escape(title)}</h2>'
    )
    return "\n".join([head, *parts, "</section>"])


def _block(block: Block, above: str) -> str:
    """One block under the heading ``above``, which a table that is called the same does not repeat."""
    match block:
        case Section():
            return _article(block)
        case Table():
            return _titled(block, above) if block.titled and block.title != above else _table(block, above)
        case Chart():
            return _chart(block)
        case Text():
            return "".join(f"<p>{escape(line)}</p>" for line in block.paragraphs)
        case Notes():
            return _list("notes", block.lines)


def _article(section: Section) -> str:
    """A section inside another."""
    parts = [_block(block, section.title) for block in section.blocks]
    body = _folded(section.title, *parts) if section.folded else "".join([f"<h3>{escape(section.title)}</h3>", *parts])
    return f"<article>{body}</article>"


def _titled(table: Table, above: str) -> str:
    if table.folded:
        return _folded(table.title, _table(table, above))
    return f"<h3>{escape(table.title)}</h3>\n{_table(table, above)}"


def _folded(title: str, *parts: str, kind: str = "") -> str:
    looks = f' class="{kind}"' if kind else ""
    return f"<details{looks}><summary>{escape(title)}</summary>{''.join(parts)}</details>"


def _chart(chart: Chart) -> str:
    drawing = f'<div data-chart="{escape(chart.key)}" aria-hidden="true"></div>'
    return f'<div class="chart" role="img" aria-label="{escape(chart.label)}">{drawing}</div>'


def _table(table: Table, above: str) -> str:
    """A table that keyboards can scroll and screen readers can walk: caption, scopes, a label that no other part has."""
    if not table.rows:
        return f'<p class="note">{escape((table.empty or "none").capitalize())}.</p>'
    head = "".join(_heading(column) for column in table.columns)
    cards = _wordy(table)
    body = "".join(f"<tr>{_row(table.columns, row, cards)}</tr>" for row in table.rows[:_PAGE])
    foot = f"<tfoot><tr>{_row(table.columns, table.total, cards)}</tr></tfoot>" if table.total else ""
    looks = " ".join(
        look for look, there in (("slim", len(table.columns) <= _SLIM and not cards), ("cards", cards)) if there
    )
    looks = f' class="{looks}"' if looks else ""
    caption = f"<caption>{escape(table.title)}</caption>"
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    label = f"{above}: {'table' if table.title == above else table.title}"
    return (
        f'{_count(table)}<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f'<table id="t-{escape(table.key)}"{looks}>{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>{note}"
    )


def _count(table: Table) -> str:
    """How many rows of a long table are markup, where the page's script puts its search."""
    rows = len(table.rows)
    if rows <= _LONG:
        return ""
    return f'<p class="note" id="n-{escape(table.key)}">Rows 1 to {min(rows, _PAGE):,} of {rows:,}</p>'


def _wordy(table: Table) -> bool:
    """Whether a phone shows each row as a card: a short table with words that would hide beyond its edge."""
    at = [position for position, column in enumerate(table.columns) if position and not column.numeric]
    return len(table.rows) <= _LONG and any(len(row[position].text) > _WORDY for row in table.rows for position in at)


def _searchable(table: Table) -> dict[str, object]:
    """A long table's rows as the page's script reads them: texts by row; ranks, kinds and tones by column."""
    columns = list(zip(*table.rows, strict=True))
    tones = [[cell.tone for cell in column] for column in columns]
    titles = [column.title for column in table.columns]
    return {
        "rows": [[cell.text for cell in row] for row in table.rows],
        "ranks": [_ranks(column) for column in columns],
        "kinds": ["num" if column.numeric else "text" for column in table.columns],
        "tones": [column if any(column) else None for column in tones],
        "share": titles.index("Share") if "Share" in titles else None,
    }


def _ranks(column: Sequence[Cell]) -> list[int]:
    """The place of each cell in ascending order, by exact values where there are any; -1 for what has none."""
    values = [cell.value if isinstance(cell.value, int | Decimal) else None for cell in column]
    if any(value is not None for value in values):
        order = {value: rank for rank, value in enumerate(sorted({v for v in values if v is not None}))}
        return [-1 if value is None else order[value] for value in values]
    words = [cell.text.casefold() for cell in column]
    places = {word: rank for rank, word in enumerate(sorted(set(words)))}
    return [places[word] for word in words]


def _heading(column: Column) -> str:
    kind = ' class="num"' if column.numeric else ""
    return f'<th scope="col"{kind}>{escape(column.title)}</th>'


def _row(columns: Sequence[Column], row: Sequence[Cell], cards: bool) -> str:
    # A name may break behind its provider; the mark is no part of the text.
    name = escape(row[0].text).replace("/", "/<wbr>")
    first = f'<th scope="row">{name}</th>'
    return first + "".join(_cell(column, cell, cards) for column, cell in zip(columns[1:], row[1:], strict=True))


def _cell(column: Column, cell: Cell, cards: bool) -> str:
    size = "words" if len(cell.text) > _WORDY else "text short" if len(cell.text) <= _SHORT else "text"
    kind = "num" if column.numeric else size
    bar = _bar(cell) if column.title == "Share" else ""
    classes = " ".join(part for part in (kind, cell.tone, "share" if bar else "") if part)
    label = f' data-label="{escape(column.title)}"' if cards else ""
    return f'<td class="{classes}"{label}>{escape(cell.text)}{bar}</td>'


def _bar(cell: Cell) -> str:
    """A thin bar under a share of a whole; nothing under a saving, which can be a loss."""
    digits = cell.text.removesuffix("%")
    if cell.tone or not digits.replace(".", "", 1).isdigit():
        return ""
    return f'<i style="--part:{Decimal(digits) / 100}"></i>'


REPORT = Report("HTML", "text/html; charset=utf-8", ".html", render)
