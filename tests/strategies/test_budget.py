"""The budget strategy against the loop one would write by hand, row costs against sums, and windows against a calendar."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcost.errors import UsageError
from llmcost.pricing.resolve import Unpriced
from llmcost.results.options import ReplayOptions
from llmcost.results.replay import Replaying
from llmcost.results.scenario import BoundScenario
from llmcost.usage.store import Store
from llmcost.workload.budgets import Budget, Budgets
from llmcost.workload.clock import Clock, bounds_of, instant_of
from llmcost.workload.contract import USD_BASE, USD_HIGH, USD_LOW, Workload
from tests.random_logs import logs
from tests.reference.budget import fates
from tests.strategies.support import NOW, STARTED, World, step, world

few = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
SMALL = {"provider_name": "openai", "request_model": "big", "output_tokens": 0}
PER_TOKEN = {"openai/big": Decimal("0.000002"), "openai/small": Decimal("0.0000001")}


def _budgets() -> st.SearchStrategy[tuple[Budget, ...]]:
    one: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({
        "for": st.sampled_from([{}, {"team": "*"}, {"team": "a"}, {"user": "*", "team": "b"}]),
        "per": st.sampled_from(["hour", "day", "week", "month"]),
        "amount": st.sampled_from([{"usd": "0.05"}, {"usd": "0.2"}, {"usd": "0.5"}, {"tokens": 30_000}, {"tokens": 200_000}]),
        "action": st.sampled_from([{"action": "block"}, {"action": "warn"}, {"action": "downgrade", "model": "openai/small"}]),
    })  # fmt: skip
    return st.lists(one, min_size=1, max_size=3).map(
        lambda found: tuple(
            Budget.model_validate({"name": f"b{n}", "for": b["for"], "per": b["per"], **b["amount"], **b["action"]})
            for n, b in enumerate(found)
        )
    )


def _calls() -> st.SearchStrategy[list[dict[str, Any]]]:
    minutes = st.integers(0, 60 * 24 * 40).map(lambda n: STARTED + n * 60_000_000)
    one = st.fixed_dictionaries({
        "started_at": st.one_of(minutes, st.sampled_from([STARTED + n * 600_000_000 for n in range(6)])),
        "input_tokens": st.sampled_from([1, 10_000, 25_000, 50_000, 100_000]),
        "team": st.sampled_from(["a", "a", "b", None]), "user_id": st.sampled_from(["u", "v"]),
    })  # fmt: skip
    return st.lists(one, min_size=1, max_size=30, unique_by=lambda row: row["started_at"])


@few
@given(rows=_calls(), budgets=_budgets(), zone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York"]))
def test_the_strategy_is_the_loop_one_would_write(
    rows: list[dict[str, Any]], budgets: tuple[Budget, ...], zone: str
) -> None:
    rows = sorted(rows, key=lambda row: row["started_at"])
    logged = [{"request_id": f"r{number:03}", **SMALL, **row} for number, row in enumerate(rows)]

    def cost(row: dict[str, Any], model: str | None) -> Decimal:
        # The big model costs 3 USD a million tokens from 2026-10-15 on.
        late = model is None and row["started_at"] >= STARTED + 14 * 86_400_000_000
        return Decimal(row["input_tokens"]) * (Decimal("0.000003") if late else PER_TOKEN[model or "openai/big"])

    expected = fates([{**row, "user": row["user_id"]} for row in logged], budgets, zone, cost)  # type: ignore[arg-type]  # narrower rows
    params = {"budgets": [b.model_dump(by_alias=True, exclude_none=True) for b in budgets], "timezone": zone}
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), logged) as here:
        chain = here.chain([step("budget", **params)])
        found = chain.rows(chain.rewritten[-1].workload)
    assert [_fate(row) for row in found] == expected


def _fate(row: dict[str, Any]) -> str:
    if not row["sent"]:
        return "blocked"
    return str(row["model"]) if row["changed"] else "passed"


def _replaying(here: World) -> tuple[Replaying, Workload]:
    replay = Replaying(here.store, here.book, ReplayOptions(now=NOW))
    return replay, Workload(replay.engine.view(replay._base(replay._columns([BoundScenario("case", ())]))))


@few
@given(log=logs())
def test_rows_cost_what_they_cost_alone(log: list[dict[str, Any]]) -> None:
    """The engine's integers of every row are what pricing says of a log of that row alone."""
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), log) as here:
        replay, base = _replaying(here)
        priced = replay._row_costs_of(())(base)
        found = {row["row_id"]: row for row in replay.engine.collect(priced.rows).to_pylist()}
        parts = replay._costs_of((), BoundScenario("case", ()))(base, "row_id")
    for number, row in found.items():
        if row[USD_HIGH] is None:
            assert parts.usd.get(number, 0) == 0
            continue
        amount = Decimal(row[USD_HIGH] * USD_BASE + row[USD_LOW]).scaleb(-priced.places)
        assert amount == parts.usd[number]


