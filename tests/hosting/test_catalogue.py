"""GPU prices by name, day, region and tier; files of the user's own."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from llmcost.errors import UsageError
from llmcost.hosting.catalogue import GpuCatalogue, read

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CATALOGUE = GpuCatalogue()


def test_every_shipped_file_is_well_formed_and_sourced() -> None:
    assert len(CATALOGUE.files) >= 10
    assert all(price.source for file in CATALOGUE.files for offer in file.offers for price in offer.prices)
    assert all(series.source and series.checked for series in CATALOGUE.series)


def test_the_latest_price_of_an_offer_holds() -> None:
    (rate,) = CATALOGUE.rates("H100", NOW, provider="aws", region="us-east-1")[:1]
    assert rate.usd_per_gpu_hour == Decimal("6.88")
    assert rate.price.valid_from == datetime(2026, 11, 9, tzinfo=UTC)


def test_before_a_price_was_seen_there_is_none() -> None:
    assert CATALOGUE.rates("B200", datetime(2024, 1, 1, tzinfo=UTC)) == []


def test_spot_and_owned_are_tiers_of_their_own() -> None:
    spot = CATALOGUE.rates("H200", NOW, tier="spot", provider="aws")
    assert spot
    assert all(rate.price.tier == "spot" for rate in spot)
    owned = CATALOGUE.rates("H100", NOW, tier="owned")
    assert [rate.usd_per_gpu_hour for rate in owned] == [Decimal("1.17"), Decimal("1.55")]


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'H100-SXM'"):
        CATALOGUE.gpu("H100-SXN")
    with pytest.raises(UsageError, match=r"did you mean 'Llama-3\.3-70B'"):
        CATALOGUE.measured("llama-3.3-70")
    with pytest.raises(UsageError, match=r"measured: .*H100-SXM FP8"):
        CATALOGUE.measured("Llama-3.3-70B", "H100", "FP4")


def test_a_users_files_come_first(tmp_path: Path) -> None:
    prices, speed = tmp_path / "ours.toml", tmp_path / "speed.toml"
    prices.write_text(
        'provider = "ours"\n[[offer]]\ninstance = "rack"\ngpu = "H100-SXM"\n[[offer.price]]\nfrom = 2026-01-01\ntier = "owned"\n'
        'usd_per_gpu_hour = 0.95\nsource = "books"\nchecked = 2026-11-01\nconfidence = "user"\n'
    )
    speed.write_text(
        '[[series]]\nmodel = "Llama-3.3-70B"\ngpu = "H100-SXM"\nload = "offline"\nsource = "our bench"\n'
        "points = [ { input_tokens = 900, output_tokens = 120, output_tokens_per_second_per_gpu = 700 } ]\n"
    )
    catalogue = GpuCatalogue([prices, speed])
    assert catalogue.rates("h100", NOW, tier="owned")[0].usd_per_gpu_hour == Decimal("0.95")
    assert catalogue.measured("llama-3.3-70b")[0].source == "our bench"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("provider = ", "is no TOML"),
        (
            'provider = "x"\n[[offer]]\ninstance = "i"\ngpu = "G"\n[[offer.price]]\nfrom = 2026-01-01\ntier = "spott"\n',
            "tier",
        ),
        ("series = [{}]", "model"),
    ],
)
def test_a_bad_file_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read(path)
