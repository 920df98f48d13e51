"""Forecasts by hand: what a method makes of a plain series, bands, budgets, shares, prices that are dated ahead."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from llmcost import ForecastOptions, api, forecast_of
from llmcost.errors import UsageError
from llmcost.reports import REPORTS
from llmcost.results.forecast import band
from llmcost.results.forecast.backtest import Trial, origins
from llmcost.results.forecast.methods import fit, from_end, run_rate, seasonal_naive
from llmcost.results.forecast.model import Outlook
from llmcost.results.forecast.parts import parts_of
from llmcost.results.forecast.series import DAY, settled
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from scripts import backtest, backtest_series

MARGIN = 0.06
"""Points of WAPE by which the chosen method may be worse than the run-rate on any series here."""
FIRST = date(2026, 6, 1)  # a Monday
NO_LIBRARY = "llmcost.results.forecast.library.installed"


@pytest.fixture(autouse=True)
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Statsmodels is slow to import; one test below has it."""
    monkeypatch.setattr(NO_LIBRARY, lambda: False)


def daily(days: int, cost: Callable[[date], str | int]) -> dict[date, Decimal]:
    return {FIRST + DAY * n: Decimal(cost(FIRST + DAY * n)) for n in range(days)}


def looked(days: int, cost: Callable[[date], str | int] = lambda _: 10, **changes: object) -> Outlook:
    return forecast_of(daily(days, cost), options=ForecastOptions(**changes))  # type: ignore[arg-type]  # fields by name


def test_a_constant_series_goes_on_and_its_band_is_a_point() -> None:
    found = looked(60)
    assert found.last_settled == date(2026, 7, 30)
    assert [day.date for day in found.days] == [date(2026, 7, 31)]
    assert {day.cost_usd for day in looked(60, months=3).days} == {Decimal(10)}
    month = found.months[0]
    assert (month.known_usd, month.forecast_usd, month.total_usd) == (Decimal(300), Decimal(10), Decimal(310))
    assert found.range is not None
    assert found.range.p10_usd == found.range.p90_usd == Decimal(10)


def test_weekends_are_weekends() -> None:
    found = looked(70, lambda day: 20 if day.weekday() >= 5 else 100, months=2)
    assert found.method in {"profile", "seasonal-naive"}
    for day in found.days:
        assert float(day.cost_usd) == pytest.approx(20 if day.date.weekday() >= 5 else 100, rel=0.15)


def test_month_ends_count_from_the_third_one_on() -> None:
    def cost(day: date) -> int:
        return 50 if from_end(day) == 0 else 10

    values = [float(cost(FIRST + DAY * n)) for n in range(95)]
    three, two = fit(FIRST, list(values)), fit(FIRST, list(values[:65]))
    assert three is not None
    assert two is not None
    assert three.ends == {0: 5.0}
    assert two.ends == {}
    assert three.level == pytest.approx(10, rel=0.01)


def test_a_single_spike_moves_nothing() -> None:
    def cost(day: date) -> int:
        return 900 if day == date(2026, 7, 20) else 10

    values = [float(cost(FIRST + DAY * n)) for n in range(60)]
    found = fit(FIRST, list(values))
    assert found is not None
    assert found.level == pytest.approx(10, rel=0.01)


@pytest.mark.parametrize(("days", "status"), [(13, "insufficient-history"), (14, "forecast")])
def test_two_weeks_are_needed(days: int, status: str) -> None:
    found = looked(days, lambda day: 10 + day.day % 3)
    assert found.status == status
    if status != "forecast":
        assert found.backtest is None
        assert found.range is None
        assert found.method == "run-rate"
        assert all(day.range is None for day in found.days)
        assert "14 are needed" in found.why


