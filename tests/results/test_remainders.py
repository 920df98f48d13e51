"""Of a bucket that requests tell of in part the rest is charged: never twice, never lost."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llmcost
from llmcost.results.options import ReplayOptions
from llmcost.results.remainders import COUNTED, TOLERANCE, Cell, Holder, account
from llmcost.results.scenario import BoundScenario, bind
from tests.results.test_overlap import HOUR, PRICE, START, bucket, call, simulated
from tests.results.test_twins import GATEWAY, stored

MINUTE = HOUR // 60


def parts(result: llmcost.Result) -> list[tuple[str, int, Decimal | None, Decimal | None]]:
    return [(o.rule, o.rows, o.cost_usd, o.rest_usd) for o in result.coverage.overlaps if o.partly]


def test_a_few_requests_leave_the_rest_of_a_bucket(tmp_path: Path) -> None:
    result = simulated(tmp_path, [call(1), call(2), call(30), bucket(0, 24, 10)])
    assert result.baseline.requests == 11
    assert result.baseline.cost_usd == 11 * PRICE
    assert parts(result) == [("owner and span", 1, 2 * PRICE, 8 * PRICE)]
    assert [w for w in result.warnings if "left out" in w] == [
        (
            "1 usage buckets of usage-rows describe traffic that requests of the log tell of in part ($0.000300 at list "
            "prices): that part is left out of every total, the rest ($0.00120 at list prices) is charged"
        )
    ]


def test_every_format_tells_of_the_rest(tmp_path: Path) -> None:
    result = simulated(tmp_path, [call(1), bucket(0, 24, 10)])
    for format_ in ("terminal", "markdown", "html", "csv", "json"):
        assert "0.00135" in llmcost.render(result, format_).decode()


def test_requests_stay_for_strategies_and_the_rest_is_a_bucket(tmp_path: Path) -> None:
    log = [call(n, conversation_id="c", max_output_tokens=10) for n in range(4)]
    simulated(tmp_path, [*log, bucket(0, 24, 10)])
    scenario = BoundScenario(
        "moved", (bind("reprice", {"model": "openai/gpt-4o", "when": "conversation_id = 'c'"}, "here"),)
    )
    result = llmcost.simulate(tmp_path / "log.jsonl", scenarios=[scenario], options=ReplayOptions(now=START))
    assert result.scenarios[0].steps[0].requests_changed == 4
    assert result.scenarios[0].cost_usd == 6 * PRICE + 4 * Decimal("0.0025")


@pytest.mark.parametrize(("told", "rows"), [(1999, 1), (1998, 1), (1997, 2)])
def test_the_tolerance_is_a_thousandth_of_each_counter(tmp_path: Path, told: int, rows: int) -> None:
    assert Decimal("0.001") == TOLERANCE
    one = call(1, requests=told, input_tokens=1000 * told)
    result = simulated(tmp_path, [one, bucket(0, 24, 2000)])
    assert result.baseline.rows == rows
    assert result.baseline.requests == (2000 if rows == 2 else told)


def test_requests_that_name_their_model_alone_are_their_providers_traffic(tmp_path: Path) -> None:
    log = [{**call(n), "request_id": f"x{n}"} for n in range(3)]
    for row in log:
        del row["provider_name"]
    result = simulated(tmp_path, [*log, bucket(0, 24, 10)])
    assert result.baseline.requests == 10
    assert result.baseline.cost_usd == 10 * PRICE
    assert parts(result) == [("owner and span", 1, 3 * PRICE, 7 * PRICE)]


@pytest.mark.parametrize(
    ("logged", "exported", "calls"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", 10),
        ("gpt-4o-2024-08-06", "gpt-4o", 10),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06", 13),
        ("gpt-4o", "gpt-4o-mini", 13),
    ],
)
def test_a_model_and_a_snapshot_of_it_are_one_two_snapshots_are_not(
    tmp_path: Path, logged: str, exported: str, calls: int
) -> None:
    """An application logs the name that it asked for, OpenAI's export the snapshot that answered."""
    log = [call(n, request_model=logged) for n in range(3)]
    result = simulated(tmp_path, [*log, bucket(0, 24, 10, request_model=exported)])
    assert result.baseline.requests == calls


