"""The replays of a fleet that differ in volume and in the fleet's own numbers alone, out of one look at the log.

A break-even replays a log some forty times. Where own GPUs are the only step, what the log asks of them does not change with
what a GPU costs, how many there are or how much traffic there is: the rows, their work and what the API takes for each are
looked up once, the plan is made for each replay by the strategy's own code, and windows are filled as
:func:`llmcost.workload.capacity.within` fills them, in whole numbers. It is no estimate: the log's own volume and the largest one
are replayed in full beside it, and unless every amount is the same to the last digit, so is everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llmcost.hosting.throughput import Work
from llmcost.money import EXACT, ZERO
from llmcost.results.breakeven.plays import Play, cost_before, flat_cost
from llmcost.results.model import FlatChargeLine, Result, Scenario, Step
from llmcost.results.scenario import BoundScenario, BoundStep
from llmcost.workload.branching import add, part
from llmcost.workload.capacity import PARTS
from llmcost.workload.contract import USD_BASE, Stage
from llmcost.workload.fleetparams import SelfHostParams
from llmcost.workload.fleets import Plan
from llmcost.workload.fleettold import percent

VARIED: Final = frozenset({"usd_per_gpu_hour", "utilisation", "cold_start", "staff_usd_per_month", "replicas", "mode"})
"""Parameters that change the plan and nothing about the rows. Any other one is replayed."""
_LARGEST: Final = Decimal(1000)
_ROOM: Final = 2**62
"""Sums of work beyond this would not fit the engine's integers: such a volume is replayed."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Asked:
    """The requests that ask for the fleet, in the order in which a window serves them: window, own work, output tokens, calls
    and what the API takes for each, as two integers at ``places`` (zero where nothing has a price).
    """

    window: Ints
    units: Ints
    calls: Ints
    high: Ints
    low: Ints
    places: int
    work: Mapping[int, Work]
    firsts: Mapping[int, int]
    stage: Stage


Look = Callable[[BoundStep], Asked | None]
"""What the log asks of a fleet; None where one look does not tell (a draw, buckets, several branches)."""


@dataclass
class Quick:
    """Plays scenarios: those of the fleet ``step`` out of one look, all others by ``play``."""

    play: Play
    look: Look
    step: BoundStep
    own: Scenario | None = None
    asked: Asked | None = None
    last: Result | None = None

    def __call__(self, scenarios: Sequence[BoundScenario]) -> Result:
        """The result of all, in their order."""
        first = self._proved(scenarios) if self.last is None else {}
        quick = {scenario.name: scenario for scenario in scenarios if self.asked and self._is_quick(scenario)}
        found = {**first, **self._played([s for s in scenarios if s.name not in {*first, *quick}])}
        for name, scenario in quick.items():
            if name not in found:
                made = self._made(scenario)
                found |= {name: made} if made is not None else self._played([scenario])
        if self.last is None:
            self._played([])
        if self.last is None:
            raise AssertionError("nothing was played")
        return self.last.model_copy(update={"scenarios": [found[scenario.name] for scenario in scenarios]})

    def _played(self, scenarios: Sequence[BoundScenario]) -> dict[str, Scenario]:
        if not scenarios and self.last is not None:
            return {}
        self.last = self.play(scenarios)
        return {scenario.name: scenario for scenario in self.last.scenarios}

    def _proved(self, scenarios: Sequence[BoundScenario]) -> dict[str, Scenario]:
        """The log's own volume and the largest one, replayed; only where one look gives the same of both it is trusted."""
        volumes = {factor: s for s in scenarios if (factor := _volume(s, self.step)) is not None}
        if Decimal(1) not in volumes or max(volumes) > _LARGEST:
            return {}
        ends = [volumes[Decimal(1)], volumes[max(volumes)]]
        played = self._played(ends)
        self.own, self.asked = played[ends[0].name], self.look(self.step)
        same = self.asked is not None and all(_alike(self._made(end), played[end.name]) for end in ends)
        if not same:
            self.asked = None
        return played

    def _is_quick(self, scenario: BoundScenario) -> bool:
        return _volume(scenario, self.step) is not None

    def _made(self, scenario: BoundScenario) -> Scenario | None:
        """The scenario without a replay; None where it needs one."""
        factor, asked, own = _volume(scenario, self.step), self.asked, self.own
        if factor is None or asked is None or own is None or factor > _LARGEST:
            return None
        params: Any = scenario.steps[-1].params
        return _Fleet(params, factor, asked, own).scenario(scenario.name)


def _volume(scenario: BoundScenario, step: BoundStep) -> Decimal | None:
    """The factor on the log's volume, where the scenario is the fleet at it with some of :data:`VARIED` changed."""
    *before, last = scenario.steps
    if last.name != step.name or len(before) > 1:
        return None
    fixed = [
        {name: value for name, value in each.params.model_dump().items() if name not in VARIED} for each in (last, step)
    ]
    if fixed[0] != fixed[1]:
        return None
    if not before:
        return Decimal(1)
    given = before[0].params.model_dump(exclude_unset=True)
    return given["growth"] if before[0].name == "reprice" and set(given) == {"growth"} else None


