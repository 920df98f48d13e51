"""The money of what is wrong with a log: of rows that a problem touches, and of records that came more than once.

The ingest keeps which lines a problem touched, and the counters of every version of a request or bucket that was not
charged (never a body or a key); here they are priced like any other row, at the list rates of their own day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import ibis
import ibis.expr.types as ir

from llmcost.money import EXACT, ZERO
from llmcost.pricing.grid import PRICE_KEYS
from llmcost.pricing.price import Charge
from llmcost.results.coverage import of_files
from llmcost.results.logrows import USAGE_TABLE, base_rows
from llmcost.results.model import Overlap, ProblemCount, Repeated
from llmcost.results.options import ReplayOptions
from llmcost.results.overlap import Covered
from llmcost.results.priced import Priced, add, whole
from llmcost.results.remainders import REST
from llmcost.results.twins import ALIKE
from llmcost.sources import key_text
from llmcost.usage.columns import USAGE
from llmcost.usage.ddl import REPEATED_ORIGIN
from llmcost.usage.store import Store

_LABEL: Final = "told"
_LABELS: Final = ibis.table({"row_id": "int64", _LABEL: "string"}, name="llmcost_told")
_HELD: Final = {name for name, _ in REPEATED_ORIGIN} | {c.name for c in USAGE if c.group != "key"}
_REPEATED: Final = ibis.table(
    {name: kind for name, kind in USAGE_TABLE.schema().items() if name in _HELD}, name="repeated"
)
_NO_TIME: Final = "no-time"


@dataclass(frozen=True)
class Audit:
    """Prices rows that carry a label; ``price`` selects and prices them, ``columns`` are those that both need."""

    store: Store
    options: ReplayOptions
    columns: Sequence[str]
    price: Callable[[ir.Table, tuple[str, ...]], Priced]

    def repeated(self) -> list[Repeated]:
        """Records that say again what another says, by source and by what makes them the same."""
        if not self.store.value(f"SELECT count(*) FROM repeated WHERE {of_files(self.options)}"):
            return []
        self.store.execute(
            "CREATE OR REPLACE TEMP TABLE llmcost_told AS SELECT row_id, concat(source, '\x1f', rule, '\x1f', superseded::VARCHAR) "
            f"AS {_LABEL} FROM repeated WHERE {of_files(self.options)}"
        )
        found = []
        for label, (count, cost) in self._sums(_REPEATED).items():
            source, rule, superseded = label.split("\x1f")
            key = key_text(source, rule)
            found.append(Repeated(source=source, key=key, superseded=superseded == "true", count=count, cost_usd=cost))
        return sorted(
            found, key=lambda each: (-(each.cost_usd or ZERO), -each.count, each.source, each.key, each.superseded)
        )

    def overlaps(self, covered: Covered) -> list[Overlap]:
        """Rows that other rows stand for, wholly or in part, and rows that only look so, by rule and source."""
        told = "FROM llmcost_covered UNION ALL FROM llmcost_alike"
        found = [self._overlap(*item) for item in self._told_of(told, USAGE_TABLE, covered).items()]
        if covered.part is not None and covered.rest is not None:
            rests = self._told_of(told, covered.rest, covered)
            for label, sums in self._told_of(told, covered.part, covered).items():
                found.append(
                    self._overlap(label, sums).model_copy(update={"rest_usd": rests[label][1], "partly": True})
                )
        return sorted(
            found, key=lambda each: (-(each.cost_usd or ZERO), -each.rows, each.rule, each.source, each.partly)
        )

    def _told_of(self, told: str, table: ir.Table, covered: Covered) -> dict[str, tuple[int, Decimal | None]]:
        """Sums of the rows of ``told`` by rule, source and what is charged; divided buckets only as ``table`` has them."""
        divided = f"ANTI JOIN {REST} USING (row_id)" if covered.rest is not None and table is USAGE_TABLE else ""
        self.store.execute(
            f"CREATE OR REPLACE TEMP TABLE llmcost_told AS SELECT row_id, concat(rule, '\x1f', source, '\x1f', kept) AS {_LABEL} "
            f"FROM ({told}) {divided}"
        )
        return self._sums(table)

    @staticmethod
    def _overlap(label: str, sums: tuple[int, Decimal | None]) -> Overlap:
        rule, source, kept = label.split("\x1f")
        return Overlap(rule=rule, source=source, charged=kept, left_out=rule != ALIKE, rows=sums[0], cost_usd=sums[1])

    def with_money(self, problems: Sequence[ProblemCount], baseline: Priced) -> list[ProblemCount]:
        """The problems with what the kept rows they touch cost, and the rows without a time among them."""
        costs = self._of_problems()
        known = [
            each if each.rejected else each.model_copy(update={"cost_usd": costs.get(each.kind, (0, None))[1]})
            for each in problems
        ]
        return [*known, *self._timeless(baseline)]

    def _of_problems(self) -> dict[str, tuple[int, Decimal | None]]:
        if not self.store.value(f"SELECT count(*) FROM touched WHERE {of_files(self.options)}"):
            return {}
        self.store.execute(
            f"CREATE OR REPLACE TEMP TABLE llmcost_told AS SELECT DISTINCT u.row_id, t.kind AS {_LABEL} FROM usage u JOIN touched t "
            "ON u.file_key = t.file_key AND u.line BETWEEN t.first_line AND t.last_line "
            f"WHERE {of_files(self.options, 't.file_key')}"
        )
        return self._sums(USAGE_TABLE)

    def _sums(self, table: ir.Table) -> dict[str, tuple[int, Decimal | None]]:
        """(rows, cost) by label; the cost of rows of which none has a price is unknown."""
        held = [name for name in self.columns if name in table.columns]
        rows = base_rows(held, self.options.now, None, None, table)
        schema = USAGE_TABLE.schema()
        rows = rows.mutate(**{name: ibis.null(schema[name]) for name in self.columns if name not in table.columns})
        priced = self.price(rows.join(_LABELS, "row_id"), (_LABEL,))
        found: dict[str, tuple[int, Decimal | None]] = {}
        for group in priced.groups([f"d_{_LABEL}"]):
            count, cost = found.get(str(group.dimensions[0]), (0, None))
            if isinstance(group.charge, Charge):
                cost = EXACT.add(cost or ZERO, group.charge.cost)
            found[str(group.dimensions[0])] = (count + whole(group.rows), cost)
        self.store.drop_temporary(["llmcost_told"])
        return found

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
