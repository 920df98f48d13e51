"""Filtering a page in a real browser: what is shown of a part sums to what its own line said, and all comes back as it was."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.reports import REPORTS, Options
from llmcost.results import folding, spend_cube
from llmcost.results.headline import result_places
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.outcome import outcome
from llmcost.results.present import by_dimension, dimensions_of, label_of, moneys
from tests.reports import sample_result
from tests.reports.browser import Browser
from tests.whatif.support import DAY, NOW, buckets

_KEYS = "return [...document.querySelectorAll('table[id^=t-by-]')].map((t) => t.id)"
_SAID = "return [...document.querySelectorAll('main > [role=status]')].map((p) => p.textContent)[0]"
_TRAIL = "return [...document.querySelectorAll('.trail button')].map((b) => b.textContent)"
_ALL = "return [...document.querySelectorAll('table')].map((t) => t.outerHTML)"


def _opened(browser: Browser, result: Result, folder: Path, width: int = 1280, top: int = 10) -> None:
    file = folder / "page.html"
    file.write_bytes(REPORTS.load("html").render(outcome(result), Options(top_n=top)))
    browser.emulate(width, 900)
    browser.log("browser")
    browser.open(file)
    browser.script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")


def _rows(browser: Browser, table: str) -> list[list[str]]:
    found: list[list[str]] = browser.script(
        f"return [...document.querySelectorAll('#{table} tbody tr, #{table} tfoot tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    return found


def _pick(browser: Browser, table: str, label: str) -> None:
    browser.script(
        f"[...document.querySelectorAll('#{table} .pick')].find((b) => b.textContent === {json.dumps(label)}).click()"
    )


def _usd(text: str) -> Decimal:
    return Decimal(re.sub(r"[$,<]", "", text)) if text.startswith("$") else Decimal(0)


@pytest.mark.parametrize("sample", ["rich", "large", "hostile"])
def test_what_is_shown_of_a_part_sums_to_its_own_line(browser: Browser, tmp_path: Path, sample: str) -> None:
    result: Result = getattr(sample_result, sample)()
    _opened(browser, result, tmp_path)
    tables: list[str] = browser.script(_KEYS)
    assert len(tables) >= 2
    before = browser.script(_ALL)
    for table in tables[:2]:
        for row in _rows(browser, table)[:3]:
            if row[0].startswith("other ("):
                continue
            _pick(browser, table, row[0])
            for other in tables:
                if other == table:
                    continue
                *lines, total = _rows(browser, other)
                if row[1] == "unknown":
                    assert total[1] in {"unknown", "$0.00"}
                    continue
                assert abs(_usd(total[1]) - _usd(row[1])) <= Decimal("0.01"), "each is rounded once, in its own place"
                assert sum(_usd(line[1]) for line in lines if not line[1].startswith("<")) == _usd(total[1])
                assert total[3] == row[3], "requests"
            _pick(browser, table, row[0])
    assert browser.script(_ALL) == before, "what was there is there again"
    assert browser.log("browser") == []


def test_a_part_is_what_the_breakdown_says(browser: Browser, tmp_path: Path) -> None:
    """Every cell of a filtered table against the slices themselves."""
    result = sample_result.large()
    _opened(browser, result, tmp_path, top=5)
    slices = result.baseline.breakdown
    model = _rows(browser, "t-by-0")[0][0]
    _pick(browser, "t-by-0", model)
    mine = [line for line in slices if label_of(line.dimensions, "model") == model]
    expected = by_dimension(mine, "feature")
    shown = _rows(browser, "t-by-1")
    labels = [row[0] for row in shown[:-1]]
    assert labels[: len(expected)][:5] == [label for label, _ in expected][:5]
    for row, (_, line) in list(zip(shown, expected, strict=False))[:5]:
        heads = browser.script("return [...document.querySelectorAll('#t-by-1 thead th')].map((h) => h.textContent)")
        found = dict(zip(heads, row, strict=True))
        assert found["Requests"] == f"{line.requests:,}"
        assert found["Input tokens"] == ("unknown" if line.input_tokens is None else f"{line.input_tokens:,}")
        assert abs(_usd(found["Cost"]) - (line.cost_usd or Decimal(0))) <= Decimal("0.01")


@pytest.mark.parametrize("sample", ["rich", "hostile"])
def test_amounts_of_a_part_read_as_in_a_report_of_it(browser: Browser, tmp_path: Path, sample: str) -> None:
    """Largest remainders and bounds, as the tables that Python makes."""
    result: Result = getattr(sample_result, sample)()
    _opened(browser, result, tmp_path)
    places, slices = result_places(result), result.baseline.breakdown
    first, second = dimensions_of(slices)[:2]
    for label in dict.fromkeys(label_of(line.dimensions, first) for line in slices):
        mine = [line for line in slices if label_of(line.dimensions, first) == label]
        _pick(browser, "t-by-0", label)
        costs = [line.cost_usd for _, line in by_dimension(mine, second)]
        assert [row[1] for row in _rows(browser, "t-by-1")[:-1]] == moneys(costs, places)
        _pick(browser, "t-by-0", label)


def test_a_long_tail_is_one_line_and_sums_stay_exact(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "KEPT", (3,))
    monkeypatch.setattr(spend_cube, "_MOST", 20)
    result = sample_result.large()
    _opened(browser, result, tmp_path, top=2)
    first, second = _rows(browser, "t-by-0")[0], _rows(browser, "t-by-1")[0]
    for table, row, other in (("t-by-0", first, "t-by-1"), ("t-by-1", second, "t-by-0")):
        _pick(browser, table, row[0])
        *lines, total = _rows(browser, other)
        told = [line[0] for line in lines if line[0].endswith("other values")]
        assert told == [lines[-1][0]] or not told
        assert told or other == "t-by-0", "there are many features"
        assert abs(_usd(total[1]) - _usd(row[1])) <= Decimal("0.01")
        assert total[3] == row[3]
        notes = browser.script("return [...document.querySelectorAll('.trail .note')].map((n) => n.textContent)")
        assert any(note.endswith("other values are kept together.") for note in notes)
        _pick(browser, table, row[0])
    assert browser.log("browser") == []


def test_by_keyboard_said_and_back(browser: Browser, tmp_path: Path) -> None:
    _opened(browser, sample_result.large(), tmp_path)
    first = _rows(browser, "t-by-0")[0][0]
    browser.script("document.querySelector('#t-by-0 .pick').focus()")
    _press(browser, "Enter", 13)
    assert browser.script(_SAID).startswith(f"Filtered to model {first}: $")
    assert browser.script("return document.activeElement.getAttribute('aria-pressed')") == "true"
    second = _rows(browser, "t-by-1")[0][0]
    _pick(browser, "t-by-1", second)
    assert browser.script(_TRAIL) == ["All spend", f"model: {first}", f"feature: {second}"]
    browser.script("document.querySelectorAll('.trail button')[1].focus()")
    _press(browser, "Enter", 13)
    assert browser.script(_TRAIL) == ["All spend", f"model: {first}"]
    browser.script("document.querySelectorAll('.trail button')[0].focus()")
    _press(browser, "Enter", 13)
    assert browser.script("return document.querySelector('.trail').hidden")
    assert browser.script(_SAID) == "All spend is shown again."


def test_charts_are_of_the_part_and_say_what_they_cannot_show(browser: Browser, tmp_path: Path) -> None:
    result = sample_result.large()
    _opened(browser, result, tmp_path)
    bars = "return document.querySelectorAll('[data-chart=series] .point path').length"
    every = browser.script(bars)
    name = browser.script("return JSON.parse(document.getElementById('charts').textContent).series.series[0].name")
    browser.script(
        f"document.querySelector('[data-chart=series]').dispatchEvent(new CustomEvent('pick', {{ detail: {json.dumps(name)} }}))"
    )
    assert 0 < browser.script(bars) < every
    days = _rows(browser, "t-days")
    mine = [point for point in result.baseline.series if label_of(point.dimensions, "model") == name]
    assert abs(_usd(days[-1][1]) - sum(point.cost_usd for point in mine)) <= Decimal("0.01")
    assert len(days) - 1 == len({point.date for point in mine})
    browser.script("document.querySelectorAll('.trail button')[0].click()")
    _pick(browser, "t-by-1", _rows(browser, "t-by-1")[0][0])
    notes = browser.script("return [...document.querySelectorAll('.apart')].map((n) => n.textContent)")
    assert set(notes) == {"All spend: this is not known by feature.", "All spend."}, (
        "the classes of tokens have no view"
    )
    assert browser.script(bars) == every


def test_a_click_on_a_bar_picks_its_line(browser: Browser, tmp_path: Path) -> None:
    _opened(browser, sample_result.large(), tmp_path)
    spot = browser.script(
        "const bar = document.querySelector('[data-chart=series] .point path'); bar.scrollIntoView({block: 'center', behavior: 'instant'});"
        "const box = bar.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]"
    )
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        browser.command(
            "Input.dispatchMouseEvent", {"type": kind, "x": spot[0], "y": spot[1], "button": "left", "clickCount": 1}
        )
    assert len(browser.script(_TRAIL)) == 2


def test_a_phone_has_room_and_paper_says_the_filter(browser: Browser, tmp_path: Path) -> None:
    _opened(browser, sample_result.rich(), tmp_path, width=360)
    _pick(browser, "t-by-0", _rows(browser, "t-by-0")[0][0])
    assert browser.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    browser.emulate(794, 1123, media="print")
    assert browser.script("return getComputedStyle(document.querySelector('.trail')).display") == "flex"


def test_a_month_is_filtered_with_the_month_before_it(browser: Browser, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    before = [
        {**row, "started_at": row["started_at"] - 30 * DAY, "ended_at": row["ended_at"] - 30 * DAY, "requests": 50}
        for row in buckets()[4:]
    ]
    log.write_text("\n".join(json.dumps(row) for row in (*buckets(), *before)))
    options = ReplayOptions(now=NOW, what_if=True)
    month = llmcost.report(log, month="2026-10", scenarios=[], ahead=False, options=options)
    file = tmp_path / "page.html"
    file.write_bytes(REPORTS.load("html").render(outcome(month), Options()))
    browser.emulate(1280, 900)
    browser.log("browser")
    browser.open(file)
    browser.script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    tables = [table for table in browser.script(_KEYS) if table.rpartition("-")[2] in {"model", "feature", "provider"}]
    assert len(tables) == 3
    whole = browser.script(_ALL)
    for table in tables:
        for row in _rows(browser, table)[:-1]:
            _pick(browser, table, row[0])
            for other in tables:
                if other != table:
                    total = _rows(browser, other)[-1]
                    assert total[5] == row[5], "requests"
                    for column in (1, 3):
                        assert abs(_usd(total[column]) - _usd(row[column])) <= Decimal("0.01"), "cost, last month"
            _pick(browser, table, row[0])
    assert browser.script(_ALL) == whole
    assert browser.script("return document.querySelectorAll('.lever').length") > 2, "the month has its levers too"
    assert browser.log("browser") == []


def _press(browser: Browser, key: str, code: int) -> None:
    for kind in ("keyDown", "keyUp"):
        text: dict[str, Any] = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
        browser.command("Input.dispatchKeyEvent", {"type": kind, "key": key, "windowsVirtualKeyCode": code, **text})