def test_gaps_are_unknown_unless_they_are_zero() -> None:
    weekdays = {day: cost for day, cost in daily(70, lambda _: 10).items() if day.weekday() < 5}
    unknown = forecast_of(weekdays, options=ForecastOptions(months=2))
    zero = forecast_of(weekdays, options=ForecastOptions(months=2, gaps_zero=True))
    assert (unknown.gaps, zero.gaps) == (18, 0)
    assert {day.cost_usd for day in unknown.days} == {Decimal(10)}
    assert any("no Saturday and no Sunday" in note for note in unknown.notes)
    saturdays = [day.cost_usd for day in zero.days if day.date.weekday() == 5]
    assert max(saturdays) < 2
    assert unknown.months[0].unknown_days > 0


def test_a_budget_is_spent_on_the_day_it_is_passed() -> None:
    found = looked(70, budget=Decimal(250))
    assert found.last_settled == date(2026, 8, 9)
    (month,) = found.months
    assert month.breach is not None
    assert (month.breach.on, month.breach.probability) == (date(2026, 8, 26), Decimal(1)), "10 x 26 > 250"
    spent = looked(70, budget=Decimal(89)).months[0].breach
    assert spent is not None
    assert spent.spent
    never = looked(70, budget=Decimal(311)).months[0].breach
    assert never is not None
    assert (never.on, never.probability) == (None, Decimal(0))


def test_probability_lies_between_where_the_budget_lies_inside_the_band() -> None:
    wavy = looked(100, lambda day: 80 + (day.toordinal() * 7919) % 41)
    assert wavy.months[0].range is not None
    middle = wavy.months[0].range.p50_usd
    found = looked(100, lambda day: 80 + (day.toordinal() * 7919) % 41, budget=middle)
    breach = found.months[0].breach
    assert breach is not None
    assert breach.probability is not None
    assert Decimal("0.2") < breach.probability < Decimal("0.8")


def test_growth_that_is_given_is_taken() -> None:
    found = looked(84, growth=Decimal("0.1"), months=3)
    last = found.days[-1]
    months = (last.date - found.last_settled).days / 30.4375
    assert float(last.cost_usd) == pytest.approx(10 * 1.1**months, rel=0.03)
    assert looked(84, months=3).days[-1].cost_usd == Decimal(10)


def test_a_price_factor_holds_from_its_day_on() -> None:
    change = date(2026, 8, 20)
    found = forecast_of(daily(70, lambda _: 10), factor=lambda day: Decimal("0.5") if day >= change else Decimal(1))
    assert {day.cost_usd for day in found.days if day.date < change} == {Decimal(10)}
    assert {day.cost_usd for day in found.days if day.date >= change} == {Decimal(5)}


def test_same_seed_same_numbers_and_amounts_are_rounded() -> None:
    def cost(day: date) -> int:
        return 800 + (day.toordinal() * 7919) % 410

    one, same, other = looked(90, cost, months=3), looked(90, cost, months=3), looked(90, cost, months=3, seed=5)
    assert one == same
    assert one.range != other.range
    assert [day.cost_usd for day in one.days] == [day.cost_usd for day in other.days]
    assert one.rounded_to in {Decimal(1), Decimal(10)}
    assert all(day.cost_usd % one.rounded_to == 0 for day in one.days)
    assert one.total_usd == sum(day.cost_usd for day in one.days)


def test_settled_days_and_their_rule() -> None:
    days = daily(10, lambda _: 1)
    assert settled(days, True, True, None).days == set(days)
    assert max(settled(days, True, False, None).days) == FIRST + DAY * 8
    assert min(settled(days, False, True, None).days) == FIRST + DAY
    assert max(settled(days, True, True, 3).days) == FIRST + DAY * 6
    assert max(settled(days, True, False, 0).days) == FIRST + DAY * 9
    with pytest.raises(UsageError, match="no day of the log is settled"):
        forecast_of(days, settled(days, True, True, 20))


def test_naive_methods() -> None:
    week: list[float | None] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert run_rate(FIRST, [100.0, *week], 2) == [4.0, 4.0]
    assert seasonal_naive(FIRST, [*week, *week], 9) == [1, 2, 3, 4, 5, 6, 7, 1, 2]
    assert seasonal_naive(FIRST, [*week, None, *week[1:]], 1) == [1.0], "the week before, where the last has a gap"


