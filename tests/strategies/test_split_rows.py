"""Rows in several branches and buckets under a share: everything counts by exact weights, and a row never meets itself."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.strategies.playing import Log, Row, Step, after, scenario
from tests.strategies.support import STARTED, step, world
from tests.strategies.support import scenario as bound

HOUR: Final = 3_600_000_000
GROWTH: Final[Step] = ("reprice", {"growth": "3"})
HITS: Final[Step] = ("prompt-cache", {"hit_rate": "0.5", "prefix_tokens": 1500})
LAPSED: Final[Step] = ("batch", {"eligible": "all", "keep_cache_hits": "0.5"})


def asked(number: int, **more: Any) -> list[Row]:
    return [
        {
            "request_id": f"r{n}", "provider_name": "openai", "request_model": "gpt-4o-mini", "started_at": after(60 * n),
            "input_tokens": 2000, "output_tokens": 100, "prompt_key": 7, "temperature": 0, **more,
        }
        for n in range(number)
    ]  # fmt: skip


def bucket(**more: Any) -> Row:
    return {
        "provider_name": "openai", "request_model": "gpt-4o-mini", "service_tier": "standard", "started_at": STARTED,
        "ended_at": STARTED + 24 * HOUR, "requests": 1000, "input_tokens": 1_000_000, "output_tokens": 0, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "looked_up", "hits"),
    [(GROWTH, "12", "9"), (HITS, "4", "3"), (LAPSED, "4", "3")],
    ids=["grown", "hits", "lapsed"],
)
@pytest.mark.parametrize("size", [{}, {"max_entries": 2, "policy": "lfu"}])
def test_lookups_of_split_rows_are_weighted(
    tmp_path: Path, before: Step, looked_up: str, hits: str, size: dict[str, Any]
) -> None:
    cached = ("response-cache", {"lookup_cost_usd": "1", **size})
    with Log(tmp_path, asked(4, cache_read_input_tokens=1024 if before is LAPSED else None)) as log:
        played = log.replay(scenario(before, cached), extrapolate=True).scenarios[0]
    facts = played.steps[1].facts
    assert (facts["requests looked up"], facts["hits"], facts["hit rate"]) == (looked_up, hits, "0.7500")
    assert [(charge.quantity, charge.cost_usd) for charge in played.flat_charges] == [(Decimal(looked_up),) * 2]
    assert played.requests == int(looked_up) - int(hits)


def test_moved_requests_and_batch_files_are_weighted(tmp_path: Path) -> None:
    """Four calls three times over are twelve, and a file takes three."""
    rows = [
        {
            "request_id": f"r{n}",
            "provider_name": "openai",
            "request_model": "big",
            "started_at": STARTED,
            "input_tokens": 5,
            "output_tokens": 1,
        }
        for n in range(4)
    ]
    with world(tmp_path, rows) as here:
        for name, parameters in (("batch", {"eligible": "all"}), ("service-tier", {"tier": "flex"})):
            done = here.result(bound(step("reprice", growth="3"), step(name, **parameters))).scenarios[0].steps[1]
            assert done.facts["requests moved"] == "12"
            assert done.facts.get("batch files, by model and day", "4") == "4"


@pytest.mark.parametrize("name", ["reprice", "route", "batch", "service-tier", "prompt-cache"])
def test_a_share_of_a_bucket_is_exact(tmp_path: Path, name: str) -> None:
    """Whatever the draw, 30 % of a bucket is 30 % of what all of it would do."""
    model = "gpt-5-mini"
    whole_of: dict[str, dict[str, Any]] = {
        "reprice": {"model": "openai/gpt-4o"},
        "route": {"rules": [{"model": "openai/gpt-4o"}]},
        "batch": {"eligible": "all"},
        "service-tier": {"tier": "flex"},
        "prompt-cache": {"hit_rate": "0.9", "prefix_tokens": 1024},
    }
    parameters = whole_of[name]
    some = (
        {"rules": [{**parameters["rules"][0], "share": "0.3"}]} if name == "route" else {**parameters, "share": "0.3"}
    )
    row = bucket(request_model=model, input_tokens=4_000_000)
    with Log(tmp_path, [row]) as log:
        whole, part = log.replay(
            scenario((name, parameters), name="whole"), scenario((name, some), name="part"), extrapolate=True
        ).scenarios
    assert whole.saving_usd != 0
    assert part.saving_usd == whole.saving_usd * Decimal("0.3")
    drawn = "share drawn by rule 1" if name == "route" else "share drawn"
    assert part.steps[0].facts[drawn] == "0.3000"
    assert sum(part.steps[0].evidence.model_dump().values()) == part.saving_usd
    assert part.steps[0].evidence.assumed_usd == (0 if name not in {"batch", "prompt-cache"} else part.saving_usd)


def test_what_a_rule_leaves_of_a_bucket_falls_to_the_next(tmp_path: Path) -> None:
    rules = [{"model": "openai/gpt-4o", "share": "0.5"}, {"model": "openai/gpt-4.1", "share": "0.5"}]
    with Log(tmp_path, [bucket(api_key_id="k")]) as log, log.playing(("route", {"rules": rules})) as play:
        done = play.steps[-1]
        models = play._replay.engine.models
        found: dict[str, Decimal] = {}
        for row in play.answers(done.workload.rows):
            key = getattr(models[row["model"]], "key", "")
            found[key] = found.get(key, Decimal(0)) + done.workload.branches.weight(row["branch"]).count
    assert found == {
        "openai/gpt-4o": Decimal("0.5"), "openai/gpt-4.1": Decimal("0.25"), "openai/gpt-4o-mini": Decimal("0.25"),
    }  # fmt: skip
    assert done.facts["share of requests moved"] == "0.7500"


def test_a_bucket_of_one_user_is_drawn_with_the_user(tmp_path: Path) -> None:
    rows = [bucket(user_id=f"u{n}", api_key_id=f"k{n}") for n in range(40)]
    with Log(tmp_path, rows) as log, log.playing(("batch", {"eligible": "all", "share": "0.5", "by": "user"})) as play:
        done = play.steps[-1]
        weights = [done.workload.branches.weight(row["branch"]).count for row in play.answers(done.workload.rows)]
    assert weights == [Decimal(1)] * 40
    assert done.facts["share drawn"] not in {"0.0000", "1.0000"}


def test_a_share_of_buckets_for_a_response_cache_is_counted_as_left_alone(tmp_path: Path) -> None:
    later = bucket(started_at=STARTED + 48 * HOUR, ended_at=STARTED + 72 * HOUR)
    with Log(tmp_path, [*asked(1), later]) as log:
        done = log.replay(scenario(("response-cache", {"share": "0.3"})), extrapolate=True).scenarios[0].steps[0]
    assert done.facts["requests left alone: in buckets"] == "300"


def talk(**more: Any) -> list[Row]:
    return [
        {
            "request_id": f"r{n}", "provider_name": "anthropic", "request_model": "claude-sonnet-4-5", "conversation_id": "c",
            "started_at": after(60 * n), "duration_ms": 1000, "input_tokens": 5000 + 1000 * n, "output_tokens": 1,
            "cache_read_input_tokens": 100 if n else 0, "cache_creation_input_tokens": 0, **more,
        }
        for n in range(4)
    ]  # fmt: skip


def tokens(log: Log, *steps: Step) -> dict[str, set[tuple[int, int]]]:
    """Reads and writes of each row, over its branches."""
    found: dict[str, set[tuple[int, int]]] = {}
    for name, row in log.rows(*steps).items():
        pair = (row["cache_read_input_tokens"], row["cache_creation_input_tokens"])
        found.setdefault(name.split("#")[0], set()).add(pair)
    return found


@pytest.mark.parametrize(
    "split", [LAPSED, ("reprice", {"growth": "3", "when": "input_tokens > 6000"})], ids=["lapsed", "a part grown"]
)
def test_the_branches_of_a_turn_are_one_turn(tmp_path: Path, split: Step) -> None:
    cached = ("prompt-cache", {"observed": "replace"})
    with Log(tmp_path, talk()) as log:
        plain = tokens(log, cached)
        assert {read for pairs in plain.values() for read, _ in pairs} == {0, 5000, 6000, 7000}
        assert tokens(log, split, cached) == plain


def test_the_branches_of_a_row_do_not_warm_each_other(tmp_path: Path) -> None:
    """Without latency a call warms the next one of the same instant, but not itself."""
    cached = ("prompt-cache", {"observed": "replace", "write_latency": "0s", "conversation": False})
    keyed = [{**row, "prefix_keys": [1, 2, 3], "prefix_block_tokens": 1500} for row in talk()]
    with Log(tmp_path, keyed[1:2]) as log:
        assert tokens(log, LAPSED, cached) == {"r1": {(0, 6000)}}
    with Log(tmp_path / "two", keyed) as log:
        assert tokens(log, LAPSED, cached) == tokens(log, cached)


def test_the_turn_before_is_another_row_also_for_a_cold_cache(tmp_path: Path) -> None:
    """The middle turn moves; of its branches and the next turn's, only the turns count."""
    moved = ("route", {"rules": [{"when": "feature = 'b'", "model": "anthropic/claude-opus-4-1"}]})
    rows = [{**row, "feature": "ab"[n == 1]} for n, row in enumerate(talk())]
    with Log(tmp_path, rows) as log:
        plain = tokens(log, moved)
        assert plain["r1"] == plain["r2"] == {(0, 100)}
        assert plain["r3"] == {(100, 0)}
        kept = ("batch", {"eligible": "all", "keep_cache_hits": "0.5"})
        split = tokens(log, kept, moved)
    assert split["r2"] == {(0, 100)}
    assert split["r3"] == {(100, 0), (0, 100)}
