"""List against billed: the verdict, where the gaps are and why, and what could not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO, plain
from llmcost.results.cells import DASH, cells, change_cell, columns, count_cell, number_cell, share_cell, usd_cell
from llmcost.results.chart import Bars, Chart, Line, Lines, Point, Series
from llmcost.results.document import Block, Cell, Document, Figure, Notes, Section, Table
from llmcost.results.headline import period_text
from llmcost.results.outcome import Kind
from llmcost.results.present import clean, counted, money, name, number, percent, places_of, rest_note, total_of
from llmcost.results.reconcile.model import GapCell, Part, Reconciliation, Sum
from llmcost.results.trust_tables import prices_text

_BASES: Final = {"bill": "the bill", "log": "the charges that the log carries"}
_HEADS: Final = ("Billed#$", "List#$", "Gap#$", "Of billed#%", "Unexplained#$?")
_WHERE: Final = (
    "They are compared where provider, days and, if the bill names it, model agree; what was billed is never changed."
)
_ELSE: Final = "All else is unexplained; what is suspected is said so and counts as unexplained."
_EXACT_PLACES: Final = 6
"""Places of amounts that are compared: a thousandth of a cent is a finding here."""


def document(found: Reconciliation, top_n: int = 10, title: str = "") -> Document:
    """``found`` in words, tables and charts; ``top_n`` lines of each list, and how many are not shown."""
    sections = [section for part in found.parts for section in _of_part(part, found, top_n)]
    sections += [section for section in (_beside(found, top_n), _uncompared(found, top_n)) if section.blocks]
    return Document(
        title=clean(title or found.title) or "List against billed",
        subtitle=_subtitle(found),
        sentence=_sentence(found),
        caveats=_caveats(found),
        figures=_figures(found),
        sections=(*sections, _method(found)),
        warnings=tuple(clean(warning) for warning in found.warnings),
        footer=f"{clean(found.generated_with)} · {prices_text(found.prices)}",
    )


def _subtitle(found: Reconciliation) -> str:
    sources = ", ".join(clean(source) for source in found.sources[:3])
    more = f" and {len(found.sources) - 3} more" if len(found.sources) > 3 else ""
    return " · ".join(part for part in (period_text(found.period), f"{sources}{more}") if part)


def _sentence(found: Reconciliation) -> str:
    if not found.parts:
        return "Nothing could be compared: no day of a bill has a known amount beside usage of the log."
    total = found.parts[0].total
    what = _BASES[found.parts[0].basis]
    places = places_of([total.billed_usd, total.list_usd])
    amounts = f"{money(total.billed_usd, places)} by {what}, {money(total.list_usd, places)} at list prices"
    limit = f"{plain(found.verdict.threshold_share * 100)}%"
    verdict = (
        f"Over the limit: {clean(found.verdict.reason)}." if found.verdict.over else f"Within the limit of {limit}."
    )
    if total.gap_usd == 0:
        return f"The two agree to the last digit: {amounts}. {verdict}"
    more = "more" if total.gap_usd > 0 else "less"
    share = f" ({percent(abs(total.gap_share), 2)})" if total.gap_share is not None else ""
    return f"{amounts}: {money(abs(total.gap_usd), places)}{share} {more} was billed. {verdict}"


def _figures(found: Reconciliation) -> tuple[Figure, ...]:
    if not found.parts:
        return ()
    total = found.parts[0].total
    places = places_of([total.billed_usd, total.list_usd])
    share = percent(total.gap_share, 2) if total.gap_share is not None else "of nothing billed"
    requests = counted(total.requests, "request")
    return (
        Figure("Billed", money(total.billed_usd, places), _BASES[found.parts[0].basis]),
        Figure("At list prices", money(total.list_usd, places), requests),
        Figure("Gap", money(total.gap_usd, places), f"{share} of billed", "loss" if found.verdict.over else ""),
        Figure("Unexplained", money(total.unexplained_usd, places), "of the gap"),
    )


def _caveats(found: Reconciliation) -> tuple[str, ...]:
    lines = [f"No verdict: {clean(found.verdict.reason)}."] if found.verdict.over is None else []
    for part in found.parts:
        if part.total.unpriced_requests:
            number_ = counted(part.total.unpriced_requests, "request")
            lines.append(f"{number_} beside {_BASES[part.basis]} without a price: in no list cost.")
    lines += [
        f"{number(line.amount)} {clean(line.currency)} cannot be compared: no rate is known."
        for line in found.currencies
        if line.usd_per_unit is None
    ]
    return tuple(lines)


def _of_part(part: Part, found: Reconciliation, top_n: int) -> list[Section]:
    key, called = part.basis, _BASES[part.basis]
    places = places_of([part.total.billed_usd, part.total.list_usd])
    first = "" if part is found.parts[0] else ": charges in the log"
    causes: tuple[Block, ...] = (*_cause_chart(part, places), _causes(part, places))
    sections = [Section(f"{key}-causes", f"Why they differ{first}", causes, short=f"Causes{first}")]
    blocks: list[Block] = [_gaps(part, places, top_n), _sums(part, "provider", places)]
    if any(line.model for line in part.models):
        blocks.append(_sums(part, "model", places))
    sections.append(Section(f"{key}-gaps", f"Where they differ{first}", tuple(blocks), short=f"Gaps{first}"))
    if part.days:
        days: tuple[Block, ...] = (*_day_chart(part), _sums(part, "day", places))
        sections.append(Section(f"{key}-days", f"By day{first}", days))
    if key == "bill" and found.items:
        sections.append(
            Section("items", f"Line items of {called}", (_items(found, places, top_n),), short="Line items")
        )
    return sections


def _row(label: str, line: Sum, places: int) -> tuple[Cell, ...]:
    share = DASH if line.gap_share is None else share_cell(line.gap_share, signed=True)
    listed = usd_cell(line.list_usd, places)
    return cells(
        label,
        usd_cell(line.billed_usd, places),
        listed,
        _gap(line.gap_usd, places),
        share,
        _gap(line.unexplained_usd, places),
    )


def _gap(value: Decimal, places: int) -> Cell:
    """A gap, above all with its sign: more was billed, or less. Neither is good."""
    cell = change_cell(value, places)
    return Cell(cell.text, "", cell.value)


def _sums(part: Part, by: str, places: int) -> Table:
    lines = {"provider": part.providers, "model": part.models, "day": part.days}[by]
    rows = tuple(_row(_label(line, by), line, places) for line in lines)
    total = _row("total", part.total, places) if by != "day" else None
    heads = columns(by[:1].upper() + by[1:], *_HEADS)
    long = by == "day"
    return Table(f"{part.basis}-by-{by}", f"By {by}", heads, rows, total, empty="none", folded=long, long=long)


def _label(line: Sum, by: str) -> str:
    if by == "day":
        return line.day.isoformat() if line.day else "no day"
    if by == "model":
        return clean(line.model) if line.model else f"{name(line.provider)}: no model named"
    return name(line.provider)


def _causes(part: Part, places: int) -> Table:
    rows = tuple(
        cells(
            _cause_name(line.cause),
            _gap(line.gap_usd, places),
            count_cell(line.cells),
            {"exact": "equal", "explained": "a sum shows it", "suspected": "suspected", "none": "no"}[line.certainty],
            clean(line.detail),
        )
        for line in part.causes
    )
    total = cells("total", _gap(part.total.gap_usd, places), count_cell(part.total.cells), "", "")
    heads = columns("Cause", "Gap#$", "Places#", "Known", "Largest of them")
    return Table(f"{part.basis}-causes", "Causes", heads, rows, total, empty="none", titled=False)


def _cause_name(cause: str) -> str:
    return "none: they agree" if cause == "none" else clean(cause)


def _cause_chart(part: Part, places: int) -> tuple[Bars, ...]:
    lines = [line for line in part.causes if line.gap_usd]
    if not lines:
        return ()
    series = Series("gap", tuple(x.gap_usd for x in lines), tuple(_gap(x.gap_usd, places).text for x in lines))
    label = f"Gap between list and {_BASES[part.basis]} by cause; the numbers are in the table."
    names = tuple(_cause_name(x.cause) + (" (suspected)" if x.certainty == "suspected" else "") for x in lines)
    return (Bars(f"{part.basis}-cause-chart", label, names, (series,)),)


def _gaps(part: Part, places: int, top_n: int) -> Table:
    """The largest gaps, each with the cause it was found to have."""
    differing = [cell for cell in part.cells if cell.gap_usd or cell.unpriced_requests]
    shown = differing[: min(top_n, _telling(differing))]
    rows = tuple(_gap_row(cell, places) for cell in shown)
    heads = columns("Where", "Billed#$", "List#$", "Gap#$", "Cause", "What was found")
    rest = differing[len(shown) :]
    note = rest_note(len(rest), "smaller gap")
    together = total_of(abs(cell.gap_usd) for cell in rest)
    note = f"{note.removesuffix('.')}, {money(together)} together." if together else note
    return Table(f"{part.basis}-gaps", "Largest gaps", heads, rows, note=note, empty="list and billed agree everywhere")


def _telling(cells_: Sequence[GapCell]) -> int:
    """How many gaps, the largest first, hold all but a thousandth of the money; what has no price is told too."""
    left = total_of(abs(cell.gap_usd) for cell in cells_) or ZERO
    least = left / 1000
    for place, cell in enumerate(cells_):
        if left <= least and not any(later.unpriced_requests for later in cells_[place:]):
            return place
        left = EXACT.subtract(left, abs(cell.gap_usd))
    return len(cells_)


def _gap_row(cell: GapCell, places: int) -> tuple[Cell, ...]:
    days = cell.start.isoformat() + (f" to {cell.end.isoformat()}" if cell.end != cell.start else "")
    item = f": {clean(cell.line_item)}" if cell.line_item else ""
    who = clean(cell.model) if cell.model else f"{name(cell.provider)}{item}"
    own = places if places_of([cell.gap_usd]) <= places else min(_EXACT_PLACES, places_of([cell.gap_usd]))
    sure = "" if cell.certainty in {"exact", "explained", "none"} else " (suspected)"
    also = f"; also: {', '.join(clean(other) for other in cell.also[:3])}" if cell.also else ""
    return cells(
        f"{days} {who}",
        usd_cell(cell.billed_usd, own),
        usd_cell(cell.list_usd, own) if cell.requests or cell.unpriced_requests or cell.list_usd is not None else DASH,
        _gap(cell.gap_usd, own),
        f"{_cause_name(cell.cause)}{sure}",
        f"{clean(cell.detail)}{also}",
    )


def _day_chart(part: Part) -> tuple[Chart, ...]:
    """List and billed over the days, where there are days enough for a line."""
    if len(part.days) < 2:
        return ()

    def line(title: str, field: str) -> Line:
        points = [(day.day.isoformat() if day.day else "", getattr(day, field)) for day in part.days]
        made = tuple(Point(at, value, f"{at}: {money(value)}") for at, value in points)
        return Line(title, made, dashed=field == "list_usd")

    label = f"List and {_BASES[part.basis]} by day; the numbers are in the table by day."
    both = (line("billed", "billed_usd"), line("at list prices", "list_usd"))
    return (Lines(f"{part.basis}-day-chart", label, "", both, x_unit="date"),)


def _items(found: Reconciliation, places: int, top_n: int) -> Table:
    shown = found.items[:top_n]
    rows = tuple(
        cells(
            f"{name(line.provider)}: {clean(line.line_item or line.model or 'no line item')}",
            usd_cell(line.billed_usd, places),
            DASH if line.list_usd is None else usd_cell(line.list_usd, places),
            DASH if line.billed_quantity is None else number_cell(line.billed_quantity),
            clean(line.quantity_unit or ""),
            DASH if line.logged_quantity is None else number_cell(line.logged_quantity),
            count_cell(line.lines),
        )
        for line in shown
    )
    heads = columns("Line item", "Billed#$", "List#$", "Quantity billed#?", "Unit", "In the log#?", "Lines#?")
    note = rest_note(len(found.items) - len(shown), "smaller item")
    return Table("items", "Line items", heads, rows, note=note, empty="none", titled=False)


def _beside(found: Reconciliation, top_n: int) -> Section:
    """Charges that are no usage, and currencies."""
    blocks: list[Block] = []
    if found.others:
        rows = tuple(
            cells(
                f"{name(line.provider)}: {clean(line.line_item or line.category)}",
                clean(line.category),
                Cell(f"{number(line.amount)} {clean(line.currency)}", "", line.amount),
                usd_cell(line.usd, 2),
                count_cell(line.lines),
            )
            for line in found.others[:top_n]
        )
        heads = columns("Charge", "Category", "Amount#", "In dollars#$", "Lines#?")
        note = rest_note(len(found.others) - len(rows), "further charge")
        blocks.append(Table("others", "Charges that are no usage", heads, rows, note=note))
    if any(line.currency != "USD" for line in found.currencies):
        rows = tuple(
            cells(
                clean(line.currency),
                number_cell(line.amount),
                Cell("no rate", "muted")
                if line.usd_per_unit is None
                else Cell(plain(line.usd_per_unit), "", line.usd_per_unit),
                {"user": "given", "bill": "of the bill", "": ""}[line.rate_source],
                usd_cell(line.usd, 2),
            )
            for line in found.currencies
        )
        heads = columns("Currency", "Amount#", "Dollars for one#", "Rate", "In dollars#$")
        blocks.append(Table("currencies", "Currencies", heads, rows))
    return Section("beside", "Credits, taxes and currencies", tuple(blocks), short="Credits")


def _uncompared(found: Reconciliation, top_n: int) -> Section:
    if not found.left_out:
        return Section("left-out", "Not compared", ())
    rows = tuple(
        cells(
            f"{name(line.provider)}: {clean(line.what)}",
            usd_cell(line.amount_usd, 2)
            if line.amount_usd is not None or not line.currency
            else Cell(f"{number(line.amount or Decimal(0))} {clean(line.currency)}", "", line.amount),
            count_cell(line.lines),
        )
        for line in found.left_out[:top_n]
    )
    heads = columns("What", "Amount#", "Lines or requests#")
    note = rest_note(len(found.left_out) - len(rows), "further line")
    return Section("left-out", "Not compared", (Table("left-out", "Not compared", heads, rows, note=note),))


def _method(found: Reconciliation) -> Section:
    agreed = percent(found.tolerance_share, 2)
    cause = f"A cause is named only where it is a sum: so priced, the usage costs the billed amount to {agreed} of it"
    lines = (
        f"A gap is what was billed less what the log's usage costs at list prices. {_WHERE}",
        f"{cause}, or to what the bill's own rounding can hide. {_ELSE}",
        "Credits, taxes, purchases and adjustments are no usage and belong to no gap.",
    )
    return Section("method", "How this was found", (Notes(lines),), short="Method")


OUTCOME = Kind("List against billed", Reconciliation, document)