def test_parts_sum_to_the_total() -> None:
    costs: dict[str | None, Decimal] = {"a": Decimal(1), "b": Decimal(1), None: Decimal(1)}
    found = parts_of(costs, Decimal("100.00"), Decimal("0.01"))
    assert sum(part.forecast_usd for part in found) == Decimal("100.00")
    assert sorted(part.forecast_usd for part in found) == [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]
    assert parts_of({}, Decimal(1), Decimal("0.01")) == []


def test_backtests_never_look_ahead() -> None:
    """A future that nobody could know changes no forecast that was made before it."""
    seen: list[int] = []

    def spy(first: date, values: list[float | None], horizon: int) -> list[float]:
        seen.append(len(values))
        return [1.0] * horizon

    from llmcost.results.forecast.backtest import tried
    from llmcost.results.forecast.methods import Method

    tried(FIRST, [1.0] * 60, [Method("spy", "spy", spy)], 10)
    assert seen == origins(60)
    assert max(seen) < 60


@pytest.mark.parametrize("sample", backtest_series.generated(), ids=lambda sample: sample.name)
def test_chosen_is_not_worse_than_naive(sample: backtest_series.Sample) -> None:
    found = backtest.examine(sample, 4)
    assert found.errors["chosen"].wape <= found.errors["run-rate"].wape + MARGIN
    assert found.errors["chosen"].wape <= found.errors["seasonal-naive"].wape + MARGIN


def test_season_and_month_ends_are_worth_it() -> None:
    samples = {sample.name: backtest.examine(sample, 4) for sample in backtest_series.generated()}
    for name in ("weekday", "month-end", "spike"):
        errors = samples[name].errors
        assert errors["chosen"].wape < 0.8 * errors["run-rate"].wape, name


def test_chosen_is_not_worse_than_naive_on_real_series() -> None:
    samples = backtest_series.real()
    if not samples:
        pytest.skip("real samples are not here: traces")
    for sample in samples:
        errors = backtest.examine(sample, 4).errors
        assert errors["chosen"].wape <= errors["run-rate"].wape + 2 * MARGIN, sample.name


def test_the_band_holds_about_what_it_says() -> None:
    """Nominal 80 %: over series of many kinds, sums and days alike, and on no ordinary kind far below."""
    reports = [backtest.examine(each, 6) for salt in ("band a", "band b") for each in backtest_series.generated(salt)]
    assert 0.7 < sum(r.inside for r in reports) / sum(r.forecasts for r in reports) < 0.92
    assert 0.7 < sum(r.days_inside for r in reports) / sum(r.days for r in reports) < 0.92
    for name in ("flat", "weekday", "trend", "month-end"):
        of_kind = [r for r in reports if r.sample.name == name]
        assert sum(r.inside for r in of_kind) >= 8, f"{name}: of 12"


def test_errors_that_leaned_to_one_side_are_expected_on_both() -> None:
    """Every forecast of the past was too high by a fifth: the future may as well be above."""
    trials = [Trial((100.0,) * 14, (80.0,) * 14, 28 + n) for n in range(20)]
    found = band.paths([100.0] * 14, trials, 0, 400)
    assert found is not None
    totals = sorted(sum(path) for path in found)
    assert band.quantile(totals, 0.1) == pytest.approx(1400 * 0.8 ** math.sqrt(1 + 14 / 33))
    assert band.quantile(totals, 0.9) == pytest.approx(1400 * 1.25 ** math.sqrt(1 + 14 / 33))


def test_a_band_never_goes_below_nothing_and_widens_ahead() -> None:
    trials = [Trial((10.0,) * 7, tuple(0.0 if (n + d) % 3 else 30.0 for d in range(7)), 28 + n) for n in range(20)]
    found = band.paths([10.0] * 35, trials, 0, 800)
    assert found is not None
    assert min(min(path) for path in found) >= 0
    weeks = [sorted(sum(path[start : start + 7]) for path in found) for start in (0, 28)]
    first, last = (band.quantile(week, 0.9) - band.quantile(week, 0.1) for week in weeks)
    assert last > first


