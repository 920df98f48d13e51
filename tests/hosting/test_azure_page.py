"""Azure's code trace, from the file to the page: demand, fleet, hybrid and break-even against sums made here with Polars alone.

The real trace where it lies; an invented one in its shape always. Nothing of the model is used here: prefill and decode of the
two measured lengths are solved by hand, windows and fleets are counted anew.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pytest

from llmcost.cli.main import invoke
from tests.support import shared_data

MAPPING: Final = """
[mapping]
name = "azure trace"
form = "csv"
[columns]
started_at = "TIMESTAMP"
provider_name = { value = "openai" }
request_model = { value = "gpt-4o" }
service_tier = { value = "standard" }
cache_read_input_tokens = { value = "0" }
input_tokens = "ContextTokens"
output_tokens = "GeneratedTokens"
"""
# gpt-4o on 2026-11-20, USD per million tokens; an H100 as given.
INPUT, OUTPUT, GPU_HOUR, UTILISATION = 2.5, 10.0, 2.0, 0.2
# TensorRT-LLM, Llama-3.3-70B FP8 on two H100: output tokens a second and GPU at 1,000/1,000 and 8,192/1,024.
RATES: Final = ((1000, 1000, 2209.0), (8192, 1024, 398.0))
ATTENTION: Final = 4e-5
MONTH_HOURS: Final = 30.4375 * 24


def invented(folder: Path) -> Path:
    """Five hours, the fourth empty: calls in heaps, long prompts and short answers, seven digits of a second."""
    draw, start = np.random.default_rng(11), datetime(2026, 3, 2, 9, 17, 3)  # noqa: DTZ001 the trace says no zone
    lines = ["TIMESTAMP,ContextTokens,GeneratedTokens"]
    for hour, number in enumerate([400, 1500, 900, 0, 700]):
        heaps = np.sort(draw.uniform(0, 3000, 40))
        seconds = np.sort(draw.choice(heaps, number) + draw.exponential(15, number))
        sizes = zip(draw.gamma(1.6, 1300, number), draw.gamma(1.2, 24, number), strict=True)
        for second, (into, out) in zip(seconds, sizes, strict=True):
            at = start + timedelta(hours=hour, seconds=float(min(second, 3599 - 17 * 60)))
            lines.append(f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond:06d}0,{max(3, round(into))},{max(1, round(out))}")
    path = folder / "trace.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module", params=["invented", "real"])
def trace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "real":
        return shared_data("traces", "azure_llm_2023_code", "AzureLLMInferenceTrace_code.csv.gz")
    return invented(tmp_path_factory.mktemp("trace"))


def total(rows: pl.DataFrame, name: str) -> float:
    return float(rows[name].to_numpy().sum())


@dataclass(frozen=True)
class Own:
    """The trace as this test counts it: requests with GPU-seconds and API price, and windows of five minutes."""

    calls: pl.DataFrame
    work: np.ndarray[Any, np.dtype[np.float64]]

    @property
    def hours(self) -> int:
        return len(self.work) // 12

    def fleet(self, factor: float = 1) -> list[int]:
        """GPUs by hour: the busiest window at the target use in pairs, the next hour's ordered ahead."""
        peaks = self.work.reshape(-1, 12).max(axis=1) * factor / 300
        need = [max(1, math.ceil(peak / UTILISATION / 2 - 1e-9)) * 2 for peak in peaks]
        return [max(pair) for pair in zip(need, [*need[1:], 0], strict=True)]

    def paid(self, factor: float = 1) -> float:
        """USD of the fleet; every GPU that starts pays two minutes more."""
        gpus = self.fleet(factor)
        started = sum(max(0, after - before) for before, after in zip([0, *gpus], gpus, strict=False))
        return (sum(gpus) + started * 120 / 3600) * GPU_HOUR

    def baseline(self, replicas: int) -> float:
        """USD of a fixed baseline: its GPUs, and the calls it has no room for, in order of arrival."""
        room = replicas * 2 * 300 * UTILISATION
        left = self.calls.with_columns(sum=pl.col("seconds").cum_sum().over("window"))
        return replicas * 2 * self.hours * GPU_HOUR + total(left.filter(pl.col("sum") > room), "usd")


def counted(path: Path) -> Own:
    rows = np.array([[i + ATTENTION * i * i / 2, o] for i, o, _ in RATES])
    prefill, decode = np.linalg.solve(rows, np.array([o / rate for _, o, rate in RATES]))
    into, out = pl.col("ContextTokens"), pl.col("GeneratedTokens")
    calls = pl.read_csv(path).with_columns(
        at=pl.col("TIMESTAMP").str.slice(0, 26).str.to_datetime("%Y-%m-%d %H:%M:%S%.f")
    )
    begin = min(calls["at"].to_list()).replace(minute=0, second=0, microsecond=0)
    calls = calls.sort("at", maintain_order=True).with_columns(
        window=(pl.col("at") - begin).dt.total_seconds() // 300,
        seconds=prefill * (into + ATTENTION * into * into / 2) + decode * out,
        usd=(into * INPUT + out * OUTPUT) / 1e6,
    )
    hours = max(calls["window"].to_list()) // 12 + 1
    work = np.zeros(hours * 12)
    for window, seconds in calls.group_by("window").agg(pl.col("seconds").sum()).iter_rows():
        work[window] = seconds
    return Own(calls, work)


