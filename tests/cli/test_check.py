"""The gate from the command line: situations with their exit codes, verdicts and findings (tests/cases/check)."""

from __future__ import annotations

import json
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.support import Program
from tests.support import ROOT

FILES = sorted((ROOT / "tests" / "cases" / "check").glob("*.yaml"))
ALWAYS = {"provider_name": "openai", "request_model": "gpt-4o", "output_tokens": 0, "input_tokens": 40_000}
"""0.10 USD a call: gpt-4o is 2.50 USD a million tokens of input."""


def _cases() -> list[Any]:
    found = []
    for path in FILES:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        found += [pytest.param(case, id=case["case"]) for case in document["cases"]]
    return found


def _log(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Rows of a log: ``days`` repeats a row at the same hour of so many days, ``a day`` so many times each."""
    number = 0
    with (folder / "log.jsonl").open("w") as file:
        for given in rows:
            row = {**ALWAYS, **given}
            days, each, first = row.pop("days", 1), row.pop("a day", 1), row.pop("from", 1)
            for day in range(first, first + days):
                for _ in range(each):
                    number += 1
                    stamp = {"started_at": f"2026-09-{day:02d}T{number % 24:02d}:30:00Z"}
                    file.write(json.dumps({"request_id": f"r{number}", **stamp, **row}) + "\n")


@pytest.mark.parametrize("case", _cases())
def test_a_situation_has_its_exit_code_and_comment(case: dict[str, Any], llmcost: Program) -> None:
    for name, text in {"budget.toml": case["budget"], **case.get("files", {})}.items():
        (llmcost.folder / name).write_text(text)
    if "log" in case:
        _log(llmcost.folder, case["log"])
    span = [
        "--month-days",
        "30",
        *(["--since", "2026-09-01", "--until", "2026-10-01"] if case.get("month", True) else []),
    ]
    if "base" in case:
        base = llmcost(
            "check", "log.jsonl", "-q", *span, *shlex.split(case["base"]), "-f", "json", code=case.get("base exit", 0)
        )
        (llmcost.folder / "base.json").write_text(base.out)
    arguments = ["check", "log.jsonl", "-q", *span, *shlex.split(case.get("run", ""))]
    ran = llmcost(*arguments, "-f", "json", code=case["exit"])
    if "error" in case:
        assert case["error"] in ran.err
    if "verdict" not in case:
        assert not ran.out
        return
    assert ran.json["verdict"] == case["verdict"]
    for wanted in case.get("findings", []):
        found = next(
            f
            for f in ran.json["findings"]
            if f["limit"] == wanted["limit"] and f["owner"] == wanted.get("owner", f["owner"])
        )
        for key, value in wanted.items():
            exact = value is not None and key in {"before", "after", "value", "warn", "block"}
            assert (Decimal(found[key]) if exact else found[key]) == (Decimal(str(value)) if exact else value), (
                key,
                found,
            )
    line = llmcost(*arguments, "-f", "line", code=case["exit"]).out
    assert line == case["comment"] + "\n"
