"""Every position of a what-if is what a replay of its scenario gives: exactly where weights are exact, else as near as told."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path

import pytest

import llmcost
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.what_if_model import WhatIf
from tests.support import SAMPLES
from tests.whatif.support import NOW, OCTOBER, Positions, buckets, cost_at, savings, scenario_at, with_what_if


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A log of buckets, and its result."""
    file = tmp_path_factory.mktemp("days") / "log.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in buckets()))
    return file, with_what_if(file)


@pytest.fixture(scope="module")
def requests() -> tuple[Path, WhatIf]:
    """A log of requests with conversations, and its what-if."""
    file = SAMPLES / "two_months" / "2026-10.jsonl.gz"
    found = with_what_if(file).what_if
    assert found is not None
    return file, found


def test_at_rest_it_is_what_the_log_cost(days: tuple[Path, Result]) -> None:
    result = days[1]
    assert result.what_if is not None
    assert cost_at(result.what_if, {}) == result.baseline.cost_usd == result.what_if.cost_usd
    assert result.what_if.fixed_usd == 0
    assert [lever.key for lever in result.what_if.levers] == ["traffic", "route", "cache", "batch", "discount"]
    assert all(lever.spread_usd is None for lever in result.what_if.levers), "buckets are split, not drawn"
    assert sum(group.requests for group in result.what_if.groups) == result.coverage.priced_requests


def test_weights_are_exact(days: tuple[Path, Result], tmp_path: Path) -> None:
    file, what_if = days[0], days[1].what_if
    assert what_if is not None
    chance = random.Random(7)
    shares = (None, Decimal(0), Decimal("0.35"), Decimal("0.81"), Decimal(1))
    every: list[Positions] = [
        {
            **{key: chance.choice(shares) for key in ("route", "cache", "batch")},
            "traffic": chance.choice((None, Decimal("1.25"))),
            "discount": chance.choice((None, Decimal("0.07"))),
        }
        for _ in range(10)
    ]
    every.append(
        {
            "route": Decimal("0.5"),
            "cache": Decimal("0.9"),
            "batch": Decimal("0.3"),
            "traffic": Decimal(3),
            "discount": Decimal("0.1"),
        }
    )
    found = savings(file, [scenario_at(what_if, at) for at in every], tmp_path)
    assert [what_if.cost_usd - cost_at(what_if, at) for at in every] == found
    assert len(set(found)) > 8


def test_a_log_of_requests(requests: tuple[Path, WhatIf], tmp_path: Path) -> None:
    """All or none, hits, traffic and the discount are exact; what a replay draws stays within three spreads of a draw."""
    file, what_if = requests
    chance = random.Random(5)
    drawn: list[Positions] = [
        {lever.key: Decimal(chance.randrange(lever.least, lever.most, lever.step)) / 100 for lever in what_if.levers}
        for _ in range(3)
    ]
    exact: list[Positions] = [
        {**at, "route": Decimal(place % 2), "batch": Decimal(place < 2)} for place, at in enumerate(drawn)
    ]
    found = savings(file, [scenario_at(what_if, at) for at in (*drawn, *exact)], tmp_path)
    gaps = [what_if.cost_usd - cost_at(what_if, at) - saved for at, saved in zip((*drawn, *exact), found, strict=True)]
    assert gaps[len(drawn) :] == [0] * len(exact)
    for at, gap in zip(drawn, gaps, strict=False):
        spreads = [
            float(lever.spread_usd) * float(_share(at, lever.key) * (1 - _share(at, lever.key))) ** 0.5
            for lever in what_if.levers
            if lever.spread_usd is not None
        ]
        assert len(spreads) == 2
        told = float(_share(at, "traffic") * (1 - _share(at, "discount"))) * sum(part**2 for part in spreads) ** 0.5
        assert 0 < abs(float(gap)) < 3 * told, at


def _share(at: Positions, key: str) -> Decimal:
    return at[key] or Decimal(0)


