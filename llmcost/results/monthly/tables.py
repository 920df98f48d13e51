"""The tables of the monthly report: what it cost, why it changed, where it hides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO, plain, rounded
from llmcost.results.cells import DASH, cells, change_cell, columns, count_cell, share_cell, usd_cell, usd_cells
from llmcost.results.document import Cell, Table
from llmcost.results.forecast.model import Outlook
from llmcost.results.monthly.findings import budget_name, budget_text
from llmcost.results.monthly.model import (
    Anomalies,
    Budget,
    CacheLine,
    Efficiency,
    Finding,
    Hidden,
    Monthly,
    Mover,
    Movers,
    PriceChange,
    Routing,
    Scenarios,
    Showback,
    Spend,
    SpendLine,
    Storm,
    Unallocated,
    UnitCost,
)
from llmcost.results.present import clean, name, number, places_of, rest_note, running
from llmcost.results.spend_tables import dimension_title

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
    note = rest_note(len(found) - len(shown), "smaller finding")
    heads = columns("What", "Amount#$", "How")
    return Table("findings", "What happened", heads, rows, note=note, empty="nothing stands out", titled=False)


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
    note = f"{gaps:,} calls without a price are in no amount. " if gaps else ""
    note += rest_note(len(found) - top_n, "budget that is less full")
    heads = columns("Budget", "Amount#", "Spent#", "Left#", "Spent share#%")
    return Table("budgets", "Budgets", heads, rows, note=note.strip(), titled=False)


def change_table(key: str, title: str, lines: Sequence[Mover], top_n: int, *, folded: bool = False) -> Table:
    """Four effects a line; what is shown sums to the change of the line and of the total."""
    shown = _cut(lines, top_n)
    places = places_of([*(line.this_usd for line in lines), *(line.last_usd for line in lines)])
    whole = _sum(shown)
    rows = tuple(_change_row(label(line.value, line.rest), line, places) for line in shown)
    total = _change_row("total", whole, places) if shown else None
    heads = columns(
        title or "Value",
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
        title or "Why it changed",
        heads,
        rows,
        total,
        empty="nothing to compare",
        folded=folded,
        titled=bool(title),
    )


def _change_row(text: str, line: Mover, places: int) -> tuple[Cell, ...]:
    steps = (line.volume_usd, line.mix_usd, line.tokens_usd, line.price_usd)
    # Running totals are rounded, so that the four shown effects sum to the shown change.
    at, shown = line.last_usd, []
    for step in steps:
        after = EXACT.add(at, step)
        shown.append(Cell(_signed(rounded(after, places) - rounded(at, places), places), "", step))
        at = after
    change = rounded(line.this_usd, places) - rounded(line.last_usd, places)
    told = Cell(_signed(change, places), change_cell(line.change_usd).tone, line.change_usd)
    return cells(text, usd_cell(line.last_usd, places), usd_cell(line.this_usd, places), told, *shown)


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
    by = f"By {title[:1].lower()}{title[1:]}" if title != "API key" else "By API key"
    return Table(f"by-{_key(found.dimension, place)}", by, heads, tuple(rows), total, folded=place >= _OPEN)


def _shown(values: Sequence[Decimal | None], places: int) -> list[Decimal | None]:
    """Amounts as a column shows them."""
    known = iter(running([value for value in values if value is not None], places))
    return [None if value is None else next(known) for value in values]


def _change_cell(line: SpendLine, now: Decimal | None, last: Decimal | None, places: int) -> Cell:
    """The difference of the two amounts as shown, with its exact value."""
    if line.cost_usd is None or line.last_usd is None or now is None or last is None:
        return change_cell(None)
    exact = EXACT.subtract(line.cost_usd, line.last_usd)
    return Cell(_signed(now - last, places), change_cell(exact).tone, exact)


def _known(values: Iterable[Decimal | None]) -> Decimal | None:
    found = [value for value in values if value is not None]
    return _add(found) if found else None


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


def _add(values: Iterable[Decimal]) -> Decimal:
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


def units_table(found: Sequence[UnitCost]) -> Table:
    """Cost per request, user, conversation, feature and success."""
    rows = tuple(
        cells(
            f"per {u.unit}",
            usd_cell(u.each_usd),
            DASH if u.last_each_usd is None else usd_cell(u.last_each_usd),
            count_cell(u.count),
            share_cell(u.covers),
            u.note,
        )
        for u in found
    )
    heads = columns("Cost", "This month#$", "Last month#$", "How many#", "Of the spend#%?", "Counted?")
    return Table("unit-costs", "Unit costs", heads, rows, empty="nothing is priced")


def hidden_table(found: Sequence[Hidden]) -> Table:
    """Hidden costs, each inside the total."""
    rows = tuple(
        cells(
            h.what,
            usd_cell(h.cost_usd),
            share_cell(h.share),
            DASH if h.last_usd is None else usd_cell(h.last_usd),
            DASH if h.tokens is None else count_cell(h.tokens),
            share_cell(rounded(Decimal(h.known_requests) / h.requests, 12) if h.requests else None),
            h.evidence,
            clean(h.note),
        )
        for h in found
    )
    heads = columns(
        "Inside the total", "Cost#$", "Share#%", "Last month#$?", "Tokens#t?", "Calls that say#%", "Known", "Remark?"
    )
    note = "At each call's own rates, cached tokens at the cached rate. The lines overlap and do not sum to the total."
    return Table("hidden", "Hidden costs", heads, rows, note=note)


def storms_table(found: Sequence[Storm], top_n: int) -> Table:
    """Retry storms."""
    rows = tuple(
        cells(
            name(s.feature),
            name(s.model),
            f"{s.first:%Y-%m-%d %H:%M:%S} to {s.last:%H:%M:%S} UTC",
            count_cell(s.attempts),
            count_cell(s.failed),
            count_cell(s.answered),
            usd_cell(s.wasted_usd),
        )
        for s in found[:top_n]
    )
    heads = columns("Feature", "Model", "When", "Attempts#", "Failed#", "Answered#?", "Wasted#$")
    return Table(
        "storms", "Retry storms", heads, rows, note=rest_note(len(found) - top_n, "smaller storm"), empty="none"
    )


def caching_table(found: Sequence[CacheLine], top_n: int) -> Table:
    """Hit rate and what caching saved."""
    rows = tuple(_cache_row(name(line.value), line) for line in found[1 : top_n + 1])
    total = _cache_row("total", found[0]) if found else None
    heads = columns(
        "Model",
        "Input tokens#t",
        "Cached#t?",
        "Hit rate#%",
        "Reads saved#$",
        "Writes cost#$?",
        "Net saved#$",
        "Unknown#r?",
    )
    note = "Against the same tokens uncached, at each call's own rates. Unknown: calls that do not say what was cached."
    return Table("caching", "Caching", heads, rows, total, note=note, empty="no call says what was cached")


def _cache_row(text: str, line: CacheLine) -> tuple[Cell, ...]:
    return cells(
        text,
        count_cell(line.input_tokens),
        count_cell(line.cache_read_input_tokens),
        share_cell(line.hit_share),
        usd_cell(line.read_saving_usd),
        usd_cell(line.write_premium_usd),
        change_cell(line.net_saving_usd, good=True),
        count_cell(line.unknown_requests),
    )


def routing_table(found: Routing, top_n: int) -> Table:
    """Routed calls against the original model."""
    rows = tuple(
        cells(
            clean(p.original),
            name(p.model),
            count_cell(p.requests),
            usd_cell(p.cost_usd),
            usd_cell(p.original_usd),
            change_cell(p.saving_usd, good=True),
        )
        for p in found.pairs[:top_n]
    )
    total = cells(
        "total", "", count_cell(found.requests), usd_cell(found.cost_usd), usd_cell(found.original_usd),
        change_cell(found.saving_usd, good=True),
    )  # fmt: skip
    heads = columns("Original model", "Answered by", "Calls#r", "Cost#$", "At the original#$", "Saved#$")
    left = found.requests - found.compared_requests
    note = f"{left:,} calls cannot be compared: a price is missing. " if left else ""
    note += f"Assumed: {'; '.join(clean(a) for a in found.assumptions)}." if found.assumptions else ""
    return Table("routing", "Routing", heads, rows, total, note=note.strip())


def efficiency_table(found: Sequence[Efficiency], top_n: int) -> Table:
    """How much answer the tokens gave."""
    rows = tuple(_efficiency_row(name(line.value), line) for line in found[1 : top_n + 1])
    total = _efficiency_row("total", found[0]) if found else None
    heads = columns(
        "Value", "Requests#r", "Input#t?", "Output#t?", "Output per input#", "Cached#%", "Per 1,000 output tokens#$"
    )
    return Table("efficiency", "Token efficiency", heads, rows, total, folded=True)


def _efficiency_row(text: str, line: Efficiency) -> tuple[Cell, ...]:
    ratio = DASH if line.output_per_input is None else Cell(number(line.output_per_input, 3), "", line.output_per_input)
    each = DASH if line.cost_per_1k_output_usd is None else usd_cell(line.cost_per_1k_output_usd)
    return cells(
        text,
        count_cell(line.requests),
        count_cell(line.input_tokens),
        count_cell(line.output_tokens),
        ratio,
        share_cell(line.cached_share),
        each,
    )


def unallocated_table(found: Sequence[Unallocated]) -> Table:
    """Spend without an owner."""
    rows = tuple(cells(u.what, usd_cell(u.cost_usd), share_cell(u.share), count_cell(u.requests)) for u in found)
    return Table("unallocated", "Unallocated", columns("Calls with", "Cost#$", "Share#%", "Requests#r"), rows)


def showback_tables(found: Showback, place: int, top_n: int) -> tuple[Table, ...]:
    """Who pays, and how shared costs were given out."""
    title, shown = titled(found.by), found.lines[:top_n] if len(found.lines) > top_n + 1 else found.lines
    places = places_of([found.total_usd])
    rows = [
        cells(name(x.owner), usd_cell(x.direct_usd, places), usd_cell(x.shared_usd, places), usd_cell(x.total_usd, places), share_cell(x.share), count_cell(x.requests))
        for x in shown
    ]  # fmt: skip
    rest = found.lines[len(shown) :]
    if rest:
        sums = [_add(getattr(line, part) for line in rest) for part in ("direct_usd", "shared_usd", "total_usd")]
        share = _add(line.share or ZERO for line in rest)
        calls = sum(line.requests for line in rest)
        rows.append(
            cells(f"other ({len(rest)})", *(usd_cell(s, places) for s in sums), share_cell(share), count_cell(calls))
        )
    rows.append(cells("not allocated", DASH, DASH, usd_cell(found.unallocated_usd, places), DASH, DASH))
    total = cells("total", "", "", usd_cell(found.total_usd, places), "", "")
    heads = columns(title, "Own#$", "Shared#$", "Total#$", "Share#%", "Requests#r?")
    tables = [Table(f"showback-{place}", f"By {title[:1].lower()}{title[1:]}", heads, tuple(rows), total)]
    if found.rules:
        ruled = tuple(
            cells(
                clean(r.name), clean(r.split), usd_cell(r.amount_usd, places), usd_cell(r.allocated_usd, places),
                DASH if r.requests is None else count_cell(r.requests),
            )
            for r in found.rules
        )  # fmt: skip
        heads = columns("Shared cost", "Split", "Amount#$", "Given out#$", "Requests#r?")
        tables.append(Table(f"rules-{place}", "Shared costs", heads, ruled))
    return tuple(tables)


def anomalies_table(found: Anomalies, top_n: int) -> Table:
    """Odd days, the narrowest that tells each; those that it explains stand in data formats."""
    roots = [a for a in found.found if a.part_of is None]
    shown = roots[:top_n]
    places = places_of(a.cost_usd for a in shown)
    rows = tuple(
        cells(
            f"{titled(a.dimension) if a.dimension != 'total' else 'Whole spend'}{' ' + name(a.value) if a.dimension != 'total' else ''}",
            a.start.isoformat() + (f" to {a.end.isoformat()}" if a.end != a.start else ""),
            usd_cell(a.cost_usd, places),
            usd_cell(a.expected_usd, places),
            change_cell(a.excess_usd, places),
            Cell(plain(a.score), "", a.score),
            count_cell(a.requests),
            _behind(a.behind)
            + (f"; price change of {', '.join(clean(c) for c in a.price_changes)}" if a.price_changes else ""),
        )
        for a in shown
    )
    heads = columns("Where", "Days", "Cost#$", "Usual#$", "Excess#$", "Score#?", "Requests#r?", "Behind it")
    empty = "no day stands out" if found.enough else "too few days to say what is usual: at least 7 before the last one"
    note = f"{found.method}. {rest_note(len(roots) - len(shown), 'smaller one')}".strip()
    return Table("anomalies", "Anomalies", heads, rows, note=note, empty=empty, titled=False)


def _behind(found: Iterable[object]) -> str:
    told = []
    for one in list(found)[:3]:
        dimension, value = getattr(one, "dimension", ""), getattr(one, "value", None)
        told.append(f"{titled(dimension)} {name(value)} {usd_cell(getattr(one, 'cost_usd', None)).text}")
    return ", ".join(told)


def scenarios_table(found: Scenarios, top_n: int) -> Table:
    """What would have saved money, largest first."""
    places = places_of(s.saving_usd for s in found.worth)
    rows = tuple(
        cells(
            name(s.name),
            usd_cell(s.saving_usd, places, tone="saving"),
            share_cell(s.saving_share),
            usd_cell(s.evidence.measured_usd, places),
            usd_cell(s.evidence.modelled_usd, places),
            usd_cell(s.evidence.assumed_usd, places),
            "not measured" if s.changes_answers else "same answers",
            clean(s.title),
        )
        for s in found.worth[:top_n]
    )
    heads = columns(
        "Scenario", "Saves#$", "Share#%", "Measured#$?", "Modelled#$?", "Assumed#$?", "Quality", "What it does?"
    )
    more = rest_note(len(found.worth) - top_n, "smaller saving")
    losing = (
        f"{len(found.losing)} would have cost as much or more: {', '.join(name(n) for n in found.losing)}."
        if found.losing
        else ""
    )
    idle = f"{len(found.idle)} have nothing to do in this log." if found.idle else ""
    note = " ".join(part for part in (more, losing, idle, "Each is replayed alone: savings do not add up.") if part)
    return Table("scenarios", "Worth doing", heads, rows, note=note, empty="no scenario saves anything", titled=False)


def forecast_table(found: Outlook) -> Table:
    """The coming months: what is known, what is to come, how sure it is, and when a budget is spent."""
    places = places_of(m.total_usd for m in found.months)
    budgets = any(m.breach for m in found.months)
    rows = []
    for month in found.months:
        band = (
            [DASH, DASH]
            if month.range is None
            else [usd_cell(month.range.p10_usd, places), usd_cell(month.range.p90_usd, places)]
        )
        held: list[str | Cell] = []
        if budgets:
            breach = month.breach
            on = (
                DASH
                if breach is None
                else "already"
                if breach.spent
                else breach.on.isoformat()
                if breach.on
                else "not in it"
            )
            held = [on, DASH if breach is None or breach.probability is None else share_cell(breach.probability)]
        amounts = (usd_cell(v, places) for v in (month.known_usd, month.forecast_usd, month.total_usd))
        rows.append(cells(month.month, *amounts, *band, *held))
    heads = columns(
        "Month", "Known#$?", "To come#$?", "Total#$", "P10#$", "P90#$", *(["Budget spent", "Probability#%?"] if budgets else [])
    )  # fmt: skip
    said = f"{clean(found.method)} from {found.settled_days:,} settled days"
    note = (
        f"Insufficient history: {clean(found.why)}; the run-rate, with no band."
        if found.why
        else f"{said}; llmcost forecast tells more."
    )
    return Table("forecast", "Forecast", heads, tuple(rows), note=note, titled=False)
