"""A tuned model instead of few-shot examples in every prompt.

Formula, a request with E example tokens, s other input and o output tokens: saving = (E + s) x base input (its cached
share at the cached rate) + o x base output - (s + k) x tuned input - o x r x tuned output, where k are example tokens that
stay and r is the length of tuned answers. Against it stand training (tokens x epochs x rate, once every ``retrain_every``),
data preparation and hosting. The saving can be negative: tuned models cost more per token, and examples that the
provider caches already are cheap (a tuned gpt-4o-mini costs twice the base: https://openai.com/api/pricing, recalled;
genai-prices 0.2.3 and LiteLLM 1.109.1 agree).

Assumption: a tuned model answers as well without the examples. One-time costs are spread over ``retrain_every``, so that a
month of a report carries a month of them; ``llmcost breakeven fine-tune`` shows when they are earned back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import ibis
import ibis.expr.types as ir
from pydantic import Field

from llmcost.errors import UsageError
from llmcost.money import plain
from llmcost.pricing.names import ModelRef
from llmcost.workload.branching import counted, is_bucket, shown
from llmcost.workload.contract import (
    ASSUMED,
    MODELLED,
    FlatCharge,
    Lever,
    Noted,
    Rewritten,
    Selecting,
    Stage,
    Strategy,
    Workload,
    with_rows,
)  # fmt: skip
from llmcost.workload.draw import take
from llmcost.workload.durations import Finite, micros_of
from llmcost.workload.move import fits, movable, move, moves_of, refused
from llmcost.workload.select import condition
from llmcost.workload.shorten import cut_front

_HOUR_US: Final = Decimal(3_600_000_000)
_QUANTITY: Final = Decimal("1e-12")
TRAINING: Final = "fine_tune_training"
HOSTING: Final = "fine_tune_hosting"
PREPARATION: Final = "fine_tune_data_preparation"


class FineTuneParams(Selecting):
    """What is tuned, what it saves and what it costs."""

    model: str | None = Field(
        default=None,
        description="provider/model of the tuned model; absent: the tuned form (ft:..) of each row's own model.",
    )
    example_tokens: int | None = Field(
        default=None, ge=0, description="Example tokens in each prompt; absent: what the log says (example_tokens)."
    )
    kept_example_tokens: int = Field(default=0, ge=0, description="Example tokens that stay in the prompt.")
    output_factor: Decimal = Field(
        default=Decimal(1), gt=0, le=10, description="Length of tuned answers as a factor on output tokens."
    )
    training_tokens: int = Field(default=0, ge=0, description="Tokens of the training file.")
    epochs: int = Field(default=3, ge=1, description="Passes over the training file.")
    training_usd_per_mtok: Decimal | None = Field(
        default=None, ge=0, description="USD per million training tokens; absent: the catalogue's."
    )
    hosting_usd_per_hour: Decimal | None = Field(
        default=None, ge=0, description="USD per hour of hosting; absent: the catalogue's, none where it has none."
    )
    data_preparation_usd: Decimal = Field(
        default=Decimal(0), ge=0, description="USD for collecting and labelling data."
    )
    retrain_every: Finite = Field(
        default="365d", description="Life of a tuned model; training and preparation are spread over it."
    )


def rewrite(workload: Workload, params: FineTuneParams, stage: Stage) -> Rewritten:
    """Moves matching rows to their tuned model without the examples, and charges what tuning costs."""
    if params.example_tokens is None and "example_tokens" not in stage.present:
        raise UsageError(
            "the log does not say how many example tokens prompts have", hint="give example_tokens, 0 if there are none"
        )
    pairs = list(_pairs(params, stage))
    rows, before = workload.rows, workload.rows.columns
    matching = rows.selected & rows.sent & ~is_bucket(rows)
    if params.when:
        matching = matching & condition(params.when, rows)
    taken = take(workload.branches, rows, matching, params.share, params.by, stage)
    rows = taken.rows.mutate(_was=taken.rows.model, _moves=ibis.literal(False), _examples=_examples(taken.rows, params))
    for target, ids in pairs:
        stage.model_id(target.key)
        rows = _tuned(rows, target, ids, params, stage)
    number = counted(stage, taken.branches, rows, {"moved": rows._moves, "stayed": rows._taken & ~rows._moves})[()]
    charges = [charge for target, _ in pairs for charge in _charges(target, params, stage)] if number["moved"] else []
    # A row that an earlier step took away may come back to its own model here, and shorter: nothing shows that.
    touched = workload.touched or workload.moved
    result = with_rows(workload, rows.select(*before), branches=taken.branches, touched=touched, moved=True)
    return Rewritten(
        replace(result, charges=(*workload.charges, *charges)),
        title=_title(params),
        evidence=ASSUMED if params.example_tokens is not None or params.output_factor != 1 else MODELLED,
        assumptions=(*_notes(params, pairs), *moves_of(stage, taken.branches, rows, "_was").notes()),
        warnings=tuple(_warnings(params, pairs)),
        changes_answers=True,
        facts={
            **taken.facts,
            "requests on a tuned model": shown(number["moved"]),
            "requests that stay": shown(number["stayed"]),
        },
        tallied="requests that do not fit and stay",
    )


def _pairs(params: FineTuneParams, stage: Stage) -> Iterator[tuple[ModelRef, list[int]]]:
    """The tuned models and the ids of the models they stand in for; without ids whatever can move."""
    if params.model is not None:
        yield stage.catalogue.get(params.model), []
        return
    forms: dict[str, tuple[ModelRef, list[int]]] = {}
    for number, model, _, _ in list(stage.models()):
        names = (model.entry.id, *model.entry.aliases) if model is not None else ()
        tuned = (stage.catalogue.resolve(model.provider, f"ft:{name}") for name in names) if model is not None else ()
        found = next((form for form in tuned if form is not None), None)
        if found is not None:
            forms.setdefault(found.key, (found, []))[1].append(number)
    yield from (forms[key] for key in sorted(forms))


def _examples(rows: ir.Table, params: FineTuneParams) -> ir.IntegerValue:
    """Example tokens of each row that go; unknown where the log does not say."""
    if params.example_tokens is not None:
        gone = ibis.literal(max(0, params.example_tokens - params.kept_example_tokens), type="int64")
        return ibis.least(gone, rows.input_tokens)
    left = ibis.greatest(rows.example_tokens - params.kept_example_tokens, 0)
    return ibis.ifelse(rows.example_tokens.isnull(), ibis.null("int64"), ibis.least(left, rows.input_tokens))


def _tuned(rows: ir.Table, target: ModelRef, ids: list[int], params: FineTuneParams, stage: Stage) -> ir.Table:
    able = rows._taken & ~rows._moves & rows._examples.notnull()
    able = able & (rows.model.isin(ids) if ids else movable(rows, stage, target))
    room = fits(rows, stage, target)
    rows = stage.view(rows.mutate(tally=rows.tally + refused(rows, able & ~room), _now=(able & room).fill_null(False)))
    least = min((rule.min_tokens for rule in target.entry.cache if rule.mode != "none"), default=0)
    rows = cut_front(rows, rows._now, rows._examples, least)
    rows = move(rows, rows._now, stage, target)
    if params.output_factor != 1:
        rows = rows.mutate(**{
            name: rows._now.ifelse(_times(rows[name], params.output_factor), rows[name])
            for name in ("output_tokens", "reasoning_output_tokens")
            if name in rows.columns
        })  # fmt: skip
    return stage.view(rows.mutate(_moves=rows._moves | rows._now).drop("_now"))


def _times(tokens: ir.IntegerValue, factor: Decimal) -> ir.IntegerValue:
    """Whole tokens, rounded down, so that a part never exceeds its whole."""
    above, below = factor.as_integer_ratio()
    return (tokens * above // below).cast("int64")


def _charges(target: ModelRef, params: FineTuneParams, stage: Stage) -> Iterator[FlatCharge]:
    """Training, preparation and hosting for the part of a tuned model's life that the log covers."""
    span = stage.span
    hours = Decimal(span[1] - span[0]) / _HOUR_US if span else None
    life = micros_of(params.retrain_every) or 1
    lives = (Decimal(span[1] - span[0]) / Decimal(life)).quantize(_QUANTITY) if span else Decimal(1)
    known = ASSUMED
    if params.training_tokens:
        whole = Decimal(params.training_tokens * params.epochs).scaleb(-6)
        note = f"{plain(lives.quantize(Decimal('1e-4')))} of a training of {params.epochs} epochs"
        tokens = (whole * lives).quantize(_QUANTITY)
        rate = training_rate(target, params)
        yield FlatCharge(TRAINING, tokens, "MTok", target.key, unit_usd=rate, note=note, evidence=known, once=whole)
    if params.data_preparation_usd:
        usd, one = params.data_preparation_usd, Decimal(1)
        yield FlatCharge(PREPARATION, lives, "data set", target.key, unit_usd=usd, evidence=known, once=one)
    hosting = params.hosting_usd_per_hour
    if hosting is None and target.entry.fine_tune is not None:
        hosting = target.entry.fine_tune.hosting_per_hour
    if hosting and hours:
        yield FlatCharge(HOSTING, hours.quantize(_QUANTITY), "hours", target.key, unit_usd=hosting, evidence=known)


