"""Writes reports/: what every format looks like for the sample logs. Golden files: a test makes them again.

``python -m scripts.make_reports``. The clock is fixed, so the same code and prices give the same bytes.
"""

from __future__ import annotations

import contextlib
from decimal import Decimal
from pathlib import Path

import llmcost
from llmcost.reports import REPORTS, Options
from llmcost.results.monthly.showback import read
from llmcost.results.options import ReplayOptions
from llmcost.results.outcome import outcome

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "reports"
NOW = 1_795_392_000_000_000
"""2026-11-23 00:00 UTC."""
LOG = "sample_logs/usage_rows/october.jsonl.gz"
BILLS = tuple(
    f"sample_logs/{name}"
    for name in ("openai_costs", "openai_usage", "anthropic_cost_report", "anthropic_usage_report")
)
PRESETS = ("prompt-cache", "response-cache", "batch", "route-short")


def october() -> llmcost.Result:
    """The sample company's October under four ready-made scenarios and a composed one."""
    options = ReplayOptions(now=NOW, title="What October's LLM calls cost", sources=(LOG,), what_if=True)
    with contextlib.chdir(ROOT):  # places in the report are told relative to the checkout
        scenarios = llmcost.scenarios_of([Path("sample_logs/october-scenarios.toml")], list(PRESETS))
        return llmcost.simulate(LOG, scenarios=scenarios, options=options)


def pages() -> dict[str, bytes]:
    """File name -> content, one a format of each outcome."""
    result = october()
    quiet, eventful = (outcome(report(month)) for month in ("2026-09", "2026-10"))
    shown = {"october": outcome(result), "reconciliation": outcome(reconciled()), "month-2026-10": eventful}
    made = {
        f"{name}{format_.suffix}": format_.render(found, Options())
        for name, found in shown.items()
        for _, format_ in REPORTS
    }
    # A quiet month differs in its numbers only: the small formats are enough.
    short = (REPORTS.load(name) for name in ("terminal", "markdown", "json", "csv"))
    return made | {f"month-2026-09{format_.suffix}": format_.render(quiet, Options()) for format_ in short}


def report(month: str) -> llmcost.Monthly:
    """One of the two months of the made-up travel agency."""
    options = ReplayOptions(now=NOW, sources=("sample_logs/two_months",))
    with contextlib.chdir(ROOT):
        return llmcost.report(
            "sample_logs/two_months", month=month, tags=["cost_center"], budgets={"": Decimal(22)}, options=options,
            prices=[Path("sample_logs/two-months-prices.toml")], shared=read(Path("sample_logs/two-months-shared.toml")),
        )  # fmt: skip


def reconciled() -> llmcost.Reconciliation:
    """What the sample company's usage exports cost beside what OpenAI and Anthropic charged for it."""
    options = ReplayOptions(now=NOW, title="October's bills against list prices", sources=BILLS)
    with contextlib.chdir(ROOT):
        return llmcost.reconcile(*BILLS, options=options)


def main() -> None:
    """Writes every page."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in pages().items():
        (FOLDER / name).write_bytes(content)
        print(f"wrote {FOLDER.name}/{name}")


if __name__ == "__main__":
    main()
