"""The engine's prompt caches equal the obvious sequential one on random logs, at ingest, in replay and in a strategy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcost.usage.caching import DEFAULT_WRITE_LATENCY_US, NEVER
from llmcost.workload.durations import Scope
from llmcost.workload.prefixes import CacheUse, logged_hits, replayed_hits, scope_key
from tests.reference.prompt_cache import Call, counters, found
from tests.strategies.playing import SECOND, Log, Row, after
from tests.strategies.random_prompts import BLOCK, Prompt, crowd, key_of, prompts

ONE_MODEL: Final = {"claude-sonnet-4-5-20250929": "claude-sonnet-4-5"}
CACHED: Final[Mapping[str, Any]] = {"min_tokens": 0, "increment_tokens": 1, "observed": "replace"}
FACTOR_HAIKU: Final = "anthropic/claude-haiku-4-5"


def ready(row: Row) -> int:
    """When the first token of a row is due: never at the very instant of the call."""
    if row.get("time_to_first_token_ms") is not None:
        latency = row["time_to_first_token_ms"] * 1000
    elif row.get("duration_ms") is not None:
        latency = row["duration_ms"] * 1000
    else:
        latency = DEFAULT_WRITE_LATENCY_US
    return int(row["started_at"] + max(1, latency))


def expected(
    log: Log,
    made: list[Prompt],
    life: int | None,
    cache: Callable[[Row], Any],
    *,
    latency: int | None = None,
    breakpoints: bool = False,
    inputs: Mapping[str, int] | None = None,
    sent: Mapping[str, bool] | None = None,
) -> dict[str, int]:
    """What the yardstick finds for every row that uses a cache."""
    by_id = {str(prompt.row["request_id"]): prompt for prompt in made}
    order = log.store.rows(
        "SELECT request_id FROM usage WHERE started_at IS NOT NULL ORDER BY started_at, file_key, line"
    )
    calls, names = [], []
    for (name,) in order:
        row, path = by_id[name].row, by_id[name].path
        answered = row["status"] != "error" and row.get("requests") != 0
        if not answered or "prefix_keys" not in row or (sent is not None and not sent[name]):
            continue
        logged = row["input_tokens"]
        now = logged if inputs is None else inputs[name]
        ends = [min((k + 1) * BLOCK, logged) for k in range(len(path))]
        limit = max(row["cache_breakpoints"]) if breakpoints and "cache_breakpoints" in row else None
        held = [k for k in range(len(path)) if limit is None or ends[k] <= limit]
        marks = None
        if limit is not None and str(cache(row)[0]).startswith("anthropic"):
            size = len(path)
            floors = [size if at >= logged else min(size, at // BLOCK) for at in row["cache_breakpoints"]]
            marks = frozenset(key_of(path[:floor]) for floor in floors if floor)
        calls.append(
            Call(
                start=row["started_at"],
                ready=ready(row) if latency is None else row["started_at"] + latency,
                cache=cache(row),
                blocks=tuple(key_of(path[: k + 1]) for k in held),
                ends=tuple(ends[k] if now == logged or not logged else ends[k] * now // logged for k in held),
                marks=marks,
            )
        )
        names.append(name)
    return dict(zip(names, found(calls, life), strict=True))


def as_logged(row: Row) -> tuple[Any, ...]:
    """Who shares a cache, with the model's name as logged."""
    project = row["project"] if row["provider_name"] == "anthropic" else ""
    return row["provider_name"], row["request_model"], row["organization"], project


def one_model(row: Row) -> tuple[Any, ...]:
    """Who shares a cache when two names mean one model."""
    provider, model, *rest = as_logged(row)
    return provider, ONE_MODEL.get(model, model), *rest