def training_rate(target: ModelRef, params: FineTuneParams) -> Decimal | None:
    """USD per million training tokens: the user's, else the catalogue's; None: unknown."""
    if params.training_usd_per_mtok is not None:
        return params.training_usd_per_mtok
    return target.entry.fine_tune.training_per_mtok if target.entry.fine_tune is not None else None


def _notes(params: FineTuneParams, pairs: list[tuple[ModelRef, list[int]]]) -> Iterator[Noted]:
    if params.example_tokens is not None:
        yield Noted("example tokens", str(params.example_tokens), "tokens a prompt", "scenario")
    if params.kept_example_tokens:
        yield Noted("example tokens kept", str(params.kept_example_tokens), "tokens a prompt", "scenario")
    if params.output_factor != 1:
        yield Noted("length of tuned answers", plain(params.output_factor), "x output tokens", "scenario")
    if params.training_tokens:
        given = "epochs" in params.model_fields_set
        yield Noted("epochs", str(params.epochs), "", "scenario" if given else "default")
        for target, _ in pairs:
            tuning = target.entry.fine_tune
            if params.training_usd_per_mtok is None and tuning is not None and tuning.training_per_mtok is not None:
                source = f"{tuning.source} ({tuning.confidence})"
                yield Noted(f"training of {target.key}", plain(tuning.training_per_mtok), "USD per MTok", source)
    given = "retrain_every" in params.model_fields_set
    yield Noted("life of a tuned model", params.retrain_every, "", "scenario" if given else "default")


