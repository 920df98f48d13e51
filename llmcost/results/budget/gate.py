"""Projects a log, as it is and after a change, to a month and holds it to a budget file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from llmcost import __version__
from llmcost.money import EXACT, ZERO, rounded
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.resolve import Unpriced
from llmcost.results.budget.ahead import ahead, days_ahead, mixed, settled_of
from llmcost.results.budget.base import Base
from llmcost.results.budget.check_model import Basis, BasisWish, Check, Finding, Traffic
from llmcost.results.budget.file import BudgetFile
from llmcost.results.budget.projection import Projection, projected
from llmcost.results.budget.resample import LEAST_DAYS, full_days, resampled
from llmcost.results.budget.rules import Rule, rules_of
from llmcost.results.budget.verdict import Measured, finding, ordered, verdict, with_range
from llmcost.results.forecast.recent import on_day
from llmcost.results.model import Range, Result, Scenario, Totals
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import PricedFlat
from llmcost.results.replay import Replaying, States
from llmcost.results.scenario import BoundScenario
from llmcost.results.stage import SceneStage
from llmcost.usage.store import Store
from llmcost.workload.branching import add, counted
from llmcost.workload.budgets import EACH, columns, matching, value_of
from llmcost.workload.contract import Workload, with_rows
from llmcost.workload.select import columns_of, condition

_PLACES: Final = Decimal("1e-12")
_SEP: Final = "\x1f"


@dataclass(frozen=True)
class CheckOptions:
    """What is proposed and compared: ``change`` None is the log as it is; ``against`` a saved check or simulation."""

    file: BudgetFile
    file_name: str = "budget.toml"
    change: BoundScenario | None = None
    against: Base | None = None
    basis: BasisWish = "auto"


@dataclass(frozen=True)
class _Side:
    """One owner on one side, over the log's period."""

    usd: Decimal = ZERO
    requests: Decimal = ZERO
    unpriced: Decimal = ZERO
    tokens: Decimal = ZERO
    successes: Decimal | None = None
    flat: Decimal = ZERO
    """What no request causes: GPU hours, commitments. It is in ``usd`` too."""


Sides = dict[tuple[str, ...], _Side]


def check(store: Store, catalogue: Catalogue, options: ReplayOptions, wanted: CheckOptions) -> Check:
    """The check of the store's rows; UsageError for what does not exist, as in a replay."""
    scenarios = [] if wanted.change is None else [wanted.change]
    base = None if wanted.against is None else wanted.against.basis
    replaying = Replaying(store, catalogue, options)
    try:
        result = replaying.run(scenarios)
        span, projection = replaying.engine.span, projected(result, options, wanted.basis, base)
        forecast = projection.basis.kind == "forecast" and projection.pace is not None
        days = days_ahead(catalogue, result, options) if forecast else []
        if days:
            replaying.engine.close()
            prices = ahead(store, catalogue, options, result, wanted.change, days)
            projection = projected(result, options, wanted.basis, base, prices)
            replaying = Replaying(store, catalogue, options)
            replaying.engine.span = span
        return _Gate(replaying, result, options, wanted, projection).check()
    finally:
        replaying.engine.close()


