"""Who may write a provider's cache, how long entries live, what of the log stands, and how that is known."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from llmcost.pricing.catalogue import Catalogue
from llmcost.results.model import Step as Done
from tests.pricing.support import entry, load, write
from tests.reference.prompt_cache import Call, found_with_fixed_life
from tests.strategies.playing import SECOND, Log, Row, after, scenario
from tests.strategies.random_prompts import key_of
from tests.strategies.support import NOW

SONNET: Final[dict[str, Any]] = {"provider_name": "anthropic", "request_model": "claude-sonnet-5"}
GPT: Final[dict[str, Any]] = {"provider_name": "openai", "request_model": "gpt-4o"}
UNCACHED: Final[dict[str, Any]] = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
KEYS: Final = [1, 2, 3, 4, 5, 6, 7, 8]
UNTOLD: Final = "the log does not say what was cached"


def call(name: str, seconds: float, keys: list[int] | None = None, **more: Any) -> Row:
    row = {
        "request_id": name, "started_at": after(seconds), "input_tokens": 8000, "output_tokens": 1, "duration_ms": 1000,
        "prefix_keys": KEYS if keys is None else keys, "prefix_block_tokens": 1000, **more,
    }  # fmt: skip
    return {k: v for k, v in row.items() if v is not None}


def reads(log: Log, **parameters: Any) -> list[int | None]:
    rows = log.rows(("prompt-cache", parameters))
    return [rows[name]["cache_read_input_tokens"] for name in sorted(rows)]


def done(log: Log, *before: Any, **parameters: Any) -> Done:
    return log.replay(scenario(*before, ("prompt-cache", parameters)), extrapolate=True).scenarios[0].steps[-1]


def test_where_requests_mark_what_to_cache_others_warm_nothing(tmp_path: Path) -> None:
    rows = [call("w", 0, feature="b", **SONNET, **UNCACHED), call("x", 60, feature="a", **SONNET, **UNCACHED)]
    with Log(tmp_path, rows) as log:
        assert reads(log) == [0, 8000]
        assert reads(log, when="feature = 'a'") == [0, 0]
        assert reads(log, when="feature = 'b'") == [0, 0]
        assert done(log, when="feature = 'a'").cost_added_usd > 0
        # One of the two at most is drawn, and then it finds nothing.
        assert sum(read or 0 for read in reads(log, share="0.000001")) == 0


def test_what_the_log_shows_as_written_warms_also_what_matches(tmp_path: Path) -> None:
    wrote: dict[str, Any] = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 8000}
    rows = [call("w", 0, feature="b", **SONNET, **wrote), call("x", 60, feature="a", **SONNET, **UNCACHED)]
    with Log(tmp_path, rows) as log:
        assert reads(log, when="feature = 'a'", observed="replace") == [0, 8000]


def test_where_the_provider_caches_by_itself_all_warm_it(tmp_path: Path) -> None:
    rows = [call("w", 0, feature="b", **GPT), call("x", 60, feature="a", **GPT)]
    with Log(tmp_path, rows) as log:
        assert reads(log, when="feature = 'a'") == [None, 7936]


def test_rows_before_the_selection_warm_as_if_they_matched(tmp_path: Path) -> None:
    rows = [
        call("w", 0, feature="a", **SONNET),
        call("x", 30, feature="b", **SONNET),
        call("y", 60, feature="a", **SONNET),
    ]
    with Log(tmp_path, rows) as log:
        found = log.rows(("prompt-cache", {"when": "feature = 'a'"}), since=after(20))
    assert [found[name]["cache_read_input_tokens"] for name in "wxy"] == [None, None, 8000]


def test_files_that_are_not_replayed_warm_nothing(tmp_path: Path) -> None:
    """The store knows both; what it worked out at ingest is about both."""
    with Log(tmp_path, [call("w", 0, **SONNET)], [call("x", 60, **SONNET)]) as log:
        assert reads(log) == [0, 8000]
        keys = [key for (key,) in log.store.rows("SELECT file_key FROM usage WHERE request_id = 'x'")]
        found = log.rows(("prompt-cache", {}), file_keys=tuple(keys))
    assert {name: row["cache_read_input_tokens"] for name, row in found.items()} == {"x": 0}


@pytest.mark.parametrize("played", [{}, {"write_latency": "1s"}], ids=["as ingested", "played"])
def test_what_a_gateway_answered_reached_no_cache(tmp_path: Path, played: dict[str, Any]) -> None:
    rows = [call("a", 0, **SONNET), call("b", 240, requests=0, **SONNET), call("c", 480, **SONNET)]
    with Log(tmp_path, rows) as log:
        assert reads(log, **played) == [0, None, 0]


def test_entries_begin_at_breakpoints_only(tmp_path: Path) -> None:
    """What two prompts share is cached where one of them marked it, and nowhere else."""
    other = [1, 2, 3, 4, 15, 16, 17, 18]
    for number, (marks, found) in enumerate([([8000], 0), ([3000, 8000], 3000), ([3999, 8000], 3000), ([500], 0)]):
        rows = [
            call("a", 0, cache_breakpoints=marks, **SONNET),
            call("b", 60, other, cache_breakpoints=[8000], **SONNET),
        ]
        with Log(tmp_path / str(number), rows) as log:
            assert reads(log) == [0, found]
            assert reads(log, breakpoints="end") == [0, 4000]
            assert done(log).evidence.modelled_usd == 0
            assert done(log, breakpoints="end").evidence.measured_usd == 0


def test_caches_are_kept_apart_by_workspace_since_the_day_they_are(tmp_path: Path) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/prompt-caching: from 2026-02-05 on."""
    day = 86_400 * SECOND
    old: dict[str, Any] = {"provider_name": "anthropic", "request_model": "claude-sonnet-4-5"}
    for number, (days, found) in enumerate([(0, 0), (-300, 8000)]):
        rows = [
            {**call(name, 60 * place, project=name, **old), "started_at": after(60 * place) + days * day}
            for place, name in enumerate("ab")
        ]
        with Log(tmp_path / str(number), rows) as log:
            assert reads(log) == [0, found]


