"""Any order of ingest gives the same store, and ingesting again changes nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcost.ingest.run import IngestOptions, ingest
from llmcost.usage.digest import store_digest
from llmcost.usage.store import Store
from tests.ingest.support import ROWS, balanced, filled, memberships, write

SMALL = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
COUNTS = st.sampled_from([None, 0, 1, 7, 500])
REQUESTS = st.fixed_dictionaries(
    {
        "provider_name": st.sampled_from(["openai", "anthropic"]),
        "request_model": st.sampled_from(["gpt-5-mini", "gpt-5"]),
    },
    optional={
        "request_id": st.sampled_from(["a", "b", "c"]),
        "started_at": st.sampled_from([f"2026-10-0{day}T00:00:00Z" for day in (1, 2, 3)]),
        "input_tokens": COUNTS,
        "output_tokens": COUNTS,
        "cache_read_input_tokens": st.sampled_from([0, 3, 400]),
        "status": st.sampled_from(["ok", "error", "partial"]),
        "feature": st.sampled_from(["x", "y"]),
        "user_id": st.sampled_from(["u1", "u2"]),
    },
)
BUCKETS = st.fixed_dictionaries(
    {
        "provider_name": st.just("openai"),
        "request_model": st.sampled_from(["gpt-5-mini", "gpt-5"]),
        "started_at": st.sampled_from(["2026-10-01T00:00:00Z", "2026-10-02T00:00:00Z"]),
        "ended_at": st.sampled_from(["2026-10-03T00:00:00Z", "2026-10-04T00:00:00Z"]),
        "requests": st.sampled_from([1, 5, 9]),
        "input_tokens": COUNTS,
        "output_tokens": COUNTS,
    },
    optional={"project": st.sampled_from(["p", "q"])},
)
FILES = st.lists(st.lists(REQUESTS | BUCKETS, min_size=1, max_size=6), min_size=1, max_size=4)


@contextmanager
def written(contents: list[list[dict[str, Any]]]) -> Iterator[list[Path]]:
    """The contents as files; equal contents are one file's bytes."""
    with tempfile.TemporaryDirectory() as folder:
        yield [write(Path(folder, f"{number}.jsonl"), rows) for number, rows in enumerate(contents)]


