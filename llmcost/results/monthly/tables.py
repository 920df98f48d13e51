"""The tables of the monthly report: what happened, why it changed, where the money goes, what comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO, plain, rounded
from llmcost.results.cells import DASH, cells, change_cell, columns, count_cell, share_cell, usd_cell, usd_cells
from llmcost.results.cube import Cube, Measure, View
from llmcost.results.document import Cell, Table
from llmcost.results.folding import other_values
from llmcost.results.monthly.findings import MATERIAL, budget_name, budget_text
from llmcost.results.monthly.model import (
    Budget,
    Finding,
    Monthly,
    Mover,
    Movers,
    PriceChange,
    Spend,
    SpendCells,
    SpendLine,
)
from llmcost.results.present import apportioned, clean, counted, name, percent, places_of, rest_note, running, tiny
from llmcost.results.spend_tables import SPEND, dimension_title

_OPEN: Final = 3
_KINDS: Final = {
    "price-change": "price change",
    "retry-storm": "retry storm",
    "mix-shift": "mix shift",
    "anomaly": "anomaly",
    "mover": "mover",
    "unpriced": "no price",
    "budget": "budget",
}


def titled(dimension: str) -> str:
    """A dimension as a heading."""
    text = (
        f"tag {clean(dimension.removeprefix('tag:'))}" if dimension.startswith("tag:") else dimension_title(dimension)
    )
    return text[:1].upper() + text[1:]


def _key(dimension: str, place: int) -> str:
    """A table's key: made of the place, never of a name from a log."""
    return f"{place}-{dimension}" if dimension.replace("_", "").isalpha() and dimension.isascii() else str(place)


def label(value: str | None, rest: int) -> str:
    """A line's name; what is left over says how many it holds."""
    return f"other ({rest})" if rest else name(value)


def findings_table(found: Sequence[Finding], top_n: int) -> Table:
    """What happened, a line each."""
    shown = found[:top_n]
    rows = tuple(
        cells(_KINDS[f.kind], DASH if f.amount_usd is None else change_cell(f.amount_usd), clean(f.text)) for f in shown
    )
    note = f"Anomalies below {percent(MATERIAL, 0)} of the month's spend are under Anomalies. "
    note += rest_note(len(found) - len(shown), "smaller finding")
    heads = columns("What", "Amount#$", "How")
    return Table("findings", "What happened", heads, rows, note=note.strip(), empty="nothing stands out", titled=False)


def budgets_table(found: Sequence[Budget], top_n: int) -> Table:
    """Each budget, what is spent of it and what is left."""
    rows = tuple(
        cells(
            budget_name(b) or "the month",
            Cell(budget_text(b.amount, b), "", b.amount),
            Cell(budget_text(b.spent, b), "", b.spent),
            Cell(budget_text(b.left, b), "loss" if b.left < 0 else "", b.left),
            share_cell(b.spent_share, "loss" if b.left < 0 else ""),
        )
        for b in found[:top_n]
    )
    gaps = sum(b.unpriced_requests for b in found[:top_n])
    note = f"{counted(gaps, 'call')} without a price: in no amount. " if gaps else ""
    note += rest_note(len(found) - top_n, "budget that is less full")
    heads = columns("Budget", "Amount#", "Spent#", "Left#", "Spent share#%")
    return Table("budgets", "Budgets", heads, rows, note=note.strip(), titled=False)


def change_table(key: str, value: str, lines: Sequence[Mover], top_n: int, *, folded: bool = False) -> Table:
    """Four effects a line; what is shown sums to the change of the line and of the total."""
    shown = _cut(lines, top_n)
    places = places_of([*(line.this_usd for line in lines), *(line.last_usd for line in lines)])
    # The months are rounded as in the tables of spend, so that an amount reads the same in both.
    last, this = (apportioned([getattr(line, part) for line in shown], places) for part in ("last_usd", "this_usd"))
    rows = tuple(
        _change_row(label(line.value, line.rest), line, places, ends)
        for line, *ends in zip(shown, last, this, strict=True)
    )
    whole = _sum(shown)
    ends = [rounded(whole.last_usd, places), rounded(whole.this_usd, places)]
    total = _change_row("total", whole, places, ends) if shown else None
    title = f"Change by {_lower(value)}"
    heads = columns(
        value,
        "Last month#$?",
        "This month#$",
        "Change#$",
        "Volume#$",
        "Mix#$",
        "Tokens#$",
        "Price#$",
    )
    return Table(
        key,
        title,
        heads,
        rows,
        total,
        empty="nothing to compare",
        folded=folded,
    )