def test_each_counter_is_compared(tmp_path: Path) -> None:
    whole = bucket(0, 24, 2, output_tokens=900)
    result = simulated(tmp_path, [call(1, output_tokens=100), call(2, output_tokens=100), whole])
    assert (result.baseline.requests, result.baseline.input_tokens, result.baseline.output_tokens) == (2, 2000, 900)


def test_requests_beyond_a_bucket_are_charged(tmp_path: Path) -> None:
    result = simulated(tmp_path, [*(call(n) for n in range(5)), bucket(0, 24, 2)])
    assert result.baseline.requests == 5


def test_what_the_log_does_not_count_of_a_call_is_left(tmp_path: Path) -> None:
    """The bucket knows of web searches; the log of the calls does not, so they are the rest."""
    result = simulated(tmp_path, [call(1), call(2), bucket(0, 24, 2, web_search_requests=3)])
    assert result.baseline.cost_usd == 2 * PRICE + 3 * Decimal("0.01")
    assert result.baseline.requests == 2
    known = simulated(tmp_path, [call(1, web_search_requests=3), call(2), bucket(0, 24, 2, web_search_requests=3)])
    assert known.baseline.cost_usd == 2 * PRICE + 3 * Decimal("0.01")
    assert known.baseline.rows == 2


def test_a_log_without_cached_counts_contradicts_nothing(tmp_path: Path) -> None:
    whole = bucket(0, 24, 10, cache_read_input_tokens=9000)
    result = simulated(tmp_path, [*(call(n) for n in range(5)), whole])
    assert result.baseline.input_tokens == 10_000
    assert result.baseline.cache_read_input_tokens == 5000
    assert result.coverage.unpriced == []
    assert not result.problems


def test_a_call_that_nobody_can_price_is_stood_for_by_the_rest(tmp_path: Path) -> None:
    whole = bucket(0, 24, 2, output_tokens=200)
    result = simulated(tmp_path, [call(1, output_tokens=100), {**call(2), "output_tokens": None}, whole])
    assert (result.baseline.requests, result.baseline.input_tokens, result.baseline.output_tokens) == (2, 2000, 200)
    assert result.coverage.unpriced == []
    alone = simulated(
        tmp_path, [call(1, output_tokens=200), {**call(2), "output_tokens": None}, bucket(0, 24, 1, output_tokens=200)]
    )
    assert [line.requests for line in alone.coverage.unpriced] == [1]


def test_embeddings_have_no_output_and_still_tell(tmp_path: Path) -> None:
    model = {"request_model": "text-embedding-3-small", "output_tokens": None}
    result = simulated(tmp_path, [call(1, **model), call(2, **model), bucket(0, 24, 2, **model)])
    assert (result.baseline.requests, result.baseline.rows) == (2, 2)


@pytest.mark.parametrize("change", [{"status": "error"}, {"requests": 0}])
def test_calls_that_nobody_pays_for_stand_for_nothing(tmp_path: Path, change: dict[str, Any]) -> None:
    result = simulated(tmp_path, [call(1, **change), bucket(0, 24, 2)])
    assert result.baseline.requests == 2
    assert not result.coverage.overlaps


def test_requests_meet_the_bucket_whose_labels_agree(tmp_path: Path) -> None:
    half = bucket(0, 24, 10, service_tier="batch")
    full = bucket(0, 24, 10, service_tier="standard")
    for tier, left in ((None, "standard"), ("standard", "standard"), ("batch", "batch")):
        result = simulated(
            tmp_path, [*(call(n, service_tier=tier) for n in range(6)), half, full], dimensions=("service_tier",)
        )
        found = {line.dimensions["service_tier"]: line.requests for line in result.baseline.breakdown}
        rest = {"standard": 10, "batch": 10} | {left: 4}
        for name in ("standard", "batch"):
            assert found[name] == rest[name] + (6 if tier == name else 0)


