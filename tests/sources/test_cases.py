"""Every case in tests/cases/sources, one file a source, and who claims the real samples."""

from __future__ import annotations

from typing import Any

import pytest

from llmcost.ingest.recognise import claimants
from llmcost.records import Sample
from llmcost.records.files import sample
from llmcost.sources import SOURCES
from tests.sources.cases import CaseFile, case_files, check
from tests.support import shared_data

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
