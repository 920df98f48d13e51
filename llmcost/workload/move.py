"""Moving rows to another model: names, token counts in the new tokenizer, and what fits.

The same text is another number of tokens on another model, so counts of text are scaled by the ratio of the two
models' tokenizer factors (tokens per o200k token of English text, from the catalogue), and the factor is always
reported; tokens of audio, images and video stay as they are. Prompts that no longer fit the context window are
counted, not moved; embeddings do not become chats.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Final

import ibis
import ibis.expr.types as ir

from llmcost.pricing.entries import TokenClass
from llmcost.pricing.names import ModelRef
from llmcost.workload.branching import add, calls, counted, is_bucket
from llmcost.workload.contract import Branches, Noted, Stage

_MEDIA: Final = {
    "input_tokens": ("input_audio_tokens", "input_image_tokens", "input_video_tokens"),
    "output_tokens": ("output_audio_tokens", "output_image_tokens"),
    "cache_read_input_tokens": ("cache_read_audio_tokens",),
}
"""Counters and the parts of them that are no text."""
_FLOORED: Final = (
    "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "reasoning_output_tokens",
)  # fmt: skip
"""Parts are rounded down and wholes to the nearest, so that a part never exceeds its whole."""
_CACHED: Final = (
    "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens", "cache_read_audio_tokens",
)  # fmt: skip


_WRITTEN: Final[dict[str, frozenset[TokenClass]]] = {
    "cache_creation_input_tokens": frozenset({"cache_write_5m"}),
    "cache_creation_1h_input_tokens": frozenset({"cache_write_1h", "cache_write_24h"}),
}
"""Counters of written tokens, and the classes that a model can bill them as."""


def ratio(source: ModelRef | None, target: ModelRef) -> Fraction:
    """Tokens on ``target`` per token on ``source``; 1 where either factor is unknown."""
    if source is None or source.entry.tokenizer_factor is None or target.entry.tokenizer_factor is None:
        return Fraction(1)
    return Fraction(target.entry.tokenizer_factor) / Fraction(source.entry.tokenizer_factor)


def _known(source: ModelRef, target: ModelRef) -> bool:
    """Whether the ratio is known: both factors are, or both models have one tokenizer."""
    one, other = source.entry, target.entry
    if one.tokenizer_factor is not None and other.tokenizer_factor is not None:
        return True
    same_name = one.tokenizer is not None and one.tokenizer == other.tokenizer
    return same_name or one.id == other.id or (one.family is not None and one.family == other.family)


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
    """Whether input and output fit the target's context window after scaling; true where the window is unknown.

    A bucket fits if its calls do on average, and always where it does not say how many they are.
    """
    window = target.entry.context_window
    if window is None:
        return ibis.literal(True)
    scaled = _scaled(rows, rows.input_tokens.fill_null(0) + rows.output_tokens.fill_null(0), stage, target, floor=False)
    number = ibis.ifelse(is_bucket(rows), rows.requests.nullif(0), 1)
    return (scaled <= number * window).fill_null(True)


def refused(rows: ir.Table, flag: ir.BooleanValue) -> ir.IntegerValue:
    """What a row that stays adds to the column ``tally``: its calls."""
    return flag.ifelse(calls(rows), 0)


def move(rows: ir.Table, moving: ir.BooleanValue, stage: Stage, target: ModelRef) -> ir.Table:
    """``rows`` with those of ``moving`` on ``target``. Cached counts stay as they are, scaled, as far as it bills them apart:
    see :func:`keeps_cache` and :func:`_written`.
    """
    scaled: dict[str, ir.Value] = {
        name: moving.ifelse(_text_scaled(rows, name, stage, target), rows[name])
        for name in dict.fromkeys(("input_tokens", "output_tokens", *_FLOORED))
        if name in rows.columns
    }
    lost = [name for name in _WRITTEN if not _written(target, name)] if keeps_cache(target) else _CACHED
    scaled |= {name: moving.ifelse(ibis.literal(0, type="int64"), rows[name]) for name in lost if name in rows.columns}
    named = {"provider_name": target.provider, "request_model": target.model, "response_model": target.model}
    return rows.mutate(
        model=moving.ifelse(stage.model_id(target.key), rows.model),
        **{name: moving.ifelse(value, rows[name]) for name, value in named.items() if name in rows.columns},
        region=moving.ifelse(ibis.null("string"), rows.region),
        changed=rows.changed | moving,
        **scaled,
    )


def rescaled(rows: ir.Table, name: str, stage: Stage, target: ModelRef) -> ir.IntegerValue:
    """A counter as ``target`` would count it, without moving the row."""
    return _text_scaled(rows, name, stage, target)


def keeps_cache(target: ModelRef) -> bool:
    """Whether the target bills cached reads at all; if not, everything is plain input there."""
    return any("cache_read" in price.rates for price in target.entry.prices)


def _written(target: ModelRef, counter: str) -> bool:
    """Whether the target bills what is written apart. If not, it is plain input there; of the longer life, where only the
    shorter one is sold, it is written for that.
    """
    return any(not _WRITTEN[counter].isdisjoint(price.rates) for price in target.entry.prices)


def _text_scaled(rows: ir.Table, name: str, stage: Stage, target: ModelRef) -> ir.IntegerValue:
    """The counter with its text scaled and its other parts as they were."""
    others = [rows[part].fill_null(0) for part in _MEDIA.get(name, ()) if part in rows.columns]
    floor = name in _FLOORED
    if not others:
        return _scaled(rows, rows[name], stage, target, floor=floor)
    media = reduce(lambda a, b: a + b, others)
    # Where the parts exceed their whole there is no text to scale; the contradiction stays for pricing to find.
    text = rows[name] - media
    return ibis.ifelse(text >= 0, _scaled(rows, text, stage, target, floor=floor) + media, rows[name]).cast("int64")


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


@dataclass(frozen=True)
class Moves:
    """Which models' rows went to which: only pairs that the workload has, whatever other scenarios name."""

    pairs: tuple[tuple[ModelRef | None, ModelRef], ...] = ()
    calls: Decimal = Decimal(0)
    """Calls that moved, by their weight."""
    of: Decimal = Decimal(0)
    """Calls that could have."""

    @property
    def modelled(self) -> bool:
        """Whether any move changes token counts by a factor, or the factor is unknown."""
        return any(
            source is not None and (ratio(source, target) != 1 or not _known(source, target))
            for source, target in self.pairs
        )

    def notes(self, limit: int = 6) -> tuple[Noted, ...]:
        """The tokenizer factors of the moves, other than 1, and those that nobody knows."""
        found: dict[str, Noted] = {}
        for source, target in self.pairs:
            if source is None:
                continue
            factor, name = ratio(source, target), f"tokenizer factor {source.key} to {target.key}"
            if not _known(source, target):
                found[name] = Noted(name, "unknown: 1 assumed", "tokens per token", "default")
            elif factor != 1:
                shown = str((Decimal(factor.numerator) / Decimal(factor.denominator)).quantize(Decimal("0.001")))
                found[name] = Noted(name, shown, "tokens per token", "catalogue (measured on English text)")
        notes = list(found.values())
        if len(notes) > limit:
            notes = [*notes[:limit], Noted("further tokenizer factors", str(len(notes) - limit), "pairs of models")]
        return tuple(notes)


def moves_of(stage: Stage, branches: Branches, rows: ir.Table, before: str) -> Moves:
    """The moves of the selected rows, from the model id in the column ``before`` to where they are."""
    names = {number: model for number, model, _, _ in stage.models()}
    numbers = counted(
        stage, branches, rows.filter(rows.selected & rows.sent), {"calls": ibis.literal(True)}, (before, "model")
    )
    moved = {ids: found["calls"] for ids, found in numbers.items() if ids[0] != ids[1]}
    pairs = {(names[was], target) for was, now in moved if (target := names[now]) is not None}
    return Moves(
        tuple(sorted(pairs, key=lambda pair: (pair[0].key if pair[0] else "", pair[1].key))),
        add(moved.values()),
        add(found["calls"] for found in numbers.values()),
    )
