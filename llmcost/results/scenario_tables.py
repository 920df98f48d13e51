"""What each scenario costs, how it gets there step by step, and how its saving is known: tables and charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from llmcost.money import EXACT, ZERO, rounded, usd
from llmcost.results import exhibit_tables, range_tables
from llmcost.results.cells import DASH, cells, columns, count_cell, saving_cell, share_cell, tone_of, usd_cell
from llmcost.results.chart import Bar, Bars, Colour, Series, Waterfall
from llmcost.results.document import Block, Cell, Notes, Section, Table
from llmcost.results.model import Result, Scenario, Step
from llmcost.results.present import (
    EVIDENCE,
    ShownStep,
    clean,
    compares,
    count,
    counted,
    evidence_of,
    money,
    name,
    number,
    places_of,
    shown_saving,
    shown_steps,
    tiny,
    told,
    total_of,
)

NOT_MEASURED: Final = "not measured"
_KINDS: Final[tuple[Colour, ...]] = ("measured", "modelled", "assumed")
_OPEN: Final = 3
"""Scenarios beyond this many start folded."""


def scenarios(result: Result, places: int) -> Table:
    """Baseline and scenarios; a month and a range of the saving have columns only where some line knows them."""
    base, lines = result.baseline, result.scenarios
    monthly = any(total.monthly_cost_usd is not None for total in (base, *lines))
    ranges = any(range_tables.has(scenario) for scenario in lines)
    spread = "Saving a month (P10 to P90)#$" if monthly else "Saving (P10 to P90)#$"
    extra = (*(["Cost a month#$?"] if monthly else []), *([spread] if ranges else []))
    heads = columns("Scenario", "Cost#$", "Saving#$", "Share#%", *extra, "Quality")
    month = [usd_cell(base.monthly_cost_usd)] if monthly else []
    first = cells("baseline", usd_cell(base.cost_usd, places), DASH, DASH, *month, *([DASH] if ranges else []), "")
    rows = [first, *(_scenario_row(scenario, places, monthly, ranges) for scenario in lines)]
    partial = [s for s in lines if s.not_comparable.requests]
    note = f"{counted(len(partial), 'scenario')} leave out requests that cannot be compared; each says which."
    if len(partial) < 2:
        note = " ".join(_left_out(scenario, places) for scenario in partial)
    return Table("scenarios", "Scenarios", heads, tuple(rows), note=note)


def _scenario_row(scenario: Scenario, places: int, monthly: bool, ranges: bool) -> tuple[Cell, ...]:
    if not compares(scenario):
        unknown = usd_cell(None)
        extra = [*([unknown] if monthly else []), *([unknown] if ranges else [])]
        return cells(name(scenario.name), unknown, unknown, unknown, *extra, _quality(scenario))
    return cells(
        name(scenario.name),
        usd_cell(scenario.cost_usd, places),
        saving_cell(scenario.saving_usd, shown_saving(scenario, places), places),
        share_cell(scenario.saving_share, tone_of(scenario.saving_usd)),
        *([usd_cell(scenario.monthly_cost_usd)] if monthly else []),
        *([range_tables.saving_span(scenario)] if ranges else []),
        _quality(scenario),
    )


def _quality(scenario: Scenario) -> Cell:
    if scenario.quality is None:
        return Cell(NOT_MEASURED if scenario.changes_answers else "unchanged", "muted")
    return Cell(_facts(scenario.quality))


def _facts(facts: dict[str, str]) -> str:
    return ", ".join(f"{clean(key).replace('_', ' ')} {clean(told(key, value))}" for key, value in facts.items())


def _left_out(scenario: Scenario, places: int) -> str:
    left = scenario.not_comparable
    reasons = ", ".join(f"{clean(reason)}: {count(n)}" for reason, n in sorted(left.reasons.items()))
    worth = money(left.cost_usd, places)
    return (
        f"{name(scenario.name)} leaves out {counted(left.requests, 'request')} that cannot be compared"
        f" (baseline cost {worth}{'; ' + reasons if reasons else ''})."
    )


def waterfalls(result: Result, places: int) -> tuple[Section, ...]:
    """Chart, steps and remarks of each scenario; the first few stand open."""
    return tuple(_waterfall(index, scenario, places) for index, scenario in enumerate(result.scenarios))


def _waterfall(index: int, scenario: Scenario, places: int) -> Section:
    shown, label = shown_steps(scenario, places), name(scenario.name)
    spoken = f"Waterfall of {label}, from baseline to cost; the numbers are in the table of its steps."
    chart = Waterfall(f"waterfall-{index}", spoken, "From the baseline down", _bars(scenario, shown, places))
    blocks: list[Block] = [chart, _steps(index, scenario, shown, places), *range_tables.blocks(index, scenario)]
    blocks += exhibit_tables.blocks(index, scenario)
    notes = [_left_out(scenario, places)] if scenario.not_comparable.requests else []
    if scenario.latency:
        notes.append(f"Latency: {_facts(scenario.latency)}.")
    if scenario.quality is not None:
        notes.append(f"Quality: {_facts(scenario.quality)}.")
    elif scenario.changes_answers:
        notes.append("Quality not measured: a step may change the answers that users get.")
    if notes:
        blocks.append(Notes(tuple(notes)))
    return Section(f"scenario-{index}", label, tuple(blocks), folded=index >= _OPEN)


def _bars(scenario: Scenario, shown: Sequence[ShownStep], places: int) -> tuple[Bar, ...]:
    start = rounded(scenario.comparable_baseline_usd, places)
    end = rounded(EXACT.subtract(scenario.comparable_baseline_usd, scenario.saving_usd), places)
    bars = [Bar("baseline", ZERO, start, usd(start, places))]
    for number_, (step, line) in enumerate(zip(scenario.steps, shown, strict=True), 1):
        label = f"{number_} {clean(step.strategy)}"
        bars.append(Bar(label, line.before, line.after, _change(step, line, places), tone_of(step.saving_usd)))
    return (*bars, Bar("with the scenario", ZERO, end, usd(end, places)))


def _change(step: Step, line: ShownStep, places: int) -> str:
    """What a step does to the bill, in words: its sign cannot be misread."""
    if step.saving_usd == 0:
        return "no change"
    verb = "saves" if step.saving_usd > 0 else "adds"
    return f"{verb} {tiny(abs(step.saving_usd), abs(line.saving), places)}"


def _steps(index: int, scenario: Scenario, shown: Sequence[ShownStep], places: int) -> Table:
    heads = columns("Step", "Saving#$", "Own cost#$?", "Requests changed#r?", "Known how", "What it did")
    rows = [
        cells(
            f"{n} {clean(step.strategy)}",
            saving_cell(step.saving_usd, line.saving, places),
            usd_cell(step.cost_added_usd, places),
            count_cell(step.requests_changed),
            _known(step, line, places),
            _did(step),
        )
        for n, (step, line) in enumerate(zip(scenario.steps, shown, strict=True), 1)
    ]
    saving = saving_cell(scenario.saving_usd, shown_saving(scenario, places), places)
    own = usd_cell(total_of(s.cost_added_usd for s in scenario.steps) or ZERO, places)
    total, title = cells("total", saving, own, "", "", ""), f"Steps of {name(scenario.name)}"
    empty = "no step: the baseline as it is"
    return Table(f"steps-{index}", title, heads, tuple(rows), total, empty=empty, titled=False)


def _did(step: Step) -> str:
    inline = 0 < len(step.facts) <= exhibit_tables.FACTS_INLINE
    return clean(step.title) + (f" ({_facts(step.facts)})" if inline else "")


def _known(step: Step, line: ShownStep, places: int) -> str:
    """The kind of evidence a step's saving rests on; with dollars where it rests on several."""
    exact = (step.evidence.measured_usd, step.evidence.modelled_usd, step.evidence.assumed_usd)
    parts = [(k, v, d) for k, v, d in zip(EVIDENCE, exact, line.evidence, strict=True) if v]
    if len(parts) < 2:
        return parts[0][0] if parts else ""
    return ", ".join(f"{kind} {tiny(value, shown, places)}" for kind, value, shown in parts)


