"""Break-even by hand: where lines cross, when it never pays, what is earned back, what decides it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.errors import UsageError
from llmcost.reports import REPORTS, Options
from llmcost.results.breakeven.model import BreakEven
from llmcost.results.breakeven.run import Subject, break_even
from llmcost.results.model import Result
from llmcost.results.outcome import outcome
from llmcost.results.outcomes.break_even import _Gap
from llmcost.results.scenario import BoundScenario, BoundStep
from tests.strategies.support import step, world
from tests.strategies.test_self_host import LOG

VOLUMES = tuple(Decimal(text) for text in ("0.5", "1", "2", "3"))
OWN = {"model": "Llama-3.3-70B", "utilisation": "1", "mode": "always-on", "cold_start": "0s"}


def found(folder: Path, subject: BoundStep, log: list[dict[str, Any]] = LOG, *before: BoundStep) -> BreakEven:
    """The log has three hours, 550 requests of $0.01; a month of 30 days has 240 times that."""
    with world(folder, log) as here:

        def play(scenarios: Sequence[BoundScenario]) -> Result:
            return here.result(*scenarios, extrapolate=True, dimensions=(), month_days=Decimal(30))

        return break_even(Subject(subject, before), play, VOLUMES)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> BreakEven:
    """Two GPUs at $2: $12 for the three hours, against $5.50 at the API."""
    return found(tmp_path_factory.mktemp("fleet"), step("self-host", usd_per_gpu_hour="2", **OWN))


def test_a_fleet_pays_above_the_volume_that_fills_it(fleet: BreakEven) -> None:
    """Equal at 12 / 5.5 times the volume, the fleet being the same up to there."""
    assert fleet.verdict == "above"
    (crossing,) = fleet.crossings
    assert float(crossing.factor) == pytest.approx(12 / 5.5, rel=1e-4)
    assert float(crossing.requests_per_month) == pytest.approx(550 * 240 * 12 / 5.5, rel=1e-4)
    assert float(crossing.usd_per_month) == pytest.approx(12 * 240, rel=1e-4)
    assert [fleet.baseline_usd, fleet.option_usd, fleet.saving_usd] == [Decimal(1320), Decimal(2880), Decimal(-1560)]
    assert fleet.price_factor is not None
    assert float(fleet.price_factor) == pytest.approx(12 / 5.5, rel=1e-4)
    assert {p.option_usd for p in fleet.curve} == {Decimal(2880)}


def test_levers_are_sorted_by_what_they_do(fleet: BreakEven) -> None:
    swings = [line.swing for line in fleet.levers]
    assert swings == sorted(swings, reverse=True)
    lines = {line.name: line for line in fleet.levers}
    assert (lines["usd_per_gpu_hour"].low, lines["usd_per_gpu_hour"].high) == ("1.4", "3")
    assert lines["usd_per_gpu_hour"].saving_low_usd == Decimal(1320) - Decimal(2880) * Decimal("0.7")
    assert lines["API prices"].saving_high_usd == Decimal(1320) * Decimal("1.3") - 2880
    assert lines["volume"].saving_high_usd == 2640 - 2880
    assert float(lines["staff_usd_per_month"].swing) == pytest.approx(10000 * 720 / 730, rel=1e-6)
    assert "utilisation" not in lines  # two GPUs are enough at any


def test_the_throughput_is_a_lever_as_far_as_it_may_be_off(tmp_path: Path) -> None:
    """On a measurement it may be 12 % off: the replicas of a thousandfold traffic become more or fewer."""
    done = found(tmp_path, step("self-host", usd_per_gpu_hour="2", **OWN), LOG, step("reprice", growth=1000))
    line = next(line for line in done.levers if line.name == "throughput")
    assert (line.low, line.high) == ("0.893", "1.12")
    assert line.saving_low_usd < line.saving_high_usd
    assert done.facts["throughput may be off by"] == "12.0% either way"


def test_what_is_shown_adds_up() -> None:
    """58.585 less 55.9249 is 2.6601; rounded each by itself it read 58.59 - 55.92 = 2.66."""
    gap = _Gap(Decimal("58.585"), Decimal("55.9249"), Decimal("2.6601"))
    assert (gap.before, gap.after, gap.saved) == ("$58.59", "$55.92", "$2.67")
    assert (gap.cell.text, gap.cell.value) == ("+$2.67", Decimal("2.6601"))
    loss = _Gap(Decimal("0.001"), Decimal("0.0012"), Decimal("-0.0002"))
    assert (loss.saved, loss.apart) == ("-$0.00020", "$0.00020")
    close = _Gap(Decimal("10.001"), Decimal("10.000"), Decimal("0.001"))
    assert close.saved == "<$0.01"


def test_every_row_of_the_page_adds_up(fleet: BreakEven) -> None:
    rows = next(table for table in outcome(fleet).document(10, "").tables() if table.key == "curve").rows
    shown = [
        [Decimal(cell.text.replace("$", "").replace(",", "").replace("+", "")) for cell in row[3:]] for row in rows
    ]
    assert all(before - after == saved for before, after, saved in shown)


def test_every_format_shows_it(fleet: BreakEven) -> None:
    for name in [name for name in REPORTS.names() if name != "pdf"]:  # it needs a browser
        assert REPORTS.load(name).render(outcome(fleet), Options())
    text = REPORTS.load("terminal").render(outcome(fleet), Options()).decode()
    assert "pays above the break-even volume" in text
    assert "2.18" in text


def test_a_fleet_that_is_dearer_at_full_use_never_pays(tmp_path: Path) -> None:
    """A request takes 0.4527 GPU-seconds: at $100 an hour $0.01257, against $0.01 at the API."""
    done = found(tmp_path, step("self-host", usd_per_gpu_hour="100", **OWN))
    assert (done.verdict, done.crossings) == ("never", [])
    assert done.use is not None
    assert done.use.break_even is not None
    assert float(done.use.break_even) == pytest.approx(1.2575, rel=1e-3)
    text = REPORTS.load("markdown").render(outcome(done), Options()).decode()
    assert "pays at no volume" in text
    assert "even if it never stood idle it would cost more than the API" in text


def test_the_size_is_found_by_trying(tmp_path: Path) -> None:
    """With a hundred times the traffic three replicas serve all for $36 instead of $550; the median hour's one bursts."""
    done = found(tmp_path, step("self-host", usd_per_gpu_hour="2", **OWN), LOG, step("reprice", growth=100))
    sizes = {int(size.size): size for size in done.sizes}
    assert set(sizes) == {0, 1, 2, 3}
    assert [size for size, point in sizes.items() if point.best] == [3]
    assert [size for size, point in sizes.items() if point.usual] == [1]
    assert sizes[0].option_usd == done.baseline_usd
    assert sizes[3].option_usd == 36 * 240


