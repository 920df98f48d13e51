"""The what-if panel in a real browser: at rest it is the report, anywhere else it is a replay of the scenario it prints."""

from __future__ import annotations

import json
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.money import rounded, usd
from llmcost.reports import REPORTS, Options
from llmcost.results.model import Result
from llmcost.results.outcome import outcome
from llmcost.results.present import apportioned, money, moneys, running
from llmcost.results.what_if_model import WhatIf
from tests.reports import sample_result, sample_what_if
from tests.reports.browser import Browser
from tests.whatif.support import buckets, cost_at, savings, with_what_if

_KEYS = ("traffic", "route", "cache", "batch", "discount")
_AMOUNTS = "return ['now', 'then', 'change'].map((key) => document.getElementById('w-' + key).textContent)"
_TOML = "return document.getElementById('w-toml').textContent"
_ROWS = "return [...document.querySelectorAll('#w-models tbody tr, #w-models tfoot tr')].map((r) => [...r.cells].map((c) => c.textContent))"


def _opened(browser: Browser, result: Result, folder: Path, width: int = 1280) -> None:
    file = folder / "page.html"
    file.write_bytes(REPORTS.load("html").render(outcome(result), Options()))
    browser.emulate(width, 900)
    browser.log("browser")
    browser.requests()
    browser.open(file)


def _move(browser: Browser, positions: dict[str, int]) -> None:
    """Sets sliders as a reader does; -1 is off."""
    browser.script(
        "Object.entries(" + json.dumps(positions) + ").forEach(([key, value]) => {"
        "const input = document.getElementById('l-' + key); input.value = value;"
        "input.dispatchEvent(new Event('input', { bubbles: true })); });"
    )


def _amount(text: str) -> Decimal:
    return Decimal(0) if text == "no change" else Decimal(re.sub(r"[$,+]", "", text))


def _monthly(cost: Decimal, result: Result) -> Decimal:
    assert result.period.days
    return rounded(cost * result.period.month_days / result.period.days, 2)


def test_at_rest_it_is_the_report_to_the_cent(browser: Browser, tmp_path: Path) -> None:
    result = sample_what_if.with_levers()
    _opened(browser, result, tmp_path)
    assert result.baseline.monthly_cost_usd is not None
    shown = usd(rounded(result.baseline.monthly_cost_usd, 2), 2)
    assert browser.script(_AMOUNTS) == [shown, shown, "no change"]
    assert browser.script(_TOML) == '[[scenario]]\nname = "what if"'
    assert "Exact" in browser.script("return document.getElementById('w-drawn').textContent")
    assert browser.log("browser") == []
    assert all(address.startswith(("file:", "data:")) for address in browser.requests())


def test_any_position_is_a_replay_of_the_scenario_that_it_prints(browser: Browser, tmp_path: Path) -> None:
    """Twelve seeded positions over a log of buckets, where shares are weights in a replay too: equal to the cent."""
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(json.dumps(row) for row in buckets()))
    result = with_what_if(log)
    _opened(browser, result, tmp_path)
    chance = random.Random(11)
    shown, texts = [], []
    for _ in range(12):
        at = {
            "traffic": chance.randrange(10, 501, 5), "route": chance.randrange(101), "cache": chance.randrange(-1, 101),
            "batch": chance.randrange(101), "discount": chance.randrange(91),
        }  # fmt: skip
        _move(browser, at)
        shown.append([_amount(text) for text in browser.script(_AMOUNTS)])
        texts.append(browser.script(_TOML))
        rows = browser.script(_ROWS)
        for column in (1, 2):
            *lines, total = [_amount(row[column]) for row in rows]
            assert sum(lines) == total == shown[-1][column - 1]
    found = savings(log, texts, tmp_path)
    cost = result.baseline.cost_usd
    assert [then for _, then, _ in shown] == [_monthly(cost - saving, result) for saving in found]
    assert all(now == _monthly(cost, result) and change == then - now for now, then, change in shown)
    assert len({then for _, then, _ in shown}) == 12


