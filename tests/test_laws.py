"""Laws that hold for every strategy found, on random logs.

A new strategy is found by its file. Its presets are its parameters here, unless ``EXAMPLES`` has some; a rate it
assumes, a model it names or a share it draws belongs there.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from llmcost.money import ZERO
from llmcost.pricing.units import UNIT_COUNTERS
from llmcost.results.model import Result, Scenario, Totals
from llmcost.results.scenario import BoundStep
from llmcost.strategies import STRATEGIES
from tests.random_logs import CERTAIN, MINUTE, logs
from tests.strategies.support import PRICES, STARTED, Chain, World, catalogue, scenario, step, world

EXAMPLES: Final[Mapping[str, list[dict[str, Any]]]] = {
    "price-day": [{"on": "2026-10-20"}],
    "reprice": [{"model": "anthropic/opus"}, {"growth": "1.3", "discount": "0.1"}, {"service_tier": "flex", "share": "0.5"}],
    "route": [{"rules": [{"when": "output_tokens < 300", "model": "openai/small", "share": "0.7"}], "default": "openai/big"}],
    "fine-tune": [
        {"model": "anthropic/opus", "example_tokens": 300, "training_tokens": 1000, "training_usd_per_mtok": "8", "share": "0.6"},
        {"model": "openai/small", "example_tokens": 0, "output_factor": "0.5", "when": "feature = 'chat'"},
    ],
    "self-host": [
        {"model": "Llama-3.3-70B", "usd_per_gpu_hour": "2", "replicas": 1, "mode": "always-on", "share": "0.6"},
        {"model": "Llama-3.3-70B", "gpu": "H200", "as_model": "openai/small", "mode": "scale-to-zero", "when": "feature = 'chat'"},
    ],
    "commitment": [
        {"kind": "provisioned", "tokens_per_minute": 5000, "usd_per_unit_hour": "0.02", "output_weight": "4", "share": "0.6"},
        {"kind": "spend", "usd_per_month": "1000", "discount": "0.2", "above": "list", "when": "feature = 'chat'"},
    ],
    "budget": [
        {"budgets": [{"name": "all", "usd": "1.5", "per": "day"}, {"name": "each", "for": {"feature": "*"}, "tokens": 300_000, "per": "hour"}]},
        {"timezone": "Asia/Kathmandu", "budgets": [
            {"name": "soft", "for": {"project": "*", "provider": "openai"}, "usd": "0.4", "per": "week", "action": "downgrade", "model": "openai/small"},
            {"name": "hard", "usd": "2", "action": "block", "when": "input_tokens > 1"}, {"name": "told", "tokens": 5, "action": "warn"},
        ]},
    ],
    "prompt-change": [{"tokens": 120}, {"tokens": -500, "share": "0.6", "when": "feature = 'chat'"}],
    "batch": [{}, {"eligible": "all", "keep_cache_hits": "0.6"}],
    "prompt-cache": [{"ttl": "1h"}, {"when": "feature = 'chat'", "share": "0.6"}, {"hit_rate": "0.95", "prefix_tokens": 600, "share": "0.5"}],
    "response-cache": [{}, {"deterministic_only": False, "ttl": "5m", "max_entries": 2, "policy": "lfu"}, {"lookup_cost_usd": "0.0001"}],
}  # fmt: skip
CASES: Final = [
    (name, parameters)
    for name, strategy in STRATEGIES
    for parameters in EXAMPLES.get(name, [dict(parameters) for _, parameters in strategy.presets.values()])
]
IDS: Final = [f"{name}-{number}" for number, (name, _) in enumerate(CASES)]
ROW_WISE: Final = [
    ("price-day", {"on": "2026-10-20"}), ("reprice", {"model": "anthropic/opus"}), ("reprice", {"growth": "1.3"}),
    ("batch", {"eligible": "all"}), ("service-tier", {"tier": "flex"}),
]  # fmt: skip
"""Steps that look at one row at a time."""
INPUT: Final = {
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "cache_write_24h",
    "audio_input",
    "cache_read_audio",
    "image_input",
    "video_input",
}
steps = st.sampled_from(CASES).map(lambda case: step(case[0], **case[1]))
few = settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@contextmanager
def played(*files: Sequence[Mapping[str, Any]], more: str = "") -> Iterator[World]:
    """A world with the files of a log; ``more`` is a further entry of openai's big model."""
    with tempfile.TemporaryDirectory() as folder:
        prices = {**PRICES, "openai": PRICES["openai"].replace(_CUT, more + _CUT) if more else PRICES["openai"]}
        (Path(folder) / "prices").mkdir()
        with world(Path(folder), files[0], catalogue(Path(folder) / "prices", prices), *files[1:]) as here:
            yield here


_CUT: Final = '[[model]]\nid = "small"'


def money(result: Result) -> Any:
    """Everything of a result but how its records were counted."""
    return result.model_dump(
        exclude={
            "coverage": {"records_read", "ingested", "duplicates", "superseded", "repeated"},
            "problems": True,
            "prices": True,
            "sources": True,
        }
    )


