"""What tests share: where samples lie, what is skipped when something is missing, golden files."""

from __future__ import annotations

import difflib
import os
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_logs"
GOLDEN = ROOT / "tests" / "golden"
IN_CI = os.environ.get("CI") == "true"


def shared_data(*parts: str) -> Path:
    """A file or folder of the real samples, which are not part of the project; skips the test without them."""
    folder = Path(os.environ.get("LLMCOST_SHARED_DATA") or ROOT.parent / "shared" / "data")
    path = folder.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real samples are not here: {'/'.join(parts) or 'LLMCOST_SHARED_DATA'}")
    return path


def program(*names: str) -> str:
    """Path of the first of these programs; without any the test is skipped, and fails in CI."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        missing(f"no {' or '.join(names)} on PATH")
    return str(found)


def missing(reason: str) -> None:
    """Skip the test on a user's machine, fail it in CI."""
    if IN_CI:
        pytest.fail(f"needed in CI: {reason}")
    pytest.skip(reason)


class Golden:
    """Compares bytes with committed files; ``--golden-update`` writes them, ``--golden-clean`` removes unused ones."""

    def __init__(self, *, update: bool) -> None:
        self.update = update
        self.used: set[Path] = set()

    def check(self, name: str, actual: bytes) -> None:
        """``actual`` must be the bytes of ``tests/golden/<name>``."""
        path = GOLDEN / name
        self.used.add(path)
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_bytes() != actual:
                path.write_bytes(actual)
            return
        assert path.exists(), f"no golden file {name}; write it with: pytest --golden-update"
        expected = path.read_bytes()
        assert actual == expected, (
            f"{name} differs (pytest --golden-update, then read the diff):\n{_diff(expected, actual)}"
        )

    def clean(self) -> list[Path]:
        """Remove golden files that no test of this run asked for; gives what was removed."""
        unused = sorted(path for path in GOLDEN.rglob("*") if path.is_file() and path not in self.used)
        for path in unused:
            path.unlink()
        return unused


def _diff(expected: bytes, actual: bytes) -> str:
    try:
        lines = difflib.unified_diff(
            expected.decode().splitlines(), actual.decode().splitlines(), "golden", "now", lineterm="", n=1
        )
    except UnicodeDecodeError:
        return f"{len(expected)} bytes before, {len(actual)} now"
    return "\n".join(list(lines)[:60])


def without_library(page: bytes) -> bytes:
    """The page without the bundle and the hash that allows it: both are checked where they live."""
    page = re.sub(rb"<script>/\*\*\n\* plotly\.js.*?</script>", b"<script>plotly.js</script>", page, flags=re.DOTALL)
    return re.sub(rb"&#x27;sha256-[^;]*&#x27;", b"sha256", page)
