"""The wheel holds what a user needs: the code, its types, the prices and the tokenizer's data, and no tests."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from llmcost import __version__
from tests.support import ROOT


@pytest.mark.slow
def test_wheel_contents(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(tmp_path),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wheel = next(tmp_path.glob("*.whl"))
    assert wheel.name == f"llmcost_cli-{__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    prices = {f"llmcost/_pricing/{path.name}" for path in (ROOT / "pricing").glob("*.toml")}
    assert prices
    assert prices <= names
    assert {"llmcost/__init__.py", "llmcost/py.typed"} <= names
    data = {path.relative_to(ROOT).as_posix() for path in (ROOT / "llmcost").rglob("*.xz")}
    assert data <= names
    assert not [name for name in names if name.startswith(("tests/", "scripts/", "sample_logs/"))]


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = {Requirement(line).name.lower().replace("_", "-"): line for line in _constraints()}
    wanted = [Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"]["dev"])]
    for requirement in wanted:
        pin = pins.get(requirement.name.lower().replace("_", "-"))
        assert pin, f"{requirement.name} has no version in constraints.txt"
        assert requirement.specifier.contains(pin.partition("==")[2]), f"{pin} is outside of {requirement}"


def test_constraints_are_versions_and_nothing_else() -> None:
    assert all(line.count("==") == 1 and "://" not in line and "@" not in line for line in _constraints())


def _constraints() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]
