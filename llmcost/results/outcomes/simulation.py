"""A replayed log: what it cost, what scenarios would have cost, and how that is known."""

from __future__ import annotations

from llmcost.results import headline, scenario_tables, spend_tables, trust_tables
from llmcost.results.document import Document, Section
from llmcost.results.longform import long_form
from llmcost.results.model import Result
from llmcost.results.outcome import Kind
from llmcost.results.present import clean
from llmcost.results.spend_cube import cubes
from llmcost.results.whatif.panel import panel


def document(result: Result, top_n: int = 10, title: str = "") -> Document:
    """``result`` as a reader meets it; ``top_n`` lines a breakdown, the rest in one line that says so."""
    return Document(
        title=clean(title or result.title) or "What the LLM calls cost",
        subtitle=headline.subtitle(result),
        sentence=headline.sentence(result),
        caveats=headline.caveats(result),
        figures=headline.figures(result),
        sections=tuple(_sections(result, top_n)),
        warnings=trust_tables.warnings_of(result),
        footer=trust_tables.footer(result),
        cubes=cubes(result.baseline.breakdown, result.baseline.series),
        panel=panel(result.what_if, result.period, before="time" if result.baseline.series else "where"),
    )


def _sections(result: Result, top_n: int) -> list[Section]:
    places, base = headline.result_places(result), result.baseline
    sections = []
    if result.scenarios:
        falls = scenario_tables.waterfalls(result, places)
        sections.append(Section("scenarios", "Scenarios", (scenario_tables.scenarios(result, places), *falls)))
    if base.series:
        blocks = (spend_tables.days_chart(base.series), spend_tables.days_table(base.series, places))
        sections.append(Section("time", "Spend over time", blocks, short="Over time"))
    if base.breakdown or base.lines:
        tables = spend_tables.breakdowns(base.breakdown, top_n, places)
        charged = (spend_tables.charged_for(base.lines, places),) if base.lines else ()
        sections.append(Section("where", "Where the money goes", (*tables, *charged), short="Where it goes"))
    if result.scenarios:
        sections.append(scenario_tables.evidence(result, places))
    flat = scenario_tables.flat_charges(result)
    if flat.rows:
        sections.append(Section("flat", flat.title, (flat,), short="Flat charges"))
    trust = (
        trust_tables.coverage_table(result.coverage),
        trust_tables.unpriced_table(result.coverage.unpriced),
        *([trust_tables.repeated_table(result.coverage.repeated)] if result.coverage.repeated else []),
        *([trust_tables.overlaps_table(result.coverage.overlaps)] if result.coverage.overlaps else []),
        trust_tables.problems_table(result.problems),
    )
    sections.append(Section("coverage", "Coverage", trust))
    assumed = trust_tables.assumptions_table(result)
    if assumed.rows or result.scenarios:
        sections.append(Section("assumptions", assumed.title, (assumed,)))
    return sections


OUTCOME = Kind("What the log cost, and would have cost", Result, document, long_form, schema="result")
