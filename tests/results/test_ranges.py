"""Ranged assumptions in whole replays: against direct replays, in closed form, and for every strategy there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from math import sqrt
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from llmcost.errors import UsageError
from llmcost.money import plain
from llmcost.results import stage
from llmcost.results.model import Scenario, ScenarioRange
from llmcost.results.options import ReplayOptions
from llmcost.results.ranges import MOST_REPLAYS, Amounts, range_of
from llmcost.results.replay import replay
from llmcost.results.scenario import BoundScenario, BoundStep, bind
from llmcost.results.schemas import strategy
from llmcost.strategies import STRATEGIES
from tests.random_logs import CERTAIN
from tests.strategies.support import NOW, STARTED, World, scenario, step, world
from tests.test_laws import CASES

D = Decimal
MTOK: Final = D(10) ** -6
HOUR: Final = 3_600_000_000
LOG: Final = [
    {
        "request_id": f"r{n}", "provider_name": "openai", "request_model": "big", "started_at": STARTED + n * HOUR,
        "input_tokens": 1000 + 17 * n, "output_tokens": 90 + n % 7 * 40, "feature": "chat" if n % 3 else "search",
    }
    for n in range(40)
]  # fmt: skip


def span(low: str, mode: str, high: str) -> dict[str, Decimal]:
    return {"low": D(low), "mode": D(mode), "high": D(high)}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("ranges"), LOG) as made:
        yield made


def one(here: World, *steps: BoundStep, **options: Any) -> Scenario:
    return here.result(scenario(*steps), **{"dimensions": (), **options}).scenarios[0]


def ranged(here: World, *steps: BoundStep, **options: Any) -> ScenarioRange:
    found = one(here, *steps, **options).range
    assert found is not None
    return found


def test_what_is_linear_in_one_rate_has_the_quantiles_of_the_triangle(here: World) -> None:
    """A discount of 0, 10 or 40 %: the saving is the discount times the cost, and so are its quantiles."""
    found = ranged(here, step("reprice", discount=span("0", "0.1", "0.4")))
    cost = one(here, step("reprice", growth="1")).cost_usd
    expected = [sqrt(0.1 * 0.4 * 0.1), 0.4 - sqrt(0.5 * 0.4 * 0.3), 0.4 - sqrt(0.1 * 0.4 * 0.3)]
    given = (found.saving.p10_usd, found.saving.p50_usd, found.saving.p90_usd)
    assert [float(value / cost) for value in given] == pytest.approx(expected, abs=1e-12)
    assert found.p90_usd == cost - found.saving.p10_usd
    assert found.off_usd == 0
    assert (found.replays, found.held, found.draws) == (3, 2, 4005)


def test_a_range_without_width_is_the_plain_scenario(here: World) -> None:
    narrow = one(here, step("reprice", growth=span("1.3", "1.3", "1.3"), discount="0.07"))
    broad = one(here, step("reprice", growth="1.3", discount="0.07"))
    assert narrow.model_dump(exclude={"range"}) == broad.model_dump(exclude={"range"})
    assert broad.range is None
    assert narrow.range is not None
    assert narrow.range.p10_usd == narrow.range.p50_usd == narrow.range.p90_usd == broad.cost_usd
    assert narrow.range.saving.p10_usd == narrow.range.saving.p90_usd == broad.saving_usd
    assert (narrow.range.replays, narrow.range.held) == (1, 0)


def test_every_end_is_what_a_plain_scenario_gives(here: World) -> None:
    """Steps before a range are shared with the scenario itself, steps behind it are played anew."""
    rules = [{"when": "output_tokens < 250", "model": "openai/small", "share": span("0.2", "0.5", "0.9")}]
    steps = [
        step("reprice", growth=span("1", "1.2", "2")),
        step("route", rules=rules),
        step("prompt-cache", hit_rate=span("0.5", "0.9", "0.95"), prefix_tokens=600),
    ]
    found = ranged(here, *steps)
    assert found.replays == 1 + 3 * 2 + 3 * 4
    assert [driver.step for driver in sorted(found.drivers, key=lambda d: d.step)] == [1, 2, 3]

    def plainly(growth: str, share: str, rate: str) -> Decimal:
        played = one(
            here,
            step("reprice", growth=growth),
            step("route", rules=[{**rules[0], "share": share}]),
            step("prompt-cache", hit_rate=rate, prefix_tokens=600),
        )
        return played.saving_usd

    by_name = {driver.parameter: driver for driver in found.drivers}
    growth, share, rate = (by_name[name] for name in ("growth", "rules.0.share", "hit_rate"))
    assert (growth.saving_low_usd, growth.saving_high_usd) == (
        plainly("1", "0.5", "0.9"),
        plainly("2", "0.5", "0.9"),
    )
    assert (share.saving_low_usd, share.saving_high_usd) == (
        plainly("1.2", "0.2", "0.9"),
        plainly("1.2", "0.9", "0.9"),
    )
    assert (rate.saving_low_usd, rate.saving_high_usd) == (
        plainly("1.2", "0.5", "0.5"),
        plainly("1.2", "0.5", "0.95"),
    )
    swings = [driver.swing for driver in found.drivers]
    assert swings == sorted(swings, reverse=True)


def test_the_grid_is_direct_replays_and_the_inside_is_held_against_some(here: World) -> None:
    """Two rates multiply: the nine points, and with them every point between, are what the replay gives there."""
    asked: list[BoundScenario] = []
    bound = scenario(step("reprice", growth=span("1", "1.2", "2"), discount=span("0", "0.1", "0.3")))
    central = here.result(bound, dimensions=()).scenarios[0]

    def play(variant: BoundScenario) -> Amounts:
        asked.append(variant)
        found = here.result(variant, dimensions=()).scenarios[0]
        return Amounts(found.cost_usd, found.saving_usd)

    found = range_of(central, bound, play, D(2), ReplayOptions(now=NOW))
    assert found is not None
    assert central.range is not None
    assert found == central.range.model_copy(
        update={"monthly_cost": found.monthly_cost, "monthly_saving": found.monthly_saving}
    )
    assert len(asked) == found.replays - 1 + found.held == 8 + 3
    assert found.off_usd == 0
    seen = {(s.steps[0].params.growth, s.steps[0].params.discount) for s in asked}  # type: ignore[attr-defined]  # of reprice
    grid = {(D(g), D(d)) for g in ("1", "1.2", "2") for d in ("0", "0.1", "0.3")} - {(D("1.2"), D("0.1"))}
    assert grid <= seen
    assert all(1 < growth < 2 and 0 < discount < D("0.3") for growth, discount in seen - grid)


def test_what_differs_in_weights_alone_is_not_asked_of_the_engine_again(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replays at other rates share the rows and sums of the scenario itself; other scenarios share nothing."""
    asked: list[str] = []
    compiled = stage.compiled

    def noted(expression: Any) -> str:
        asked.append(compiled(expression))
        return asked[-1]

    monkeypatch.setattr(stage, "compiled", noted)

    def queries(*steps: BoundStep) -> int:
        asked.clear()
        one(here, *steps)
        return len(asked)

    growth = step("reprice", growth=span("1.1", "1.2", "2"))
    assert queries(growth) == queries(step("reprice", growth="1.2"))
    rules = {"when": "output_tokens < 250", "model": "openai/small"}
    routed = step("route", rules=[{**rules, "share": span("0.2", "0.5", "0.9")}])
    assert queries(routed) > queries(step("route", rules=[{**rules, "share": "0.5"}]))