def test_the_page_weighs_as_pricing_does(browser: Browser, tmp_path: Path) -> None:
    """Sums with every state, against Decimals, off and at the ends too."""
    result = sample_what_if.with_levers()
    _opened(browser, result, tmp_path)
    what_if: WhatIf | None = result.what_if
    assert what_if is not None
    chance = random.Random(3)
    for _ in range(10):
        ends = {key: chance.choice((0, 100, chance.randrange(101))) for key in ("route", "batch")}
        at = {
            "traffic": chance.choice((10, 100, 500)),
            "cache": chance.choice((-1, 0, 100, 37)),
            "discount": chance.choice((0, 90)),
            **ends,
        }
        _move(browser, at)
        fractions = {key: None if value < 0 else Decimal(value) / 100 for key, value in at.items()}
        assert _amount(browser.script(_AMOUNTS)[1]) == _monthly(cost_at(what_if, fractions), result)


def test_the_table_rounds_and_shows_what_is_tiny_as_the_report_does(browser: Browser, tmp_path: Path) -> None:
    """Each amount by itself, by largest remainders where the sum lacks a cent, and a bound where none is left."""
    result = sample_what_if.with_small_amounts()
    assert result.what_if is not None
    assert result.period.days
    month = result.period.month_days / result.period.days
    costs = [group.cost_usd * month for group in result.what_if.groups]
    assert apportioned(costs, 2) != running(costs, 2), "what the two rules show differs here"
    _opened(browser, result, tmp_path)
    for at, left in (({"traffic": 100}, Decimal(1)), ({"traffic": 55, "discount": 3}, Decimal("0.5335"))):
        _move(browser, at)
        then = [cost * left for cost in costs]
        *rows, total = browser.script(_ROWS)
        assert [row[1] for row in rows] == moneys(costs, 2)
        assert [row[2] for row in rows] == moneys(then, 2)
        assert total[1:3] == [money(sum(costs, Decimal(0)), 2), money(sum(then, Decimal(0)), 2)]
        for row, was, now in zip(rows, costs, then, strict=True):
            assert ("–" in row[3]) == (was == now), row
            if "<" not in "".join(row) and was != now:
                assert _amount(row[3]) == _amount(row[2]) - _amount(row[1])
    assert rows[0][1:] == ["<$0.01", "<$0.01", ">-$0.01"]


def test_a_change_below_a_cent_is_no_nothing(browser: Browser, tmp_path: Path) -> None:
    _opened(browser, sample_what_if.with_small_amounts(), tmp_path)
    _move(browser, {"route": 100})
    now, then, change = browser.script(_AMOUNTS)
    assert now == then
    assert change == browser.script(_ROWS)[-1][3] == ">-$0.01"
    assert browser.script("return document.getElementById('w-change-more').textContent") == "<0.1% less"
    _move(browser, {"route": 0})
    assert browser.script(_AMOUNTS)[2] == "no change"


def test_own_gpus_are_stops_and_rest_the_other_levers(browser: Browser, tmp_path: Path) -> None:
    result = sample_what_if.with_levers()
    _opened(browser, result, tmp_path)
    _move(browser, {"route": 50, "discount": 10, "fleet": 2})
    fleet = result.what_if.fleet if result.what_if else None
    assert fleet is not None
    stop = fleet.stops[1]
    then = stop.calls_usd * Decimal("0.9") + stop.fleet_usd + stop.fixed_usd
    assert _amount(browser.script(_AMOUNTS)[1]) == _monthly(then, result)
    resting = "return [...document.querySelectorAll('.lever input')].filter((i) => i.disabled).map((i) => i.id)"
    assert browser.script(resting) == ["l-traffic", "l-route", "l-cache", "l-batch"]
    assert browser.script(_TOML) == (
        '[[scenario]]\nname = "own"\n\n[[scenario.step]]\n'
        'strategy = "self-host"\nutilisation = 0.7\n\n[[scenario.step]]\nstrategy = "reprice"\ndiscount = 0.1'
    )
    _move(browser, {"fleet": 0})
    assert browser.script(resting) == []


