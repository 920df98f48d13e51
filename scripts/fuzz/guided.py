"""Fuzzing guided by coverage: atheris keeps the inputs that reach new lines of the sources and mutates them further.

``python -m scripts.fuzz.guided -runs=N FOLDER`` with the options of libFuzzer. The first byte of an input names the source that
reads it, the rest is a file; it is mutated by the same mutators as everywhere else, and by libFuzzer's own. Run as a
process of its own: libFuzzer ends it.
"""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

import atheris

# What is not instrumented cannot guide: the sources, and all that reads values and cuts files for them.
with atheris.instrument_imports(
    include=["llmcost.records", "llmcost.sources", "llmcost.ingest.recognise", "llmcost.ingest.rows"]
):
    from llmcost.records import Problem
    from llmcost.records.files import Stdin, sample
    from llmcost.sources import SOURCES

    LOADED: Final = [name for name, _ in SOURCES]

from scripts.fuzz.drive import BrokenPromiseError, Failure, outcome_of
from scripts.fuzz.mutate import LARGEST, mutate
from scripts.fuzz.run import corpus, mapping_of_cases
from scripts.fuzz.seed import Seed

STOCK: Final = corpus(real=False)
ALL: Final = [seed for name in LOADED for seed in STOCK[name]]
MAPPING: Final = mapping_of_cases()
OWN_SHARE: Final = 0.8


def write_corpus(folder: Path) -> int:
    """Writes every seed as an input; gives their number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(ALL):
        (folder / f"{number:04}-{seed.source}").write_bytes(bytes([LOADED.index(seed.source)]) + seed.data)
    return len(ALL)


def one_input(data: bytes) -> None:
    """Reads an input; raises what went wrong, which makes it a crash that libFuzzer keeps."""
    found = outcome_of(data[1:], LOADED[data[0] % len(LOADED)], mapping=MAPPING) if data else None
    if isinstance(found, Failure):
        raise BrokenPromiseError(f"{found.what} at {found.where}\n{found.told}")


def spoilt(data: bytes, max_size: int, seed: int) -> bytes:
    """The next input made of one: mostly by our mutators, which know records, else by libFuzzer's, which know bytes."""
    rng = Random(seed)
    if len(data) < 2 or rng.random() > OWN_SHARE:
        return bytes(atheris.Mutate(data, max_size))
    name = LOADED[data[0] % len(LOADED)]
    changed = mutate(_seed_of(name, data[1:]), rng, ALL)
    return bytes([data[0] if rng.random() < 0.95 else rng.randrange(len(LOADED))]) + changed[: max_size - 1]


def _seed_of(name: str, data: bytes) -> Seed:
    found = sample(Stdin(io.BytesIO(data)))
    if isinstance(found, Problem):
        return Seed(name, "fuzz", "text", data)
    if found.form == "parquet":
        return replace(Seed(name, "fuzz", "parquet", data), rows=())
    return Seed(name, "fuzz", found.form, data)


def main() -> None:
    """Writes the seeds into the folder that is named last, and fuzzes on from there."""
    write_corpus(Path(sys.argv[-1]))
    atheris.Setup(
        [*sys.argv[:-1], f"-max_len={LARGEST // 4}", "-timeout=60", "-rss_limit_mb=4096", sys.argv[-1]],
        one_input,
        custom_mutator=spoilt,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
