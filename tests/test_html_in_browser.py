"""The page in a real browser without a network: no console line, no request, charts drawn, totals equal to its JSON."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from llmcost.money import usd
from llmcost.reports import REPORTS, Options
from llmcost.results.cells import cells, columns, count_cell
from llmcost.results.chart import Line, Lines, Point
from llmcost.results.compare import compare
from llmcost.results.document import Document, Section, Table
from llmcost.results.model import Result
from llmcost.results.outcome import Model, Outcome, outcome
from tests.reports import sample_forecast, sample_reconciliation, sample_result
from tests.reports.browser import Browser
from tests.reports.sample_document import everything

SAMPLES = ("rich", "empty", "no_times", "large", "hostile")
_OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Result:
    """A sample's page, opened; gives the result it was made from."""
    result: Result = getattr(sample_result, request.param)()
    file = tmp_path / "report.html"
    file.write_bytes(REPORTS.load("html").render(outcome(result), Options()))
    browser.emulate(1280, 900)
    browser.log("browser")
    browser.requests()
    browser.open(file)
    return result


@pytest.mark.parametrize(
    "model", [compare(sample_result.rich(), sample_result.large()), sample_reconciliation.hostile()]
)
def test_other_outcomes_are_pages_too(browser: Browser, tmp_path: Path, model: Model) -> None:
    file = tmp_path / "outcome.html"
    file.write_bytes(REPORTS.load("html").render(outcome(model), Options()))
    browser.emulate(390, 844)
    browser.log("browser")
    browser.open(file)
    assert browser.log("browser") == []
    assert browser.script("return [...document.querySelectorAll('[data-chart]')].every((c) => c.querySelector('svg'))")
    assert browser.script(_OVERFLOW) == 0
    assert browser.script("return JSON.parse(document.getElementById('result').textContent)") == model.model_dump(
        mode="json"
    )


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_every_kind_of_chart_is_drawn(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    file = tmp_path / "everything.html"
    file.write_bytes(REPORTS.load("html").render(everything(), Options()))
    browser.emulate(width, 900, dark=dark)
    browser.log("browser")
    browser.open(file)
    assert browser.log("browser") == []
    count = (
        "return [...document.querySelectorAll('[data-chart]')].map((c) => [c.dataset.chart,"
        " c.querySelectorAll('.barlayer .point path').length, c.querySelectorAll('.scatterlayer .js-line').length,"
        " c.querySelectorAll('.scatterlayer .point').length])"
    )
    drawn = {name: (tiles, lines, marks) for name, tiles, lines, marks in browser.script(count)}
    assert {name: found[0] for name, found in drawn.items() if found[0]} == {
        "c-days": 6,
        "c-grouped": 4,
        "c-span": 4,
        "c-heat": 48,
    }
    assert drawn["c-lines"][1:] == (2, 1)
    assert drawn["c-time"][1:] == (3, 0)
    spans = (
        "return [...document.querySelectorAll('[data-chart=c-span] .point path')].map((b) => b.getBoundingClientRect())"
        ".map((r) => [r.left, r.right])"
    )
    (low, small), (high, near) = (browser.script(spans)[at : at + 2] for at in (0, 2))
    assert abs(low[1] - high[0]) < 2, "both ends start where it is, not at nothing"
    assert abs((low[1] - low[0]) / (high[1] - high[0]) - 9 / 2) < 0.2
    assert abs(small[1] - near[0]) < 2
    assert browser.script(_OVERFLOW) == 0


every_sample = pytest.mark.parametrize("page", SAMPLES, indirect=True)


@every_sample
def test_nothing_is_asked_for_and_nothing_goes_wrong(browser: Browser, page: Result) -> None:
    addresses = browser.requests()
    assert browser.log("browser") == []
    assert len([a for a in addresses if a.startswith("file:")]) == 1, "the page itself is seen, so a request would be"
    assert all(a.startswith(("file:", "data:")) for a in addresses)
    assert browser.script("return document.documentElement.dataset.drawn") == "yes"


@every_sample
def test_charts_are_drawn(browser: Browser, page: Result) -> None:
    browser.script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    drawn = browser.script(
        "return [...document.querySelectorAll('[data-chart]')].map((c) => "
        "[c.dataset.chart, c.querySelectorAll('svg.main-svg').length, c.querySelectorAll('.point path').length])"
    )
    expected = [f"waterfall-{index}" for index in range(len(page.scenarios))]
    expected += ["series"] * bool(page.baseline.series) + ["evidence"] * bool(page.scenarios)
    assert [name for name, _, _ in drawn] == expected
    for name, pictures, marks in drawn:
        assert pictures >= 1
        if name.startswith("waterfall"):
            assert marks == len(page.scenarios[int(name.split("-")[1])].steps) + 2
        elif name == "series":
            assert marks > 0


@every_sample
def test_totals_equal_the_embedded_json(browser: Browser, page: Result) -> None:
    embedded = browser.script("return JSON.parse(document.getElementById('result').textContent)")
    assert Result.model_validate(embedded) == page
    value = browser.script("return document.querySelector('.figures .value').textContent")
    places = len(value.partition(".")[2])
    assert value == usd(Decimal(embedded["baseline"]["cost_usd"]), places)
    for table in ("#t-by-0", "#t-token-classes", "#t-days"):
        cells = browser.script(
            f"return [...document.querySelectorAll('{table} tbody td:nth-child(2), {table} tfoot td:nth-child(2)')]"
            ".map((c) => c.textContent)"
        )
        if cells:
            *lines, total = [Decimal(re.sub(r"[$,]", "", cell)) for cell in cells if re.match(r"-?\$", cell)]
            assert sum(lines) == total == Decimal(re.sub(r"[$,]", "", value))


@pytest.mark.parametrize("page", ["rich"], indirect=True)
@pytest.mark.parametrize("width", [390, 768, 1280])
def test_the_page_fits_every_screen(browser: Browser, page: Result, width: int) -> None:
    browser.emulate(width, 844)
    browser.script("dispatchEvent(new Event('resize'))")
    assert browser.script("return document.documentElement.clientWidth") == width
    assert browser.script(_OVERFLOW) == 0, "only tables scroll sideways"
    widths = "return [...document.querySelectorAll('[data-chart]')].map((c) => [c.clientWidth, c.querySelector('svg').clientWidth])"
    assert _soon(lambda: all(inner <= outer for outer, inner in browser.script(widths))), "charts follow the width"
    beyond = "return [...document.querySelectorAll('.bartext, .ytick')].filter((t) => t.getBoundingClientRect().right > innerWidth).length"
    assert _soon(lambda: browser.script(beyond) == 0), "no amount beside a bar is cut"
    text = browser.script("return document.querySelector('[data-chart=waterfall-0]').textContent")
    assert "saves $2,150.50" in text
    assert "adds $120.76" in text


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_long_figures_stay_in_their_columns(browser: Browser, tmp_path: Path, width: int) -> None:
    file = tmp_path / "forecast.html"
    file.write_bytes(REPORTS.load("html").render(outcome(sample_forecast.rich()), Options()))
    browser.emulate(width, 900)
    browser.open(file)
    assert browser.script("return document.querySelectorAll('.figures .long').length") > 0
    wide = "return [...document.querySelectorAll('.figures .value')].filter((v) => v.scrollWidth > v.clientWidth + 1).length"
    assert browser.script(wide) == 0


@pytest.mark.parametrize("page", ["rich"], indirect=True)
def test_dark_mode_and_its_contrast(browser: Browser, page: Result) -> None:
    colours = "return ['ink', 'soft', 'saving', 'loss'].map((n) => getComputedStyle(document.documentElement).getPropertyValue('--' + n))"
    paper = "return getComputedStyle(document.documentElement).getPropertyValue('--paper')"
    seen = []
    for dark in (False, True):
        browser.emulate(1280, 900, dark=dark)
        ground = browser.script(paper)
        seen.append(ground)
        assert min(_contrast(colour, ground) for colour in browser.script(colours)) >= 4.5, "WCAG AA"
    assert seen[0] != seen[1]
    label = "return getComputedStyle(document.querySelector('[data-chart] .ytick text')).fill"
    assert browser.script(label) == "rgb(233, 230, 223)", "charts follow the colour scheme"


def _soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds within five seconds: the charts are redrawn a moment after the window changes."""
    for _ in range(50):
        if holds():
            return True
        time.sleep(0.1)
    return False


def _contrast(one: str, other: str) -> float:
    """Contrast of two colours, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio (read 2026-11-20)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour.strip()[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("page", ["rich"], indirect=True)
def test_a_screen_reader_can_walk_it(browser: Browser, page: Result) -> None:
    tree = browser.command("Accessibility.getFullAXTree", {})["nodes"]
    names = {(n["role"]["value"], n.get("name", {}).get("value", "")) for n in tree if not n.get("ignored")}
    roles = {role for role, _ in names}
    assert {"main", "banner", "contentinfo", "navigation", "columnheader", "rowheader"} <= roles
    assert ("table", "Scenarios") in names
    assert not [role for role, name in names if not name and role in {"table", "image", "region", "link", "heading"}]
    headings = browser.script("return [...document.querySelectorAll('h1, h2, h3')].map((h) => Number(h.tagName[1]))")
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))
    assert browser.script("return [...document.querySelectorAll('.scroll')].every((s) => s.tabIndex === 0)")


