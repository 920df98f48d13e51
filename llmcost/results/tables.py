"""The tables of a report, cell by cell, from a result; and the whole document they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO, plain, rounded, usd
from llmcost.results import headline
from llmcost.results.document import Bar, Cell, Column, Document, Table, Tone, Waterfall
from llmcost.results.model import Result, Scenario, Slice, Step
from llmcost.results.present import (
    EVIDENCE,
    UNKNOWN,
    ShownStep,
    by_dimension,
    clean,
    count,
    counted,
    dimensions_of,
    evidence_of,
    money,
    moneys,
    name,
    number,
    percent,
    places_of,
    shown_saving,
    shown_steps,
    tiny,
    top,
    total_of,
)

NOT_MEASURED: Final = "not measured"
_TITLES: Final = {
    "user_id": "user",
    "api_key_id": "API key",
    "conversation_id": "conversation",
    "operation_name": "operation",
}


def document(result: Result, top_n: int = 10, title: str = "") -> Document:
    """``result`` as a reader meets it; ``top_n`` lines a breakdown, the rest in one line that says so."""
    places = headline.result_places(result)
    return Document(
        title=clean(title or result.title) or "What the LLM calls cost",
        subtitle=headline.subtitle(result),
        sentence=headline.sentence(result),
        caveats=headline.caveats(result),
        figures=headline.figures(result),
        scenarios=_scenarios(result, places),
        waterfalls=tuple(_waterfall(i, s, places) for i, s in enumerate(result.scenarios)),
        breakdowns=tuple(
            _breakdown(result, position, dimension, top_n, places)
            for position, dimension in enumerate(dimensions_of(result.baseline.breakdown))
        ),
        days=_days(result, places),
        token_lines=_token_lines(result, places),
        evidence=_evidence(result, places),
        flat_charges=_flat_charges(result),
        coverage=_coverage(result),
        unpriced=_unpriced(result),
        problems=_problems(result),
        assumptions=_assumptions(result),
        warnings=_warnings(result),
        footer=_footer(result),
    )


def _columns(*titles: str) -> tuple[Column, ...]:
    """Columns from their titles; ``#`` marks numbers, ``?`` what a narrow screen may leave out."""
    return tuple(Column(t.strip("#?"), numeric="#" in t, optional="?" in t) for t in titles)


def _cells(*values: str | Cell) -> tuple[Cell, ...]:
    return tuple(
        value if isinstance(value, Cell) else Cell(value, "muted" if value == UNKNOWN else "") for value in values
    )


def _tone(value: Decimal) -> Tone:
    return "loss" if value < 0 else "saving" if value > 0 else ""


def _saving(exact: Decimal, shown: Decimal, places: int) -> Cell:
    return Cell(tiny(exact, shown, places), _tone(exact))


def _scenarios(result: Result, places: int) -> Table:
    """Baseline and scenarios; a month and a range have columns only where some line knows them."""
    base, scenarios = result.baseline, result.scenarios
    monthly = any(total.monthly_cost_usd is not None for total in (base, *scenarios))
    ranges = any(scenario.range for scenario in scenarios)
    extra = (*(["Cost a month#?"] if monthly else []), *(["P10 to P90#?"] if ranges else []))
    columns = _columns("Scenario", "Cost#", "Saving#", "Share#", *extra, "Quality")
    dash = Cell("–", "muted")
    month = [_month(base.monthly_cost_usd)] if monthly else []
    first = (Cell("baseline"), Cell(money(base.cost_usd, places)), dash, dash, *month)
    rows = [_cells(*first, *([""] if ranges else []), "")]
    rows += [_scenario_row(scenario, places, monthly, ranges) for scenario in scenarios]
    partial = [s for s in scenarios if s.not_comparable.requests]
    note = f"{counted(len(partial), 'scenario')} leave out requests that cannot be compared; each says which."
    if len(partial) < 2:
        note = " ".join(_left_out(scenario, places) for scenario in partial)
    return Table("scenarios", "Scenarios", columns, tuple(rows), note=note)


def _scenario_row(scenario: Scenario, places: int, monthly: bool, ranges: bool) -> tuple[Cell, ...]:
    spread = scenario.range
    band = f"{money(spread.p10_usd, places)} to {money(spread.p90_usd, places)}" if spread else ""
    share = percent(scenario.saving_share)
    return _cells(
        name(scenario.name),
        money(scenario.cost_usd, places),
        _saving(scenario.saving_usd, shown_saving(scenario, places), places),
        Cell(share, _tone(scenario.saving_usd) if scenario.saving_share is not None else "muted"),
        *([_month(scenario.monthly_cost_usd)] if monthly else []),
        *([band] if ranges else []),
        _quality(scenario),
    )