def test_a_model_that_the_log_shows_as_cached_keeps_all_its_counters(tmp_path: Path) -> None:
    """Taking the better of log and replay row by row would be better than either."""
    rows = [
        call("a", 0, **SONNET, cache_read_input_tokens=0, cache_creation_input_tokens=8000),
        call("b", 60, **SONNET, cache_read_input_tokens=0, cache_creation_input_tokens=8000),
        call(
            "c", 120, [1, 2, 3, 4, 5, 6, 17, 18], **SONNET, cache_read_input_tokens=8000, cache_creation_input_tokens=0
        ),
        call("d", 0, [21, 22], provider_name="anthropic", request_model="claude-sonnet-4-5", **UNCACHED),
        call("e", 60, [21, 22], provider_name="anthropic", request_model="claude-sonnet-4-5", **UNCACHED),
    ]
    with Log(tmp_path, rows) as log:
        assert reads(log) == [0, 0, 8000, 0, 2000]
        assert reads(log, observed="replace") == reads(log, ttl="5m") == [0, 8000, 6000, 0, 2000]


def test_what_the_log_does_not_say_is_modelled(tmp_path: Path) -> None:
    told = [call(name, 60 * place, **GPT, cache_read_input_tokens=0) for place, name in enumerate("ab")]
    untold = [call(name, 60 * place, [31, 32, 33], **GPT) for place, name in enumerate("cd")]
    with Log(tmp_path / "a", told) as log:
        kept = done(log)
    with Log(tmp_path / "b", told, untold) as log:
        assert reads(log) == [0, 0, 0, 2944]
        both = done(log)
    assert not kept.warnings
    assert kept.saving_usd == 0
    assert any(UNTOLD in warning for warning in both.warnings)
    assert both.evidence.modelled_usd == both.saving_usd > 0


