"""No input breaks the reading of files: no traceback, no hang, no lost record. See scripts/fuzz."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcost.errors import LlmcostError
from llmcost.ingest.run import ingest
from llmcost.records import Sample
from llmcost.records.files import Stdin, sample
from llmcost.sources import SOURCES
from llmcost.usage.store import Store
from scripts.fuzz import drive
from scripts.fuzz.drive import BrokenPromiseError, Failure, Read, outcome_of
from scripts.fuzz.minimise import minimised
from scripts.fuzz.mutate import mutate
from scripts.fuzz.records import spoil_json
from scripts.fuzz.run import Found, corpus, fuzz, mapping_of_cases
from scripts.fuzz.seed import Seed
from tests.ingest.support import balanced
from tests.support import ROOT

STOCK = corpus(real=False)
SEEDS = [seed for name in sorted(STOCK) for seed in STOCK[name]]
MAPPING = mapping_of_cases()
REGRESSIONS = sorted((ROOT / "tests" / "cases" / "fuzz").iterdir())
EACH = 40
ALL_INPUTS = 200_000
GUIDED = 40_000


def no_faults(*all_found: Found) -> None:
    faults = [fault for found in all_found for fault in found.failures.values()]
    assert not faults, "\n\n".join(f"{fault.source} {fault.data[:2000]!r}\n{fault.told}" for fault in faults)


def test_every_source_has_seeds_that_it_reads() -> None:
    for name, seeds in STOCK.items():
        assert any(
            isinstance(got := outcome_of(seed.data, name, seed.name, MAPPING), Read) and got.rows for seed in seeds
        ), name


def test_a_few_thousand_inputs_over_all_sources() -> None:
    found = fuzz(EACH * len(STOCK), seed=0)
    no_faults(found)
    assert set(found.inputs.values()) == {EACH}
    assert found.rows.total() > found.inputs.total() / 3, "most inputs should get as far as a row"


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.name)
def test_what_once_broke_is_read(path: Path) -> None:
    source = path.name.partition(".")[0]
    got = outcome_of(path.read_bytes(), source, path.name, MAPPING)
    assert not isinstance(got, Failure), got.told


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(st.sampled_from(SEEDS), st.randoms(use_true_random=False))
def test_hypothesis_finds_no_file_that_breaks(seed: Seed, random: Random) -> None:
    got = outcome_of(mutate(seed, random, SEEDS), seed.source, seed.name, MAPPING)
    assert not isinstance(got, Failure), got.told


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(VALUES, min_size=1, max_size=4), st.sampled_from(sorted(STOCK)))
def test_hypothesis_finds_no_record_that_breaks(values: list[Any], name: str) -> None:
    import json

    got = outcome_of("\n".join(json.dumps(value) for value in values).encode(), name, mapping=MAPPING)
    assert not isinstance(got, Failure), got.told


def test_mutated_files_are_accounted_for_in_a_store(tmp_path: Path) -> None:
    """The whole way: several hundred odd files in one ingest, whose account says what the readings said."""
    read: Counter[str] = Counter()
    for number in range(4 * len(STOCK)):
        rng = Random(f"store:{number}")
        seed = rng.choice(STOCK[sorted(STOCK)[number % len(STOCK)]])
        data = mutate(seed, rng, SEEDS)
        path = tmp_path / f"{number:04}-{Path(seed.name).name}"
        if _known(data, path.name):
            path.write_bytes(data)
            got = outcome_of(data, None, str(path))
            assert isinstance(got, Read)
            read[str(path)] = got.read
    with Store() as store:
        summary = balanced(ingest(store, [str(tmp_path)]))
    assert len(read) > len(STOCK)
    assert {file.name: file.read for file in summary.files if not file.known} == {
        file.name: read[file.name] for file in summary.files if not file.known
    }
    assert summary.ingested > len(read)


def _known(data: bytes, name: str) -> bool:
    import io

    from llmcost.ingest.recognise import recognise

    found = sample(Stdin(io.BytesIO(data), name=name))
    try:
        return isinstance(found, Sample) and recognise(found) is not None
    except LlmcostError:
        return False


def test_a_source_that_loses_a_record_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness itself: silent, raising, slow and wrongly typed readings are all failures."""
    from dataclasses import replace

    seed = STOCK["openai-chat"][0]
    source = SOURCES.load("openai-chat")
    assert source.read is not None
    good = source.read

    def lost(record: Any, context: Any) -> Any:
        return good(record, context) if record.line > 1 else []

    def raising(record: Any, context: Any) -> Any:
        raise KeyError("usage")

    def endless(record: Any, context: Any) -> Any:
        while True:
            pass

    monkeypatch.setattr(drive, "LIMIT_S", 0.2)
    for broken, what in ((lost, BrokenPromiseError.__name__), (raising, "KeyError"), (endless, "out of time")):
        monkeypatch.setattr(SOURCES, "load", lambda _, b=broken: replace(source, read=b))
        got = outcome_of(seed.data, "openai-chat")
        assert isinstance(got, Failure)
        assert got.what == what


def test_a_failing_input_is_made_small() -> None:
    data = b"".join(b'{"a": %d}\n' % n for n in range(200))
    assert minimised(data, lambda kept: b"77" in kept) == b"77"


def test_the_same_numbers_draw_the_same_inputs() -> None:
    seed = SEEDS[5]
    assert mutate(seed, Random("a"), SEEDS) == mutate(seed, Random("a"), SEEDS)
    assert len({mutate(seed, Random(n), SEEDS) for n in range(50)}) > 40
    value = {"a": [1, {"b": "c"}]}
    spoil_json(value, Random(1))
    assert value == {"a": [1, {"b": "c"}]}, "the seed itself is never changed"


def _guided(folder: Path, runs: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.fuzz.guided", f"-runs={runs}", "-seed=7", f"-artifact_prefix={folder}/", str(folder / "corpus")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_two_hundred_thousand_inputs(tmp_path: Path) -> None:
    """Two processes draw inputs, real samples among the seeds where there are any; then one follows coverage, where atheris is."""
    guided = GUIDED if find_spec("atheris") else 0
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        each = (ALL_INPUTS - guided) // 2
        drawn = [pool.apply_async(fuzz, (each, seed), {"real": True}) for seed in (101, 102)]
        process = _guided(tmp_path, guided) if guided else None
        told = process.communicate()[1] if process else ""
        found = [one.get() for one in drawn]
    if process and process.returncode:
        print(told[-6000:])  # noqa: T201 - what the third process found, beside what the others did
    no_faults(*found)
    for one in found:
        assert min(one.inputs[name] for name in STOCK) >= each // len(STOCK)
    assert process is None or process.returncode == 0, told[-6000:]
    assert not guided or f"Done {guided} runs" in told
    assert sum(one.inputs.total() for one in found) + guided == ALL_INPUTS
