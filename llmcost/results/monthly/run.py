"""Makes the monthly report: the month and the one before it in one ledger, a question at a time."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from llmcost import __version__
from llmcost.errors import UsageError, nearest
from llmcost.money import EXACT, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.results.coverage import of_files
from llmcost.results.forecast.outlook import ForecastOptions
from llmcost.results.forecast.run import forecast
from llmcost.results.model import Evidence, Result
from llmcost.results.monthly import hidden, retries, routing, savings
from llmcost.results.monthly.anomalies import NARROW, Finder
from llmcost.results.monthly.budgets import held, of_amount, tags_of
from llmcost.results.monthly.effects import Change, total
from llmcost.results.monthly.findings import findings, ranked, shifts
from llmcost.results.monthly.ledger import LAST, THIS, Dimension, Ledger
from llmcost.results.monthly.model import (
    Day,
    Finding,
    Headline,
    MonthCost,
    Monthly,
    Mover,
    Movers,
    Scenarios,
    WorthDoing,
)
from llmcost.results.monthly.pricechanges import price_changes
from llmcost.results.monthly.showback import Shared, showback
from llmcost.results.monthly.spend import change_by_model, days, effects, movers, share_of, spend, spend_cells
from llmcost.results.monthly.window_tables import findings as window_findings
from llmcost.results.monthly.windows import windows
from llmcost.results.options import ReplayOptions
from llmcost.results.period import days_of, moment
from llmcost.results.priced import add
from llmcost.results.replay import Replaying
from llmcost.results.scenario import BoundScenario
from llmcost.results.selection import instant_of
from llmcost.results.whatif.run import replay as play
from llmcost.usage.columns import BY_NAME
from llmcost.usage.store import Store
from llmcost.workload.budgets import Budget as Given
from llmcost.workload.budgets import columns as budget_columns
from llmcost.workload.select import columns_of

DIMENSIONS: Final = (
    "provider", "model", "feature", "team", "project", "user_id", "api_key_id", "environment", "organization",
    "service_tier", "region",
)  # fmt: skip
"""What spend is broken down by, where the log knows it."""
_SHIFTING: Final = ("feature", "team", "project")
"""Dimensions in which a shift of the mix is looked for."""


@dataclass(frozen=True)
class MonthlyOptions:
    """``month`` is YYYY-MM in the time zone of the replay options; ``tags`` and ``by`` add dimensions."""

    month: str
    tags: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    budgets: Mapping[str, Decimal] = field(default_factory=dict)
    """Name to dollars for the whole month."""
    budget_file: tuple[Given, ...] = ()
    """Budgets of a budget file."""
    budget_zone: str = "UTC"
    """Where windows shorter than a month begin."""
    showback: tuple[str, ...] = ()
    """Dimensions whose values pay; without any, the team and every tag."""
    shared: tuple[Shared, ...] = ()
    forecast: bool = True
    """Whether the days after the month's log are forecast."""


def bounds(month: str, zone: tzinfo) -> tuple[int, int, int]:
    """First instants of the month before, the month, and the month after; UsageError for what is no month."""
    try:
        found = re.fullmatch(r"(\d{4})-(\d{2})", month)
        year, number = (int(found[1]), int(found[2])) if found else (0, 0)
        first = date(year, number, 1)
    except ValueError as error:
        raise UsageError(f"{month!r} is no month", where="--month", hint="write it as 2026-10") from error
    length = calendar.monthrange(year, number)[1]
    ends = ((first - timedelta(days=1)).replace(day=1), first, first + timedelta(days=length))
    before, start, end = (instant_of(datetime(d.year, d.month, d.day, tzinfo=zone)) for d in ends)
    return before, start, end


def monthly(
    store: Store,
    catalogue: Catalogue,
    options: ReplayOptions,
    wanted: MonthlyOptions,
    scenarios: Sequence[BoundScenario],
) -> Monthly:
    """The report of a month over the store's rows; UsageError for unknown dimensions and months without a call."""
    for name in (*wanted.by, *wanted.showback):
        if name not in {*BY_NAME, "provider", "model"} and not name.startswith("tag:"):
            raise UsageError(f"there is no dimension {name!r}", hint=nearest(name, [*DIMENSIONS, *BY_NAME]))
    before, start, end = bounds(wanted.month, _zone(options))
    result = play(store, catalogue, scenarios, replace(options, since=start, until=end, dimensions=()))
    if not result.baseline.rows:
        raise UsageError(
            f"the log has nothing in {wanted.month}",
            where="--month",
            hint=f"its days are {days_of(store)}" if days_of(store) else None,
        )
    replaying = Replaying(store, catalogue, replace(options, since=before, until=end, dimensions=()))
    try:
        found = _Run(replaying, wanted, result, start).report(options)
    finally:
        replaying.engine.close()
    over = windows(store, catalogue, options, wanted.budget_file, wanted.budget_zone, start, end)
    if over is not None:
        found = found.model_copy(
            update={"windows": over, "findings": ranked([*found.findings, *window_findings(over)])}
        )
    return _with_forecast(found, store, catalogue, replace(options, until=end), wanted) if wanted.forecast else found


