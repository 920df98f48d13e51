"""Samples made larger for the benchmark are other calls of the same format, whatever the format."""

from __future__ import annotations

from pathlib import Path

import pytest

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