def _warnings(params: FineTuneParams, pairs: list[tuple[ModelRef, list[int]]]) -> Iterator[str]:
    if not pairs:
        yield "no model of the log has a tuned form for sale: name one with model, or price your own in an overlay"
    if not params.training_tokens:
        yield "training is not counted: training_tokens is 0"
    if not params.data_preparation_usd:
        yield "data preparation is not counted: data_preparation_usd is 0"


def _title(params: FineTuneParams) -> str:
    examples = "the log's" if params.example_tokens is None else f"{params.example_tokens:,}"
    where = f", where {params.when}" if params.when else ""
    return f"{params.model or 'tuned models'} without {examples} example tokens{where}"


STRATEGY = Strategy(
    title="A fine-tuned model instead of few-shot examples",
    params=FineTuneParams,
    rewrite=rewrite,
    conserves=frozenset({"requests", "rows", "time"}),
    reads=frozenset({"example_tokens"}),
    needs_requests=True,
    levers=(
        Lever("example_tokens", "0.5", "2", relative=True),
        Lever("output_factor", "0.8", "1.2"),
        Lever("training_tokens", "0.5", "3", relative=True),
        Lever("data_preparation_usd", "0.5", "3", relative=True),
        Lever("retrain_every", "730d", "90d"),
    ),
)