def _alike(made: Scenario | None, played: Scenario) -> bool:
    """Whether all that a break-even reads of a scenario is the same."""
    return made is not None and _read(made) == _read(played)


def _read(found: Scenario) -> tuple[Any, ...]:
    step = found.steps[-1]
    shown = {name: step.facts.get(name) for name in ("share served", "use of the GPUs")}
    return cost_before(found), found.comparable_baseline_usd, step.saving_usd, step.measures, found.flat_charges, shown


@dataclass
class _Fleet:
    """One replay: the plan at a volume, and the windows filled."""

    params: SelfHostParams
    factor: Decimal
    asked: Asked
    own: Scenario

    @cached_property
    def plan(self) -> Plan:
        """As the strategy makes it."""
        times = float(self.factor)
        work = {
            window: Work(
                each.requests * times, each.input_tokens * times, each.cached_tokens * times, each.output_tokens * times,
                each.context * times, each.positions * times,
            )
            for window, each in self.asked.work.items()
        } if self.factor != 1 else dict(self.asked.work)  # fmt: skip
        return Plan(self.params, self.asked.stage, work, self.asked.firsts)

    def scenario(self, name: str) -> Scenario | None:
        """The replay's result; None where GPUs start too late or integers do not hold it."""
        if self.plan.cold:
            return None
        whole = self.factor > 1 and self.plan.fleet.served_share < 1
        parts = [EXACT.multiply(self.factor, size) for size in PARTS] if whole else [self.factor]
        charges = list(self.plan.charges())
        if any(each.unit_usd is None for each in charges) or float(self.asked.units.sum()) * float(self.factor) > _ROOM:
            return None
        served = self._served(parts)
        saved = self._worth(served)
        calls = [EXACT.multiply(Decimal(int(self.asked.calls[held].sum())), size) for held, size in served]
        everyone = EXACT.multiply(Decimal(int(self.asked.calls.sum())), self.factor)
        flat = [
            FlatChargeLine(
                sku=each.sku, quantity=each.quantity, unit=each.unit,
                cost_usd=EXACT.multiply(each.unit_usd or ZERO, each.quantity), model=each.model, note=each.note,
            )
            for each in charges
        ]  # fmt: skip
        base = self.own.model_copy(update={"flat_charges": flat})
        step = self.own.steps[-1].model_copy(
            update={
                "saving_usd": EXACT.subtract(saved, flat_cost(base)),
                "measures": self.plan.measures(),
                "facts": {
                    "share served": part(add(calls), everyone),
                    "use of the GPUs": percent(self.plan.fleet.used),
                },
            }
        )
        return base.model_copy(update={"name": name, "steps": [*self._grown(step), step]})

    def _grown(self, step: Step) -> list[Step]:
        """The step before it that makes the volume."""
        if self.factor == 1:
            return []
        more = EXACT.multiply(self.own.comparable_baseline_usd, EXACT.subtract(Decimal(1), self.factor))
        return [step.model_copy(update={"strategy": "reprice", "saving_usd": more})]

    def _served(self, parts: Sequence[Decimal]) -> list[tuple[NDArray[np.bool_], Decimal]]:
        """Which requests each part of the traffic serves: windows filled in order, the parts of a request one after another."""
        ratios = [size.as_integer_ratio() for size in parts]
        units = np.stack([_scaled(self.asked.units, *ratio) for ratio in ratios], axis=1)
        starts = np.flatnonzero(np.r_[True, np.diff(self.asked.window) != 0])
        sums = np.add.reduceat(units.sum(axis=1), starts)
        windows = self.asked.window[starts]
        table = self.plan.room({int(w): int(u) for w, u in zip(windows, sums, strict=True)}).to_pydict()
        room = dict(zip(table["window"], table["room"], strict=True))
        each = np.repeat(np.array([room.get(int(w), 0) for w in windows]), np.diff(np.r_[starts, len(units)]))
        fits = units <= each[:, None]
        filled = np.cumsum(np.where(fits, units, 0).ravel()).reshape(units.shape)
        before = np.repeat(np.r_[0, filled[starts[1:] - 1, -1]], np.diff(np.r_[starts, len(units)]))
        held = fits & (filled - before[:, None] <= each[:, None])
        return [(held[:, place], size) for place, size in enumerate(parts)]

    def _worth(self, served: Sequence[tuple[NDArray[np.bool_], Decimal]]) -> Decimal:
        """What the API would have taken for what is served."""
        total = ZERO
        for held, size in served:
            whole = sum(map(int, self.asked.high[held])) * USD_BASE + sum(map(int, self.asked.low[held]))
            total = EXACT.add(total, EXACT.multiply(Decimal(whole).scaleb(-self.asked.places), size))
        return total


def _scaled(units: Ints, above: int, below: int) -> Ints:
    """``units x above // below`` as the engine does it."""
    if int(units.max(initial=0)) * above > _ROOM:
        return np.array([int(each) * above // below for each in units], dtype=np.int64)
    return units * above // below