def evidence(result: Result, places: int) -> Section:
    """How the saving of each scenario is known, drawn and in dollars that sum as the steps show them."""
    rows = tuple(_evidence_row(scenario, places) for scenario in result.scenarios)
    note = (
        "Measured: replayed from the log. Modelled: a stated model on the log's data. Assumed: a number that was given."
    )
    heads = columns("Scenario", "Measured#$", "Modelled#$", "Assumed#$", "Saving#$")
    table = Table("evidence", "How the savings are known", heads, rows, note=note, empty="no scenario")
    exact = [evidence_of(scenario) for scenario in result.scenarios]
    series = tuple(
        Series(kind, tuple(parts[place] for parts in exact), tuple(row[place + 1].text for row in rows), kind)
        for place, kind in enumerate(_KINDS)
    )
    label = "Saving of each scenario by kind of evidence; the numbers are in the table."
    chart = Bars("evidence", label, tuple(name(scenario.name) for scenario in result.scenarios), series)
    return Section("evidence", table.title, (chart, table), short="Evidence")


def _evidence_row(scenario: Scenario, places: int) -> tuple[Cell, ...]:
    """The dollars of each kind as the steps show them, so that the two places agree and both sum."""
    exact, steps = evidence_of(scenario), shown_steps(scenario, places)
    shown = [sum((step.evidence[kind] for step in steps), ZERO) for kind in range(len(EVIDENCE))]
    parts = [saving_cell(value, display, places) for value, display in zip(exact, shown, strict=True)]
    saving = saving_cell(scenario.saving_usd, shown_saving(scenario, places), places)
    return cells(name(scenario.name), *parts, saving)


def flat_charges(result: Result) -> Table:
    """Charges that no token causes, of every scenario."""
    lines = [(scenario, line) for scenario in result.scenarios for line in scenario.flat_charges]
    rows = tuple(
        cells(
            f"{name(s.name)}: {clean(x.sku)}",
            usd_cell(x.cost_usd, places_of([x.cost_usd])),
            Cell(f"{number(x.quantity)} {clean(x.unit)}", "", x.quantity),
            clean(x.note or x.model or ""),
        )
        for s, x in lines
    )
    return Table("flat-charges", "Charges that no token causes", columns("Charge", "Cost#$", "Quantity#", "Note"), rows)
