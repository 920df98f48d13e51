"""Replays LLM usage logs under other strategies and says where the money goes; importing it is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmcost.api import (
        BoundScenario,
        BreakEven,
        BudgetFile,
        BudgetStatus,
        Catalogue,
        Check,
        Comparison,
        Forecast,
        ForecastOptions,
        IngestOptions,
        IngestSummary,
        Logs,
        Monthly,
        Reconciliation,
        ReplayOptions,
        Result,
        Shared,
        Store,
        Subject,
        break_even,
        budget_status,
        check,
        compare,
        export_focus,
        forecast,
        forecast_of,
        ingest_files,
        load_base,
        load_budgets,
        load_check,
        load_prices,
        load_result,
        reconcile,
        render,
        report,
        scenarios_of,
        simulate,
        starters,
        subject_of,
    )

__version__ = "0.1.0"

__all__ = [
    "BoundScenario",
    "BreakEven",
    "BudgetFile",
    "BudgetStatus",
    "Catalogue",
    "Check",
    "Comparison",
    "Forecast",
    "ForecastOptions",
    "IngestOptions",
    "IngestSummary",
    "Logs",
    "Monthly",
    "Reconciliation",
    "ReplayOptions",
    "Result",
    "Shared",
    "Store",
    "Subject",
    "__version__",
    "break_even",
    "budget_status",
    "check",
    "compare",
    "export_focus",
    "forecast",
    "forecast_of",
    "ingest_files",
    "load_base",
    "load_budgets",
    "load_check",
    "load_prices",
    "load_result",
    "reconcile",
    "render",
    "report",
    "scenarios_of",
    "simulate",
    "starters",
    "subject_of",
]


if not TYPE_CHECKING:  # a type checker is to see the names above and no others

    def __getattr__(name: str) -> Any:
        """Public names live in :mod:`llmcost.api`, which is imported when the first of them is used."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module("llmcost.api"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