def curved(bound: BoundScenario) -> Amounts:
    """A made-up replay: dollars that are no line in what is assumed."""
    product = D(1)
    for each in bound.steps:
        product *= each.params.discount  # type: ignore[attr-defined]  # of reprice
    return Amounts(product, 100 - product * product)


def many(size: int) -> BoundScenario:
    steps = [step("reprice", discount=span("0.1", "0.2", plain(D("0.3") + D(n) / 100))) for n in range(size)]
    return scenario(*steps)


def spread_of(here: World, bound: BoundScenario) -> ScenarioRange:
    central = one(here, step("reprice", growth="1"))
    mode = curved(bound)
    central = central.model_copy(
        update={"cost_usd": mode.cost, "saving_usd": mode.saving, "steps": central.steps * len(bound.steps)}
    )
    found = range_of(central, bound, curved, None, ReplayOptions(now=NOW))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("size", "replays", "apart"), [(1, 3, 0), (2, 9, 0), (3, 19, 0), (4, 33, 0), (5, 31, 5), (16, 33, 120)]
)
def test_replays_are_capped_and_what_was_left_out_is_counted(here: World, size: int, replays: int, apart: int) -> None:
    found = spread_of(here, many(size))
    assert (found.replays, found.pairs_apart) == (replays, apart)
    assert found.replays <= MOST_REPLAYS
    assert found.off_usd > 0, "a square is no line, and the result must say so"
    assert found.monthly_cost is None


def test_more_ranges_than_can_be_replayed_are_refused(here: World) -> None:
    with pytest.raises(UsageError, match="has 17 ranges"):
        here.result(many(17))


def test_same_seed_same_bytes_and_another_seed_draws_anew(here: World) -> None:
    steps = (step("reprice", growth=span("1", "1.2", "2"), discount=span("0", "0.1", "0.3")),)

    def text(seed: int) -> str:
        with world(here.store.spill / f"seed{seed}", LOG, here.book) as again:
            found = replay(again.store, here.book, [scenario(*steps)], ReplayOptions(now=NOW, seed=seed, dimensions=()))
        return found.model_dump_json()

    assert text(3) == text(3)
    assert ranged(here, *steps, seed=3) != ranged(here, *steps, seed=4)


def test_a_price_day_before_the_steps_is_counted(here: World) -> None:
    bound = BoundScenario("later", (step("reprice", growth=span("1", "2", "3")),), date(2026, 10, 20))
    found = here.result(bound, dimensions=()).scenarios[0]
    assert found.range is not None
    assert [found.range.drivers[0].step, found.steps[1].strategy] == [2, "reprice"]


