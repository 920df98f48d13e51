"""One month of LLM spend as a reader meets it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from llmcost.money import EXACT, ZERO, rounded
from llmcost.results import trust_tables
from llmcost.results.chart import Band, Bar, Bars, Line, Lines, Point, Series, Tone, Waterfall
from llmcost.results.document import Block, Document, Figure, Notes, Section, Table
from llmcost.results.forecast.model import Outlook
from llmcost.results.headline import period_text
from llmcost.results.monthly import ahead_tables, detail_tables, tables, window_tables
from llmcost.results.monthly.findings import budget_name, budget_text
from llmcost.results.monthly.model import Effects, Headline, Monthly, Spend
from llmcost.results.outcome import Kind
from llmcost.results.present import UNKNOWN, clean, counted, money, name, percent, places_of, running, tiny
from llmcost.results.whatif.panel import panel

_SHOWN = 62
"""Known days before the forecast that its chart shows."""


def document(found: Monthly, top_n: int = 10, title: str = "") -> Document:
    """The report; ``top_n`` lines of each list, the rest in one line that says so."""
    return Document(
        title=clean(title or found.title) or f"LLM spend in {found.headline.this.month}",
        subtitle=_subtitle(found),
        sentence=_sentence(found),
        caveats=tuple(_caveats(found)),
        figures=tuple(_figures(found)),
        sections=tuple(section for section in _sections(found, top_n) if section.blocks),
        warnings=tuple(clean(warning) for warning in found.warnings),
        footer=f"{clean(found.generated_with)} · {trust_tables.prices_text(found.prices)}",
        cubes=tables.cube(found.cells),
        panel=panel(found.what_if, found.period, before="coverage"),
    )


def _subtitle(found: Monthly) -> str:
    sources = ", ".join(clean(source) for source in found.sources[:3])
    more = f" and {len(found.sources) - 3} more" if len(found.sources) > 3 else ""
    parts = (period_text(found.period), counted(found.headline.this.requests, "request"), f"{sources}{more}")
    return " · ".join(part for part in parts if part)


def _places(head: Headline) -> int:
    return places_of([head.this.cost_usd, head.last.cost_usd])


def _sentence(found: Monthly) -> str:
    head = found.headline
    if head.this.cost_usd is None:
        return f"What {head.this.month} cost is unknown: nothing in its log has a price."
    text = f"{head.this.month} cost {money(head.this.cost_usd, _places(head))}{'' if head.complete else ' so far'}"
    if head.change_usd is not None:
        text += f", {_against(head)}"
    if found.total_change is not None and head.change_usd:
        text += f": {_parts(found.total_change, _places(head))}"
    largest = next((f for f in found.findings if f.amount_usd), None)
    return f"{text}. The largest single thing: {clean(largest.text)}." if largest else f"{text}."


def _parts(change: Effects, places: int) -> str:
    """What the change is made of, in the order of the waterfall and rounded like it."""
    named = {
        "volume": change.volume_usd, "mix": change.mix_usd, "tokens a call": change.tokens_usd, "price": change.price_usd,
    }  # fmt: skip
    shown = running(list(named.values()), places, change.last_usd)
    texts = [
        (word, value, tiny(value, amount, places)) for (word, value), amount in zip(named.items(), shown, strict=True)
    ]
    return ", ".join(f"{word} {'+' if value > 0 else ''}{text}" for word, value, text in texts if value)


def _against(head: Headline) -> str:
    change = head.change_usd or ZERO
    if not change:
        return f"the same as {head.last.month}"
    share = f" ({percent(abs(head.change_share))})" if head.change_share is not None else ""
    return f"{money(abs(change), _places(head))}{share} {'more' if change > 0 else 'less'} than {head.last.month}"


def _figures(found: Monthly) -> Iterator[Figure]:
    head, places = found.headline, _places(found.headline)
    cost = UNKNOWN if head.this.cost_usd is None else money(head.this.cost_usd, places)
    yield Figure(head.this.month, cost, counted(head.this.requests, "request"))
    if head.change_usd is not None:
        share = percent(head.change_share) if head.change_share is not None else "of nothing"
        sign = "+" if head.change_usd > 0 else ""
        tone: Tone = "loss" if head.change_usd > 0 else "saving"
        yield Figure(f"Against {head.last.month}", f"{sign}{money(head.change_usd, places)}", f"{sign}{share}", tone)
    for budget in head.budgets[:2]:
        left = budget.left
        detail = f"{budget_text(abs(left), budget)} {'left' if left >= 0 else 'over'}"
        label = f"Of budget {budget_name(budget)}".strip()
        yield Figure(label, percent(budget.spent_share), detail, "loss" if left < 0 else "")
    if found.caching and found.caching[0].cache_read_input_tokens:
        whole = found.caching[0]
        yield Figure("Cache hit rate", percent(whole.hit_share), f"{money(whole.net_saving_usd)} saved net")
    each = next((u for u in found.unit_costs if u.unit == "request"), None)
    if each is not None and each.each_usd is not None:
        yield Figure("Per request", money(each.each_usd), counted(each.count, "priced request"))


def _caveats(found: Monthly) -> Iterator[str]:
    head, coverage = found.headline, found.coverage
    if not head.complete and head.through is not None:
        same = ""
        if head.last_same_days_usd is not None:
            same = f"; {head.last.month} had cost {money(head.last_same_days_usd)} by that day"
        yield f"The log of {head.this.month} ends on {head.through.isoformat()}{same}."
    for month in (head.this, head.last):
        if month.unpriced_requests:
            share = (
                percent(rounded(Decimal(month.unpriced_requests) / month.requests, 12)) if month.requests else UNKNOWN
            )
            yield f"{counted(month.unpriced_requests, 'request')} ({share}) of {month.month} without a price: in no amount."
    if coverage.rejected:
        yield f"{counted(coverage.rejected, 'rejected record')} not counted."


def _sections(found: Monthly, top_n: int) -> Iterator[Section]:
    yield Section("findings", "What happened", (tables.findings_table(found.findings, top_n),))
    budgets: tuple[Table, ...] = (
        (tables.budgets_table(found.headline.budgets, top_n),) if found.headline.budgets else ()
    )
    if found.windows is not None:
        budgets += window_tables.tables(found.windows, top_n)
    yield Section("budgets", "Budgets", budgets)
    yield _change(found, top_n)
    time: tuple[Block, ...] = (*_days_chart(found), tables.days_table(found))
    yield Section("time", "Day by day", time if found.days else (), short="Days")
    yield Section("where", "Where the money goes", tuple(_where(found.spend, top_n)), short="Where it goes")
    yield Section("units", "Unit costs", (detail_tables.units_table(found.unit_costs),))
    yield Section("anomalies", "Anomalies", (detail_tables.anomalies_table(found.anomalies, top_n),))
    hidden: list[Block] = [*_hidden_chart(found), detail_tables.hidden_table(found.hidden)]
    if found.storms:
        hidden.append(detail_tables.storms_table(found.storms, top_n))
    hidden.append(detail_tables.unallocated_table(found.unallocated))
    yield Section("hidden", "Hidden costs", tuple(hidden), short="Hidden")
    saved: list[Block] = [detail_tables.caching_table(found.caching, top_n)]
    if found.routing is not None:
        saved.append(detail_tables.routing_table(found.routing, top_n))
    saved.append(detail_tables.efficiency_table(found.efficiency, top_n))
    yield Section("saved", "Caching, routing and tokens", tuple(saved), short="Caching")
    shown = tuple(t for place, s in enumerate(found.showback) for t in detail_tables.showback_tables(s, place, top_n))
    yield Section("showback", "Showback", shown)
    if found.forecast is not None:
        ahead: tuple[Block, ...] = (*_forecast_chart(found.forecast), ahead_tables.forecast_table(found.forecast))
        yield Section("forecast", "What comes", ahead, short="Forecast")
    if found.scenarios is not None:
        yield Section("scenarios", "Worth doing", (ahead_tables.scenarios_table(found.scenarios, top_n),))
    records = "Records and where their tokens come from: of all that was read; requests: of the month."
    trust: list[Block] = [
        replace(trust_tables.coverage_table(found.coverage), note=records),
        trust_tables.unpriced_table(found.coverage.unpriced),
        trust_tables.problems_table(found.problems),
    ]
    yield Section("coverage", "Coverage", tuple(trust))
    yield Section("method", "How this was found", (Notes(_METHOD),), short="Method")


def _where(spend: Sequence[Spend], top_n: int) -> Iterator[Block]:
    """A table for each dimension that tells calls apart; those of which all calls have one value share a line."""
    apart = [len(s.lines) > 1 for s in spend]
    notes = []
    for place, found in enumerate(spend):
        if apart[place] or not any(apart):
            yield tables.spend_table(found, place, top_n)
    if any(apart) and not all(apart):
        same = [s for s in spend if len(s.lines) == 1]
        told = ", ".join(f"{tables.titled(s.dimension)} {name(s.lines[0].value)}" for s in same)
        notes.append(f"The same for all calls: {told}.")
    if any(line.cost_usd and not line.requests for s in spend for line in s.lines):
        notes.append("Requests are what was asked for; calls that others cause (judges, checks, retries) only cost.")
    if notes:
        yield Notes(tuple(notes))


_METHOD = (
    "Every call is priced at its own day's rates; calls without a price are in no amount and are counted.",
    "The change is split in this order: volume at last month's mix, tokens and prices; mix (model, tier, region); tokens a call; price.",
    "Price is this month's tokens times the difference of the prices. The four sum to the change exactly.",
    "In a table by team, say, volume and mix are each team's own; in the table by model they are those of the whole.",
    "Parts of a prompt are laid out in the order tools, schema, system, examples, history, context; cached tokens cover the first.",
)


def _change(found: Monthly, top_n: int) -> Section:
    blocks: list[Block] = []
    if found.total_change is not None:
        blocks += [_waterfall(found), tables.change_table("change", "Model", found.change, top_n)]
    blocks.append(tables.prices_table(found.price_changes))
    blocks += tables.movers_tables(found.movers, top_n)
    return Section("change", "Why it changed", tuple(blocks), short="Change")


def _waterfall(found: Monthly) -> Waterfall:
    whole = found.total_change
    if whole is None:
        raise AssertionError("there is no change to draw")
    places = places_of([whole.last_usd, whole.this_usd])
    bars = [Bar(found.headline.last.month, ZERO, rounded(whole.last_usd, places), money(whole.last_usd, places))]
    at = whole.last_usd
    for label, step in (
        ("volume", whole.volume_usd), ("mix", whole.mix_usd), ("tokens a call", whole.tokens_usd), ("price", whole.price_usd),
    ):  # fmt: skip
        after = EXACT.add(at, step)
        low, high = rounded(at, places), rounded(after, places)
        tone: Tone = "loss" if high > low else "saving" if high < low else ""
        sign = "+" if high > low else ""
        bars.append(Bar(label, low, high, f"{sign}{money(high - low, places)}", tone))
        at = after
    bars.append(Bar(found.headline.this.month, ZERO, rounded(at, places), money(at, places)))
    label = "Why the cost changed: volume, mix, tokens a call and price; the numbers are in the table by model."
    return Waterfall("change-chart", label, "Why it changed", tuple(bars))


def _days_chart(found: Monthly) -> tuple[Lines, ...]:
    """Both months over the day of the month."""
    months: dict[str, list[Point]] = {}
    for day in found.days:
        if day.cost_usd is not None:
            text = f"{day.date.isoformat()}: {money(day.cost_usd)}"
            months.setdefault(f"{day.date:%Y-%m}", []).append(Point(Decimal(day.date.day), day.cost_usd, text))
    if not any(len(points) > 1 for points in months.values()):
        return ()
    this = found.headline.this.month
    lines = tuple(
        Line(month, tuple(points), dashed=month != this) for month, points in sorted(months.items(), reverse=True)
    )
    label = "Cost by day of the month, this month and last; the numbers are in the table by day."
    return (Lines("days-chart", label, "day of the month", lines),)


def _forecast_chart(outlook: Outlook) -> tuple[Lines, ...]:
    """Known days and those to come, with the band; a series and its end, as ``llmcost forecast`` draws it in full."""

    def point(day: date, value: Decimal) -> Point:
        return Point(day.isoformat(), value, f"{day.isoformat()}: {money(value)}")

    known = tuple(point(d.date, d.cost_usd) for d in outlook.history if d.cost_usd is not None and d.settled)[-_SHOWN:]
    ahead = tuple(point(d.date, d.cost_usd) for d in outlook.days)
    if len(known) < 2 or not ahead:
        return ()
    banded = [(d.date, d.range) for d in outlook.days if d.range]
    low, high = (tuple(point(day, getattr(r, part)) for day, r in banded) for part in ("p10_usd", "p90_usd"))
    bands = (Band("P10 to P90", low, high),) if banded else ()
    label = "Cost by day as known and as forecast; the numbers of the months are in the table below."
    lines = (Line("known", known), Line("forecast", ahead, dashed=True))
    return (Lines("forecast-chart", label, "day", lines, bands=bands, x_unit="date"),)


def _hidden_chart(found: Monthly) -> tuple[Bars, ...]:
    lines = [line for line in found.hidden if line.cost_usd]
    if not lines:
        return ()
    values = tuple(line.cost_usd for line in lines)
    series = Series("cost", values, tuple(money(value) for value in values))
    label = "Hidden costs; the numbers are in the table below."
    return (Bars("hidden-chart", label, tuple(name(line.what) for line in lines), (series,)),)


OUTCOME = Kind("A month of LLM spend", Monthly, document)
