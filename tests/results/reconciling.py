"""A small store with usage and a bill of one's own, for the tests of reconciliation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import llmcost
from llmcost.results.options import ReplayOptions
from llmcost.results.reconcile.model import GapCell
from llmcost.usage.arrow import billed_to_arrow

D = Decimal
HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_792_800_000_000_000 // DAY * DAY
"""2026-10-24."""
CALL: dict[str, Any] = {
    "provider_name": "openai",
    "request_model": "gpt-4o-mini",
    "service_tier": "standard",
    "input_tokens": 1_000_000,
    "cache_read_input_tokens": 400_000,
    "output_tokens": 100_000,
}
COST = D("0.18")
"""600,000 at 0.15, 400,000 cached at 0.075 and 100,000 out at 0.60 USD a million."""


def call(number: int, day: float = 0, **changes: Any) -> dict[str, Any]:
    """A call at noon of a day, or a fraction of it later."""
    return {**CALL, "request_id": f"r{number}", "started_at": START + int((day + 0.5) * DAY), **changes}


def line(day: int, cost: str | None, days: int = 1, **changes: Any) -> dict[str, Any]:
    """A line of a bill over a day or more."""
    span = {"started_at": START + day * DAY, "ended_at": START + (day + days) * DAY}
    amount = {"billed_cost": None if cost is None else D(cost), "billing_currency": "USD", "charge_category": "usage"}
    found = {"source": "costs", "provider_name": "openai", **span, **amount, **changes}
    return {key: value for key, value in found.items() if value is not None}


@contextmanager
def stored(folder: Path, usage: Sequence[dict[str, Any]], bill: Sequence[dict[str, Any]]) -> Iterator[llmcost.Store]:
    """An open store that holds both."""
    with llmcost.Store(folder / "s.duckdb") as store:
        if usage:
            log = folder / "log.jsonl"
            log.write_text("\n".join(json.dumps(row) for row in usage))
            llmcost.ingest_files(store, log)
        by_source: dict[str, list[dict[str, Any]]] = {}
        for entry in bill:
            by_source.setdefault(entry["source"], []).append({k: v for k, v in entry.items() if k != "source"})
        for source, lines in by_source.items():
            store.append("billed", billed_to_arrow(lines))  # type: ignore[arg-type]  # plain dicts
            store.execute("UPDATE billed SET source = ? WHERE source IS NULL", [source])
        yield store


def reconciled(
    folder: Path,
    usage: Sequence[dict[str, Any]],
    bill: Sequence[dict[str, Any]],
    zone: str = "UTC",
    chosen: dict[str, Any] | None = None,
    **wanted: Any,
) -> llmcost.Reconciliation:
    """The reconciliation of usage and bill lines; ``chosen`` are options of the replay."""
    with stored(folder, usage, bill) as store:
        options = ReplayOptions(now=START + 30 * DAY, timezone=zone, **(chosen or {}))
        return llmcost.reconcile(store=store, options=options, prices=prices(), **wanted)


@cache
def prices() -> llmcost.Catalogue:
    """The shipped catalogue, read once."""
    return llmcost.load_prices()


def cell_of(found: llmcost.Reconciliation, day: int = 0, model: str | None = None, basis: str = "bill") -> GapCell:
    """The cell of a day (and model)."""
    part = next(part for part in found.parts if part.basis == basis)
    first = min(cell.start for cell in part.cells)
    return next(c for c in part.cells if (c.start - first).days == day and (model is None or c.model == model))
