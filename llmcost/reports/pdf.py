"""The HTML page as PDF, printed by a Chromium, Chrome or Edge that is installed here; nothing is loaded from a network.

The page brings its own policy and all it needs; on top, the browser resolves no name. ``LLMCOST_BROWSER`` names the
program where it is not found by itself. Dates inside the file are fixed, so the same outcome and browser give the same
bytes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from llmcost.errors import UsageError
from llmcost.reports import REPORTS, Options, Report
from llmcost.results.outcome import Outcome

VARIABLE: Final = "LLMCOST_BROWSER"
_NAMES: Final = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
)  # fmt: skip
_APPLICATIONS: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_SWITCHES: Final = (
    *("--headless=new", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-extensions", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--no-pings"),
    *("--no-default-browser-check", "--no-pdf-header-footer", "--virtual-time-budget=20000"),
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
_PATIENCE: Final = 120
"""Seconds that a browser may take."""
_DATES: Final = re.compile(rb"/(CreationDate|ModDate) \(D:[^)]*\)")


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as PDF; UsageError where no browser is installed or it fails."""
    program = browser()
    page = REPORTS.load("html").render(outcome, options)
    with tempfile.TemporaryDirectory(prefix="llmcost-pdf-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_bytes(page)
        said = _print(program, source, target, Path(folder, "profile"))
        if not target.exists():
            raise UsageError(
                "the browser printed nothing", where=program, why=said, hint="write --format html and print it by hand"
            )
        return _DATES.sub(_fixed, target.read_bytes())


def browser() -> str:
    """The program that prints; UsageError where there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise UsageError(f"{named!r} is no program", where=VARIABLE, hint="name the path of a Chromium or Chrome")
        return found
    for name in (*_NAMES, *_APPLICATIONS):
        found = shutil.which(name)
        if found:
            return found
    raise UsageError(
        "PDF is printed by a browser, and no Chromium, Chrome or Edge is installed here",
        where="--format pdf",
        hint=f"install one, name its program in {VARIABLE}, or write --format html and print that",
    )


def _print(program: str, source: Path, target: Path, profile: Path) -> str:
    """Runs the browser on a page; gives what it said last."""
    # Chromium refuses to run as root inside its own sandbox, which is how containers run it.
    sandbox = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    command = [program, *_SWITCHES, *sandbox, f"--user-data-dir={profile}", f"--print-to-pdf={target}", source.as_uri()]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603 - no shell; the program is the user's own browser
    except subprocess.TimeoutExpired:
        return f"it took longer than {_PATIENCE} seconds"
    except OSError as error:
        return str(error.strerror)
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"exit status {done.returncode}"


def _fixed(found: re.Match[bytes]) -> bytes:
    """A date of the same length: a report has no clock, and places inside a PDF are counted in bytes."""
    length = len(found[0]) - len(found[1]) - len(b"/ (D:)")
    return b"/" + found[1] + b" (D:" + b"20000101000000+00'00'".ljust(length, b"0")[:length] + b")"


REPORT = Report("PDF", "application/pdf", ".pdf", render, binary=True)
