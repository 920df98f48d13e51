"""The money of what is wrong with a log: of rows that a problem touches, and of records that came more than once.

The ingest keeps which lines a problem touched, and the counters of every version of a request or bucket that was not
charged (never a body or a key); here they are priced like any other row, at the list rates of their own day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final

import ibis
import ibis.expr.types as ir

from llmcost.money import EXACT, ZERO
from llmcost.pricing.grid import PRICE_KEYS
from llmcost.pricing.price import Charge
from llmcost.results.coverage import of_files
from llmcost.results.logrows import CORE, KEYS, USAGE_TABLE, base_rows
from llmcost.results.model import Overlap, ProblemCount, Repeated
from llmcost.results.options import ReplayOptions
from llmcost.results.overlap import Covered
from llmcost.results.priced import Priced, add, whole
from llmcost.results.remainders import PART, REST
from llmcost.results.twins import ALIKE
from llmcost.sources import key_text
from llmcost.usage.columns import USAGE
from llmcost.usage.ddl import REPEATED_ORIGIN
from llmcost.usage.store import Store

_LABEL: Final = "told"
_TOLD: Final = "llmcost_told"
_HELD: Final = {name for name, _ in REPEATED_ORIGIN} | {c.name for c in USAGE if c.group != "key"}
_SCHEMA: Final = USAGE_TABLE.schema()
_BETWEEN: Final = "\x1f"
Sums = dict[str, tuple[int, Decimal | None]]
"""Rows and their cost by label; the cost of rows of which none has a price is unknown."""
_NO_TIME: Final = "no-time"
_REPEATED: Final = "repeated"
_TOUCHED: Final = "touched"
_WHOLE: Final = "whole"


def _joined(*parts: str) -> str:
    """SQL of one label from several; what is unknown is an empty part, so that as many are read back."""
    between = f", '{_BETWEEN}', "
    return f"concat({between.join(parts)})"


@dataclass(frozen=True)
class _Part:
    """Rows of one of the store's tables that something is told of: SQL of their ``row_id`` and ``label``."""

    ids: str
    table: str = USAGE_TABLE.get_name()

    @property
    def columns(self) -> set[str]:
        """What the table holds of a usage row."""
        return set(_SCHEMA) & _HELD if self.table == _REPEATED else set(_SCHEMA)