@SMALL
@given(FILES, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_files_decides_nothing(contents: list[list[dict[str, Any]]], random: Any, at_once: bool) -> None:
    with written(contents) as files:
        shuffled = [*files]
        random.shuffle(shuffled)
        assert filled(files) == filled(shuffled, at_once=at_once)


@SMALL
@given(FILES)
def test_twice_is_once(contents: list[list[dict[str, Any]]]) -> None:
    with written(contents) as files, Store() as store:
        paths = [str(file) for file in files]
        ingest(store, paths, ROWS)
        before = store_digest(store) + memberships(store)
        again = balanced(ingest(store, paths, ROWS))
        assert (again.ingested, again.superseded, again.replaced) == (0, 0, 0)
        assert store_digest(store) + memberships(store) == before


@SMALL
@given(st.lists(REQUESTS | BUCKETS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_lines_decides_nothing(rows: list[dict[str, Any]], random: Any) -> None:
    shuffled = [*rows]
    random.shuffle(shuffled)
    with written([rows, shuffled]) as (one, other), Store() as first, Store() as second:
        ingest(first, [str(one)], ROWS)
        ingest(second, [str(other)], ROWS)
        assert store_digest(first) == store_digest(second)


@SMALL
@given(FILES, st.sampled_from(["keep", "reject"]), st.sampled_from(["keep", "hash", "drop"]))
def test_every_policy_accounts_for_every_record(contents: list[list[dict[str, Any]]], policy: Any, owners: Any) -> None:
    bad = {"provider_name": "openai", "request_model": "gpt-5", "input_tokens": 5, "cache_read_input_tokens": 9}
    bad |= {"cache_creation_input_tokens": 90, "output_tokens": 1, "reasoning_output_tokens": 2}
    options = IngestOptions("usage-rows", on_problem=policy, owners=owners)
    ok = {"provider_name": "openai", "request_model": "gpt-5", "input_tokens": 5}
    with written([[*rows, bad, ok] for rows in contents]) as files:
        first = filled(files, options=options)
        assert first == filled(files[::-1], at_once=False, options=options)


def test_a_digest_sees_every_column(tmp_path: Path) -> None:
    row = {"request_id": "a", "provider_name": "openai", "request_model": "gpt-5", "input_tokens": 5}
    plain = filled([write(tmp_path / "a.jsonl", [row])])
    for name, value in {"feature": "x", "output_tokens": 0, "temperature": 0.5, "tags": {"a": "b"}}.items():
        assert filled([write(tmp_path / "a.jsonl", [row | {name: value}])]) != plain


@pytest.mark.parametrize("at_once", [True, False])
def test_the_best_version_of_a_stream_wins(tmp_path: Path, *, at_once: bool) -> None:
    base = {"request_id": "a", "provider_name": "anthropic", "request_model": "claude-sonnet-4", "input_tokens": 50}
    early = {**base, "output_tokens": 1, "started_at": "2026-10-01T00:00:00Z"}
    late = {**base, "output_tokens": 90, "started_at": "2026-10-01T00:00:09Z"}
    files = [write(tmp_path / "1.jsonl", [late]), write(tmp_path / "2.jsonl", [early])]
    for order in (files, files[::-1]):
        with Store() as store:
            for group in [order] if at_once else [[file] for file in order]:
                ingest(store, [str(file) for file in group])
            assert store.rows("SELECT output_tokens, started_at FROM usage") == [(90, 1790812800000000)]


def test_a_later_export_of_an_open_day_replaces_the_earlier(tmp_path: Path) -> None:
    bucket = {
        "provider_name": "openai", "request_model": "gpt-5", "started_at": "2026-10-01T00:00:00Z",
        "ended_at": "2026-10-02T00:00:00Z", "input_tokens": 100, "output_tokens": 10, "requests": 2,
    }  # fmt: skip
    whole = bucket | {"input_tokens": 900, "output_tokens": 90, "requests": 20}
    with Store() as store:
        ingest(store, [str(write(tmp_path / "noon.jsonl", [bucket]))])
        summary = balanced(ingest(store, [str(write(tmp_path / "night.jsonl", [whole]))]))
        assert (summary.ingested, summary.replaced) == (1, 1)
        assert store.rows("SELECT requests, input_tokens FROM usage") == [(20, 900)]


def test_calls_without_an_id_are_counted_as_often_as_they_occur(tmp_path: Path) -> None:
    row = {"provider_name": "openai", "request_model": "gpt-5", "input_tokens": 5, "started_at": "2026-10-01T00:00:00Z"}
    three, two = write(tmp_path / "3.jsonl", [row] * 3), write(tmp_path / "2.jsonl", [row] * 2)
    with Store() as store:
        assert balanced(ingest(store, [str(two)])).ingested == 2
        summary = balanced(ingest(store, [str(three)]))
        assert (summary.ingested, summary.duplicates) == (1, 2)
        assert store.value("SELECT count(*) FROM usage") == 3


def test_a_copy_in_the_same_ingest_counts_once(tmp_path: Path) -> None:
    rows = [{"provider_name": "openai", "request_model": "gpt-5", "input_tokens": n} for n in (5, 5, -1)]
    files = [write(tmp_path / name, rows) for name in ("a.jsonl", "copy.jsonl")]
    with Store() as store:
        summary = balanced(ingest(store, [str(file) for file in files]))
        assert (summary.read, summary.ingested, summary.duplicates, summary.rejected) == (6, 2, 2, 2)
        assert store.value("SELECT count(*) FROM usage") == 2
