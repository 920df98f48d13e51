"""The bytes of every format, committed; the charting library is cut out of the pages."""

from __future__ import annotations

import pytest

from llmcost.reports import REPORTS, Options
from llmcost.results.compare import compare
from llmcost.results.outcome import outcome
from tests.reports import sample_forecast, sample_limit, sample_reconciliation, sample_result, sample_what_if
from tests.support import Golden, without_library

SAMPLES = ("rich", "empty", "no_times", "hostile")


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("format_", ["terminal", "json", "csv", "markdown", "html"])
def test_every_format(golden: Golden, format_: str, sample: str) -> None:
    report = REPORTS.load(format_)
    page = report.render(outcome(getattr(sample_result, sample)()), Options(width=100))
    assert page.endswith(b"\n")
    golden.check(f"{format_}/{sample}{report.suffix}", without_library(page))


@pytest.mark.parametrize("format_", ["terminal", "json", "html"])
def test_a_what_if(golden: Golden, format_: str) -> None:
    report = REPORTS.load(format_)
    page = report.render(outcome(sample_what_if.with_levers()), Options(width=100))
    golden.check(f"{format_}/what-if{report.suffix}", without_library(page))


@pytest.mark.parametrize("format_", ["terminal", "json", "csv", "markdown", "html"])
def test_own_gpus_against_an_api_price(golden: Golden, format_: str) -> None:
    """$5.56 at full use is 617 % of $0.90; $0.169 is 18.8 % of it, and 80.5 % of $0.21: more than the 70 % that may be used."""
    report = REPORTS.load(format_)
    page = report.render(outcome(sample_limit.limit()), Options(width=100))
    golden.check(f"{format_}/gpu-limit{report.suffix}", without_library(page))


@pytest.mark.parametrize("width", [40, 80, 140])
def test_terminal_widths(golden: Golden, width: int) -> None:
    page = REPORTS.load("terminal").render(outcome(sample_result.rich()), Options(width=width))
    golden.check(f"terminal/rich-{width}.txt", page)


def test_terminal_in_colour(golden: Golden) -> None:
    page = REPORTS.load("terminal").render(outcome(sample_result.rich()), Options(width=100, color=True))
    assert b"\x1b[1;31m" in page, "a loss is red"
    golden.check("terminal/rich-colour.txt", page)


@pytest.mark.parametrize("format_", ["terminal", "markdown"])
def test_large_results_are_folded(golden: Golden, format_: str) -> None:
    report = REPORTS.load(format_)
    page = report.render(outcome(sample_result.large()), Options(top_n=5, title="Given title"))
    assert b"other (35)" in page
    assert b"other (195)" in page
    golden.check(f"{format_}/large{report.suffix}", page)


@pytest.mark.parametrize("format_", ["terminal", "json", "csv", "markdown", "html"])
@pytest.mark.parametrize("pair", [("rich", "large"), ("no_times", "rich"), ("rich", "hostile"), ("empty", "empty")])
def test_comparisons(golden: Golden, format_: str, pair: tuple[str, str]) -> None:
    before, after = (getattr(sample_result, sample)() for sample in pair)
    report = REPORTS.load(format_)
    page = report.render(outcome(compare(before, after)), Options(width=110, top_n=4))
    golden.check(f"{format_}/compare-{'-'.join(pair)}{report.suffix}", without_library(page))


@pytest.mark.parametrize("format_", ["terminal", "json", "csv", "markdown", "html"])
@pytest.mark.parametrize("sample", ["ordinary", "hostile", "nothing"])
def test_reconciliations(golden: Golden, format_: str, sample: str) -> None:
    report = REPORTS.load(format_)
    page = report.render(outcome(getattr(sample_reconciliation, sample)()), Options(width=110))
    golden.check(f"{format_}/reconcile-{sample}{report.suffix}", without_library(page))


@pytest.mark.parametrize("format_", ["terminal", "json", "csv", "markdown", "html"])
@pytest.mark.parametrize("sample", ["rich", "short"])
def test_forecasts(golden: Golden, format_: str, sample: str) -> None:
    report = REPORTS.load(format_)
    page = report.render(outcome(getattr(sample_forecast, sample)()), Options(width=100))
    golden.check(f"{format_}/forecast-{sample}{report.suffix}", without_library(page))
