"""Fleets for a log: what they cost, hybrid against full, latency limits, what is told and what is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.errors import UsageError
from llmcost.results import exhibit_tables
from llmcost.results.chart import HeatMap
from llmcost.workload.fleetparams import hours_of
from tests.strategies.support import STARTED, scenario, step, world

HOUR = 3_600_000_000
LOG: list[dict[str, Any]] = [
    {
        "request_id": f"r{hour}-{n}", "started_at": STARTED + hour * HOUR + n * 9_000_000, "provider_name": "openai",
        "request_model": "big", "service_tier": "standard", "input_tokens": 1000, "output_tokens": 1000, "cache_read_input_tokens": 0,
    }
    for hour, number in enumerate([100, 400, 50])
    for n in range(number)
]  # fmt: skip
"""Three hours; a request keeps an H100 busy for 0.4527 s and costs $0.01 at the API."""


def played(folder: Path, *, log: list[dict[str, Any]] = LOG, **parameters: Any) -> Any:
    given = {"model": "Llama-3.3-70B", "usd_per_gpu_hour": "2", "utilisation": "1", "cold_start": "0s", **parameters}
    with world(folder, log) as here:
        return here.result(scenario(step("self-host", **given))).scenarios[0]


def test_gpu_hours_times_price_is_the_cost(tmp_path: Path) -> None:
    """Two GPUs for three hours at $2; all requests are served: $5.50 of API."""
    done = played(tmp_path)
    assert [(line.sku, line.quantity, line.cost_usd) for line in done.flat_charges] == [("gpu_hour_on_demand", 6, 12)]
    assert done.cost_usd == 12
    assert done.saving_usd == Decimal("5.5") - 12
    assert done.changes_answers


def test_what_is_paid_by_the_month_is_paid_for_three_hours(tmp_path: Path) -> None:
    done = played(tmp_path, staff_usd_per_month="7300", storage_usd_per_month="730", egress_usd_per_month="73")
    costs = {line.sku: round(line.cost_usd, 6) for line in done.flat_charges}
    assert costs == {"gpu_hour_on_demand": 12, "staff": 30, "storage": 3, "egress": Decimal("0.3")}
    assert not any("staff" in warning for warning in done.steps[0].warnings)


def test_cold_starts_reservations_and_spot(tmp_path: Path) -> None:
    cold = played(tmp_path, cold_start="30m")
    assert [line.quantity for line in cold.flat_charges] == [7]  # two GPUs start once, half an hour each
    mixed = played(tmp_path, reserved_gpus=1, reserved_usd_per_gpu_hour="1")
    assert {line.sku: line.cost_usd for line in mixed.flat_charges} == {"gpu_hour_reserved": 3, "gpu_hour_on_demand": 6}
    best = played(tmp_path, reserved_gpus="best", reserved_usd_per_gpu_hour="1")
    assert {line.sku: line.cost_usd for line in best.flat_charges} == {"gpu_hour_reserved": 6}
    spot = played(tmp_path, tier="spot", interruptions_per_hour="0.1", recovery="6m")
    assert [line.cost_usd for line in spot.flat_charges] == [Decimal("12.12")]


def test_reserved_gpus_never_start_and_serve_in_every_hour(tmp_path: Path) -> None:
    """Eight reserved, two needed: no cold start is paid, and the paid ones all count as there."""
    done = played(tmp_path, reserved_gpus=8, reserved_usd_per_gpu_hour="1", cold_start="30m", replicas=1)
    assert {line.sku: line.quantity for line in done.flat_charges} == {"gpu_hour_reserved": 24}
    assert done.steps[0].facts["GPUs"].startswith("8 to 8")


def test_a_reservation_takes_what_a_small_baseline_would_burst(tmp_path: Path) -> None:
    """33 requests of 0.4527 s in five minutes are more than a hundredth of one replica, and less than of eight."""
    alone = played(tmp_path / "a", replicas=1, utilisation="0.01").steps[0].facts
    more = (
        played(tmp_path / "b", replicas=1, utilisation="0.01", reserved_gpus=16, reserved_usd_per_gpu_hour="1")
        .steps[0]
        .facts
    )
    assert alone["requests left to the API"] != "0"
    assert more["requests left to the API"] == "0"


def test_while_spot_gpus_are_away_the_api_or_other_gpus_serve(tmp_path: Path) -> None:
    """Half of the time away: by hand, price x (1 + 1), half the room; or the other half bought on demand."""
    away: dict[str, Any] = {"tier": "spot", "interruptions_per_hour": "1", "recovery": "1h"}
    api = played(tmp_path / "a", **away)
    assert [(line.sku, line.cost_usd) for line in api.flat_charges] == [("gpu_hour_spot", 24)]
    other = played(tmp_path / "b", **away, fallback="on_demand")
    costs = {line.sku: (line.quantity, line.cost_usd) for line in other.flat_charges}
    assert costs["gpu_hour_spot"] == (6, 24)
    assert costs["gpu_hour_on_demand"][0] == 3
    noted = {a.name: a.value for a in api.steps[0].assumptions}
    assert noted["while spot GPUs are away"] == "api"
    assert noted["work redone after an interruption"] == "unknown"


def test_interruptions_throw_half_of_what_is_under_way_away(tmp_path: Path) -> None:
    near = [{**row, "input_tokens": 5000, "output_tokens": 500} for row in LOG]
    done = played(tmp_path, log=near, load="served", tpot_ms=60, tier="spot", interruptions_per_hour="1", recovery="0s")
    noted = {a.name: float(a.value) for a in done.steps[0].assumptions if a.name == "work redone after an interruption"}
    # 25 under way on a GPU, 500 tokens at 407.19 a second and GPU
    assert noted["work redone after an interruption"] == pytest.approx(25 * 500 / 407.19 / 2, rel=1e-3)
    assert done.latency is not None
    assert (done.latency["time to first token"], done.latency["time per output token"]) == ("835 ms", "60 ms")


def test_demand_is_shown_by_weekday_and_hour(tmp_path: Path) -> None:
    """From a day on; a weekday that never came is empty."""
    days = [*LOG, {**LOG[0], "request_id": "later", "started_at": STARTED + 26 * HOUR}]
    with world(tmp_path, days) as here:
        found = here.result(scenario(step("self-host", model="Llama-3.3-70B", usd_per_gpu_hour="2")))
    blocks = list(exhibit_tables.blocks(0, found.scenarios[0]))
    (heat,) = [block for block in blocks if isinstance(block, HeatMap)]
    assert heat.rows[3].values[1] == Decimal("0.0503")  # Thursday 01:00: 400 requests of 0.4527 s
    assert heat.rows[4].values[2] == Decimal("0.0001")
    assert set(heat.rows[0].values) == {None}
    assert not [block for block in exhibit_tables.blocks(0, played(tmp_path / "x")) if isinstance(block, HeatMap)]


ZERO: dict[str, Any] = {"mode": "scale-to-zero", "cold_start": "1m"}
QUIET = [row for row in LOG if not row["request_id"].startswith("r1-")]
"""Work in the first hour and in the third."""


def test_what_finds_nothing_up_goes_to_the_api(tmp_path: Path) -> None:
    """Every nine seconds a request; in the first minute of either hour seven of $0.01 come while GPUs start."""
    done = played(tmp_path, log=QUIET, **ZERO)
    facts = done.steps[0].facts
    assert (facts["times nothing was up"], facts["requests while nothing was up"]) == ("2", "14")
    assert facts["the API takes for them"] == "0.14 USD"
    assert (facts["requests served by the fleet"], facts["requests left to the API"]) == ("136", "14")
    # Two GPUs for two hours, each started twice for a minute, at $2; and fourteen calls of $0.01.
    assert done.cost_usd == pytest.approx(2 * (4 + Decimal(4) / 60) + Decimal("0.14"), abs=Decimal("1e-8"))
    noted = {a.name: (a.value, a.source) for a in done.steps[0].assumptions}
    assert noted["requests while GPUs start and none is up"] == ("go to the API", "default")


def test_or_it_waits_and_the_wait_is_told(tmp_path: Path) -> None:
    """They come 27 s after the first on average and wait for the rest of the minute, and 0.8 s behind each other."""
    done = played(tmp_path, log=QUIET, while_starting="wait", **ZERO)
    facts = done.steps[0].facts
    assert facts["wait for GPUs that start"] == "34 s on average, 60 s at most"
    assert facts["requests left to the API"] == "0"
    assert "the API takes for them" not in facts
    assert done.cost_usd == pytest.approx(2 * (4 + Decimal(4) / 60), abs=Decimal("1e-8"))


def test_a_fleet_that_is_up_has_no_cold_arrivals(tmp_path: Path) -> None:
    """Ordered ahead, always on, reserved or a fixed baseline: nothing is said of starts, and all is served."""
    shapes: tuple[dict[str, Any], ...] = (
        {"lead_hours": 1}, {"mode": "always-on"}, {"replicas": 1}, {**ZERO, "replicas": 1},
        {**ZERO, "reserved_gpus": 2, "reserved_usd_per_gpu_hour": "1"},
    )  # fmt: skip
    for place, given in enumerate(shapes):
        facts = played(tmp_path / str(place), log=QUIET, **{"cold_start": "1m", **given}).steps[0].facts
        assert "times nothing was up" not in facts
        assert facts["requests left to the API"] == "0"


def test_egress_by_gb_is_that_of_the_answers_the_fleet_gives(tmp_path: Path) -> None:
    """550 answers of 1,000 tokens and 4 bytes are 0.0022 GB; of 3 bytes and with seven left to the API a little less."""
    done = played(tmp_path / "a", egress_usd_per_gb="0.09")
    costs = {line.sku: (line.quantity, line.cost_usd) for line in done.flat_charges}
    assert costs["egress"] == (Decimal("0.0022"), Decimal("0.000198"))
    assert not any("egress" in warning for warning in done.steps[0].warnings)
    assert ("bytes of an answer's token", "4") in {(a.name, a.value) for a in done.steps[0].assumptions}
    less = played(
        tmp_path / "b", log=QUIET, egress_usd_per_gb="100", bytes_per_output_token="3", **ZERO
    )  # fmt: skip
    assert {line.sku: line.quantity for line in less.flat_charges}["egress"] == Decimal("0.000408")
    with pytest.raises(UsageError, match="egress is given by the month and by GB"):
        played(tmp_path / "c", egress_usd_per_gb="1", egress_usd_per_month="1")


def test_one_request_alone_finds_nothing_up(tmp_path: Path) -> None:
    alone = played(tmp_path / "a", log=LOG[:1], **ZERO)
    assert alone.steps[0].facts["requests left to the API"] == "1"
    waits = played(tmp_path / "b", log=LOG[:1], while_starting="wait", **ZERO)
    assert waits.steps[0].facts["requests left to the API"] == "0"
    # The fleet is off again before it is up: nobody is served, whatever they wait for.
    late = played(tmp_path / "c", log=LOG[:1], **ZERO | {"cold_start": "2h", "while_starting": "wait"})
    assert late.steps[0].facts["requests left to the API"] == "1"


def test_two_replicas_at_least_are_paid_in_the_quiet_hour_too(tmp_path: Path) -> None:
    """Two replicas of two GPUs, three hours, the middle one empty."""
    done = played(tmp_path, log=QUIET, min_replicas=2)
    assert [line.quantity for line in done.flat_charges] == [12]


def test_the_catalogue_gives_price_and_source(tmp_path: Path) -> None:
    done = played(tmp_path, usd_per_gpu_hour=None, provider="lambda")
    assert done.flat_charges[0].cost_usd == 6 * Decimal("3.99")
    noted = {a.name: a for a in done.steps[0].assumptions}
    assert noted["GPU-hour"].value == "3.99"
    assert "lambda" in noted["GPU-hour"].source


def test_growth_before_it_grows_the_demand(tmp_path: Path) -> None:
    """Twenty times the traffic: the middle hour needs two GPUs at once, three at twice that; the API's part of it stays exact."""
    own = {
        "model": "Llama-3.3-70B",
        "usd_per_gpu_hour": "2",
        "utilisation": "1",
        "mode": "always-on",
        "cold_start": "0s",
    }
    with world(tmp_path, LOG) as here:
        for factor, gpus in ((2, 2), (20, 2), (50, 4)):
            grown = step("reprice", growth=factor)
            done = here.result(scenario(grown, step("self-host", **own))).scenarios[0]
            assert done.flat_charges[0].quantity == 3 * gpus
            assert done.steps[1].facts["requests served by the fleet"] == str(550 * factor)
            assert done.steps[1].saving_usd == Decimal("5.5") * factor - 6 * gpus


