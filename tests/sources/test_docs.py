"""docs/sources.md says of every source what the source says of itself."""

from __future__ import annotations

import pytest

from llmcost.records.contract import Source
from llmcost.sources import SOURCES
from llmcost.usage.columns import BILLED, USAGE
from scripts.source_docs import PATH, text

NAMED = list(SOURCES)


def test_the_document_is_what_the_sources_say() -> None:
    assert PATH.read_text(encoding="utf-8") == text(), "run: python -m scripts.make_docs"


@pytest.mark.parametrize(("name", "source"), NAMED, ids=[name for name, _ in NAMED])
def test_a_source_tells_what_a_user_needs(name: str, source: Source) -> None:
    columns = BILLED if source.grain == "billed" else USAGE
    assert source.knows
    assert source.knows <= {column.name for column in columns}
    assert source.forms
    assert source.url.startswith("https://")
    assert len(source.checked) == len("2026-11-23")
    assert f"## {name}\n" in text()