@pytest.fixture(scope="module")
def page(trace: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Own, Any, str]:
    """(counted here, the JSON, the HTML) of one command."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "azure.toml").write_text(MAPPING)
    given = {
        "model": "Llama-3.3-70B",
        "gpu": "H100",
        "load": "offline",
        "usd_per_gpu_hour": GPU_HOUR,
        "utilisation": UTILISATION,
    }
    command = [
        "breakeven",
        "self-host",
        str(trace),
        "--mapping",
        str(folder / "azure.toml"),
        "--prices-on",
        "2026-11-20",
        "--quiet",
    ]
    command += [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
    assert invoke([*command, "--format", "json", "--format", "html", "--out", str(folder / "out")]) == 0
    found = json.loads((folder / "out" / "break-even.json").read_text())
    return counted(trace), found, (folder / "out" / "break-even.html").read_text()


def money(text: str) -> float:
    return float(Decimal(text))


def test_a_month_at_the_api_and_on_the_fleet(page: tuple[Own, Any, str]) -> None:
    own, found, _ = page
    month = MONTH_HOURS / own.hours
    api = total(own.calls, "usd")
    assert found["requests"] == own.calls.height
    assert money(found["baseline_usd"]) == pytest.approx(api * month, rel=1e-9)
    assert money(found["option_usd"]) == pytest.approx(own.paid() * month, rel=1e-9)
    assert money(found["saving_usd"]) == pytest.approx((api - own.paid()) * month, rel=1e-8)


def test_demand_and_fleet_by_hour(page: tuple[Own, Any, str]) -> None:
    own, found, _ = page
    lines = {name: [float(value) for value in values] for name, values in found["exhibits"][0]["lines"].items()}
    by_hour = own.work.reshape(-1, 12)
    assert lines["GPUs"] == own.fleet()
    assert lines["demand, mean of the hour"] == pytest.approx(by_hour.sum(axis=1) / 3600, abs=1e-4)
    assert lines["demand, busiest minutes"] == pytest.approx(by_hour.max(axis=1) / 300, abs=1e-4)


def test_the_hybrid_sweep_and_its_best_size(page: tuple[Own, Any, str]) -> None:
    own, found, _ = page
    month = MONTH_HOURS / own.hours
    sizes = {int(Decimal(size["size"])): size for size in found["sizes"]}
    assert len(sizes) > 2
    for replicas, size in sizes.items():
        assert money(size["option_usd"]) == pytest.approx(own.baseline(replicas) * month, rel=2e-3)
    best = min(sizes, key=own.baseline)
    assert [replicas for replicas, size in sizes.items() if size["best"]] == [best]
    median = math.ceil(float(np.median(own.work.reshape(-1, 12).sum(axis=1))) / 3600 / UTILISATION / 2 - 1e-9)
    assert [replicas for replicas, size in sizes.items() if size["usual"]] == [median]


def test_break_even_use_and_volume(page: tuple[Own, Any, str]) -> None:
    own, found, _ = page
    api, seconds = total(own.calls, "usd"), float(own.work.sum())
    gpus = own.fleet()
    served = float(np.minimum(own.work, np.repeat(gpus, 12) * 300 * UTILISATION).sum())
    use = served / (sum(gpus) * 3600)
    assert float(found["use"]["now"]) == pytest.approx(use, abs=1e-6)
    assert float(found["use"]["break_even"]) == pytest.approx(use * own.paid() / api, rel=1e-4)
    tokens = total(own.calls, "ContextTokens") + total(own.calls, "GeneratedTokens")
    assert float(found["use"]["full_use_usd_per_mtok"]) == pytest.approx(
        seconds / 3600 * GPU_HOUR / tokens * 1e6, rel=1e-4
    )
    for point in found["curve"]:
        factor = float(point["factor"])
        assert money(point["option_usd"]) == pytest.approx(own.paid(factor) * MONTH_HOURS / own.hours, rel=2e-3)
    for crossing in found["crossings"]:
        # Volumes either side were replayed; here a fleet of whole pairs is counted a little below and above.
        low, high = (own.paid(f) - api * f for f in (float(crossing["factor"]) * by for by in (0.8, 1.25)))
        assert (low > 0 > high) == (crossing["pays"] == "above")
    assert found["verdict"] in {"above", "never", "mixed"}


def test_the_page_says_the_same(page: tuple[Own, Any, str]) -> None:
    own, found, html = page
    for name in ("baseline_usd", "option_usd"):
        assert f"${money(found[name]):,.2f}" in html
    assert f"{own.calls.height:,} requests" in html
    assert "Demand and fleet by hour" in html
    for heading in ("Cost over volume", "How much of it: replicas", "What decides it", "Use and price"):
        assert heading in html
