"""Replays a log under scenarios: baseline and every step priced over the same rows, exactly.

Savings and the waterfall are taken over the rows that are priced before and after every step; the rest is reported as
not comparable. The sum of the steps' savings is the scenario's saving, to the last digit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import ibis
import ibis.expr.types as ir

from llmcost import __version__
from llmcost.errors import UsageError, nearest
from llmcost.money import EXACT, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.cuts import Cuts
from llmcost.pricing.grid import SUMMED, charged
from llmcost.pricing.resolve import Unpriced
from llmcost.pricing.table import Pricer
from llmcost.results import coverage as covering
from llmcost.results.audit import Audit
from llmcost.results.model import Overlap, Period, PricesUsed, Result, Scenario, Totals
from llmcost.results.months import months_of
from llmcost.results.options import ReplayOptions
from llmcost.results.overlap import covered_rows
from llmcost.results.period import Clock, period_of
from llmcost.results.priced import Priced
from llmcost.results.ranges import Amounts, assumed, range_of
from llmcost.results.rowcosts import row_costs
from llmcost.results.scenario import BoundScenario, BoundStep, bind, placed
from llmcost.results.stage import CORE, LOGGED, NAMES, Engine, Holdings, SceneStage, base_rows, fresh_step
from llmcost.results.totals import totals
from llmcost.results.waterfall import Chain, Link, same_start, same_steps, scenario_of
from llmcost.usage.columns import BY_NAME
from llmcost.usage.store import Store
from llmcost.workload.contract import WORK, Costs, RowCosts, Workload
from llmcost.workload.select import columns_of, condition

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


class Replaying:
    """A store made ready for a replay: models resolved, overlaps found, rows selected."""

    def __init__(self, store: Store, catalogue: Catalogue, options: ReplayOptions) -> None:
        self.store, self.catalogue, self.options = store, catalogue, options
        self.engine = Engine(store, catalogue, options.now)
        for name in options.dimensions:
            if name not in BY_NAME:
                raise UsageError(f"there is no dimension {name!r} (--by)", hint=nearest(name, BY_NAME))
        self.held = Holdings.of(store)
        self.present = self.held.known
        self.engine.small = self.held.rows <= _FEW
        self.files = self._files()
        self.log_span = self._span()
        self.clock = Clock(options.timezone, self.log_span)
        self._load_models(self.log_span)
        self.covered = covered_rows(store, options.primary, self.files, self.engine.names, catalogue)

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
        overlaps = self.overlaps(audit)
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
        return Audit(self.store, self.options, self._columns([]), lambda rows, by: self._labelled(rows, by, cuts))

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

    def _pricer(self) -> Pricer:
        return Pricer(self.catalogue, self.engine.models, self.options.now, self.present | _MADE)

    def rows(self, columns: Sequence[str]) -> ir.Table:
        """The selected rows with ``columns`` beside those that every workload has."""
        rows = self.engine.view(self._base(sorted({*self._columns([]), *columns})))
        return self.engine.view(rows.filter(rows.selected))

    def priced(self, rows: ir.Table, by: tuple[str, ...]) -> Priced:
        """Any rows of the shape of :meth:`rows`, moved to other models or not, priced by the columns ``by``."""
        return self._priced(Workload(self.engine.view(rows)), self._cuts([]), None, by)

    def overlapping(self) -> list[Overlap]:
        """:meth:`overlaps` of a baseline without scenarios."""
        return self.overlaps(self._audit(self._cuts([])))

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

    def _files(self) -> ir.Table | None:
        """Row ids of the given files, or None for the whole store."""
        keys = self.options.file_keys
        if keys is None or not self.store.value(
            f"SELECT count(*) FROM files WHERE file_key NOT IN ({', '.join(map(str, keys)) or 'NULL'})"
        ):
            return None
        listed = ", ".join(str(int(key)) for key in keys) or "NULL"
        self.store.execute(
            "CREATE OR REPLACE TEMP TABLE llmcost_files AS SELECT row_id FROM usage WHERE file_key IN "
            f"({listed}) OR identity IN (SELECT identity FROM membership WHERE file_key IN ({listed}))"
        )
        return ibis.table({"row_id": "int64"}, name="llmcost_files")

    def _columns(self, scenarios: Sequence[BoundScenario]) -> list[str]:
        named = {*self.options.dimensions, *(self.present & {*SUMMED, "billed_cost"})}
        if self.options.where:
            named |= columns_of(self.options.where)
        for scenario in scenarios:
            for step in scenario.steps:
                named |= _reads(step)
        return sorted(named)

    def _slim(self, workload: Workload, coming: Sequence[BoundStep]) -> Workload:
        """The workload with the columns that the coming steps and the prices need: wide queries take long to compile."""
        needed = {*CORE, *WORK, *self.options.dimensions, *SUMMED}
        for step in coming:
            needed |= _reads(step)
        kept = [name for name in workload.rows.columns if name in needed]
        return (
            workload if len(kept) == len(workload.rows.columns) else replace(workload, rows=workload.rows.select(kept))
        )

    def _base(self, columns: Sequence[str]) -> ir.Table:
        left_out, rest = (self.covered.left_out, self.covered.rest) if self.covered else (None, None)
        return self._chosen(base_rows(columns, self.options.now, self.files, left_out, held=self.held, rest=rest))

    def overlaps(self, audit: Audit) -> list[Overlap]:
        """The rows that describe traffic which other rows stand for, and those that only look so, with their amounts."""
        return [] if self.covered is None else audit.overlaps(self.covered)

    def _chosen(self, rows: ir.Table) -> ir.Table:
        """The rows with their models by day and whether they are selected."""
        rows = self._moving_names(rows)
        if self.options.baseline_on is not None:
            rows = rows.mutate(priced_at=ibis.literal(_noon(self.options.baseline_on), type="int64"))
        chosen: ir.BooleanValue | None = None
        options = self.options
        for part in (
            rows.started_at >= options.since if options.since is not None else None,
            rows.started_at < options.until if options.until is not None else None,
            condition(options.where, rows) if options.where else None,
        ):
            if part is not None:
                chosen = part if chosen is None else chosen & part
        return rows if chosen is None else rows.mutate(selected=chosen.fill_null(False))

    def _moving_names(self, rows: ir.Table) -> ir.Table:
        """Rows whose model name meant another model for part of the span get the one of their day."""
        span = self.log_span
        if span is None:
            return rows
        branches: list[tuple[ir.BooleanValue, Any]] = []
        for number, (provider, name, _) in list(enumerate(self.engine.names)):
            for place, instant in enumerate(self.catalogue.alias_instants(provider, name)):
                if not span[0] < instant <= span[1]:
                    continue
                earlier = self.catalogue.resolve(provider, name, instant - 1)
                older = self.engine.model_id(provider, f"{name}\x1f{place}", earlier)
                branches.append(((rows.model == number) & (rows.priced_at < instant), older))
        if not branches:
            return rows
        model = ibis.cases(*branches, else_=rows.model)
        return rows.mutate(model=model, logged_model=model)

    def _span(self) -> tuple[int, int] | None:
        first, last = self.store.rows("SELECT min(started_at), max(started_at) FROM usage")[0]
        if first is None:
            return None
        since, until = self.options.since, self.options.until
        return max(first, since) if since is not None else first, min(last, until - 1) if until is not None else last

    def _load_models(self, span: tuple[int, int] | None) -> None:
        names = self.store.rows(
            "SELECT provider_name, coalesce(response_model, request_model) FROM usage UNION "
            "SELECT provider_name, coalesce(response_model, request_model) FROM repeated ORDER BY ALL"
        )
        self.engine.load_models(names, span[1] if span else self.options.now)

    def _whole_span(self) -> tuple[int, int] | None:
        """First and last instant of all rows, also those that are not selected: they spend of a window's budget too."""
        first, last = self.store.rows("SELECT min(started_at), max(started_at) FROM usage")[0]
        return None if first is None else (first, last)

    def _cuts(self, links: Sequence[Sequence[Link]], span: tuple[int, int] | None = None) -> Cuts:
        """Where any price of a model met so far changes, inside the log's time, today and the days that steps name.

        ``span`` widens the log's time to rows that are not selected.
        """
        cuts = self.catalogue.cuts(model for model in self.engine.models if model is not None)
        instants = [self.options.now, *(at for chain in links for link in chain for at in link.rewritten.instants)]
        instants += [at for each in (self.log_span, span) if each is not None for at in each]
        if self.options.baseline_on is not None:
            instants.append(_noon(self.options.baseline_on))
        return cuts.restrict(min(instants), max(instants) + 1)

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
            pricer = Pricer(self.catalogue, self.engine.models, self.options.now, self.present | _MADE)
            return row_costs(self.engine, pricer, self._cuts([links], self._whole_span()), workload)

        return costs

    def _priced(
        self, workload: Workload, cuts: Cuts, prices_on: date | None, dimensions: tuple[str, ...] | None = None,
        *, by_day: bool = True,
    ) -> Priced:  # fmt: skip
        pricer = self._pricer()
        flat_at = self.engine.span[1] - 1 if self.engine.span else self.options.now
        if prices_on is not None:
            flat_at = _noon(prices_on)
        by = self.options.dimensions if dimensions is None else dimensions
        return Priced(self.engine, pricer, cuts, workload, by, self.clock.day_index if by_day else None, flat_at)

    def _kept(self, workload: Workload, coming: Sequence[BoundStep]) -> Workload:
        """The rows in a table, without what the log has anyhow and names that no coming step asks for."""
        asked = frozenset[str]().union(*(_reads(step) for step in coming))
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
                price=self._costs_of(tuple(links), scenario), priced_on=None if day is None else _noon(day),
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


_FEW: Final = 20_000
"""Rows of a small log."""
_MADE: Final = frozenset({"cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens"})
"""Counters that a strategy may make where the log has none."""


def _reads(step: BoundStep) -> frozenset[str]:
    """Usage columns that a step needs."""
    with placed(step):
        return step.strategy.reads.union(*(columns_of(text) for text in step.strategy.conditions(step.params)))


def _noon(day: date) -> int:
    """The instant of a day whose rates stand for it."""
    return instant_of(datetime.combine(day, time(12)))


def instant_of(moment: datetime) -> int:
    """Microseconds since 1970 of a moment; without zone it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1_000_000 + aware.microsecond
