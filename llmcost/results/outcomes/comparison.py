"""What changed between two results: totals, scenarios and the largest movers."""

from __future__ import annotations

from decimal import Decimal
from itertools import groupby

from llmcost.money import ZERO, rounded
from llmcost.results.cells import DASH, cells, change_cell, columns, count_cell, share_cell, tone_of, usd_cell
from llmcost.results.chart import Bars, Series
from llmcost.results.compare import Change, Comparison, Mover, ScenarioChange, Side, TotalChange
from llmcost.results.document import Block, Cell, Document, Figure, Section, Table
from llmcost.results.headline import period_text
from llmcost.results.outcome import Kind
from llmcost.results.present import UNKNOWN, clean, money, name, percent, places_of, rest_note, tiny
from llmcost.results.spend_tables import dimension_title
from llmcost.results.trust_tables import prices_text

_DRAWN = 8
"""Movers in the picture; the table has more."""


def document(comparison: Comparison, top_n: int = 10, title: str = "") -> Document:
    """``comparison`` in words, tables and a chart; ``top_n`` movers a dimension, and how many are not shown."""
    before, after = comparison.before, comparison.after
    groups = groupby(comparison.movers, key=lambda mover: mover.dimension)
    movers = [_movers(at, dimension, list(lines), top_n) for at, (dimension, lines) in enumerate(groups)]
    chart = _chart(comparison)
    cost: tuple[Block, ...] = (_totals(comparison), _scenarios(comparison))
    sections = [Section("cost", "Cost", cost)]
    if movers:
        blocks: tuple[Block, ...] = (*([chart] if chart else ()), *movers)
        sections.append(Section("movers", "What moved", blocks))
    sections.append(Section("sides", "What is compared", (_sides(comparison),)))
    return Document(
        title=clean(title) or "What changed",
        subtitle=f"Before: {_label(before)} · After: {_label(after)}",
        sentence=_sentence(comparison.totals[-1]),
        caveats=tuple(comparison.warnings),
        figures=_figures(comparison.totals[-1]),
        sections=tuple(sections),
    )


def _label(side: Side) -> str:
    return clean(side.title or ", ".join(side.sources)) or "untitled"


def _sides(comparison: Comparison) -> Table:
    rows = tuple(
        cells(
            f"{word}: {_label(side)}",
            count_cell(side.requests),
            share_cell(side.priced_share),
            period_text(side.period),
            prices_text(side.prices),
        )
        for word, side in (("before", comparison.before), ("after", comparison.after))
    )
    heads = columns("Result", "Requests#r", "Priced#%", "Period", "Prices")
    return Table("sides", "What is compared", heads, rows)


def _span(line: TotalChange) -> str:
    return "a month" if line.measure == "month" else "over the period"


def _sentence(whole: TotalChange) -> str:
    span = _span(whole)
    if whole.change_usd is None:
        return f"The change {span} is unknown: one of the two has no such figure."
    if whole.change_usd == 0:
        return f"The cost {span} is the same: {money(whole.after_usd)}."
    verb = "rose" if whole.change_usd > 0 else "fell"
    share = f" ({percent(abs(whole.change_share))})" if whole.change_share is not None else ""
    ends = f"from {money(whole.before_usd, _places(whole))} to {money(whole.after_usd, _places(whole))}"
    return f"The cost {span} {verb} by {_change(whole).text.lstrip('+-')}{share}, {ends}."


def _figures(whole: TotalChange) -> tuple[Figure, ...]:
    places, change = _places(whole), _change(whole)
    share = f"{_share(whole).text} · " if whole.change_share is not None else ""
    return (
        Figure("Before", money(whole.before_usd, places), _span(whole)),
        Figure("After", money(whole.after_usd, places), _span(whole)),
        Figure("Change", change.text, f"{share}{_span(whole)}", change.tone),
    )


def _places(line: Change) -> int:
    return places_of([line.before_usd, line.after_usd])


def _change(line: Change) -> Cell:
    """The difference of the two amounts as shown, with its sign."""
    if line.before_usd is None or line.after_usd is None:
        return Cell(UNKNOWN, "muted")
    places = _places(line)
    shown = rounded(line.after_usd, places) - rounded(line.before_usd, places)
    exact = line.change_usd or ZERO
    text = tiny(exact, shown, places)
    return Cell(f"+{text}" if exact > 0 else text, tone_of(-exact), exact)


def _share(line: Change) -> Cell:
    return DASH if line.change_share is None else share_cell(line.change_share, signed=True)


def _amount(value: Decimal | None, places: int, absent: bool = False) -> Cell:
    return DASH if absent else usd_cell(value, places)


def _row(label: str, line: Change, status: str = "both") -> tuple[Cell, ...]:
    places = _places(line)
    before = _amount(line.before_usd, places, status == "added")
    after = _amount(line.after_usd, places, status == "removed")
    change = Cell(status, "muted") if status != "both" and isinstance(line, ScenarioChange) else _change(line)
    return (Cell(label), before, after, change, _share(line))


_HEADS = ("Before#$", "After#$", "Change#$", "In percent#%")


def _totals(comparison: Comparison) -> Table:
    labels = {"period": "whole period", "month": "a month"}
    rows = tuple(_row(labels[line.measure], line) for line in comparison.totals)
    return Table("totals", "Cost", columns("Cost of", *_HEADS), rows)


def _scenarios(comparison: Comparison) -> Table:
    rows = tuple(_row(name(line.name), line, line.status) for line in comparison.scenarios)
    note = "Each side over its whole period."
    return Table(
        "scenarios", "Scenarios", columns("Scenario", *_HEADS), rows, note=note, empty="no scenario on either side"
    )


def _chart(comparison: Comparison) -> Bars | None:
    """The dearest changes along the first dimension, before beside after."""
    first = comparison.movers[0].dimension if comparison.movers else ""
    moved = [m for m in comparison.movers if m.dimension == first and m.change_usd][:_DRAWN]
    if not moved:
        return None
    places = places_of(value for m in moved for value in (m.before_usd, m.after_usd))
    before = Series("before", tuple(m.before_usd for m in moved), tuple(money(m.before_usd, places) for m in moved))
    after = Series("after", tuple(m.after_usd for m in moved), tuple(money(m.after_usd, places) for m in moved))
    label = f"Cost before and after of what moved most, by {dimension_title(first)}; the numbers are in the table."
    return Bars("movers", label, tuple(clean(m.label) for m in moved), (before, after), grouped=True)


def _movers(position: int, dimension: str, lines: list[Mover], top_n: int) -> Table:
    moved = [line for line in lines if line.change_usd != 0]
    label = dimension_title(dimension)
    rows = tuple(
        (*_row(clean(line.label), line, line.status), _part(line.volume_usd, line), _part(line.rate_usd, line))
        for line in moved[:top_n]
    )
    note = rest_note(len(moved) - len(rows), "smaller change")
    heads = columns(label[:1].upper() + label[1:], *_HEADS, "From volume#$?", "From cost per request#$?")
    return Table(f"movers-{position}", f"Movers by {label}", heads, rows, note=note, empty="nothing moved")


def _part(value: Decimal | None, line: Mover) -> Cell:
    return DASH if value is None else change_cell(value, _places(line))


OUTCOME = Kind("What changed between two results", Comparison, document)
