from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from llmcost.results.model import Result
from tests.cli.support import OCTOBER, STAGING, Program, row, write_rows

REPRICE = """
[[scenario]]
name = "dearer"
[[scenario.step]]
strategy = "reprice"
model = "openai/gpt-5"
"""


@pytest.fixture
def rows(llmcost: Program) -> Path:
    return write_rows(llmcost.folder / "rows.jsonl", *(row(n) for n in range(28)))


@pytest.fixture
def dearer(llmcost: Program) -> Path:
    path = llmcost.folder / "dearer.toml"
    path.write_text(REPRICE)
    return path


def test_paths_need_no_store_and_leave_none(llmcost: Program, rows: Path, dearer: Path) -> None:
    ran = llmcost("simulate", rows, "-s", dearer)
    assert "dearer" in ran.out
    assert "28 read = 28 ingested" in ran.err
    assert {path.name for path in llmcost.folder.iterdir()} == {"rows.jsonl", "dearer.toml", "config"}


def test_json_is_all_there_is_on_stdout(llmcost: Program, rows: Path, dearer: Path) -> None:
    result = Result.model_validate_json(llmcost("simulate", rows, "-s", dearer, "-f", "json").out)
    assert result.baseline.requests == 28
    # 28 requests of 1,000 to 1,027 input tokens at $0.25 and 100 output tokens at $2 a million
    assert result.baseline.cost_usd == (28 * 1000 + sum(range(28))) * Decimal("0.25e-6") + 28 * 100 * Decimal("2e-6")
    assert result.scenarios[0].saving_usd < 0
    assert result.sources == [str(rows)]


def test_several_files_each_get_the_format_of_their_suffix(llmcost: Program, rows: Path, dearer: Path) -> None:
    ran = llmcost("simulate", rows, "-s", dearer, "-o", "one.json", "-o", "two.md", "-o", "one.json")
    assert [line for line in ran.err.splitlines() if line.startswith("wrote")] == ["wrote one.json", "wrote two.md"]
    assert Result.model_validate_json((llmcost.folder / "one.json").read_bytes()).baseline.requests == 28
    assert (llmcost.folder / "two.md").read_text().startswith("#")


def test_quiet_says_nothing_on_stderr(llmcost: Program, rows: Path, dearer: Path) -> None:
    assert llmcost("simulate", rows, "-s", dearer, "--quiet").err == ""


def test_the_store_is_the_default(llmcost: Program, rows: Path, dearer: Path) -> None:
    llmcost("ingest", rows, "-q")
    stored = llmcost("simulate", "-s", dearer, "-f", "json").json
    direct = llmcost("simulate", rows, "-s", dearer, "-f", "json").json
    assert stored["sources"] == ["llmcost.duckdb"]
    for part in ("baseline", "scenarios", "coverage", "period"):
        assert stored[part] == direct[part]


def test_paths_with_a_store_charge_only_their_rows(llmcost: Program, rows: Path, dearer: Path) -> None:
    other = write_rows(llmcost.folder / "other.jsonl", *(row(n, request_model="gpt-5") for n in range(20, 40)))
    llmcost("ingest", rows, "-q")
    result = llmcost("simulate", other, "--store", "llmcost.duckdb", "-s", dearer, "-f", "json").json
    alone = llmcost("simulate", other, "-s", dearer, "-f", "json").json
    assert result["baseline"]["rows"] == alone["baseline"]["rows"] == 20
    whole = llmcost("simulate", "-s", dearer, "-f", "json").json
    assert whole["baseline"]["rows"] == 40


def test_a_newcomer_needs_no_scenario(llmcost: Program) -> None:
    ran = llmcost("simulate", OCTOBER, "-f", "json")
    named = {scenario["name"] for scenario in ran.json["scenarios"]}
    assert named
    assert all(
        any(step["requests_changed"] for step in s["steps"]) or s["saving_usd"] != "0" for s in ran.json["scenarios"]
    )


def test_a_preset_that_was_asked_for_is_shown_even_when_it_changes_nothing(llmcost: Program, rows: Path) -> None:
    result = llmcost("simulate", rows, "--preset", "prompt-cache", "-f", "json").json
    assert [s["name"] for s in result["scenarios"]] == ["prompt-cache"]


def test_a_month_of_a_zone(llmcost: Program, dearer: Path) -> None:
    path = write_rows(
        llmcost.folder / "edge.jsonl",
        row(1, started_at="2026-09-30T21:59:59Z"),
        row(2, started_at="2026-09-30T22:00:00Z"),
        row(3, started_at="2026-10-31T22:59:59Z"),
        row(4, started_at="2026-10-31T23:00:00Z"),
    )

    def requests(*options: str) -> int:
        result = llmcost("simulate", path, "-s", dearer, "-f", "json", "--month", "2026-10", *options).json
        return int(result["baseline"]["requests"])

    assert requests() == 2
    assert requests("--timezone", "Europe/Berlin") == 2
    assert requests("--where", "input_tokens = 1002", "--timezone", "Europe/Berlin") == 1
    nothing = ("--month", "2026-10", "--where", "input_tokens = 1002")
    assert "none of the 4 calls in the log is selected" in llmcost("simulate", path, "-s", dearer, *nothing, code=2).err