def _month(amount: Decimal | None) -> Cell:
    return _cells(money(amount, places_of([amount])))[0]


def _quality(scenario: Scenario) -> Cell:
    if scenario.quality is None:
        return Cell(NOT_MEASURED if scenario.changes_answers else "unchanged", "muted")
    return Cell(_facts(scenario.quality))


def _facts(facts: dict[str, str]) -> str:
    return ", ".join(f"{clean(key).replace('_', ' ')} {clean(value)}" for key, value in facts.items())


def _left_out(scenario: Scenario, places: int) -> str:
    left = scenario.not_comparable
    reasons = ", ".join(f"{clean(reason)}: {count(n)}" for reason, n in sorted(left.reasons.items()))
    worth = money(left.cost_usd, places)
    return (
        f"{name(scenario.name)} leaves out {counted(left.requests, 'request')} that cannot be compared"
        f" (baseline cost {worth}{'; ' + reasons if reasons else ''})."
    )


def _waterfall(index: int, scenario: Scenario, places: int) -> Waterfall:
    shown = shown_steps(scenario, places)
    start = rounded(scenario.comparable_baseline_usd, places)
    end = rounded(EXACT.subtract(scenario.comparable_baseline_usd, scenario.saving_usd), places)
    bars = [Bar("baseline", ZERO, start, usd(start, places))]
    for number_, (step, line) in enumerate(zip(scenario.steps, shown, strict=True), 1):
        label = f"{number_} {clean(step.strategy)}"
        bars.append(Bar(label, line.before, line.after, _change(step, line, places), _tone(step.saving_usd)))
    bars.append(Bar("with the scenario", ZERO, end, usd(end, places)))
    notes = [_left_out(scenario, places)] if scenario.not_comparable.requests else []
    if scenario.latency:
        notes.append(f"Latency: {_facts(scenario.latency)}.")
    if scenario.quality is not None:
        notes.append(f"Quality: {_facts(scenario.quality)}.")
    elif scenario.changes_answers:
        notes.append("Quality not measured: a step may change the answers that users get.")
    steps = _steps(index, scenario, shown, places)
    return Waterfall(name(scenario.name), tuple(bars), steps, tuple(notes))


def _change(step: Step, line: ShownStep, places: int) -> str:
    """What a step does to the bill, in words: its sign cannot be misread."""
    if step.saving_usd == 0:
        return "no change"
    verb = "saves" if step.saving_usd > 0 else "adds"
    return f"{verb} {tiny(abs(step.saving_usd), abs(line.saving), places)}"


def _steps(index: int, scenario: Scenario, shown: Sequence[ShownStep], places: int) -> Table:
    columns = _columns("Step", "Saving#", "Own cost#?", "Requests changed#?", "Known how", "What it did")
    rows = [
        _cells(
            f"{n} {clean(step.strategy)}",
            _saving(step.saving_usd, line.saving, places),
            money(step.cost_added_usd, places),
            count(step.requests_changed),
            _known(step, line, places),
            clean(step.title) + (f" ({_facts(step.facts)})" if step.facts else ""),
        )
        for n, (step, line) in enumerate(zip(scenario.steps, shown, strict=True), 1)
    ]
    saving = _saving(scenario.saving_usd, shown_saving(scenario, places), places)
    total = _cells(
        "total", saving, money(total_of(s.cost_added_usd for s in scenario.steps) or ZERO, places), "", "", ""
    )
    title = f"Steps of {name(scenario.name)}"
    return Table(f"steps-{index}", title, columns, tuple(rows), total, empty="no step: the baseline as it is")


def _known(step: Step, line: ShownStep, places: int) -> str:
    """The kind of evidence a step's saving rests on; with dollars where it rests on several."""
    exact = (step.evidence.measured_usd, step.evidence.modelled_usd, step.evidence.assumed_usd)
    parts = [(k, v, d) for k, v, d in zip(EVIDENCE, exact, line.evidence, strict=True) if v]
    if len(parts) < 2:
        return parts[0][0] if parts else ""
    return ", ".join(f"{kind} {tiny(value, shown, places)}" for kind, value, shown in parts)


