from __future__ import annotations

from pathlib import Path

import pytest

from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store
from tests.cli.support import OCTOBER, Program, row, write_rows
from tests.support import SAMPLES


def digest(path: Path, *, keys: bool = True) -> str:
    with Store(path, read_only=True) as store:
        return store_digest(store, keys=keys)


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_an_export_reads_back_as_the_same_rows(form: str, llmcost: Program) -> None:
    llmcost("ingest", OCTOBER, SAMPLES / "claude_code", SAMPLES / "openai_usage", "-q")
    llmcost("export", "--out", f"rows.{form}")
    llmcost("ingest", f"rows.{form}", "--store", "again.duckdb", "--strict", "-q")
    first, again = llmcost.folder / "llmcost.duckdb", llmcost.folder / "again.duckdb"
    assert digest(first, keys=False) == digest(again, keys=False)


def test_exported_keys_still_compare_among_themselves(llmcost: Program) -> None:
    chains = ([1, 2, 3], [1, 2, 4], [9], None)
    write_rows(
        llmcost.folder / "a.jsonl", *(row(n, prefix_keys=c, prefix_block_tokens=128) for n, c in enumerate(chains))
    )
    llmcost("ingest", "a.jsonl", "-q")
    llmcost("export", "--out", "b.jsonl")
    llmcost("ingest", "b.jsonl", "--store", "again.duckdb", "-q")

    def shape(name: str) -> list[list[int] | None]:
        with Store(llmcost.folder / name, read_only=True) as store:
            keys = [each for (each,) in store.rows("SELECT prefix_keys FROM usage ORDER BY request_id")]
        names: dict[int, int] = {}
        return [None if each is None else [names.setdefault(key, len(names)) for key in each] for each in keys]

    assert shape("llmcost.duckdb") == shape("again.duckdb") == [[0, 1, 2], [0, 1, 3], [4], None]
    assert digest(llmcost.folder / "llmcost.duckdb") != digest(llmcost.folder / "again.duckdb")


def test_the_same_store_gives_the_same_bytes(llmcost: Program) -> None:
    llmcost("ingest", OCTOBER, "-q")
    llmcost("export", "-o", "a.csv", "-q")
    llmcost("export", "-o", "b.csv", "-q")
    assert (llmcost.folder / "a.csv").read_bytes() == (llmcost.folder / "b.csv").read_bytes()


def test_a_label_never_becomes_a_formula(llmcost: Program) -> None:
    write_rows(llmcost.folder / "a.jsonl", row(1, feature="=HYPERLINK(1)"), row(2, feature="plain"))
    llmcost("ingest", "a.jsonl", "-q")
    ran = llmcost("export", "-o", "a.csv")
    assert ",'=HYPERLINK(1)" in (llmcost.folder / "a.csv").read_text()
    assert "1 texts that a spreadsheet would run" in ran.err
    assert "spreadsheet" not in llmcost("export", "-o", "b.jsonl").err
    assert '"=HYPERLINK(1)"' in (llmcost.folder / "b.jsonl").read_text()


def test_what_is_left_out_is_told(llmcost: Program) -> None:
    llmcost("ingest", OCTOBER, "-q")
    with Store(llmcost.folder / "llmcost.duckdb") as store:
        store.execute("INSERT INTO billed (identity, billed_cost) VALUES (1, 2.5)")
    assert "1 billed lines are not usage rows" in llmcost("export", "-o", "a.jsonl").err


def test_an_export_that_fails_leaves_the_old_file(llmcost: Program) -> None:
    llmcost("ingest", OCTOBER, "-q")
    ran = llmcost("export", "-o", "nowhere/a.jsonl", code=2)
    assert "cannot be written" in ran.err


def test_focus_is_written_and_tells_its_gaps(llmcost: Program, tmp_path: Path) -> None:
    log = tmp_path / "usage.jsonl"
    row = '{"request_id": "%s", "started_at": "2026-10-01T08:00:00Z", "provider_name": "openai", "request_model": "%s", "input_tokens": 100, "output_tokens": 10}\n'
    log.write_text(row % ("a", "gpt-4o-mini") + row % ("b", "nobody-knows"), encoding="utf-8")
    llmcost("ingest", log, "--store", tmp_path / "s.duckdb")
    out = tmp_path / "focus.csv"
    run = llmcost("export", "-f", "focus", "-o", out, "--store", tmp_path / "s.duckdb", "--focus-version", "1.3")
    assert "4 FOCUS 1.3 rows, $0.0000210 by contract" in run.err
    assert "1 requests without a price" in run.err
    assert len(out.read_text(encoding="utf-8").splitlines()) == 5, (
        "one product is split, since it would round in doubles"
    )
    llmcost("export", "-f", "focus", "-o", out, "--store", tmp_path / "s.duckdb", "--strict", code=4)
    other = llmcost(
        "export", "-o", tmp_path / "rows.csv", "--store", tmp_path / "s.duckdb", "--focus-grain", "day", code=2
    )
    assert "--focus-grain is for FOCUS" in other.err


def test_focus_tells_the_bills_that_it_leaves_out(llmcost: Program) -> None:
    llmcost("ingest", OCTOBER, "-q")
    with Store(llmcost.folder / "llmcost.duckdb") as store:
        store.execute("INSERT INTO billed (identity, billed_cost) VALUES (1, 2.5)")
    ran = llmcost("export", "-f", "focus", "-o", "f.csv", "--focus-grain", "day")
    assert "1 line of a bill is not in it" in ran.err
