"""Every case in tests/cases/sources, one file a source, and who claims the real samples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmcost.ingest.recognise import claimants
from llmcost.records import Sample
from llmcost.records.files import sample
from llmcost.sources import SOURCES
from tests.sources.cases import CaseFile, case_files, check
from tests.support import ROOT, shared_data

FILES = case_files()
CASES = [pytest.param(file, case, id=f"{file.stem}: {case['case']}") for file in FILES for case in file.cases]


@pytest.mark.parametrize(("file", "case"), CASES)
def test_records_become_what_the_case_says(file: CaseFile, case: dict[str, Any]) -> None:
    check(file, case)


def test_every_source_has_a_case_file_and_every_case_file_a_source() -> None:
    assert {file.name for file in FILES} == set(SOURCES.names())


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_a_case_file_says_who_is_claimed_and_what_a_row_holds(file: CaseFile) -> None:
    assert any("claims" in case for case in file.cases)
    assert any(case.get("rows") or case.get("billed") for case in file.cases)


def test_every_real_sample_is_claimed_by_its_own_source_or_by_none() -> None:
    folder = shared_data("formats")
    claims = {}
    for path in sorted(folder.rglob("*")):
        begun = sample(path) if path.is_file() and path.suffix != ".md" else None
        if isinstance(begun, Sample) and (found := claimants(begun)):
            claims[path.relative_to(folder).as_posix()] = found
    assert claims == {name: [file.name] for file in FILES for name in file.samples}


UNCLAIMED = {
    "codex_rollout_jsonl/live-fork-4d90-52bf__manifest.json": "says where the two sessions beside it come from",
}  # fmt: skip
"""Real files that no source claims, each with its reason; pages about samples (.md) are none."""


def test_every_file_and_folder_of_real_samples_is_claimed_by_one_source_or_has_a_reason() -> None:
    folder = shared_data("formats")
    claims: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            begun = sample(path)
            claims[path.relative_to(folder).as_posix()] = claimants(begun) if isinstance(begun, Sample) else []
    assert {name for name, found in claims.items() if not found} == set(UNCLAIMED)
    assert not {name: found for name, found in claims.items() if len(found) > 1}
    by_folder: dict[str, set[str]] = {}
    for name, found in claims.items():
        by_folder.setdefault(name.partition("/")[0], set()).update(found)
    assert set(by_folder) == {path.name for path in folder.iterdir() if path.is_dir()}
    two = {
        "openai_dashboard_csv": {"openai-dashboard", "openai-costs"}
    }  # the page exports usage and charges side by side
    assert {name: found for name, found in by_folder.items() if len(found) != 1} == two


def test_every_source_has_a_made_up_twin_with_what_it_must_add_up_to() -> None:
    """In sample_logs/; ``mapping`` reads what the user describes, and has its twin in the tests."""
    twins = set()
    for expected in (ROOT / "sample_logs").glob("*/expected.json"):
        twins |= {entry["source"] for entry in json.loads(expected.read_text()).values()}
    assert set(SOURCES.names()) - twins == {"mapping"}
