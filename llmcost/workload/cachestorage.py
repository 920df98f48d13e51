"""What stored prefixes cost by the hour, where a provider bills that (Gemini's explicit caches).

Storage is a flat charge in million tokens times hours: https://ai.google.dev/gemini-api/docs/pricing, read 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import ibis.expr.types as ir

from llmcost.workload.cacherule import Rule
from llmcost.workload.contract import ASSUMED, FlatCharge, Stage
from llmcost.workload.prefixes import CacheUse, stored_token_milliseconds

SKU: Final = "cache_storage_mtok_hour"
UNIT: Final = "MTok-hours"
_HOUR_US: Final = Decimal(3_600_000_000)
_MTOK_HOUR_MS: Final = Decimal(3_600_000) * Decimal(1_000_000)


def assumed(
    rows: ir.Table, prefix_tokens: int, hours: Decimal | None, stage: Stage, held: Iterable[Rule]
) -> tuple[FlatCharge, ...]:
    """One stored prefix of ``prefix_tokens`` for each model that caches ``rows``; for ``hours``, or the log's period."""
    billed = {rule.model for rule in held if rule.stored}
    if hours is None and stage.span is not None:
        hours = Decimal(stage.span[1] - stage.span[0]) / _HOUR_US
    if not billed or not hours:
        return ()
    names = _names(stage)
    used = {row["model"] for row in stage.collect(rows.select("model").distinct()).to_pylist()}
    quantity = Decimal(prefix_tokens).scaleb(-6) * hours
    return tuple(
        FlatCharge(SKU, quantity, UNIT, name, note="stored prefix", evidence=ASSUMED)
        for name in dict.fromkeys(names[number] for number in sorted(billed & used))
    )


def replayed(stage: Stage, token_ms: Mapping[int, int], held: Iterable[Rule]) -> tuple[FlatCharge, ...]:
    """What the replayed caches hold: ``token_ms``, token-milliseconds by model, of the models that bill it."""
    billed = {rule.model for rule in held if rule.stored}
    names = _names(stage)
    return tuple(
        FlatCharge(SKU, Decimal(kept) / _MTOK_HOUR_MS, UNIT, names[number], note="stored prefixes")
        for number, kept in sorted(token_ms.items())
        if number in billed and kept
    )


def renewed(stage: Stage, rows: ir.Table, use: CacheUse, scope: ir.StringValue | None) -> dict[int, int]:
    """Token-milliseconds by model that caches hold whose entries are renewed by every use."""
    kept = stored_token_milliseconds(rows, use, scope)
    lines = stage.collect(kept.mutate(token_ms=kept.token_ms.cast("string"))).to_pylist()
    return {line["model"]: int(line["token_ms"]) for line in lines if line["token_ms"]}


def _names(stage: Stage) -> dict[int, str]:
    return {number: model.key for number, model, _, _ in stage.models() if model is not None}
