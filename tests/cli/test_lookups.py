"""Commands that look something up or write examples."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from llmcost.cli.init import TEMPLATES, template
from llmcost.pricing.overlay import read as read_prices
from llmcost.records.mapfile import load_mapping
from llmcost.results.scenario import read as read_scenarios
from llmcost.results.schemas import names
from llmcost.sources import SOURCES
from llmcost.strategies import STRATEGIES
from tests.cli.support import OCTOBER, STAGING, Program, row, write_rows
from tests.support import SAMPLES


def test_sources_are_listed_and_shown(llmcost: Program) -> None:
    listed = llmcost("sources", "-f", "json").json
    assert [each["name"] for each in listed] == list(SOURCES.names())
    assert all(each["title"] and each["url"].startswith("https://") for each in listed)
    shown = llmcost("sources", "openai-usage").out
    assert "input_tokens" in shown
    assert "https://" in shown


def test_which_source_claims_a_file(llmcost: Program) -> None:
    ran = llmcost("sources", "--file", SAMPLES / "openai_usage" / "embeddings.json", "-f", "json").json
    assert ran["claimed_by"] == ["openai-usage"]
    assert "reads csv, not json" in ran["not_claimed_by"]["openai-dashboard"]
    (llmcost.folder / "x.csv").write_text("a,b\n1,2\n")
    assert "claimed by no source" in llmcost("sources", "--file", "x.csv").out


def test_strategies_are_listed(llmcost: Program) -> None:
    shown = llmcost("strategies").out
    assert llmcost("strategies", "list").out == shown
    listed = llmcost("strategies", "list", "-f", "json").json
    assert [each["name"] for each in listed] == list(STRATEGIES.names())
    for strategy in listed:
        assert strategy["name"] in shown
        assert all(preset in shown for preset in strategy["presets"])


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_every_parameter_is_described(name: str, llmcost: Program) -> None:
    found = llmcost("strategies", "show", name, "-f", "json").json
    assert not [p["name"] for p in found["parameters"] if not p["description"]]
    text = llmcost("strategies", "show", name).out
    assert all(p["name"] in text for p in found["parameters"])


@pytest.mark.parametrize("name", ["scenario", "result", "prices", "mapping", "comparison", *names()])
def test_schemas_are_schemas(name: str, llmcost: Program) -> None:
    jsonschema.Draft202012Validator.check_schema(llmcost("schema", name).json)


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_schemas_of_strategies(name: str, llmcost: Program) -> None:
    jsonschema.Draft202012Validator.check_schema(llmcost("schema", "strategy", name).json)


def test_the_scenario_schema_knows_every_strategy_and_no_other(llmcost: Program) -> None:
    validator = jsonschema.Draft202012Validator(llmcost("schema", "scenario").json)
    example = tomllib.loads(template("scenarios.toml"))
    validator.validate(example)
    example["scenario"][0]["step"][0]["strategy"] = "magic"
    assert not validator.is_valid(example)
    wrong = {"scenario": [{"name": "x", "step": [{"strategy": "reprice", "modell": "openai/gpt-5"}]}]}
    assert not validator.is_valid(wrong)


def test_examples_can_be_used_and_are_never_overwritten(llmcost: Program) -> None:
    llmcost("init", "new")
    folder = llmcost.folder / "new"
    assert {path.name for path in folder.iterdir()} == set(TEMPLATES)
    assert read_scenarios(folder / "scenarios.toml")
    assert read_prices(folder / "prices.toml").models
    assert load_mapping(folder / "mapping.toml").columns
    llmcost("simulate", STAGING, "-s", folder / "scenarios.toml", "--prices", folder / "prices.toml")
    (folder / "prices.toml").write_text("mine")
    assert "kept new/prices.toml" in llmcost("init", "new").err
    assert (folder / "prices.toml").read_text() == "mine"


def test_prices_of_a_day(llmcost: Program) -> None:
    [row] = llmcost("prices", "list", "openai/gpt-5-mini", "--at", "2026-01-01", "-f", "json").json
    assert (row["input"], row["cache_read"], row["output"]) == ("0.25", "0.025", "2")
    [early] = llmcost("prices", "list", "openai/gpt-5-mini", "--at", "2024-01-01", "-f", "json").json
    assert early["input"] is None
    assert early["remark"]


def test_one_model_in_full(llmcost: Program) -> None:
    found = llmcost("prices", "show", "openai/gpt-5-mini-2025-08-07", "--at", "2026-01-01", "-f", "json").json
    assert found["model"] == "openai/gpt-5-mini"
    [current] = [price for price in found["prices"] if price["current"]]
    assert current["rates_per_mtok"]["output"] == "2"
    assert current["source"]
    assert "<- now" in llmcost("prices", "show", "openai/gpt-5-mini").out


def test_a_log_and_its_store_have_one_mix(llmcost: Program) -> None:
    llmcost("ingest", OCTOBER, "-q")
    arguments = ("prices", "list", "openai/gpt-5*", "--at", "2026-10-31", "-f", "json", "--mix")
    log, store = llmcost(*arguments, OCTOBER).json, llmcost(*arguments, "llmcost.duckdb").json
    assert log == store
    priced = [each for each in log if each["cost_usd"]]
    assert priced[0]["times_cheapest"] == "1"


def test_the_mix_is_priced_exactly(llmcost: Program) -> None:
    write_rows(llmcost.folder / "a.jsonl", row(0, service_tier="standard"), row(1, service_tier="batch"))
    [mix] = llmcost("prices", "list", "openai/gpt-5-mini", "--at", "2026-10-31", "-f", "json", "--mix", "a.jsonl").json
    # standard: 1,000 x $0.25 + 100 x $2 a million; batch half of 1,001 and 100
    assert mix["cost_usd"] == "0.000675125"


def test_shipped_prices_have_no_fault(llmcost: Program) -> None:
    assert llmcost("prices", "check").err.startswith("0 faults")
    assert Path(llmcost("prices", "path").out.strip(), "openai.toml").is_file()


def test_a_faulty_price_file_is_1(llmcost: Program) -> None:
    (llmcost.folder / "own.toml").write_text(
        '[[model]]\nid = "m"\nprovider = "house"\n[[model.price]]\nfrom = 2026-01-01\nrates = { input = 1, cache_read = 2, output = 3 }\n'
    )
    ran = llmcost("prices", "check", "own.toml", code=1)
    assert "dearer than input" in ran.out


@pytest.fixture
def catalogue(llmcost: Program) -> Path:
    """A catalogue in LiteLLM's form with another price for one of our models, and a model that we do not have."""
    rates = {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": 3e-07,
        "output_cost_per_token": 2e-06,
    }
    path = llmcost.folder / "litellm.json"
    path.write_text(json.dumps({"gpt-5-mini": rates, "gpt-house-9": rates}))
    return path