@dataclass(frozen=True)
class Audit:
    """Prices rows that carry a label, all in one query; ``price`` selects and prices them, ``columns`` are those that both need."""

    store: Store
    options: ReplayOptions
    columns: Sequence[str]
    covered: Covered | None
    price: Callable[[ir.Table, tuple[str, ...]], Priced]

    def repeated(self) -> list[Repeated]:
        """Records that say again what another says, by source and by what makes them the same."""
        found = []
        for label, (count, cost) in self._sums.get(_REPEATED, {}).items():
            source, rule, superseded = label.split(_BETWEEN)
            key = key_text(source, rule)
            found.append(Repeated(source=source, key=key, superseded=superseded == "true", count=count, cost_usd=cost))
        return sorted(
            found, key=lambda each: (-(each.cost_usd or ZERO), -each.count, each.source, each.key, each.superseded)
        )

    def overlaps(self) -> list[Overlap]:
        """Rows that other rows stand for, wholly or in part, and rows that only look so, by rule and source."""
        found = [self._overlap(*item) for item in self._sums.get(_WHOLE, {}).items()]
        rests = self._sums.get(REST, {})
        for label, sums in self._sums.get(PART, {}).items():
            found.append(self._overlap(label, sums).model_copy(update={"rest_usd": rests[label][1], "partly": True}))
        return sorted(
            found, key=lambda each: (-(each.cost_usd or ZERO), -each.rows, each.rule, each.source, each.partly)
        )

    @staticmethod
    def _overlap(label: str, sums: tuple[int, Decimal | None]) -> Overlap:
        rule, source, kept = label.split(_BETWEEN)
        return Overlap(rule=rule, source=source, charged=kept, left_out=rule != ALIKE, rows=sums[0], cost_usd=sums[1])

    def with_money(self, problems: Sequence[ProblemCount], baseline: Priced) -> list[ProblemCount]:
        """The problems with what the kept rows they touch cost, and the rows without a time among them."""
        costs = self._sums.get(_TOUCHED, {})
        known = [
            each if each.rejected else each.model_copy(update={"cost_usd": costs.get(each.kind, (0, None))[1]})
            for each in problems
        ]
        return [*known, *self._timeless(baseline)]

    @cached_property
    def _sums(self) -> dict[str, Sums]:
        """What is told of, by part and label."""
        parts = self._parts()
        if not parts:
            return {}
        asked = dict.fromkeys((*KEYS, *CORE, *self.columns))
        names = [name for name in asked if any(name in part.columns for part in parts.values())]
        told = " UNION ALL BY NAME ".join(self._select(*part, names) for part in parts.items())
        self.store.execute(f"CREATE OR REPLACE TEMP TABLE {_TOLD} AS {told}")
        table = ibis.table({_LABEL: "string", **{name: _SCHEMA[name] for name in names}}, name=_TOLD)
        rows = base_rows([*(c for c in self.columns if c in names), _LABEL], self.options.now, None, None, table)
        rows = rows.mutate(**{name: ibis.null(_SCHEMA[name]) for name in self.columns if name not in names})
        found: dict[str, Sums] = {}
        for group in self.price(rows, (_LABEL,)).groups([f"d_{_LABEL}"]):
            part, _, label = str(group.dimensions[0]).partition(_BETWEEN)
            sums = found.setdefault(part, {})
            count, cost = sums.get(label, (0, None))
            if isinstance(group.charge, Charge):
                cost = EXACT.add(cost or ZERO, group.charge.cost)
            sums[label] = (count + whole(group.rows), cost)
        self.store.drop_temporary([_TOLD])
        return found

    @staticmethod
    def _select(name: str, part: _Part, names: Sequence[str]) -> str:
        columns = ", ".join(f'"{column}"' for column in names if column in part.columns)
        return f"SELECT concat('{name}', '{_BETWEEN}', label) AS {_LABEL}, {columns} FROM ({part.ids}) JOIN {part.table} USING (row_id)"

    def _parts(self) -> dict[str, _Part]:
        """The parts that have rows, by name."""
        parts: dict[str, _Part] = {}
        if self._any(_REPEATED):
            ids = f"SELECT row_id, {_joined('source', 'rule', 'superseded::VARCHAR')} AS label FROM repeated WHERE {of_files(self.options)}"
            parts[_REPEATED] = _Part(ids, _REPEATED)
        if self._any(_TOUCHED):
            parts[_TOUCHED] = _Part(
                "SELECT DISTINCT u.row_id, t.kind AS label FROM usage u JOIN touched t "
                "ON u.file_key = t.file_key AND u.line BETWEEN t.first_line AND t.last_line "
                f"WHERE {of_files(self.options, 't.file_key')}"
            )
        if self.covered is not None:
            label = f"{_joined('rule', 'source', 'kept')} AS label"
            told = f"SELECT row_id, {label} FROM (FROM llmcost_covered UNION ALL FROM llmcost_alike)"
            divided = self.covered.rest is not None
            # Of a divided bucket the parts are told, not the whole.
            parts[_WHOLE] = _Part(f"{told} ANTI JOIN {REST} USING (row_id)" if divided else told)
            parts |= {name: _Part(told, name) for name in (PART, REST) if divided}
        return parts

    def _any(self, table: str) -> bool:
        return bool(self.store.value(f"SELECT count(*) FROM {table} WHERE {of_files(self.options)}"))

    def _timeless(self, baseline: Priced) -> list[ProblemCount]:
        place = PRICE_KEYS.index("timeless")
        groups = [group for group in baseline.total if group.key[place]]
        number = whole(add(group.rows for group in groups))
        if not number:
            return []
        first = self.store.rows(
            "SELECT f.name, u.line FROM usage u LEFT JOIN files f USING (file_key) "
            f"WHERE u.started_at IS NULL AND {of_files(self.options, 'u.file_key')} ORDER BY f.name, u.line LIMIT 1"
        )
        where = f"{first[0][0]}:{first[0][1]}: " if first else ""
        priced = [group.charge.cost for group in groups if isinstance(group.charge, Charge)]
        return [
            ProblemCount(
                kind=_NO_TIME,
                count=number,
                example=f"{where}no time: priced at today's rates, in no time series",
                cost_usd=add(priced) if priced else None,
            )
        ]