def test_months_are_scaled_as_everything_else(here: World) -> None:
    found = one(here, step("reprice", growth=span("1", "2", "3")), month_days=D(30))
    assert found.range is not None
    assert found.range.monthly_saving is not None
    days = D(40) / 24
    assert float(found.range.monthly_saving.p10_usd) == pytest.approx(float(found.range.saving.p10_usd * 30 / days))


def _decimals(form: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Places of a strategy's schema where a range may stand."""
    for name, inner in form.get("properties", {}).items():
        if any("low" in part.get("properties", {}) for part in inner.get("anyOf", [])):
            yield (*place, name)


RANGED: Final = [(name, place) for name in STRATEGIES.names() for (place,) in _decimals(strategy(name))]
INSIDE: Final[Mapping[tuple[str, str], dict[str, Any]]] = {
    ("fine-tune", "training_usd_per_mtok"): {"training_tokens": 1000}, ("commitment", "usd_per_unit_month"): {"usd_per_unit_hour": None},
    ("commitment", "usd_per_month"): {"kind": "spend"}, ("prompt-cache", "hit_rate"): {"prefix_tokens": 600},
    ("prompt-cache", "storage_hours"): {"hit_rate": "0.9", "prefix_tokens": 600},
}  # fmt: skip
"""What some parameters need beside them; None takes one away."""


def parameters_with(name: str, parameter: str, value: Any) -> dict[str, Any]:
    given = dict(next(parameters for other, parameters in CASES if other == name)) | INSIDE.get((name, parameter), {})
    return {key: each for key, each in given.items() if each is not None} | {parameter: value}


@pytest.mark.parametrize(("name", "parameter"), RANGED)
def test_every_decimal_of_every_strategy_may_be_a_range(name: str, parameter: str) -> None:
    """Found from the published schema, which holds the range to the same limits."""
    given = parameters_with(name, parameter, span("0.5", "0.6", "0.9"))
    Draft202012Validator(strategy(name)).validate(_json(given))
    found = bind(name, given)
    assert [(r.name, r.low, r.mode, r.high) for r in found.ranges] == [(parameter, D("0.5"), D("0.6"), D("0.9"))]
    assert found.params == bind(name, parameters_with(name, parameter, "0.6")).params
    assert found.at({(parameter,): D("0.9")}) == bind(name, parameters_with(name, parameter, "0.9"))
    assert bind(name, found.given) == found
    with pytest.raises(UsageError, match="a range goes up"):
        bind(name, parameters_with(name, parameter, span("0.7", "0.6", "0.9")))
    for end in ("low", "high"):
        with pytest.raises(UsageError, match=f"the {end} of {parameter}"):
            bind(name, parameters_with(name, parameter, span("0.5", "0.6", "0.9") | {end: "many"}))


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _json(each) for key, each in value.items()}
    return (
        [_json(each) for each in value] if isinstance(value, list) else float(value) if isinstance(value, D) else value
    )


def test_strategies_with_amounts_were_found() -> None:
    assert {"reprice", "route", "prompt-cache", "self-host", "commitment"} - {"route"} <= {name for name, _ in RANGED}


@pytest.mark.parametrize("name", sorted({name for name, _ in RANGED}))
def test_every_strategy_replays_with_a_range(tmp_path: Path, name: str) -> None:
    parameter = next(place for other, place in RANGED if other == name)
    with world(tmp_path, CERTAIN) as made:
        found = ranged(made, step(name, **parameters_with(name, parameter, span("0.5", "0.6", "0.9"))))
        ends = [one(made, step(name, **parameters_with(name, parameter, end))).saving_usd for end in ("0.5", "0.9")]
    assert [found.drivers[0].saving_low_usd, found.drivers[0].saving_high_usd] == ends
    assert found.p10_usd <= found.p50_usd <= found.p90_usd


@pytest.mark.parametrize(
    ("name", "parameters", "what"),
    [
        ("reprice", {"growth": {"low": 1, "mode": 2}}, "growth: a range has low, mode and high; high is missing"),
        ("reprice", {"growth": {"low": 1, "mid": 2, "high": 3}}, "growth.mid is not known; did you mean"),
        ("reprice", {"discount": span("0", "0.5", "1")}, "the high of discount"),
        ("prompt-cache", {"hit_rate": "0.5", "prefix_tokens": {"low": 1, "mode": 2, "high": 3}}, "cannot be a range"),
        ("reprice", {"model": {"low": "a", "mode": "b", "high": "c"}}, "model cannot be a range"),
        ("route", {"rules": [{"model": "m", "share": span("0", "0.5", "2")}]}, "the high of rules.0.share"),
        ("reprice", {"growth": span("1", "2", "1" + "0" * 19)}, "beyond all reason"),
    ],
)
def test_what_is_no_range_is_told(name: str, parameters: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        bind(name, parameters)
