"""The finished cells of a comparison, the same for every format."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from llmcost.results.compare import Change, Comparison, Mover, ScenarioChange, Side
from llmcost.results.document import Cell, Column, Table, Tone
from llmcost.results.headline import period_text
from llmcost.results.present import UNKNOWN, clean, counted, money, name, percent, places_of


@dataclass(frozen=True, slots=True)
class ComparisonDocument:
    """A comparison as a reader meets it."""

    title: str
    sides: tuple[str, str]
    sentence: str
    warnings: tuple[str, ...]
    tables: tuple[Table, ...]


def comparison_document(comparison: Comparison, top_n: int = 10, title: str = "") -> ComparisonDocument:
    """``comparison`` in words and tables; ``top_n`` movers a dimension, and how many are not shown."""
    groups = groupby(comparison.movers, key=lambda mover: mover.dimension)
    movers = tuple(_movers(dimension, list(lines), top_n) for dimension, lines in groups)
    return ComparisonDocument(
        title=clean(title) or "What changed",
        sides=(_side("Before", comparison.before), _side("After", comparison.after)),
        sentence=_sentence(comparison),
        warnings=tuple(comparison.warnings),
        tables=(_totals(comparison), _scenarios(comparison), *movers),
    )


def _side(word: str, side: Side) -> str:
    label = clean(side.title or ", ".join(side.sources)) or "untitled"
    share = percent(side.priced_share)
    return f"{word}: {label} · {period_text(side.period)} · {counted(side.requests, 'request')}, {share} priced"


def _sentence(comparison: Comparison) -> str:
    whole = comparison.totals[-1]
    span = "a month" if whole.measure == "month" else "over the period"
    if whole.change_usd is None:
        return f"The change {span} is unknown: one of the two has no such figure."
    if whole.change_usd == 0:
        return f"The cost {span} is the same: {money(whole.after_usd)}."
    verb = "rose" if whole.change_usd > 0 else "fell"
    share = f" ({percent(abs(whole.change_share))})" if whole.change_share is not None else ""
    ends = f"from {money(whole.before_usd, _places(whole))} to {money(whole.after_usd, _places(whole))}"
    return f"The cost {span} {verb} by {_change(whole).text.lstrip('+-')}{share}, {ends}."


def _places(line: Change) -> int:
    return places_of([line.before_usd, line.after_usd])


def _change(line: Change) -> Cell:
    """The difference of the two amounts as shown, with its sign."""
    if line.change_usd is None or line.before_usd is None or line.after_usd is None:
        return Cell(UNKNOWN, "muted")
    return _signed(line.change_usd, places_of([line.before_usd, line.after_usd]))


def _signed(value: Decimal, places: int) -> Cell:
    tone: Tone = "loss" if value > 0 else "saving" if value < 0 else ""
    text = money(value, places)
    return Cell(f"+{text}" if value > 0 else text, tone)


def _share(line: Change) -> Cell:
    if line.change_share is None:
        return Cell("–", "muted")
    return Cell(f"{'+' if line.change_share > 0 else ''}{percent(line.change_share)}")


def _amount(value: Decimal | None, places: int, absent: bool = False) -> Cell:
    if absent:
        return Cell("–", "muted")
    return Cell(money(value, places), "muted" if value is None else "")


def _row(label: str, line: Change, status: str = "both") -> tuple[Cell, ...]:
    places = _places(line)
    before = _amount(line.before_usd, places, status == "added")
    after = _amount(line.after_usd, places, status == "removed")
    change = Cell(status, "muted") if status != "both" and isinstance(line, ScenarioChange) else _change(line)
    return (Cell(label), before, after, change, _share(line))


_COLUMNS = (Column("Before", True), Column("After", True), Column("Change", True), Column("Share", True))


def _totals(comparison: Comparison) -> Table:
    labels = {"period": "whole period", "month": "a month"}
    rows = tuple(_row(labels[line.measure], line) for line in comparison.totals)
    return Table("totals", "Cost", (Column("Cost of"), *_COLUMNS), rows)


def _scenarios(comparison: Comparison) -> Table:
    rows = tuple(_row(name(line.name), line, line.status) for line in comparison.scenarios)
    return Table("scenarios", "Scenarios", (Column("Scenario"), *_COLUMNS), rows, empty="no scenario on either side")


def _movers(dimension: str, lines: list[Mover], top_n: int) -> Table:
    moved = [line for line in lines if line.change_usd != 0]
    label = clean(dimension).replace("_", " ")
    rows = tuple(
        (*_row(clean(line.label), line, line.status), _part(line.volume_usd, line), _part(line.rate_usd, line))
        for line in moved[:top_n]
    )
    left = len(moved) - len(rows)
    note = f"Left out: {counted(left, 'smaller change')}." if left > 0 else ""
    columns = (
        Column(label[:1].upper() + label[1:]),
        *_COLUMNS,
        Column("From volume", True, True),
        Column("From cost per request", True, True),
    )
    return Table(f"movers-{dimension}", f"Movers by {label}", columns, rows, note=note, empty="nothing moved")


def _part(value: Decimal | None, line: Mover) -> Cell:
    return Cell("–", "muted") if value is None else _signed(value, _places(line))