ALL_LIVES: Final = (0, SECOND // 2, SECOND, 2 * SECOND, 4 * SECOND + 1, 5 * SECOND, 300 * SECOND, None)
LIVES = st.sampled_from(ALL_LIVES)
SMALL = settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
SEEDS = pytest.mark.parametrize("seed", range(3))


def agrees_at_ingest(made: list[Prompt]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        Log(Path(folder), [p.row for p in made]) as log,
        log.playing() as play,
    ):
        rows = play.base.rows
        for life in ALL_LIVES:
            micros = NEVER - 1 if life is None else life
            hits = logged_hits(rows, ibis.literal(micros, type="int64"), {micros})
            answers = play.answers(rows.select("request_id", hit=hits.fill_null(0)))
            engine = {answer["request_id"]: answer["hit"] for answer in answers}
            reference = expected(log, made, life, as_logged)
            assert engine == {name: reference.get(name, 0) for name in engine}


@SMALL
@given(prompts())
def test_what_the_ingest_computes_is_what_the_cache_would_do(made: list[Prompt]) -> None:
    agrees_at_ingest(made)


@SEEDS
def test_what_the_ingest_computes_for_a_crowd(seed: int) -> None:
    agrees_at_ingest(crowd(seed))


def agrees_in_replay(made: list[Prompt], lives: Sequence[int | None], latency: int | None, *, one_owner: bool) -> None:
    scope: Scope = "global" if one_owner else "project"

    def cache(row: Row) -> Any:
        owner = () if one_owner else (row["organization"], row["project"])
        return row["provider_name"], row["request_model"], *owner

    with (
        tempfile.TemporaryDirectory() as folder,
        Log(Path(folder), [p.row for p in made]) as log,
        log.playing(columns=["organization", "project"]) as play,
    ):
        rows = play.base.rows
        usable = (rows.status != "error").fill_null(True) & (rows.requests.fill_null(1) > 0)
        for life in lives:
            micros = ibis.literal(NEVER - 1 if life is None else life, type="int64")
            hits = replayed_hits(rows, CacheUse(micros, usable, None, latency), scope_key(rows, scope, play.present))
            joined = rows.left_join(hits, ["row_id", "branch"]).select("request_id", "hit_tokens")
            engine = {answer["request_id"]: answer["hit_tokens"] or 0 for answer in play.answers(joined)}
            reference = expected(log, made, life, cache, latency=latency)
            assert engine == {name: reference.get(name, 0) for name in engine}


@SMALL
@given(prompts(), LIVES, st.sampled_from([None, None, 0, SECOND, 2 * SECOND]), st.booleans())
def test_the_slow_path_is_what_the_cache_would_do(
    made: list[Prompt], life: int | None, latency: int | None, one_owner: bool
) -> None:
    agrees_in_replay(made, [life], latency, one_owner=one_owner)


@SEEDS
@pytest.mark.parametrize("latency", [None, 0, 2 * SECOND])
def test_the_slow_path_for_a_crowd(seed: int, latency: int | None) -> None:
    agrees_in_replay(crowd(seed), ALL_LIVES, latency, one_owner=False)


STEPS: Final = ((0, 1), (100, 7), (256, 128))


@SMALL
@given(prompts(), LIVES.filter(lambda life: life != 0), st.sampled_from([None, 0, SECOND]), st.sampled_from(STEPS))
def test_the_strategy_gives_every_row_what_the_cache_would(
    made: list[Prompt], life: int | None, latency: int | None, steps: tuple[int, int]
) -> None:
    agrees_in_strategy(made, life, latency, steps)


@SEEDS
@pytest.mark.parametrize("life", [SECOND, 5 * SECOND, 300 * SECOND])
def test_the_strategy_for_a_crowd(seed: int, life: int) -> None:
    agrees_in_strategy(crowd(seed), life, None, STEPS[seed])


def agrees_in_strategy(made: list[Prompt], life: int | None, latency: int | None, steps: tuple[int, int]) -> None:
    minimum, increment = steps
    parameters: dict[str, Any] = {
        "ttl": "unlimited" if life is None else f"{life}us",
        "min_tokens": minimum,
        "increment_tokens": increment,
        "observed": "replace",
        "conversation": False,
    }
    if latency is not None:
        parameters["write_latency"] = f"{latency}us"
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder), [p.row for p in made]) as log:
        engine = log.rows(("prompt-cache", parameters))
        reference = expected(log, made, life, one_model, latency=latency, breakpoints=True)
        for prompt in made:
            row, name = prompt.row, str(prompt.row["request_id"])
            if "prefix_keys" not in row or row["status"] == "error" or row.get("requests") == 0:
                assert not engine[name]["changed"]
                continue
            limit = max(row["cache_breakpoints"]) if "cache_breakpoints" in row else None
            read, written = counters(reference.get(name, 0), row["input_tokens"], limit, minimum, increment)
            assert engine[name]["cache_read_input_tokens"] == read, name
            assert engine[name]["cache_creation_input_tokens"] == (
                written if row["provider_name"] == "anthropic" else 0
            )


@SMALL
@given(prompts(), LIVES.filter(lambda life: life != 0), st.sampled_from(["feature = 'x'", "output_tokens < 5"]))
def test_the_same_after_a_route_moved_a_part(made: list[Prompt], life: int | None, when: str) -> None:
    agrees_after_route(made, life, when)