def test_every_strategy_has_parameters_here() -> None:
    assert {name for name, _ in CASES} == set(STRATEGIES.names())


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=IDS)
@settings(few, max_examples=2)
@given(log=logs())
@example(log=CERTAIN)
def test_steps_sum_and_a_strategy_keeps_what_it_says_it_conserves(
    name: str, parameters: dict[str, Any], log: list[dict[str, Any]]
) -> None:
    """After a step that splits every row; evidence sums to savings, and neither table nor baseline moves."""
    grown, tried = step("reprice", growth="1.1"), step(name, **parameters)
    with played(log) as here:
        table = _table(here)
        result = here.result(scenario(grown, tried), scenario(name="nothing"))
        assert _table(here) == table
        chain = here.chain([grown, tried])
        before, after = (chain.rows(done.workload) for done in chain.rewritten)
    _steps_sum(result)
    _keeps(name, before, after)


def _steps_sum(result: Result) -> None:
    one, nothing = result.scenarios
    assert sum((s.saving_usd for s in one.steps), ZERO) == one.saving_usd
    for done in one.steps:
        assert sum(done.evidence.model_dump().values(), ZERO) == done.saving_usd
        assert done.cost_added_usd >= 0
    assert nothing.cost_usd == result.baseline.cost_usd
    assert nothing.saving_usd == 0
    if not one.not_comparable.requests and result.baseline.cost_usd:
        assert one.cost_usd is not None
        assert one.cost_usd + one.saving_usd == result.baseline.cost_usd


def _table(here: World) -> Any:
    return here.store.value("SELECT md5(string_agg(usage::VARCHAR, '|' ORDER BY row_id)) FROM usage")


def _keeps(name: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    laws = STRATEGIES.load(name).conserves
    if "rows" in laws:
        assert set(_weights(after)) == set(_weights(before))
        if "requests" in laws:
            assert _weights(after) == _weights(before)
    for law, columns in _COLUMNS.items():
        if law in laws:
            assert _values(after, columns) == _values(before, columns), law
    for law, column in (("requests", "requests"), ("input_tokens", "input_tokens"), ("output_tokens", "output_tokens")):
        if law in laws:
            assert _weighted(after, column) == _weighted(before, column), law


def _weights(rows: list[dict[str, Any]]) -> dict[int, Decimal]:
    found: dict[int, Decimal] = {}
    for row in rows:
        found[row["row_id"]] = found.get(row["row_id"], ZERO) + row["weight"]
    return found


_COLUMNS: Final = {
    "models": ("model",),
    "time": ("started_at", "ended_at"),
    "prices": ("priced_at", "service_tier", "region"),
}


def _values(rows: list[dict[str, Any]], columns: Sequence[str]) -> set[tuple[Any, ...]]:
    return {(row["row_id"], *(row[name] for name in columns)) for row in rows}


def _weighted(rows: list[dict[str, Any]], column: str) -> Decimal:
    fallback = 1 if column == "requests" else 0
    values = (row["weight"] * (fallback if row[column] is None else row[column]) for row in rows if row["sent"])
    return sum(values, ZERO)


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=IDS)
@settings(few, max_examples=2)
@given(log=logs(priced=True))
def test_every_token_is_in_one_bucket_and_none_is_negative(
    name: str, parameters: dict[str, Any], log: list[dict[str, Any]]
) -> None:
    paid = [row for row in log if row["status"] != "error" and row["requests"] != 0]
    with played(
        paid
        or [
            {
                "request_id": "r",
                "provider_name": "openai",
                "request_model": "big",
                "input_tokens": 1,
                "output_tokens": 1,
            }
        ]
    ) as here:
        result = here.result(scenario(step(name, **parameters)))
    _in_buckets(result.baseline)
    if "requests" in STRATEGIES.load(name).conserves and not result.scenarios[0].not_comparable.requests:
        _in_buckets(result.scenarios[0])


def _in_buckets(totals: Totals) -> None:
    lines = {line.token_class: line.quantity for line in totals.lines}
    fees = {*UNIT_COUNTERS, "cache_storage_mtok_hour"}
    assert all(quantity >= 0 for quantity in lines.values())
    assert sum((q for c, q in lines.items() if c in INPUT), ZERO).to_integral_value() == totals.input_tokens
    rest = sum((q for c, q in lines.items() if c not in INPUT and c not in fees), ZERO)
    assert rest.to_integral_value() == totals.output_tokens


@few
@given(log=logs(), one=steps, two=steps)
def test_shuffling_and_ingesting_twice_change_nothing(
    log: list[dict[str, Any]], one: BoundStep, two: BoundStep
) -> None:
    with played(log) as here:
        first = here.result(scenario(one, two))
    with played(log[::2], log[::-1], log[1::2], log) as here:
        again = here.result(scenario(one, two))
    assert money(again) == money(first)


