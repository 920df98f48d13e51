"""Replays LLM usage logs under other strategies and says where the money goes; importing it is cheap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmcost.api import (
        BoundScenario,
        Catalogue,
        Comparison,
        IngestOptions,
        IngestSummary,
        Reconciliation,
        ReplayOptions,
        Result,
        Store,
        compare,
        ingest_files,
        load_prices,
        load_result,
        reconcile,
        render,
        scenarios_of,
        simulate,
        starters,
    )

__version__ = "0.1.0"

__all__ = [
    "BoundScenario",
    "Catalogue",
    "Comparison",
    "IngestOptions",
    "IngestSummary",
    "Reconciliation",
    "ReplayOptions",
    "Result",
    "Store",
    "__version__",
    "compare",
    "ingest_files",
    "load_prices",
    "load_result",
    "reconcile",
    "render",
    "scenarios_of",
    "simulate",
    "starters",
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
