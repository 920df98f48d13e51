"""A small log on a stage: ingest rows, run steps, look at every row that comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import ibis.expr.types as ir

from llmcost.ingest.run import ingest
from llmcost.pricing.catalogue import Catalogue, load
from llmcost.pricing.entries import micros, moment
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.replay import _Replay, replay
from llmcost.results.scenario import BoundScenario, bind
from llmcost.results.waterfall import Link
from llmcost.usage.store import Store
from llmcost.workload.contract import Workload
from llmcost.workload.prefixes import LATENCY_READS, READS

NOW: Final = 1_795_392_000_000_000
"""2026-11-23 00:00 UTC."""
START: Final = 1_793_491_200_000_000
"""2026-11-01 00:00 UTC."""
Row = Mapping[str, Any]
Step = tuple[str, Mapping[str, Any]]


@cache
def shipped() -> Catalogue:
    """The catalogue that comes with llmcost, as of NOW."""
    return load(now=NOW)


def options(**changes: Any) -> ReplayOptions:
    return ReplayOptions(**{"now": NOW, "extrapolate": True, "dimensions": (), **changes})


def scenario(*steps: Step, name: str = "it", **more: Any) -> BoundScenario:
    return BoundScenario(name, tuple(bind(strategy, parameters) for strategy, parameters in steps), **more)


class Log:
    """A temporary store that holds some files of usage rows."""

    def __init__(self, folder: Path, *files: Sequence[Row], catalogue: Catalogue | None = None) -> None:
        self.store = Store(threads=1)
        self.catalogue = catalogue or shipped()
        self.files = 0
        for rows in files:
            self.add(folder, rows)

    def add(self, folder: Path, rows: Sequence[Row]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"part{self.files}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        self.files += 1
        ingest(self.store, [str(path)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    def replay(self, *scenarios: BoundScenario, **changes: Any) -> Result:
        return replay(self.store, self.catalogue, scenarios, options(**changes))

    def playing(self, *steps: Step, name: str = "it", columns: Sequence[str] = (), **changes: Any) -> Playing:
        return Playing(self, scenario(*steps, name=name), columns, options(**changes))

    def rows(self, *steps: Step, columns: Sequence[str] = (), **changes: Any) -> dict[str, dict[str, Any]]:
        """Every row after the steps by request_id; a row that was split has its branches after ``#``."""
        with self.playing(*steps, columns=columns, **changes) as playing:
            return playing.rows()


class Playing:
    """The engine with the log's rows before and after the steps of one scenario."""

    def __init__(self, log: Log, bound: BoundScenario, columns: Sequence[str], options: ReplayOptions) -> None:
        self._replay = _Replay(log.store, log.catalogue, options)
        named = {"request_id", *columns, *READS, *LATENCY_READS, *self._replay._columns([bound])}
        self.base = Workload(self._replay.engine.view(self._replay._base(sorted(named))))
        self.links: list[Link] = self._replay._links(bound, self.base)
        self.after: Workload = self.links[-1].rewritten.workload if self.links else self.base

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._replay.engine.close()

    def answers(self, expression: ir.Table) -> list[dict[str, Any]]:
        return self._replay.engine.rows(expression)

    def rows(self, workload: Workload | None = None) -> dict[str, dict[str, Any]]:
        rows = (workload or self.after).rows
        found = {}
        for row in self.answers(rows):
            number = row["model"]
            known = self._replay.engine.models[number] if number is not None else None
            row["model"] = known.key if known else None
            branch = f"#{row['branch']}" if row["branch"] else ""
            found[f"{row['request_id']}{branch}"] = row
        return found


def at(seconds: float | Decimal) -> int:
    """An instant so many seconds after START."""
    return START + int(Decimal(str(seconds)) * 1_000_000)


def day(instant: str) -> int:
    return micros(moment(0).fromisoformat(instant))
