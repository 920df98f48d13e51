"""The same calls in another service tier: flex (slower, cheaper), priority or fast (dearer), or back to standard.

Formula: cost = the row's counters x the rates of the tier served, from the catalogue. Nothing else changes: the
answers of a flex call are taken to be the same, only later. Rows already in the tier, rows of a batch (they are
asynchronous) and rows whose model has no such price on that day, or whose prompt is too long for the tier, stay and
are counted (:mod:`llmcost.workload.tiers`).
Rules: the tier in the answer decides the price, not the one asked for
(https://developers.openai.com/api/docs/guides/flex-processing, .../priority-processing, 2026-11-23).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from llmcost.workload.branching import counted, shown
from llmcost.workload.contract import MEASURED, Rewritten, Selecting, Stage, Strategy, Workload, with_rows
from llmcost.workload.draw import take
from llmcost.workload.select import condition
from llmcost.workload.tiers import offers


class ServiceTierParams(Selecting):
    """Which rows move, and to which tier."""

    tier: Literal["standard", "flex", "priority", "fast"] = Field(
        description="Service tier that serves the matching rows."
    )


def rewrite(workload: Workload, params: ServiceTierParams, stage: Stage) -> Rewritten:
    """Moves the matching rows to the tier where it is for sale for them."""
    rows = workload.rows
    now = rows.service_tier.fill_null("standard")
    matching = rows.selected & rows.sent & (now != params.tier) & (now != "batch")
    if params.when:
        matching = matching & condition(params.when, rows)
    taken = take(workload.branches, rows, matching, params.share, params.by, stage)
    rows = taken.rows
    moving = rows._taken & offers(rows, stage, params.tier).take(rows)
    number = counted(stage, taken.branches, rows, {"moved": moving, "stayed": rows._taken & ~moving})[()]
    rows = rows.mutate(service_tier=moving.ifelse(params.tier, rows.service_tier), changed=rows.changed | moving)
    where = f", where {params.when}" if params.when else ""
    return Rewritten(
        with_rows(workload, rows.drop("_taken"), branches=taken.branches),
        title=f"{params.tier} tier{where}",
        evidence=MEASURED,
        facts={
            **taken.facts,
            "requests moved": shown(number["moved"]),
            f"requests without a {params.tier} price": shown(number["stayed"]),
        },
        warnings=(f"no matching request has a {params.tier} price",)
        if number["stayed"] and not number["moved"]
        else (),
    )


STRATEGY = Strategy(
    title="Another service tier: flex, priority, fast or standard",
    params=ServiceTierParams,
    rewrite=rewrite,
    conserves=frozenset({"requests", "rows", "input_tokens", "output_tokens", "models", "time"}),
    presets={
        "flex": ("the flex tier wherever it is sold", {"tier": "flex"}),
        "priority": ("the priority tier wherever it is sold", {"tier": "priority"}),
    },
)
