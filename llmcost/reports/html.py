"""The report as one self-contained page: no network, no server, readable on a phone, in print and in the dark.

Charts are drawn by the MIT-licensed basic bundle of plotly.js that ships beside the template; tables hold every number
that a chart shows. The page's policy allows its own two scripts by their hashes and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any, Final

from llmcost.money import EXACT, ZERO, plain
from llmcost.reports import Options, Report
from llmcost.results.document import Cell, Column, Document, Figure, Table, Waterfall
from llmcost.results.model import Result
from llmcost.results.present import EVIDENCE, evidence_of, json_text, label_of, money, name, places_of
from llmcost.results.tables import document

SERIES_SHOWN: Final = 6
_OPEN: Final = 3
"""Scenarios and breakdowns beyond this many start folded."""
_SLIM: Final = 3
_HOSTILE_IN_SCRIPT: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def render(result: Result, options: Options) -> bytes:
    """``result`` as one HTML page."""
    doc = document(result, options.top_n, options.title)
    charts = _charts(result, doc)
    scripts = [_asset("plotly-basic.min.js"), _asset("charts.js")]
    page = Template(_asset("page.html")).substitute(
        policy=escape(_policy(scripts)),
        css=_asset("page.css"),
        title=escape(doc.title),
        subtitle=escape(doc.subtitle),
        sentence=escape(doc.sentence),
        figures=_figures(doc.figures),
        caveats=_list("caveats", doc.caveats),
        nav=_nav(doc, charts),
        sections="\n".join(_sections(doc, charts)),
        footer=escape(doc.footer),
        result=_embedded(result.model_dump(mode="json")),
        charts=_embedded(charts),
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
    return json_text(value).translate(_HOSTILE_IN_SCRIPT)


def _charts(result: Result, doc: Document) -> dict[str, Any]:
    """The numbers of the charts, as exact strings, with the texts that the tables show."""
    falls = [
        [
            {"label": b.label, "start": plain(b.start), "end": plain(b.end), "text": b.text, "tone": b.tone}
            for b in w.bars
        ]
        for w in doc.waterfalls
    ]
    return {"waterfalls": falls, "series": _series(result), "evidence": _evidence(result, doc)}


def _series(result: Result) -> dict[str, Any] | None:
    """Cost by day of the dearest models, the others as one."""
    points = result.baseline.series
    if not points:
        return None
    dimension = "model" if any("model" in p.dimensions for p in points) else next(iter(points[0].dimensions), "")
    table: dict[str, dict[str, Decimal]] = {}
    for point in points:
        line = table.setdefault(label_of(point.dimensions, dimension) if dimension else "cost", {})
        line[point.date.isoformat()] = EXACT.add(line.get(point.date.isoformat(), ZERO), point.cost_usd)
    ranked = sorted(table, key=lambda label: (-_sum(table[label].values()), label))
    shown, rest = (ranked, []) if len(ranked) <= SERIES_SHOWN + 1 else (ranked[:SERIES_SHOWN], ranked[SERIES_SHOWN:])
    days = sorted({day for values in table.values() for day in values})
    lines = [[table[label].get(day, ZERO) for day in days] for label in shown]
    if rest:
        lines.append([_sum(table[label].get(day, ZERO) for label in rest) for day in days])
    places = places_of(_sum(line) for line in lines)
    return {
        "days": days,
        "names": [*shown, *([f"other ({len(rest)})"] if rest else [])],
        "rest": bool(rest),
        "values": [[plain(value) for value in line] for line in lines],
        "texts": [[money(value, places) for value in line] for line in lines],
    }


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for value in values:
        total = EXACT.add(total, value)
    return total


def _evidence(result: Result, doc: Document) -> list[dict[str, Any]]:
    lines = []
    for scenario, row in zip(result.scenarios, doc.evidence.rows, strict=True):
        parts = zip(EVIDENCE, evidence_of(scenario), row[1:4], strict=True)
        kinds = {kind: {"value": plain(value), "text": cell.text} for kind, value, cell in parts}
        lines.append({"scenario": name(scenario.name), **kinds})
    return lines


def _figures(figures: Sequence[Figure]) -> str:
    blocks = (
        f'<div><dt>{escape(f.label)}</dt><dd class="value {f.tone}">{escape(f.value)}</dd><dd>{escape(f.detail)}</dd></div>'
        for f in figures
    )
    return f'<dl class="figures">{"".join(blocks)}</dl>'


def _list(kind: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def _nav(doc: Document, charts: dict[str, Any]) -> str:
    links = [("scenarios", "Scenarios", bool(doc.waterfalls)), ("time", "Over time", bool(charts["series"]))]
    links += [("where", "Where it goes", bool(doc.breakdowns)), ("evidence", "Evidence", bool(doc.evidence.rows))]
    links.append(("coverage", "Coverage", True))
    items = "".join(f'<li><a href="#{key}">{label}</a></li>' for key, label, there in links if there)
    return f'<nav aria-label="Parts of the report"><ul>{items}</ul></nav>'


def _sections(doc: Document, charts: dict[str, Any]) -> Iterable[str]:
    if doc.waterfalls:
        falls = (_waterfall(index, waterfall) for index, waterfall in enumerate(doc.waterfalls))
        yield _section("scenarios", "Scenarios", _table(doc.scenarios), *falls)
    if charts["series"]:
        chart = _chart("series", "Cost by day, stacked; the numbers are in the table by day.")
        yield _section("time", "Spend over time", chart, _folded("Cost of each day", _table(doc.days)))
    if doc.breakdowns or doc.token_lines.rows:
        yield _section("where", "Where the money goes", *_breakdowns(doc))
    if doc.evidence.rows:
        chart = _chart("evidence", "Saving of each scenario by kind of evidence; the numbers are in the table.")
        yield _section("evidence", doc.evidence.title, chart, _table(doc.evidence))
    if doc.flat_charges.rows:
        yield _section("flat", doc.flat_charges.title, _table(doc.flat_charges))
    trust = [_table(doc.coverage), _titled(doc.unpriced), _titled(doc.problems)]
    yield _section("coverage", doc.coverage.title, *trust)
    if doc.assumptions.rows or doc.waterfalls:
        yield _section("assumptions", doc.assumptions.title, _table(doc.assumptions))
    if doc.warnings:
        yield _section("warnings", "Warnings", _list("warnings", doc.warnings))


def _section(key: str, title: str, *parts: str) -> str:
    head = f'<section id="{key}" aria-labelledby="h-{key}"><h2 id="h-{key}">{escape(title)}</h2>'
    return "\n".join([head, *parts, "</section>"])


def _titled(table: Table) -> str:
    return f"<h3>{escape(table.title)}</h3>\n{_table(table)}"


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def _waterfall(index: int, waterfall: Waterfall) -> str:
    """Chart, steps and remarks of one scenario; the first few stand open."""
    label = f"Waterfall of {waterfall.scenario}, from baseline to cost; the numbers are in the table of its steps."
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in waterfall.notes)
    body = _chart(f"waterfall-{index}", label) + _table(waterfall.steps) + notes
    if index < _OPEN:
        return f"<article><h3>{escape(waterfall.scenario)}</h3>{body}</article>"
    return f"<article>{_folded(waterfall.scenario, body)}</article>"


def _chart(key: str, label: str) -> str:
    drawing = f'<div data-chart="{key}" aria-hidden="true"></div>'
    return f'<div class="chart" role="img" aria-label="{escape(label)}">{drawing}</div>'


def _breakdowns(doc: Document) -> Iterable[str]:
    """The first breakdowns in full, the others folded, then what is charged for."""
    for index, table in enumerate(doc.breakdowns):
        yield _titled(table) if index < _OPEN else _folded(table.title, _table(table))
    if doc.token_lines.rows:
        yield _titled(doc.token_lines)


def _table(table: Table) -> str:
    """A table that keyboards can scroll and screen readers can walk: caption, scopes, a label."""
    if not table.rows:
        return f'<p class="note">{escape((table.empty or "none").capitalize())}.</p>'
    head = "".join(_heading(column) for column in table.columns)
    body = "".join(f"<tr>{_row(table.columns, row)}</tr>" for row in table.rows)
    foot = f"<tfoot><tr>{_row(table.columns, table.total)}</tr></tfoot>" if table.total else ""
    slim = ' class="slim"' if len(table.columns) <= _SLIM else ""
    caption = f"<caption>{escape(table.title)}</caption>"
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(table.title)}">'
        f'<table id="t-{escape(table.key)}"{slim}>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>{note}'
    )


def _heading(column: Column) -> str:
    kind = ' class="num"' if column.numeric else ""
    return f'<th scope="col"{kind}>{escape(column.title)}</th>'


def _row(columns: Sequence[Column], row: Sequence[Cell]) -> str:
    first = f'<th scope="row">{escape(row[0].text)}</th>'
    return first + "".join(_cell(column, cell) for column, cell in zip(columns[1:], row[1:], strict=True))


def _cell(column: Column, cell: Cell) -> str:
    kind = "num" if column.numeric else "text"
    bar = _bar(cell) if column.title == "Share" else ""
    classes = " ".join(part for part in (kind, cell.tone, "share" if bar else "") if part)
    return f'<td class="{classes}">{escape(cell.text)}{bar}</td>'


def _bar(cell: Cell) -> str:
    """A thin bar under a share of a whole; nothing under a saving, which can be a loss."""
    digits = cell.text.removesuffix("%")
    if cell.tone or not digits.replace(".", "", 1).isdigit():
        return ""
    return f'<i style="--part:{Decimal(digits) / 100}"></i>'


REPORT = Report("HTML", "text/html; charset=utf-8", ".html", render)
