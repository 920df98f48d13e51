"""What a report's totals stand for: coverage, what has no price, problems, assumptions, warnings and the footer."""

from __future__ import annotations

from collections.abc import Iterable

from llmcost.money import plain, usd
from llmcost.results.cells import cells, columns, count_cell, usd_cell
from llmcost.results.document import Cell, Table
from llmcost.results.model import Coverage, Overlap, PricesUsed, ProblemCount, Repeated, Result, Unpriced
from llmcost.results.present import clean, count, name, percent, places_of


def coverage_table(c: Coverage) -> Table:
    """How much of the log the totals stand for."""
    share = Cell(f"{count(c.priced_requests)} ({percent(c.priced_share)})", "", c.priced_requests)
    pairs: list[tuple[str, Cell]] = [
        ("records read", count_cell(c.records_read)),
        ("ingested", count_cell(c.ingested)),
        ("duplicates", count_cell(c.duplicates)),
        ("superseded", count_cell(c.superseded)),
        ("rejected", count_cell(c.rejected)),
        ("requests", count_cell(c.requests)),
        ("priced requests", share),
        *((_tokens(k), count_cell(v)) for k, v in sorted(c.token_sources.items())),
        *((f"assumed: {clean(k)}", count_cell(v)) for k, v in sorted(c.assumed.items())),
    ]
    if c.billed is not None:
        places = places_of([c.billed.billed_usd, c.billed.list_usd])
        pairs += [
            ("requests with a charge in the log", count_cell(c.billed.requests)),
            ("charged for them", usd_cell(c.billed.billed_usd, places)),
            ("the same at catalogue prices", usd_cell(c.billed.list_usd, places)),
        ]
    return Table("coverage", "Coverage", columns("What", "Count#"), tuple(cells(*pair) for pair in pairs))


def _tokens(source: str) -> str:
    return "tokens unknown" if source == "unknown" else f"tokens from {clean(source)}"


def repeated_table(repeated: Iterable[Repeated]) -> Table:
    """Duplicates and superseded records: how many, what makes them the same, and what charging them twice would add."""
    rows = tuple(
        cells(
            "superseded" if r.superseded else "duplicate",
            clean(r.source),
            clean(r.key),
            count_cell(r.count),
            usd_cell(r.cost_usd, places_of([r.cost_usd])),
        )
        for r in repeated
    )
    heads = columns("Records", "Source", "The same by", "Count#", "Not charged twice#$")
    return Table("repeated", "Duplicates", heads, rows, empty="none")


def overlaps_table(overlaps: Iterable[Overlap]) -> Table:
    """The same traffic in several sources or grains: what is charged, and what that leaves out."""
    rows = tuple(
        cells(
            clean(o.source),
            clean(o.charged),
            clean(o.rule),
            count_cell(o.rows),
            usd_cell(o.cost_usd, places_of([o.cost_usd])),
            _fate(o),
        )
        for o in overlaps
    )
    heads = columns("Source", "Charged instead", "The same by", "Rows#", "List cost#$", "These are")
    return Table("overlaps", "The same traffic twice", heads, rows, empty="none")


def _fate(overlap: Overlap) -> str:
    if overlap.partly:
        rest = "without a price" if overlap.rest_usd is None else usd(overlap.rest_usd)
        return f"left out of every total; the rest of them ({rest}) is charged"
    return "left out of every total" if overlap.left_out else "charged: too few to be sure"


def unpriced_table(unpriced: Iterable[Unpriced]) -> Table:
    """Models that the catalogue does not price, and why."""
    lines = sorted(unpriced, key=lambda u: (-u.requests, u.provider or "", u.model or "", u.reason))
    rows = tuple(cells(f"{name(u.provider)}/{name(u.model)}", count_cell(u.requests), clean(u.reason)) for u in lines)
    heads = columns("Model", "Requests#r", "Reason")
    return Table("unpriced", "Without a price", heads, rows, empty="every request has a price")


def problems_table(problems: Iterable[ProblemCount]) -> Table:
    """What is wrong with records of the log."""
    rows = tuple(
        cells(
            clean(p.kind).replace("_", " "),
            count_cell(p.count),
            "rejected" if p.rejected else "kept",
            usd_cell(p.cost_usd, places_of([p.cost_usd])),
            clean(p.example),
        )
        for p in sorted(problems, key=lambda p: (-p.count, p.kind))
    )
    heads = columns("Problem", "Count#", "Rows", "Cost of the rows#$", "First one")
    return Table("problems", "Problems in the log", heads, rows, empty="none")


def assumptions_table(result: Result) -> Table:
    """Every number that the log does not hold, who uses it and where it comes from."""
    rows = [
        cells(
            clean(a.name).replace("_", " "),
            f"{clean(a.value)} {clean(a.unit)}".strip(),
            f"{name(scenario.name)}, {n} {clean(step.strategy)}",
            clean(a.source),
        )
        for scenario in result.scenarios
        for n, step in enumerate(scenario.steps, 1)
        for a in step.assumptions
    ]
    heads = columns("Assumption", "Value", "Used by", "Source")
    return Table("assumptions", "Assumptions", heads, tuple(rows), empty="none")


def warnings_of(result: Result) -> tuple[str, ...]:
    """The result's warnings, then those of its steps, each once."""
    steps = (
        f"{name(scenario.name)}, {n} {clean(step.strategy)}: {clean(warning)}"
        for scenario in result.scenarios
        for n, step in enumerate(scenario.steps, 1)
        for warning in step.warnings
    )
    return tuple(dict.fromkeys([*(clean(w) for w in result.warnings), *steps]))


def prices_text(prices: PricesUsed) -> str:
    """Which prices: the day, the overlay and the catalogue."""
    on = f"prices of {prices.on.isoformat()}" if prices.on else "prices of each request's own day"
    overlay = f" with overlay {clean(prices.overlay)}" if prices.overlay else ""
    return f"{on}{overlay} · catalogue {clean(prices.catalogue_sha256)[:12]}"


def footer(result: Result) -> str:
    """What made the report, at which prices, and how long its month is."""
    month = plain(result.period.month_days)
    return f"{clean(result.generated_with)} · {prices_text(result.prices)} · a month is {month} days"
