"""Prices that are already dated are in a check's month where that is a forecast: days of one cost, so every sum is by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.results.budget.check_model import Check
from llmcost.results.budget.file import BudgetFile
from llmcost.results.forecast.outlook import ForecastOptions
from llmcost.results.options import ReplayOptions
from llmcost.results.outcome import outcome
from llmcost.results.scenario import BoundScenario

NOW = 1_790_856_000_000_000
"""2026-10-01 12:00 UTC."""
ROW = {"provider_name": "acme", "output_tokens": 0}
PRICES = """
[[model]]
provider = "acme"
id = "rising"
price = [{ from = 2026-01-01, rates = { input = 1, output = 0 } }, { from = 2026-10-11, rates = { input = 2, output = 0 } }]

[[model]]
provider = "acme"
id = "steady"
price = [{ from = 2026-01-01, rates = { input = 1, output = 0 } }]
"""
FILE = BudgetFile.model_validate(
    {
        "limit": [
            {"name": "all", "measure": "monthly", "block": 700},
            {"name": "team", "for": {"team": "*"}, "measure": "monthly", "block": 400},
            {"name": "adds", "measure": "increase", "block": 100},
        ]
    }
)


@pytest.fixture
def log(tmp_path: Path) -> dict[str, Any]:
    """Thirty days on which each of two teams spends ten dollars, each on its own model."""
    rows = [
        {
            **ROW,
            "request_id": f"{day}-{hour}-{team}",
            "started_at": f"2026-09-{day:02d}T{hour:02d}:30:00Z",
            "team": team,
        }
        | {"request_model": model, "input_tokens": 10_000_000 if hour == 12 else 0}
        for day in range(1, 31)
        for hour in (0, 12, 23)
        for team, model in (("a", "rising"), ("b", "steady"))
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "prices.toml").write_text(PRICES)
    options = ReplayOptions(now=NOW, month_days=Decimal(30))
    return {"path": tmp_path / "log.jsonl", "prices": [tmp_path / "prices.toml"], "options": options}


def _check(log: dict[str, Any], **more: Any) -> Check:
    return llmcost.check(log["path"], budget=FILE, prices=log["prices"], options=log["options"], **more)


def _after(found: Check) -> dict[tuple[str, str], Decimal | None]:
    return {(line.limit, line.owner.get("team", "")): line.after for line in found.findings}


def test_ten_days_at_the_old_price_and_twenty_at_the_new_one(log: dict[str, Any]) -> None:
    found = _check(log)
    assert found.basis.kind == "forecast"
    assert [(change.on.isoformat(), change.factor) for change in found.basis.price_changes] == [
        ("2026-10-11", Decimal("1.5"))
    ]
    assert found.after_usd == pytest.approx(Decimal(800), abs=Decimal("0.1"))
    assert found.basis.prices_usd == pytest.approx(Decimal(200), abs=Decimal("0.1"))
    after = _after(found)
    assert after["all", ""] == found.after_usd
    assert after["team", "a"] == pytest.approx(Decimal(500), abs=Decimal("0.1")), "its own model is the one that rises"
    assert after["team", "b"] == pytest.approx(Decimal(300), abs=Decimal("0.1"))
    assert {line.limit: line.state for line in found.findings if line.state == "block"} == {
        "all": "block",
        "team": "block",
    }
    assert "In it, prices that change from 2026-10-11 on: $199.98 more." in outcome(found).document(10, "").sentence
    whole = llmcost.forecast(
        log["path"], prices=log["prices"], options=log["options"], wanted=ForecastOptions(months=1)
    ).outlook.total_usd
    assert found.after_usd == pytest.approx(whole, abs=Decimal(40)), "October has a day more"


def test_a_change_that_leaves_the_dear_model_saves_its_coming_price_too(log: dict[str, Any]) -> None:
    moved = _change(log, '{ strategy = "reprice", model = "acme/steady" }')
    found = _check(log, change=moved)
    assert found.before_usd == pytest.approx(Decimal(800), abs=Decimal("0.1"))
    assert found.after_usd == pytest.approx(Decimal(600), abs=Decimal("0.1"))
    assert found.basis.prices_usd == 0
    assert found.basis.prices_before_usd == pytest.approx(Decimal(200), abs=Decimal("0.1"))
    assert found.verdict == "PASS"


def test_growth_multiplies_what_will_be_paid(log: dict[str, Any]) -> None:
    grown = _change(log, '{ strategy = "reprice", growth = 1.5 }')
    found = _check(log, change=grown)
    assert found.before_usd == pytest.approx(Decimal(800), abs=Decimal("0.1"))
    assert found.after_usd == pytest.approx(Decimal(1200), abs=Decimal("0.2"))
    assert found.basis.prices_usd == pytest.approx(Decimal(300), abs=Decimal("0.2"))
    assert found.basis.prices_before_usd == pytest.approx(Decimal(200), abs=Decimal("0.2"))
    assert _after(found)["team", "a"] == pytest.approx(Decimal(750), abs=Decimal("0.2"))


def test_where_a_price_day_is_proposed_no_other_day_has_a_say(log: dict[str, Any]) -> None:
    at_new = _change(log, '{ strategy = "price-day", on = 2026-10-20 }')
    found = _check(log, change=at_new)
    assert found.before_usd == pytest.approx(Decimal(600), abs=Decimal("0.1"))
    assert found.after_usd == pytest.approx(Decimal(900), abs=Decimal("0.1"))
    assert not found.basis.price_changes
    assert "names the day" in found.basis.prices_note


def test_a_run_rate_knows_no_coming_day(log: dict[str, Any]) -> None:
    found = _check(log, basis="run-rate")
    assert found.after_usd == pytest.approx(Decimal(600), abs=Decimal("0.1"))
    assert not found.basis.price_changes


def _change(log: dict[str, Any], step: str) -> BoundScenario:
    path = log["path"].parent / "scenario.toml"
    path.write_text(f'[[scenario]]\nname = "change"\nstep = [{step}]\n')
    (change,) = llmcost.scenarios_of([path], []) or []
    return change
