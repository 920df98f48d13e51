"""What a log asks of a fleet of one's own: the requests with their work and their price at the API, looked up once."""

from __future__ import annotations

from typing import Any, Final

from llmcost.pricing.catalogue import Catalogue
from llmcost.results.breakeven.quick import Asked
from llmcost.results.options import ReplayOptions
from llmcost.results.period import period_of
from llmcost.results.replay import Replaying
from llmcost.results.scenario import BoundScenario, BoundStep
from llmcost.results.selection import instant_of, noon
from llmcost.results.stage import SceneStage
from llmcost.usage.store import Store
from llmcost.workload.branching import calls
from llmcost.workload.capacity import windows
from llmcost.workload.contract import USD_HIGH, USD_LOW, Workload
from llmcost.workload.fleetasks import asking, planned, units_of
from llmcost.workload.fleets import WINDOW_US
from llmcost.workload.prefixes import tie

_MOST: Final = 5_000_000
"""Requests that are held in memory, some 50 bytes each; above that every replay is the engine's."""


def look(step: BoundStep, store: Store, catalogue: Catalogue, options: ReplayOptions) -> Asked | None:
    """What the selected rows ask of the fleet ``step``; None where one look does not tell it."""
    params: Any = step.params
    if step.name != "self-host" or params.share != 1 or params.egress_usd_per_gb or options.prices_on is not None:
        return None
    replaying = Replaying(store, catalogue, options)
    try:
        return _asked(replaying, step, params, options)
    finally:
        replaying.engine.close()


def _asked(replaying: Replaying, step: BoundStep, params: Any, options: ReplayOptions) -> Asked | None:
    day = options.baseline_on
    states = replaying.states(BoundScenario("look", (step,), day))
    before: Workload = states.before
    period = period_of(replaying.engine, before, options)
    if period.start is None or period.end is None:
        return None
    replaying.engine.span = (instant_of(period.start), instant_of(period.end))
    stage = SceneStage(
        replaying.engine, "look", 0, options.seed, replaying.present, restricted=replaying.files is not None,
        priced_on=None if day is None else noon(day),
    )  # fmt: skip
    rows, taken = asking(before, params, stage)
    plan = planned(rows, params, {}, stage)
    if taken.branches.splits or not plan.work or sum(each.requests for each in plan.work.values()) > _MOST:
        return None
    costs = states.row_costs(Workload(rows))
    asked = costs.rows.filter(costs.rows["_asks"])
    found = asked.select(
        window=windows(asked, WINDOW_US), at=asked.started_at, tie=tie(asked), row=asked.row_id, units=units_of(asked, plan),
        calls=calls(asked).cast("int64"), high=asked[USD_HIGH].fill_null(0), low=asked[USD_LOW].fill_null(0),
    )  # fmt: skip
    table = stage.collect(found.order_by(["window", "at", "tie", "row"]))
    columns = {name: table.column(name).to_numpy() for name in ("window", "units", "calls", "high", "low")}
    return Asked(**columns, places=costs.places, work=plan.work, firsts=plan.firsts, stage=stage)
