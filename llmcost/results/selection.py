"""A store made ready for questions: models resolved, overlaps found, rows selected, and any workload priced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from llmcost.errors import UsageError, nearest
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.cuts import Cuts
from llmcost.pricing.grid import SUMMED
from llmcost.pricing.table import Pricer
from llmcost.results.logrows import Holdings, base_rows
from llmcost.results.options import ReplayOptions
from llmcost.results.overlap import covered_rows
from llmcost.results.period import Clock
from llmcost.results.priced import Priced
from llmcost.results.scenario import BoundScenario, BoundStep, placed
from llmcost.results.stage import Engine
from llmcost.results.waterfall import Link
from llmcost.usage.columns import BY_NAME
from llmcost.usage.store import Store
from llmcost.workload.contract import Workload
from llmcost.workload.select import columns_of, condition


class Selection:
    """A store's rows as the options select them, and their prices."""

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
                named |= reads_of(step)
        return sorted(named)

    def _base(self, columns: Sequence[str]) -> ir.Table:
        left_out, rest = (self.covered.left_out, self.covered.rest) if self.covered else (None, None)
        return self._chosen(base_rows(columns, self.options.now, self.files, left_out, held=self.held, rest=rest))

    def _chosen(self, rows: ir.Table) -> ir.Table:
        """The rows with their models by day and whether they are selected."""
        rows = self._moving_names(rows)
        if self.options.baseline_on is not None:
            rows = rows.mutate(priced_at=ibis.literal(noon(self.options.baseline_on), type="int64"))
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
        whole = self._whole_span()
        if whole is None:
            return None
        since, until = self.options.since, self.options.until
        return max(whole[0], since or whole[0]), whole[1] if until is None else min(whole[1], until - 1)

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
            instants.append(noon(self.options.baseline_on))
        return cuts.restrict(min(instants), max(instants) + 1)

    def _pricer(self) -> Pricer:
        return Pricer(self.catalogue, self.engine.models, self.options.now, self.present | _MADE)

    def _priced(
        self, workload: Workload, cuts: Cuts, prices_on: date | None, dimensions: tuple[str, ...] | None = None,
        *, by_day: bool = True,
    ) -> Priced:  # fmt: skip
        pricer = self._pricer()
        flat_at = self.engine.span[1] - 1 if self.engine.span else self.options.now
        if prices_on is not None:
            flat_at = noon(prices_on)
        by = self.options.dimensions if dimensions is None else dimensions
        return Priced(self.engine, pricer, cuts, workload, by, self.clock.day_index if by_day else None, flat_at)


_FEW: Final = 20_000
"""Rows of a small log."""
_MADE: Final = frozenset({"cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens"})
"""Counters that a strategy may make where the log has none."""


def reads_of(step: BoundStep) -> frozenset[str]:
    """Usage columns that a step needs."""
    with placed(step):
        needed = step.strategy.reads - step.strategy.spares(step.params)
        return needed.union(*(columns_of(text) for text in step.strategy.conditions(step.params)))


def noon(day: date) -> int:
    """The instant of a day whose rates stand for it."""
    return instant_of(datetime.combine(day, time(12)))


def instant_of(moment: datetime) -> int:
    """Microseconds since 1970 of a moment; without zone it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 1_000_000 + aware.microsecond
