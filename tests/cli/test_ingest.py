from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from tests.cli.support import OCTOBER, Program, row, write_rows

ACCOUNT = ("ingested", "duplicates", "superseded", "rejected")


def test_the_account_adds_up(llmcost: Program) -> None:
    summary = llmcost("ingest", OCTOBER, "--format", "json").json
    assert summary["read"] == sum(summary[part] for part in ACCOUNT) == 4926
    assert summary["rejected"] == 4
    assert summary["files"][0]["source"] == "usage-rows"
    again = llmcost("ingest", OCTOBER, "--format", "json").json
    assert again["ingested"] == 0
    assert again["read"] == sum(again[part] for part in ACCOUNT)
    assert again["files"][0]["known"]


def test_the_summary_is_text_on_stdout(llmcost: Program) -> None:
    write_rows(llmcost.folder / "a.jsonl", row(1), row(2), row(3, output_tokens=-1))
    (llmcost.folder / "notes.md").write_text("# nothing to see\n")
    ran = llmcost("ingest", "a.jsonl", "notes.md")
    assert "3 read = 2 ingested + 0 duplicates + 0 superseded + 1 rejected" in ran.out
    assert "negative-count (rejected)" in ran.out
    assert "a.jsonl:3: output_tokens is -1" in ran.out
    assert "notes.md: no source knows this file" in ran.out
    assert ran.err == ""
    assert llmcost("ingest", "a.jsonl", "--quiet").out == ""


def test_a_folder_full_of_other_files_does_not_bury_the_report(llmcost: Program) -> None:
    (llmcost.folder / "logs").mkdir()
    write_rows(llmcost.folder / "logs" / "a.jsonl", row(1))
    for number in range(8):
        (llmcost.folder / "logs" / f"notes{number}.md").write_text("# nothing to see\n")
    told = llmcost("simulate", "logs").err.splitlines()
    assert len([line for line in told if "not read: " in line]) == 6
    assert any("not read: 3 more: no source knows this file" in line for line in told)
    assert llmcost("ingest", "logs").out.count("no source knows this file") == 8


def test_nothing_ingested_is_3(llmcost: Program) -> None:
    write_rows(llmcost.folder / "a.jsonl", row(1, input_tokens=-5))
    ran = llmcost("ingest", "a.jsonl", code=3)
    assert "none of the 1 records could be used" in ran.err
    assert ran.out == ""


def test_on_problem_fail_is_3_and_leaves_nothing(llmcost: Program) -> None:
    write_rows(llmcost.folder / "a.jsonl", row(1), row(2, cache_read_input_tokens=9999))
    ran = llmcost("ingest", "a.jsonl", "--on-problem", "fail", code=3)
    assert "a.jsonl:2: " in ran.err
    assert llmcost("ingest", "a.jsonl", "--format", "json").json["ingested"] == 2


@pytest.mark.parametrize(("policy", "kept"), [("keep", 2), ("reject", 1)])
def test_policies(policy: str, kept: int, llmcost: Program) -> None:
    write_rows(llmcost.folder / "a.jsonl", row(1), row(2, cache_read_input_tokens=9999))
    summary = llmcost("ingest", "a.jsonl", "--on-problem", policy, "-f", "json").json
    assert summary["ingested"] == kept
    assert summary["rejected"] == 2 - kept
    assert summary["problems"][0]["kind"] == "cache-read-exceeds-input"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("b.jsonl", '{"request_id": 1', 4), ("b.md", "# text\n", 4)],
    ids=["a reject", "an unknown file"],
)
def test_strict_is_4(name: str, content: str, code: int, llmcost: Program) -> None:
    write_rows(llmcost.folder / "a.jsonl", row(1))
    assert llmcost("ingest", "a.jsonl", "--strict").code == 0
    (llmcost.folder / name).write_text(content)
    ran = llmcost("ingest", "a.jsonl", name, "--strict", code=code)
    assert "--strict allows no gap" in ran.err


def test_standard_input(llmcost: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_rows(llmcost.folder / "a.jsonl", row(1), row(2))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(path.read_bytes())))
    assert llmcost("ingest", "-", "-f", "json").json["ingested"] == 2


def test_a_file_that_is_no_store(llmcost: Program) -> None:
    write_rows(llmcost.folder / "a.jsonl", row(1))
    assert "cannot be opened as a store" in llmcost("ingest", "a.jsonl", "--store", "a.jsonl", code=2).err


def test_hostile_names_are_shown_harmless(llmcost: Program) -> None:
    write_rows(llmcost.folder / "a\x1b[31m.jsonl", row(1))
    assert "\x1b" not in llmcost("ingest", "a\x1b[31m.jsonl").out
