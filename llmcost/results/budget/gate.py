"""Projects a log, as it is and after a change, to a month and holds it to a budget file."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from llmcost import __version__
from llmcost.money import EXACT, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.resolve import Unpriced
from llmcost.results.budget.base import Base
from llmcost.results.budget.check_model import BasisWish, Check, Finding, Traffic
from llmcost.results.budget.file import BudgetFile
from llmcost.results.budget.projection import Projection, projected
from llmcost.results.budget.rules import Rule, rules_of
from llmcost.results.budget.verdict import Measured, finding, ordered, verdict, with_range
from llmcost.results.model import Range, Result, Scenario, SeriesPoint, Totals
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

_LEAST_DAYS: Final = 7
_DRAWS: Final = 400
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
    replaying = Replaying(store, catalogue, options)
    try:
        result = replaying.run(scenarios)
        return _Gate(replaying, result, options, wanted).check()
    finally:
        replaying.engine.close()


@dataclass
class _Gate:
    replaying: Replaying
    result: Result
    options: ReplayOptions
    wanted: CheckOptions
    _sides: dict[Any, tuple[Sides, Sides]] = field(default_factory=dict)

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
        full = _full_days(series, result.period.start, result.period.end, self.options.timezone)
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
            basis=self._projection.basis,
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
        projection = self._projection
        if projection.basis.kind == "run-rate":
            return side.monthly_cost_usd
        flat = _flat_of(side)
        factor = projection.after if isinstance(side, Scenario) or not self.result.scenarios else projection.before
        month = projection.month(EXACT.subtract(side.cost_usd, flat), factor, flat)
        return None if month is None else month.quantize(_PLACES)

    def _range(self, after: Totals, full: Sequence[Decimal]) -> Range | None:
        if self._projection.basis.kind == "run-rate":
            return _range(full, self.options)
        flat = _flat_of(after)
        return self._projection.range(EXACT.subtract(after.cost_usd, flat), flat)

    @cached_property
    def _assumed(self) -> Range | None:
        """A month after the change, at P10, P50 and P90 of what it assumes as ranges."""
        spread = self.result.scenarios[0].range if self.result.scenarios else None
        if spread is None:
            return None
        flat, projection = _flat_of(self.result.scenarios[0]), self._projection
        low, middle, high = (
            projection.month(EXACT.subtract(cost, flat), projection.after, flat)
            for cost in (spread.p10_usd, spread.p50_usd, spread.p90_usd)
        )
        if low is None or middle is None or high is None:
            return None
        return Range(p10_usd=low, p50_usd=middle, p90_usd=high)

    def _mixed(self) -> Iterator[str]:
        base, own = self.wanted.against, self._projection.basis.kind
        if base is not None and base.basis != own:
            yield f"the amounts before are a {base.basis} and those after a {own}: part of the difference is that"

    def _unmet(self, findings: Sequence[Finding]) -> Iterator[str]:
        met = {found.limit for found in findings}
        for rule in self._rules:
            if rule.held.name not in met:
                yield f"{rule.held.name} meets no request of the log: check the names it is for"

    def _traffic(self, full: Sequence[Decimal]) -> Traffic:
        base, period = self.result.baseline, self.result.period
        projection = self._projection
        scale = None if projection.pace is None else projection.pace * projection.requests
        notes = []
        if period.days is None:
            notes.append("the log has no times")
        elif period.days < 1:
            notes.append("less than a day of log" + (", scaled all the same" if period.extrapolated else ""))
        elif len(full) < _LEAST_DAYS:
            notes.append(f"only {len(full)} whole days of log: no range, and no week is seen whole")
        return Traffic(
            requests=base.requests,
            requests_a_month=None if scale is None else (base.requests * scale).quantize(Decimal(1)),
            days=period.days, full_days=len(full), note="; ".join(notes),
        )  # fmt: skip

    @cached_property
    def _rules(self) -> list[Rule]:
        return list(rules_of(self.wanted.file, self.options.month_days))

    @cached_property
    def _projection(self) -> Projection:
        base = self.wanted.against
        return projected(self.result, self.options, self.wanted.basis, None if base is None else base.basis)

    def _findings(self, rule: Rule) -> Iterator[Finding]:
        before, after = self._measured(rule)
        base, growth = self.wanted.against, self._projection
        has_before = self.wanted.against is not None or self.wanted.change is not None
        for key in sorted({*before, *after}):
            each = [name for name, value in rule.owners.items() if value == EACH]
            owner = {**rule.owners, **dict(zip(each, key, strict=True))}
            now, why = self._value(rule, after.get(key, _Side()), growth.after)
            then, why_then = None, ""
            if base is not None:
                then, why_then = base.measured(rule, owner)
            elif self.wanted.change is not None:
                then = self._value(rule, before.get(key, _Side()), growth.before)[0]
            measured = Measured(
                then, now, int(after.get(key, _Side()).unpriced), why, "" if then is not None else why_then
            )
            told = finding(rule.held, owner, measured, has_before=has_before)
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
                month = self._projection.month(side.tokens, self._projection.requests)
            case _:
                month = self._projection.month(EXACT.subtract(side.usd, side.flat), factor, side.flat)
        return month, "" if month is not None else self._projection.why

    def _measured(self, rule: Rule) -> tuple[Sides, Sides]:
        """Every owner's sums before and after."""
        key = (tuple(sorted(rule.owners.items())), rule.when, rule.success_at)
        if key not in self._sides:
            states = self._states
            before = self._by_owner(rule, states.before)
            after = before if states.after is states.before else self._by_owner(rule, states.after)
            self._sides[key] = (before, after)
        return self._sides[key]

    @cached_property
    def _states(self) -> States:
        return self.replaying.states(self.wanted.change)

    def _by_owner(self, rule: Rule, workload: Workload) -> Sides:
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
        found = self._summed(with_rows(workload, rows))
        if rule.owners == {} and rule.when is None:
            flat = add(charge.cost or ZERO for charge in self._flat(workload))
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

    def _flat(self, workload: Workload) -> list[PricedFlat]:
        return self._states.priced(workload, ()).flat if workload.charges else []

    def _summed(self, workload: Workload) -> dict[tuple[str], _Side]:
        priced = self._states.priced(workload, ("owner_label",))
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


def _full_days(
    series: Sequence[SeriesPoint], start: datetime | None, end: datetime | None, timezone: str
) -> list[Decimal]:
    """What each whole day of the period cost; a day without calls cost nothing."""
    if start is None or end is None:
        return []
    zone = UTC if timezone == "UTC" else ZoneInfo(timezone)
    first, last = start.astimezone(zone), end.astimezone(zone)
    day = first.date() if (first.hour, first.minute) == (0, 0) else first.date() + timedelta(days=1)
    costs: dict[date, Decimal] = {}
    for point in series:
        costs[point.date] = EXACT.add(costs.get(point.date, ZERO), point.cost_usd)
    found = []
    while day < last.date():
        found.append(costs.get(day, ZERO))
        day += timedelta(days=1)
    return found


def _range(days: Sequence[Decimal], options: ReplayOptions) -> Range | None:
    """P10, P50 and P90 of a month's cost: means of days drawn again and again from the log's whole days, seeded."""
    if len(days) < _LEAST_DAYS:
        return None
    draw = random.Random(options.seed)
    months = sorted(add(draw.choices(days, k=len(days))) / len(days) * options.month_days for _ in range(_DRAWS))
    low, middle, high = (months[int(_DRAWS * share)] for share in (Decimal("0.1"), Decimal("0.5"), Decimal("0.9")))
    return Range(p10_usd=low, p50_usd=middle, p90_usd=high)