def _change_row(text: str, line: Mover, places: int, ends: Sequence[Decimal]) -> tuple[Cell, ...]:
    """A line whose months are shown as ``ends``; the four effects that are shown sum to the change that is shown."""
    steps = (line.volume_usd, line.mix_usd, line.tokens_usd, line.price_usd)
    shown = running(steps, places, line.last_usd)
    last, this = ends
    # What rounding leaves goes where no sentence tells the amount: to volume, or to the next effect that there is.
    place = next((place for place in (0, 2, 1, 3) if steps[place]), 0)
    shown[place] += this - last - sum(shown, ZERO)
    parts = (Cell(_signed(value, places), "", step) for value, step in zip(shown, steps, strict=True))
    told = Cell(_signed(this - last, places), change_cell(line.change_usd).tone, line.change_usd)
    months = (
        Cell(tiny(exact, text, places), "", exact) for exact, text in ((line.last_usd, last), (line.this_usd, this))
    )
    return cells(text, *months, told, *parts)


def _lower(title: str) -> str:
    """A heading inside a sentence."""
    return title if title.startswith("API") else f"{title[:1].lower()}{title[1:]}"


def _signed(value: Decimal, places: int) -> str:
    text = usd_cell(value, places).text
    return f"+{text}" if value > 0 else text


def _cut(lines: Sequence[Mover], top_n: int) -> list[Mover]:
    """The first lines, the others as one that says how many it holds."""
    if len(lines) <= top_n + 1:
        return list(lines)
    rest = lines[top_n:]
    number_ = sum(max(line.rest, 1) for line in rest)
    return [*lines[:top_n], _sum(rest).model_copy(update={"rest": number_})]


def _sum(lines: Iterable[Mover]) -> Mover:
    amounts = ("last_usd", "this_usd", "change_usd", "volume_usd", "mix_usd", "tokens_usd", "price_usd")
    sums = dict.fromkeys(amounts, ZERO)
    calls = [0, 0]
    for line in lines:
        sums = {key: EXACT.add(value, getattr(line, key)) for key, value in sums.items()}
        calls = [calls[0] + line.last_requests, calls[1] + line.this_requests]
    return Mover(value=None, last_requests=calls[0], this_requests=calls[1], **sums)


def movers_tables(found: Sequence[Movers], top_n: int) -> tuple[Table, ...]:
    """A table a dimension."""
    return tuple(
        change_table(f"movers-{_key(m.dimension, place)}", titled(m.dimension), m.lines, top_n, folded=place >= 1)
        for place, m in enumerate(found)
        if len(m.lines) > 1
    )


def spend_table(found: Spend, place: int, top_n: int) -> Table:
    """What each value cost, against last month where the log has it."""
    shown = _cut_spend(found.lines, top_n)
    compared = any(line.last_usd is not None for line in shown)
    places = places_of([line.cost_usd for line in found.lines] + [line.last_usd for line in found.lines])
    now, last = ([getattr(line, part) for line in shown] for part in ("cost_usd", "last_usd"))
    gaps = any(line.unpriced_requests for line in shown)
    shown_now, shown_last = _shown(now, places), _shown(last, places)
    rows: list[tuple[Cell, ...]] = []
    for line, cost, before, a, b in zip(
        shown, usd_cells(now, places), usd_cells(last, places), shown_now, shown_last, strict=True
    ):
        against: list[str | Cell] = [before, _change_cell(line, a, b, places)] if compared else []
        rows.append(
            cells(
                label(line.value, line.rest),
                cost,
                share_cell(line.share),
                *against,
                count_cell(line.requests),
                *([count_cell(line.unpriced_requests)] if gaps else []),
            )
        )
    title = titled(found.dimension)
    against = [usd_cell(_known(last), places), ""] if compared else []
    total = cells(
        "total",
        usd_cell(_known(now), places),
        "",
        *against,
        count_cell(sum(line.requests for line in shown)),
        *([count_cell(sum(line.unpriced_requests for line in shown))] if gaps else []),
    )
    heads = columns(
        title, "Cost#$", "Share#%", *(["Last month#$", "Change#$?"] if compared else []), "Requests#r",
        *(["Unpriced#r?"] if gaps else []),
    )  # fmt: skip
    by = f"By {_lower(title)}"
    measures: tuple[Measure, ...] = (
        "cost", "share", *(("last", "change") if compared else ()), "requests", *(("unpriced",) if gaps else ()),
    )  # fmt: skip
    view = View(SPEND, found.dimension, measures, top_n, places)
    key = f"by-{_key(found.dimension, place)}"
    return Table(key, by, heads, tuple(rows), total, folded=place >= _OPEN, view=view)


