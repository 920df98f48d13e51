"""Own GPUs at several target utilisations: the scenario that has them, replayed at each.

A fleet's size goes by whole replicas, so no weighing of sums gives it: every position is a replay of its own, for the
log's own traffic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from llmcost.money import EXACT, ZERO
from llmcost.results.model import Scenario
from llmcost.results.priced import add
from llmcost.results.replay import Replaying
from llmcost.results.scenario import BoundScenario, BoundStep
from llmcost.results.what_if_model import WhatIfFleet, WhatIfStop
from llmcost.results.whatif.levers import written

_STOPS: Final = tuple(Decimal(part) / 100 for part in (40, 50, 60, 70, 80, 90))
_STRATEGY: Final = "self-host"
_FIELD: Final = "utilisation"


def fleet(replaying: Replaying, scenarios: Sequence[BoundScenario]) -> WhatIfFleet | None:
    """The first scenario with own GPUs at each utilisation; None without one, or where utilisation changes nothing."""
    scenario = next((s for s in scenarios if any(step.name == _STRATEGY for step in s.steps)), None)
    if scenario is None:
        return None
    params: Any = next(step.params for step in scenario.steps if step.name == _STRATEGY)
    start: Decimal = getattr(params, _FIELD)
    ends = _stops(replaying, scenario, [_STOPS[0], _STOPS[-1]])
    if ends is None or ends[0][1].cost_usd == ends[-1][1].cost_usd:
        return None
    inner = _stops(replaying, scenario, sorted({*_STOPS[1:-1], start} - {_STOPS[0], _STOPS[-1]}))
    found = sorted([*ends, *(inner or ())], key=lambda pair: pair[0])
    return WhatIfFleet(
        scenario=scenario.name,
        title=next(step.title for step in found[0][1].steps if step.strategy == _STRATEGY),
        start=start,
        stops=[stop for _, _, stop in found],
        toml=written(scenario, _STRATEGY, _FIELD),
    )


def _stops(
    replaying: Replaying, scenario: BoundScenario, values: Sequence[Decimal]
) -> list[tuple[Decimal, Scenario, WhatIfStop]] | None:
    """The scenario at each utilisation; None where it has nothing to serve."""
    result = replaying.run([_at(scenario, value) for value in values])
    if not all(found.flat_charges for found in result.scenarios):
        return None
    cost = result.baseline.cost_usd
    return [(value, found, _stop(value, found, cost)) for value, found in zip(values, result.scenarios, strict=True)]


def _at(scenario: BoundScenario, value: Decimal) -> BoundScenario:
    """The scenario under its own name, by which shares are drawn; results keep the order."""

    def changed(step: BoundStep) -> BoundStep:
        if step.name != _STRATEGY:
            return step
        return replace(step, params=step.params.model_copy(update={_FIELD: value}))

    return replace(scenario, steps=tuple(changed(step) for step in scenario.steps))


def _stop(value: Decimal, found: Scenario, cost: Decimal) -> WhatIfStop:
    paid = add(charge.cost_usd or ZERO for charge in found.flat_charges)
    after = EXACT.subtract(found.comparable_baseline_usd, found.saving_usd)
    fixed = EXACT.subtract(cost, found.comparable_baseline_usd)
    return WhatIfStop(utilisation=value, calls_usd=EXACT.subtract(after, paid), fleet_usd=paid, fixed_usd=fixed)
