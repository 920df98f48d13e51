"""Capacity or spend that is bought ahead: provisioned throughput, or a prepaid amount at a discount.

Provisioned: every window (a minute) serves requests in order of arrival until ``units`` x ``tokens_per_minute`` are used, an
output token counting ``output_weight`` and a cached input token ``cached_weight`` input tokens; what is over is paid as you go, or
refused. The units are paid by the hour whether used or not: cost = units x hours x price.
(Azure: cached tokens do not count towards the units, output tokens weigh by model,
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/provisioned-throughput, recalled; Google: burndown rates, recalled. So both weights are yours
to give.)

Spend: usage is ``discount`` cheaper up to the commitment, and what is committed but not used is paid all the same:
cost = max(committed, discounted usage); usage above the commitment keeps the discount or loses it (``above``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final, Literal

import ibis.expr.types as ir
from pydantic import Field, model_validator

from llmcost import wording as words
from llmcost.money import EXACT, RATIO, ZERO, plain
from llmcost.workload.branching import counted, counted_calls, is_bucket, part, shown
from llmcost.workload.capacity import SERVED, WINDOW, parted, weighted, weights, within
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
    Sweep,
    Weight,
    Workload,
    with_rows,
)  # fmt: skip
from llmcost.workload.draw import take
from llmcost.workload.select import condition

_MINUTE_US: Final = 60_000_000
_HOUR_US: Final = Decimal(3_600_000_000)
_MONTH_HOURS: Final = 730
_QUANTITY: Final = Decimal("1e-12")
_SIX: Final = Decimal("1e-6")
_SCALE: Final = 1000
"""Weights have three places: work is counted in thousandths of a token."""


class CommitmentParams(Selecting):
    """What is bought ahead, and what happens above it."""

    kind: Literal["provisioned", "spend"] = Field(description="Capacity by the minute, or an amount of spend.")
    units: int = Field(default=1, ge=0, description="Units of provisioned throughput.")
    tokens_per_minute: int | None = Field(default=None, gt=0, description="Input tokens a minute that one unit serves.")
    output_weight: Decimal = Field(
        default=Decimal(1), ge=0, le=1000, decimal_places=3, description="Input tokens that an output token counts as."
    )
    cached_weight: Decimal = Field(
        default=Decimal(1),
        ge=0,
        le=1,
        decimal_places=3,
        description="Input tokens that a cached input token counts as.",
    )
    usd_per_unit_hour: Decimal | None = Field(default=None, ge=0, description="USD per unit and hour.")
    usd_per_unit_month: Decimal | None = Field(
        default=None, ge=0, description="USD per unit and month of 730 hours, in place of usd_per_unit_hour."
    )
    overflow: Literal["pay-as-you-go", "refuse"] = Field(
        default="pay-as-you-go", description="What happens to requests that find no room."
    )
    usd_per_month: Decimal | None = Field(default=None, ge=0, description="Committed spend, USD a month of 730 hours.")
    discount: Decimal = Field(default=ZERO, ge=0, lt=1, description="Discount on usage under the commitment (0 to 1).")
    above: Literal["discounted", "list"] = Field(
        default="discounted", description="Price of usage above the committed spend."
    )

    @model_validator(mode="after")
    def _whole(self) -> CommitmentParams:
        if self.kind == "provisioned":
            if self.tokens_per_minute is None:
                raise ValueError("provisioned needs tokens_per_minute")
            if (self.usd_per_unit_hour is None) == (self.usd_per_unit_month is None):
                raise ValueError("provisioned needs one of usd_per_unit_hour and usd_per_unit_month")
        elif self.usd_per_month is None:
            raise ValueError("spend needs usd_per_month")
        return self


def rewrite(workload: Workload, params: CommitmentParams, stage: Stage) -> Rewritten:
    """Serves the matching rows from what is committed, and charges the commitment."""
    rows = workload.rows
    matching = rows.selected & rows.sent
    if params.kind == "provisioned":
        matching = matching & ~is_bucket(rows)
    if params.when:
        matching = matching & condition(params.when, rows)
    taken = take(workload.branches, rows, matching, params.share, params.by, stage)
    workload = replace(workload, rows=taken.rows, branches=taken.branches)
    made = _provisioned(workload, params, stage) if params.kind == "provisioned" else _spend(workload, params, stage)
    return replace(made, facts={**taken.facts, **made.facts})


def _hours(stage: Stage) -> Decimal:
    """Hours of the result's period; a log without any time is an hour."""
    return ((Decimal(stage.span[1] - stage.span[0]) / _HOUR_US) if stage.span else Decimal(1)).quantize(_QUANTITY)


