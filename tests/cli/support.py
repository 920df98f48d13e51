"""Runs command lines in this process and keeps what they print."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from llmcost.cli.main import invoke
from tests.support import SAMPLES

OCTOBER = SAMPLES / "usage_rows" / "october.jsonl.gz"
STAGING = SAMPLES / "usage_rows" / "staging.csv"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Program:
    """llmcost, run from a folder of its own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capture = folder, capture

    def __call__(self, *arguments: object, code: int = 0) -> Ran:
        self._capture.readouterr()
        given = invoke([str(argument) for argument in arguments])
        printed = self._capture.readouterr()
        assert given == code, f"exit {given}\n{printed.out}\n{printed.err}"
        return Ran(given, printed.out, printed.err)


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A usage row of a model that has a price."""
    return {
        "request_id": f"r{number}",
        "started_at": f"2026-10-{1 + number % 28:02d}T10:00:00Z",
        "provider_name": "openai",
        "request_model": "gpt-5-mini",
        "input_tokens": 1000 + number,
        "output_tokens": 100,
    } | changes


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return path
