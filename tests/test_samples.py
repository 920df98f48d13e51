"""The sample logs: the same bytes every time, and read as what their generator says they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

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


REPORTED = "token_source IS NULL OR token_source = 'provider'"
"""Rows whose counts the export gave; counts that ingest makes from bodies are not in expected.json."""


def sums(store: Store, columns: list[str]) -> dict[str, int]:
    chosen = ", ".join(f"coalesce(sum({name}) FILTER ({REPORTED}), 0)" for name in columns)
    row = store.rows(f"SELECT {chosen} FROM usage")[0]  # noqa: S608 - column names, from our own file
    return {name: int(value) for name, value in zip(columns, row, strict=True)}


def by_model(store: Store) -> dict[str, tuple[int, int, int]]:
    rows = store.rows(
        "SELECT coalesce(request_model, response_model), count(*), "  # noqa: S608 - a constant
        f"coalesce(sum(input_tokens) FILTER ({REPORTED}), 0), coalesce(sum(output_tokens) FILTER ({REPORTED}), 0) "
        "FROM usage GROUP BY 1"
    )
    return {str(model): (int(count), int(inputs), int(outputs)) for model, count, inputs, outputs in rows}


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
    if "spend_usd" in want:
        assert store.value("SELECT sum(billed_cost) FROM usage") == Decimal(want["spend_usd"])
    charged = store.rows("SELECT count(*), coalesce(sum(billed_cost), 0) FROM billed")[0]
    billed = want.get("billed", {"rows": 0, "cost": "0"})
    assert charged == (billed["rows"], Decimal(billed["cost"]))
    parts = want["by_model"].items()
    assert by_model(store) == {model: (p["rows"], p["input_tokens"], p["output_tokens"]) for model, p in parts}
