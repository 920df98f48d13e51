"""One scenario as a chain of priced workloads: steps whose savings sum exactly, over the rows that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, reduce
from itertools import takewhile
from typing import Final, Protocol

import ibis.expr.types as ir

from llmcost.money import EXACT, ZERO, usd
from llmcost.pricing.grid import PRICE_KEYS, keyed
from llmcost.pricing.resolve import Unpriced
from llmcost.results.model import (
    Assumption,
    Evidence,
    Exhibit,
    FlatChargeLine,
    NotComparable,
    Scenario,
    Step,
)
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import Priced, PricedFlat, add, whole
from llmcost.results.scenario import BoundScenario, BoundStep
from llmcost.results.stage import Engine
from llmcost.results.totals import monthly, totals
from llmcost.workload.contract import ASSUMED, MEASURED, MODELLED, Rewritten, Workload

_KINDS: Final = {MEASURED: "measured_usd", MODELLED: "modelled_usd", ASSUMED: "assumed_usd"}


@dataclass(frozen=True)
class Link:
    """A step, the workload it was given and what it made of it."""

    step: BoundStep
    before: Workload
    rewritten: Rewritten


class Pricing(Protocol):
    """Prices a state; a ``final`` one, which is shown, by day and dimension too."""

    def __call__(self, workload: Workload, *, final: bool = False) -> Priced: ...


@dataclass
class Chain:
    """The priced states of a scenario: the baseline and one after every step."""

    engine: Engine
    links: Sequence[Link]
    baseline: Priced
    price: Pricing
    known: Sequence[Priced] = ()
    """States after the first steps that are priced already."""

    @cached_property
    def full(self) -> list[Priced]:
        """Every state over all selected rows."""
        last = len(self.links)
        states = [(n, link.rewritten.workload) for n, link in enumerate(self.links, 1)]
        left = states[len(self.known) :]
        return [self.baseline, *self.known, *(self.price(state, final=n == last) for n, state in left)]

    @cached_property
    def excluded(self) -> ir.Table | None:
        """Rows without a price in some state although they have one in another; None when the unpriced rows of
        all states are the same untouched ones.
        """
        states = self.full
        if not any(state.unpriced for state in states):
            return None
        counts = {add(group.rows for group in state.unpriced) for state in states}
        untouched = all(not group.changed for state in states[1:] for group in state.unpriced)
        if len(counts) == 1 and untouched:
            return None
        found = [unpriced_rows(state) for state in states if state.unpriced]
        return self.engine.materialise(reduce(lambda a, b: a.union(b), found).distinct())

    @cached_property
    def compared(self) -> list[Priced]:
        """Every state over the comparable rows only."""
        excluded = self.excluded
        if excluded is None:
            return self.full
        ends = {0, len(self.links)}
        return [
            self.price(without(state.workload, excluded), final=place in ends) for place, state in enumerate(self.full)
        ]

    @property
    def saved(self) -> Decimal:
        """What all steps save together."""
        return EXACT.subtract(self.compared[0].cost, self.compared[-1].cost)

    def saving(self, place: int) -> Decimal:
        """What step ``place`` saves, net of everything it adds."""
        return EXACT.subtract(self.compared[place].cost, self.compared[place + 1].cost)

    def evidence(self, place: int) -> Evidence:
        """How the step's saving is known; the parts sum to it."""
        link, saving = self.links[place], self.saving(place)
        kind = link.rewritten.evidence
        parts = self._flat_parts(place)
        if isinstance(kind, int):
            parts[kind] = EXACT.add(parts[kind], EXACT.subtract(saving, add(parts.values())))
            return Evidence(**{name: parts[number] for number, name in _KINDS.items()})
        incoming = replace(link.before, rows=link.before.rows.mutate(evidence=kind))
        if self.excluded is not None:
            incoming = without(incoming, self.excluded)
        split_before = self.price(incoming).cost_by("evidence_now")
        split_after = self.compared[place + 1].cost_by("evidence_now")
        for number in _KINDS:
            change = EXACT.subtract(split_before.get(number, ZERO), split_after.get(number, ZERO))
            parts[number] = EXACT.add(parts[number], change)
        # Rows without evidence did not change: what is left, if anything, is a model's.
        parts[MODELLED] = EXACT.add(parts[MODELLED], EXACT.subtract(saving, add(parts.values())))
        return Evidence(**{name: parts[number] for number, name in _KINDS.items()})

    def _flat_parts(self, place: int) -> dict[int, Decimal]:
        """What the step's flat charges save (mostly a cost, so below zero), by how they are known."""
        parts = dict.fromkeys(_KINDS, ZERO)
        for state, sign in ((self.compared[place], 1), (self.compared[place + 1], -1)):
            for flat in state.flat:
                cost = EXACT.multiply(flat.cost or ZERO, Decimal(sign))
                parts[flat.charge.evidence] = EXACT.add(parts[flat.charge.evidence], cost)
        return parts

    def cost_added(self, place: int) -> Decimal:
        """What the step itself costs: calls it adds, cache writes above the plain rate, flat charges."""
        before, after = self.compared[place], self.compared[place + 1]
        parts = (
            EXACT.subtract(after.write_premium, before.write_premium),
            EXACT.subtract(after.added_calls_cost, before.added_calls_cost),
            EXACT.subtract(after.flat_cost, before.flat_cost),
        )
        return add(part for part in parts if part > 0)


