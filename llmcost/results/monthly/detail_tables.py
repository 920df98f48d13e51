"""The tables of the monthly report behind its headline: units, hidden costs, caching, routing, anomalies, who pays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from llmcost.money import EXACT, ZERO, plain, rounded
from llmcost.results.cells import DASH, cells, change_cell, columns, count_cell, share_cell, usd_cell
from llmcost.results.document import Cell, Table
from llmcost.results.monthly.model import (
    Anomalies,
    Behind,
    CacheLine,
    Efficiency,
    Hidden,
    Routing,
    Showback,
    Storm,
    Unallocated,
    UnitCost,
)
from llmcost.results.monthly.tables import added, titled
from llmcost.results.present import apportioned, clean, counted, name, number, places_of, rest_note, tiny


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
        "Inside the total", "Cost#$", "Share#%", "Last month#$?", "Tokens#t?", "Of calls known#%", "Evidence", "Remark?"
    )
    note = (
        "At each call's own rates, cached tokens at the cached rate. The lines overlap and do not sum to the total. "
        "Of calls known: the share of the month's calls whose log says it."
    )
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
    note = f"{counted(left, 'call')} not compared: a price is missing. " if left else ""
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
    rest = found.lines[len(shown) :]
    lines = [(name(x.owner), x.direct_usd, x.shared_usd, x.share, x.requests) for x in shown]
    if rest:
        own, given = (added(getattr(line, part) for line in rest) for part in ("direct_usd", "shared_usd"))
        share = added(line.share or ZERO for line in rest)
        lines.append((f"other ({len(rest)})", own, given, share, sum(line.requests for line in rest)))
    totals = apportioned([*(EXACT.add(own, given) for _, own, given, *_ in lines), found.unallocated_usd], places)
    rows = [
        cells(label, *_own_and_shared(own, given, total, places), share_cell(share), count_cell(calls))
        for (label, own, given, share, calls), total in zip(lines, totals, strict=False)
    ]
    left = Cell(tiny(found.unallocated_usd, totals[-1], places), "", found.unallocated_usd)
    rows.append(cells("not allocated", DASH, DASH, left, DASH, DASH))
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


def _own_and_shared(own: Decimal, given: Decimal, total: Decimal, places: int) -> tuple[Cell, Cell, Cell]:
    """What is shown as own and shared sums to the total that is shown."""
    mine = min(rounded(own, places), total) if own <= EXACT.add(own, given) else rounded(own, places)
    return (
        Cell(tiny(own, mine, places), "", own),
        Cell(tiny(given, total - mine, places), "", given),
        Cell(tiny(EXACT.add(own, given), total, places), "", EXACT.add(own, given)),
    )


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
            + (f"; in part the new price of {', '.join(clean(c) for c in a.price_changes)}" if a.price_changes else ""),
        )
        for a in shown
    )
    heads = columns("Where", "Days", "Cost#$", "Usual#$", "Excess#$", "Score#?", "Requests#r?", "Behind it")
    empty = "no day stands out" if found.enough else "too few days to say what is usual: at least 7 before the last one"
    note = f"{found.method}. {rest_note(len(roots) - len(shown), 'smaller one')}".strip()
    return Table("anomalies", "Anomalies", heads, rows, note=note, empty=empty, titled=False)


def _behind(found: Iterable[Behind]) -> str:
    """Who the day's calls were of; what names nobody is nobody behind it."""
    named = [one for one in found if one.value is not None]
    return ", ".join(f"{titled(one.dimension)} {name(one.value)} {usd_cell(one.cost_usd).text}" for one in named[:3])