def cube(cells: SpendCells | None) -> tuple[Cube, ...]:
    """What the tables of spend can be filtered by."""
    if cells is None:
        return ()
    names: list[dict[str, int]] = [{} for _ in cells.dimensions]
    lines = []
    together = cells.kept_together or [0] * len(names)
    taken = [{name(c.values[place]) for c in cells.cells if place not in c.rest} for place in range(len(names))]
    rest = tuple(other_values(many, mine) if many else "" for many, mine in zip(together, taken, strict=True))
    for cell in cells.cells:
        shown = [rest[place] if place in cell.rest else name(value) for place, value in enumerate(cell.values)]
        at = tuple(held.setdefault(label, len(held)) for held, label in zip(names, shown, strict=True))
        measured = (cell.cost_usd, cell.requests, cell.unpriced_requests, cell.last_usd, cell.last_requests)
        lines.append((at, measured))
    titles = tuple(titled(dimension) for dimension in cells.dimensions)
    labels = tuple(tuple(held) for held in names)
    measures: tuple[Measure, ...] = ("cost", "requests", "unpriced", "last", "last_requests")
    return (Cube(SPEND, tuple(cells.dimensions), titles, labels, measures, tuple(lines), rest if any(rest) else ()),)


def _shown(values: Sequence[Decimal | None], places: int) -> list[Decimal | None]:
    """Amounts as a column shows them."""
    known = iter(apportioned([value for value in values if value is not None], places))
    return [None if value is None else next(known) for value in values]


def _change_cell(line: SpendLine, now: Decimal | None, last: Decimal | None, places: int) -> Cell:
    """The difference of the two amounts as shown, with its exact value."""
    if line.cost_usd is None or line.last_usd is None or now is None or last is None:
        return change_cell(None)
    exact = EXACT.subtract(line.cost_usd, line.last_usd)
    return Cell(_signed(now - last, places), change_cell(exact).tone, exact)


def _known(values: Iterable[Decimal | None]) -> Decimal | None:
    found = [value for value in values if value is not None]
    return added(found) if found else None


def _cut_spend(lines: Sequence[SpendLine], top_n: int) -> list[SpendLine]:
    if len(lines) <= top_n + 1:
        return list(lines)
    rest = lines[top_n:]

    return [
        *lines[:top_n],
        SpendLine(
            value=None,
            rest=sum(max(line.rest, 1) for line in rest),
            cost_usd=_known(line.cost_usd for line in rest),
            last_usd=_known(line.last_usd for line in rest),
            share=_known(line.share for line in rest),
            requests=sum(line.requests for line in rest),
            last_requests=sum(line.last_requests for line in rest),
            unpriced_requests=sum(line.unpriced_requests for line in rest),
        ),
    ]


def added(values: Iterable[Decimal]) -> Decimal:
    """An exact sum."""
    whole = ZERO
    for value in values:
        whole = EXACT.add(whole, value)
    return whole


def days_table(month: Monthly) -> Table:
    """Cost by day of both months."""
    places = places_of(day.cost_usd for day in month.days)
    rows = tuple(
        cells(
            day.date.isoformat(),
            usd_cell(day.cost_usd, places),
            count_cell(day.requests),
            count_cell(day.unpriced_requests),
        )
        for day in month.days
    )
    return Table(
        "days",
        "By day",
        columns("Day", "Cost#$", "Requests#r", "Unpriced#r?"),
        rows,
        empty="no days",
        folded=True,
        long=True,
    )


def prices_table(found: Sequence[PriceChange]) -> Table:
    """Price changes that met calls."""
    rows = tuple(
        cells(
            name(change.model),
            change.on.isoformat(),
            "; ".join(
                f"{clean(c).replace('_', ' ')} ${plain(a)} to ${plain(b)}" for c, (a, b) in sorted(change.rates.items())
            ),
            change_cell(change.effect_usd),
            count_cell(change.requests),
        )
        for change in found
    )
    heads = columns("Model", "From", "Rates, a million tokens or a unit", "Effect#$", "Calls#r?")
    note = "Effect: the calls from that day to the next change, at the new price less at the old one."
    return Table(
        "price-changes", "Price changes", heads, rows, note=note, empty="no price of the month's models changed"
    )
