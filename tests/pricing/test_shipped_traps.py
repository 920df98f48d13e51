"""Traps that only the shipped prices can show: ratios that are no constants, premiums that ended, prices that fell mid-month."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from llmcost.pricing import catalogue, resolve
from llmcost.pricing.catalogue import Catalogue
from tests.pricing.support import instant, priced


@pytest.fixture(scope="module")
def book() -> Catalogue:
    return catalogue.load((), now=None)


def rates(book: Catalogue, model: str, at: str, **kind: Any) -> resolve.Rates:
    provider, name = model.split("/")
    found = book.resolve(provider, name, instant(at))
    assert found is not None, model
    return priced(book, found, at, **kind)


@pytest.mark.parametrize(
    ("model", "at", "ratio"),
    [
        ("anthropic/claude-fable-5-1", "2026-11-01", "0.025"), ("anthropic/claude-opus-5-5", "2026-11-01", "0.05"),
        ("anthropic/claude-opus-4-8", "2026-11-01", "0.1"), ("openai/gpt-4o", "2026-01-01", "0.5"), ("openai/o3", "2025-06-10", "0.25"),
    ],
)  # fmt: skip
def test_a_cached_token_costs_what_its_model_says_and_no_fixed_share(
    book: Catalogue, model: str, at: str, ratio: str
) -> None:
    found = rates(book, model, at).per_mtok
    assert found["cache_read"] == found["input"] * Decimal(ratio)


def test_the_premium_of_long_prompts_depends_on_model_and_date(book: Catalogue) -> None:
    assert rates(book, "anthropic/claude-opus-4-6", "2026-11-01", input_tokens=900_000).per_mtok["input"] == 5
    assert rates(book, "anthropic/claude-sonnet-4-5", "2025-11-01", input_tokens=200_000).per_mtok["input"] == 3
    assert rates(book, "anthropic/claude-sonnet-4-5", "2025-11-01", input_tokens=200_001).per_mtok["input"] == 6


@pytest.mark.parametrize(
    ("model", "most", "factor"),
    [("anthropic/claude-haiku-5-5", 100_000, 5), ("minimax/MiniMax-M3", 512_000, 2), ("openai/gpt-5.5", 272_000, 2)],
)
def test_one_token_more_re_rates_the_whole_request(book: Catalogue, model: str, most: int, factor: int) -> None:
    base, over = (rates(book, model, "2026-11-01", input_tokens=size).per_mtok for size in (most, most + 1))
    assert over["input"] == base["input"] * factor
    assert over["cache_read"] == base["cache_read"] * factor


def test_prices_fall_in_the_middle_of_a_month(book: Catalogue) -> None:
    assert rates(book, "openai/gpt-5.6-sol", "2026-08-20T23:59:59").per_mtok["output"] == 30
    assert rates(book, "openai/gpt-5.6-sol", "2026-08-21T00:00:00").per_mtok["output"] == 20
    assert rates(book, "openai/o3", "2025-06-09T23:59:59").per_mtok["input"] == 10
    assert rates(book, "openai/o3", "2025-06-10T00:00:00").per_mtok["input"] == 2


@pytest.mark.parametrize(
    ("model", "factor"),
    [("anthropic/claude-opus-4-6", "6"), ("anthropic/claude-opus-4-8", "2"), ("openai/gpt-5.5", "2.5")],
)
def test_fast_has_a_factor_of_its_own_for_each_model(book: Catalogue, model: str, factor: str) -> None:
    plain, fast = (rates(book, model, "2026-11-01", service_tier=tier).per_mtok for tier in ("standard", "fast"))
    assert {name: fast[name] / plain[name] for name in ("input", "output", "cache_read")} == dict.fromkeys(
        ("input", "output", "cache_read"), Decimal(factor)
    )


def test_a_batch_discount_that_no_source_states_is_not_half(book: Catalogue) -> None:
    """Voyage's is a third (BYK/loreai#503), and neither catalogue lists it: then there is no price, not one of 50 %."""
    model = book.resolve("voyage", "voyage-3.5", instant("2026-11-01"))
    assert model is not None
    found = book.rates(model, at=instant("2026-11-01"), service_tier="batch")
    assert isinstance(found, resolve.Unpriced)


def test_an_hour_in_the_cache_is_twice_the_input_and_five_minutes_a_quarter_more(book: Catalogue) -> None:
    found = rates(book, "anthropic/claude-opus-4-8", "2026-11-01").per_mtok
    assert (found["cache_write_5m"], found["cache_write_1h"]) == (found["input"] * Decimal("1.25"), found["input"] * 2)
    kept = rates(book, "openai/gpt-5.6-sol", "2026-11-01").per_mtok
    assert kept["cache_write_24h"] == kept["input"] * Decimal("2.5")


def test_hosts_that_list_a_price_of_writing_have_the_makers_rule_of_it(book: Catalogue) -> None:
    """A replay of caches would else write for nothing, at a host that charges a quarter more than for input."""
    for provider in ("openrouter", "azure", "bedrock", "perplexity", "vertex_ai"):
        for model in book.models(provider):
            writing = any(p.rates.get("cache_write_5m", 0) > p.rates.get("input", 0) for p in model.entry.prices)
            if writing and any(maker in model.model for maker in ("claude", "gpt-")):
                assert {rule.write_class for rule in model.entry.cache} <= {"cache_write_5m"}, model.key
    claude = book.get("openrouter/anthropic/claude-sonnet-4.5").entry.cache
    assert {(rule.mode, rule.min_tokens) for rule in claude} == {("explicit", 1024)}