def test_scale_to_zero_pays_only_busy_hours(tmp_path: Path) -> None:
    gap = [row for row in LOG if not STARTED + HOUR <= row["started_at"] < STARTED + 2 * HOUR]
    assert played(tmp_path / "a", log=gap, mode="scale-to-zero").flat_charges[0].quantity == 4
    assert played(tmp_path / "b", log=gap, mode="always-on").flat_charges[0].quantity == 6


def test_demand_and_fleet_are_shown_by_hour(tmp_path: Path) -> None:
    (exhibit,) = played(tmp_path).steps[0].exhibits
    assert [f"{at:%H}" for at in exhibit.at] == ["00", "01", "02"]
    assert exhibit.lines["GPUs"] == [2, 2, 2]
    busy = [float(value) for value in exhibit.lines["demand, mean of the hour"]]
    assert busy == pytest.approx([100 * 0.4527 / 3600, 400 * 0.4527 / 3600, 50 * 0.4527 / 3600], abs=2e-4)
    assert sum(exhibit.lines["left to the API"]) == 0


def test_far_requests_are_told_with_their_distance(tmp_path: Path) -> None:
    far = [{**row, "input_tokens": 90_000} for row in LOG]
    (warning, *_) = played(tmp_path, log=far).steps[0].warnings
    assert warning.startswith("100.0% of the work lies outside the measurements (2 points, at most 1")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "Llama-3.3-70"}, "did you mean 'Llama-3"),
        ({"gpu": "H1000"}, "no GPU is called 'H1000'"),
        ({"ttft_ms": 1}, "no measured load stays within the latency limits"),
        ({"gpu": "H200", "tpot_ms": 20}, "no latency is known"),
        (
            {"usd_per_gpu_hour": None, "provider": "lambda", "region": "mars", "tier": "reserved"},
            "no price of a H100-SXM",
        ),
        ({"reserved_gpus": 2}, "^self-host: reserved_gpus needs reserved_usd_per_gpu_hour"),
        ({"reserved_gpus": -2, "reserved_usd_per_gpu_hour": "1"}, "reserved_gpus: -2 is less than none"),
        ({"replicas": -1}, "replicas: -1 is less than none"),
        ({"active": "always", "mode": "active-window"}, "hours are written like"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        played(tmp_path, **given)


def test_a_latency_limit_chooses_how_many_requests_a_gpu_holds(tmp_path: Path) -> None:
    near = [{**row, "input_tokens": 5000, "output_tokens": 500} for row in LOG]
    loose, tight = (played(tmp_path / str(limit), log=near, tpot_ms=limit).steps[0].facts for limit in (100, 25))
    assert loose["requests at once per GPU"] == "125.0"
    assert tight["requests at once per GPU"] == "2.5"
    assert float(tight["use of the GPUs"].removesuffix("%")) > float(loose["use of the GPUs"].removesuffix("%"))


def test_hours_of_the_week() -> None:
    assert hours_of("mon 8-10, sun 23-24") == {8, 9, 6 * 24 + 23}
    assert hours_of("fri-mon 0-1") == {96, 120, 144, 0}
    with pytest.raises(ValueError, match="hours are written like"):
        hours_of("mon 10-8")
