"""Laws of the monthly report on random logs: what is told apart sums to what was there, and is what a replay costs."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from llmcost.money import ZERO
from llmcost.results.monthly.effects import Change, Side, changes, total
from llmcost.results.monthly.model import Effects, Monthly
from llmcost.results.monthly.run import MonthlyOptions, monthly
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import add
from tests.random_logs import MINUTE, logs
from tests.strategies.support import NOW, World, world

few = settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
MONTH_US = 30 * 24 * 60 * MINUTE


def reported(world: World, month: str = "2026-10", **wanted: Any) -> Monthly:
    return monthly(world.store, world.book, ReplayOptions(now=NOW), MonthlyOptions(month, **wanted), [])


@contextmanager
def made_of(log: Sequence[Mapping[str, Any]]) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), log) as made:
        yield made


def both(log: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A log of two months: the second log a month earlier."""
    earlier = [
        {
            **row,
            "request_id": f"b{row['request_id']}",
            "started_at": row["started_at"] - MONTH_US,
            "ended_at": row["ended_at"] - MONTH_US if "ended_at" in row else None,
        }
        for row in before
    ]
    return [*map(dict, log), *earlier]


def sums(effects: Effects) -> Decimal:
    return add((effects.volume_usd, effects.mix_usd, effects.tokens_usd, effects.price_usd))


@few
@given(log=logs(timed=True, most=12), before=logs(timed=True, most=12))
def test_everything_sums_and_is_what_a_replay_costs(log: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    with made_of(both(log, before)) as made:
        found = reported(made)
        start, end = found.period.start, found.period.end
        assert start is not None
        assert end is not None
        at = {"since": int(start.timestamp()) * 1_000_000, "until": int(end.timestamp()) * 1_000_000}
        assert (found.headline.this.cost_usd or ZERO) == made.result(**at).baseline.cost_usd
        for spend in found.spend:
            assert add(line.cost_usd or ZERO for line in spend.lines) == (found.headline.this.cost_usd or ZERO)
            assert sum(line.requests for line in spend.lines) == found.headline.this.requests
            assert sum(line.last_requests for line in spend.lines) == found.headline.last.requests
        if found.total_change is None:
            return
        change = found.total_change
        assert change.this_usd == (found.headline.this.cost_usd or ZERO)
        assert change.last_usd == (found.headline.last.cost_usd or ZERO)
        assert sums(change) == change.change_usd == change.this_usd - change.last_usd
        for movers in (found.change, *(m.lines for m in found.movers)):
            assert add(line.change_usd for line in movers) == change.change_usd
            assert add(line.this_usd for line in movers) == change.this_usd
            for line in movers:
                assert sums(line) == line.change_usd == line.this_usd - line.last_usd


def side(calls: int, **classes: tuple[str, str]) -> Side:
    made = Side()
    made.add(Decimal(calls), [(name, Decimal(q), Decimal(q) * Decimal(p)) for name, (q, p) in classes.items()])
    return made


def effects(last: Side, this: Side) -> Change:
    return total(changes({"cell": (last, this)}).values())


def told(found: Change, *four: Decimal | int) -> bool:
    """Whether volume, mix, tokens and price are these."""
    return list(found.parts[2:]) == list(four)


def test_only_more_calls_are_volume() -> None:
    found = effects(side(10, input=("1000", "0.003")), side(25, input=("2500", "0.003")))
    assert told(found, Decimal("4.5"), 0, 0, 0)


def test_only_longer_calls_are_tokens() -> None:
    found = effects(side(10, input=("1000", "0.003")), side(10, input=("1700", "0.003")))
    assert told(found, 0, 0, Decimal("2.1"), 0)


def test_only_another_price_is_price() -> None:
    found = effects(side(10, input=("1000", "0.003")), side(10, input=("1000", "0.004")))
    assert told(found, 0, 0, 0, 1)


def test_only_another_model_is_mix_and_a_model_that_leaves_is_no_volume() -> None:
    cheap, dear = ("1000", "0.001"), ("1000", "0.005")
    cells: dict[Hashable, tuple[Side, Side]] = {
        "cheap": (side(10, input=cheap), Side()),
        "dear": (Side(), side(10, input=dear)),
    }
    found = total(changes(cells).values())
    assert told(found, 0, 4, 0, 0)


def test_more_cached_tokens_are_tokens_and_price_is_of_the_tokens_of_now() -> None:
    last = side(10, input=("1000", "0.01"))
    this = side(10, input=("400", "0.02"), cache_read=("600", "0.001"))
    found = effects(last, this)
    assert found.tokens == Decimal(400) * Decimal("0.01") + Decimal("0.6") - 10
    assert found.price == Decimal(4)


def test_calls_that_nobody_counted_are_volume_by_tokens() -> None:
    found = effects(side(0, input=("1000", "0.003")), side(0, input=("2000", "0.004")))
    assert told(found, 3, 0, 0, 2)


def test_a_value_that_nobody_had_is_volume_and_one_that_is_gone_too() -> None:
    assert effects(Side(), side(3, input=("10", "1"))).volume == 10
    assert effects(side(3, input=("10", "1")), Side()).volume == -10


amounts = st.integers(0, 10**7)


@given(st.lists(st.tuples(amounts, amounts, amounts, amounts, amounts, amounts), max_size=6))
def test_effects_sum_for_any_numbers(cells: list[tuple[int, ...]]) -> None:
    made: dict[Hashable, tuple[Side, Side]] = {}
    for place, (n0, q0, p0, n1, q1, p1) in enumerate(cells):
        made[place] = (
            side(n0, input=(str(q0), f"{p0}e-9")) if n0 or q0 else Side(),
            side(n1, input=(str(q1), f"{p1}e-9")) if n1 or q1 else Side(),
        )
    for key, found in changes(made).items():
        last, this = made[key]
        assert add((found.volume, found.mix, found.tokens, found.price)) == this.cost - last.cost == found.change


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_a_time_zone_moves_days_and_months_but_loses_nothing(zone: str) -> None:
    log = [
        {
            "request_id": f"r{n}", "provider_name": "openai", "request_model": "big", "input_tokens": 1000, "output_tokens": 10,
            "started_at": (NOW // 1_000_000 - 55 * 86_400 + n * 7_200) * 1_000_000,
        }
        for n in range(600)
    ]  # fmt: skip
    with made_of(log) as made:
        options = ReplayOptions(now=NOW, timezone=zone)
        months = [
            monthly(made.store, made.book, options, MonthlyOptions(m), []) for m in ("2026-09", "2026-10", "2026-11")
        ]
        assert add(m.headline.this.cost_usd or ZERO for m in months) == made.result().baseline.cost_usd
        for found in months:
            mine = [day for day in found.days if f"{day.date:%Y-%m}" == found.headline.this.month]
            assert add(day.cost_usd or ZERO for day in mine) == found.headline.this.cost_usd
