"""Replays a log under scenarios: baseline and every step priced over the same rows, exactly.

Savings and the waterfall are taken over the rows that are priced before and after every step; the rest is reported as
not comparable. The sum of the steps' savings is the scenario's saving, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir

from llmcost import __version__
from llmcost.money import EXACT, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.cuts import Cuts
from llmcost.pricing.grid import SUMMED, charged
from llmcost.pricing.resolve import Unpriced
from llmcost.results import coverage as covering
from llmcost.results.audit import Audit
from llmcost.results.logrows import CORE, LOGGED, NAMES
from llmcost.results.model import Overlap, Period, PricesUsed, Result, Scenario, Totals
from llmcost.results.months import months_of
from llmcost.results.options import ReplayOptions
from llmcost.results.period import period_of
from llmcost.results.priced import Priced
from llmcost.results.ranges import Amounts, assumed, range_of
from llmcost.results.rowcosts import row_costs
from llmcost.results.scenario import BoundScenario, BoundStep, bind, placed
from llmcost.results.selection import Selection, instant_of, noon, reads_of
from llmcost.results.stage import SceneStage, fresh_step
from llmcost.results.totals import totals
from llmcost.results.waterfall import Chain, Link, same_start, same_steps, scenario_of
from llmcost.usage.store import Store
from llmcost.workload.contract import WORK, Costs, RowCosts, Workload

if TYPE_CHECKING:
    from llmcost.workload.budgetplay import Played
    from llmcost.workload.budgets import Budgets


def replay(store: Store, catalogue: Catalogue, scenarios: Sequence[BoundScenario], options: ReplayOptions) -> Result:
    """The result of replaying the store's rows under ``scenarios``.

    Raises UsageError for unknown columns, models or conditions, and when nothing is selected.
    """
    replaying = Replaying(store, catalogue, options)
    try:
        return replaying.run(scenarios)
    finally:
        replaying.engine.close()


@dataclass(frozen=True)
class States:
    """The workload before and after a scenario; ``priced`` prices any part of either by the columns it is given, ``row_costs``
    row by row.
    """

    before: Workload
    after: Workload
    priced: Callable[[Workload, tuple[str, ...]], Priced]
    row_costs: Callable[[Workload], RowCosts]


class Replaying(Selection):
    """A replay of the selected rows, and other questions to them."""

    def run(self, scenarios: Sequence[BoundScenario]) -> Result:
        self.engine.sharing = sum(len(assumed(scenario)) for scenario in scenarios) > 0
        needed = self._columns(scenarios)
        base = Workload(self.engine.view(self._base(needed)))
        period = period_of(self.engine, base, self.options)
        if period.start is not None and period.end is not None:
            self.engine.span = (instant_of(period.start), instant_of(period.end))
        # All steps first: they name the models whose prices decide how rows are grouped.
        links = [self._links(scenario, base) for scenario in scenarios]
        cuts = self._cuts(links)
        baseline = self._priced(base, cuts, self.options.baseline_on)
        chains = [
            self._chain(chain, scenario, baseline, cuts) for chain, scenario in zip(links, scenarios, strict=True)
        ]
        own = totals(baseline, period.days, self.options)
        done = [
            self._ranged(scenario_of(chain, scenario, period.days, self.options), chain, scenario, (own, period))
            for chain, scenario in zip(chains, scenarios, strict=True)
        ]
        self.engine.sharing = False
        audit = self._audit(cuts)
        overlaps = audit.overlaps()
        summary = covering.coverage(self.store, baseline, self.options)
        return Result(
            generated_with=f"llmcost {__version__}",
            title=self.options.title,
            sources=list(self.options.sources),
            period=period,
            prices=PricesUsed(
                catalogue_sha256=self.catalogue.sha256,
                on=self.options.prices_on,
                overlay=", ".join(path.name for path in self.catalogue.overlays) or None,
            ),
            coverage=summary.model_copy(update={"repeated": audit.repeated(), "overlaps": overlaps}),
            problems=audit.with_money(covering.problems(self.store, self.options), baseline),
            baseline=own,
            scenarios=done,
            warnings=[
                *self._rebased(),
                *covering.warnings(self.store, baseline, self.options),
                *covering.overlap_warnings(overlaps),
            ],
        )

    def _ranged(self, found: Scenario, chain: Chain, scenario: BoundScenario, base: tuple[Totals, Period]) -> Scenario:
        """The scenario with how far it may be off: by its other assumptions, replayed, or where it has none by its days."""

        def play(variant: BoundScenario) -> Amounts:
            links = self._links(variant, chain.baseline.workload, chain.links)
            other = self._chain(links, variant, chain.baseline, self._cuts([links]), same_start(chain, links))
            return Amounts(other.full[-1].cost, other.saved)

        own, period = base
        spread = range_of(found, scenario, play, period.days, self.options)
        months = months_of(found, chain, own, period, self.options)
        return found if spread is None and months is None else found.model_copy(
            update={"range": spread, "month_range": months}
        )  # fmt: skip

    def _audit(self, cuts: Cuts) -> Audit:
        def price(rows: ir.Table, by: tuple[str, ...]) -> Priced:
            return self._labelled(rows, by, cuts)

        return Audit(self.store, self.options, self._columns([]), self.covered, price)

    def _rebased(self) -> list[str]:
        day = self.options.baseline_on
        return [] if day is None else [f"the log itself is priced at the rates of {day}, not of each request's own day"]

    def _labelled(self, rows: ir.Table, by: tuple[str, ...], cuts: Cuts) -> Priced:
        """Selected rows that are in no total, priced by the columns ``by``."""
        return self._priced(Workload(self.engine.view(self._chosen(rows))), cuts, None, by)

    def by_slot(self, slot: Callable[[ir.IntegerValue], ir.IntegerValue]) -> tuple[Priced, Period]:
        """The baseline with ``slot`` of each row's time in place of its day, and its period."""
        base = Workload(self.engine.view(self._base(self._columns([]))))
        period = period_of(self.engine, base, self.options)
        return Priced(self.engine, self._pricer(), self._cuts([]), base, (), slot, self.options.now), period

    def rows(self, columns: Sequence[str]) -> ir.Table:
        """The selected rows with ``columns`` beside those that every workload has."""
        rows = self._base(sorted({*self._columns([]), *columns}))
        return self.engine.view(rows.filter(rows.selected))

    def priced(self, rows: ir.Table, by: tuple[str, ...]) -> Priced:
        """Any rows of the shape of :meth:`rows`, moved to other models or not, priced by the columns ``by``."""
        return self._priced(Workload(self.engine.view(rows)), self._cuts([]), None, by)

    def overlapping(self) -> list[Overlap]:
        """The rows that describe traffic which other rows stand for, and those that only look so, with their amounts."""
        return self._audit(self._cuts([])).overlaps()

    def charged(self, columns: Sequence[str]) -> tuple[ir.Table, Priced]:
        """The baseline's rows one by one, with the keys of the group that each is priced in, and the priced groups."""
        base = Workload(self.engine.view(self._base(sorted({*self._columns([]), *columns}))))
        priced = self._priced(base, self._cuts([]), None, ())
        return self.engine.view(charged(base.rows.filter(base.rows.selected), priced.grid)), priced

    def states(self, scenario: BoundScenario | None, *, weighs: bool = False) -> States:
        """The rows as the log has them and behind a scenario's last step, for questions that a result does not answer.

        ``weighs`` splits every row by its shares instead of drawing (:attr:`llmcost.workload.contract.Stage.weighs`).
        """
        base = Workload(self.engine.view(self._base(self._columns([scenario] if scenario else []))))
        links = self._links(scenario, base, weighs=weighs) if scenario else []
        cuts, day = self._cuts([links]), scenario.prices_on if scenario else None

        def priced(workload: Workload, by: tuple[str, ...]) -> Priced:
            return self._priced(workload, cuts, day, by)

        after = links[-1].rewritten.workload if links else base
        return States(base, after, priced, self._row_costs_of(links))

    def played(self, scenario: BoundScenario, budgets: Budgets) -> tuple[Played, tuple[str, ...]]:
        """Every window of ``budgets`` over the log, and what the budget step of ``scenario`` warns of."""
        from llmcost.workload.budgetplay import play

        base = Workload(self.engine.view(self._base(self._columns([scenario]))))
        stage = SceneStage(
            self.engine, scenario.name, 0, self.options.seed, self.present, price_rows=self._row_costs_of(())
        )
        step = scenario.steps[0]
        return play(base, budgets, stage), step.strategy.rewrite(base, step.params, stage).warnings

    def _slim(self, workload: Workload, coming: Sequence[BoundStep]) -> Workload:
        """The workload with the columns that the coming steps and the prices need: wide queries take long to compile."""
        needed = {*CORE, *WORK, *self.options.dimensions, *SUMMED}
        for step in coming:
            needed |= reads_of(step)
        kept = [name for name in workload.rows.columns if name in needed]
        return (
            workload if len(kept) == len(workload.rows.columns) else replace(workload, rows=workload.rows.select(kept))
        )

    def _chain(
        self,
        links: Sequence[Link],
        scenario: BoundScenario,
        baseline: Priced,
        cuts: Cuts,
        known: Sequence[Priced] = (),
    ) -> Chain:
        def price(workload: Workload, *, final: bool = False) -> Priced:
            # Only the last state is shown by day and dimension. Few rows are summed alike: compiling takes longer then.
            by_day = final or self.engine.small
            return self._priced(workload, cuts, self._day_of(scenario), None if by_day else (), by_day=by_day)

        return Chain(self.engine, links, baseline, price, known)

    def _day_of(self, scenario: BoundScenario) -> date | None:
        """The one day at whose rates a scenario is priced; None: each request's own day."""
        return scenario.prices_on or self.options.baseline_on

    def _costs_of(self, links: Sequence[Link], scenario: BoundScenario) -> Callable[[Workload, str], Costs]:
        """What a step that comes behind ``links`` may ask: costs by a column of its own making."""

        def costs(workload: Workload, column: str) -> Costs:
            named, cuts = self._named(workload), self._cuts([links])
            priced = self._priced(named, cuts, self._day_of(scenario), (column,))
            usd: dict[Any, Decimal] = {}
            unpriced: dict[Any, Decimal] = {}
            for group in priced.groups([f"d_{column}"]):
                value = group.dimensions[0]
                usd[value] = EXACT.add(usd.get(value, ZERO), group.cost)
                if isinstance(group.charge, Unpriced):
                    unpriced[value] = EXACT.add(unpriced.get(value, ZERO), group.requests)
            return Costs(usd, unpriced)

        return costs

    def _row_costs_of(self, links: Sequence[Link]) -> Callable[[Workload], RowCosts]:
        """What a step that comes behind ``links`` may ask: costs row by row."""

        def costs(workload: Workload) -> RowCosts:
            return row_costs(self.engine, self._pricer(), self._cuts([links], self._whole_span()), workload)

        return costs

    def _kept(self, workload: Workload, coming: Sequence[BoundStep]) -> Workload:
        """The rows in a table, without what the log has anyhow and names that no coming step asks for."""
        asked = frozenset[str]().union(*(reads_of(step) for step in coming))
        left = {*LOGGED, *(NAMES - asked)}
        rows = workload.rows.select([name for name in workload.rows.columns if name not in left])
        return replace(workload, rows=self.engine.materialise(rows))

    def _named(self, workload: Workload) -> Workload:
        return replace(workload, rows=self.engine.view(workload.rows))

    def _links(
        self, scenario: BoundScenario, base: Workload, known: Sequence[Link] = (), *, weighs: bool = False
    ) -> list[Link]:
        """Every step with its workloads; the first ones of ``known``, a scenario of the same name, are taken from there."""
        steps = list(scenario.steps)
        # Where the log itself is priced at that day there is no drift to take out.
        if scenario.prices_on not in {None, self.options.baseline_on}:
            moved = bind("price-day", {"on": str(scenario.prices_on)}, f"scenario {scenario.name!r}")
            steps.insert(0, moved)
        links = same_steps(known, steps)
        workload = links[-1].rewritten.workload if links else base
        day = self._day_of(scenario)
        for place, step in list(enumerate(steps))[len(links) :]:
            stage = SceneStage(
                self.engine, scenario.name, place, self.options.seed, self.present, restricted=self.files is not None,
                price=self._costs_of(tuple(links), scenario), priced_on=None if day is None else noon(day),
                price_rows=self._row_costs_of(tuple(links)), weighs=weighs,
            )  # fmt: skip
            before = fresh_step(self._slim(workload, steps[place:]))
            made = self.engine.made
            with placed(step):
                rewritten = step.strategy.rewrite(before, step.params, stage)
            coming = steps[place + 1 :]
            after = self._slim(rewritten.workload, coming)
            # Where a step needed tables of its own, its rows are joined with them: once, not for every question that
            # the next steps ask. The last step's rows are only summed.
            keeping = coming and self.engine.made > made
            rewritten = replace(rewritten, workload=self._kept(after, coming) if keeping else self._named(after))
            links.append(Link(step, before, rewritten))
            workload = rewritten.workload
        return links