def same_steps(known: Sequence[Link], steps: Sequence[BoundStep]) -> list[Link]:
    """The first links whose steps ``steps`` begins with too; both are of scenarios of one name."""
    pairs = zip(known, steps, strict=False)
    same = takewhile(lambda pair: (pair[0].step.name, pair[0].step.params) == (pair[1].name, pair[1].params), pairs)
    return [link for link, _ in same]


def same_start(chain: Chain, links: Sequence[Link]) -> list[Priced]:
    """The states of ``chain`` after the steps that other links begin with too."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], zip(chain.links, links, strict=False)))
    return chain.full[1 : shared + 1]


def unpriced_rows(state: Priced) -> ir.Table:
    """Ids of the rows without a price."""
    wide = keyed(state.workload.rows.filter(state.workload.rows.selected), state.grid)
    keys = sorted({group.key for group in state.unpriced}, key=str)
    conditions = [
        reduce(lambda a, b: a & b, (wide[n].identical_to(v) for n, v in zip(PRICE_KEYS, key, strict=True)))
        for key in keys
    ]
    return wide.filter(reduce(lambda a, b: a | b, conditions)).select("row_id")


def without(workload: Workload, excluded: ir.Table) -> Workload:
    """The workload without the rows whose ids are ``excluded``."""
    return replace(workload, rows=workload.rows.anti_join(excluded, "row_id"))


def scenario_of(chain: Chain, scenario: BoundScenario, days: Decimal | None, options: ReplayOptions) -> Scenario:
    """The scenario's part of the result."""
    final, start, saving = chain.full[-1], chain.compared[0].cost, chain.saved
    share = (saving / start).quantize(Decimal("1e-9")) if start else None
    own = totals(final, days, options)
    return Scenario(
        **own.model_dump(exclude={"lines", "breakdown", "series"}),
        lines=own.lines,
        breakdown=own.breakdown,
        series=own.series,
        name=scenario.name,
        saving_usd=saving,
        saving_share=share,
        monthly_saving_usd=monthly(saving, days, options),
        comparable_baseline_usd=start,
        not_comparable=_not_comparable(chain),
        steps=[_step(chain, place) for place in range(len(chain.links))],
        flat_charges=_flat(final),
        latency=next((dict(link.rewritten.latency) for link in reversed(chain.links) if link.rewritten.latency), None),
        prices_on=scenario.prices_on,
    )


def _not_comparable(chain: Chain) -> NotComparable:
    reasons = _reasons(chain)
    if chain.excluded is None:
        left = whole(add(group.requests for group in chain.baseline.unpriced))
        return NotComparable(requests=left, cost_usd=ZERO if left else None, reasons=reasons)
    everyone = add(group.requests for group in chain.full[0].total)
    compared = add(group.requests for group in chain.compared[0].total)
    cost = EXACT.subtract(chain.full[0].cost, chain.compared[0].cost)
    return NotComparable(requests=whole(EXACT.subtract(everyone, compared)), cost_usd=cost, reasons=reasons)