def test_by_keyboard_with_words_and_back(browser: Browser, tmp_path: Path) -> None:
    _opened(browser, sample_what_if.with_levers(), tmp_path)
    browser.script("document.getElementById('l-cache').focus()")
    for _ in range(3):
        _press(browser, "ArrowRight", 39)
    valued = "return [document.getElementById('l-cache').getAttribute('aria-valuetext'), document.getElementById('o-cache').textContent]"
    assert browser.script(valued) == ["2%", "2%"], "from as logged over 0 and 1"
    _press(browser, "Home", 36)
    assert browser.script(valued) == ["as logged", "as logged"]
    browser.script("document.getElementById('l-route').focus()")
    _press(browser, "End", 35)
    assert browser.script(_AMOUNTS)[2].startswith("-$")
    said = "return new Promise((done) => setTimeout(() => done(document.getElementById('w-said').textContent), 600))"
    assert " now, " in browser.script(said)
    browser.script("document.getElementById('w-reset').focus()")
    _press(browser, "Enter", 13)
    assert browser.script(_AMOUNTS)[2] == "no change"


@pytest.mark.parametrize("key", _KEYS)
def test_every_slider_has_a_name_a_value_and_a_note(browser: Browser, tmp_path: Path, key: str) -> None:
    _opened(browser, sample_what_if.with_levers(), tmp_path)
    tree = browser.command("Accessibility.getFullAXTree", {})["nodes"]
    sliders = [node for node in tree if node["role"]["value"] == "slider"]
    assert len(sliders) == len(_KEYS) + 1
    assert all(node["name"]["value"] and node["description"]["value"] for node in sliders)
    assert browser.script(f"return document.getElementById('l-{key}').labels.length") == 1


def test_a_share_of_requests_says_how_near_it_is(browser: Browser, tmp_path: Path) -> None:
    result = sample_what_if.with_levers()
    _opened(browser, result, tmp_path)
    _move(browser, {"route": 50, "traffic": 200})
    told = browser.script("return document.getElementById('w-drawn').textContent")
    assert result.period.days
    spread = Decimal("12.5") * 2 * result.period.month_days / result.period.days
    assert f"within ${spread:.0f} of this" in told
    _move(browser, {"route": 100, "cache": 50})
    assert "Exact" in browser.script("return document.getElementById('w-drawn').textContent")


def test_a_phone_and_paper(browser: Browser, tmp_path: Path) -> None:
    _opened(browser, sample_what_if.with_levers(), tmp_path, width=360)
    _move(browser, {"route": 50})
    browser.script("document.querySelector('#w-panel details').open = true")
    assert browser.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert (
        browser.script("const s = document.getElementById('w-models').parentNode; return s.scrollWidth - s.clientWidth")
        <= 0
    )
    then = browser.script(_AMOUNTS)
    browser.emulate(794, 1123, media="print")
    hidden = (
        "return [...document.querySelectorAll('#w-panel input, #w-panel button')].filter((c) => c.offsetParent).length"
    )
    assert browser.script(hidden) == 0
    assert browser.script("return document.getElementById('o-route').offsetParent !== null"), (
        "where the levers stand is printed"
    )
    assert browser.script(_AMOUNTS) == then


def test_without_sums_there_is_no_panel(browser: Browser, tmp_path: Path) -> None:
    _opened(browser, sample_result.rich(), tmp_path)
    assert browser.script("return document.querySelectorAll('#s-what-if, .lever').length") == 0
    assert browser.log("browser") == []


def _press(browser: Browser, key: str, code: int) -> None:
    for kind in ("keyDown", "keyUp"):
        text: dict[str, Any] = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
        browser.command(
            "Input.dispatchKeyEvent", {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, **text}
        )
