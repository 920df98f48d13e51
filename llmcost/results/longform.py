"""One long, tidy table of everything in a result, with exact amounts: what CSV writes of a simulation.

Its header never changes: one row a value, found by section, scenario, step, date, dimensions, name and metric.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from llmcost.results.document import Value
from llmcost.results.model import Range, Result, Scenario, SeriesPoint, Slice, Step, Totals
from llmcost.results.outcome import LongForm
from llmcost.results.present import DIMENSIONS, NO_NAME, evidence_of

_DIMENSIONS: Final = ("provider", *(key for key in DIMENSIONS if key != "provider"))
HEADER: Final = (
    "section",
    "scenario",
    "step",
    "date",
    *_DIMENSIONS,
    "other_dimensions",
    "name",
    "metric",
    "value",
    "unit",
)
_COUNTERS: Final = (
    "requests",
    "rows",
    "input_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
Row = dict[str, Value]


def long_form(result: Result) -> LongForm:
    """``result``, value by value."""
    return LongForm(HEADER, _rows(result))


def _row(section: str, metric: str, value: Value, unit: str = "", /, **place: Value) -> Row:
    return {"section": section, "metric": metric, "value": value, "unit": unit, **place}


def _rows(result: Result) -> Iterator[Row]:
    yield from _about(result)
    yield from _coverage(result)
    yield from _totals("baseline", "", result.baseline)
    for scenario in result.scenarios:
        yield from _totals("scenario", scenario.name, scenario)
        yield from _scenario(scenario)
    for number, warning in enumerate(result.warnings, 1):
        yield _row("warnings", "warning", warning, name=number)


def _about(result: Result) -> Iterator[Row]:
    period, prices = result.period, result.prices
    yield _row("about", "schema_version", result.schema_version)
    yield _row("about", "generated_with", result.generated_with)
    yield _row("about", "title", result.title)
    yield _row("about", "period_start", period.start.isoformat() if period.start else None)
    yield _row("about", "period_end", period.end.isoformat() if period.end else None)
    yield _row("about", "period_length", period.days, "days")
    yield _row("about", "timezone", period.timezone)
    yield _row("about", "month_length", period.month_days, "days")
    yield _row("about", "extrapolated", "yes" if period.extrapolated else "no")
    yield _row("about", "catalogue_sha256", prices.catalogue_sha256)
    yield _row("about", "prices_on", prices.on.isoformat() if prices.on else "each request's own day")
    yield _row("about", "price_overlay", prices.overlay or "")
    for number, source in enumerate(result.sources, 1):
        yield _row("about", "source", source, name=number)


def _coverage(result: Result) -> Iterator[Row]:
    coverage = result.coverage
    for key in ("records_read", "ingested", "duplicates", "superseded", "rejected"):
        yield _row("coverage", key, getattr(coverage, key), "records")
    yield _row("coverage", "requests", coverage.requests, "requests")
    yield _row("coverage", "priced_requests", coverage.priced_requests, "requests")
    yield _row("coverage", "priced_share", coverage.priced_share, "share")
    for source, requests in sorted(coverage.token_sources.items()):
        yield _row("coverage", "token_source", requests, "requests", name=source)
    for what, requests in sorted(coverage.assumed.items()):
        yield _row("coverage", "assumed", requests, "requests", name=what)
    if coverage.billed is not None:
        yield _row("coverage", "billed_requests", coverage.billed.requests, "requests")
        yield _row("coverage", "billed_cost", coverage.billed.billed_usd, "USD")
        yield _row("coverage", "list_cost_of_billed", coverage.billed.list_usd, "USD")
    for each in coverage.repeated:
        what = "superseded" if each.superseded else "duplicates"
        yield _row("repeated", what, each.count, "rows", name=f"{each.source}: {each.key}")
        yield _row("repeated", f"{what}_cost", each.cost_usd, "USD", name=f"{each.source}: {each.key}")
    for found in coverage.overlaps:
        what = "partly_left_out" if found.partly else "left_out" if found.left_out else "alike"
        yield _row("overlaps", what, found.rows, "rows", name=f"{found.source}: {found.rule}, charged: {found.charged}")
        yield _row(
            "overlaps",
            f"{what}_cost",
            found.cost_usd,
            "USD",
            name=f"{found.source}: {found.rule}, charged: {found.charged}",
        )
        if found.partly:
            name = f"{found.source}: {found.rule}, charged: {found.charged}"
            yield _row("overlaps", "rest_charged", found.rest_usd, "USD", name=name)
    for line in coverage.unpriced:
        place = {"provider": line.provider or NO_NAME, "model": line.model or NO_NAME, "name": line.reason}
        yield _row("unpriced", "requests", line.requests, "requests", **place)
    for problem in result.problems:
        yield _row("problems", "rejected" if problem.rejected else "kept", problem.count, "rows", name=problem.kind)
        yield _row("problems", "cost", problem.cost_usd, "USD", name=problem.kind)
        yield _row("problems", "example", problem.example, name=problem.kind)


def _totals(section: str, scenario: str, totals: Totals) -> Iterator[Row]:
    yield _row(section, "cost", totals.cost_usd, "USD", scenario=scenario)
    yield _row(section, "monthly_cost", totals.monthly_cost_usd, "USD", scenario=scenario)
    for key in _COUNTERS:
        yield _row(section, key, getattr(totals, key), _unit(key), scenario=scenario)
    for line in totals.lines:
        place: Row = {"scenario": scenario, "name": line.token_class}
        yield _row(f"{section}_charges", "quantity", line.quantity, "tokens or units", **place)
        yield _row(f"{section}_charges", "cost", line.cost_usd, "USD", **place)
    for piece in totals.breakdown:
        yield from _slice(f"{section}_breakdown", scenario, piece)
    for point in totals.series:
        yield from _point(f"{section}_series", scenario, point)


def _unit(counter: str) -> str:
    return "tokens" if counter.endswith("_tokens") else counter


def _dimensions(dimensions: Mapping[str, str | None]) -> Row:
    """Known dimensions to their columns, the others into one cell; an unknown value says so."""
    known: Row = {k: NO_NAME if v is None else v for k, v in dimensions.items() if k in _DIMENSIONS}
    rest = "; ".join(f"{k}={NO_NAME if v is None else v}" for k, v in sorted(dimensions.items()) if k not in known)
    return {**known, "other_dimensions": rest}


def _slice(section: str, scenario: str, piece: Slice) -> Iterator[Row]:
    place = {"scenario": scenario, **_dimensions(piece.dimensions)}
    yield _row(section, "cost", piece.cost_usd, "USD", **place)
    yield _row(section, "unpriced_requests", piece.unpriced_requests, "requests", **place)
    for key in _COUNTERS:
        yield _row(section, key, getattr(piece, key), _unit(key), **place)


def _point(section: str, scenario: str, point: SeriesPoint) -> Iterator[Row]:
    place = {"scenario": scenario, "date": point.date.isoformat(), **_dimensions(point.dimensions)}
    yield _row(section, "cost", point.cost_usd, "USD", **place)
    yield _row(section, "requests", point.requests, "requests", **place)


def _scenario(scenario: Scenario) -> Iterator[Row]:
    place: Row = {"scenario": scenario.name}
    yield _row("scenario", "saving", scenario.saving_usd, "USD", **place)
    yield _row("scenario", "saving_share", scenario.saving_share, "share", **place)
    yield _row("scenario", "monthly_saving", scenario.monthly_saving_usd, "USD", **place)
    yield _row("scenario", "comparable_baseline", scenario.comparable_baseline_usd, "USD", **place)
    for kind, value in zip(("measured", "modelled", "assumed"), evidence_of(scenario), strict=True):
        yield _row("scenario", f"saving_{kind}", value, "USD", **place)
    yield from _ranges(scenario, place)
    yield _row("not_comparable", "requests", scenario.not_comparable.requests, "requests", **place)
    yield _row("not_comparable", "cost", scenario.not_comparable.cost_usd, "USD", **place)
    for reason, requests in sorted(scenario.not_comparable.reasons.items()):
        yield _row("not_comparable", "reason", requests, "requests", name=reason, **place)
    for charge in scenario.flat_charges:
        yield _row("flat_charges", "quantity", charge.quantity, charge.unit, name=charge.sku, **place)
        yield _row("flat_charges", "cost", charge.cost_usd, "USD", name=charge.sku, **place)
    yield from _facts("quality", scenario.quality, place)
    if scenario.quality is None and scenario.changes_answers:
        yield _row("quality", "quality", "not measured", **place)
    yield from _facts("latency", scenario.latency, place)
    for number, step in enumerate(scenario.steps, 1):
        yield from _step(step, {**place, "step": number, "name": step.strategy})


def _ranges(scenario: Scenario, place: Row) -> Iterator[Row]:
    found, months = scenario.range, scenario.month_range
    if found is not None:
        spread: dict[str, Range | None] = {"cost": found, "saving": found.saving}
        spread |= {"monthly_cost": found.monthly_cost, "monthly_saving": found.monthly_saving}
        yield from _quantiles("range", spread, place)
        for key, unit in (("replays", ""), ("draws", ""), ("pairs_apart", ""), ("held", ""), ("off_usd", "USD")):
            yield _row("range", key.removesuffix("_usd"), getattr(found, key), unit, **place)
        for driver in found.drivers:
            where = {**place, "step": driver.step, "name": driver.parameter}
            for end in ("low", "mode", "high"):
                yield _row("range_drivers", end, getattr(driver, end), **where)
            yield _row("range_drivers", "saving_low", driver.saving_low_usd, "USD", **where)
            yield _row("range_drivers", "saving_high", driver.saving_high_usd, "USD", **where)
    if months is not None:
        yield from _quantiles("month_range", {"cost": months.cost, "saving": months.saving}, place)
        yield _row("month_range", "days", months.days, "days", **place)
        yield _row("month_range", "draws", months.draws, **place)


def _quantiles(section: str, spread: Mapping[str, Range | None], place: Row) -> Iterator[Row]:
    for metric, found in spread.items():
        if found is not None:
            for key in ("p10", "p50", "p90"):
                yield _row(section, f"{metric}_{key}", getattr(found, f"{key}_usd"), "USD", **place)


def _facts(section: str, facts: Mapping[str, str] | None, place: Row) -> Iterator[Row]:
    for key, value in (facts or {}).items():
        yield _row(section, key, value, **place)


def _step(step: Step, place: Row) -> Iterator[Row]:
    yield _row("steps", "title", step.title, **place)
    yield _row("steps", "saving", step.saving_usd, "USD", **place)
    yield _row("steps", "cost_added", step.cost_added_usd, "USD", **place)
    yield _row("steps", "requests_changed", step.requests_changed, "requests", **place)
    yield _row("steps", "measured", step.evidence.measured_usd, "USD", **place)
    yield _row("steps", "modelled", step.evidence.modelled_usd, "USD", **place)
    yield _row("steps", "assumed", step.evidence.assumed_usd, "USD", **place)
    yield from _facts("step_facts", step.facts, place)
    for line in step.assumptions:
        yield _row("assumptions", line.name, line.value, line.unit, **place)
        yield _row("assumption_sources", line.name, line.source, **place)
    for warning in step.warnings:
        yield _row("warnings", "warning", warning, **place)