def test_what_is_paid_at_the_start_is_earned_back(tmp_path: Path) -> None:
    """$0.01 a request becomes $0.0005: $1,254 a month, so $600 of training take half of one."""
    tuned = step(
        "fine-tune", model="openai/small", example_tokens=0, training_tokens=1_000_000, epochs=1, training_usd_per_mtok="600",
        retrain_every="365d",
    )  # fmt: skip
    once = found(tmp_path, tuned).once
    assert once is not None
    assert once.upfront_usd == 600
    assert float(once.monthly_net_usd) == pytest.approx(1254, rel=1e-4)
    assert once.months is not None
    assert float(once.months) == pytest.approx(600 / 1254, abs=1e-3)
    assert once.on is not None
    assert once.months_low is not None
    assert once.months_low < once.months


def test_what_saves_nothing_is_never_earned_back(tmp_path: Path) -> None:
    tuned = step("fine-tune", model="anthropic/opus", example_tokens=0, data_preparation_usd="100")
    done = found(tmp_path, tuned)
    assert done.once is not None
    assert done.once.months is None
    assert "never earned back" in REPORTS.load("terminal").render(outcome(done), Options()).decode()


def test_without_a_price_nothing_is_compared(tmp_path: Path) -> None:
    log = [{**row, "request_model": "unheard-of"} for row in LOG[:5]]
    with pytest.raises(UsageError, match="nothing can be compared"):
        found(tmp_path, step("self-host", usd_per_gpu_hour="2", **OWN), log)


def test_units_of_throughput_have_a_break_even_and_a_size_too(tmp_path: Path) -> None:
    units = step("commitment", kind="provisioned", tokens_per_minute=20_000, usd_per_unit_hour="1")
    done = found(tmp_path, units)
    assert done.verdict == "above"
    assert done.size_name == "units"


