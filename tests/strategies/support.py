"""A small world for strategies: rows as a log would hold them, prices of the tests' own, and what a scenario makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from llmcost.ingest.run import ingest
from llmcost.pricing.catalogue import Catalogue, load
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.replay import Replaying
from llmcost.results.scenario import BoundScenario, BoundStep, bind
from llmcost.results.stage import Engine, compiled
from llmcost.usage.store import Store
from llmcost.workload.contract import Rewritten, Workload
from tests.pricing.support import instant

NOW = instant("2026-11-23T00:00:00Z")
STARTED = instant("2026-10-01T00:00:00Z")

_HEAD = 'url = "https://example.com"\nprovider = '
_END = 'source = "test"\nchecked = 2026-11-23\nconfidence = "user"\n'


def _price(rates: str, more: str = "", start: str = "2025-01-01") -> str:
    return f"[[model.price]]\nfrom = {start}\nrates = {{ {rates} }}\n{_END}{more}\n"


_LONG = "[[model.price.tier]]\nfrom_input_tokens = 200001\nrates = { input = 4, output = 12 }"
_AUDIO = "audio_input = 20, cache_read_audio = 1, audio_output = 40"
_CACHE = '[[model.cache]]\nfrom = 2025-01-01\nmode = "{mode}"\nmin_tokens = 16\n{more}source = "test"\nchecked = 2026-11-23\n'
PRICES: Mapping[str, str] = {
    "openai": _HEAD
    + '"openai"\nbatch = { max_requests = 3, window_seconds = 86400, source = "test", checked = 2026-11-23 }\n'
    + '[[model]]\nid = "big"\naliases = ["big-2026"]\ncontext_window = 1000000\n'
    + _CACHE.format(mode="implicit", more="")
    + _price(f"input = 2, output = 8, cache_read = 0.5, {_AUDIO}", _LONG)
    + _price(f"input = 3, output = 9, cache_read = 0.75, {_AUDIO}", start="2026-10-15")
    + _price("input = 1, output = 4", 'service = "batch"')
    + _price("input = 1.2, output = 4.8, cache_read = 0.3", 'service = "flex"\n' + _LONG)
    + _price("input = 4, output = 16, cache_read = 1", 'service = "priority"')
    + '[[model]]\nid = "small"\ncontext_window = 128000\ntokenizer_factor = 1.25\n'
    + _price("input = 0.1, output = 0.4")
    + _price("input = 0.05, output = 0.2", 'service = "batch"\nto = 2026-10-20')
    + '[[model]]\nid = "sandbox"\noperation = "tool"\n'
    + f"[[model.price]]\nfrom = 2025-01-01\nper_unit = {{ code_session = 0.03 }}\n{_END}"
    + '[[model]]\nid = "vectors"\noperation = "embeddings"\n'
    + _price("input = 0.02"),
    "anthropic": _HEAD
    + '"anthropic"\n[[model]]\nid = "opus"\ncontext_window = 200000\ntokenizer_factor = 1.5\n'
    + _CACHE.format(
        mode="explicit", more='write_class = "cache_write_5m"\nlong_ttl_seconds = 3600\nscope = "project"\n'
    )
    + _price("input = 3, output = 15, cache_read = 0.3, cache_write_5m = 3.75, cache_write_1h = 6")
    + _price(
        "input = 1.5, output = 7.5, cache_read = 0.15, cache_write_5m = 1.875, cache_write_1h = 3", 'service = "batch"'
    ),
}


def catalogue(folder: Path, prices: Mapping[str, str] = PRICES) -> Catalogue:
    """A catalogue of a few made-up models with every kind of entry."""
    for provider, text in prices.items():
        (folder / f"{provider}.toml").write_text(text, encoding="utf-8")
    return load(folder=folder, now=NOW)


@dataclass
class World:
    """A store with a log in it, and the catalogue."""

    store: Store
    book: Catalogue

    def result(self, *scenarios: BoundScenario, **options: Any) -> Result:
        return Replaying(self.store, self.book, ReplayOptions(now=NOW, **options)).run(scenarios)

    def chain(self, steps: Sequence[BoundStep], **options: Any) -> Chain:
        """What every step of a scenario gives."""
        replay = Replaying(self.store, self.book, ReplayOptions(now=NOW, **options))
        scenario = BoundScenario("case", tuple(steps))
        base = Workload(replay.engine.view(replay._base(replay._columns([scenario]))))
        links = replay._links(scenario, base)
        return Chain(replay.engine, base, [link.rewritten for link in links])


@dataclass
class Chain:
    """The states of one scenario."""

    engine: Engine
    base: Workload
    rewritten: list[Rewritten]

    def rows(self, workload: Workload) -> list[dict[str, Any]]:
        """The rows of a state with the name of their model, in a stable order."""
        found: list[dict[str, Any]] = self.engine.store.arrow(compiled(workload.rows)).to_pylist()
        ids = dict(self.engine.store.rows("SELECT row_id, request_id FROM usage"))
        for row in found:
            row["request_id"] = ids[row["row_id"]]
            model = self.engine.names[row["model"]][2]
            row["model"] = model.key if model is not None else self.engine.names[row["model"]][1]
            row["weight"] = workload.branches.weight(row["branch"]).count
        return sorted(found, key=lambda row: (row["request_id"] or "", row["row_id"], row["branch"]))


@contextmanager
def world(
    folder: Path, rows: Sequence[Mapping[str, Any]], book: Catalogue | None = None, *more: Sequence[Mapping[str, Any]]
) -> Iterator[World]:
    """A temporary store that holds ``rows`` (usage columns), ingested from one file, and ``more`` files after it."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, part in enumerate((rows, *more)):
        path = folder / f"log{number}.jsonl"
        path.write_text("".join(json.dumps(_plain(row)) + "\n" for row in part), encoding="utf-8")
        paths.append(str(path))
    with Store(threads=1) as store:
        ingest(store, [path for path in paths if Path(path).stat().st_size])
        yield World(store, book or catalogue(folder))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items() if v is not None}


def step(name: str, **parameters: Any) -> BoundStep:
    return bind(name, parameters)


def scenario(*steps: BoundStep, name: str = "case") -> BoundScenario:
    return BoundScenario(name, steps)
