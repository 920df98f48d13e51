"""The audit finds each kind of fault, and none in the shipped files."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from llmcost.pricing import catalogue, listing
from llmcost.pricing.audit import audit
from tests.pricing.support import entry, instant, load, write

GOOD = entry("2025-01-01", "input = 1, output = 5, cache_read = 0.1")


def _found(tmp_path: Path, *parts: str, provider: str = "shop") -> set[tuple[str, str]]:
    write(tmp_path, provider, *parts)
    return {(f.severity, f.message) for f in audit(load(tmp_path))}


def test_a_good_file_has_no_finding(tmp_path: Path) -> None:
    batch = entry("2025-01-01", "input = 0.5, output = 2.5, cache_read = 0.05", service='"batch"')
    later = entry(
        "2025-06-01",
        "input = 1, output = 5, cache_read = 0.1",
        tier="[{ from_input_tokens = 200001, rates = { input = 2, output = 7.5, cache_read = 0.2 } }]",
    )
    assert (
        _found(tmp_path, '[[model]]\nid = "m"\npatterns = ["m-preview-\\\\d{2}-\\\\d{2}"]\n' + GOOD + batch + later)
        == set()
    )


MODEL = '[[model]]\nid = "m"\n'


@pytest.mark.parametrize(
    ("text", "severity", "message"),
    [
        (MODEL + entry(rates="input = 1, output = 5, cache_read = 2"), "wrong", "a read costs 2, dearer than input 1"),
        (
            MODEL + GOOD + entry(rates="input = 2, output = 5, cache_read = 0.1", service='"batch"'),
            "wrong",
            "input costs 2, dearer than standard 1",
        ),
        (
            MODEL + GOOD + entry(rates="input = 0.5, output = 2.5", service='"batch"'),
            "unusual",
            "no rate for cache_read",
        ),
        (
            MODEL + GOOD + entry(rates="input = 0.9, output = 2.5, cache_read = 0.1", service='"batch"'),
            "unusual",
            "input costs 0.900 of standard",
        ),
        (
            MODEL + GOOD + entry("2024-01-01", "input = 1, output = 5, cache_read = 0.1", service='"batch"'),
            "unusual",
            "no standard price on the first day",
        ),
        (MODEL + GOOD + GOOD, "wrong", "two entries start on 2025-01-01"),
        (
            MODEL + entry("2024-01-01", "input = 1, output = 5", to="2024-06-01") + GOOD,
            "unusual",
            "no price between 2024-06-01 and 2025-01-01",
        ),
        (
            MODEL + entry("2024-01-01", "input = 1, output = 5", to="2025-06-01") + GOOD,
            "wrong",
            "an entry goes on after the one of 2025-01-01 starts",
        ),
        (
            MODEL + entry("2024-01-01", "input = 1, output = 5", to="2023-06-01"),
            "wrong",
            "an entry ends before it starts (2024-01-01)",
        ),
        (
            MODEL
            + '[[model.cache]]\nfrom = 2025-01-01\nmode = "implicit"\nsource = "s"\nchecked = 2026-11-23\n'
            + entry(rates="input = 1, output = 5, cache_read = 0.1, cache_write_5m = 1.25"),
            "unusual",
            "its cache rule writes at the input rate, its prices at 1.25",
        ),
        (MODEL + entry(rates="input = 1"), "unusual", "input without output"),
        (
            MODEL + entry(rates="input = 1, output = 5, cache_write_1h = 2"),
            "unusual",
            "cache_write_1h without cache_write_5m",
        ),
        (MODEL + entry(rates=""), "wrong", "has no rates"),
        (MODEL + entry(rates="input = 1, output = 50"), "unusual", "output costs 50.00 of input"),
        (
            MODEL + entry(rates="input = 1, output = 5", tier="[{ from_input_tokens = 9, rates = { input = 2 } }]"),
            "unusual",
            "tier 9 keeps the base rate of output",
        ),
        (
            MODEL + entry(rates="output = 5", tier="[{ from_input_tokens = 9, rates = { input = 2 } }]"),
            "wrong",
            "tier 9 has input, the base has not",
        ),
        (
            MODEL + entry(rates="input = 3", tier="[{ from_input_tokens = 9, rates = { input = 2 } }]"),
            "unusual",
            "tier 9: input is cheaper than below it",
        ),
        (
            MODEL + entry(windows='[{ days = ["mon"], start = 01:00:30, end = 02:00:00 }]'),
            "wrong",
            "a window starts or ends inside a minute",
        ),
        (MODEL + GOOD + '[[model]]\nid = "n"\naliases = ["M"]\n' + GOOD, "wrong", "2 models have this name"),
        (
            '[[model]]\nid = "m"\npatterns = ["m-.*"]\n' + GOOD + '[[model]]\nid = "m-2"\n' + GOOD,
            "wrong",
            "pattern 'm-.*' catches m-2, m-7, m-lite",
        ),
        (
            '[[model]]\nid = "m"\npatterns = ["m-("]\n' + GOOD,
            "wrong",
            "pattern 'm-(': missing ), unterminated subpattern at position 2",
        ),
        (
            '[[model]]\nid = "m"\nalias_history = [{ alias = "l", from = 2024-01-01 }]\n'
            + GOOD
            + '[[model]]\nid = "n"\nalias_history = [{ alias = "l", from = 2025-01-01 }]\n'
            + GOOD,
            "wrong",
            "means m and n at the same time",
        ),
        (
            '[[model]]\nid = "m"\naliases = ["l"]\nalias_history = [{ alias = "l", from = 2024-01-01 }]\n' + GOOD,
            "wrong",
            "is a moving name and an exact one: its history is never used",
        ),
        ('[[model]]\nid = "m"\nprice = []\n', "wrong", "has no price"),
    ],
)
def test_each_fault_is_found(tmp_path: Path, text: str, severity: str, message: str) -> None:
    assert (severity, message) in _found(tmp_path, text)


def test_known_ratios_are_by_provider(tmp_path: Path) -> None:
    odd = MODEL + entry(rates="input = 4, output = 20, cache_read = 2, cache_write_5m = 4.5, cache_write_1h = 8")
    assert _found(tmp_path, odd, provider="anthropic") == {
        ("unusual", "a read costs 0.500 of input"),
        ("unusual", "cache_write_5m costs 1.125 of input"),
    }


def test_a_file_of_another_form_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text('provider = "other"\nurl = "u"\n', encoding="utf-8")
    (tmp_path / "bad.toml").write_text('provider = "bad"\nurl = "u"\nmodels = 3\n', encoding="utf-8")
    (tmp_path / "worse.toml").write_text("provider", encoding="utf-8")
    found = audit(load(tmp_path))
    assert {(f.severity, f.place.split(":")[0]) for f in found} == {
        ("wrong", "shop.toml"),
        ("wrong", "bad.toml"),
        ("wrong", "worse.toml"),
    }


def test_nothing_is_wrong_in_the_shipped_files() -> None:
    wrong = [f for f in audit(catalogue.load()) if f.severity == "wrong"]
    assert not wrong, "\n".join(f"{f.place}: {f.message}" for f in wrong)


def test_the_list_selects_by_pattern(tmp_path: Path) -> None:
    write(
        tmp_path,
        "shop",
        '[[model]]\nid = "big"\n' + entry(rates="input = 10, output = 50"),
        '[[model]]\nid = "small"\n' + entry(rates="input = 0.1, output = 0.5"),
    )
    write(tmp_path, "mall", '[[model]]\nid = "embed"\noperation = "embeddings"\n' + entry(rates="input = 0.02"))
    book = load(tmp_path)
    assert [m.key for m in listing.select(book)] == ["mall/embed", "shop/big", "shop/small"]
    assert [m.key for m in listing.select(book, ["shop/b*", "mall"])] == ["mall/embed", "shop/big"]
    assert [m.key for m in listing.select(book, operation="embeddings")] == ["mall/embed"]
    assert [(r.model.model, r.tier) for r in listing.rows(book, listing.select(book), at=instant("2025-06-01"))] == [
        ("embed", None),
        ("big", "frontier"),
        ("small", "light"),
    ]


def test_the_mix_prices_every_model_on_the_same_requests(tmp_path: Path) -> None:
    tiered = entry(rates="input = 1, output = 2", tier="[{ from_input_tokens = 1000, rates = { input = 3 } }]")
    write(
        tmp_path,
        "shop",
        '[[model]]\nid = "a"\n' + tiered,
        '[[model]]\nid = "b"\n' + entry(rates="input = 8, output = 8, cache_read = 8"),
    )
    book = load(tmp_path)
    groups = [
        listing.Group({"input_tokens": 3000, "output_tokens": 500}, 300),
        listing.Group({"input_tokens": 5000, "output_tokens": 500}, 1000),
    ]
    first, second = listing.mix(book, listing.select(book), groups, at=instant("2025-06-01"))
    assert (first.model.model, first.cost, first.blended_per_mtok, first.spread) == (
        "a",
        Decimal("0.020"),
        Decimal("2.222222222222"),
        Decimal(1),
    )
    assert (second.model.model, second.cost, second.blended_per_mtok, second.spread) == (
        "b",
        Decimal("0.072"),
        Decimal(8),
        Decimal("3.6"),
    )
    cached = [*groups, listing.Group({"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 0}, 10)]
    assert [
        (r.model.model, r.reason) for r in listing.mix(book, listing.select(book), cached, at=instant("2025-06-01"))
    ] == [("b", None), ("a", "no cache_read rate")]