def _breakdown(result: Result, position: int, dimension: str, top_n: int, places: int) -> Table:
    lines = top(by_dimension(result.baseline.breakdown, dimension), top_n)
    label = _TITLES.get(dimension, clean(dimension).replace("_", " "))
    whole = total_of(line.cost_usd for _, line in lines) or ZERO
    costs = moneys([line.cost_usd for _, line in lines], places)
    gaps = any(line.unpriced_requests for _, line in lines)
    rows = [_breakdown_row(pair, cost, whole, gaps) for pair, cost in zip(lines, costs, strict=True)]
    titles = (label[:1].upper() + label[1:], "Cost#", "Share#", "Requests#", *(["Unpriced#?"] if gaps else []))
    columns = _columns(*titles, "Input tokens#?", "Cached#?", "Output tokens#?")
    known = [line.cost_usd for _, line in lines if line.cost_usd is not None]
    total = _cells("total", money(whole if known else None, places), "", count(sum(x.requests for _, x in lines)))
    unpriced = [count(sum(line.unpriced_requests for _, line in lines))] if gaps else []
    return Table(f"by-{position}", f"By {label}", columns, tuple(rows), (*total, *_cells(*unpriced, "", "", "")))


def _breakdown_row(pair: tuple[str, Slice], cost: str, whole: Decimal, gaps: bool) -> tuple[Cell, ...]:
    label, line = pair
    share = percent(line.cost_usd / whole) if line.cost_usd is not None and whole else UNKNOWN
    cached = None
    if line.cache_read_input_tokens is not None and line.input_tokens:
        cached = Decimal(line.cache_read_input_tokens) / line.input_tokens
    return _cells(
        label,
        cost,
        share,
        count(line.requests),
        *([count(line.unpriced_requests)] if gaps else []),
        count(line.input_tokens),
        percent(cached),
        count(line.output_tokens),
    )


def _days(result: Result, places: int) -> Table:
    """Cost of each day; days with no request do not appear in a log and are not invented here."""
    days: dict[str, tuple[Decimal, int]] = {}
    for point in result.baseline.series:
        cost, requests = days.get(point.date.isoformat(), (ZERO, 0))
        days[point.date.isoformat()] = (EXACT.add(cost, point.cost_usd), requests + point.requests)
    ordered = sorted(days.items())
    costs = moneys([cost for _, (cost, _) in ordered], places)
    rows = tuple(_cells(d, c, count(n)) for (d, (_, n)), c in zip(ordered, costs, strict=True))
    total = None
    if ordered:
        whole = total_of(cost for _, (cost, _) in ordered)
        total = _cells("total", money(whole, places), count(sum(n for _, (_, n) in ordered)))
    empty = "no times in the log, so no series"
    return Table("days", "By day", _columns("Day", "Cost#", "Requests#"), rows, total, empty=empty)


def _token_lines(result: Result, places: int) -> Table:
    lines = sorted(result.baseline.lines, key=lambda line: (-line.cost_usd, line.token_class))
    costs = moneys([line.cost_usd for line in lines], places)
    rows = tuple(
        _cells(clean(line.token_class).replace("_", " "), cost, number(line.quantity))
        for line, cost in zip(lines, costs, strict=True)
    )
    total = _cells("total", money(total_of(x.cost_usd for x in lines), places), "") if lines else None
    columns = _columns("Charged for", "Cost#", "Quantity#")
    return Table("token-classes", "By what is charged", columns, rows, total, empty="not broken down")


def _evidence(result: Result, places: int) -> Table:
    columns = _columns("Scenario", "Measured#", "Modelled#", "Assumed#", "Saving#")
    rows = [_evidence_row(scenario, places) for scenario in result.scenarios]
    note = (
        "Measured: replayed from the log. Modelled: a stated model on the log's data. Assumed: a number that was given."
    )
    return Table("evidence", "How the savings are known", columns, tuple(rows), note=note, empty="no scenario")


def _evidence_row(scenario: Scenario, places: int) -> tuple[Cell, ...]:
    """The dollars of each kind as the steps show them, so that the two places agree and both sum."""
    exact, steps = evidence_of(scenario), shown_steps(scenario, places)
    shown = [sum((step.evidence[kind] for step in steps), ZERO) for kind in range(len(EVIDENCE))]
    cells = [_saving(value, display, places) for value, display in zip(exact, shown, strict=True)]
    saving = _saving(scenario.saving_usd, shown_saving(scenario, places), places)
    return _cells(name(scenario.name), *cells, saving)


