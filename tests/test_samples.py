"""The sample logs: the same bytes every time, and read as what their generator says they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc
import pytest

from llmcost.ingest.run import ingest
from llmcost.sources import SOURCES
from llmcost.usage.store import Store
from scripts.make_samples import FOLDERS, SAMPLES, content


def expected(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / folder / "expected.json").read_text())
    return found


CASES = [(folder, name) for folder in sorted(FOLDERS) for name in sorted(expected(folder))]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(None) as opened:
        yield opened


def sums(store: Store, columns: list[str]) -> dict[str, int]:
    table = store.arrow("SELECT * FROM usage")
    return {name: pc.sum(table[name]).as_py() or 0 for name in columns}


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_making_them_again_gives_the_committed_bytes(folder: str) -> None:
    files = FOLDERS[folder]()
    committed = {
        path.relative_to(SAMPLES / folder).as_posix() for path in (SAMPLES / folder).rglob("*") if path.is_file()
    }
    assert set(files) == committed, "run: make samples"
    for name, data in files.items():
        assert content(name, data) == content(name, (SAMPLES / folder / name).read_bytes()), (
            f"{folder}/{name}: run make samples"
        )
        assert not name.endswith(".gz") or data[4:8] == b"\0\0\0\0", "a time in the gzip header"


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 3_000_000


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_they_are_read_as_expected(folder: str, name: str, store: Store) -> None:
    want = expected(folder)[name]
    if want["source"] not in SOURCES.names():
        pytest.fail(f"no source is called {want['source']}")
    got = ingest(store, [str(SAMPLES / folder / name)])
    assert [file.source for file in got.files] == [want["source"]]
    assert sums(store, list(want["totals"])) == want["totals"]
    assert store.value("SELECT count(*) FROM usage") == want["rows"]
    assert got.read == got.ingested + got.duplicates + got.superseded + got.rejected
    assert got.rejected == want["rejected"]
    if want["requests"] is not None:
        assert store.value("SELECT sum(requests) FROM usage") == want["requests"]
    by_model = store.rows(
        "SELECT coalesce(request_model, response_model), count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0) FROM usage GROUP BY 1 ORDER BY 1"
    )
    assert by_model == [
        (model, part["rows"], part["input_tokens"], part["output_tokens"]) for model, part in want["by_model"].items()
    ]
