"""What goes wrong is told in one form: the place, the fault, an excerpt, the reason and the next step.

The cases are ``tests/cases/errors/*.yaml``: ``files`` to write (text, or a list of usage rows), a command to ``run``,
its ``exit`` code and all of its stderr. ``with`` names a condition below; ``stdout: true`` where the report comes first.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from llmcost.ingest import recognise
from llmcost.usage.store import Store
from tests.cli.support import Program, row
from tests.support import ROOT

FOLDER = ROOT / "tests" / "cases" / "errors"
WRITER = """
import sys
from pathlib import Path
from llmcost.usage.store import Store
with Store(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.readline()
"""


def cases() -> list[Any]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for case in content["cases"]:
            files = {**content.get("files", {}), **case.get("files", {})}
            found.append(pytest.param({**case, "files": files}, id=f"{path.stem}: {case['case']}"))
    return found


def lay_out(folder: Path, files: dict[str, Any]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif isinstance(content, list):
            path.write_text("".join(json.dumps(row(n, **changes)) + "\n" for n, changes in enumerate(content, 1)))
        else:
            path.write_text(content, encoding="utf-8")


def _busy_store(request: pytest.FixtureRequest, folder: Path) -> None:
    """Another process writes to s.duckdb."""
    with Store(folder / "s.duckdb"):
        pass
    other = subprocess.Popen(
        [sys.executable, "-c", WRITER, "s.duckdb"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    request.addfinalizer(lambda: other.communicate("\n", timeout=60))
    assert other.stdout is not None
    assert other.stdout.readline() == "open\n"


def _two_claims(request: pytest.FixtureRequest, _folder: Path) -> None:
    """Two formats claim the same file, which no two of ours may."""
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    patch.setattr(recognise, "claimants", lambda _sample: ["openai-chat", "usage-rows"])


CONDITIONS: dict[str, Callable[[pytest.FixtureRequest, Path], None]] = {
    "a busy store": _busy_store,
    "two claims": _two_claims,
}


@pytest.mark.parametrize("case", cases())
def test_an_error_says_all_there_is_to_say(
    case: dict[str, Any],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    llmcost = Program(tmp_path, capsys)
    lay_out(tmp_path, case["files"])
    if "with" in case:
        CONDITIONS[case["with"]](request, tmp_path)
    ran = llmcost(*shlex.split(case["run"]), code=case["exit"])
    assert ran.err == case["stderr"]
    assert bool(ran.out) is case.get("stdout", False)
    head, *rest = ran.err.partition("llmcost: error: ")[2].splitlines()
    assert head
    assert rest, "there is no next step"
    assert all(line.startswith("  ") for line in rest)


def test_there_are_enough_cases_of_every_exit_code() -> None:
    codes = [case.values[0]["exit"] for case in cases()]
    assert len(codes) >= 25
    assert set(codes) == {2, 3, 4}


def test_no_case_is_told_twice() -> None:
    told = [case.values[0]["stderr"] + case.values[0]["run"] for case in cases()]
    assert len(told) == len(set(told))