def test_statsmodels_is_a_candidate_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("statsmodels")
    monkeypatch.setattr(NO_LIBRARY, lambda: True)
    found = looked(60, lambda day: 40 if day.weekday() >= 5 else 100 + day.day % 5, method="ets")
    assert found.backtest is not None
    assert {score.method for score in found.backtest.scores} >= {"ets", "profile", "run-rate", "seasonal-naive"}
    assert found.method == "ets"
    assert min(day.cost_usd for day in found.days) >= 0


def test_without_it_the_method_says_what_to_install() -> None:
    with pytest.raises(UsageError, match="statsmodels is not installed"):
        looked(42, method="ets")


PRICES = """provider = "openai"
[[model]]
id = "forecast-model"
[[model.price]]
from = 2026-01-01
rates = {{ input = 10, output = 10 }}
[[model.price]]
from = {change}
rates = {{ input = 5, output = 5 }}
"""


def log(folder: Path, days: int = 40) -> Path:
    """A call at noon and one at the end of each day from 1 September on, $1 a day."""
    rows = []
    for n in range(days):
        for hour, team in ((0, "red"), (12, "red"), (23, "blue"), (23, None)):
            at = datetime(2026, 9, 1, hour, 30, tzinfo=UTC) + timedelta(days=n)
            rows.append(
                {
                    "request_id": f"r{n}-{hour}-{team}", "started_at": at.isoformat(), "provider_name": "openai",
                    "request_model": "forecast-model", "input_tokens": 25000, "output_tokens": 0, "team": team,
                }
            )  # fmt: skip
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_log_with_prices_dated_ahead(tmp_path: Path) -> None:
    """$1 a day; from 21 October on the price is half, and the replay of the recent days says so exactly."""
    book = tmp_path / "own.toml"
    book.write_text(PRICES.format(change="2026-10-21"), encoding="utf-8")
    options = ReplayOptions(now=1_760_000_000_000_000)
    found = api.forecast(log(tmp_path), wanted=ForecastOptions(by="team"), prices=[book], options=options)
    assert found.outlook.last_settled == date(2026, 10, 10)
    (change,) = found.price_changes
    assert (change.on, change.factor) == (date(2026, 10, 21), Decimal("0.5"))
    assert found.outlook.total_usd == Decimal(10) + Decimal("0.5") * 11
    assert {part.value: part.share for part in found.parts} == {
        "red": Decimal("0.5"),
        "blue": Decimal("0.25"),
        None: Decimal("0.25"),
    }
    assert sum(part.forecast_usd for part in found.parts) == found.outlook.total_usd
    for name in REPORTS.names():
        page = api.render(found, name)
        assert page
    assert b"P10 to P90" in api.render(found, "html")


BUDGETS = """
[[budget]]
name = "all"
usd = 25
[[budget]]
name = "teams"
usd = 7.25
for = { team = "*" }
[[budget]]
name = "tokens"
tokens = 2500000
[[budget]]
name = "a day"
usd = 1
per = "day"
[[budget]]
name = "nobody"
usd = 1
for = { team = "nobody" }
"""