def test_an_unpriced_row_is_unknown_and_a_failed_one_free(tmp_path: Path) -> None:
    rows = [{"request_id": "a", **SMALL, "input_tokens": 5, "request_model": "unheard-of"},
            {"request_id": "b", **SMALL, "input_tokens": 5, "status": "error"}]  # fmt: skip
    with world(tmp_path, rows) as here:
        replay, base = _replaying(here)
        priced = replay._row_costs_of(())(base)
        found = sorted(
            (row[USD_HIGH], row[USD_LOW]) if row[USD_HIGH] is not None else (-1, -1)
            for row in replay.engine.collect(priced.rows).to_pylist()
        )
    assert found == [(-1, -1), (0, 0)]
    assert Unpriced("x").reason == "x"


@pytest.mark.parametrize("per", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York"])
def test_windows_are_those_of_the_calendar(per: Any, zone: str) -> None:
    """Every window holds its instants and no others, over leap days, new years and both changes of the clock."""
    first = datetime(2024, 1, 1, tzinfo=UTC)
    instants = sorted({instant_of(first + timedelta(hours=hour, minutes=minute)) for hour in range(0, 24 * 800, 5) for minute in (0, 29, 59)}
                      | {instant_of(datetime(2026, 10, 25, h, m, tzinfo=UTC)) for h in range(4) for m in (0, 30, 59)})  # fmt: skip
    clock = Clock(zone, (instants[0], instants[-1]))
    table = ibis.table({"at": "int64"}, name="instants")
    from llmcost.results.stage import compiled

    with Store(threads=1) as store:
        store.register("instants", pa.table({"at": pa.array(instants, pa.int64())}))
        found = store.arrow(compiled(table.mutate(w=clock.window(table.at, per)))).to_pylist()
    for row in found:
        start, end = bounds_of(row["w"], per, zone)
        assert start <= row["at"] < end, (row, start, end)
        assert clock.number(row["at"], per) == row["w"]
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=start)).astimezone(ZoneInfo(zone))
        assert (local.minute, local.second) == (0, 0) or per == "hour"
        if per == "month":
            assert (local.day, local.hour) == (1, 0)
        if per == "week":
            assert (local.weekday(), local.hour) == (0, 0)


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"name": "x"}, "needs one of usd and tokens"),
        ({"name": "x", "usd": 1, "tokens": 1}, "needs one of usd and tokens"),
        ({"name": "x", "usd": 1, "for": {"tem": "a"}}, "did you mean 'team'"),
        ({"name": "x", "usd": 1, "action": "downgrade"}, "a model belongs to"),
        ({"name": "x", "usd": -1}, "greater than or equal to 0"),
        ({"name": "x", "usd": 1, "for": {"team": ""}}, "team is empty"),
        ({"name": "x", "usd": 1, "amonut": 2}, "amonut is not known"),
        ({"name": "x", "amount": 2}, "for budget files that name a currency"),
    ],
)
def test_a_budget_that_says_nothing_is_refused(given_: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        step("budget", budgets=[given_])


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="no time zone"):
        step("budget", budgets=[{"name": "x", "usd": 1}], timezone="Mars/Base")
    assert Budgets(budgets=(Budget(name="x", usd=Decimal(1)),)).timezone == "UTC"
