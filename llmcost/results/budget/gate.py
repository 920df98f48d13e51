"""Projects a log, as it is and after a change, to a month and holds it to a budget file."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from llmcost.results.budget.check_model import Check, Finding, Traffic
from llmcost.results.budget.file import BudgetFile, Limit
from llmcost.results.budget.verdict import Held, Measured, finding, ordered, verdict
from llmcost.results.model import Range, Result, SeriesPoint
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import PricedFlat
from llmcost.results.replay import Replaying, States
from llmcost.results.scenario import BoundScenario
from llmcost.results.stage import SceneStage
from llmcost.usage.store import Store
from llmcost.workload.branching import add, counted
from llmcost.workload.budgets import EACH, Budget, columns, matching, value_of
from llmcost.workload.contract import Workload, with_rows
from llmcost.workload.select import columns_of, condition

_WINDOWS: Final = {"hour": Decimal(1) / 24, "day": Decimal(1), "week": Decimal(7)}
_LEAST_DAYS: Final = 7
_DRAWS: Final = 400
_SEP: Final = "\x1f"


@dataclass(frozen=True)
class CheckOptions:
    """What is proposed and compared: ``change`` None is the log as it is; ``against`` a saved check."""

    file: BudgetFile
    file_name: str = "budget.toml"
    change: BoundScenario | None = None
    against: Check | None = None
    against_name: str | None = None


@dataclass(frozen=True)
class _Side:
    """One owner on one side, over the log's period."""

    usd: Decimal = ZERO
    requests: Decimal = ZERO
    unpriced: Decimal = ZERO
    tokens: Decimal = ZERO
    successes: Decimal | None = None


@dataclass(frozen=True)
class _Rule:
    """A limit or budget with whose calls it is about."""

    held: Held
    owners: Mapping[str, str]
    when: str | None
    success_at: Decimal | None = None


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
        findings = ordered([found for rule in self._rules() for found in self._findings(rule)])
        told, reason = verdict(findings)
        after = result.scenarios[0] if result.scenarios else result.baseline
        known = bool(result.coverage.priced_requests or after.cost_usd)
        month = after.monthly_cost_usd if known else None
        before = result.baseline.monthly_cost_usd if result.scenarios and known else None
        if wanted.against is not None:
            before = wanted.against.after_usd
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
            against=wanted.against_name,
            period=result.period,
            prices=result.prices,
            traffic=self._traffic(full),
            before_usd=before,
            after_usd=month,
            unpriced_requests=result.coverage.requests - result.coverage.priced_requests,
            range=_range(full, self.options) if month is not None else None,
            currency=wanted.file.currency,
            usd_per_unit=wanted.file.usd_per_unit,
            findings=findings,
            gaps=list(_gaps(result)),
            warnings=[
                *result.warnings,
                *(w for s in result.scenarios for step in s.steps for w in step.warnings),
                *self._unmet(findings),
            ],
        )

    def _unmet(self, findings: Sequence[Finding]) -> Iterator[str]:
        met = {found.limit for found in findings}
        for rule in self._rules():
            if rule.held.name not in met:
                yield f"{rule.held.name} meets no request of the log: check the names it is for"

    def _traffic(self, full: Sequence[Decimal]) -> Traffic:
        base, period = self.result.baseline, self.result.period
        scale = self._scale()
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

    def _scale(self) -> Decimal | None:
        """What the period's amounts are multiplied by to be a month's; None where that means nothing."""
        days = self.result.period.days
        if not days or (days < 1 and not self.options.extrapolate):
            return None
        return self.options.month_days / days

    def _rules(self) -> Iterator[_Rule]:
        if self.wanted.file.budget:
            for budget in self.wanted.file.budgets().budgets:
                yield self._of_budget(budget)
        for limit in self.wanted.file.limits():
            yield _of_limit(limit)

    def _of_budget(self, budget: Budget) -> _Rule:
        """A budget as a limit on the month that its windows make up."""
        windows = Decimal(1) if budget.per == "month" else self.options.month_days / _WINDOWS[budget.per]
        amount = (budget.usd if budget.usd is not None else Decimal(budget.tokens or 0)) * windows
        near = amount * budget.warn_at
        held = Held(
            budget.name, "monthly" if budget.usd is not None else "tokens",
            warn=amount if budget.action == "warn" else near, block=None if budget.action == "warn" else amount,
        )  # fmt: skip
        return _Rule(held, budget.owners, budget.when)

    def _findings(self, rule: _Rule) -> Iterator[Finding]:
        before, after = self._measured(rule)
        has_before = self.wanted.against is not None or self.wanted.change is not None
        for key in sorted({*before, *after}):
            each = [name for name, value in rule.owners.items() if value == EACH]
            owner = {**rule.owners, **dict(zip(each, key, strict=True))}
            now, why = self._value(rule, after.get(key, _Side()))
            then: Decimal | None = None
            if self.wanted.against is not None:
                then = _saved(self.wanted.against, rule.held.name, owner)
            elif self.wanted.change is not None:
                then = self._value(rule, before.get(key, _Side()))[0]
            unpriced = int(after.get(key, _Side()).unpriced)
            yield finding(rule.held, owner, Measured(then, now, unpriced, why), has_before=has_before)

    def _value(self, rule: _Rule, side: _Side) -> tuple[Decimal | None, str]:
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
            case _:
                scale = self._scale()
                if scale is None:
                    return (
                        None,
                        "less than a day of log: no month can be projected (--extrapolate does it all the same)",
                    )
                return (side.tokens if rule.held.measure == "tokens" else side.usd) * scale, ""

    def _measured(self, rule: _Rule) -> tuple[Sides, Sides]:
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

    def _by_owner(self, rule: _Rule, workload: Workload) -> Sides:
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
                EXACT.add(whole.usd, flat), whole.requests, whole.unpriced, whole.tokens, whole.successes
            )
        if rule.success_at is not None and "quality_score" in self.replaying.present:
            good = (rows.quality_score >= float(rule.success_at)) & rows.selected & rows.sent
            numbers = counted(stage, workload.branches, rows, {"good": good.fill_null(False)}, ("owner_label",))
            for (name,), number in numbers.items():
                key = (name,)
                side = found.get(key, _Side())
                found[key] = _Side(side.usd, side.requests, side.unpriced, side.tokens, number["good"])
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


def _of_limit(limit: Limit) -> _Rule:
    held = Held(limit.name, limit.measure, limit.warn, limit.block)
    return _Rule(held, limit.owners, limit.when, limit.success_at if limit.measure == "per_success" else None)


def _saved(base: Check, limit: str, owner: Mapping[str, str]) -> Decimal | None:
    """What a saved check measured of the same limit and owner; an owner that it does not know had nothing."""
    of_limit = [found for found in base.findings if found.limit == limit]
    same = next((found for found in of_limit if found.owner == owner), None)
    if same is not None:
        return same.after
    return ZERO if of_limit else None


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
