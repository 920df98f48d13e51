"""The measurements as tables for a terminal, with the aim beside each figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

SINGLES = "Single strategies (aim: within 2x of SQL; faster than a loop that prices each request twice)"
COMPOSED = "Composed scenarios, one by one"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}x" if value < 100 else f"{value:,.0f}x"


def _table(title: str, columns: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    return table


def _ingests(lines: Iterable[Mapping[str, Any]]) -> Table:
    table = _table(
        "Ingest (aim: JSONL within 3x of DuckDB's read)",
        ("file", "rows", "llmcost", "DuckDB", "ratio", "MB/s", "peak MB", "DuckDB's"),
    )
    for line in lines:
        table.add_row(
            line["file"], f"{line['rows']:,}", _seconds(line["wall"]), _seconds(line.get("duckdb_wall")), _times(line.get("ratio")),
            f"{line['mb_per_second']:,.0f}", f"{line['peak_mb']:,.0f}", f"{line['duckdb_peak_mb']:,.0f}" if "duckdb_peak_mb" in line else "–",
        )  # fmt: skip
    return table


def _sources(lines: Iterable[Mapping[str, Any]]) -> Table:
    table = _table(
        "Sources: samples made larger, figures at 10x (aim: flat memory)",
        ("source", "file", "MB", "records/s", "MB/s", "llmcost", "DuckDB", "by", "ratio", "peak MB x1", "x10"),
    )
    for line in lines:
        if "failed" in line:
            table.add_row(line["source"], line["file"], line["failed"])
            continue
        table.add_row(
            line["source"], line["file"], f"{line['mb']:,.0f}", f"{line['records_per_second']:,.0f}", f"{line['mb_per_second']:,.1f}",
            _seconds(line["wall"]), _seconds(line["duckdb_wall"]), line["reader"], _times(line["ratio"]),
            f"{line['peak_mb']:,.0f}", f"{line['peak_mb_x10']:,.0f}",
        )  # fmt: skip
    return table


def _scenarios(title: str, lines: Iterable[Mapping[str, Any]]) -> Table:
    table = _table(title, ("scenario", "llmcost", "SQL", "ratio", "money", "genai-prices", "litellm"))
    for line in lines:
        if "skipped" in line:
            table.add_row(line["name"], line["skipped"])
            continue
        loops = [line["faster_than"].get(name) for name in ("genai-prices", "litellm")]
        table.add_row(
            line["name"], _seconds(line["wall"]), _seconds(line["sql_wall"]), _times(line["ratio"]), line["money"], *map(_times, loops)
        )  # fmt: skip
    return table


def _rest(report: Mapping[str, Any]) -> Table:
    table = _table("More", ("what", "figure", "aim"))
    for name, entry in report.get("more", {}).items():
        table.add_row(name, str(entry["figure"]), str(entry.get("aim", "")))
    return table


def _tables(report: Mapping[str, Any]) -> list[Table]:
    """Every table that the report has."""
    found = [
        _ingests(report["ingest"]) if report.get("ingest") else None,
        _sources(report["sources"]) if report.get("sources") else None,
        _scenarios(SINGLES, report["singles"]) if report.get("singles") else None,
        _scenarios(COMPOSED, report["composed"]) if report.get("composed") else None,
        _rest(report) if report.get("more") else None,
    ]
    return [table for table in found if table is not None]


def _facts(report: Mapping[str, Any]) -> str:
    facts = report["machine"]
    return (
        f"{report['rows']:,} requests, {facts['cores']} cores, Python {facts['python']}, DuckDB {facts['packages']['duckdb']}, "
        f"load {facts['load_1min']} before"
    )


def show(report: Mapping[str, Any], console: Console) -> None:
    """Prints every table."""
    console.print(_facts(report))
    for table in _tables(report):
        console.print(table)


def page(report: Mapping[str, Any], command: str, day: str) -> str:
    """The same as a Markdown page, with the command that makes it."""
    busy = (
        " (busy: ratios count, seconds do not)" if report["machine"]["load_1min"] > report["machine"]["cores"] else ""
    )
    told = f"Made by the command below on {day}: {_facts(report)}{busy}."
    told += " What is measured, and what keeps it fair: [benchmarks/README.md](../benchmarks/README.md)."
    parts = ["# Benchmarks", told, f"```\n{command}\n```"]
    for table in _tables(report):
        parts += [f"## {table.title}", _markdown(table)]
    return "\n\n".join(parts) + "\n"


def _markdown(table: Table) -> str:
    heads = [str(column.header) for column in table.columns]
    rules = ["---:" if column.justify == "right" else "---" for column in table.columns]
    # A line that was not measured has its name and the reason alone.
    rows = zip(*([str(cell) for cell in column.cells] for column in table.columns), strict=True)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows))
