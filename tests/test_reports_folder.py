"""The example reports are what the program writes today."""

from __future__ import annotations

from scripts import make_reports


def test_example_reports_are_up_to_date() -> None:
    stale = [
        name for name, content in make_reports.pages().items() if (make_reports.FOLDER / name).read_bytes() != content
    ]
    assert not stale, f"{stale} differ: run python -m scripts.make_reports and read the diff"
