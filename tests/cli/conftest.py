from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Program


@pytest.fixture
def llmcost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Program:
    """The program in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Program(tmp_path, capsys)
