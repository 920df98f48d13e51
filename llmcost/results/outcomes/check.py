"""The gate: the verdict, every limit with what it was held to, and what the projection stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from llmcost.results.budget.check_model import Check, Finding
from llmcost.results.budget.verdict import label
from llmcost.results.cells import DASH, cells, change_cell, columns, count_cell
from llmcost.results.document import Cell, Document, Figure, Notes, Section, Table
from llmcost.results.headline import period_text
from llmcost.results.outcome import Kind, Level, Remark
from llmcost.results.present import UNKNOWN, clean, counted, money, number, percent, places_of, rest_note
from llmcost.results.trust_tables import prices_text

_MEASURES: Final = {
    "monthly": "cost a month", "increase": "increase a month", "increase_percent": "increase", "tokens": "tokens a month",
    "per_request": "cost per request", "per_success": "cost per success",
}  # fmt: skip
_STATES: Final = {"pass": "held", "warn": "warning", "block": "BLOCKS", "not evaluated": "not evaluated"}
_LEVELS: Final[dict[str, Level]] = {"pass": "notice", "warn": "warning", "block": "error", "not evaluated": "skipped"}
_MORE_DIGITS: Final = 9
"""Digits at most by which an amount is longer than usual, to differ from a limit that it is above or below."""
_NEWS: Final = {"": "", "new": "new", "rises": "passed before, and rises", "old": "passed before already"}


def document(found: Check, top_n: int = 10, title: str = "") -> Document:
    """``found`` in words and tables; ``top_n`` limits of those that hold, and all that do not."""
    told = [line for line in found.findings if line.state != "pass"]
    held = [line for line in found.findings if line.state == "pass"]
    sections = [Section("limits", "Limits", (_table("limits", "Limits", told, "every limit holds"),))] if told else []
    if held:
        note = rest_note(len(held) - top_n, "further limit")
        table = _table("held", "Limits that hold", held[:top_n], "", note)
        sections.append(Section("held", "Limits that hold", (table,), folded=bool(told)))
    sections.append(Section("basis", "What the projection stands on", (_basis(found),), folded=True))
    if found.gaps:
        sections.append(Section("gaps", "Left out", (Notes(tuple(clean(gap) for gap in found.gaps)),)))
    return Document(
        title=clean(title or found.title) or "Budget check",
        subtitle=" · ".join(part for part in (f"{clean(found.budget_file)}", period_text(found.period)) if part),
        sentence=sentence(found),
        caveats=tuple(_caveats(found)),
        figures=_figures(found),
        sections=tuple(sections),
        warnings=tuple(clean(warning) for warning in found.warnings),
        footer=f"{clean(found.generated_with)} · {prices_text(found.prices)}",
    )


def sentence(found: Check) -> str:
    """The verdict and the money in one line."""
    said = f"{found.verdict}: {clean(found.reason)}. {_money(found)}"
    return said if found.after_usd is None else f"{said}{_ahead(found)} Basis: {basis(found)}."


def _ahead(found: Check) -> str:
    """What dated price changes are of the month, in a sentence."""
    amount = found.basis.prices_usd
    if not amount:
        return ""
    first = found.basis.price_changes[0].on
    return f" In it, prices that change from {first} on: {money(abs(amount))} {'more' if amount > 0 else 'less'}."


def basis(found: Check) -> str:
    """How a month was made of the log, in a few words."""
    if found.basis.kind == "run-rate":
        days = found.period.days
        return "run-rate" if days is None else f"run-rate of {counted_days(days)}"
    known = counted(found.basis.settled_days or 0, "settled day")
    return f"forecast from {known}, {number(found.basis.factor or Decimal(1), 4)} x the log's pace"


def counted_days(days: Decimal) -> str:
    """Days as a reader counts them."""
    return f"{number(days, 2)} day{'' if days == 1 else 's'}"


def _money(found: Check) -> str:
    if found.after_usd is None:
        return "What a month costs is not known."
    least = "at least " if found.unpriced_requests else ""
    if found.before_usd is None:
        return f"A month costs {least}{money(found.after_usd)} as the log is."
    change = found.after_usd - found.before_usd
    places = places_of([found.before_usd, found.after_usd])
    if not change:
        return f"A month costs {least}{money(found.after_usd, places)}, as before{_assumed(found)}."
    verb = "more" if change > 0 else "less"
    share = f", {percent(abs(change) / found.before_usd)}" if found.before_usd else ""
    return f"A month costs {money(abs(change), places)} {verb}{share}: {money(found.before_usd, places)} before, {money(found.after_usd, places)} after{_assumed(found)}."


def _assumed(found: Check) -> str:
    """What a month may cost if the change's ranged assumptions vary."""
    spread = found.assumed_range
    if spread is None:
        return ""
    places = places_of([spread.p10_usd, spread.p90_usd])
    return f" ({money(spread.p10_usd, places)} to {money(spread.p90_usd, places)} as its assumptions vary)"


