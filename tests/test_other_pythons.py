"""The package installs, starts and gives the same result under every other Python on PATH that it claims to support."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, SAMPLES, missing
from tests.test_imports import AS_MODULE, ENTRY_POINT, HEAVY, PROBE

pytestmark = pytest.mark.slow
LOG = SAMPLES / "usage_rows" / "october.jsonl.gz"
_OFFLINE = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")


def interpreter(version: str) -> str:
    """A Python of this version; the test is skipped without one."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        pytest.skip("the one that runs these tests")
    found = shutil.which(f"python{version}")
    # A version manager's stand-in is there even where the version is not.
    if found is None or subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"no python{version} on PATH")
    return found


def outside(folder: Path, path: str = "") -> dict[str, str]:
    """An environment in which nothing of this checkout is imported, unless ``path`` says so."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL", "COV"))
    }
    return kept | {"XDG_CONFIG_HOME": str(folder / "config")} | ({"PYTHONPATH": path} if path else {})


def run(folder: Path, *command: str | Path, path: str = "") -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=folder, capture_output=True, text=True, check=False, env=outside(folder, path)
    )
    if done.returncode and "pip" in command and any(sign in done.stderr for sign in _OFFLINE):
        missing("packages cannot be fetched")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def simulated(folder: Path, python: str | Path, path: str = "") -> Any:
    """The result of a simulation, as JSON."""
    arguments = ("simulate", LOG, "--preset", "prompt-cache", "--preset", "route-short", "--format", "json", "--quiet")
    return json.loads(run(folder, python, "-m", "llmcost", *arguments, path=path))


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_an_installed_package_works(version: str, tmp_path: Path) -> None:
    other = interpreter(version)
    run(tmp_path, other, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", ROOT / "constraints.txt", ROOT)
    run(tmp_path, python, *install)
    where = run(tmp_path, python, "-c", "import llmcost, sys; print(llmcost.__file__, *sys.version_info[:2], sep='|')")
    assert where.startswith(str(tmp_path))
    assert where.strip().endswith(version.replace(".", "|"))
    for start in (ENTRY_POINT, AS_MODULE):
        shown = run(tmp_path, python, "-c", PROBE.format(start=start, heavy=HEAVY, arguments=["--help"]))
        assert shown.splitlines()[-1] == "HEAVY []"
    assert "simulate" in run(tmp_path, tmp_path / "venv" / "bin" / "llmcost", "--help")
    assert simulated(tmp_path, python) == simulated(tmp_path, sys.executable, str(ROOT))
