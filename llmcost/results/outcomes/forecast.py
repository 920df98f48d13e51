"""What a log will cost if it goes on: the sum first, how sure it is, when a budget is spent, and who forecast it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from llmcost.money import ZERO
from llmcost.results.cells import cells, columns, count_cell, number_cell, share_cell, usd_cell
from llmcost.results.chart import Band, Line, Lines, Point
from llmcost.results.document import Block, Cell, Document, Figure, Notes, Section, Table
from llmcost.results.forecast.model import Breach, BudgetBreach, Forecast, Interval, MonthForecast, Outlook
from llmcost.results.headline import period_text
from llmcost.results.outcome import Kind
from llmcost.results.present import UNKNOWN, clean, counted, money, name, number, percent, places_of, rest_note
from llmcost.results.spend_tables import dimension_title
from llmcost.results.trust_tables import prices_text

_SHOWN_DAYS = 120
"""Days of history that the chart shows before the forecast; the table has all."""


def document(found: Forecast, top_n: int = 10, title: str = "") -> Document:
    """``found`` as a reader meets it."""
    outlook = found.outlook
    days = f"{_day(outlook.days[0].date)} to {_day(outlook.days[-1].date)}"
    return Document(
        title=clean(title or found.title) or "What the LLM calls will cost",
        subtitle=f"{days} · from {counted(outlook.settled_days, 'settled day')} · log: {period_text(found.period)}",
        sentence=" ".join(_sentences(found)),
        caveats=tuple(_caveats(found)),
        figures=tuple(_figures(outlook)),
        sections=tuple(_sections(found, top_n)),
        warnings=tuple(clean(warning) for warning in found.warnings),
        footer=f"{clean(found.generated_with)} · {prices_text(found.prices)} · seed {found.seed}",
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _span(interval: Interval) -> str:
    places = places_of((interval.p10_usd, interval.p90_usd))
    return f"{money(interval.p10_usd, places)} to {money(interval.p90_usd, places)}"


def _sentences(found: Forecast) -> Iterator[str]:
    outlook, first = found.outlook, found.outlook.months[0]
    name_of = _month(first)
    if outlook.status == "insufficient-history":
        yield f"Insufficient history: {outlook.why}."
        yield f"At the run-rate of {money(outlook.run_rate_usd)} a day {name_of} would come to {money(first.total_usd)}; how wrong that is nobody can say yet."
    else:
        yield f"If the log goes on, {name_of} will come to about {money(first.total_usd)}" + (
            f", and in eight of ten cases to {_span(first.range)}."
            if first.range
            else "; the log is too short for a band."
        )
    if len(outlook.months) > 1:
        yield f"All {counted(len(outlook.days), 'day')} to come: about {money(outlook.total_usd)}."
    for month in outlook.months:
        if month.breach is not None:
            yield _breach_text(month, month.breach)
    if found.budgets:
        yield _budget_sentence(found.budgets)


def _named(month: str) -> str:
    year, number_of = month.split("-")
    return f"{date(int(year), int(number_of), 1):%B %Y}"


def _month(month: MonthForecast) -> str:
    text = _named(month.month)
    return text if month.complete else f"{text} (up to the forecast's end)"


def _budget_sentence(lines: Sequence[BudgetBreach]) -> str:
    spent = [line for line in lines if line.spent]
    coming = sorted((line for line in lines if line.on), key=lambda line: line.on or date.max)
    said = f"Of {counted(len(lines), 'monthly budget')}"
    if not spent and not coming:
        return f"{said} none would be passed."
    parts = [f"{len(spent):,} passed already"] if spent else []
    if coming:
        first = coming[0]
        when = f"{_budget_label(first)} on {_day(first.on)}" if first.on else ""
        parts.append(f"{len(coming):,} would be passed, first {when}")
    return f"{said}: {' and '.join(parts)}."


def _breach_text(month: MonthForecast, breach: Breach) -> str:
    budget = money(breach.budget_usd)
    if breach.spent:
        return f"The budget of {budget} for {_month(month)} is already spent."
    likely = "" if breach.probability is None else f" (probability {_probability(breach.probability)})"
    if breach.on is not None:
        early = f", in one case of ten by {_day(breach.early)}" if breach.early and breach.early < breach.on else ""
        return f"The budget of {budget} for {_month(month)} would be spent on {_day(breach.on)}{early}{likely}."
    return f"The budget of {budget} for {_month(month)} would not be spent{likely.replace('probability', 'probability that it is')}."


def _probability(value: Decimal) -> str:
    """2000 paths from a few dozen errors know no 0 % and no 100 %."""
    return "under 1%" if value < Decimal("0.01") else "over 99%" if value > Decimal("0.99") else percent(value, 0)


def _caveats(found: Forecast) -> Iterator[str]:
    outlook = found.outlook
    if outlook.gaps:
        yield f"{counted(outlook.gaps, 'day')} inside the log {_have(outlook.gaps)} no row: unknown, and not taken as zero (--gaps zero)."
    for month in outlook.months:
        if month.unknown_days:
            yield f"{counted(month.unknown_days, 'day')} of {_month(month)} {_have(month.unknown_days)} no known cost; the total leaves {'it' if month.unknown_days == 1 else 'them'} out."
    if found.unpriced_requests:
        yield f"{counted(found.unpriced_requests, 'request')} of the log {_have(found.unpriced_requests)} no price and are in no amount."
    yield from (clean(note) + "." for note in outlook.notes)


def _have(many: int) -> str:
    return "has" if many == 1 else "have"


def _figures(outlook: Outlook) -> Iterator[Figure]:
    first = outlook.months[0]
    yield Figure(
        _month(first), money(first.total_usd), f"{money(first.known_usd)} known, {money(first.forecast_usd)} to come"
    )
    if first.range:
        yield Figure("P10 to P90", _span(first.range), "eight of ten cases")
    yield Figure("Run-rate a day", money(outlook.run_rate_usd), "mean of the last 7 known days")
    chosen = next((s for s in outlook.backtest.scores if s.chosen), None) if outlook.backtest else None
    if chosen is not None:
        yield Figure(
            "Expected error",
            percent(chosen.total_error, 0),
            f"of what is to come, as one sum; {percent(chosen.wape, 0)} day by day ({chosen.title})",
        )
    if first.breach is not None and not first.breach.spent:
        breach = first.breach
        said = "unknown" if breach.probability is None else _probability(breach.probability)
        on = _day(breach.on) if breach.on else "not in this month"
        yield Figure("Budget spent", on, f"probability {said}", "loss" if breach.on else "")


def _sections(found: Forecast, top_n: int) -> Iterator[Section]:
    outlook = found.outlook
    yield Section("months", "By month", (_months(outlook),), short="Months")
    if found.budgets:
        yield Section("budgets", "Budgets", (_budgets(found.budgets, top_n),))
    yield Section("days", "By day", (_chart(outlook), _days(outlook), _history(outlook)), short="Days")
    if found.by and found.parts:
        yield Section("parts", f"By {dimension_title(found.by)}", (_parts(found, top_n),))
    if found.price_changes:
        yield Section("prices", "Price changes already known", (_prices(found),), short="Prices")
    yield Section("method", "How it is known", tuple(_method(found)), short="Method")


def _interval_cells(interval: Interval | None, places: int) -> tuple[Cell, Cell, Cell]:
    if interval is None:
        return usd_cell(None), usd_cell(None), usd_cell(None)
    return usd_cell(interval.p10_usd, places), usd_cell(interval.p50_usd, places), usd_cell(interval.p90_usd, places)


def _months(outlook: Outlook) -> Table:
    places = places_of(m.total_usd for m in outlook.months)
    budgets = any(m.breach for m in outlook.months)
    titles = ("Month", "Known#$", "To come#$", "Total#$", "P10#$", "P50#$?", "P90#$")
    more = ("Budget#$", "Spent on", "Probability#%") if budgets else ()
    rows = tuple(
        cells(
            _month(m), usd_cell(m.known_usd, places), usd_cell(m.forecast_usd, places), usd_cell(m.total_usd, places),
            *_interval_cells(m.range, places), *(_breach_cells(m.breach, places) if budgets else ()),
        )
        for m in outlook.months
    )  # fmt: skip
    note = "P10 to P90: eight of ten cases lie between them, as the errors of the backtest go."
    return Table("months", "By month", columns(*titles, *more), rows, note=note, titled=False)


def _breach_cells(breach: Breach | None, places: int) -> tuple[Cell | str, ...]:
    if breach is None:
        return "", "", ""
    on = "already" if breach.spent else breach.on.isoformat() if breach.on else "–"
    known = breach.probability
    return (
        usd_cell(breach.budget_usd, places),
        on,
        share_cell(None) if known is None else Cell(_probability(known), "", known),
    )


def _budget_label(line: BudgetBreach) -> str:
    owner = ", ".join(f"{key} {value}" for key, value in line.owner.items())
    return clean(f"{line.budget} ({owner})" if owner else line.budget)


def _budget_cell(value: Decimal | None, line: BudgetBreach) -> Cell:
    if value is None:
        return Cell(UNKNOWN, "muted")
    return Cell(money(value) if line.unit == "USD" else f"{number(value, 0)} tokens", "", value)


def _budgets(lines: Sequence[BudgetBreach], top_n: int) -> Table:
    """Each budget of the file with the day it is spent, those that are passed first."""
    ordered = sorted(lines, key=lambda line: (not line.spent, line.on is None, line.on or date.max))
    rows = tuple(
        cells(
            Cell(_budget_label(line), "loss" if line.spent or line.on else ""), _named(line.month), _budget_cell(line.amount, line),
            _budget_cell(line.known, line), _budget_cell(line.total, line), _budget_cell(line.p10, line), _budget_cell(line.p90, line),
            "already" if line.spent else line.on.isoformat() if line.on else "–",
            share_cell(None) if line.probability is None else Cell(_probability(line.probability), "", line.probability),
            line.early.isoformat() if line.early else "–", line.late.isoformat() if line.late else "–",
        )
        for line in ordered[:top_n]
    )  # fmt: skip
    few = sum(line.status == "insufficient-history" for line in lines)
    note = "Each budget's own calls, continued like the whole; a month's known days are exact. "
    note += "Early and late: in one case of ten. " if any(line.early or line.late for line in lines) else ""
    note += f"{counted(few, 'line')} at the run-rate: insufficient history. " if few else ""
    note += (
        "Months that the forecast does not reach the end of count to its last day. "
        if not all(n.complete for n in lines)
        else ""
    )
    note += rest_note(len(lines) - len(rows), "further line")
    heads = columns(
        "Budget",
        "Month",
        "Amount#",
        "Known#?",
        "Total#",
        "P10#?",
        "P90#?",
        "Spent on",
        "Probability#%",
        "Early?",
        "Late?",
    )
    return Table("budgets", "Budgets", heads, rows, note=note.strip(), titled=False)


def _chart(outlook: Outlook) -> Lines:
    def point(day: date, value: Decimal) -> Point:
        return Point(day.isoformat(), value, f"{day.isoformat()}: {money(value)}")

    shown = [day for day in outlook.history if day.cost_usd is not None and day.settled][-_SHOWN_DAYS:]
    known = tuple(point(day.date, day.cost_usd or ZERO) for day in shown)
    ahead = tuple(point(day.date, day.cost_usd) for day in outlook.days)
    banded = [(day.date, day.range) for day in outlook.days if day.range]
    bands = (
        (
            Band(
                "P10 to P90",
                tuple(point(d, r.p10_usd) for d, r in banded),
                tuple(point(d, r.p90_usd) for d, r in banded),
            ),
        )
        if banded
        else ()
    )
    label = "Cost by day as known and as forecast, with the band from P10 to P90; the numbers are in the tables by day."
    lines = (Line("known", known), Line("forecast", ahead, dashed=True))
    return Lines("forecast", label, "day", lines, bands=bands, x_unit="date")


def _days(outlook: Outlook) -> Table:
    places = places_of(day.cost_usd for day in outlook.days)
    heads = columns("Day", "Forecast#$", "P10#$", "P50#$?", "P90#$", "Prices#?")
    rows = tuple(
        cells(
            day.date.isoformat(), usd_cell(day.cost_usd, places), *_interval_cells(day.range, places),
            number_cell(day.price_factor),
        )
        for day in outlook.days
    )  # fmt: skip
    total = cells("total", usd_cell(outlook.total_usd, places), *_interval_cells(outlook.range, places), "")
    note = f"Forecast amounts are rounded to {money(outlook.rounded_to)}: the third digit of a day's cost."
    return Table("days", "Days to come", heads, rows, total, note=note, folded=True, long=True)


def _history(outlook: Outlook) -> Table:
    places = places_of(day.cost_usd for day in outlook.history)
    rows = tuple(
        cells(day.date.isoformat(), usd_cell(day.cost_usd, places), "settled" if day.settled else "left out")
        for day in outlook.history
    )
    return Table("history", "Days of the log", columns("Day", "Cost#$", "State"), rows, folded=True, long=True)


def _parts(found: Forecast, top_n: int) -> Table:
    del top_n  # the parts sum to the total, so all are shown
    places = places_of([found.outlook.total_usd])
    rows = tuple(cells(name(p.value), share_cell(p.share), usd_cell(p.forecast_usd, places)) for p in found.parts)
    total = cells("total", "", usd_cell(found.outlook.total_usd, places))
    title = dimension_title(found.by or "")
    note = f"The forecast of the whole, shared out as the last {counted(found.parts_days, 'settled day')} were."
    return Table(
        "parts",
        f"By {title}",
        columns(title[:1].upper() + title[1:], "Share#%", "To come#$"),
        rows,
        total,
        note=note,
        titled=False,
    )


def _prices(found: Forecast) -> Table:
    rows = tuple(
        cells(change.on.isoformat(), Cell(f"x {number(change.factor, 4)}", "", change.factor))
        for change in found.price_changes
    )
    note = "The last weeks' requests replayed at that day's prices / at those of the log's end."
    return Table("prices", "Price changes", columns("From", "Cost#"), rows, note=note, titled=False)


def _method(found: Forecast) -> Iterator[Block]:
    outlook = found.outlook
    tested = outlook.backtest
    if tested is not None:
        rows = tuple(
            cells(
                clean(s.title), share_cell(s.wape), share_cell(s.mape), share_cell(s.total_error), share_cell(s.bias, signed=True),
                "chosen" if s.chosen else "",
            )
            for s in tested.scores
        )  # fmt: skip
        note = (
            f"{counted(tested.forecasts, 'forecast')} made at earlier days of this log, up to {counted(tested.most_days, 'day')} ahead. "
            "WAPE: errors of the days / their costs; MAPE: the mean of each day's; sum: errors of the sums."
        )
        yield Table(
            "backtest", "Backtest", columns("Method", "WAPE#%", "MAPE#%?", "Sum#%", "Bias#%?", "Used"), rows, note=note
        )
    yield Notes(tuple(_rules(found)))


def _rules(found: Forecast) -> Iterator[str]:
    outlook = found.outlook
    yield f"Settled days: {clean(outlook.rule)}. The last one is {outlook.last_settled.isoformat()}."
    yield f"Days in {clean(found.period.timezone)}; gaps: {count_cell(outlook.gaps).text}."
    if found.growth is not None:
        yield f"Growth: {percent(found.growth)} a month, as given."


OUTCOME = Kind("What the log will cost", Forecast, document)