def test_minutes_are_compared_by_the_hour(tmp_path: Path) -> None:
    """A call of a minute or two is counted in another minute than it was sent in."""
    minutes = [
        {
            **bucket(9, 10, 1),
            "started_at": START + 9 * HOUR + n * MINUTE,
            "ended_at": START + 9 * HOUR + (n + 1) * MINUTE,
        }
        for n in range(10, 20)
    ]
    calls = [{**call(n), "started_at": START + 9 * HOUR + (n - 1) * MINUTE} for n in range(10, 20)]
    assert simulated(tmp_path, [*calls, *minutes]).baseline.rows == 10


def test_a_call_that_two_sources_tell_of_accounts_once(tmp_path: Path) -> None:
    ids = {"request_id": "chatcmpl-1"}
    with stored(tmp_path, app=[call(1, **ids)], gateway=[call(1, **GATEWAY | ids)], export=[bucket(0, 24, 2)]) as store:
        result = llmcost.simulate(store=store, scenarios=[], options=ReplayOptions(now=START))
    assert result.baseline.requests == 2
    assert parts(result) == [("owner and span", 1, PRICE, PRICE)]


def test_an_export_without_models_gives_way_to_one_with_models(tmp_path: Path) -> None:
    nameless = bucket(0, 24, 10) | {"request_model": None}
    result = simulated(tmp_path, [nameless, *(bucket(n, n + 1, 1) for n in range(6))])
    assert result.baseline.cost_usd == 6 * PRICE
    assert [line.requests for line in result.coverage.unpriced] == [4]


def test_an_id_and_a_name_may_be_one_project(tmp_path: Path) -> None:
    """A console names workspaces, an API gives their ids: one spend."""
    ids = [bucket(0, 24, 10, project="wrkspc_1"), bucket(0, 24, 20, project="wrkspc_2")]
    names = [bucket(n, n + 1, calls, project=name) for n, calls, name in ((1, 10, "shop"), (2, 20, "search"))]
    assert simulated(tmp_path, [*ids, *names]).baseline.requests == 30
    assert simulated(tmp_path, [call(1, project="shop"), *ids]).baseline.requests == 30
    assert simulated(tmp_path, [call(1, project="wrkspc_3"), *ids]).baseline.requests == 31
    assert simulated(tmp_path, [call(1, project="tools"), *names]).baseline.requests == 31


def test_the_user_can_choose_buckets(tmp_path: Path) -> None:
    result = simulated(tmp_path, [*(call(n) for n in range(5)), bucket(0, 24, 2)], primary="buckets")
    assert result.baseline.requests == 2


