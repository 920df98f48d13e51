"""How far a scenario's amounts may be off, in words and tables: from its ranged assumptions, or from one month to the next."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.money import EXACT, ZERO, rounded
from llmcost.results.cells import cells, columns, number_cell, saving_cell, usd_cell
from llmcost.results.document import Block, Cell, Table
from llmcost.results.model import Driver, MonthRange, Range, Scenario, ScenarioRange
from llmcost.results.present import clean, counted, money, name, percent, places_of, span


def has(scenario: Scenario) -> bool:
    """Whether anything is known of how far the scenario's saving may be off."""
    return scenario.range is not None or scenario.month_range is not None


def monthly_span(scenario: Scenario, *, told: bool = False) -> str:
    """P10 to P90 of a month's saving, as it stands behind the saving: `` ($18 to $22)``; empty where none is known.

    With ``told`` a range that only says how months differ says so.
    """
    found, kind = scenario.range.monthly_saving if scenario.range else None, ""
    if found is None and scenario.month_range:
        found, kind = scenario.month_range.saving, " from month to month" if told else ""
    return f" ({span(found.p10_usd, found.p90_usd)}{kind})" if found else ""


def saving_span(scenario: Scenario) -> Cell:
    """The saving of a month with its range, or where there is no month, of the period."""
    if scenario.monthly_saving_usd is not None:
        cell = usd_cell(scenario.monthly_saving_usd)
        return Cell(f"{cell.text}{monthly_span(scenario)}", cell.tone, cell.value)
    if scenario.range is None:
        return Cell("")
    own = scenario.range.saving
    return Cell(f"{money(scenario.saving_usd)} ({span(own.p10_usd, own.p90_usd)})", "", scenario.saving_usd)


def blocks(index: int, scenario: Scenario) -> Iterator[Block]:
    """The tables of a scenario's range, each with what it says and does not say."""
    if scenario.range is not None:
        yield _quantiles(f"range-{index}", scenario, scenario.range)
        yield _drivers(f"drivers-{index}", scenario, scenario.range)
    if scenario.month_range is not None:
        yield _months(f"months-{index}", scenario, scenario.month_range)


def _quantiles(key: str, scenario: Scenario, found: ScenarioRange) -> Table:
    lines: list[tuple[str, Range | None]] = [
        ("Cost", found), ("Saving", found.saving), ("Cost a month", found.monthly_cost),
        ("Saving a month", found.monthly_saving),
    ]  # fmt: skip
    return _table(key, f"Range of {name(scenario.name)}", lines, range_note(scenario, found))


def _table(key: str, title: str, lines: list[tuple[str, Range | None]], note: str) -> Table:
    rows = tuple(_line(label, each) for label, each in lines if each is not None)
    return Table(key, title, columns("Amount", "P10#$", "P50#$", "P90#$"), rows, note=note)


def _line(label: str, found: Range) -> tuple[Cell, ...]:
    values = (found.p10_usd, found.p50_usd, found.p90_usd)
    return cells(label, *(usd_cell(value, places_of(values)) for value in values))


def range_note(scenario: Scenario, found: ScenarioRange) -> str:
    """What the range was made from, and how well it was made."""
    parts = [f"Range from {counted(found.replays, 'replay')}"]
    if found.held:
        share = percent(rounded(found.off_usd / abs(scenario.saving_usd), 12)) if scenario.saving_usd else ""
        kind = "saving" if scenario.saving_usd > 0 else "loss"
        off = f"off by at most {money(found.off_usd, places_of([found.off_usd, scenario.saving_usd]))}" + (
            f" ({share} of the {kind})" if share else ""
        )
        exact = f"exact at {found.held} more" if not found.off_usd else f"{off} at {found.held} more"
        parts.append(f"; interpolation {exact}")
    if found.pairs_apart:
        parts.append(f"; {counted(found.pairs_apart, 'pair')} of assumptions only added up, not replayed together")
    draws = f"{found.draws:,} draws from the triangles of low, mode and high, each assumption by itself"
    return f"{''.join(parts)}; {draws}."


def _drivers(key: str, scenario: Scenario, found: ScenarioRange) -> Table:
    heads = columns(
        "Assumption", "Low#?", "Mode#", "High#?", "Saving at low#$", "Saving at high#$", "Between them#$?"
    )  # fmt: skip
    places = places_of(
        [scenario.saving_usd, *(v for d in found.drivers for v in (d.saving_low_usd, d.saving_high_usd))]
    )
    rows = tuple(_driver(each, places) for each in found.drivers)
    note = "Each line moves one assumption; the others are at their modes."
    return Table(key, f"What moves {name(scenario.name)} most", heads, rows, note=note)


def _driver(driver: Driver, places: int) -> tuple[Cell, ...]:
    return cells(
        f"{clean(driver.parameter)} of {driver.step} {clean(driver.strategy)}",
        number_cell(driver.low),
        number_cell(driver.mode),
        number_cell(driver.high),
        saving_cell(driver.saving_low_usd, rounded(driver.saving_low_usd, places), places),
        saving_cell(driver.saving_high_usd, rounded(driver.saving_high_usd, places), places),
        usd_cell(driver.swing, places),
    )


def _months(key: str, scenario: Scenario, found: MonthRange) -> Table:
    note = (
        f"What months made of weeks drawn from this log's {counted(found.days, 'whole day')} would give: nothing of the "
        "saving is assumed, so it says how much months differ, not how sure an assumption is."
    )
    lines: list[tuple[str, Range | None]] = [("Cost a month", found.cost), ("Saving a month", found.saving)]
    return _table(key, f"From month to month: {name(scenario.name)}", lines, note)


def caveat(scenario: Scenario) -> str:
    """One line where the saving may turn into a loss inside its range."""
    found = scenario.range
    if found is None or scenario.saving_usd <= ZERO or found.saving.p10_usd >= ZERO:
        return ""
    return f"{name(scenario.name)} loses money at P10 of its assumptions: {money(EXACT.minus(found.saving.p10_usd))}."