def test_every_budget_of_a_file_is_forecast_from_its_own_calls(tmp_path: Path) -> None:
    """$1 a day, half of it red and a quarter blue: from 11 October on the rest of the month is plain arithmetic."""
    book = tmp_path / "own.toml"
    book.write_text(PRICES.format(change="2026-10-21"), encoding="utf-8")
    file = tmp_path / "budget.toml"
    file.write_text(BUDGETS, encoding="utf-8")
    options = ReplayOptions(now=1_760_000_000_000_000)
    found = api.forecast(log(tmp_path), budget_file=file, prices=[book], options=options)
    lines = {(line.budget, line.owner.get("team")): line for line in found.budgets}
    assert set(lines) == {("all", None), ("teams", "red"), ("teams", "blue"), ("tokens", None)}
    whole = lines["all", None]
    assert whole.total == found.outlook.months[0].total_usd
    assert (whole.known, whole.forecast) == (Decimal(10), Decimal("15.5"))
    assert (whole.on, whole.probability) == (date(2026, 10, 31), Decimal(1)), "10 + 10 + 10 x 0.5 is no more than 25"
    red, blue = lines["teams", "red"], lines["teams", "blue"]
    assert (red.known, red.on) == (Decimal(5), date(2026, 10, 15)), "5 + 0.5 x 5 is above 7.25"
    assert (blue.known, blue.on) == (Decimal("2.5"), None), "2.5 + 2.5 + 2.75 / 2 is below 7.25"
    assert Decimal("3.8") < blue.forecast < Decimal("3.95")
    tokens = lines["tokens", None]
    assert (tokens.unit, tokens.known, tokens.on) == ("tokens", Decimal(1_000_000), date(2026, 10, 26)), (
        "prices move none"
    )
    assert any("a day" in warning for warning in found.warnings)
    assert any("nobody meets no request" in warning for warning in found.warnings)
    for name in ("terminal", "markdown", "html", "csv", "line"):
        assert b"teams (team red)" in api.render(found, name), name


def test_a_budget_that_is_spent_already_says_so(tmp_path: Path) -> None:
    file = tmp_path / "budget.toml"
    file.write_text('[[budget]]\nname = "small"\nusd = 4\n[[limit]]\nname = "x"\nmeasure = "monthly"\nblock = 1\n')
    book = tmp_path / "own.toml"
    book.write_text(PRICES.format(change="2027-01-01"), encoding="utf-8")
    found = api.forecast(
        log(tmp_path), budget_file=file, prices=[book], options=ReplayOptions(now=1_760_000_000_000_000)
    )
    (line,) = found.budgets
    assert (line.spent, line.on, line.probability) == (True, None, Decimal(1))
    assert "1 passed already" in api.render(found, "line").decode()
    assert "the file's limits are for llmcost check" in found.warnings


def test_known_days_are_those_of_the_replay(tmp_path: Path) -> None:
    book = tmp_path / "own.toml"
    book.write_text(PRICES.format(change="2027-01-01"), encoding="utf-8")
    options = ReplayOptions(now=1_760_000_000_000_000)
    path = log(tmp_path)
    found = api.forecast(path, prices=[book], options=options)
    replayed: Result = api.simulate(path, scenarios=[], prices=[book], options=options)
    assert sum(day.cost_usd or 0 for day in found.outlook.history) == replayed.baseline.cost_usd
    assert found.outlook.months[0].known_usd == Decimal(10)


def test_a_log_without_a_priced_day(tmp_path: Path) -> None:
    path = log(tmp_path, 1)
    path.write_text(path.read_text().replace("forecast-model", "nobody-knows-it"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"no row of the log has a time and a price"):
        api.forecast(path)


def test_two_days_off_their_level_widen_the_band_to_both_levels_and_move_no_forecast() -> None:
    def cost(day: date, after: str = "24.1") -> str:
        return "9.9" if day.day % 2 else "10.1" if day < FIRST + DAY * 58 else after

    steady, stepped = (
        looked(60, lambda day: cost(day, "10.1"), months=2),
        looked(60, lambda day: "24" if day >= FIRST + DAY * 58 else cost(day), months=2),
    )
    assert not any("new level" in note for note in steady.notes)
    assert any("new level" in note for note in stepped.notes)
    level = stepped.total_usd / len(stepped.days)
    assert level < 16, "the level is not that of two days"
    assert stepped.range is not None
    assert stepped.range.p90_usd > Decimal(23) * len(stepped.days), "but the band knows that it may be"
    assert stepped.range.p10_usd <= stepped.total_usd
    one = looked(60, lambda day: "24" if day >= FIRST + DAY * 59 else cost(day), months=2)
    assert not any("new level" in note for note in one.notes), "a single day may be anything"