def test_levers_without_meaning_are_absent(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(json.dumps({**buckets()[2], "request_model": "text-embedding-3-small", "output_tokens": 0}))
    found = with_what_if(file).what_if
    assert found is not None
    assert [lever.key for lever in found.levers] == ["traffic", "batch", "discount"]
    assert found.fleet is None
    file.write_text(json.dumps(buckets()[3]))
    assert with_what_if(file).what_if is None, "nothing has a price"


def test_own_gpus_are_replayed_at_every_stop(tmp_path: Path) -> None:
    """Each stop, and one with a discount on what is left to providers, is what a replay of its scenario saves."""
    file = tmp_path / "log.jsonl"
    asked = {"provider_name": "openai", "request_model": "gpt-5.4", "input_tokens": 60_000, "output_tokens": 2_000}
    rows = [{**asked, "request_id": f"r{n}", "started_at": OCTOBER + n * 2_000_000} for n in range(1500)]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    own = tmp_path / "own.toml"
    own.write_text(
        '[[scenario]]\nname = "own"\n[[scenario.step]]\nstrategy = "self-host"\nmodel = "Llama-3.3-70B"\nutilisation = 0.65\n'
        "usd_per_gpu_hour = 2.5\nwhen = \"request_model = 'gpt-5.4'\"\nshare = 0.9\n"
    )
    options = ReplayOptions(now=NOW, what_if=True, extrapolate=True)
    found = llmcost.simulate(file, scenarios=llmcost.scenarios_of([own], []), options=options).what_if
    assert found is not None
    fleet = found.fleet
    assert fleet is not None
    assert fleet.start == Decimal("0.65")
    assert fleet.start in [stop.utilisation for stop in fleet.stops]
    assert len({stop.fleet_usd for stop in fleet.stops}) > 1, "utilisation sizes the fleet"
    head, _, tail = fleet.toml.rpartition("{value}")
    chosen = [fleet.stops[0], fleet.stops[-1]]
    texts = [f"{head}{stop.utilisation}{tail}" for stop in chosen]
    texts[1] += '\n\n[[scenario.step]]\nstrategy = "reprice"\ndiscount = 0.2\n'
    results = []
    for text in texts:
        own.write_text(text)
        results.append(
            llmcost.simulate(file, scenarios=llmcost.scenarios_of([own], []), options=ReplayOptions(now=NOW))
        )
    for stop, result, left in zip(chosen, results, (Decimal(1), Decimal("0.8")), strict=True):
        then = stop.calls_usd * left + stop.fleet_usd + stop.fixed_usd
        assert found.cost_usd - then == result.scenarios[0].saving_usd


def test_a_turn_that_outgrew_the_target_is_cold_in_the_draw_that_routes_its_conversation(tmp_path: Path) -> None:
    """A share draws whole conversations: of one conversation a replay routes all or none, and the page's ends are those."""
    file = tmp_path / "log.jsonl"
    asked = {
        "provider_name": "anthropic", "request_model": "claude-sonnet-4-6", "conversation_id": "c", "output_tokens": 500,
        "cache_creation_input_tokens": 0,
    }  # fmt: skip
    turns = ((20_000, 0), (40_000, 20_000), (700_000, 40_000), (700_500, 700_000))
    rows = [
        {**asked, "request_id": f"r{n}", "started_at": OCTOBER + n * 60_000_000, "input_tokens": all_, "cache_read_input_tokens": read}
        for n, (all_, read) in enumerate(turns)
    ]  # fmt: skip
    file.write_text("\n".join(json.dumps(row) for row in rows))
    what_if = with_what_if(file).what_if
    assert what_if is not None
    none, every = (what_if.cost_usd - cost_at(what_if, {"route": share}) for share in (Decimal(0), Decimal(1)))
    shares = (Decimal(1), Decimal("0.25"), Decimal("0.5"), Decimal("0.75"))
    found = savings(file, [scenario_at(what_if, {"route": share}) for share in shares], tmp_path)
    assert found[0] == every != none == 0
    assert set(found[1:]) <= {every, none}
    routed = [
        line for group in what_if.groups for line in group.lines if line.places[0] == "1" and "1" not in line.places[1:]
    ]
    written = sum(line.quantity for line in routed if line.charged_for.startswith("cache_write"))
    assert written == 40_000, "the third turn stayed, and its model never saw the second"