def test_import_gives_a_price_file(catalogue: Path, llmcost: Program) -> None:
    ran = llmcost("prices", "import", catalogue, "--from", "litellm", "-o", "own.toml", "--at", "2026-11-01")
    assert "2 models of 1 providers in own.toml" in ran.err
    assert {model.id for model in read_prices(llmcost.folder / "own.toml").models} == {"gpt-5-mini", "gpt-house-9"}
    [row] = llmcost(
        "prices", "list", "openai/gpt-house-9", "--prices", "own.toml", "--at", "2026-11-02", "-f", "json"
    ).json
    assert row["input"] == "0.3"
    assert llmcost("prices", "import", catalogue, "--at", "2026-11-01").out == (llmcost.folder / "own.toml").read_text()


def test_diff_shows_what_another_catalogue_says(catalogue: Path, llmcost: Program) -> None:
    arguments = ("prices", "diff", catalogue, "--at", "2026-11-01")
    rates = {(d["model"], d["item"]): (d["ours"], d["theirs"]) for d in llmcost(*arguments, "-f", "json").json}
    assert rates["openai/gpt-5-mini", "input"] == ("0.25", "0.3")
    assert ("openai/gpt-5-mini", "output") not in rates
    ran = llmcost(*arguments)
    assert "gpt-house-9" not in ran.out
    assert "1 models and services are new there" in ran.err
    assert "gpt-house-9" in llmcost(*arguments, "--new").out


def test_import_of_something_else(llmcost: Program) -> None:
    (llmcost.folder / "x.json").write_text("[1, 2]")
    assert "neither LiteLLM" in llmcost("prices", "import", "x.json", code=2).err
