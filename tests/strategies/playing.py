"""A small log on a stage with the shipped prices: ingest rows, run steps, look at every row that comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import ibis.expr.types as ir

from llmcost.ingest.run import ingest
from llmcost.pricing.catalogue import Catalogue, load
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.replay import Replaying, replay
from llmcost.results.scenario import BoundScenario, bind
from llmcost.usage.store import Store
from llmcost.workload.contract import Rewritten, Workload
from llmcost.workload.prefixes import LATENCY_READS, READS
from tests.strategies.support import NOW, STARTED

SECOND: Final = 1_000_000
Row = Mapping[str, Any]
Step = tuple[str, Mapping[str, Any]]


@cache
def shipped() -> Catalogue:
    """The catalogue that comes with llmcost."""
    return load(now=NOW)


def after(seconds: float) -> int:
    """The instant so many seconds into the tests' month."""
    return STARTED + round(seconds * SECOND)


def scenario(*steps: Step, name: str = "it", **more: Any) -> BoundScenario:
    return BoundScenario(name, tuple(bind(strategy, parameters) for strategy, parameters in steps), **more)


class Log:
    """A temporary store that holds some files of usage rows."""

    def __init__(self, folder: Path, *files: Sequence[Row], book: Catalogue | None = None) -> None:
        self.store = Store(threads=1)
        self.book = book or shipped()
        folder.mkdir(parents=True, exist_ok=True)
        for number, rows in enumerate(files):
            path = folder / f"part{number}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            ingest(self.store, [str(path)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    def replay(self, *scenarios: BoundScenario, **changes: Any) -> Result:
        return replay(self.store, self.book, scenarios, ReplayOptions(now=NOW, **{"dimensions": (), **changes}))

    def playing(self, *steps: Step, columns: Sequence[str] = (), **changes: Any) -> Playing:
        # Steps only see the columns that somebody asks for.
        options = ReplayOptions(now=NOW, **{"dimensions": ("request_id", *columns), **changes})
        return Playing(self, scenario(*steps), options)

    def rows(self, *steps: Step, columns: Sequence[str] = (), **changes: Any) -> dict[str, dict[str, Any]]:
        """Every row after the steps by request_id; branches of a split row have their number behind ``#``."""
        with self.playing(*steps, columns=columns, **changes) as playing:
            return playing.rows()


class Playing:
    """The engine with a log's rows before and after the steps of one scenario."""

    def __init__(self, log: Log, bound: BoundScenario, options: ReplayOptions) -> None:
        self._replay = Replaying(log.store, log.book, options)
        named = {*READS, *LATENCY_READS, *self._replay._columns([bound])}
        self.present = self._replay.present
        self.base = Workload(self._replay.engine.view(self._replay._base(sorted(named))))
        self.steps: list[Rewritten] = [link.rewritten for link in self._replay._links(bound, self.base)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._replay.engine.close()

    def answers(self, expression: ir.Table) -> list[dict[str, Any]]:
        return self._replay.engine.rows(expression)

    def rows(self) -> dict[str, dict[str, Any]]:
        models = self._replay.engine.models
        found = {}
        for row in self.answers((self.steps[-1].workload if self.steps else self.base).rows):
            known = models[row["model"]] if row["model"] is not None else None
            row["model"] = known.key if known else None
            found[row["request_id"] + (f"#{row['branch']}" if row["branch"] else "")] = row
        return found
