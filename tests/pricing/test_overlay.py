"""A user's own prices on top of the shipped ones."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from llmcost.errors import UsageError
from llmcost.pricing import resolve
from llmcost.pricing.catalogue import Catalogue
from tests.pricing.support import entry, instant, load, priced, unpriced, write

BASE = (
    '[[model]]\nid = "m1"\naliases = ["m1-old"]\n'
    + entry("2025-01-01", "input = 1, output = 2, cache_read = 0.5")
    + entry("2026-01-01", "input = 3, output = 4")
)
BATCH = entry("2025-01-01", "input = 0.5, output = 1", service='"batch"')


def overlaid(tmp_path: Path, text: str) -> Catalogue:
    (tmp_path / "shipped").mkdir(exist_ok=True)
    write(tmp_path / "shipped", "shop", BASE + BATCH)
    own = tmp_path / "own.toml"
    own.write_text(text, encoding="utf-8")
    return load(tmp_path / "shipped", own)


def test_an_own_rate_replaces_shipped_ones_from_its_day(tmp_path: Path) -> None:
    book = overlaid(
        tmp_path,
        'provider = "shop"\n[[model]]\nid = "m1"\n[[model.price]]\nfrom = 2025-06-01\nrates = { input = 0.7, output = 1.4 }\n',
    )
    model = book.get("shop/m1")
    assert priced(book, model, "2025-05-31T23:59:59.999999").per_mtok["input"] == Decimal(1)
    assert priced(book, model, "2025-06-01").per_mtok["input"] == Decimal("0.7")
    assert priced(book, model, "2026-06-01").per_mtok == {"input": Decimal("0.7"), "output": Decimal("1.4")}
    assert priced(book, model, "2026-06-01", service_tier="batch").per_mtok["input"] == Decimal("0.5")
    assert priced(book, model, "2026-06-01").price_id == "shop/m1:standard:global:2025-06-01:user"


def test_an_own_rate_that_ends_lets_the_shipped_ones_return(tmp_path: Path) -> None:
    book = overlaid(
        tmp_path,
        '[[model]]\nprovider = "shop"\nid = "m1-old"\n[[model.price]]\nfrom = 2025-06-01\nto = 2025-07-01\nrates = { input = 0.7, output = 1.4 }\n',
    )
    model = book.get("shop/m1")
    found = [
        priced(book, model, day).per_mtok["input"]
        for day in ("2025-05-31", "2025-06-30T23:59:59.999999", "2025-07-01", "2026-01-01")
    ]
    assert found == [Decimal(1), Decimal("0.7"), Decimal(1), Decimal(3)]
    assert {instant(d) for d in ("2025-06-01", "2025-07-01")} <= set(book.cuts([model]).instants)


def test_an_own_model_of_an_own_provider(tmp_path: Path) -> None:
    book = overlaid(
        tmp_path,
        '[[model]]\nprovider = "inhouse"\nid = "llama-x"\n[[model.price]]\nfrom = 2025-01-01\nrates = { input = 0, output = 0.1 }\n',
    )
    model = book.resolve("InHouse", "llama-x")
    assert model is not None
    assert priced(book, model, "2025-01-01").per_mtok["input"] == 0
    assert unpriced(book, model, "2024-12-31") == "no price on that day"
    assert book.providers() == ("inhouse", "shop")


def test_an_own_name_for_a_shipped_model(tmp_path: Path) -> None:
    book = overlaid(tmp_path, 'provider = "shop"\n[[model]]\nid = "m1"\naliases = ["my-deployment"]\n')
    assert getattr(book.resolve("shop", "my-deployment"), "key", None) == "shop/m1"
    taken = overlaid(
        tmp_path,
        'provider = "shop"\n[[model]]\nid = "m2"\naliases = ["m1-old"]\n[[model.price]]\nfrom = 2025-01-01\nrates = { input = 9 }\n',
    )
    assert getattr(taken.resolve("shop", "m1-old"), "key", None) == "shop/m2"


def test_discounts_multiply_and_end(tmp_path: Path) -> None:
    book = overlaid(
        tmp_path,
        'provider = "shop"\n[[discount]]\nfactor = 0.9\n[[discount]]\nmodel = "m*"\nservice = "batch"\nfactor = 0.5\nfrom = 2025-03-01\nto = 2025-04-01\n'
        '[[discount]]\nmodel = "other"\nfactor = 0\n[[discount]]\nprovider = "elsewhere"\nfactor = 0\n',
    )
    model = book.get("shop/m1")
    standard = priced(book, model, "2025-03-01")
    assert (standard.per_mtok["cache_read"], standard.discount, standard.list_per_mtok["cache_read"]) == (
        Decimal("0.45"),
        Decimal("0.9"),
        Decimal("0.5"),
    )
    assert standard.price_id.endswith(":x0.9")
    found = [
        priced(book, model, day, service_tier="batch").per_mtok["input"]
        for day in ("2025-02-28", "2025-03-01", "2025-03-31T23:59:59", "2025-04-01")
    ]
    assert found == [Decimal("0.45"), Decimal("0.225"), Decimal("0.225"), Decimal("0.45")]
    assert {instant(d) for d in ("2025-03-01", "2025-04-01")} <= set(book.cuts([model]).instants)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[model]]\nid = "x"\n[[model.price]]\nfrom = 2025-01-01\nrates = { input = 1 }\n', "names no provider"),
        ('provider = "s"\n[[model]]\nid = "x"\n[[model.price]]\nfrom = 2025-01-01\nrates = { inputs = 1 }\n', "inputs"),
        (
            'provider = "s"\n[[model]]\nid = "x"\n[[model.price]]\nfrom = 2025-01-01\nrates = { input = -1 }\n',
            "greater than or equal to 0",
        ),
        (
            'provider = "s"\n[[model]]\nid = "x"\n[[model.price]]\nfrom = 2025-01-01\nrates = { input = nan }\n',
            "finite",
        ),
        ('provider = "s"\nmodell = 3\n', "modell"),
        ("provider = ", "not a price file"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        overlaid(tmp_path, text)
    assert caught.value.where is not None
    assert re.search(r"own\.toml(:\d+)?$", caught.value.where)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the price file"):
        load(tmp_path, tmp_path / "absent.toml")


def test_the_digest_covers_files_and_overlays(tmp_path: Path) -> None:
    with_own = overlaid(tmp_path, 'provider = "shop"\n')
    without = load(tmp_path / "shipped")
    assert with_own.sha256 != without.sha256
    assert without.sha256 == load(tmp_path / "shipped").sha256
    write(tmp_path / "shipped", "shop", BASE)
    assert without.sha256 != load(tmp_path / "shipped").sha256


def test_rows_without_a_time_are_priced_at_now_or_at_the_latest_rates(tmp_path: Path) -> None:
    folder = tmp_path / "shipped"
    folder.mkdir()
    write(folder, "shop", BASE + entry("2027-01-01", "input = 9, output = 9", announced="true"))
    book = load(folder)
    model = book.get("shop/m1")
    latest = book.rates(model, at=None)
    today = book.rates(model, at=None, now=instant("2025-07-01"))
    assert isinstance(latest, resolve.Rates)
    assert isinstance(today, resolve.Rates)
    assert (latest.per_mtok["input"], latest.assumptions[0]) == (Decimal(3), "time unknown: latest rates assumed")
    assert (today.per_mtok["input"], today.assumptions[0]) == (Decimal(1), "time unknown: today's rates assumed")
    assert "announced price" in priced(book, model, "2027-01-01").assumptions