def _with_forecast(
    found: Monthly, store: Store, catalogue: Catalogue, options: ReplayOptions, wanted: MonthlyOptions
) -> Monthly:
    """The report with what the days after its log will cost: the rest of the month, or the next one."""
    budget = next(iter(wanted.budgets.values()), None)
    try:
        outlook = forecast(store, catalogue, options, ForecastOptions(budget=budget, seed=options.seed)).outlook
    except UsageError as error:
        return found.model_copy(update={"warnings": [*found.warnings, f"no forecast: {error.what}"]})
    return found.model_copy(update={"forecast": outlook})


def last_month(store: Store, options: ReplayOptions) -> str:
    """The month of the log's last call, in the report's zone; UsageError where no call has a time."""
    last = store.value(f"SELECT max(started_at) FROM usage WHERE {of_files(options)}")
    if last is None:
        raise UsageError("no call of the log has a time: there is no month to report", where="--month")
    return f"{moment(int(last)).astimezone(_zone(options)):%Y-%m}"


def _zone(options: ReplayOptions) -> tzinfo:
    try:
        return UTC if options.timezone == "UTC" else ZoneInfo(options.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"there is no time zone {options.timezone!r}", hint="use a name like Europe/Berlin or UTC"
        ) from error


class _Run:
    def __init__(self, replaying: Replaying, wanted: MonthlyOptions, result: Result, start: int) -> None:
        self.wanted, self.result, self.start = wanted, result, start
        conditions = [*(rule.when for rule in wanted.shared), *(budget.when for budget in wanted.budget_file)]
        asked = {name for when in conditions if when for name in columns_of(when)}
        asked |= {name for budget in wanted.budget_file for name in budget_columns(budget.owners) if name != "tags"}
        columns = {
            "started_at", "provider_name", *(name for name in (*DIMENSIONS, *wanted.by, *wanted.showback) if name in BY_NAME),
            *hidden.OWNERS, *hidden.READS, *retries.READS, *savings.READS, *routing.READS,
        }  # fmt: skip
        given = [name.removeprefix("tag:") for name in (*wanted.by, *wanted.showback) if name.startswith("tag:")]
        tags = tuple(dict.fromkeys([*wanted.tags, *given]))
        every = tuple(dict.fromkeys([*tags, *tags_of(wanted.budget_file)]))
        self.ledger = Ledger(replaying, columns, every, start, asked)
        self.tags = tags
        names = [*DIMENSIONS, *wanted.by, *(f"tag:{tag}" for tag in tags)]
        found = [self.ledger.named(name) for name in dict.fromkeys(names)]
        self.dimensions = [dimension for dimension in found if dimension is not None]
        self.first = date(int(wanted.month[:4]), int(wanted.month[5:]), 1)
        self.cost = result.baseline.cost_usd
        self.cubes = {dimension.name: self.ledger.cube(dimension) for dimension in self.dimensions}
        self.has_last = bool(self.ledger.rows(f"count(*) FILTER (slot = {LAST})")[0][0])

    def report(self, options: ReplayOptions) -> Monthly:
        ledger, result = self.ledger, self.result
        changes = price_changes(ledger, self.start)
        chains = retries.Retries(ledger)
        storms = chains.storms()
        dayly = days(ledger)
        headline = self._headline(dayly)
        moved, shifted = self._movers()
        odd = Finder(
            ledger, [d for d in self.dimensions if d.name in NARROW or d.name.startswith("tag:")], changes
        ).anomalies()
        change = change_by_model(ledger) if self.has_last else []
        feature = ledger.named("feature") or ledger.named("model")
        return Monthly(
            generated_with=f"llmcost {__version__}",
            title=options.title,
            sources=result.sources,
            period=result.period,
            prices=result.prices,
            coverage=result.coverage,
            problems=result.problems,
            headline=headline,
            findings=findings(headline, changes, storms, shifted, odd.found),
            change=change,
            total_change=effects(total(_change(line) for line in change)) if self.has_last else None,
            movers=moved,
            price_changes=changes,
            spend=[
                spend(ledger, dimension, self.cubes[dimension.name], self.cost, has_last=self.has_last)
                for dimension in self.dimensions
            ],
            cells=spend_cells(ledger, self.dimensions, self.cubes) if options.what_if else None,
            days=dayly,
            unit_costs=savings.unit_costs(ledger, self.cost),
            caching=savings.caching(ledger),
            routing=routing.routing(ledger, self.start),
            efficiency=savings.efficiency(ledger, feature),
            hidden=hidden.hidden(ledger, self.cost, chains.hidden(self.cost)),
            storms=storms,
            unallocated=hidden.unallocated(ledger, self.cost),
            showback=[
                showback(ledger, dimension, [rule for rule in self.wanted.shared if rule.by == dimension.name])
                for dimension in self._payers()
            ],
            anomalies=odd,
            scenarios=_scenarios(result),
            what_if=result.what_if,
            warnings=self._warnings(),
        )

    def _payers(self) -> list[Dimension]:
        names = self.wanted.showback or ("team", *(f"tag:{tag}" for tag in self.tags))
        found = [self.ledger.named(name) for name in names]
        return [dimension for dimension in found if dimension is not None]

    def _movers(self) -> tuple[list[Movers], list[Finding]]:
        if not self.has_last:
            return [], []
        found: list[Movers] = []
        shifted: list[Finding] = []
        for dimension in self.dimensions:
            if dimension.name == "model":
                continue
            lines, cells = movers(self.ledger, dimension, self.cubes[dimension.name])
            found.append(lines)
            if dimension.name in _SHIFTING:
                shifted += shifts(lines, cells, self.cost)
        return found, _once(shifted)

    def _headline(self, dayly: Sequence[Day]) -> Headline:
        this, last = (self._month(slot) for slot in (THIS, LAST))
        cut = self.first
        mine = [day for day in dayly if day.date >= cut]
        through = max((day.date for day in mine), default=None)
        length = calendar.monthrange(cut.year, cut.month)[1]
        complete = through is not None and through.day == length
        change = same = None
        if self.has_last and this.cost_usd is not None and last.cost_usd is not None:
            change = EXACT.subtract(this.cost_usd, last.cost_usd)
        if self.has_last and not complete and through is not None:
            same = add(day.cost_usd or ZERO for day in dayly if day.date < cut and day.date.day <= through.day)
        spent = this.cost_usd or ZERO
        return Headline(
            this=this,
            last=last,
            change_usd=change,
            change_share=share_of(change, last.cost_usd),
            complete=complete,
            through=through,
            last_same_days_usd=same,
            budgets=[
                *(of_amount(name, amount, spent) for name, amount in self.wanted.budgets.items()),
                *held(self.ledger, self.wanted.budget_file),
            ],
        )  # fmt: skip

    def _month(self, slot: int) -> MonthCost:
        row = self.ledger.rows(
            "sum(cost), sum(counted), sum(unpriced), count(*), count(DISTINCT day), count(*) FILTER (paid AND cost IS NULL)",
            f"WHERE slot = {slot}",
        )[0]
        cost, counted, unpriced, rows, seen, gaps = row
        known = cost is not None and not (gaps and not cost)
        month = self.first if slot == THIS else self.first - timedelta(days=1)
        return MonthCost(
            month=f"{month:%Y-%m}",
            cost_usd=self.ledger.usd(cost) if known else None,
            requests=int(counted or 0),
            unpriced_requests=int(unpriced or 0),
            rows=int(rows),
            days_with_calls=int(seen),
        )

    def _warnings(self) -> list[str]:
        found = list(self.result.warnings)
        timeless = self.ledger.store.value("SELECT count(*) FROM usage WHERE started_at IS NULL")
        if timeless:
            found.append(f"{int(timeless):,} rows without a time belong to no month: they are left out")
        if self.ledger.rounded_seconds:
            found.append("seconds of audio or video finer than a microsecond were rounded")
        if not self.has_last:
            found.append("the log has nothing of the month before: there is no comparison with it")
        return found


