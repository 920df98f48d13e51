"""Other prices for the same traffic: exact weights and discounts, price days, and drift that no step is credited with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from llmcost.errors import UsageError
from llmcost.money import EXACT
from llmcost.results.model import Result
from llmcost.results.scenario import bind
from tests.pricing.support import entry, load, write
from tests.strategies.playing import Log, Row, Step, scenario
from tests.strategies.support import NOW

MTOK: Final = Decimal(10) ** -6
DAY: Final = 86_400_000_000
OCTOBER_FIRST: Final = 1_790_812_800_000_000


def call(name: str = "r0", day: int = 0, **more: Any) -> Row:
    return {
        "request_id": name, "provider_name": "openai", "request_model": "gpt-4o", "service_tier": "standard",
        "started_at": OCTOBER_FIRST + day * DAY, "input_tokens": 1003, "output_tokens": 97, **more,
    }  # fmt: skip


BASE: Final = (1003 * Decimal("2.5") + 97 * 10) * MTOK


def replayed(folder: Path, *rows: Row, **parameters: Any) -> Result:
    with Log(folder, rows) as log:
        return log.replay(scenario(("reprice", parameters)), extrapolate=True)


@pytest.mark.parametrize("factor", ["1.3", "0.1", "3.333333333333333333", "1000"])
def test_growth_is_an_exact_weight(tmp_path: Path, factor: str) -> None:
    result = replayed(tmp_path, call(), call("r1"), growth=factor)
    assert result.baseline.cost_usd == 2 * BASE
    assert result.scenarios[0].cost_usd == 2 * BASE * Decimal(factor)
    assert result.scenarios[0].requests == round(2 * Decimal(factor))


def test_growth_and_discount_of_a_part(tmp_path: Path) -> None:
    rows = (call(feature="a"), call("r1", feature="b"))
    played = replayed(tmp_path, *rows, growth="1.5", discount="0.12", when="feature = 'a'").scenarios[0]
    assert played.cost_usd == BASE * Decimal("1.5") * Decimal("0.88") + BASE
    assert played.steps[0].evidence.assumed_usd == played.saving_usd == BASE - BASE * Decimal("1.32")


def test_a_discount_is_exact_to_the_last_digit(tmp_path: Path) -> None:
    played = replayed(tmp_path, call(), discount="0.0375").scenarios[0]
    assert played.saving_usd == BASE * Decimal("0.0375")
    assert played.requests == 1


def test_discounts_multiply_over_steps(tmp_path: Path) -> None:
    with Log(tmp_path, [call()]) as log:
        steps: list[Step] = [("reprice", {"discount": "0.1"}), ("reprice", {"discount": "0.2", "growth": 2})]
        played = log.replay(scenario(*steps), extrapolate=True).scenarios[0]
    assert played.cost_usd == BASE * Decimal("0.9") * Decimal("0.8") * 2
    assert sum(step.saving_usd for step in played.steps) == played.saving_usd


def own_prices(folder: Path) -> Path:
    """A model that was 10 at first, 4 from the 11th on; a second that has a price only from the 21st on."""
    falling = (
        '[[model]]\nid = "falling"\n'
        + entry("2026-10-01", "input = 10, output = 0")
        + entry("2026-10-11", "input = 4, output = 0")
    )
    young = '[[model]]\nid = "young"\n' + entry("2026-10-21", "input = 1, output = 0")
    folder.mkdir()
    return write(folder, "acme", falling, young).parent


def test_price_drift_is_a_step_of_its_own(tmp_path: Path) -> None:
    """Two requests at 10 and one at 4; with prices of the 25th all cost 4, then all cost 1: only the latter is the model's."""
    rows = [
        call(f"r{n}", day, provider_name="acme", request_model="falling", input_tokens=10**6)
        for n, day in enumerate((0, 9, 10))
    ]
    with Log(tmp_path, rows, book=load(own_prices(tmp_path / "prices"), now=NOW)) as log:
        move = ("route", {"rules": [{"model": "acme/young"}]})
        played = log.replay(scenario(move, prices_on=date(2026, 10, 25)), extrapolate=True).scenarios[0]
    assert [step.strategy for step in played.steps] == ["price-day", "route"]
    assert [step.saving_usd for step in played.steps] == [12, 9]
    assert played.steps[0].evidence.measured_usd == 12
    assert played.cost_usd == 3


def test_the_price_of_a_day_holds_from_its_first_instant(tmp_path: Path) -> None:
    last, first = 10 * DAY - 1, 10 * DAY
    rows = [
        {
            **call(f"r{n}", provider_name="acme", request_model="falling", input_tokens=10**6),
            "started_at": OCTOBER_FIRST + at,
        }
        for n, at in enumerate((last, first))
    ]
    with Log(tmp_path, rows, book=load(own_prices(tmp_path / "prices"), now=NOW)) as log:
        assert log.replay(extrapolate=True).baseline.cost_usd == 10 + 4


def test_a_target_without_a_price_on_that_day_is_not_comparable(tmp_path: Path) -> None:
    rows = [
        call(f"r{n}", day, provider_name="acme", request_model="falling", input_tokens=10**6)
        for n, day in enumerate((0, 15, 25))
    ]
    with Log(tmp_path, rows, book=load(own_prices(tmp_path / "prices"), now=NOW)) as log:
        played = log.replay(scenario(("reprice", {"model": "acme/young"})), extrapolate=True).scenarios[0]
    assert played.not_comparable.requests == 2
    assert played.not_comparable.cost_usd == Decimal(14)
    assert [played.comparable_baseline_usd, played.saving_usd] == [Decimal(4), Decimal(3)]