def test_several_formats_go_into_a_folder(llmcost: Program, rows: Path, dearer: Path) -> None:
    ran = llmcost("simulate", rows, "-s", dearer, "-f", "json", "-f", "csv", "-f", "markdown", "--out", "out")
    written = {path.name for path in (llmcost.folder / "out").iterdir()}
    assert written == {"simulation.json", "simulation.csv", "simulation.md"}
    assert "wrote out/simulation.json" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(("name", "start"), [("a.json", b"{"), ("a.html", b"<!doctype html>"), ("a.md", b"#")])
def test_the_suffix_tells_the_format(name: str, start: bytes, llmcost: Program, rows: Path, dearer: Path) -> None:
    llmcost("simulate", rows, "-s", dearer, "--out", name)
    assert (llmcost.folder / name).read_bytes().lower().startswith(start)


def test_a_report_that_cannot_be_written_leaves_the_old_one(llmcost: Program, rows: Path, dearer: Path) -> None:
    (llmcost.folder / "file").write_text("old")
    ran = llmcost("simulate", rows, "-s", dearer, "-f", "json", "--out", "file/a.json", code=2)
    assert "cannot be written" in ran.err
    assert (llmcost.folder / "file").read_text() == "old"


def test_writing_leaves_no_temporary_file(llmcost: Program, rows: Path, dearer: Path) -> None:
    (llmcost.folder / "r.json").write_text("old")
    llmcost("simulate", rows, "-s", dearer, "--out", "r.json")
    assert json.loads((llmcost.folder / "r.json").read_text())["schema_version"] == 1
    assert not [path for path in llmcost.folder.iterdir() if path.name.startswith(".")]


def test_strict_shows_the_report_and_then_the_gap(llmcost: Program, dearer: Path) -> None:
    path = write_rows(llmcost.folder / "rows.jsonl", row(1), row(2, request_model="nobody-sells-this"))
    ran = llmcost("simulate", path, "-s", dearer, "-f", "json", "--strict", code=4)
    assert ran.json["coverage"]["priced_requests"] == 1
    assert "1 of 2 requests have no price (openai/nobody-sells-this" in ran.err
    assert llmcost("simulate", write_rows(path, row(1)), "-s", dearer, "--strict").code == 0


def test_prices_on_a_day_and_own_prices(llmcost: Program, rows: Path, dearer: Path) -> None:
    result = llmcost("simulate", rows, "-s", dearer, "-f", "json", "--prices-on", "2025-09-01").json
    assert result["scenarios"][0]["prices_on"] == result["prices"]["on"] == "2025-09-01"
    assert llmcost("simulate", rows, "-s", dearer, "-f", "json").json["prices"]["on"] is None
    (llmcost.folder / "own.toml").write_text(
        '[[model]]\nid = "gpt-5-mini"\nprovider = "openai"\n[[model.price]]\nfrom = 2026-01-01\nrates = { input = 1, output = 0 }\n'
    )
    own = llmcost("simulate", rows, "-s", dearer, "-f", "json", "--prices", "own.toml").json
    assert own["baseline"]["cost_usd"] == str(Decimal(28 * 1000 + sum(range(28))) / 1_000_000)


def test_the_footer_names_a_price_day_only_if_all_scenarios_share_it(llmcost: Program, rows: Path) -> None:
    def named(*days: str) -> object:
        scenarios = (REPRICE.replace('"dearer"', f'"{n}"\n{day}') for n, day in enumerate(days))
        (llmcost.folder / "s.toml").write_text("".join(scenarios))
        return llmcost("simulate", rows, "-s", "s.toml", "-f", "json").json["prices"]["on"]

    assert named("prices_on = 2025-09-01", "prices_on = 2025-09-01") == "2025-09-01"
    assert named("prices_on = 2025-09-01", "prices_on = 2025-10-01") is None
    assert named("prices_on = 2025-09-01", "") is None


def test_the_same_seed_gives_the_same_bytes(llmcost: Program) -> None:
    def run() -> bytes:
        llmcost("simulate", STAGING, "--preset", "prompt-cache", "-o", "a.json", "--seed", "7")
        return (llmcost.folder / "a.json").read_bytes()

    assert run() == run()


def test_compare_two_results(llmcost: Program, rows: Path, dearer: Path) -> None:
    llmcost("simulate", rows, "-s", dearer, "-o", "before.json")
    write_rows(rows, *(row(n, output_tokens=200) for n in range(28)))
    llmcost("simulate", rows, "-s", dearer, "-o", "after.json")
    found = llmcost("compare", "before.json", "after.json", "-f", "json").json
    assert Decimal(found["totals"][0]["change_usd"]) == 28 * 100 * Decimal("2e-6")
    assert "dearer" in llmcost("compare", "before.json", "after.json").out
    llmcost("compare", "before.json", "after.json", "-o", "c.md")
    assert (llmcost.folder / "c.md").read_text().startswith("#")