def _flat_charges(result: Result) -> Table:
    lines = [(scenario, line) for scenario in result.scenarios for line in scenario.flat_charges]
    rows = tuple(
        _cells(
            f"{name(s.name)}: {clean(x.sku)}",
            money(x.cost_usd, places_of([x.cost_usd])),
            f"{number(x.quantity)} {clean(x.unit)}",
            clean(x.note or x.model or ""),
        )
        for s, x in lines
    )
    return Table("flat-charges", "Charges that no token causes", _columns("Charge", "Cost#", "Quantity#", "Note"), rows)


def _coverage(result: Result) -> Table:
    c = result.coverage
    pairs: list[tuple[str, str]] = [
        ("records read", count(c.records_read)),
        ("ingested", count(c.ingested)),
        ("duplicates", count(c.duplicates)),
        ("superseded", count(c.superseded)),
        ("rejected", count(c.rejected)),
        ("requests", count(c.requests)),
        ("priced requests", f"{count(c.priced_requests)} ({percent(c.priced_share)})"),
        *((f"tokens from {clean(k)}", count(v)) for k, v in sorted(c.token_sources.items())),
        *((f"assumed: {clean(k)}", count(v)) for k, v in sorted(c.assumed.items())),
    ]
    if c.billed is not None:
        places = places_of([c.billed.billed_usd, c.billed.list_usd])
        pairs += [
            ("requests with a charge in the log", count(c.billed.requests)),
            ("charged for them", money(c.billed.billed_usd, places)),
            ("the same at catalogue prices", money(c.billed.list_usd, places)),
        ]
    return Table("coverage", "Coverage", _columns("What", "Count#"), tuple(_cells(*pair) for pair in pairs))


def _unpriced(result: Result) -> Table:
    lines = sorted(result.coverage.unpriced, key=lambda u: (-u.requests, u.provider or "", u.model or "", u.reason))
    rows = tuple(_cells(f"{name(u.provider)}/{name(u.model)}", count(u.requests), clean(u.reason)) for u in lines)
    columns = _columns("Model", "Requests#", "Reason")
    return Table("unpriced", "Without a price", columns, rows, empty="every request has a price")


def _problems(result: Result) -> Table:
    rows = tuple(
        _cells(
            clean(p.kind).replace("_", " "),
            count(p.count),
            "rejected" if p.rejected else "kept",
            money(p.cost_usd, places_of([p.cost_usd])),
            clean(p.example),
        )
        for p in sorted(result.problems, key=lambda p: (-p.count, p.kind))
    )
    columns = _columns("Problem", "Count#", "Rows", "Cost of the rows#", "First one")
    return Table("problems", "Problems in the log", columns, rows, empty="none")


def _assumptions(result: Result) -> Table:
    rows = [
        _cells(
            clean(a.name).replace("_", " "),
            f"{clean(a.value)} {clean(a.unit)}".strip(),
            f"{name(scenario.name)}, {n} {clean(step.strategy)}",
            clean(a.source),
        )
        for scenario in result.scenarios
        for n, step in enumerate(scenario.steps, 1)
        for a in step.assumptions
    ]
    columns = _columns("Assumption", "Value#", "Used by", "Source")
    return Table("assumptions", "Assumptions", columns, tuple(rows), empty="none")


def _warnings(result: Result) -> tuple[str, ...]:
    steps = (
        f"{name(scenario.name)}, {n} {clean(step.strategy)}: {clean(warning)}"
        for scenario in result.scenarios
        for n, step in enumerate(scenario.steps, 1)
        for warning in step.warnings
    )
    return tuple(_unique([*(clean(w) for w in result.warnings), *steps]))


def _unique(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(lines))


def _footer(result: Result) -> str:
    prices, month = result.prices, plain(result.period.month_days)
    on = f"prices of {prices.on.isoformat()}" if prices.on else "prices of each request's own day"
    overlay = f" with overlay {clean(prices.overlay)}" if prices.overlay else ""
    catalogue = f"catalogue {clean(prices.catalogue_sha256)[:12]}"
    return f"{clean(result.generated_with)} · {on}{overlay} · {catalogue} · a month is {month} days"