def _caveats(found: Check) -> list[str]:
    lines = [f"The projection: {clean(found.traffic.note)}."] if found.traffic.note else []
    if found.assumed_range is not None:
        lines.append("Limits of single owners and of single calls are held at the modes of what the change assumes.")
    unpriced = [line for line in found.findings if line.unpriced_requests]
    if unpriced:
        lines.append("Requests without a price are in no cost: limits that hold may be passed.")
    return lines


def _figures(found: Check) -> tuple[Figure, ...]:
    places = places_of([found.before_usd, found.after_usd])
    tone = "loss" if found.verdict == "FAIL" else "saving" if found.verdict == "PASS" else ""
    figures = [Figure("Verdict", found.verdict, _judged(found), tone)]  # type: ignore[arg-type]  # one of Tone
    if found.before_usd is not None:
        figures.append(Figure("Before", money(found.before_usd, places), "a month"))
    detail = "a month"
    if found.basis.kind == "forecast":
        detail = f"a month, forecast from {found.basis.first_day} on"
    if found.range is not None:
        detail = f"{detail}; {money(found.range.p10_usd, places)} to {money(found.range.p90_usd, places)} in eight of ten cases (P10 to P90)"
    figures.append(
        Figure("After" if found.before_usd is not None else "Projected", money(found.after_usd, places), detail)
    )
    if found.assumed_range is not None:
        low, middle, high = (
            money(value, places)
            for value in (found.assumed_range.p10_usd, found.assumed_range.p50_usd, found.assumed_range.p90_usd)
        )
        figures.append(Figure("As assumed", f"{low} to {high}", f"a month, P10 to P90 of the ranges; P50 {middle}"))
    return tuple(figures)


def _judged(found: Check) -> str:
    """How many of the limits decided."""
    said = {"FAIL": ("block", "exceeded"), "WARN": ("warn", "worth a look")}.get(found.verdict)
    if said is None:
        return counted(len(found.findings), "limit")
    number_of = sum(line.state == said[0] for line in found.findings)
    return f"{number_of:,} of {counted(len(found.findings), 'limit')} {said[1]}"


def _table(key: str, title: str, lines: list[Finding], empty: str, note: str = "") -> Table:
    rows = tuple(
        (
            Cell(clean(label(line)), "loss" if line.state == "block" else ""),
            Cell(
                _STATES[line.state],
                "loss" if line.state == "block" else "muted" if line.state == "not evaluated" else "",
            ),
            Cell(_MEASURES[line.measure]),
            _amount(line, line.before),
            _amount(line, line.after, beside=() if line.measure in {"increase", "increase_percent"} else limits),
            _amount(line, line.value, compared=True, beside=limits)
            if line.measure in {"increase", "increase_percent"}
            else DASH,
            _amount(line, line.warn, compared=True) if line.warn is not None else DASH,
            _amount(line, line.block, compared=True) if line.block is not None else DASH,
            Cell(" · ".join(part for part in (_NEWS[line.news], clean(line.reason)) if part) or DASH.text),
        )
        for line in lines
        for limits in [[limit for limit in (line.warn, line.block) if limit is not None]]
    )
    heads = columns(
        "Limit", "Verdict", "Measure", "Before#", "After#", "Increase#", "Warns above#", "Blocks above#", "Why?"
    )
    short = sorted({line.per for line in lines} - {"", "month"})
    if short:
        note = (
            f"{note} Budgets a {' or '.join(short)} are held for all of a month's: amount x how many there are.".strip()
        )
    return Table(key, title, heads, rows, note=note, empty=empty, titled=False)