def _provisioned(workload: Workload, params: CommitmentParams, stage: Stage) -> Rewritten:
    room = params.units * (params.tokens_per_minute or 0) * _SCALE
    counts = weights(workload.rows, workload.branches, stage)
    if max(counts.values(), default=Decimal(1)) > 1:
        workload = parted(workload, workload.rows._taken, stage)
        counts = weights(workload.rows, workload.branches, stage)
    work = weighted(_work(workload.rows, params), workload.rows, counts)
    rows = within(workload.rows, workload.rows._taken, work, _MINUTE_US, room, stage)
    over = rows._taken & ~rows[SERVED]
    number = counted(stage, workload.branches, rows, {"served": rows[SERVED], "over": over})[()]
    used = _used(rows, weighted(_work(rows, params), rows, counts), stage, room)
    gone = rows[SERVED] if params.overflow == "pay-as-you-go" else rows._taken
    rows = rows.mutate(sent=rows.sent & ~gone, changed=rows.changed | gone)
    everyone = EXACT.add(number["served"], number["over"])
    facts = {
        "requests served by the commitment": shown(number["served"]),
        "requests refused" if params.overflow == "refuse" else "requests paid as you go": shown(number["over"]),
        "use of the units": f"{used * 100:.1f} %",
    }
    if everyone:
        facts["share served"] = part(number["served"], everyone)
    charge = FlatCharge(
        "provisioned_throughput", EXACT.multiply(Decimal(params.units), _hours(stage)), "unit-hours",
        unit_usd=_per_hour(params), evidence=ASSUMED, note=f"{params.units} units, whether used or not",
    )  # fmt: skip
    lost = params.overflow == "refuse" and number["over"] > 0
    done = with_rows(workload, rows.drop("_taken", SERVED, WINDOW), charges=(*workload.charges, charge), moved=True)
    return Rewritten(
        done,
        title=f"{words.counted(params.units, 'provisioned unit')} of {params.tokens_per_minute:,} tokens a minute{_where(params)}",
        evidence=MODELLED,
        assumptions=tuple(_notes(params)),
        warnings=(f"{counted_calls(number['over'])} refused: what they cost is gone, and so are their answers",)
        if lost
        else (),
        changes_answers=lost,
        facts=facts,
        measures={
            "utilisation": used,
            "peak_units": Decimal(_peak(rows, weighted(_work(rows, params), rows, counts), params, stage)),
        },
    )


def _work(rows: ir.Table, params: CommitmentParams) -> ir.IntegerValue:
    """Thousandths of an input token that a row takes."""
    cached = rows.cache_read_input_tokens.fill_null(0)
    out, read = int(params.output_weight * _SCALE), int(params.cached_weight * _SCALE)
    fresh = rows.input_tokens.fill_null(0) - cached
    return fresh * _SCALE + cached * read + rows.output_tokens.fill_null(0) * out


def _used(rows: ir.Table, work: ir.IntegerValue, stage: Stage, room: int) -> Decimal:
    """Part of the bought capacity that requests used."""
    served = rows.mutate(_work=rows[SERVED].ifelse(work, 0).cast("float64"))
    total = stage.collect(served.agg(work=served._work.sum())).to_pylist()[0]["work"] or 0
    minutes = float(_hours(stage)) * 60
    return Decimal(f"{total / (room * minutes):.6f}") if room and minutes else ZERO


