"""What differing months would save: weeks of the log's own days, nothing where something is assumed or days are few."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from llmcost.results.model import MonthRange, Scenario
from llmcost.results.months import month_range, whole_days
from tests.strategies.support import STARTED, scenario, step, world

D = Decimal
DAY_US: Final = 86_400_000_000
FIRST: Final = date(2026, 10, 1)
NONE: Final = (D(0), D(0))


def drawn(
    costs: Sequence[int | str], month: str = "30", flat: tuple[Decimal, Decimal] = NONE, seed: str = "1"
) -> MonthRange:
    """Days that cost so much before a scenario, and half of it after."""
    days = [FIRST + timedelta(days=n) for n in range(len(costs))]
    each = {day: (D(cost), D(cost) / 2) for day, cost in zip(days, costs, strict=True)}
    found = month_range(days, each, flat, D(month), seed)
    assert found is not None
    return found


def test_months_of_constant_days_do_not_differ() -> None:
    found = drawn([10] * 14, "30.4375")
    assert found.saving.p10_usd == found.saving.p50_usd == found.saving.p90_usd == 5 * D("30.4375")
    assert found.cost.p10_usd == found.cost.p90_usd == 5 * D("30.4375")
    assert found.days == 14


def test_weekends_come_once_a_week_in_every_month() -> None:
    """Four whole weeks have the same working days wherever they begin; two more days make the difference."""
    week = [10, 10, 10, 10, 10, 1, 1]
    even = drawn(week * 4, "28")
    assert even.saving.p10_usd == even.saving.p90_usd == D(sum(week)) * 4 / 2
    odd = drawn(week * 4, "30")
    assert odd.saving.p10_usd == (D(sum(week)) * 4 + 2) / 2
    assert odd.saving.p90_usd == (D(sum(week)) * 4 + 20) / 2


def test_what_costs_the_same_every_month_is_in_every_month() -> None:
    plain, flat = drawn(range(20)), drawn(range(20), flat=(D(0), D(100)))
    assert flat.saving.p10_usd == plain.saving.p10_usd - 100
    assert flat.cost.p90_usd == plain.cost.p90_usd + 100


def test_quantiles_are_in_order_and_hang_on_the_seed_alone() -> None:
    one, again, other = (drawn([n * n % 17 for n in range(40)], seed=seed) for seed in ("1", "1", "2"))
    assert one == again != other
    assert one.saving.p10_usd < one.saving.p50_usd < one.saving.p90_usd


def test_under_fourteen_whole_days_nothing_is_said() -> None:
    days = [FIRST + timedelta(days=n) for n in range(13)]
    assert month_range(days, dict.fromkeys(days, (D(2), D(1))), NONE, D(30), "1") is None


@pytest.mark.parametrize(
    ("start", "end", "zone", "days"),
    [
        (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 15, tzinfo=UTC), "UTC", 14),
        (datetime(2026, 10, 1, 1, tzinfo=UTC), datetime(2026, 10, 15, 23, tzinfo=UTC), "UTC", 13),
        (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 15, tzinfo=UTC), "Europe/Berlin", 13),
        (datetime(2026, 9, 30, 22, tzinfo=UTC), datetime(2026, 10, 31, 23, tzinfo=UTC), "Europe/Berlin", 31),
        (datetime(2026, 10, 1, 2, tzinfo=UTC), datetime(2026, 10, 1, 5, tzinfo=UTC), "UTC", 0),
        (None, None, "UTC", 0),
    ],
)
def test_days_are_whole_in_the_zone_of_the_result(
    start: datetime | None, end: datetime | None, zone: str, days: int
) -> None:
    assert len(whole_days(start, end, zone)) == days


def log(days: int, **more: Any) -> list[dict[str, Any]]:
    """Two calls a day; the first at midnight and the last in a day's last hour, so that every day is whole."""
    return [
        {
            "request_id": f"{day}-{n}", "provider_name": "openai", "request_model": "big", "output_tokens": 100,
            "started_at": STARTED + day * DAY_US + n * (DAY_US - 60_000_000), "input_tokens": 1000 + day % 5 * 500, **more,
        }
        for day in range(days)
        for n in range(2)
    ]  # fmt: skip


def played(folder: Path, rows: list[dict[str, Any]], **options: Any) -> list[Scenario]:
    flex = scenario(step("service-tier", tier="flex"), name="measured")
    assumed = scenario(step("service-tier", tier="flex"), step("reprice", growth="1.1"), name="assumed")
    with world(folder, rows) as here:
        return here.result(flex, assumed, scenario(name="nothing"), dimensions=(), **options).scenarios


def test_only_what_assumes_nothing_has_months(tmp_path: Path) -> None:
    measured, assumed, nothing = played(tmp_path, log(14))
    assert assumed.month_range is None is nothing.month_range
    assert measured.range is None
    found = measured.month_range
    assert found is not None
    assert found.days == 14
    assert measured.monthly_saving_usd is not None
    assert found.saving.p10_usd < measured.monthly_saving_usd < found.saving.p90_usd
    assert played(tmp_path / "short", log(13))[0].month_range is None


def test_rows_that_cannot_be_compared_are_in_no_month(tmp_path: Path) -> None:
    """The same months, whether the days come from the shown series or are added up without some rows."""
    more = [
        row | {"request_id": f"x{row['request_id']}", "request_model": "vectors"}
        for row in log(14, audio_output_tokens=5)
    ]
    alone, mixed = (played(tmp_path / name, rows)[0] for name, rows in (("a", log(14)), ("b", [*log(14), *more])))
    assert mixed.not_comparable.requests == 28
    assert mixed.month_range == alone.month_range is not None


def test_the_zone_moves_days_and_with_them_what_is_whole(tmp_path: Path) -> None:
    found = played(tmp_path, log(16), timezone="Asia/Kathmandu")[0].month_range
    assert found is not None
    assert found.days == 15