@dataclass
class _Gate:
    replaying: Replaying
    result: Result
    options: ReplayOptions
    wanted: CheckOptions
    projection: Projection
    _sides: dict[Any, tuple[Sides, Sides]] = field(default_factory=dict)
    _days: dict[Any, Sides] = field(default_factory=dict)

    def check(self) -> Check:
        result, wanted = self.result, self.wanted
        findings = ordered([found for rule in self._rules for found in self._findings(rule)])
        told, reason = verdict(findings)
        after = result.scenarios[0] if result.scenarios else result.baseline
        known = bool(result.coverage.priced_requests or after.cost_usd)
        month = self._month(after) if known else None
        before = self._month(result.baseline) if result.scenarios and known else None
        if wanted.against is not None:
            before = wanted.against.month_usd
        series = after.series or result.baseline.series
        full = full_days(series, result.period.start, result.period.end, self.options.timezone)
        return Check(
            generated_with=f"llmcost {__version__}",
            title=self.options.title,
            sources=list(self.options.sources),
            budget_file=wanted.file_name,
            verdict=told,
            reason=reason,
            change=[step.title for scenario in result.scenarios for step in scenario.steps],
            against=None if wanted.against is None else wanted.against.name,
            period=result.period,
            prices=result.prices,
            traffic=self._traffic(full),
            basis=self._basis(after),
            before_usd=before,
            after_usd=month,
            unpriced_requests=result.coverage.requests - result.coverage.priced_requests,
            range=self._range(after, full) if month is not None else None,
            assumed_range=self._assumed,
            currency=wanted.file.currency,
            usd_per_unit=wanted.file.usd_per_unit,
            findings=findings,
            gaps=list(_gaps(result)),
            warnings=[
                *result.warnings,
                *(w for s in result.scenarios for step in s.steps for w in step.warnings),
                *self._unmet(findings),
                *self._mixed(),
            ],
        )

    def _month(self, side: Totals) -> Decimal | None:
        """A month of the whole: as a replay says it, or as the forecast has it."""
        projection = self.projection
        if projection.basis.kind == "run-rate":
            return side.monthly_cost_usd
        flat = _flat_of(side)
        factor = projection.after if isinstance(side, Scenario) or not self.result.scenarios else projection.before
        month = projection.month(EXACT.subtract(side.cost_usd, flat), factor, flat)
        return None if month is None else month.quantize(_PLACES)

    def _basis(self, after: Totals) -> Basis:
        """The projection's basis with what dated price changes are worth on each side."""
        basis, sides = self.projection.basis, {"prices_usd": after}
        if not any(self.projection.parts):
            return basis
        if self.result.scenarios:
            sides["prices_before_usd"] = self.result.baseline
        return basis.model_copy(update={name: self._of_prices(side) for name, side in sides.items()})

    def _of_prices(self, side: Totals) -> Decimal | None:
        month, projection = self._month(side), self.projection
        flat = _flat_of(side)
        last = isinstance(side, Scenario) or not self.result.scenarios
        unchanged = projection.month(EXACT.subtract(side.cost_usd, flat), projection.traffic[last], flat)
        return None if month is None or unchanged is None else (month - unchanged).quantize(_PLACES)

    def _range(self, after: Totals, full: Sequence[Decimal]) -> Range | None:
        if self.projection.basis.kind == "run-rate":
            return resampled(full, self.options)
        flat = _flat_of(after)
        return self.projection.range(EXACT.subtract(after.cost_usd, flat), flat)

    @cached_property
    def _assumed(self) -> Range | None:
        """A month after the change, at P10, P50 and P90 of what it assumes as ranges."""
        spread = self.result.scenarios[0].range if self.result.scenarios else None
        if spread is None:
            return None
        flat, projection = _flat_of(self.result.scenarios[0]), self.projection
        low, middle, high = (
            projection.month(EXACT.subtract(cost, flat), projection.after, flat)
            for cost in (spread.p10_usd, spread.p50_usd, spread.p90_usd)
        )
        if low is None or middle is None or high is None:
            return None
        return Range(p10_usd=low, p50_usd=middle, p90_usd=high)

    def _mixed(self) -> Iterator[str]:
        base, own = self.wanted.against, self.projection.basis.kind
        if base is not None and base.basis != own:
            yield f"the amounts before are a {base.basis} and those after a {own}: part of the difference is that"

    def _unmet(self, findings: Sequence[Finding]) -> Iterator[str]:
        met = {found.limit for found in findings}
        for rule in self._rules:
            if rule.held.name not in met:
                yield f"{rule.held.name} meets no request of the log: check the names it is for"

    def _traffic(self, full: Sequence[Decimal]) -> Traffic:
        base, period = self.result.baseline, self.result.period
        projection = self.projection
        scale = None if projection.pace is None else projection.pace * projection.requests
        notes = []
        if period.days is None:
            notes.append("the log has no times")
        elif period.days < 1:
            notes.append("less than a day of log" + (", scaled all the same" if period.extrapolated else ""))
        elif len(full) < LEAST_DAYS:
            notes.append(f"only {len(full)} whole days of log: no range, and no week is seen whole")
        return Traffic(
            requests=base.requests,
            requests_a_month=None if scale is None else (base.requests * scale).quantize(Decimal(1)),
            days=period.days, full_days=len(full), note="; ".join(notes),
        )  # fmt: skip

    @cached_property
    def _rules(self) -> list[Rule]:
        return list(rules_of(self.wanted.file, self.options.month_days))

    def _findings(self, rule: Rule) -> Iterator[Finding]:
        before, after = self._measured(rule)
        base = self.wanted.against
        has_before = self.wanted.against is not None or self.wanted.change is not None
        for key in sorted({*before, *after}):
            each = [name for name, value in rule.owners.items() if value == EACH]
            owner = {**rule.owners, **dict(zip(each, key, strict=True))}
            now, why = self._value(rule, after.get(key, _Side()), self._factor(rule, key, after=True))
            then, why_then = None, ""
            if base is not None:
                then, why_then = base.measured(rule, owner)
            elif self.wanted.change is not None:
                then = self._value(rule, before.get(key, _Side()), self._factor(rule, key, after=False))[0]
            measured = Measured(
                then, now, int(after.get(key, _Side()).unpriced), why, "" if then is not None else why_then
            )
            told = finding(rule.held, owner, measured, has_before=has_before)
            told = told.model_copy(update={"per": rule.per or ""})
            whole = not rule.owners and rule.when is None
            yield with_range(told, self._assumed) if whole and self._assumed is not None else told

    def _value(self, rule: Rule, side: _Side, factor: Decimal) -> tuple[Decimal | None, str]:
        """A side's measure, or why it is not known."""
        if not self.result.baseline.rows:
            return None, "the log has no requests in the period"
        if side.unpriced and side.unpriced >= side.requests and not side.usd and rule.held.measure != "tokens":
            return None, "nothing of it has a price"
        match rule.held.measure:
            case "per_request":
                priced = side.requests - side.unpriced
                return (side.usd / priced, "") if priced else (None, "no requests")
            case "per_success":
                if side.successes is None:
                    return None, "quality not measured: no request has a quality_score"
                return (side.usd / side.successes, "") if side.successes else (None, "no request is a success")
            case "tokens":
                month = self.projection.month(side.tokens, self.projection.requests)
            case _:
                month = self.projection.month(EXACT.subtract(side.usd, side.flat), factor, side.flat)
        return month, "" if month is not None else self.projection.why

    def _measured(self, rule: Rule) -> tuple[Sides, Sides]:
        """Every owner's sums before and after."""
        key = (tuple(sorted(rule.owners.items())), rule.when, rule.success_at)
        if key not in self._sides:
            states = self._states
            before = self._by_owner(rule, states, states.before)
            after = before if states.after is states.before else self._by_owner(rule, states, states.after)
            self._sides[key] = (before, after)
        return self._sides[key]

    def _factor(self, rule: Rule, key: tuple[str, ...], *, after: bool) -> Decimal:
        """What a month's cost of an owner is to the log's pace: the whole's traffic, at what its own calls will cost."""
        projection = self.projection
        parts = projection.parts[after]
        if not parts or (not rule.owners and rule.when is None):
            return projection.after if after else projection.before
        at_end, *later = (self._on(rule, day, after=after).get(key, _Side()) for day in (self._last, *parts))
        # What has no price on a later day is taken to cost what it does now.
        costs = {
            day: side.usd if side.unpriced <= at_end.unpriced else at_end.usd
            for day, side in zip(parts, later, strict=True)
        }
        return rounded(projection.traffic[after] * mixed(dict(parts), costs, at_end.usd), 4)

    def _on(self, rule: Rule, day: date, *, after: bool) -> Sides:
        """What each owner's calls cost at a day's prices."""
        key = (tuple(sorted(rule.owners.items())), rule.when, day, after)
        if key not in self._days:
            steps = self.wanted.change.steps if after and self.wanted.change is not None else ()
            states = self.replaying.states(on_day(day, steps))
            self._days[key] = self._by_owner(rule, states, states.after)
        return self._days[key]

    @cached_property
    def _last(self) -> date:
        return max(settled_of(self.result).days)

    @cached_property
    def _states(self) -> States:
        return self.replaying.states(self.wanted.change)

    def _by_owner(self, rule: Rule, states: States, workload: Workload) -> Sides:
        stage = SceneStage(self.replaying.engine, "check", 0, 0, self.replaying.present)
        needed = {*columns(rule.owners), *(columns_of(rule.when) if rule.when else ())}
        if rule.success_at is not None:
            needed.add("quality_score")
        rows = stage.logged(workload.rows, sorted(needed))
        mine = matching(rule.owners, rows, stage)
        if rule.when:
            mine = mine & condition(rule.when, rows)
        each = [value_of(name, rows, stage) for name, value in rule.owners.items() if value == EACH]
        label: ir.StringValue = ibis.literal("")
        for place, value in enumerate(each):
            label = value if not place else label + _SEP + value
        rows = stage.view(rows.mutate(owner_label=label).filter(mine))
        found = _summed(states, with_rows(workload, rows))
        if rule.owners == {} and rule.when is None:
            flat = add(charge.cost or ZERO for charge in _flat(states, workload))
            whole = found.get(("",), _Side())
            found[("",)] = _Side(
                EXACT.add(whole.usd, flat), whole.requests, whole.unpriced, whole.tokens, whole.successes, flat
            )
        if rule.success_at is not None and "quality_score" in self.replaying.present:
            good = (rows.quality_score >= float(rule.success_at)) & rows.selected & rows.sent
            numbers = counted(stage, workload.branches, rows, {"good": good.fill_null(False)}, ("owner_label",))
            for (name,), number in numbers.items():
                key = (name,)
                side = found.get(key, _Side())
                found[key] = replace(side, successes=number["good"])
        return {tuple(name.split(_SEP)) if each else (): side for (name,), side in found.items()}


