from __future__ import annotations

from pathlib import Path

import pytest

from llmcost.results.reconcile.model import Reconciliation
from tests.cli.support import Program, row, write_rows

HEAD = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,organization_id,organization_name\n"
DAY = "1791072000,1791158400,2026-10-04T00:00:00+00:00,2026-10-05T00:00:00+00:00"


@pytest.fixture
def log(llmcost: Program) -> Path:
    """A thousand calls of 2026-10-04: $0.45 at list prices."""
    call = {"started_at": "2026-10-04T10:00:00Z", "requests": 1000, "ended_at": "2026-10-04T11:00:00Z"}
    return write_rows(llmcost.folder / "rows.jsonl", row(1, **call, input_tokens=1_000_000, output_tokens=100_000))


def bill(folder: Path, amount: str, currency: str = "usd") -> Path:
    path = folder / "cost_2026-10-04_2026-10-05.csv"
    path.write_text(f"{HEAD}{DAY},{amount},{currency},,,org-1,Larkspur\n")
    return path


def test_a_bill_that_agrees(llmcost: Program, log: Path) -> None:
    ran = llmcost("reconcile", log, bill(llmcost.folder, "0.45"), "-f", "json")
    found = Reconciliation.model_validate_json(ran.out)
    assert found.parts[0].total.gap_usd == 0
    assert found.verdict.over is False
    assert sorted(Path(source).name for source in found.sources) == ["cost_2026-10-04_2026-10-05.csv", "rows.jsonl"]


def test_the_report_comes_first_and_the_verdict_after(llmcost: Program, log: Path) -> None:
    ran = llmcost("reconcile", log, bill(llmcost.folder, "0.48"), code=1)
    assert "List against billed" in ran.out
    assert "the gap of the whole is 6.25% of what was billed, the limit is 5%" in ran.err
    assert llmcost("reconcile", log, bill(llmcost.folder, "0.48"), "--threshold", "10%").code == 0
    assert llmcost("reconcile", log, bill(llmcost.folder, "0.48"), "--threshold", "0.0625").code == 0


def test_every_format_at_once(llmcost: Program, log: Path) -> None:
    paper = bill(llmcost.folder, "0.45")
    formats = [part for name in ("html", "csv", "markdown", "json", "terminal") for part in ("-f", name)]
    llmcost("reconcile", log, paper, "--out", "reports", *formats)
    assert {path.name for path in (llmcost.folder / "reports").iterdir()} == {
        f"reconciliation.{suffix}" for suffix in ("html", "csv", "md", "json", "txt")
    }


def test_another_currency_needs_a_rate(llmcost: Program, log: Path) -> None:
    paper = bill(llmcost.folder, "0.40", "eur")
    without = llmcost("reconcile", log, paper)
    assert "Nothing could be compared" in without.out
    assert "no rate is known for EUR: give one with --rate EUR=..." in without.out
    assert "nothing could be compared" in llmcost("reconcile", log, paper, "--strict", code=4).err
    found = Reconciliation.model_validate_json(
        llmcost("reconcile", log, paper, "--rate", "EUR=1.125", "-f", "json").out
    )
    assert found.parts[0].total.gap_usd == 0


def test_a_store_and_the_period(llmcost: Program, log: Path) -> None:
    llmcost("ingest", log, bill(llmcost.folder, "0.45"), "-q")
    assert llmcost("reconcile", "--month", "2026-10").code == 0
    assert "nothing here was billed" in llmcost("reconcile", "--month", "2026-09", code=2).err


@pytest.mark.parametrize("rate", ["EUR", "EUR=", "EUR=x", "EUR=0", "EUR=-1", "EURO=1.1", "USD=1"])
def test_what_is_no_rate(llmcost: Program, log: Path, rate: str) -> None:
    assert "is no rate" in llmcost("reconcile", log, "--rate", rate, code=2).err


@pytest.mark.parametrize("threshold", ["x", "-1%", "", "5%%"])
def test_what_is_no_share(llmcost: Program, log: Path, threshold: str) -> None:
    assert "--threshold" in llmcost("reconcile", log, "--threshold", threshold, code=2).err


def test_primary_is_a_grain_or_a_source(llmcost: Program, log: Path) -> None:
    paper = bill(llmcost.folder, "0.45")
    assert llmcost("reconcile", log, paper, "--primary", "usage-rows").code == 0
    ran = llmcost("reconcile", log, paper, "--primary", "usage-row", code=2)
    assert "--primary: 'usage-row' is neither a grain nor a source\n  did you mean 'usage-rows'?" in ran.err
