"""The report of the sample's two months finds the four things that happened, with the amounts the generator knows."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.money import plain
from llmcost.results.monthly.showback import read
from llmcost.results.options import ReplayOptions
from tests.support import SAMPLES

FOLDER = SAMPLES / "two_months"
PRICES = SAMPLES / "two-months-prices.toml"
SHARED = SAMPLES / "two-months-shared.toml"
NOW = 1_795_392_000_000_000


@pytest.fixture(scope="module")
def store() -> Any:
    with llmcost.Store(None) as opened:
        llmcost.ingest_files(opened, FOLDER)
        yield opened


@pytest.fixture(scope="module")
def october(store: llmcost.Store) -> llmcost.Monthly:
    return llmcost.report(
        store=store, month="2026-10", prices=[PRICES], tags=["cost_center"], budgets={"all": Decimal(20)}, scenarios=[],
        shared=read(SHARED), options=ReplayOptions(now=NOW),
    )  # fmt: skip


@pytest.fixture(scope="module")
def september(store: llmcost.Store) -> llmcost.Monthly:
    return llmcost.report(store=store, month="2026-09", prices=[PRICES], scenarios=[], options=ReplayOptions(now=NOW))


@pytest.fixture(scope="module")
def events() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())["2026-10.jsonl.gz"]["events"]
    return found


def test_the_price_change(october: llmcost.Monthly, events: dict[str, Any]) -> None:
    event = events["price_change"]
    (change,) = october.price_changes
    assert (change.model, change.on.isoformat(), plain(change.effect_usd)) == tuple(event.values())
    assert change.rates == {"input": [Decimal(1), Decimal("1.4")], "output": [Decimal(4), Decimal("5.6")]}
    assert october.total_change is not None
    assert plain(october.total_change.price_usd) == event["effect_usd"], "no other price changed"
    (told,) = [f for f in october.findings if f.kind == "price-change"]
    assert told.amount_usd == change.effect_usd
    assert "2026-10-15" in told.text


def test_the_retry_storm(october: llmcost.Monthly, events: dict[str, Any]) -> None:
    event = events["retry_storm"]
    (storm,) = october.storms
    assert storm.feature == event["feature"]
    assert storm.attempts == event["attempts"]
    assert storm.first.isoformat(timespec="milliseconds").replace("+00:00", "Z") == event["first"]
    assert storm.last.isoformat(timespec="milliseconds").replace("+00:00", "Z") == event["last"]
    assert plain(storm.wasted_usd) == event["wasted_usd"]
    assert storm.answered == 40
    hidden = {line.what: line for line in october.hidden}
    assert plain(hidden["attempts that gave way to a retry"].cost_usd or Decimal(0)) == event["wasted_usd"]


def test_the_mix_shift(october: llmcost.Monthly, events: dict[str, Any]) -> None:
    event = events["mix_shift"]
    features = next(m for m in october.movers if m.dimension == "feature")
    (line,) = [x for x in features.lines if x.value == event["feature"]]
    assert plain(line.mix_usd) == event["mix_usd"]
    assert line.tokens_usd == line.price_usd == 0
    (told,) = [f for f in october.findings if f.kind == "mix-shift"]
    assert told.value == event["feature"]
    assert plain(told.amount_usd or Decimal(0)) == event["mix_usd"]
    assert event["to"] in told.text


def test_the_runaway_user(october: llmcost.Monthly, events: dict[str, Any]) -> None:
    event = events["runaway_user"]
    (found,) = [a for a in october.anomalies.found if a.dimension == "user_id"]
    told = (found.value, found.start.isoformat(), found.end.isoformat(), plain(found.excess_usd))
    assert told == tuple(event.values())
    assert found.part_of is None
    wider = [
        a for a in october.anomalies.found if a.dimension in {"feature", "team", "total"} and a.start == found.start
    ]
    assert wider
    assert all(a.part_of == "user_id dev-3" for a in wider)
    assert any(f.kind == "budget" for f in october.findings)
    assert october.findings[0].value == event["user_id"]


def test_september_is_quiet(september: llmcost.Monthly) -> None:
    assert not september.storms
    assert not september.price_changes
    assert september.total_change is None
    assert september.headline.change_usd is None
    assert all(line.last_usd is None for spend in september.spend for line in spend.lines), "unknown is not zero"
    assert any("month before" in warning for warning in september.warnings)
    assert {f.kind for f in september.findings} <= {"anomaly", "unpriced"}


def test_shared_costs_are_given_out_to_the_last_digit(october: llmcost.Monthly) -> None:
    by_team = next(s for s in october.showback if s.by == "team")
    moderation, gateway = by_team.rules
    assert moderation.amount_usd == moderation.allocated_usd == sum(
        line.shared_usd for line in by_team.lines
    ) - Decimal(9)  # fmt: skip
    assert gateway.amount_usd == 12
    assert gateway.allocated_usd == 9
    cost = october.headline.this.cost_usd
    assert cost is not None
    assert by_team.total_usd == cost + 12 == by_team.allocated_usd + by_team.unallocated_usd
    assert by_team.unallocated_usd == 3
    by_tag = next(s for s in october.showback if s.by == "tag:cost_center")
    assert not by_tag.rules, "a rule of teams says nothing about cost centres"
    assert by_tag.total_usd == cost


def test_routing_is_held_against_the_original_model(october: llmcost.Monthly) -> None:
    found = october.routing
    assert found is not None
    (pair,) = found.pairs
    assert (pair.original, pair.model) == ("openai/gpt-5.4", "openai/gpt-5.4-mini")
    # gpt-5.4 costs 2.5/15 a million tokens, gpt-5.4-mini 0.75/4.5: 10/3 of it (the price page, read 2026-11-24).
    assert found.original_usd * 3 == found.cost_usd * 10
    assert found.saving_usd == found.original_usd - found.cost_usd


def test_caching_is_held_against_the_same_tokens_uncached(october: llmcost.Monthly) -> None:
    whole = october.caching[0]
    calls = whole.cache_read_input_tokens // 7000
    assert whole.read_saving_usd == calls * 7000 * (Decimal(3) - Decimal("0.3")) / 1_000_000
    assert whole.write_premium_usd == calls * 1000 * Decimal("0.75") / 1_000_000
    assert whole.net_saving_usd == whole.read_saving_usd - whole.write_premium_usd


def test_parts_of_a_prompt_cost_what_their_place_costs(october: llmcost.Monthly) -> None:
    hidden = {line.what: line for line in october.hidden}
    reviews = 830
    # tools 0 to 3,000 and system to 5,500 are read from the cache, history to 8,100 is read to 7,000, written to 8,000, plain after.
    history = (1500 * Decimal("0.3") + 1000 * Decimal("3.75") + 100 * 3) * reviews / 1_000_000
    chats = {"haiku": 368, "sonnet": 180}
    history += 500 * (chats["haiku"] * Decimal(1) + chats["sonnet"] * Decimal(3)) / 1_000_000
    assert hidden["conversation history"].cost_usd == history
    tools = 3000 * Decimal("0.3") * reviews / 1_000_000
    tools += 300 * (chats["haiku"] * Decimal(1) + chats["sonnet"] * Decimal(3)) / 1_000_000
    assert hidden["tool definitions"].cost_usd == tools


def test_budget_and_coverage(october: llmcost.Monthly) -> None:
    (budget,) = october.headline.budgets
    assert budget.left == 20 - (october.headline.this.cost_usd or Decimal(0))
    assert october.headline.complete
    assert october.headline.last.unpriced_requests == 3
    covers = {u.unit: u.count for u in october.unit_costs}
    assert covers["feature"] == 6


def test_budgets_of_owners(store: llmcost.Store, tmp_path: Path) -> None:
    file = tmp_path / "budget.toml"
    file.write_text(
        '[[budget]]\nname = "teams"\nfor = { team = "*" }\nusd = 3\n'
        '[[budget]]\nname = "five hundred"\nfor = { "tag.cost_center" = "cc-500" }\ntokens = 600000\n'
        '[[budget]]\nname = "haiku"\nfor = { model = "anthropic/claude-haiku-4-5" }\nwhen = "feature = \'assistant\'"\nusd = 2\n'
        '[[budget]]\nname = "a day"\nper = "day"\nusd = 1\n'
    )
    found = llmcost.report(
        store=store, month="2026-10", prices=[PRICES], scenarios=[], budget_file=file, options=ReplayOptions(now=NOW)
    )
    budgets = {(b.name, b.owner): b for b in found.headline.budgets}
    assert {owner for name, owner in budgets if name == "teams"} == {"care", "content", "growth", "platform", "risk"}
    costs = {line.value: line.cost_usd for s in found.spend if s.dimension == "team" for line in s.lines}
    for (name, owner), budget in budgets.items():
        if name == "teams":
            assert budget.spent == costs[owner]
            assert budget.left == 3 - budget.spent
    haiku = next(line for s in found.spend if s.dimension == "model" for line in s.lines if "haiku" in str(line.value))
    assert budgets["haiku", None].spent == haiku.cost_usd
    tokens = budgets["five hundred", None]
    assert (tokens.unit, int(tokens.spent)) == ("tokens", 318_299 + 41_211 + 231_570 + 98_092)
    assert not any(name == "a day" for name, _ in budgets)
    over = {f.value for f in found.findings if f.kind == "budget"}
    assert over == {"teams (platform)", "teams (content)", "five hundred", "a day"}


def test_windows_shorter_than_a_month_are_held_too(store: llmcost.Store, tmp_path: Path) -> None:
    """Against the days of a plain replay: who was over, when, and by how much; a week is whole across the month's edge."""
    file = tmp_path / "budget.toml"
    file.write_text(
        '[[budget]]\nname = "a day"\nper = "day"\nusd = 0.5\n[[budget]]\nname = "a week"\nper = "week"\nusd = 3\n'
        '[[budget]]\nname = "an hour each"\nper = "hour"\nusd = 0.3\nfor = { user = "*" }\n'
        '[[budget]]\nname = "never"\nper = "day"\ntokens = 999999999\n'
    )
    options = ReplayOptions(now=NOW)
    found = llmcost.report(
        store=store, month="2026-10", prices=[PRICES], scenarios=[], budget_file=file, options=options
    )
    daily: dict[date, Decimal] = {}
    for point in llmcost.simulate(scenarios=[], store=store, prices=[PRICES], options=options).baseline.series:
        daily[point.date] = daily.get(point.date, Decimal(0)) + point.cost_usd
    weeks: dict[date, Decimal] = {}
    for day, cost in daily.items():
        monday = day - timedelta(days=day.weekday())
        weeks[monday] = weeks.get(monday, Decimal(0)) + (cost if day < date(2026, 11, 1) else 0)
    assert found.windows is not None
    lines = {line.budget: line for line in found.windows.budgets if not line.owner}
    october = {day: cost for day, cost in daily.items() if (day.year, day.month) == (2026, 10)}
    over = {day: cost for day, cost in october.items() if cost > Decimal("0.5")}
    a_day = lines["a day"]
    assert 0 < len(over) < a_day.windows == len(october)
    assert (a_day.over, a_day.most) == (len(over), max(october.values()))
    assert a_day.above == sum(cost - Decimal("0.5") for cost in over.values())
    passed = [line for line in found.windows.passed if line.budget == "a day"]
    assert [line.start.date() for line in passed] == sorted(over)
    assert all(line.start <= line.over_at < line.end for line in passed)
    met = {monday: cost for monday, cost in weeks.items() if monday + timedelta(days=7) > date(2026, 10, 1)}
    assert date(2026, 9, 28) in met
    assert (lines["a week"].windows, lines["a week"].most) == (len(met), max(met.values()))
    assert lines["never"].over == 0
    runaway = [line for line in found.windows.passed if line.budget == "an hour each"]
    assert runaway
    assert all(line.spent > Decimal("0.3") and line.owner["user"] for line in runaway)
    told = [f for f in found.findings if f.kind == "budget" and f.value == "a day"]
    assert told[0].amount_usd == a_day.above
    assert f"passed in {len(over)} of {len(october)} days, first on {min(over)}" in told[0].text
    for name in ("terminal", "markdown", "html", "csv"):
        assert b"an hour each" in llmcost.render(found, name)


def test_a_month_without_shorter_budgets_has_no_windows(october: llmcost.Monthly) -> None:
    assert october.windows is None


def test_the_days_after_the_log_are_forecast(october: llmcost.Monthly) -> None:
    outlook = october.forecast
    assert outlook is not None
    assert outlook.months[-1].month == "2026-11"
    assert outlook.months[-1].breach is not None, "the budget of the whole month is held against it"
    known = {day.date: day.cost_usd for day in october.days}
    assert all(known[day.date] == day.cost_usd for day in outlook.history if day.cost_usd), (
        "one cost a day, however it is found"
    )