@few
@given(log=logs(), one=steps, two=steps)
def test_the_same_seed_gives_the_same_bytes(log: list[dict[str, Any]], one: BoundStep, two: BoundStep) -> None:
    texts = []
    for _ in range(2):
        with played(log) as here:
            text = here.result(scenario(one, two), seed=7).model_dump_json()
            # The first example of a problem names its file, which lies in another temporary folder each time.
            texts.append(re.sub(r"[^\" ]*/(log\d+\.jsonl)", r"\1", text))
    assert texts[0] == texts[1]


@few
@given(log=logs(), one=steps)
def test_a_time_zone_moves_days_and_never_totals(log: list[dict[str, Any]], one: BoundStep) -> None:
    with played(log) as here:
        here_and_there = [here.result(scenario(one), timezone=zone) for zone in ("UTC", "Asia/Kathmandu")]
    utc, far = here_and_there
    assert far.baseline.cost_usd == utc.baseline.cost_usd
    assert _flat(far.scenarios[0]) == _flat(utc.scenarios[0])
    assert sum((p.cost_usd for p in far.baseline.series), ZERO) == sum((p.cost_usd for p in utc.baseline.series), ZERO)


def _flat(one: Scenario) -> Any:
    # A range of differing months is drawn from days, and days are the zone's.
    return one.model_dump(exclude={"series": True, "month_range": True})


@few
@given(log=logs(timed=True), case=st.sampled_from(ROW_WISE), place=st.integers(0, 13))
def test_row_wise_costs_add_up_over_a_split(
    log: list[dict[str, Any]], case: tuple[str, dict[str, Any]], place: int
) -> None:
    cut = place % len(log)
    costs = []
    for part in (log, log[:cut], log[cut:]):
        if not part:
            costs.append((ZERO, ZERO))
            continue
        with played(part) as here:
            result = here.result(scenario(step(case[0], **case[1])))
        costs.append((result.baseline.cost_usd, result.scenarios[0].cost_usd))
    whole, left, right = costs
    assert whole == (left[0] + right[0], left[1] + right[1])


@few
@given(log=logs(), one=steps)
def test_zero_costs_zero(log: list[dict[str, Any]], one: BoundStep) -> None:
    fees = {*UNIT_COUNTERS.values()} - {"requests"}
    named = {name for row in log for name in row if name.endswith("_tokens") or name in fees}
    counters = tuple(named - {"prefix_block_tokens"})
    with played(
        [{**row, **dict.fromkeys(counters, 0), "prefix_keys": None, "prefix_block_tokens": None} for row in log]
    ) as here:
        result = here.result(scenario(one))
    flat = sum((charge.cost_usd or ZERO for charge in result.scenarios[0].flat_charges), ZERO)
    assert result.baseline.cost_usd == 0
    assert result.scenarios[0].cost_usd == flat


@few
@given(log=logs(timed=True), one=steps.filter(lambda found: found.name != "price-day"))
def test_a_later_price_never_moves_an_earlier_request(log: list[dict[str, Any]], one: BoundStep) -> None:
    last = max(row["started_at"] for row in log)
    day = (STARTED + ((last - STARTED) // (1440 * MINUTE) + 1) * 1440 * MINUTE) // 86_400_000_000
    later = (
        f"[[model.price]]\nfrom = {_date(day)}\nrates = {{ input = 999, output = 999, cache_read = 999 }}\n"
        'source = "test"\nchecked = 2026-11-23\nconfidence = "user"\n'
    )
    with played(log) as here:
        first = here.result(scenario(one))
    with played(log, more=later) as here:
        again = here.result(scenario(one))
    assert money(again) == money(first)


def _date(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def test_the_later_price_of_that_law_is_one_that_could_move_something() -> None:
    """One instant before the change nothing moves, at the change all does."""
    row = {
        "request_id": "r",
        "provider_name": "openai",
        "request_model": "big",
        "input_tokens": 1_000_000,
        "output_tokens": 0,
    }
    later = '[[model.price]]\nfrom = 2026-10-02\nrates = { input = 999, output = 999 }\nsource = "test"\nchecked = 2026-11-23\nconfidence = "user"\n'
    instant = STARTED + 1440 * MINUTE
    for at, cost in ((instant - 1, Decimal(4)), (instant, Decimal(999))):
        with played([{**row, "started_at": at}], more=later) as here:
            assert here.result().baseline.cost_usd == cost


def test_a_chain_of_nothing_is_the_base() -> None:
    """The helper that the laws look through shows every row once."""
    with played([{"request_id": "r", "provider_name": "openai", "request_model": "big", "input_tokens": 5}]) as here:
        chain: Chain = here.chain([])
        assert [row["input_tokens"] for row in chain.rows(chain.base)] == [5]


def test_the_certain_log_is_one_in_which_every_cache_hits() -> None:
    with played(CERTAIN) as here:
        names = ("prompt-cache", "response-cache")
        prompts, answers = here.result(*(scenario(step(name), name=name) for name in names)).scenarios
    assert answers.steps[0].facts["hits"] == "6"
    assert not prompts.steps[0].facts["token hit rate"].startswith("0.0000")
    assert prompts.saving_usd > 0