@SEEDS
def test_the_same_after_a_route_moved_a_part_of_a_crowd(seed: int) -> None:
    agrees_after_route(crowd(seed), (2 + seed) * SECOND, "output_tokens < 5")


def agrees_after_route(made: list[Prompt], life: int | None, when: str) -> None:
    """Moved rows share the caches of the model they are on now, in that model's tokens; the others lose their company."""
    cached = {
        "ttl": "unlimited" if life is None else f"{life}us", "min_tokens": 0, "increment_tokens": 1,
        "observed": "replace", "conversation": False,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder), [p.row for p in made]) as log:
        route = ("route", {"rules": [{"when": when, "model": "anthropic/claude-sonnet-4-5"}]})
        routed = log.rows(route)
        engine = log.rows(route, ("prompt-cache", cached))
        inputs = {name: row["input_tokens"] for name, row in routed.items()}

        def cache(row: Row) -> Any:
            model = routed[str(row["request_id"])]["model"]
            return model, row["organization"], row["project"] if model.startswith("anthropic/") else ""

        reference = expected(log, made, life, cache, breakpoints=True, inputs=inputs)
        for prompt in made:
            row, name = prompt.row, str(prompt.row["request_id"])
            if "prefix_keys" in row and row["status"] != "error" and row.get("requests") != 0:
                assert engine[name]["cache_read_input_tokens"] == min(reference.get(name, 0), inputs[name]), name


@SMALL
@given(prompts(), LIVES.filter(lambda life: life != 0), st.sampled_from(["2s", "1m"]))
def test_the_same_after_answers_came_from_a_response_cache(made: list[Prompt], life: int | None, kept: str) -> None:
    agrees_after_response_cache(made, life, kept)


@SEEDS
def test_the_same_after_a_crowd_got_answers_from_a_response_cache(seed: int) -> None:
    agrees_after_response_cache(crowd(seed), (2 + seed) * SECOND, "1m")


def agrees_after_response_cache(made: list[Prompt], life: int | None, kept: str) -> None:
    """A call that is not sent neither writes nor renews anything: the others' caches are colder."""
    asked = [Prompt({**p.row, "prompt_key": key_of(p.path) % 5, "temperature": 0}, p.path) for p in made]
    answered = ("response-cache", {"ttl": kept})
    cached = ("prompt-cache", {**CACHED, "ttl": "unlimited" if life is None else f"{life}us"})
    with tempfile.TemporaryDirectory() as folder, Log(Path(folder), [p.row for p in asked]) as log:
        sent = {name: row["sent"] for name, row in log.rows(answered).items()}
        assert len(made) < 100 or not all(sent.values())
        engine = log.rows(answered, cached)
        reference = expected(log, asked, life, one_model, breakpoints=True, sent=sent)
        for prompt in asked:
            row, name = prompt.row, str(prompt.row["request_id"])
            reached = row["status"] != "error" and row.get("requests") != 0
            if sent[name] and "prefix_keys" in row and reached:
                assert engine[name]["cache_read_input_tokens"] == min(reference.get(name, 0), row["input_tokens"]), name


@SMALL
@given(prompts(), st.integers(0, 14))
def test_two_halves_in_any_order_need_the_same(made: list[Prompt], cut: int) -> None:
    rows = [prompt.row for prompt in made]
    parts = [part for part in (rows[:cut], rows[cut:]) if part]
    derived = []
    with tempfile.TemporaryDirectory() as folder:
        for number, files in enumerate(([rows], parts, parts[::-1])):
            with Log(Path(folder) / str(number), *files) as log:
                derived.append(needs(log))
    assert derived[0] == derived[1] == derived[2]


def needs(log: Log) -> list[tuple[Any, ...]]:
    return log.store.rows("SELECT request_id, prefix_nodes, prefix_ends, prefix_needs FROM usage ORDER BY request_id")


def call(name: str, seconds: float, path: tuple[int, ...] = (0, 0), **more: Any) -> Row:
    return {
        "request_id": name, "provider_name": "openai", "request_model": "gpt-4o", "output_tokens": 1,
        "started_at": after(seconds), "input_tokens": len(path) * BLOCK,
        "prefix_keys": [key_of(path[: k + 1]) for k in range(len(path))], "prefix_block_tokens": BLOCK, **more,
    }  # fmt: skip


def hits(log: Log, **parameters: Any) -> list[int]:
    rows = log.rows(("prompt-cache", {**CACHED, **parameters}))
    return [rows[name]["cache_read_input_tokens"] for name in sorted(rows)]


