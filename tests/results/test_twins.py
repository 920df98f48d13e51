"""One call that two sources tell of is charged once; alike calls of one source, or of two services, are not one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.results.model import Overlap
from llmcost.results.options import ReplayOptions

SECOND = 1_000_000
START = 1_792_800_000_000_000
PRICE = Decimal("0.00015")
"""1,000 input tokens of gpt-4o-mini; answers of 0 tokens cost nothing."""
CALL: dict[str, Any] = {
    "provider_name": "openai",
    "request_model": "gpt-4o-mini",
    "input_tokens": 1000,
    "output_tokens": 0,
}
GATEWAY: dict[str, Any] = {**CALL, "provider_name": "openrouter", "request_model": "openai/gpt-4o-mini"}


def call(at: float, number: int | None = None, of: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    ids = {} if number is None else {"request_id": f"chatcmpl-{number}"}
    return {**(of or CALL), **ids, "started_at": START + int(at * SECOND), **changes}


@cache
def prices() -> llmcost.Catalogue:
    return llmcost.load_prices()


@contextmanager
def stored(folder: Path, **sources: Sequence[dict[str, Any]]) -> Iterator[llmcost.Store]:
    """A store with rows of several sources."""
    with llmcost.Store(folder / "s.duckdb") as store:
        for name, rows in sources.items():
            log = folder / f"{name}.jsonl"
            log.write_text("\n".join(json.dumps(row) for row in rows))
            llmcost.ingest_files(store, log)
            store.execute("UPDATE usage_rows SET source = ? WHERE source = 'usage-rows'", [name])
        yield store


def simulated(folder: Path, primary: str = "requests", **sources: Sequence[dict[str, Any]]) -> llmcost.Result:
    with stored(folder, **sources) as store:
        options = ReplayOptions(now=START, primary=primary)
        return llmcost.simulate(store=store, scenarios=[], options=options, prices=prices())


def told(result: llmcost.Result) -> list[tuple[str, str, str, int, bool]]:
    return [(o.rule, o.source, o.charged, o.rows, o.left_out) for o in result.coverage.overlaps]


@pytest.mark.parametrize(
    ("app", "gateway", "rule"),
    [
        (call(0, 1), call(900, 1, GATEWAY), "response id"),
        (call(0, request_id="a" * 20), call(9, of=GATEWAY, request_id="a" * 20), "response id"),
        (call(0), call(2, of=GATEWAY), "owner and time"),
        (call(0, 1), call(4.9, of=CALL), "owner and time"),
        (call(0, project="p"), call(1, of=GATEWAY, user_id="u"), "owner and time"),
        (call(0, request_model="gpt-4o-mini-2024-07-18"), call(1), "owner and time"),
        (call(0, 1), call(1, of=GATEWAY, request_id="gen-1"), "owner and time"),
    ],
    ids=["upstream's id", "a long id", "gateway", "one id", "unknown owners", "snapshot", "ids of two kinds"],
)
def test_one_call_is_one_spend(tmp_path: Path, app: dict[str, Any], gateway: dict[str, Any], rule: str) -> None:
    result = simulated(tmp_path, app=[app], gateway=[gateway])
    assert [(o[0], o[3], o[4]) for o in told(result)] == [(rule, 1, True)]
    assert result.baseline.requests == 1
    assert result.coverage.overlaps[0].cost_usd == PRICE
    assert [f"by {rule}: they are left out of every total" in warning for warning in result.warnings] == [True]


@pytest.mark.parametrize(
    ("app", "other"),
    [
        (call(0, request_id="1"), call(900, of=GATEWAY, request_id="1")),
        (call(0), call(5.1)),
        (call(0), call(1, input_tokens=1001)),
        (call(0), call(1, output_tokens=1)),
        (call(0), call(1, request_model="gpt-4o")),
        (call(0), call(1, provider_name="azure")),
        (call(0, project="p"), call(1, project="q")),
        (call(0, user_id="p"), call(1, user_id="q")),
        (call(0, 1), call(0, 2)),
        (call(0), call(1, started_at=None)),
        (call(0, cache_read_input_tokens=0), call(1, cache_read_input_tokens=500)),
        (call(0), call(1, requests=0)),
    ],
    ids=[
        *("short ids", "too late", "input", "output", "model", "provider", "project", "user", "two ids of one kind"),
        *("no time", "cached", "a gateway's own answer"),
    ],
)
def test_two_calls_are_two(tmp_path: Path, app: dict[str, Any], other: dict[str, Any]) -> None:
    result = simulated(tmp_path, app=[app], other=[other])
    assert told(result) == []
    assert result.baseline.rows == 2


def test_one_source_never_doubles_itself(tmp_path: Path) -> None:
    result = simulated(tmp_path, app=[call(0), call(0.1), call(0.2, line=3)])
    assert told(result) == []


def test_each_row_is_matched_once_and_the_nearest_first(tmp_path: Path) -> None:
    app = [call(0), call(1), call(2)]
    result = simulated(tmp_path, app=app, gateway=[call(0.4, of=GATEWAY), call(1.1, of=GATEWAY)])
    assert told(result) == [("owner and time", "gateway", "app", 2, True)]
    assert result.baseline.requests == 3


def test_a_burst_of_equal_calls(tmp_path: Path) -> None:
    dice = random.Random(7)
    times = sorted(dice.uniform(0, 60) for _ in range(300))
    app = [call(at) for at in times]
    gateway = [call(at + dice.uniform(-0.2, 0.2), of=GATEWAY) for at in times]
    result = simulated(tmp_path, app=app, gateway=gateway)
    assert told(result) == [("owner and time", "gateway", "app", 300, True)]
    assert result.baseline.requests == 300


def test_alike_calls_of_two_services_are_charged_and_told(tmp_path: Path) -> None:
    """Two services with the same short prompt: now and then two calls look like one."""
    app = [call(10 * n, input_tokens=1000 + n) for n in range(10)]
    other = [call(10 * n + 3, input_tokens=1000 + n * (n < 2) + 500 * (n >= 2)) for n in range(10)]
    result = simulated(tmp_path, app=app, other=other)
    assert [(o[0], o[3], o[4]) for o in told(result)] == [("alike, charged", 2, False)]
    assert result.baseline.requests == 20
    assert any("too few to be sure: they are charged" in warning for warning in result.warnings)


def test_a_log_that_begins_later_is_judged_by_the_time_both_cover(tmp_path: Path) -> None:
    app = [call(100 * n, input_tokens=1000 + n) for n in range(50)]
    gateway = [call(100 * n + 1, of=GATEWAY, input_tokens=1000 + n) for n in range(45, 50)]
    result = simulated(tmp_path, app=app, gateway=gateway)
    assert [(o[3], o[4]) for o in told(result)] == [(5, True)]
    assert result.baseline.requests == 50


def test_which_of_two_is_charged(tmp_path: Path) -> None:
    app, gateway = call(0, 1, service_tier="standard"), call(1, 1, GATEWAY)
    assert told(simulated(tmp_path, app=[app], gateway=[gateway]))[0][1:3] == ("gateway", "app"), "first by name"
    more = {**gateway, "reasoning_output_tokens": 0}
    assert told(simulated(_new(tmp_path), app=[app], gateway=[more]))[0][1:3] == ("app", "gateway"), "knows more"
    charged = {**gateway, "billed_cost": "0.01"}
    assert told(simulated(_new(tmp_path), app=[app], gateway=[charged]))[0][1:3] == ("app", "gateway"), "was charged"
    assert told(simulated(_new(tmp_path), "app", app=[app], gateway=[charged]))[0][1:3] == ("gateway", "app"), "chosen"


def _new(tmp_path: Path) -> Path:
    folder = tmp_path / f"n{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    return folder


def test_three_sources_of_one_call_leave_one(tmp_path: Path) -> None:
    result = simulated(tmp_path, app=[call(0, 1)], gateway=[call(1, 1, GATEWAY)], trace=[call(0.5)])
    assert result.baseline.requests == 1
    assert {o[0] for o in told(result)} == {"response id", "owner and time"}
    assert all(o[2] == "app" for o in told(result))


def test_requests_buckets_and_bill_lines_are_one_spend(tmp_path: Path) -> None:
    bucket = {**CALL, "started_at": START // 86_400_000_000 * 86_400_000_000, "requests": 1}
    bucket["ended_at"] = bucket["started_at"] + 86_400_000_000
    result = simulated(tmp_path, app=[call(0, 1)], gateway=[call(1, 1, GATEWAY)], export=[bucket])
    assert result.baseline.cost_usd == PRICE
    assert {(o.rule, o.rows) for o in result.coverage.overlaps} == {("response id", 1), ("owner and span", 1)}
    chosen = simulated(_new(tmp_path), "export", app=[call(0, 1)], gateway=[call(1, 1, GATEWAY)], export=[bucket])
    assert (chosen.baseline.rows, chosen.baseline.cost_usd) == (1, PRICE)
    assert {o.charged for o in chosen.coverage.overlaps} == {"buckets", "app"}


def test_reconciliation_compares_each_call_once(tmp_path: Path) -> None:
    charged = {"billed_cost": str(PRICE)}
    with stored(tmp_path, app=[call(0, 1)], gateway=[call(1, 1, GATEWAY, **charged)]) as store:
        found = llmcost.reconcile(store=store, prices=prices())
    assert found.parts[0].total.requests == 1
    assert [(x.what, x.lines, x.twice) for x in found.left_out] == [
        ("usage that gateway tells of too (by response id)", 1, True)
    ]


def test_every_format_shows_the_rule_and_the_amount(tmp_path: Path) -> None:
    result = simulated(tmp_path, app=[call(0, 1)], gateway=[call(900, 1, GATEWAY)])
    for format_ in ("terminal", "markdown", "html", "csv"):
        page = llmcost.render(result, format_).decode()
        assert "response id" in page
        assert "0.000150" in page or "0.00015" in page
    assert isinstance(result.coverage.overlaps[0], Overlap)


@pytest.mark.parametrize(("other", "calls"), [("gpt-4o-2024-08-06", 4), ("gpt-4o-2024-05-13", 8)])
def test_a_model_and_a_snapshot_of_it_are_one_call(tmp_path: Path, other: str, calls: int) -> None:
    asked = "gpt-4o" if calls == 4 else "gpt-4o-2024-08-06"
    provider = [call(n * 60, n, request_model=other, input_tokens=1000 + n) for n in range(4)]
    gateway = [call(n * 60 + 1, request_model=asked, input_tokens=1000 + n, request_id=f"gw-{n}") for n in range(4)]
    assert simulated(tmp_path, provider=provider, gateway=gateway).baseline.requests == calls
