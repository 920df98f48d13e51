"""Writes reports/: what every format looks like for the sample logs. Golden files: a test makes them again.

``python -m scripts.make_reports``. The clock is fixed, so the same code and prices give the same bytes.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import llmcost
from llmcost.reports import REPORTS, Options
from llmcost.results.options import ReplayOptions
from llmcost.results.outcome import outcome

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "reports"
NOW = 1_795_392_000_000_000
"""2026-11-23 00:00 UTC."""
LOG = "sample_logs/usage_rows/october.jsonl.gz"
PRESETS = ("prompt-cache", "response-cache", "batch", "route-short")


def october() -> llmcost.Result:
    """The sample company's October under four ready-made scenarios and a composed one."""
    options = ReplayOptions(now=NOW, title="What October's LLM calls cost", sources=(LOG,))
    with contextlib.chdir(ROOT):  # places in the report are told relative to the checkout
        scenarios = llmcost.scenarios_of([Path("sample_logs/october-scenarios.toml")], list(PRESETS))
        return llmcost.simulate(LOG, scenarios=scenarios, options=options)


def pages() -> dict[str, bytes]:
    """File name -> content, one a format."""
    result = october()
    shown = outcome(result)
    return {f"october.{report.suffix.lstrip('.')}": report.render(shown, Options()) for _, report in REPORTS}


def main() -> None:
    """Writes every page."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in pages().items():
        (FOLDER / name).write_bytes(content)
        print(f"wrote {FOLDER.name}/{name}")


if __name__ == "__main__":
    main()