@pytest.mark.parametrize("page", ["large"], indirect=True)
def test_print_shows_everything_on_paper(browser: Browser, page: Result) -> None:
    browser.script("dispatchEvent(new Event('beforeprint'))")
    assert browser.script("return [...document.querySelectorAll('details')].every((d) => d.open)")
    browser.emulate(794, 1123, media="print")
    assert browser.script("return getComputedStyle(document.querySelector('nav')).display") == "none"
    assert browser.script("return getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"


def test_a_line_of_very_many_points_is_drawn_with_its_peaks(browser: Browser, tmp_path: Path) -> None:
    """Years by the hour: what is drawn is few enough for a page, and neither a peak nor the end is lost."""
    points = tuple(
        Point(f"{datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=n):%Y-%m-%dT%H:%M}", Decimal(9000 if n == 31_337 else n % 24), str(n))
        for n in range(130_000)
    )  # fmt: skip
    made = everything()
    chart = Lines("years", "Years by the hour", "", (Line("load", points),), x_unit="date", unit="count")
    table = Table("t", "Years", columns("Hour", "Load#"), (cells("all", count_cell(9000)),))
    document = Document("Years", "", "Long.", sections=(Section("s", "Years", (chart, table)),))
    page = REPORTS.load("html").render(Outcome(made.model, lambda _top, _title: document, made.long_form), Options())
    (tmp_path / "years.html").write_bytes(page)
    browser.emulate(1280, 900)
    browser.log("browser")
    browser.open(tmp_path / "years.html")
    assert _soon(lambda: bool(browser.script("return document.querySelector('[data-chart=years] .scatterlayer path')")))
    assert browser.log("browser") == []
    drawn = browser.script("return JSON.parse(document.getElementById('charts').textContent).years.lines[0].points")
    assert len(drawn) <= 3002
    assert {drawn[0]["text"], drawn[-1]["text"]} == {"0", "129999"}
    assert max(Decimal(point["y"]) for point in drawn) == 9000
    assert [point["x"] for point in drawn] == sorted(point["x"] for point in drawn)