def test_batches_have_no_volume_to_wait_for(tmp_path: Path) -> None:
    done = found(tmp_path, step("batch", eligible="all"))
    assert (done.verdict, done.crossings, done.sizes) == ("always", [], [])


PRICE = {"low": Decimal(1), "mode": Decimal(2), "high": Decimal(4)}


def test_a_ranged_price_has_a_break_even_at_each_of_its_values(tmp_path: Path, fleet: BreakEven) -> None:
    """A fleet of $6, $12 or $24 against $5.50 at the API; at the mode nothing differs from the plain number."""
    ranged = found(tmp_path, step("self-host", usd_per_gpu_hour=PRICE, **OWN))
    assert ranged.model_dump(exclude={"ranges"}) == fleet.model_dump(exclude={"ranges"})
    assert not fleet.ranges
    assert [(r.parameter, r.end, r.value) for r in ranged.ranges] == [
        ("usd_per_gpu_hour", end, value) for end, value in PRICE.items()
    ]
    for line, dollars in zip(ranged.ranges, (6, 12, 24), strict=True):
        (crossing,) = line.crossings
        assert line.verdict == "above"
        assert float(crossing.factor) == pytest.approx(dollars / 5.5, rel=1e-3)
        assert line.saving_usd == Decimal(1320) - dollars * 240
    table = outcome(ranged).document(10, "").table("ranges")
    assert [row[0].text for row in table.rows] == [f"usd_per_gpu_hour, {end}" for end in PRICE]


def test_ranges_that_a_break_even_cannot_ask_about_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="growth is a range in a step that both sides share"):
        found(tmp_path, step("self-host", usd_per_gpu_hour="2", **OWN), LOG, step("reprice", growth=PRICE))
    many = {f"{name}_usd_per_month": PRICE for name in ("staff", "storage", "egress", "licence")}
    with pytest.raises(UsageError, match="has 4 ranges"):
        found(tmp_path / "many", step("self-host", usd_per_gpu_hour="2", **OWN, **many))


