"""A GPU fleet of one's own for the matching requests, sized by the log's own demand; what it cannot serve bursts to the API.

Per five-minute window the GPU-seconds of its requests (:mod:`llmcost.hosting.throughput`), per hour the GPUs that carry its
95th percentile at the target utilisation, in whole replicas (:mod:`llmcost.hosting.fleet`). Cost = GPU-hours x price by tier
(reserved, on demand, spot, owned) + cold starts + staff, storage, egress and licences as given. Requests that the fleet
serves are not sent to a provider; in a window that is full they go there in order of arrival, as they were or wherever a
later step sends them. With ``replicas`` the fleet is a fixed baseline: hybrid.

Where a fleet scales to zero, or is ordered without a lead, GPUs start when the demand is there
(:mod:`llmcost.hosting.starts`): requests that find nothing up go to the API, or wait, as ``while_starting`` says.

Assumptions, all printed: the target utilisation, what a cached token still costs, the series and how far the log's requests
lie from its measurements, the tokenizer factor where ``as_model`` names the hosted model. Quality is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

import ibis.expr.types as ir

from llmcost.money import EXACT, RATIO
from llmcost.pricing.names import ModelRef
from llmcost.workload import coldstarts, fleettold
from llmcost.workload.branching import add, counted, part, shown
from llmcost.workload.capacity import SERVED, parted, weighted, weights, within
from llmcost.workload.coldstarts import ColdStarts
from llmcost.workload.contract import (
    ASSUMED,
    MODELLED,
    FlatCharge,
    Lever,
    Noted,
    Rewritten,
    Stage,
    Strategy,
    Sweep,
    Workload,
    with_rows,
)
from llmcost.workload.fleetasks import asking, planned, room_of, target_of, units_of
from llmcost.workload.fleetparams import SelfHostParams
from llmcost.workload.fleets import WINDOW_US, Plan
from llmcost.workload.move import ratio

_GB: Final = Decimal("1e-12")


def rewrite(workload: Workload, params: SelfHostParams, stage: Stage) -> Rewritten:
    """Takes the served rows off the API and charges the fleet."""
    before = workload.rows.columns
    rows, taken = asking(workload, params, stage)
    counts = weights(rows, taken.branches, stage)
    plan = planned(rows, params, counts, stage)
    if not plan.work:
        return Rewritten(workload, _title(params), MODELLED, warnings=("no matching request: no fleet",))
    units = room_of(rows, plan, counts, stage)
    if max(counts.values(), default=Decimal(1)) > 1 and (plan.cold or plan.fleet.served_share < 1):
        split = parted(replace(workload, rows=rows, branches=taken.branches), rows._asks, stage)
        rows, taken = split.rows, replace(taken, rows=split.rows, branches=split.branches)
        counts = weights(rows, split.branches, stage)
        units = room_of(rows, plan, counts, stage)
    rows = coldstarts.marked(rows, plan.cold, stage)
    starts = coldstarts.found(rows, units_of(rows, plan), plan, counts, stage)
    plan, units = _settled(plan, units, starts)
    told = dict(coldstarts.facts(rows, replace(workload, branches=taken.branches), tuple(before), plan, starts, stage))
    room = stage.register(plan.room(units))
    able = rows._asks if plan.waiting else rows._asks & ~rows[coldstarts.COLD]
    rows = within(rows, able, weighted(units_of(rows, plan), rows, counts), WINDOW_US, room, stage)
    over = rows._asks & ~rows[SERVED]
    number = counted(stage, taken.branches, rows, {"served": rows[SERVED], "over": over})[()]
    egress = tuple(_egress(rows, counts, params, stage))
    everyone = EXACT.add(number["served"], number["over"])
    rows = rows.mutate(sent=rows.sent & ~rows[SERVED], changed=rows.changed | rows[SERVED])
    result = with_rows(workload, rows.select(*before), branches=taken.branches, moved=True)
    return Rewritten(
        replace(result, charges=(*workload.charges, *plan.charges(), *egress)),
        title=_title(params),
        evidence=MODELLED,
        assumptions=(*fleettold.notes(plan), *_factors(target_of(params, stage), stage)),
        warnings=tuple(fleettold.warnings(plan)),
        changes_answers=True,
        tallied="requests that do not fit and stay",
        facts={
            **taken.facts,
            "requests served by the fleet": shown(number["served"]),
            "requests left to the API": shown(number["over"]),
            **({"share served": part(number["served"], everyone)} if everyone else {}),
            **fleettold.facts(plan),
            **told,
        },
        exhibits=(fleettold.exhibit(plan),),
        measures=plan.measures(),
        latency=plan.latency,
    )


def _settled(plan: Plan, units: dict[int, int], starts: ColdStarts) -> tuple[Plan, dict[int, int]]:
    """The plan with what arrives while nothing is up, and the work that may be served."""
    if not starts.units:
        return plan, units
    share = {window: cold / units[window] for window, cold in starts.units.items() if units.get(window)}
    settled = replace(plan, arrived_cold=share, known=plan.modelled)
    if plan.waiting:
        return settled, units
    return settled, {window: of - starts.units.get(window, 0) for window, of in units.items()}


def _egress(
    rows: ir.Table, counts: Mapping[int, Decimal], params: SelfHostParams, stage: Stage
) -> Iterator[FlatCharge]:
    """Traffic of the answers that the fleet gives, where it is priced by GB."""
    if not params.egress_usd_per_gb:
        return
    served = rows.filter(rows[SERVED])
    found = stage.collect(served.group_by("branch").agg(out=served._out.sum())).to_pylist()
    tokens = add(
        EXACT.multiply(counts.get(int(line["branch"]), Decimal(1)), Decimal(int(line["out"]))) for line in found
    )
    gb = RATIO.multiply(tokens, params.bytes_per_output_token).scaleb(-9).quantize(_GB)
    if gb:
        yield FlatCharge("egress", gb, "GB", unit_usd=params.egress_usd_per_gb, evidence=ASSUMED)


def _factors(target: ModelRef | None, stage: Stage) -> tuple[Noted, ...]:
    if target is None:
        return ()
    found = {}
    for _, model, _, _ in stage.models():
        if model is not None and (factor := ratio(model, target)) != 1:
            name = f"tokenizer factor {model.key} to {target.key}"
            found[name] = Noted(name, f"{float(factor):.3f}", "tokens per token", "catalogue")
    return tuple(found.values())[:6]


def _title(params: SelfHostParams) -> str:
    size = ""
    if params.replicas == "median":
        size = "the median hour's replicas of "
    elif params.replicas is not None:
        size = f"{params.replicas} {'replica' if params.replicas == 1 else 'replicas'} of "
    where = f", where {params.when}" if params.when else ""
    return f"{size}{params.model} on {params.gpu}, {params.tier.replace('_', ' ')}, {params.mode}{where}"


STRATEGY = Strategy(
    title="Own GPUs for the log's own demand",
    params=SelfHostParams,
    rewrite=rewrite,
    conserves=frozenset({"rows", "time", "models"}),
    reads=frozenset({"file_key", "line"}),
    needs_requests=True,
    levers=(
        Lever("usd_per_gpu_hour", "0.7", "1.5", relative=True),
        Lever("throughput", "", "", off="throughput_off"),
        Lever("utilisation", "0.5", "0.9"),
        Lever("cached_cost", "0", "0.1"),
        Lever("own_cache", "log", "none"),
        Lever("cold_start", "0s", "15m"),
        Lever("staff_usd_per_month", "0", "10000"),
    ),
    sweep=Sweep("replicas", "peak_replicas", "median_replicas", {"mode": "always-on"}),
    presets={
        "self-host": (
            "Llama 3.3 70B on H100s, as many as the demand needs, at the cheapest on-demand price",
            {"model": "Llama-3.3-70B", "gpu": "H100-SXM"},
        ),
    },
)