def test_reconciling_tells_of_the_part_only(tmp_path: Path) -> None:
    with stored(tmp_path, app=[call(1, billed_cost=str(PRICE))], export=[bucket(0, 24, 10)]) as store:
        found = llmcost.reconcile(store=store)
    assert [(x.lines, x.amount_usd) for x in found.left_out] == [(1, PRICE)]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_the_order_the_total_lies_between_the_larger_side_and_the_sum(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    calls = [
        call(n % 48, request_id=f"r{n}", input_tokens=dice.randint(1, 3000), project=dice.choice([None, "p", "q"]))
        for n in range(40)
    ]
    whole = [
        bucket(24 * day, 24 * day + 24, dice.randint(1, 40), project=project)
        for day in range(2)
        for project in (None, "p", "q")
    ]
    finer = [
        bucket(hour, hour + 1, dice.randint(1, 4), project=dice.choice(["p", "q"]))
        for hour in dice.sample(range(48), 9)
    ]
    rows, totals = [*calls, *whole, *finer], set()
    for _ in range(2):
        dice.shuffle(rows)
        result = simulated(tmp_path, rows)
        totals.add(
            (result.baseline.cost_usd, result.baseline.requests, result.baseline.input_tokens, result.baseline.rows)
        )
    assert len(totals) == 1
    sides = [sum(row["input_tokens"] for row in side) for side in (calls, whole, finer)]
    tokens = result.baseline.input_tokens
    assert tokens is not None
    assert max(sides) * (1 - TOLERANCE) <= tokens <= sum(sides)
    assert result.baseline.cost_usd == tokens * PRICE / 1000


NAMES = st.sampled_from([None, "a", "b"])
COUNTS = st.fixed_dictionaries({name: st.integers(0, 50) for name in ("requests", "input_tokens", "output_tokens")})
LABELS = st.tuples(
    st.just("openai"),
    st.just("m"),
    NAMES,
    NAMES,
    st.sampled_from([None, "standard", "batch"]),
    st.none(),
    NAMES,
    st.none(),
)
SIDES = st.lists(st.tuples(LABELS, COUNTS), min_size=1, max_size=6)


def agrees(a: tuple[str | None, ...], b: tuple[str | None, ...]) -> bool:
    return all(x is None or y is None or x == y for x, y in zip(a[:4], b[:4], strict=True))


def charged(told: list[Any], among: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    cells = [Cell(labels, dict(counts), repr((labels, sorted(counts.items())))) for labels, counts in told]
    holders = [Holder(labels, dict(counts), repr((labels, sorted(counts.items())))) for labels, counts in among]
    account(
        cells,
        holders,
        [(n, p) for n, c in enumerate(cells) for p, h in enumerate(holders) if agrees(c.labels, h.labels)],
    )
    rest = [h.rest() if h.remains or not h.touched else {} for h in holders]
    return {
        name: sum(counts[name] for _, counts in told) + sum(r.get(name, 0) for r in rest) for name in CALLS
    }, sorted(repr((h.order, r)) for h, r in zip(holders, rest, strict=True))


CALLS = ("requests", "input_tokens", "output_tokens")


@given(SIDES, SIDES, st.randoms(use_true_random=False))
def test_no_counter_is_below_the_larger_side_nor_above_the_sum(
    told: list[Any], among: list[Any], dice: random.Random
) -> None:
    totals, rests = charged(told, among)
    for name in CALLS:
        sides = [sum(counts[name] for _, counts in side) for side in (told, among)]
        assert max(sides) * (1 - TOLERANCE) <= totals[name] <= sum(sides)
    again_told, again_among = told[:], among[:]
    dice.shuffle(again_told)
    dice.shuffle(again_among)
    assert charged(again_told, again_among) == (totals, rests)


@given(st.dictionaries(st.sampled_from([n for n in COUNTED if n != "billed_cost"]), st.integers(0, 30)), COUNTS)
def test_what_is_left_contradicts_nothing(whole: dict[str, Any], told: dict[str, Any]) -> None:
    labels = ("openai", "m", None, None, None, None, None, None)
    holder = Holder(labels, whole, "")
    holder.take(Cell(labels, {"billed_cost": None, **told}, ""))
    left = holder.rest()
    if "input_tokens" in left:
        inside = (
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
            "input_audio_tokens",
            "input_image_tokens",
            "input_video_tokens",
        )
        assert (
            sum(left.get(name, 0) for name in inside) - left.get("cache_read_audio_tokens", 0) <= left["input_tokens"]
        )
    assert (
        left.get("cache_read_audio_tokens", 0)
        <= min(left.get("cache_read_input_tokens", 0), left.get("input_audio_tokens", 0))
        or "input_tokens" not in left
    )
    if "output_tokens" in left:
        assert (
            sum(left.get(name, 0) for name in ("reasoning_output_tokens", "output_audio_tokens", "output_image_tokens"))
            <= left["output_tokens"]
        )
    assert all(0 <= amount <= whole[name] for name, amount in left.items())