def steady(minutes: int = 60, each: int = 6) -> list[dict[str, Any]]:
    """So many calls of $0.01 in every minute, 2,000 tokens each."""
    return [
        {**LOG[0], "request_id": f"s{n}", "started_at": LOG[0]["started_at"] + n * 60_000_000 // each}
        for n in range(minutes * each)
    ]


def test_more_volume_than_a_unit_holds_keeps_it_full(tmp_path: Path) -> None:
    """12,000 tokens a minute, $3.60 an hour; a unit of 20,000 for $2: at 10 and 100 times it serves 10 calls a minute, $6."""
    unit = step("commitment", kind="provisioned", tokens_per_minute=20_000, usd_per_unit_hour="2")
    with world(tmp_path, steady()) as here:

        def play(scenarios: Sequence[BoundScenario]) -> Result:
            return here.result(*scenarios, extrapolate=True, dimensions=(), month_days=Decimal(30))

        done = break_even(Subject(unit), play, tuple(map(Decimal, ("0.5", "1", "2", "10", "100"))))
    assert done.verdict == "above"
    saved = {float(p.factor): float(p.baseline_usd - p.option_usd) / 720 for p in done.curve}
    assert saved[1] == pytest.approx(1.6)
    assert saved[0.5] == pytest.approx(-0.2)
    # A part of a call that does not fit is a thirty-second of it at most.
    assert saved[10] == pytest.approx(4, rel=0.1)
    assert saved[100] == pytest.approx(4, rel=0.25)
    assert done.use is not None
    assert float(done.use.most or 0) > 0.9


def test_a_baseline_that_volume_outgrows_stays_full(tmp_path: Path) -> None:
    """A replica of two GPUs has 600 seconds in five minutes; a call takes 0.4527 of them: 1,325 of 3,000 at a hundred times."""
    own = step("self-host", usd_per_gpu_hour="2", replicas=1, **{**OWN, "mode": "autoscale"})
    done = found(tmp_path, own, steady())
    with world(tmp_path / "more", steady()) as here:
        grown = here.result(Subject(own).scenario("x", Decimal(100))).scenarios[0]
    assert float(grown.steps[-1].measures["utilisation"]) == pytest.approx(1, abs=1e-6)
    saved = float(grown.steps[-1].saving_usd)
    assert saved == pytest.approx(12 * 600 / 0.4527 * 0.01 - 4, rel=0.05)
    assert done.verdict in {"above", "always"}


def test_never_is_not_said_before_the_volume_that_pays(tmp_path: Path) -> None:
    """One call of $0.01 in an hour that costs $4: it pays from about 400 calls an hour on, far beyond what is tried at first."""
    calm = step("self-host", usd_per_gpu_hour="2", **OWN)
    done = found(tmp_path, calm, steady(60, 1)[::10])
    assert done.verdict == "above"
    (crossing,) = done.crossings
    assert float(crossing.factor) == pytest.approx(4 / 0.06, rel=1e-3)


def test_always_is_not_said_where_small_volumes_do_not_pay(tmp_path: Path) -> None:
    """$3.60 an hour against a unit of $0.90: equal at a quarter of the volume, below the half that was tried."""
    cheap = step("commitment", kind="provisioned", tokens_per_minute=200_000, usd_per_unit_hour="0.9")
    done = found(tmp_path, cheap, steady())
    assert done.verdict == "above"
    assert float(done.crossings[0].factor) == pytest.approx(0.25, rel=1e-3)


def test_a_payback_has_its_range_with_each_ends_own_training(tmp_path: Path) -> None:
    """$1,254 a month; $600 of training take 0.478 months, three times as much 1.435, and the days are counted from the log's end."""
    tuned = step(
        "fine-tune", model="openai/small", example_tokens=0, training_tokens=1_000_000, epochs=1, training_usd_per_mtok="600",
        retrain_every="365d",
    )  # fmt: skip
    once = found(tmp_path, tuned).once
    assert once is not None
    net = 1320 * 0.95
    assert float(once.months_high or 0) == pytest.approx(3 * 600 / net, abs=2e-3)
    assert float(once.months_low or 0) == pytest.approx(
        600 / net / 2, abs=2e-3
    )  # half the training, or twice the volume
    assert (once.on_low, once.on, once.on_high) == (date(2026, 10, 9), date(2026, 10, 16), date(2026, 11, 14))
    text = REPORTS.load("markdown").render(outcome(found(tmp_path / "b", tuned)), Options()).decode()
    assert "by 16 October 2026 (between 0.24 months, 9 October 2026, and 1.44 months, 14 November 2026, as" in text


def test_what_is_paid_again_before_it_is_earned_back_never_is(tmp_path: Path) -> None:
    """$600 every ten days are $1,800 a month, and a month saves $1,254 before them."""
    tuned = step(
        "fine-tune", model="openai/small", example_tokens=0, training_tokens=1_000_000, epochs=1, training_usd_per_mtok="600",
        retrain_every="10d",
    )  # fmt: skip
    done = found(tmp_path, tuned)
    assert done.once is not None
    assert (done.once.months, done.once.on) == (None, None)
    assert float(done.once.life_months or 0) == pytest.approx(1 / 3, abs=1e-3)
    text = REPORTS.load("markdown").render(outcome(done), Options()).decode()
    assert (
        "paid at the start are never earned back: a month saves $1,254.00 before them. They come again every 0.33"
        in text
    )


def test_committed_spend_pays_once_the_discount_fills_it(tmp_path: Path) -> None:
    """$3.60 an hour at the list; $7.20 committed at 20 % off: 40 % used, 80 % is even, at twice the volume."""
    spend = step("commitment", kind="spend", usd_per_month="5256", discount="0.2")
    done = found(tmp_path, spend, steady())
    assert done.use is not None
    assert float(done.use.now) == pytest.approx(0.4)
    assert float(done.use.break_even or 0) == pytest.approx(0.8)
    assert done.verdict == "above"
    assert float(done.crossings[0].factor) == pytest.approx(2, rel=1e-3)
    text = REPORTS.load("markdown").render(outcome(done), Options()).decode()
    assert "more than all of it" not in text
    # What is committed stays as it is when prices rise; what is short of it does not.
    assert float(done.price_factor or 0) == pytest.approx(2, rel=1e-3)
    prices = next(line for line in done.levers if line.name == "API prices")
    assert float(prices.saving_low_usd) == pytest.approx((0.7 * 3.6 - 7.2) * 720, rel=1e-6)
    assert float(prices.saving_high_usd) == pytest.approx((1.3 * 3.6 - 7.2) * 720, rel=1e-6)