def _change(line: Mover) -> Change:
    return Change(line.last_usd, line.this_usd, line.volume_usd, line.mix_usd, line.tokens_usd, line.price_usd)


def _once(found: Sequence[Finding]) -> list[Finding]:
    """A shift that several dimensions tell (a feature that is all of a team) is told of the first."""
    kept: list[Finding] = []
    for one in found:
        if not any(other.amount_usd == one.amount_usd for other in kept):
            kept.append(one)
    return kept


def _scenarios(result: Result) -> Scenarios | None:
    if not result.scenarios:
        return None
    idle = [s.name for s in result.scenarios if not any(t.requests_changed for t in s.steps) and not s.saving_usd]
    worth = sorted((s for s in result.scenarios if s.saving_usd > 0), key=lambda s: (-s.saving_usd, s.name))
    return Scenarios(
        worth=[
            WorthDoing(
                name=s.name,
                title="; ".join(step.title for step in s.steps),
                saving_usd=s.saving_usd,
                saving_share=s.saving_share,
                evidence=Evidence(
                    measured_usd=add(step.evidence.measured_usd for step in s.steps),
                    modelled_usd=add(step.evidence.modelled_usd for step in s.steps),
                    assumed_usd=add(step.evidence.assumed_usd for step in s.steps),
                ),
                changes_answers=s.changes_answers,
                not_comparable_requests=s.not_comparable.requests,
                warnings=list(dict.fromkeys(w for step in s.steps for w in step.warnings)),
            )
            for s in worth
        ],
        losing=[s.name for s in result.scenarios if s.saving_usd <= 0 and s.name not in idle],
        idle=idle,
    )
