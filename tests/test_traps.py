"""Every known trap of counters, prices and logs is held by a test that exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT, shared_data

MAP: dict[int, dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "cases" / "traps.yaml").read_text())["traps"]
NAMED = [pytest.param(number, name, id=f"{number} {name}") for number, trap in MAP.items() for name in trap["tests"]]


@pytest.mark.parametrize(("number", "name"), NAMED)
def test_the_named_test_exists(number: int, name: str) -> None:
    assert _exists(name), f"trap {number} names no test: {name}"


def _exists(name: str) -> bool:
    file, _, function = name.partition("::")
    if function:
        return re.search(rf"^def {function}\(", _text(file), re.MULTILINE) is not None
    file, _, title = name.partition(": ")
    if not file.endswith(".yaml"):
        return False
    cases = yaml.safe_load(_text(file))["cases"]
    return bool(cases) and (not title or title in {case.get("case", case.get("name")) for case in cases})


def _text(file: str) -> str:
    path = ROOT / Path(file)
    return path.read_text(encoding="utf-8") if path.is_file() else "cases: []"


def test_a_name_that_is_none_is_found() -> None:
    assert not _exists("tests/test_traps.py::test_that_nobody_wrote")
    assert not _exists("tests/cases/sources/gemini.yaml: a case that nobody wrote")
    assert not _exists("tests/nothing.py::test_the_named_test_exists")


def test_no_trap_is_left_out() -> None:
    assert list(MAP) == list(range(1, 42))
    assert all(trap["tests"] and trap["trap"] for trap in MAP.values())


def test_the_list_of_traps_has_not_grown() -> None:
    listed = shared_data("..") / "facts" / "traps.md"
    if not listed.exists():
        pytest.skip("the list itself is not here")
    assert [int(n) for n in re.findall(r"^(\d+)\. ", listed.read_text(), re.MULTILINE)] == list(MAP)
