"""Measures replays of stored requests: each scenario beside its SQL, and beside a loop over price libraries."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from benchmarks import sql
from benchmarks.loops import SAMPLE_ROWS, Loop, loops
from benchmarks.measure import timed
from benchmarks.scenarios import COMPOSED, Case, singles
from llmcost.errors import LlmcostError
from llmcost.pricing.catalogue import Catalogue, load
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.replay import replay
from llmcost.usage.store import Store

NOW: Final = 1_795_305_600_000_000
"""2026-11-22: the instant of "today's" prices, so that the figures do not change with the day."""


class _Bench:
    def __init__(self, store: Store, folder: Path, rows: int, repeat: int) -> None:
        self.store, self.rows, self.repeat, self.catalogue = store, rows, repeat, load(now=NOW)
        sql.setup(store, self.catalogue, list(sql.MODELS), NOW)
        self.loops = loops(store, folder)

    def replayed(self, cases: Sequence[Case]) -> Result:
        return replay(self.store, self.catalogue, [case.bound() for case in cases], ReplayOptions(now=NOW))

    def line(self, case: Case) -> dict[str, Any]:
        """One case measured; a strategy that is missing or fails is said, not hidden."""
        if missing := case.missing():
            return {"name": case.name, "skipped": f"no strategy {missing}"}
        try:
            took, result = timed(lambda: self.replayed([case]), self.repeat)
        except LlmcostError as error:
            return {"name": case.name, "skipped": str(error).splitlines()[0]}
        query = sql.scenario(self.catalogue, case.name, case.steps)
        line: dict[str, Any] = {
            "name": case.name, "wall": took.wall, "cpu": took.cpu, "sql_wall": None, "ratio": None, "money": "no SQL",
            "baseline_usd": str(result.baseline.cost_usd), "cost_usd": str(result.scenarios[0].cost_usd),
            "faster_than": self.faster_than(took.wall, 2),
        }  # fmt: skip
        if query is not None:
            by_hand, costs = timed(lambda: self._by_hand(self.catalogue, query), self.repeat)
            agree = costs == (result.baseline.cost_usd, result.scenarios[0].cost_usd)
            line |= {
                "sql_wall": by_hand.wall,
                "ratio": took.over(by_hand),
                "money": "agrees" if agree else f"DIFFERS: {costs[1]}",
            }
        return line

    def _by_hand(self, catalogue: Catalogue, query: sql.Query) -> tuple[Decimal, Decimal]:
        return sql.cost(self.store, sql.Query(catalogue, "")), sql.cost(self.store, query)

    def faster_than(self, wall: float, prices: int) -> dict[str, float]:
        """How many times as long a loop takes that asks for ``prices`` prices of every request."""
        return {
            name: loop.each * self.rows * prices / wall for name, loop in self.loops.items() if isinstance(loop, Loop)
        }


def measure(path: Path, rows: int, repeat: int, more: dict[str, Any]) -> dict[str, Any]:
    """Every single strategy and the ten composed scenarios, one by one and all ten in one replay."""
    with Store(path) as store:
        bench = _Bench(store, path.parent, rows, repeat)
        bench.replayed([])  # first use loads prices and compiles
        took, _ = timed(lambda: bench.replayed([]), repeat)
        more["baseline alone"] = {"figure": _faster(f"{took.wall:.2f} s", bench.faster_than(took.wall, 1))}
        lines = {
            "singles": [bench.line(case) for case in singles()],
            "composed": [bench.line(case) for case in COMPOSED],
        }
        ready = [case for case in COMPOSED if not case.missing()]
        together, _ = timed(lambda: bench.replayed(ready), 1)
        said = f"{together.wall:.2f} s, {together.cpu:.1f} s of processor"
        more[f"{len(ready)} composed scenarios in one replay"] = {
            "figure": _faster(said, bench.faster_than(together.wall, 1 + len(ready))),
            "aim": "single-digit seconds at 10 million",
        }
        for name, loop in bench.loops.items():
            told = str(loop)
            if isinstance(loop, Loop):
                told = f"{loop.each * 1e6:,.0f} us a price: {loop.each * rows:,.0f} s to price every request once"
                told += f" ({name} {loop.version}, from {SAMPLE_ROWS:,})"
            more[f"a Python loop over {name}"] = {"figure": told}
    return lines


def _faster(figure: str, times: dict[str, float]) -> str:
    return ", ".join([figure, *(f"{value:,.0f}x faster than {name}" for name, value in times.items())])