def test_caches_without_logged_breakpoints_are_modelled(tmp_path: Path) -> None:
    with Log(tmp_path, [call(name, 60 * place, **SONNET) for place, name in enumerate("ab")]) as log:
        step = done(log)
    assert step.evidence.modelled_usd == step.saving_usd > 0
    assert ("breakpoints of caches that requests mark", "where prompts part") in {
        (a.name, a.value) for a in step.assumptions
    }


def test_an_assumed_rate_is_for_what_the_log_does_not_know(tmp_path: Path) -> None:
    """Logged counters stand, keys are replayed, and the rest is assumed."""
    cached: dict[str, Any] = {"cache_read_input_tokens": 7000, "cache_creation_input_tokens": 0}
    bare: dict[str, Any] = {"prefix_keys": None, "prefix_block_tokens": None}
    keyed = [call("a", 0, **GPT), call("b", 60, **GPT)]
    day: dict[str, Any] = {
        "started_at": after(86_400),
        "ended_at": after(2 * 86_400),
        "request_id": None,
        "requests": 10,
        "input_tokens": 80_000,
    }
    rows = [
        *keyed,
        call("c", 0, **{**SONNET, **bare, **cached}),
        call("d", 0, **{**GPT, **bare}),
        call("e", 0, **{**GPT, **bare, **day}),
    ]
    rate = {"hit_rate": "0.75", "prefix_tokens": 2000}
    with Log(tmp_path, rows) as log, log.playing(("prompt-cache", rate)) as play:
        found: dict[tuple[str | None, int], list[int | None]] = {}
        for row in play.answers(play.steps[-1].workload.rows):
            key = row["request_id"], row["evidence"] if row["changed"] else 0
            found.setdefault(key, []).append(row["cache_read_input_tokens"])
        step = done(log, **rate)
        replaced = done(log, **rate, observed="replace")
    assert {key: sorted(values, key=str) for key, values in found.items()} == {
        ("a", 2): [0], ("b", 2): [7936], ("c", 0): [7000], ("d", 3): [0, 1920], (None, 3): [0, 19200],
    }  # fmt: skip
    per = Decimal("1.25") / 10**6
    assert step.evidence.modelled_usd == 7936 * per
    assert step.evidence.assumed_usd == (1920 + 19200) * per * Decimal("0.75")
    assert replaced.evidence.assumed_usd == replaced.saving_usd


def test_rules_of_models_moved_to_are_told(tmp_path: Path) -> None:
    with Log(tmp_path, [call("a", 0, **GPT)]) as log:
        step = done(log, ("route", {"rules": [{"model": "anthropic/claude-sonnet-5"}]}))
    assert [a.name for a in step.assumptions if a.name.startswith("cache rule")] == [
        "cache rule of anthropic/claude-sonnet-5"
    ]


def lasting(folder: Path, stored: str = "") -> Catalogue:
    """A model whose entries live 5 s from their writing."""
    folder.mkdir()
    rule = f'[[model.cache]]\nfrom = 2025-01-01\nmode = "explicit"\nttl_seconds = 5\nrefresh_on_hit = false\n{stored}source = "test"\nchecked = 2026-11-23\n'
    more = {"per_unit": "{ cache_storage_mtok_hour = 1 }"} if stored else {}
    price = entry("2025-01-01", "input = 10, output = 0, cache_read = 1", **more)
    return load(write(folder, "openai", '[[model]]\nid = "m"\n' + rule + price).parent, now=NOW)


