"""Rounding that sums, amounts that never read as zero, and lines that fold."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.money import ZERO, rounded
from llmcost.results import present
from llmcost.results.model import Evidence, NotComparable, Scenario, Slice, Step

D = Decimal
amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=12)


@given(st.lists(amounts, max_size=12), amounts, st.integers(0, 6))
def test_running_differences_sum_to_the_rounded_ends(values: list[Decimal], start: Decimal, places: int) -> None:
    shown = present.running(values, places, start)
    assert sum(shown) == rounded(sum(values, start), places) - rounded(start, places)
    for value, display in zip(values, shown, strict=True):
        assert abs(display - value) <= Decimal(1).scaleb(-places)


@given(st.lists(amounts, max_size=12), st.integers(0, 6))
def test_a_column_sums_to_its_rounded_sum_and_distorts_least(values: list[Decimal], places: int) -> None:
    shown, unit = present.apportioned(values, places), Decimal(1).scaleb(-places)
    assert sum(shown) == rounded(sum(values, ZERO), places)
    assert all(abs(display - value) <= unit for value, display in zip(values, shown, strict=True))
    moved = [(display - rounded(value, places)) / unit for value, display in zip(values, shown, strict=True)]
    assert {abs(units) for units in moved} <= {0, 1}
    assert not ({1, -1} <= set(moved)), "nothing is moved up and down at once"


def test_an_amount_is_shown_as_itself_where_the_sum_allows_it() -> None:
    assert present.apportioned([D("0.004"), D("1.21106"), D("0.5449")], 2) == [D("0.00"), D("1.21"), D("0.55")]
    assert present.apportioned([D("0.014"), D("0.014"), D("0.013")], 2) == [D("0.02"), D("0.01"), D("0.01")]


@given(st.lists(st.tuples(amounts, amounts, amounts), max_size=6), amounts)
def test_shown_steps_sum_to_the_shown_saving(parts: list[tuple[Decimal, Decimal, Decimal]], baseline: Decimal) -> None:
    steps = [
        Step(
            strategy="s", title="", saving_usd=sum(p), cost_added_usd=ZERO, requests_changed=0,
            evidence=Evidence(measured_usd=p[0], modelled_usd=p[1], assumed_usd=p[2]),
        )
        for p in parts
    ]  # fmt: skip
    scenario = Scenario(
        requests=0, rows=0, cost_usd=ZERO, monthly_cost_usd=None, name="n", saving_usd=sum((s.saving_usd for s in steps), ZERO),
        saving_share=None, monthly_saving_usd=None, comparable_baseline_usd=baseline, steps=steps,
        not_comparable=NotComparable(requests=0, cost_usd=None),
    )  # fmt: skip
    shown = present.shown_steps(scenario, 2)
    assert sum(step.saving for step in shown) == present.shown_saving(scenario, 2)
    assert all(sum(step.evidence) == step.saving for step in shown)


@given(amounts.filter(bool), st.integers(2, 4))
def test_an_amount_never_reads_as_zero(value: Decimal, places: int) -> None:
    for text in (present.money(value), present.money(value, places), present.number(value), present.percent(value)):
        assert any(digit in text for digit in "123456789"), text
        assert (value < 0) == ("-" in text)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (None, None, "unknown"),
        (D("0"), 2, "$0.00"),
        (D("0.004"), 2, "<$0.01"),
        (D("-0.004"), 2, ">-$0.01"),
        (D("0.0012345"), None, "$0.00123"),
        (D("1234567.895"), None, "$1,234,567.90"),
        (D("-5"), None, "-$5.00"),
    ],
)
def test_money(value: Decimal | None, places: int | None, text: str) -> None:
    assert present.money(value, places) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "unknown"), (D(0), "0.0%"), (D(1), "100.0%"), (D("0.99999"), ">99.9%"), (D("0.0001"), "<0.1%"),
        (D("-0.0001"), ">-0.1%"), (D("-2.4123"), "-241.2%"), (D("0.125"), "12.5%"),
    ],
)  # fmt: skip
def test_percent(share: Decimal | None, text: str) -> None:
    assert present.percent(share) == text


def _line(cost: str | None, requests: int = 1, **dimensions: str | None) -> Slice:
    known = None if cost is None else D(cost)
    return Slice(requests=requests, rows=requests, dimensions=dict(dimensions), cost_usd=known, input_tokens=requests)


def test_a_breakdown_is_ordered_by_cost_with_unknown_last() -> None:
    lines = [_line("1", feature="b"), _line(None, feature="z"), _line("5", feature=None), _line("1", feature="a")]
    assert [label for label, _ in present.by_dimension(lines, "feature")] == ["(unknown)", "a", "b", "z"]


def test_a_model_keeps_the_name_of_its_host() -> None:
    lines = [
        _line("2", provider="openai", model="m"),
        _line("1", provider="azure", model="m"),
        _line("3", provider="a", model="a/m"),
    ]
    assert [label for label, _ in present.by_dimension(lines, "model")] == ["a/m", "openai/m", "azure/m"]


def test_the_rest_is_one_line_and_nothing_is_lost() -> None:
    lines = [(str(n), _line(str(n), requests=n)) for n in range(9, 0, -1)]
    shown = present.top(lines, 4)
    assert [label for label, _ in shown] == ["9", "8", "7", "6", "other (5)"]
    assert sum(line.cost_usd or 0 for _, line in shown) == 45
    assert sum(line.requests for _, line in shown) == 45
    assert present.top(lines, 8) == lines, "a single line is not folded"


def test_unknown_counters_stay_unknown() -> None:
    total = present.add_up([_line(None), _line(None)])
    assert (total.cost_usd, total.output_tokens, total.input_tokens) == (None, None, 2)


def test_sums_are_exact_beyond_the_usual_28_digits() -> None:
    values = [D("12345678901234567890.000000000001"), D("0.0000000000000000000000000001")]
    assert present.total_of(values) == D("12345678901234567890.0000000000010000000000000001")


@pytest.mark.parametrize(
    ("text", "width", "shown"), [("short", 9, "short"), ("with the scenario", 13, "with the…ario")]
)
def test_shorten_keeps_both_ends(text: str, width: int, shown: str) -> None:
    assert present.shorten(text, width) == shown
    assert len(shown) <= width