@pytest.mark.parametrize("slow", [False, True])
def test_a_use_renews_an_entry_that_a_call_in_flight_uses(tmp_path: Path, slow: bool) -> None:
    """The design's example: 5.5 is more than a life after the answered use, and the use between is still in flight."""
    rows = [call(f"r{n}", start, time_to_first_token_ms=2000) for n, start in enumerate((0, 4.5, 5.5))]
    with Log(tmp_path, rows) as log:
        assert hits(log, ttl="5s", **({"scope": "organization"} if slow else {})) == [0, 256, 256]


def test_write_latency_of_zero_lets_ties_hit_in_the_order_of_the_file(tmp_path: Path) -> None:
    with Log(tmp_path, [call(f"r{n}", 0) for n in range(3)]) as log:
        assert hits(log, ttl="5s", write_latency="0s") == [0, 256, 256]
        assert hits(log, ttl="5s") == [0, 0, 0]


def test_a_breakpoint_in_the_middle_of_what_all_share_still_caches_up_to_it(tmp_path: Path) -> None:
    """The prefix tree joins blocks that the same rows hold; a breakpoint cuts such a run."""
    rows = [call(f"r{n}", 10 * n, (0, 0, 0, 0), cache_breakpoints=[2 * BLOCK + 5]) for n in range(2)]
    with Log(tmp_path, rows) as log:
        assert hits(log, ttl="1m") == [0, 2 * BLOCK]
        assert hits(log, ttl="1m", breakpoints="end") == [0, 4 * BLOCK]


def test_projects_of_the_same_name_in_two_organizations_share_no_cache(tmp_path: Path) -> None:
    sonnet: Row = {"provider_name": "anthropic", "request_model": "claude-sonnet-4-5", "project": "default"}
    rows = [{**call(f"r{n}", 10 * n), **sonnet, "organization": name} for n, name in enumerate("ab")]
    with Log(tmp_path, rows) as log:
        assert hits(log, ttl="1m") == hits(log, ttl="1m", write_latency="1s") == [0, 0]


def test_two_names_of_one_model_share_a_cache(tmp_path: Path) -> None:
    names = ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929")
    rows = [call(f"r{n}", 10 * n, provider_name="anthropic", request_model=name) for n, name in enumerate(names)]
    with Log(tmp_path, rows) as log:
        assert hits(log, ttl="1m") == [0, 2 * BLOCK]


def test_a_later_version_of_a_row_recomputes_its_neighbours(tmp_path: Path) -> None:
    """A request that turns out to have started earlier, or to have failed, changes what the others would find."""
    first = [call("r0", 10), call("r1", 20), call("r2", 50)]
    again = [call("r0", 5)]
    with Log(tmp_path / "a", first, again) as log, Log(tmp_path / "b", again, first) as other:
        assert log.store.rows("SELECT started_at FROM usage WHERE request_id = 'r0'") == [(after(5),)]
        assert needs(log) == needs(other)
        assert hits(log, ttl="12s") == [0, 0, 0]


def test_a_row_that_loses_its_prefix_to_a_better_version_warms_nobody(tmp_path: Path) -> None:
    bare = {k: v for k, v in call("r0", 0).items() if not k.startswith("prefix")} | {"output_tokens": 9}
    both = [call("r0", 0), call("r1", 10)]
    with Log(tmp_path / "a", both, [bare]) as log, Log(tmp_path / "b", [bare], both) as other:
        assert needs(log) == needs(other)
        assert hits(log, ttl="1m") == hits(other, ttl="1m")


def test_ends_scale_with_the_tokenizer(tmp_path: Path) -> None:
    """The moved rows' prefix is as much longer as their prompts are."""
    rows = [call(f"r{n}", 10 * n, (0,) * 10) for n in range(2)]
    with Log(tmp_path, rows) as log:
        route = ("route", {"rules": [{"model": FACTOR_HAIKU}]})
        moved = log.rows(route, ("prompt-cache", {**CACHED, "ttl": "1m"}))
        factor = Fraction(log.book.get(FACTOR_HAIKU).entry.tokenizer_factor or 1) / Fraction(
            log.book.get("openai/gpt-4o").entry.tokenizer_factor or 1
        )
        assert factor != 1
        scaled = round(1280 * factor)
        assert [moved[n]["input_tokens"] for n in ("r0", "r1")] == [scaled, scaled]
        assert [moved[n]["cache_read_input_tokens"] for n in ("r0", "r1")] == [0, scaled]
