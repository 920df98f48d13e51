"""The same traffic on another model, provider, region or tier, at another day's rates, or grown.

Formula: cost = scaled counts x the target's rates. Counts are scaled by the ratio of tokenizer factors (printed);
prompts that do not fit the target's context window stay where they are and are counted. ``growth`` multiplies
requests and tokens as an exact weight; ``discount`` multiplies prices.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field, model_validator

from llmcost.money import plain
from llmcost.workload.contract import (
    ASSUMED,
    MEASURED,
    MODELLED,
    Branches,
    Noted,
    Rewritten,
    Selecting,
    Stage,
    Strategy,
    Weight,
    Workload,
    with_rows,
)  # fmt: skip
from llmcost.workload.draw import take
from llmcost.workload.move import Moves, fits, movable, move, moves_of, refused
from llmcost.workload.select import condition


class RepriceParams(Selecting):
    """What changes. At least one of model, models, region, prices_on, growth and discount must be given."""

    model: str | None = Field(default=None, description="provider/model that answers the matching requests.")
    models: dict[str, str] = Field(default_factory=dict, description="Map of provider/model to provider/model.")
    region: str | None = Field(default=None, description="Region whose rates apply: global, us, eu ..")
    service_tier: Literal["standard", "batch", "flex", "priority", "fast"] | None = Field(
        default=None, description="Service tier whose rates apply."
    )
    prices_on: date | None = Field(default=None, description="Day (UTC) whose rates at noon apply.")
    growth: Decimal = Field(
        default=Decimal(1), gt=0, le=1000, description="Factor on requests and tokens (1.3 = 30 % more)."
    )
    discount: Decimal = Field(default=Decimal(0), ge=0, lt=1, description="Negotiated discount on every rate (0 to 1).")

    @model_validator(mode="after")
    def _something(self) -> RepriceParams:
        given = (self.model, self.models, self.region, self.service_tier, self.prices_on)
        if not any(given) and not self.model_fields_set & {"growth", "discount"}:
            raise ValueError("give model, models, region, service_tier, prices_on, growth or discount")
        return self


def rewrite(workload: Workload, params: RepriceParams, stage: Stage) -> Rewritten:
    """Moves and re-rates the matching rows."""
    if params.region is not None:
        stage.catalogue.check_region(params.region)
    rows = workload.rows
    matching = rows.selected & rows.sent
    if params.when:
        matching = matching & condition(params.when, rows)
    taken = take(workload.branches, rows, matching, params.share, params.by, stage)
    rows = taken.rows.rename(_matching="_taken")
    moves = [*([("*", params.model)] if params.model else []), *params.models.items()]
    targets = [stage.catalogue.get(target) for _, target in moves]
    done: ir.Table = rows.mutate(_origin=rows.model)
    for (source, _), target in zip(moves, targets, strict=True):
        able = done._matching & movable(done, stage, target) & (done._origin == done.model)
        if source != "*":
            able = able & done.model.isin(_ids(stage, source) or [-1])
        room = fits(done, stage, target)
        done = done.mutate(_able=able & room, tally=done.tally + refused(done, able & ~room))
        done = move(done, done._able, stage, target).drop("_able")
    if params.region is not None:
        done = _freed_of_region(done, stage)
    done = _re_rate(done, params)
    branches, done = _weighted(taken.branches, done, params)
    if moves:
        done = stage.view(done)
    moved = moves_of(stage, branches, done, "_origin") if moves else Moves()
    result = done.drop("_matching", "_origin")
    return Rewritten(
        with_rows(workload, result, branches=branches, moved=workload.moved or bool(moves)),
        title=_title(params),
        evidence=_evidence(params, moved),
        assumptions=(*moved.notes(), *_notes(params)),
        facts=taken.facts,
        tallied="requests that do not fit and stay",
        instants=() if params.prices_on is None else (_noon(params.prices_on),),
        changes_answers=bool(moves),
    )


def _ids(stage: Stage, key: str) -> list[int]:
    wanted = stage.catalogue.get(key)
    return [number for number, model, _, _ in stage.models() if model is not None and model.key == wanted.key]


def _freed_of_region(rows: ir.Table, stage: Stage) -> ir.Table:
    """Matching rows whose model's name tells a region (``us.anthropic..``) on the same model by its own name.

    That is no move to another model: what the log says of the row still holds.
    """
    named = [(number, model) for number, model, _, _ in list(stage.models()) if model is not None and model.region]
    if not named:
        return rows
    cases = [(rows._matching & (rows.model == number), stage.model_id(model.key)) for number, model in named]
    model = ibis.cases(*cases, else_=rows.model).cast("int64")
    own = rows.model == rows.logged_model
    return rows.mutate(model=model, logged_model=ibis.ifelse(own, model, rows.logged_model))


def _re_rate(rows: ir.Table, params: RepriceParams) -> ir.Table:
    changes: dict[str, ir.Value] = {}
    if params.region is not None:
        changes["region"] = rows._matching.ifelse(params.region, rows.region)
    if params.service_tier is not None:
        changes["service_tier"] = rows._matching.ifelse(params.service_tier, rows.service_tier)
    if params.prices_on is not None:
        noon = ibis.literal(_noon(params.prices_on), type="int64")
        changes["priced_at"] = rows._matching.ifelse(noon, rows.priced_at)
    return rows.mutate(changed=rows.changed | rows._matching, **changes) if changes else rows


def _noon(day: date) -> int:
    return int(datetime.combine(day, time(12), UTC).timestamp()) * 1_000_000


def _weighted(branches: Branches, rows: ir.Table, params: RepriceParams) -> tuple[Branches, ir.Table]:
    if params.growth == 1 and params.discount == 0:
        return branches, rows
    split = branches.split((Weight(), Weight(params.growth, Decimal(1) - params.discount)))
    return split, rows.mutate(
        branch=(rows.branch * 2 + rows._matching.ifelse(1, 0)).cast("int64"), changed=rows.changed | rows._matching
    )


def _evidence(params: RepriceParams, moved: Moves) -> int:
    if params.growth != 1 or params.discount:
        return ASSUMED
    return MODELLED if moved.modelled else MEASURED


def _notes(params: RepriceParams) -> tuple[Noted, ...]:
    found = []
    if params.growth != 1:
        found.append(Noted("growth", plain(params.growth), "x requests", "scenario"))
    if params.discount:
        found.append(Noted("discount", plain(params.discount * 100), "%", "scenario"))
    if params.prices_on:
        found.append(Noted("prices on", params.prices_on.isoformat(), "", "scenario"))
    return tuple(found)


def _title(params: RepriceParams) -> str:
    parts = []
    if params.model:
        parts.append(f"on {params.model}")
    parts += [f"{source} on {target}" for source, target in params.models.items()]
    if params.region:
        parts.append(f"in {params.region}")
    if params.service_tier:
        parts.append(f"{params.service_tier} tier")
    if params.prices_on:
        parts.append(f"prices of {params.prices_on.isoformat()}")
    if params.growth != 1:
        parts.append(f"{plain(params.growth)} x the traffic")
    if params.discount:
        parts.append(f"{plain(params.discount * 100)} % discount")
    where = f", where {params.when}" if params.when else ""
    return ", ".join(parts) + where


STRATEGY = Strategy(
    title="Another model, provider, region, tier, price day or volume",
    params=RepriceParams,
    rewrite=rewrite,
    conserves=frozenset({"rows", "time"}),
)
