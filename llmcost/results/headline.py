"""The words at the top of a report: period, headline figures, one sentence and what to keep in mind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from llmcost.money import rounded, usd
from llmcost.results.chart import Tone
from llmcost.results.document import Figure
from llmcost.results.model import Period, Result, Scenario
from llmcost.results.present import (
    EVIDENCE,
    UNKNOWN,
    best,
    clean,
    counted,
    evidence_of,
    money,
    name,
    number,
    percent,
    places_of,
    shown_saving,
    tiny,
)
from llmcost.results.range_tables import caveat, monthly_span

_MONTHS: Final = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def result_places(result: Result) -> int:
    """Decimals that all totals of ``result`` are shown with."""
    return places_of([result.baseline.cost_usd, *(s.cost_usd for s in result.scenarios)])


def period_text(period: Period) -> str:
    """The period in words, in its own time zone: ``1 to 31 October 2026, UTC``."""
    if period.start is None or period.end is None:
        return "no period: the log has no times"
    zone = _zone(period.timezone)
    start, end = period.start.astimezone(zone), period.end.astimezone(zone)
    label = clean(period.timezone) if zone is not UTC else "UTC"
    if _midnight(start) and _midnight(end):
        last = end - timedelta(days=1)
        return f"{_days_text(start, last)}, {label}"
    return f"{_day(start)} {start:%H:%M} to {_day(end)} {end:%H:%M}, {label}"


def _zone(zone: str) -> tzinfo:
    try:
        return UTC if zone == "UTC" else ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _midnight(instant: datetime) -> bool:
    return (instant.hour, instant.minute) == (0, 0)


def _day(instant: datetime) -> str:
    return f"{instant.day} {_MONTHS[instant.month - 1]} {instant.year}"


def _days_text(start: datetime, last: datetime) -> str:
    if start.date() == last.date():
        return _day(start)
    if (start.year, start.month) == (last.year, last.month):
        return f"{start.day} to {_day(last)}"
    first = f"{start.day} {_MONTHS[start.month - 1]}" if start.year == last.year else _day(start)
    return f"{first} to {_day(last)}"


def subtitle(result: Result) -> str:
    """Period, length, number of requests and sources in one line."""
    days = result.period.days
    length = f"{number(days)} {'day' if days == 1 else 'days'}" if days is not None else ""
    names = [clean(source) for source in result.sources]
    sources = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    parts = [period_text(result.period), length, counted(result.coverage.requests, "request"), sources]
    return " · ".join(part for part in parts if part)


def figures(result: Result) -> tuple[Figure, ...]:
    """Baseline, best scenario and saving; without a scenario, baseline, cost per request and priced share."""
    places, baseline = result_places(result), result.baseline
    if _nothing_priced(result):
        return (Figure("Baseline", UNKNOWN, "nothing in the log has a price"), _priced(result))
    first = Figure("Baseline", money(baseline.cost_usd, places), _monthly(baseline.monthly_cost_usd, result.period))
    chosen = best(result.scenarios)
    if chosen is None:
        return (first, _per_request(result), _priced(result))
    saving = shown_saving(chosen, places)
    tone: Tone = "loss" if chosen.saving_usd < 0 else "saving"
    share = percent(chosen.saving_share) if chosen.saving_share is not None else "share unknown"
    return (
        first,
        Figure(_best_label(chosen), money(chosen.cost_usd, places), name(chosen.name)),
        Figure(
            "Saving" if chosen.saving_usd >= 0 else "Loss",
            tiny(chosen.saving_usd, saving, places),
            f"{share} · {_monthly(chosen.monthly_saving_usd, result.period)}{monthly_span(chosen)}",
            tone if chosen.saving_usd else "",
        ),
    )


def _nothing_priced(result: Result) -> bool:
    """Whether every row that would cost something has no price: then zero is not the cost, nobody knows it."""
    coverage = result.coverage
    return bool(coverage.unpriced) and not coverage.priced_requests and not result.baseline.cost_usd


def _best_label(chosen: Scenario) -> str:
    return "Best scenario" if chosen.saving_usd > 0 else "Least costly scenario"


def _monthly(amount: Decimal | None, period: Period) -> str:
    if amount is None:
        return "per month unknown"
    return f"{money(amount, places_of([amount]))} a month{' (assumed)' if period.extrapolated else ''}"


def _per_request(result: Result) -> Figure:
    priced = result.coverage.priced_requests
    each = usd(result.baseline.cost_usd / priced) if priced else UNKNOWN
    return Figure("Per request", each, counted(priced, "priced request"))


def _priced(result: Result) -> Figure:
    coverage = result.coverage
    return Figure("Priced", percent(coverage.priced_share), counted(coverage.requests, "request"))


def sentence(result: Result) -> str:
    """The result in words that can be sent on."""
    coverage, places = result.coverage, result_places(result)
    if not coverage.requests and not result.baseline.rows:
        return "There is nothing to price: the selection holds no requests."
    if _nothing_priced(result):
        return f"What {counted(coverage.requests, 'request')} cost is unknown: nothing in the log has a price."
    cost = money(result.baseline.cost_usd, places)
    when = "" if result.period.start is None else f" ({period_text(result.period)})"
    opening = f"{counted(coverage.priced_requests, 'priced request')} cost {cost}{when}."
    return f"{opening} {_verdict(result, places)}"


def _verdict(result: Result, places: int) -> str:
    chosen = best(result.scenarios)
    if chosen is None and result.scenarios:
        return "No scenario can be compared with the log: no request has a price before and after it."
    if chosen is None:
        return "No scenario was replayed."
    saving, cost = shown_saving(chosen, places), money(chosen.cost_usd, places)
    amount = tiny(abs(chosen.saving_usd), abs(saving), places)
    if chosen.saving_usd == 0:
        return f"No scenario saves anything; “{name(chosen.name)}” would have cost the same."
    if chosen.saving_usd < 0:
        return f"No scenario saves anything: the least costly, “{name(chosen.name)}”, would have lost {amount}."
    share = f" ({percent(chosen.saving_share)})" if chosen.saving_share is not None else ""
    text = f"“{name(chosen.name)}” would have cost {cost}, a saving of {amount}{share}"
    if chosen.monthly_saving_usd is not None:
        text += f" or {_monthly(chosen.monthly_saving_usd, result.period)}{monthly_span(chosen, told=True)}"
    return f"{text}. {_how_known(chosen)}".rstrip()


def _how_known(scenario: Scenario) -> str:
    """The share of each kind of evidence; said only where shares have a meaning (no part is a loss)."""
    parts = list(zip(EVIDENCE, evidence_of(scenario), strict=True))
    if scenario.saving_usd <= 0 or any(value < 0 for _, value in parts):
        return ""
    shares = [f"{percent(rounded(v / scenario.saving_usd, 12), 0)} {kind}" for kind, v in parts if v]
    return f"Of this saving, {_listed(shares)}." if shares else ""


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def caveats(result: Result) -> tuple[str, ...]:
    """What every total leaves out or does not know, one line each."""
    coverage = result.coverage
    missing = coverage.requests - coverage.priced_requests
    lines = []
    if missing:
        share = f" ({percent(rounded(Decimal(missing) / coverage.requests, 12))})" if coverage.requests else ""
        lines.append(f"{counted(missing, 'request')}{share} without a price {_is(missing)} left out of every total.")
    if coverage.rejected:
        lines.append(f"{counted(coverage.rejected, 'rejected record')} {_is(coverage.rejected)} not counted.")
    if result.period.start is None and result.baseline.rows:
        lines.append("The log has no times: there is no monthly figure and no series.")
    unmeasured = [name(s.name) for s in result.scenarios if s.quality is None and s.changes_answers]
    if unmeasured:
        which = ", ".join(unmeasured[:3]) + (f" and {len(unmeasured) - 3} more" if len(unmeasured) > 3 else "")
        lines.append(
            f"Quality not measured for {which}: the saving says nothing about whether the answers stay as good."
        )
    lines += [told for told in map(caveat, result.scenarios) if told]
    return tuple(lines)


def _is(number_of: int) -> str:
    return "is" if number_of == 1 else "are"
