"""Draws inputs for every source in turn, reads them, and keeps one minimised input of each fault."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from scripts.fuzz.corpus import real_seeds, seeds
from scripts.fuzz.drive import Failure, outcome_of
from scripts.fuzz.minimise import minimised
from scripts.fuzz.mutate import mutate
from scripts.fuzz.seed import Seed
from tests.sources.cases import _options, case_file


@dataclass
class Found:
    """What a run did: inputs by source, seconds, and the faults."""

    inputs: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    """Inputs that gave a row, by source: how deep the fuzzing goes."""
    failures: dict[tuple[str, str], Failure] = field(default_factory=dict)
    times: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: float = 0.0


def corpus(*, real: bool) -> dict[str, list[Seed]]:
    """Seeds by source; with ``real`` those of real samples too, where the machine has them."""
    found = seeds()
    folder = Path(os.environ.get("LLMCOST_SHARED_DATA") or "-") / "formats"
    if real and folder.is_dir():
        for seed in real_seeds(folder):
            found[seed.source].append(seed)
    return found


def mapping_of_cases() -> Any:
    """The mapping file that the seeds of ``mapping`` are read by."""
    return _options(case_file("mapping")).get("mapping")


def fuzz(
    number: int,
    seed: int,
    sources: Sequence[str] = (),
    *,
    real: bool = False,
    tell: Callable[[int], None] = lambda _: None,
) -> Found:
    """Reads ``number`` inputs, the sources in turn. The same numbers draw the same inputs."""
    stock = corpus(real=real)
    names = [name for name in stock if stock[name] and (not sources or name in sources)]
    everything = [one for name in stock for one in stock[name]]
    mapping, found, began = mapping_of_cases(), Found(), time.monotonic()
    for at in range(number):
        name = names[at % len(names)]
        rng = Random(f"{seed}:{at}")
        chosen = rng.choice(stock[name])
        data = mutate(chosen, rng, everything)
        found.inputs[name] += 1
        failure = outcome_of(data, name, chosen.name, mapping)
        if not isinstance(failure, Failure):
            found.rows[name] += failure.rows > 0
        else:
            place = (failure.what, failure.where)
            found.times[place] += 1
            if place not in found.failures:
                found.failures[place] = smaller(failure, chosen.name, mapping)
        if at % 1000 == 999:
            tell(at + 1)
    found.seconds = time.monotonic() - began
    return found


def smaller(failure: Failure, name: str, mapping: Any) -> Failure:
    """The failure with a smaller input that fails in the same way at the same place."""

    def same(data: bytes) -> bool:
        again = outcome_of(data, failure.source, name, mapping)
        return isinstance(again, Failure) and (again.what, again.where) == (failure.what, failure.where)

    if failure.what == "out of time":
        return failure
    again = outcome_of(minimised(failure.data, same), failure.source, name, mapping)
    return again if isinstance(again, Failure) else failure
