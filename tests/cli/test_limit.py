"""``llmcost breakeven self-host`` without a log."""

from __future__ import annotations

import pytest

from tests.cli.support import Program

ARTICLE = ("breakeven", "self-host", "--tokens-per-second", 2000, "--usd-per-hour", 40, "--api-usd-per-mtok", "0.90")


def test_the_articles_example(llmcost: Program) -> None:
    out = llmcost(*ARTICLE, "--usd-per-hour", "13.875", "--mtok-per-day", 100, "--month-days", 30).out
    for figure in ("617.3%", "214.1%", "$5.56", "$1.93", "$28,800.00", "never pays"):
        assert figure in out


LLAMA = ("breakeven", "self-host", "--set", "model=Llama-3.3-70B", "--set", "gpu=H100", "-f", "json")


def test_llama_70b_against_two_prices(llmcost: Program) -> None:
    """48, 28, 19 and 86 % of capacity against $0.90 of 2025; 206, 119, 81 and 368 % against the $0.21 of today."""
    prices = [part for usd in ("6.88", "3.99", "2.69", "12.29") for part in ("--usd-per-hour", usd)]
    found = llmcost(*LLAMA, "--api-usd-per-mtok", "0.90", "--api-usd-per-mtok", "0.21", *prices).json
    assert [round(float(line["break_even_use"]) * 100) for line in found["lines"]] == [
        48,
        28,
        19,
        86,
        206,
        119,
        81,
        368,
    ]


def test_without_a_price_every_clouds_cheapest_is_taken(llmcost: Program) -> None:
    found = llmcost(*LLAMA, "--api-usd-per-mtok", "0.90").json
    assert {"H100-SXM of aws", "H100-SXM of azure"} <= {line["name"].partition(" at ")[0] for line in found["lines"]}
    assert any("offline maximum" in warning for warning in found["warnings"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tokens-per-second", "2000", "--api-usd-per-mtok", "1"), "what the cluster costs an hour is needed"),
        (("--tokens-per-second", "2000", "--usd-per-hour", "4"), "the API's price is needed"),
        (("--api-usd-per-mtok", "1"), "nor a measured model is given"),
        (("--api-usd-per-mtok", "1", "--set", "replicas=2"), "replicas means nothing without a log"),
        (("--api-usd-per-mtok", "1", "--set", "utilisation={low=0.5,mode=0.6,high=0.7}"), "utilisation is a range"),
        (("--api-usd-per-mtok", "1", "--set", "model=Llama-3.3-70B", "--lengths", "9"), "'9' is no INPUT/OUTPUT"),
        (("some.jsonl", "--api-usd-per-mtok", "1"), "two questions"),
    ],
)
def test_what_is_missing_is_asked_for(llmcost: Program, arguments: tuple[str, ...], said: str) -> None:
    assert said in llmcost("breakeven", "self-host", *arguments, code=2).err


def test_other_strategies_need_a_log(llmcost: Program) -> None:
    assert (
        "batch cannot be judged without a log" in llmcost("breakeven", "batch", "--api-usd-per-mtok", "1", code=2).err
    )
