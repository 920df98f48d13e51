"""Days on which a value cost far more or less than such days do, by a robust statistic, with the rows behind them.

For each dimension value and day the baseline is the same kind of day (Monday to Friday, or weekend) among the 28 days
before that the log knows and that were no anomalies themselves; with fewer than four of them the day is not judged. With x = ln(cost + a hundredth of a median day's whole cost),

    score = (x - median(x)) / max(1.4826 * MAD(x), 0.1)

(median absolute deviation, scaled to a standard deviation; Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993,
take 3.5 as the limit, which is taken here). Where the median is nothing, the cost must be twice the largest of those days, and half a median day's whole. A day is an anomaly when its score is beyond 3.5 and its cost is off the
baseline's median by at least a tenth of a median day's whole cost. The excess is money: cost less that median, exactly.
Days of which the log has no call are unknown, not zero; a value without calls on a day of the log cost nothing that day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Any, Final

from llmcost.money import EXACT, ZERO, rounded
from llmcost.results.monthly.ledger import THIS, Dimension, Ledger
from llmcost.results.monthly.model import Anomalies, Anomaly, Behind, PriceChange
from llmcost.results.period import moment
from llmcost.results.priced import EPOCH, add

LIMIT: Final = 3.5
WINDOW: Final = 28
LEAST_ALIKE: Final = 4
LEAST: Final = 7
_SPREAD: Final = 0.1
_CANDIDATES: Final = 100
_SHOWN: Final = 40
_BEHIND: Final = 2
METHOD: Final = (
    "A day stands out if its cost is over 3.5 usual deviations (the score) from the median of the same kind of day, working "
    "day or weekend, in the 28 days before, and off by at least a tenth of a usual day's whole cost; deviations are of the "
    "logarithm, by the median absolute deviation"
)
NARROW: Final = (
    "user_id",
    "api_key_id",
    "feature",
    "project",
    "team",
    "model",
    "provider",
    "environment",
    "organization",
)
"""Dimensions from the narrowest, which is named where several tell the same."""


@dataclass(frozen=True)
class _Odd:
    """One odd day of a value."""

    day: int
    cost: Decimal
    expected: Decimal
    score: float


class Finder:
    """Looks at both months, and judges the days of the second."""

    def __init__(self, ledger: Ledger, dimensions: Sequence[Dimension], changes: Sequence[PriceChange]) -> None:
        self.ledger, self.changes = ledger, changes
        self.dimensions = dimensions
        whole = ledger.rows("day, max(slot), sum(cost)", "GROUP BY day ORDER BY day")
        self.days = [int(day) for day, _, _ in whole]
        self.judged = [int(day) for day, slot, _ in whole if slot == THIS]
        self.whole = {int(day): ledger.usd(cost) for day, _, cost in whole}
        self.usual = Decimal(median(self.whole.values())) if self.whole else ZERO

    def anomalies(self) -> Anomalies:
        """Every anomaly, the largest excess first."""
        enough = bool(self.judged) and len([d for d in self.days if d < self.judged[-1]]) >= LEAST and self.usual > 0
        if not enough:
            return Anomalies(method=METHOD, enough=False)
        found = list(self._of(None, None, self.whole))
        series = [(dimension, self._series(dimension)) for dimension in self.dimensions]
        # A value that is all of the spend says no more than the whole does.
        telling = [(dimension, costs) for dimension, costs in series if self.whole not in costs.values()]
        self.dimensions = [dimension for dimension, _ in telling]
        for dimension, values in telling:
            for value, costs in values.items():
                found += self._of(dimension, value, costs)
        found.sort(key=lambda a: (-abs(a.excess_usd), _rank(a.dimension), str(a.value), a.start))
        return Anomalies(method=METHOD, enough=True, found=_related([self._with_rows(a) for a in found[:_SHOWN]]))

    def _series(self, dimension: Dimension) -> dict[Any, dict[int, Decimal]]:
        """Cost by day of the values whose cost could be far off at all."""
        column = f'"{dimension.column}"'
        least = int((self.usual / 10).scaleb(self.ledger.scale))
        inner = f'SELECT {column} AS v, day, sum(cost) AS c FROM "{self.ledger.table}" GROUP BY ALL'
        rows = self.ledger.store.rows(
            f"WITH d AS ({inner}), top AS (SELECT v FROM d GROUP BY v HAVING max(c) >= {least} "
            f"ORDER BY max(c) DESC, v NULLS LAST LIMIT {_CANDIDATES}) "
            "SELECT d.v, d.day, d.c FROM d JOIN top ON d.v IS NOT DISTINCT FROM top.v ORDER BY d.v, d.day"
        )
        found: dict[Any, dict[int, Decimal]] = {}
        for value, day, cost in rows:
            # What names nobody is no one's habit; the whole shows it.
            if value is None:
                continue
            found.setdefault(value, {})[int(day)] = self.ledger.usd(cost)
        return found

    def _of(self, dimension: Dimension | None, value: Any, costs: dict[int, Decimal]) -> Iterable[Anomaly]:
        """Runs of odd days, one anomaly each."""
        floor = float(self.usual) / 100
        past: list[tuple[int, Decimal]] = []
        runs: list[list[_Odd]] = []
        for place, day in enumerate(self.days):
            cost = costs.get(day, ZERO)
            odd = self._odd(day, cost, past, floor) if day in set(self.judged) else None
            if odd is None:
                past.append((day, cost))
                continue
            previous = runs[-1][-1] if runs else None
            joined = previous and previous.day == self.days[place - 1] and (previous.score > 0) == (odd.score > 0)
            if joined:
                runs[-1].append(odd)
            else:
                runs.append([odd])
        name = dimension.name if dimension else "total"
        for run in runs:
            cost, expected = add(o.cost for o in run), add(o.expected for o in run)
            yield Anomaly(
                dimension=name,
                value=None if value is None else str(value),
                start=_date(run[0].day),
                end=_date(run[-1].day),
                cost_usd=cost,
                expected_usd=expected,
                excess_usd=EXACT.subtract(cost, expected),
                score=rounded(Decimal(max((o.score for o in run), key=abs)), 1),
                requests=0,
                rows=0,
                first=None,
                last=None,
            )

    def _odd(self, day: int, cost: Decimal, past: Sequence[tuple[int, Decimal]], floor: float) -> _Odd | None:
        recent = [(d, c) for d, c in past if d >= day - WINDOW]
        base = [c for d, c in recent if _weekend(d) == _weekend(day)]
        if len(base) < LEAST_ALIKE:
            return None
        logs = [math.log(float(c) + floor) for c in base]
        middle = median(logs)
        spread = max(1.4826 * median(abs(x - middle) for x in logs), _SPREAD)
        score = (math.log(float(cost) + floor) - middle) / spread
        expected = Decimal(median(base))
        if abs(score) < LIMIT or abs(cost - expected) * 10 < self.usual:
            return None
        # Who comes only now and then has no usual day: such a day must stand out among the ones with any cost.
        if not expected and (cost < 2 * max(base) or cost * 2 < self.usual):
            return None
        return _Odd(day, cost, expected, score)

    def _with_rows(self, found: Anomaly) -> Anomaly:
        """The anomaly with how many rows it has, when they were, who is behind them, and price changes of its first day."""
        where, parameters = self._where(found)
        requests, rows, first, last = self.ledger.rows(
            "sum(counted), count(*), min(started_at), max(started_at)", where, parameters
        )[0]
        behind = [b for d in self.dimensions if d.name != found.dimension for b in self._behind(found, d)]
        behind.sort(key=lambda b: (-abs(b.cost_usd - b.usual_usd), _rank(b.dimension), str(b.value)))
        models = {found.value} if found.dimension == "model" else {b.value for b in behind if b.dimension == "model"}
        since = found.start - timedelta(days=WINDOW)
        changed = [
            f"{c.model} on {c.on.isoformat()}" for c in self.changes if since < c.on <= found.end and c.model in models
        ]
        return found.model_copy(
            update={
                "requests": int(requests or 0), "rows": int(rows), "first": moment(first) if first else None,
                "last": moment(last) if last else None, "behind": behind, "price_changes": changed,
            }
        )  # fmt: skip

    def _where(self, found: Anomaly) -> tuple[str, list[Any]]:
        start, end = ((day - EPOCH).days for day in (found.start, found.end))
        where, parameters = f"WHERE day BETWEEN {start} AND {end}", []
        dimension = next((d for d in self.dimensions if d.name == found.dimension), None)
        if dimension is not None:
            where += f' AND CAST(l."{dimension.column}" AS VARCHAR) IS NOT DISTINCT FROM ?'
            parameters = [found.value]
        return where, parameters

    def _behind(self, found: Anomaly, dimension: Dimension) -> list[Behind]:
        """The values that cost most beyond their mean of such days in the four weeks before."""
        where, parameters = self._where(found)
        start, end = ((day - EPOCH).days for day in (found.start, found.end))
        number = len([d for d in self.days if start <= d <= end])
        before = len([d for d in self.days if start - WINDOW <= d < start])
        column = f'"{dimension.column}"'
        now = f"coalesce(sum(cost) FILTER (day >= {start}), 0)"
        past = f"coalesce(sum(cost) FILTER (day < {start}), 0)"
        wider = where.replace(f"BETWEEN {start} AND {end}", f"BETWEEN {start - WINDOW} AND {end}")
        off = f"{now} * {max(before, 1)} - {past} * {number}"
        sign = "DESC" if found.excess_usd > 0 else ""
        rows = self.ledger.rows(
            f"{column}, {now}, {past}, sum(counted) FILTER (day >= {start})",
            f"{wider} GROUP BY 1 ORDER BY {off} {sign}, 1 NULLS LAST LIMIT {_BEHIND}",
            parameters,
        )
        return [
            Behind(
                dimension=dimension.name,
                value=None if value is None else str(value),
                cost_usd=self.ledger.usd(cost),
                usual_usd=rounded(self.ledger.usd(usual) * number / max(before, 1), 12),
                requests=int(requests or 0),
            )
            for value, cost, usual, requests in rows
        ]


def _related(found: list[Anomaly]) -> list[Anomaly]:
    """Anomalies of the same days and sign of which a narrower one explains most are told as its part."""
    roots = sorted(found, key=lambda a: (_rank(a.dimension), -abs(a.excess_usd)))
    told = []
    for one in found:
        root = next((r for r in roots if _explains(r, one)), None)
        told.append(one if root is None else one.model_copy(update={"part_of": f"{root.dimension} {root.value}"}))
    return told


def _explains(root: Anomaly, other: Anomaly) -> bool:
    if _rank(root.dimension) >= _rank(other.dimension) or (root.excess_usd > 0) != (other.excess_usd > 0):
        return False
    days = root.start <= other.end and other.start <= root.end
    known = any((b.dimension, b.value) == (root.dimension, root.value) for b in other.behind)
    return days and known and abs(root.excess_usd) * 10 >= abs(other.excess_usd) * 7


def _rank(dimension: str) -> int:
    if dimension == "total":
        return len(NARROW) + 1
    return NARROW.index(dimension) if dimension in NARROW else len(NARROW)


def _weekend(day: int) -> bool:
    return (day + 3) % 7 >= 5


def _date(day: int) -> Any:
    return EPOCH + timedelta(days=day)
