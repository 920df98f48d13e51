"""The worked example of docs/ranges.md is what the command prints."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT, SAMPLES
from tests.test_docs import blocks, commands, matches


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("ranges")
    (folder / "sample_logs").symlink_to(SAMPLES, target_is_directory=True)
    found = {block.language: block for block in blocks("docs/ranges.md")}
    (folder / "ranged.toml").write_text(found["toml"].text)
    ((command, shown),) = commands(found["console"])
    return shown, _run(command, folder)


def _run(command: str, folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=folder, env=environment)
    return done.stdout


def test_the_example_prints_what_is_shown(printed: tuple[str, str]) -> None:
    assert matches(*printed)


def test_the_numbers_in_its_words_are_there(printed: tuple[str, str]) -> None:
    for said in (
        "$25.17",
        "$18.19",
        "$35.63",
        "$11.71",
        "$42.97",
        "$23.37",
        "$26.97",
        "off by at most $0.39 (1.5% of the",
    ):
        assert said in (ROOT / "docs" / "ranges.md").read_text()
        assert said in printed[1]