def _flat(states: States, workload: Workload) -> list[PricedFlat]:
    return states.priced(workload, ()).flat if workload.charges else []


def _summed(states: States, workload: Workload) -> dict[tuple[str], _Side]:
    priced = states.priced(workload, ("owner_label",))
    found: dict[tuple[str], _Side] = {}
    for group in priced.groups(["d_owner_label"]):
        side = found.get((group.dimensions[0],), _Side())
        if group.charge is None:
            found.setdefault((group.dimensions[0],), side)
            continue
        tokens = add(group.counts.get(name) or ZERO for name in ("input_tokens", "output_tokens"))
        unpriced = group.requests if isinstance(group.charge, Unpriced) else ZERO
        found[group.dimensions[0],] = _Side(
            EXACT.add(side.usd, group.cost), EXACT.add(side.requests, group.requests),
            EXACT.add(side.unpriced, unpriced), EXACT.add(side.tokens, tokens),
        )  # fmt: skip
    return found


def _flat_of(side: Totals) -> Decimal:
    """What no request causes of a scenario; a log has none."""
    return add(line.cost_usd or ZERO for line in side.flat_charges) if isinstance(side, Scenario) else ZERO


def _gaps(result: Result) -> Iterator[str]:
    coverage = result.coverage
    missing = coverage.requests - coverage.priced_requests
    if missing:
        worst = coverage.unpriced[0]
        yield f"{missing:,} of {coverage.requests:,} requests have no price ({worst.provider}/{worst.model}: {worst.reason} ..)"
    if coverage.rejected:
        yield f"{coverage.rejected:,} of {coverage.records_read:,} records were rejected"
    for scenario in result.scenarios:
        if scenario.not_comparable.requests:
            yield f"{scenario.not_comparable.requests:,} requests are not priced before and after the change"
