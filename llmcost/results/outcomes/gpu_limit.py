"""Whether GPUs can ever beat an API price, in words: the use that it takes, and why no volume helps where it is above 100 %."""

from __future__ import annotations

from collections.abc import Iterator

from llmcost.results.cells import cells, columns, number_cell, share_cell, usd_cell
from llmcost.results.document import Cell, Document, Figure, Section, Table
from llmcost.results.gpu_limit import GpuLimit, LimitLine
from llmcost.results.outcome import Kind
from llmcost.results.present import clean, counted, money, number, percent


def document(found: GpuLimit, top_n: int = 10, title: str = "") -> Document:
    """``found`` in words and a table."""
    del top_n
    rate = "full use" if found.utilisation == 1 else f"{percent(found.utilisation)} use"
    return Document(
        title=clean(title or found.title) or "Own GPUs against an API price",
        subtitle=f"no log: price and throughput alone, at {rate}",
        sentence=" ".join(_words(line, found) for line in found.lines[:3]),
        caveats=tuple(clean(warning) for warning in found.warnings),
        figures=tuple(_figure(line) for line in found.lines[:4]),
        sections=tuple(_sections(found)),
        footer=clean(found.generated_with),
    )


def _figure(line: LimitLine) -> Figure:
    detail = "never pays" if line.never else "of its capacity to break even"
    return Figure(clean(line.name), percent(line.break_even_use), detail, "loss" if line.never else "")


def _words(line: LimitLine, found: GpuLimit) -> str:
    name, use = clean(line.name), percent(line.break_even_use)
    price = (
        f"{name} costs {money(line.full_use_usd_per_mtok)} per million tokens if it never stands idle, the API "
        f"{money(line.api_usd_per_mtok)}: it breaks even at {use} of its capacity"
    )
    if line.break_even_use > 1:
        return (
            f"{price}. That is more than all of it, so it never pays, at any volume: more volume only needs more of it."
        )
    if line.never:
        return f"{price}, and only {percent(found.utilisation)} may be used: it never pays, at any volume."
    if line.break_even_mtok_per_month is None:
        return f"{price}; with what is paid beside it one cluster does not get there, larger fleets may."
    return f"{price}, {number(line.break_even_mtok_per_month)} million tokens a month."


def _sections(found: GpuLimit) -> Iterator[Section]:
    heads = columns(
        "Cluster", "An hour#$", "Tokens a second#?", "At full use, per MTok#$", "API, per MTok#$", "Break-even use#%",
        "Break-even, MTok a month#", "Verdict",
    )  # fmt: skip
    rows = tuple(
        cells(
            clean(line.name), usd_cell(line.usd_per_hour), number_cell(line.tokens_per_second),
            usd_cell(line.full_use_usd_per_mtok), usd_cell(line.api_usd_per_mtok), share_cell(line.break_even_use),
            _reached(line), _verdict(line),
        )
        for line in found.lines
    )  # fmt: skip
    note = "Break-even use = cost at full use / API price. Above 100 % no volume helps."
    yield Section("limit", "Use it takes", (Table("limit", "Use it takes", heads, rows, note=note, titled=False),))
    if any(line.volume for line in found.lines):
        yield Section("volume", "At the given volume", (_volumes(found),), short="Volume")
    if found.assumptions:
        lines = tuple(
            cells(clean(a.name), f"{clean(a.value)} {clean(a.unit)}".strip(), clean(a.source))
            for a in found.assumptions
        )
        table = Table("assumptions", "Assumptions", columns("Assumption", "Value", "Source"), lines, titled=False)
        yield Section("assumptions", "Assumptions", (table,))


def _reached(line: LimitLine) -> Cell:
    return Cell("none") if line.break_even_mtok_per_month is None else number_cell(line.break_even_mtok_per_month)


def _verdict(line: LimitLine) -> str:
    if line.never:
        return "never"
    return "not with one" if line.break_even_mtok_per_month is None else "pays above"


def _volumes(found: GpuLimit) -> Table:
    heads = columns("Cluster", "MTok a month#", "Needs", "Used#%", "Own, a month#$", "API, a month#$")
    rows = tuple(
        cells(
            clean(line.name), number_cell(line.volume.mtok_per_month), counted(line.volume.clusters, "cluster"),
            share_cell(line.volume.use), usd_cell(line.volume.own_usd), usd_cell(line.volume.api_usd),
        )
        for line in found.lines
        if line.volume is not None
    )  # fmt: skip
    return Table("volume", "At the given volume", heads, rows, titled=False)


OUTCOME = Kind("Own GPUs against an API price", GpuLimit, document)