Short = tuple[int, tuple[int, ...], int]
SHORT: Final = st.tuples(
    st.integers(0, 40),
    st.lists(st.sampled_from([0, 0, 1]), min_size=1, max_size=3).map(tuple),
    st.sampled_from([0, 1, 5, 14]),
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SHORT, min_size=2, max_size=14))
@example([(2 * n, (0, 0, 1), 1) for n in range(10)])
@example([(0, (0,), 1), (8, (0, 0), 1), (12, (0, 0), 1), (13, (0, 0), 1), (17, (0, 0, 0), 1), (19, (0, 0), 1)])
def test_entries_that_are_not_renewed_end_a_life_after_their_writing(made: list[Short]) -> None:
    """Against the obvious sequential cache; half seconds, prompts of blocks of 100 tokens."""
    rows, calls = [], []
    for number, (at, path, latency) in enumerate(sorted(made)):
        keys = [key_of(path[: k + 1]) for k in range(len(path))]
        rows.append(
            call(f"r{number:02}", at / 2, keys, provider_name="openai", request_model="m", input_tokens=100 * len(path), prefix_block_tokens=100, duration_ms=500 * latency)
        )  # fmt: skip
        start = after(at / 2)
        ends = tuple(100 * (k + 1) for k in range(len(path)))
        calls.append(Call(start, start + max(1, 500_000 * latency), "m", tuple(keys), ends))
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder), rows, book=lasting(Path(folder) / "prices")) as log:
        assert reads(log) == found_with_fixed_life(calls, 5 * SECOND)


def test_storage_of_a_fixed_life_is_paid_from_writing_to_end(tmp_path: Path) -> None:
    """Written at 0 and 7 s, each there until 1 + 5 s after; the read in between prolongs nothing."""
    rows = [call(name, at, provider_name="openai", request_model="m") for name, at in (("a", 0), ("b", 4), ("c", 7))]
    with Log(tmp_path, rows, book=lasting(tmp_path / "prices", "storage_billed = true\n")) as log:
        assert reads(log) == [0, 8000, 0]
        charge = log.replay(scenario(("prompt-cache", {})), extrapolate=True).scenarios[0].flat_charges[0]
    assert charge.quantity == Decimal(8000 * 12) / Decimal(3_600 * 10**6)


def test_storage_is_paid_for_what_the_scenario_adds(tmp_path: Path) -> None:
    """Not for caches that the log holds anyhow, nor for those of rows before the period."""
    read: dict[str, Any] = {"cache_read_input_tokens": 8000}
    model: dict[str, Any] = {"provider_name": "openai", "request_model": "m"}
    rows = [
        *(call(name, at, feature="new", **model) for name, at in (("a", 0), ("b", 4))),
        *(call(name, at, feature="old", **model, **read) for name, at in (("c", 20), ("d", 24))),
    ]
    once = Decimal(8000 * 6) / Decimal(3_600 * 10**6)
    twice = Decimal(8000 * 12) / Decimal(3_600 * 10**6)
    with Log(tmp_path, rows, book=lasting(tmp_path / "prices", "storage_billed = true\n")) as log:

        def kept(when: str | None, **options: Any) -> list[Decimal]:
            parameters = {"mode": "explicit"} | ({"when": when} if when else {})
            played = log.replay(scenario(("prompt-cache", parameters)), extrapolate=True, **options)
            return [charge.quantity for charge in played.scenarios[0].flat_charges]

        assert kept(None) == [twice]
        assert kept("feature = 'new'") == [once]
        assert kept("feature = 'nobody'") == []
        assert kept(None, since=after(10)) == [once]


@pytest.mark.parametrize(
    ("prompt", "calls", "cached"),
    [(1023, 1, 0), (1024, 1, 1024), (1500, 1, 1408), (4000, 1, 2944), (1023 * 10, 10, 0), (1500 * 10, 10, 14080)],
)
def test_an_assumed_prefix_is_no_longer_than_the_prompt_and_keeps_the_minimum(
    tmp_path: Path, prompt: int, calls: int, cached: int
) -> None:
    """1,024 tokens at least, in steps of 128, whatever prefix is assumed; of a bucket the mean prompt counts."""
    row = call("a", 0, **{**GPT, "input_tokens": prompt, "requests": calls})
    with Log(tmp_path, [row]) as log:
        played = log.replay(
            scenario(("prompt-cache", {"hit_rate": 1, "prefix_tokens": 3000, "observed": "replace"})), extrapolate=True
        )
    lines = {line.token_class: line.quantity for line in played.scenarios[0].lines}
    assert lines.get("cache_read", 0) == cached
