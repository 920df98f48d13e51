"""``llmcost report`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.support import Program, row, write_rows
from tests.support import SAMPLES

FOLDER = SAMPLES / "two_months"
PRICES = SAMPLES / "two-months-prices.toml"


def test_all_formats_at_once(llmcost: Program, tmp_path: Path) -> None:
    out = tmp_path / "out"
    llmcost(
        "report", FOLDER, "--month", "2026-10", "--prices", PRICES, "--tag", "cost_center", "--no-scenarios",
        "-f", "json", "-f", "markdown", "-f", "csv", "-f", "html", "-o", out,
    )  # fmt: skip
    found = json.loads((out / "monthly.json").read_text())
    assert found["headline"]["this"]["month"] == "2026-10"
    assert found["schema_version"] == 1
    page = (out / "monthly.html").read_text()
    assert "dev-3" in page
    assert "Worth doing" not in page, "nothing was tried"


def test_without_a_month_it_is_the_last_one(llmcost: Program, tmp_path: Path) -> None:
    log = write_rows(tmp_path / "log.jsonl", row(1), row(2, started_at="2026-11-01T00:30:00Z"))
    found = llmcost("report", log, "-f", "json", "--no-scenarios").json
    assert found["headline"]["this"]["month"] == "2026-11"
    assert found["headline"]["this"]["requests"] == 1
    there = llmcost("report", log, "-f", "json", "--no-scenarios", "--timezone", "America/New_York").json
    assert there["headline"]["this"]["month"] == "2026-10"
    assert there["headline"]["this"]["requests"] == 2


@pytest.mark.parametrize("month", ["2026-13", "october", "2026-1", "0000-01"])
def test_what_is_no_month(llmcost: Program, tmp_path: Path, month: str) -> None:
    log = write_rows(tmp_path / "log.jsonl", row(1))
    assert "is no month" in llmcost("report", log, "--month", month, code=2).err


def test_a_month_without_a_call_names_the_days_of_the_log(llmcost: Program, tmp_path: Path) -> None:
    log = write_rows(tmp_path / "log.jsonl", row(1))
    said = llmcost("report", log, "--month", "2026-03", code=2).err
    assert "nothing in 2026-03" in said
    assert "2026-10-02" in said


def test_unknown_dimensions_files_and_amounts_are_told(llmcost: Program, tmp_path: Path) -> None:
    log = write_rows(tmp_path / "log.jsonl", row(1))
    assert "feature" in llmcost("report", log, "--by", "featur", code=2).err
    assert "no such budget file" in llmcost("report", log, "--budget", tmp_path / "none.toml", code=2).err
    assert "above zero" in llmcost("report", log, "--budget", "0", code=2).err
    rules = tmp_path / "shared.toml"
    rules.write_text('[[shared]]\nname = "x"\nsplit = "fixed"\nwhen = "feature = \'a\'"\n')
    assert "shares" in llmcost("report", log, "--shared", rules, code=2).err


def test_unknown_is_not_zero_and_fails_when_strict(llmcost: Program, tmp_path: Path) -> None:
    log = write_rows(tmp_path / "log.jsonl", row(1, request_model="nobody-sells-this"), row(2, started_at=None))
    said = llmcost("report", log, "--month", "2026-10", "--no-scenarios", "--tag", "x", "--strict", code=4)
    assert "unknown" in said.out
    assert "have no price" in said.err
    assert "without a time" in said.out


def test_names_from_a_log_stay_names(llmcost: Program, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\x1b[31m=cmd|'x'"
    rows = [row(n, feature=evil, team=evil, user_id=evil, tags={"a'b\"/~": evil}) for n in range(20)]
    log = write_rows(tmp_path / "log.jsonl", *rows)
    for format_ in ("terminal", "markdown", "html", "csv"):
        page = llmcost(
            "report", log, "--tag", "a'b\"/~", "--no-scenarios", "--showback", "tag:a'b\"/~", "-f", format_
        ).out
        assert "\x1b[31m" not in page
        assert "<script>alert" not in page or format_ in {"terminal", "csv"}