def _amount(line: Finding, value: Decimal | None, *, compared: bool = False, beside: Sequence[Decimal] = ()) -> Cell:
    """A measure in its unit, with as many digits as tell it from the limits that it stands ``beside``."""
    if value is None:
        return DASH if line.state != "not evaluated" else Cell(UNKNOWN, "muted")
    others = [limit for limit in beside if limit != value]
    for more in range(_MORE_DIGITS):
        text = _shown(line, value, more, compared=compared)
        if all(text != _shown(line, limit, more, compared=compared) for limit in others):
            break
    return Cell(text, "", value)


def _shown(line: Finding, value: Decimal, more: int, *, compared: bool) -> str:
    if compared and line.measure == "increase_percent":
        return percent(value / 100, 1 + more)
    if line.measure == "tokens":
        return number(value, more)
    return money(value, places_of([value]) + more)


def _basis(found: Check) -> Table:
    traffic = found.traffic
    rows: list[tuple[str | Cell, ...]] = [
        ("log", period_text(found.period)),
        ("days", number(traffic.days) if traffic.days is not None else UNKNOWN),
        (Cell("requests in the log"), count_cell(traffic.requests)),
        ("requests a month", UNKNOWN if traffic.requests_a_month is None else number(traffic.requests_a_month, 0)),
        ("a month has", f"{number(found.period.month_days, 4)} days"),
        ("basis", f"{found.basis.kind}: {clean(found.basis.note)}" if found.basis.note else found.basis.kind),
        *_basis_rows(found),
        ("change", clean("; ".join(found.change)) or "none: the log as it is"),
        ("compared with", clean(found.against or "") or ("the log before the change" if found.change else "nothing")),
    ]
    if found.usd_per_unit is not None:
        rows.append(("currency of the budget file", f"{clean(found.currency)}, at {number(found.usd_per_unit, 6)} USD"))
    return Table(
        "basis",
        "What the projection stands on",
        columns("What", "Value"),
        tuple(cells(*row) for row in rows),
        titled=False,
    )


def _basis_rows(found: Check) -> Iterator[tuple[str | Cell, ...]]:
    """What a forecast multiplies by, side by side, or what a run-rate's range is drawn from."""
    if found.basis.kind == "run-rate":
        yield "whole days that the range is drawn from", f"{found.traffic.full_days}"
        return
    sides = (
        ("cost before, forecast / pace", found.basis.factor_before),
        ("cost, forecast / pace", found.basis.factor),
        ("requests and tokens, forecast / pace", found.basis.requests_factor),
    )
    yield from ((name, Cell(number(factor, 4), "", factor)) for name, factor in sides if factor is not None)
    yield "owners", "have the shares that they have in the log"
    yield "range", UNKNOWN if found.range is None else "P10 to P90 of the forecast, from the errors of its backtest"
    yield from _ahead_rows(found)


def _ahead_rows(found: Check) -> Iterator[tuple[str | Cell, ...]]:
    """The price changes that the month already knows."""
    basis = found.basis
    told = "price changes that are already dated"
    if basis.prices_note:
        yield told, clean(basis.prices_note)
        return
    if basis.prices_usd is None:
        yield told, "none in that month for these calls"
    for change in basis.price_changes:
        yield f"prices from {change.on} on", Cell(f"{number(change.factor, 4)} times what they are", "", change.factor)
    sides = (("before", basis.prices_before_usd), ("after", basis.prices_usd))
    yield from (
        (f"of the month {side}: dated price changes", change_cell(amount))
        for side, amount in sides
        if amount is not None
    )


def remarks(found: Check) -> tuple[Remark, ...]:
    """Every limit, blocking ones first."""
    return tuple(
        Remark(
            clean(line.limit), clean(label(line)), _LEVELS[line.state], _message(line), clean(found.budget_file)
        )
        for line in found.findings
    )  # fmt: skip


def _message(line: Finding) -> str:
    """A finding in one sentence."""
    limits = [limit for limit in (line.warn, line.block) if limit is not None]
    value = _amount(line, line.value, compared=True, beside=limits).text
    parts = [f"{_MEASURES[line.measure]} {value}"]
    parts += [
        f"{word} above {_amount(line, limit, compared=True).text}"
        for word, limit in (("warns", line.warn), ("blocks", line.block))
        if limit is not None
    ]
    parts += [text for text in (_NEWS[line.news], clean(line.reason)) if text]
    return ", ".join(parts)


OUTCOME = Kind("A change held to a budget file", Check, document, remarks=remarks)
