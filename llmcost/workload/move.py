"""Moving rows to another model: names, token counts in the new tokenizer, and what fits.

The same text is another number of tokens on another model, so counts are scaled by the ratio of the two models'
tokenizer factors (tokens per o200k token of English text, from the catalogue), and the factor is always reported.
Prompts that no longer fit the context window are counted, not moved; embeddings do not become chats.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Final

import ibis
import ibis.expr.types as ir

from llmcost.pricing.names import ModelRef
from llmcost.workload.contract import Noted, Stage

_ROUNDED: Final = ("input_tokens", "output_tokens")
_FLOORED: Final = (
    "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "reasoning_output_tokens",
)  # fmt: skip
"""Parts are rounded down and wholes to the nearest, so that a part never exceeds its whole."""


def ratio(source: ModelRef | None, target: ModelRef) -> Fraction:
    """Tokens on ``target`` per token on ``source``; 1 where either factor is unknown."""
    if source is None or source.entry.tokenizer_factor is None or target.entry.tokenizer_factor is None:
        return Fraction(1)
    return Fraction(target.entry.tokenizer_factor) / Fraction(source.entry.tokenizer_factor)


def same_kind(stage: Stage, target: ModelRef) -> list[int]:
    """Ids of the models whose calls ``target`` could answer: those of the same operation, and unknown chat models."""
    wanted = target.entry.operation
    return [
        number
        for number, model, _, _ in stage.models()
        if (model.entry.operation if model is not None else "chat") == wanted
    ]


def movable(rows: ir.Table, stage: Stage, target: ModelRef) -> ir.BooleanValue:
    """Whether a row's call could be answered by ``target``: same kind of operation, and not on it already."""
    there = {number for number, model, _, _ in stage.models() if model is not None and model.key == target.key}
    ids = [number for number in same_kind(stage, target) if number not in there]
    return rows.model.isin(ids) if ids else ibis.literal(False)


def fits(rows: ir.Table, stage: Stage, target: ModelRef) -> ir.BooleanValue:
    """Whether input and output fit the target's context window after scaling; true where the window is unknown."""
    window = target.entry.context_window
    if window is None:
        return ibis.literal(True)
    scaled = _scaled(rows, rows.input_tokens.fill_null(0) + rows.output_tokens.fill_null(0), stage, target, floor=False)
    return scaled <= window


def move(rows: ir.Table, moving: ir.BooleanValue, stage: Stage, target: ModelRef) -> ir.Table:
    """``rows`` with those of ``moving`` on ``target``. Cached counts stay as they are, scaled: see :func:`keeps_cache`."""
    scaled = {
        name: moving.ifelse(_scaled(rows, rows[name], stage, target, floor=name in _FLOORED), rows[name])
        for name in (*_ROUNDED, *_FLOORED)
        if name in rows.columns and (name in stage.present or name in _ROUNDED)
    }
    if not keeps_cache(target):
        for name in ("cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens"):
            scaled[name] = moving.ifelse(ibis.literal(0, type="int64"), rows[name])
    return rows.mutate(
        model=moving.ifelse(stage.model_id(target.key), rows.model),
        provider_name=moving.ifelse(target.provider, rows.provider_name),
        request_model=moving.ifelse(target.model, rows.request_model),
        response_model=moving.ifelse(target.model, rows.response_model),
        region=moving.ifelse(ibis.null("string"), rows.region) if "region" in stage.present else rows.region,
        changed=rows.changed | moving,
        **scaled,
    )


def keeps_cache(target: ModelRef) -> bool:
    """Whether the target bills cached reads at all; if not, everything is plain input there."""
    return any("cache_read" in price.rates for price in target.entry.prices)


def _scaled(rows: ir.Table, value: ir.IntegerValue, stage: Stage, target: ModelRef, *, floor: bool) -> ir.IntegerValue:
    by_ratio: dict[Fraction, list[int]] = {}
    for number, model, _, _ in stage.models():
        factor = ratio(model, target)
        if factor != 1:
            by_ratio.setdefault(factor, []).append(number)
    if not by_ratio:
        return value
    branches = []
    for factor, ids in by_ratio.items():
        half = 0 if floor else factor.denominator // 2
        branches.append((rows.model.isin(ids), (value * factor.numerator + half) // factor.denominator))
    return ibis.cases(*branches, else_=value).cast("int64")


def factor_notes(stage: Stage, targets: Iterable[ModelRef], limit: int = 6) -> tuple[Noted, ...]:
    """The tokenizer factors that a move from the log's models to ``targets`` uses, other than 1."""
    found: dict[str, Noted] = {}
    for target in targets:
        for _, model, _, _ in stage.models():
            if model is None or model.key == target.key or model.entry.operation != target.entry.operation:
                continue
            factor = ratio(model, target)
            if factor != 1:
                shown = str((Decimal(factor.numerator) / Decimal(factor.denominator)).quantize(Decimal("0.001")))
                name = f"tokenizer factor {model.key} to {target.key}"
                found[name] = Noted(name, shown, "tokens per token", "catalogue (measured on English text)")
    notes = list(found.values())
    if len(notes) > limit:
        notes = [*notes[:limit], Noted("further tokenizer factors", str(len(notes) - limit), "pairs of models")]
    return tuple(notes)


def moves_are_modelled(stage: Stage, targets: Iterable[ModelRef]) -> bool:
    """Whether any move changes token counts by a factor, or the factor is unknown."""
    return any(ratio(model, target) != 1 for target in targets for _, model, _, _ in stage.models())
