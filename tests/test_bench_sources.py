"""Samples made larger for the benchmark are other calls of the same format, whatever the format."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import sources, table
from benchmarks.measure import machine
from benchmarks.sources import SAMPLES, larger, samples
from llmcost.ingest.run import ingest
from llmcost.usage.store import Store

FORMS = (
    "litellm_spend_logs/spend_logs.csv",
    "openai_chat/requests.jsonl.gz",
    "otlp_json/traces.jsonl",
    "helicone/page.json.gz",
)


def _ingested(path: Path) -> tuple[int, int, int]:
    with Store() as store:
        found = ingest(store, [str(path)])
        return found.read, found.ingested, found.rejected


def test_every_source_with_a_sample_is_measured() -> None:
    folders = {path.name for path in SAMPLES.iterdir() if path.is_dir()}
    assert {source for source, _ in samples()} == folders


@pytest.mark.parametrize("name", FORMS)
def test_copies_are_other_calls(tmp_path: Path, name: str) -> None:
    path = SAMPLES / name
    read, ingested, rejected = _ingested(path)
    once = larger(path, tmp_path / "1", 1)
    assert _ingested(once) == (read, ingested, rejected)
    more = larger(path, tmp_path / "3", 2 * once.stat().st_size)
    copies = _ingested(more)[0] // read
    assert copies > 1
    assert _ingested(more) == (copies * read, copies * ingested, copies * rejected)


def test_each_file_has_a_line_and_so_has_one_that_cannot_be_measured(tmp_path: Path) -> None:
    """The figures of the larger file, memory at both sizes, and the reason in the place of figures."""
    lines = list(sources.measure(tmp_path, 0.05, "anthropic_console"))
    assert [line["source"] for line in lines] == ["anthropic_console"] * len(lines)
    assert all(line["mb"] >= 0.5 and line["records"] == line["rows"] > 1000 for line in lines)
    assert all(line["peak_mb"] > 0 and line["peak_mb_x10"] > 0 for line in lines)
    assert not list(tmp_path.rglob("*.*"))  # large files are not left behind
    failed = {"source": "codex", "file": "x.jsonl", "failed": "ingest failed: out of memory"}
    page = table.page({"rows": 1, "machine": machine(), "sources": [*lines, failed]}, "command", "2026-11-24")
    rows = [line for line in page.splitlines() if line.startswith("| anthropic_console |")]
    assert len(rows) == len(lines)
    assert all(row.count("|") == 12 and "read_csv" in row for row in rows)
    assert "| codex | x.jsonl | ingest failed: out of memory |" in page