def _peak(rows: ir.Table, work: ir.IntegerValue, params: CommitmentParams, stage: Stage) -> int:
    """Units that the busiest minute would fill."""
    each = (params.tokens_per_minute or 1) * _SCALE
    asking = rows.mutate(_work=work).filter(rows._taken & rows[WINDOW].notnull())
    minutes = asking.group_by(WINDOW).agg(work=asking._work.sum().cast("float64"))
    busiest = stage.collect(minutes.agg(most=minutes.work.max())).to_pylist()[0]["most"] or 0
    return -int(-busiest // each)


def _per_hour(params: CommitmentParams) -> Decimal:
    if params.usd_per_unit_hour is not None:
        return params.usd_per_unit_hour
    return ((params.usd_per_unit_month or ZERO) / _MONTH_HOURS).quantize(_QUANTITY)


def _spend(workload: Workload, params: CommitmentParams, stage: Stage) -> Rewritten:
    rows = workload.rows
    part_of = rows.mutate(_label=rows._taken.ifelse("in", "out"))
    costs = stage.costs(with_rows(workload, part_of), "_label")
    usage = costs.usd.get("in", ZERO)
    committed = ((params.usd_per_month or ZERO) * _hours(stage) / _MONTH_HOURS).quantize(_QUANTITY)
    discounted = EXACT.multiply(usage, Decimal(1) - params.discount)
    factor = Decimal(1) - params.discount
    if params.above == "list" and discounted > committed and usage:
        # The commitment buys committed / (1 - discount) of list-price usage; what is above pays the list price.
        bought = committed / factor
        factor = ((committed + (usage - bought)) / usage).quantize(_QUANTITY)
    left = max(ZERO, EXACT.subtract(committed, EXACT.multiply(usage, factor)))
    split = workload.branches.split((Weight(), Weight(cost=factor)))
    rows = rows.mutate(
        branch=(rows.branch * 2 + rows._taken.ifelse(1, 0)).cast("int64"), changed=rows.changed | rows._taken
    )
    charges = list(workload.charges)
    if left:
        charges.append(
            FlatCharge(
                "commitment_shortfall",
                Decimal(1),
                "period",
                amount_usd=left,
                evidence=ASSUMED,
                note="committed and not used",
            )
        )
    unpriced = costs.unpriced.get("in", ZERO)
    use = min(Decimal(1), RATIO.divide(discounted, committed)).quantize(_SIX) if committed else None
    return Rewritten(
        with_rows(workload, rows.drop("_taken"), charges=tuple(charges), branches=split),
        title=f"${plain(params.usd_per_month or ZERO)} a month committed at {plain(params.discount * 100)} % off{_where(params)}",
        evidence=ASSUMED,
        assumptions=tuple(_notes(params)),
        warnings=(f"{counted_calls(unpriced)} without a price: nothing of the commitment is used for them",)
        if unpriced
        else (),
        facts={"use of the commitment": "none committed" if use is None else f"{use * 100:.1f} %"},
        # What is committed costs what the list price does once usage at the discount fills this part of it.
        measures={} if use is None else {"utilisation": use, "break_even_utilisation": Decimal(1) - params.discount},
    )


def _where(params: CommitmentParams) -> str:
    return f", where {params.when}" if params.when else ""


def _notes(params: CommitmentParams) -> Iterator[Noted]:
    if params.kind == "spend":
        yield Noted("committed spend", plain(params.usd_per_month or ZERO), "USD a month", "scenario")
        yield Noted("discount", plain(params.discount * 100), "%", "scenario")
        return
    yield Noted("price of a unit", plain(_per_hour(params)), "USD an hour", "scenario")
    yield Noted("a unit serves", f"{params.tokens_per_minute}", "input tokens a minute", "scenario")
    for name in ("output_weight", "cached_weight"):
        given = "scenario" if name in params.model_fields_set else "default"
        yield Noted(name.replace("_", " "), plain(getattr(params, name)), "input tokens", given)


STRATEGY = Strategy(
    title="Provisioned throughput or committed spend",
    params=CommitmentParams,
    rewrite=rewrite,
    conserves=frozenset({"rows", "time", "models"}),
    reads=frozenset({"file_key", "line"}),
    levers=(
        Lever("usd_per_unit_hour", "0.7", "1.3", relative=True),
        Lever("usd_per_unit_month", "0.7", "1.3", relative=True),
        Lever("tokens_per_minute", "0.7", "1.3", relative=True),
        Lever("output_weight", "0.5", "2", relative=True),
        Lever("cached_weight", "0", "1"),
        Lever("usd_per_month", "0.7", "1.3", relative=True),
        Lever("discount", "0.5", "1.5", relative=True),
    ),
    sweep=Sweep("units", "peak_units"),
)