def _reasons(chain: Chain) -> dict[str, int]:
    """Why rows are left out: as they were logged, then what each step adds to that."""
    reasons: dict[str, int] = {}
    seen: dict[str, Decimal] = {}
    names = ["as logged", *(f"after {link.step.name}" for link in chain.links)]
    for name, state in zip(names, chain.full, strict=True):
        found: dict[str, Decimal] = {}
        for group in state.unpriced:
            if isinstance(group.charge, Unpriced):
                found[group.charge.reason] = EXACT.add(found.get(group.charge.reason, ZERO), group.requests)
        for reason, requests in found.items():
            new = EXACT.subtract(requests, seen.get(reason, ZERO))
            if new > 0:
                reasons[f"{reason} ({name})"] = whole(new)
                seen[reason] = requests
    return reasons


def _flat(final: Priced) -> list[FlatChargeLine]:
    return [
        FlatChargeLine(
            sku=flat.charge.sku,
            quantity=flat.charge.quantity,
            unit=flat.charge.unit,
            cost_usd=flat.cost,
            once_usd=_once(flat),
            model=flat.charge.model,
            note=flat.charge.note if flat.cost is not None else "no price known: not counted",
        )
        for flat in final.flat
    ]


def _once(flat: PricedFlat) -> Decimal | None:
    charge = flat.charge
    if charge.once is None or flat.cost is None or charge.unit_usd is None:
        return None
    return EXACT.multiply(charge.unit_usd, charge.once)


def _step(chain: Chain, place: int) -> Step:
    link = chain.links[place]
    rewritten = link.rewritten
    return Step(
        strategy=link.step.name,
        title=rewritten.title,
        saving_usd=chain.saving(place),
        cost_added_usd=chain.cost_added(place),
        requests_changed=whole(add(group.changed_requests for group in chain.compared[place + 1].total)),
        changes_answers=rewritten.changes_answers,
        evidence=chain.evidence(place),
        assumptions=[
            Assumption(name=a.name, value=a.value, unit=a.unit, source=a.source) for a in rewritten.assumptions
        ],
        warnings=[*rewritten.warnings, *_gaps(chain, place)],
        facts={
            **rewritten.facts,
            **_counted(chain.full[place + 1], rewritten),
            **_shares(chain.compared[place + 1], rewritten),
        },
        measures=dict(rewritten.measures),
        exhibits=[
            Exhibit(
                title=shown.title,
                unit=shown.unit,
                at=[datetime.fromtimestamp(at / 1e6, UTC) for at in shown.at],
                lines={name: list(values) for name, values in shown.lines.items()},
                steps=sorted(shown.steps),
                week=list(shown.week),
            )
            for shown in rewritten.exhibits
        ],
    )


def _gaps(chain: Chain, place: int) -> list[str]:
    """What the step could not see or price."""
    link, before, after = chain.links[place], chain.compared[place], chain.compared[place + 1]
    found = [
        f"no price for {flat.charge.sku} of {flat.charge.model}: not counted"
        for flat in after.flat
        if flat.cost is None
    ]
    if link.step.strategy.needs_requests and not link.rewritten.assumes_buckets:
        buckets = add(group.cost for group in before.total if group.is_bucket)
        if buckets:
            share = (buckets / before.cost * 100).quantize(Decimal("0.1")) if before.cost else Decimal(0)
            found.append(
                f"{usd(buckets)} ({share}% of the spend) is in usage buckets, which {link.step.name} cannot replay"
            )
    return found


def _counted(state: Priced, rewritten: Rewritten) -> dict[str, str]:
    number = whole(add(group.tallied for group in state.total)) if rewritten.tallied else 0
    return {rewritten.tallied: str(number)} if rewritten.tallied and number else {}


def _shares(state: Priced, rewritten: Rewritten) -> dict[str, str]:
    if not rewritten.shares:
        return {}
    judged = [group for group in state.groups(["evidence_now"]) if group.dimensions[0]]
    found: dict[str, str] = {}
    for name, (part, whole_of) in rewritten.shares.items():
        above = add(group.counts.get(part) or ZERO for group in judged)
        below = add(group.counts.get(whole_of) or ZERO for group in judged)
        if below:
            found[name] = f"{(above / below).quantize(Decimal('0.0001'))} ({whole(above)} of {whole(below)})"
    return found