def test_prices_of_a_day_before_the_model_had_any_are_not_comparable(tmp_path: Path) -> None:
    rows = [call("r0", 25, provider_name="acme", request_model="young", input_tokens=10**6)]
    with Log(tmp_path, rows, book=load(own_prices(tmp_path / "prices"), now=NOW)) as log:
        played = log.replay(scenario(("reprice", {"prices_on": "2026-10-05"})), extrapolate=True).scenarios[0]
    assert played.not_comparable.requests == 1
    assert played.saving_usd == 0
    assert played.saving_share is None


def test_a_row_without_time_has_todays_prices_until_a_day_is_named(tmp_path: Path) -> None:
    timeless = {
        k: v
        for k, v in call(provider_name="acme", request_model="falling", input_tokens=10**6).items()
        if k != "started_at"
    }
    with Log(tmp_path, [timeless], book=load(own_prices(tmp_path / "prices"), now=NOW)) as log:
        result = log.replay(scenario(("reprice", {"prices_on": "2026-10-02"})), extrapolate=True)
    assert [result.baseline.cost_usd, result.scenarios[0].cost_usd] == [Decimal(4), Decimal(10)]


def test_a_map_of_models_moves_each_row_once(tmp_path: Path) -> None:
    """A swap is a swap: what the first pair moved is not moved back by the second."""
    rows = [call(), call("r1", request_model="gpt-4o-mini")]
    swap = {"openai/gpt-4o": "openai/gpt-4o-mini", "openai/gpt-4o-mini": "openai/gpt-4o"}
    with Log(tmp_path, rows) as log:
        found = log.rows(("reprice", {"models": swap}))
    assert {name: row["model"] for name, row in found.items()} == {"r0": "openai/gpt-4o-mini", "r1": "openai/gpt-4o"}


def test_a_region_has_its_own_rates(tmp_path: Path) -> None:
    """US-only inference costs 1.1 times as much on models from Opus 4.6 on."""
    result = replayed(tmp_path, call(provider_name="anthropic", request_model="claude-opus-4-6"), region="us")
    assert result.scenarios[0].cost_usd == result.baseline.cost_usd * Decimal("1.1")


def test_the_tokenizer_factor_is_printed(tmp_path: Path) -> None:
    step = replayed(tmp_path, call(), model="anthropic/claude-haiku-4-5").scenarios[0].steps[0]
    factors = [a for a in step.assumptions if a.name.startswith("tokenizer factor")]
    assert [(a.name, a.value) for a in factors] == [
        ("tokenizer factor openai/gpt-4o to anthropic/claude-haiku-4-5", "1.060")
    ]
    assert step.evidence.modelled_usd == step.saving_usd


@pytest.mark.parametrize(
    "parameters", [{}, {"growth": 0}, {"growth": -1}, {"discount": 1}, {"discount": "-0.1"}, {"service_tier": "cheap"}]
)
def test_a_reprice_that_changes_nothing_or_makes_no_sense_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        bind("reprice", parameters)


def test_a_region_counts_for_models_whose_name_tells_another(tmp_path: Path) -> None:
    row = call(
        provider_name="bedrock", request_model="us.anthropic.claude-sonnet-4-5-20250929-v1:0", region="us-east-1"
    )
    result = replayed(tmp_path, row, region="global")
    assert result.baseline.cost_usd == (1003 * Decimal("3.3") + 97 * Decimal("16.5")) * MTOK
    assert result.scenarios[0].cost_usd == (1003 * 3 + 97 * 15) * MTOK


@pytest.mark.parametrize(
    ("model", "rate", "output"),
    [("openai/gpt-4o", "2.5", "10"), ("google/gemini-2.5-flash", "0.3", "2.5")],
)
def test_what_is_written_for_an_hour_has_a_price_where_writing_is_free(
    tmp_path: Path, model: str, rate: str, output: str
) -> None:
    """Both hosts bill what they cache as plain input; before, such calls had no price there at all."""
    row = call(
        provider_name="anthropic", request_model="claude-3-haiku-20240307", input_tokens=1000, output_tokens=100,
        cache_creation_input_tokens=600, cache_creation_1h_input_tokens=600, cache_read_input_tokens=0,
    )  # fmt: skip
    played = replayed(tmp_path, row, model=model).scenarios[0]
    (line,) = (line for line in played.lines if line.token_class == "input")
    (out,) = (line for line in played.lines if line.token_class == "output")
    assert played.not_comparable.requests == 0
    assert {each.token_class for each in played.lines} == {"input", "output"}
    assert played.cost_usd == (line.quantity * Decimal(rate) + out.quantity * Decimal(output)) * MTOK


def test_what_is_written_for_an_hour_is_written_for_the_only_life_on_sale(tmp_path: Path) -> None:
    row = call(
        provider_name="anthropic", request_model="claude-sonnet-4-5", input_tokens=1000, output_tokens=100,
        cache_creation_input_tokens=600, cache_creation_1h_input_tokens=600, cache_read_input_tokens=0,
    )  # fmt: skip
    played = replayed(tmp_path, row, model="openrouter/anthropic/claude-sonnet-4.5").scenarios[0]
    assert played.cost_usd == (400 * 3 + 600 * Decimal("3.75") + 100 * 15) * MTOK


def test_many_steps_that_divide_rows_stay_exact_or_are_refused(tmp_path: Path) -> None:
    """Branches are counted in 64 bits: 36 growths need more than 32."""
    step: tuple[str, dict[str, Any]] = ("reprice", {"growth": "1.01"})
    with Log(tmp_path, [call()]) as log:
        played = log.replay(scenario(*[step] * 36), extrapolate=True).scenarios[0]
        assert played.cost_usd == EXACT.multiply(BASE, EXACT.power(Decimal("1.01"), 36))
        with pytest.raises(UsageError, match="divides its rows too often"):
            log.replay(scenario(*[step] * 64), extrapolate=True)
