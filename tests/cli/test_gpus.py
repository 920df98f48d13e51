"""``llmcost gpus``: prices, measurements, checks, imports that a fleet then uses."""

from __future__ import annotations

import json
import tomllib

from tests.cli.support import Program, row, write_rows
from tests.hosting.test_benchfiles import VLLM


def test_prices_of_a_day_by_tier_and_cloud(llmcost: Program) -> None:
    rows = llmcost(
        "gpus", "list", "h100", "--tier", "on_demand", "--provider", "lambda", "--at", "2026-11-24", "-f", "json"
    ).json
    assert rows[0]["usd_per_gpu_hour"] == "3.99"
    prices = [float(each["usd_per_gpu_hour"]) for each in rows]
    assert prices == sorted(prices)
    assert "no price is known" in llmcost("gpus", "list", "h100", "--at", "2020-01-01", code=2).err
    assert "spot" in llmcost("gpus", "list").out


def test_a_gpu_or_a_model_in_full(llmcost: Program) -> None:
    model = llmcost("gpus", "show", "llama-3.3-70b", "-f", "json").json
    served = next(series for series in model["series"] if series["load"] == "served")
    assert served["measured"] == {"input": [500, 5000], "output": [500, 2000], "concurrency": [1, 250]}
    shown = llmcost("gpus", "show", "H200").out
    assert "aws" in shown
    assert "tok/s/GPU" in shown
    assert "neither a GPU nor a measured model" in llmcost("gpus", "show", "Llama-3.3-7", code=2).err


def test_left_out_errors_of_every_series(llmcost: Program) -> None:
    rows = llmcost("gpus", "check", "-f", "json").json
    served = next(each for each in rows if "NIM" in each["series"])
    assert served["inside"]["points"] + served["outside"]["points"] == 9
    assert 0 < served["inside"]["median"] < 0.05
    ran = llmcost("gpus", "check")
    assert ran.out.splitlines()[-1].startswith("all")
    assert "inside stay within 15%" in ran.err


def test_an_imported_benchmark_serves_a_log(llmcost: Program) -> None:
    """The file that import writes is what --gpus takes, in both commands."""
    (llmcost.folder / "run.json").write_text(json.dumps(VLLM))
    ran = llmcost(
        "gpus",
        "import",
        "run.json",
        "--gpu",
        "h100",
        "--gpus",
        2,
        "--precision",
        "FP8",
        "--name",
        "ours",
        "-o",
        "my.toml",
    )
    assert "1 runs in 1 series" in ran.err
    assert tomllib.loads((llmcost.folder / "my.toml").read_text())["series"][0]["gpu"] == "H100-SXM"
    log = write_rows(llmcost.folder / "log.jsonl", *(row(n) for n in range(40)))
    (llmcost.folder / "s.toml").write_text(
        '[[scenario]]\nname = "own"\n[[scenario.step]]\nstrategy = "self-host"\nmodel = "ours"\n'
    )
    result = llmcost("simulate", log, "-s", "s.toml", "--gpus", "my.toml", "-f", "json", "-q").json
    assert "ours, 2x H100-SXM, FP8, vLLM, served" in result["scenarios"][0]["steps"][0]["facts"]["replica"]
    found = llmcost("breakeven", "self-host", log, "--set", "model=ours", "--gpus", "my.toml", "-f", "json", "-q").json
    assert "ours" in found["option"]
    assert "no throughput of 'ours'" in llmcost("simulate", log, "-s", "s.toml", "-q", code=2).err


def test_nothing_is_written_over_what_is_read(llmcost: Program) -> None:
    (llmcost.folder / "run.json").write_text(json.dumps(VLLM))
    assert (
        "not written over"
        in llmcost("gpus", "import", "run.json", "--gpu", "h", "--gpus", 1, "-o", "run.json", code=2).err
    )
