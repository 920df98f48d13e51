"""Which model a logged name means: exact, by alias, by date, by pattern, never the nearest."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmcost.errors import UsageError
from llmcost.pricing.catalogue import Catalogue
from tests.pricing.support import entry, instant, load, write

PRICE = entry("2024-01-01")


@pytest.fixture
def book(tmp_path: Path) -> Catalogue:
    write(
        tmp_path,
        "openai",
        '[[model]]\nid = "gpt-4o-2024-05-13"\nalias_history = [{ alias = "gpt-4o-latest", from = 2024-05-13, to = 2024-10-02 }]\n'
        + PRICE,
        '[[model]]\nid = "gpt-4o-2024-08-06"\naliases = ["gpt-4o"]\npatterns = ["ft:gpt-4o-2024-08-06(:.+)?"]\n'
        'alias_history = [{ alias = "gpt-4o-latest", from = 2024-10-02 }]\n' + PRICE,
        '[[model]]\nid = "ambiguous-a"\npatterns = ["amb.*"]\n' + PRICE,
        '[[model]]\nid = "ambiguous-b"\npatterns = ["ambig.*"]\n' + PRICE,
        '[[model]]\nid = "shared"\n' + PRICE,
    )
    write(
        tmp_path,
        "anthropic",
        '[[model]]\nid = "claude-opus-4"\naliases = ["claude-opus-4-20250514"]\npatterns = ["claude-opus-4-0(-\\\\d{8})?"]\n'
        + PRICE,
        '[[model]]\nid = "shared"\n' + PRICE,
    )
    write(tmp_path, "google", '[[model]]\nid = "gemini-2.5-pro"\n' + PRICE)
    write(
        tmp_path,
        "vertex_ai",
        '[[model]]\nid = "gemini-2.5-pro"\n' + PRICE,
        '[[model]]\nid = "claude-opus-4@20250514"\n' + PRICE,
    )
    write(tmp_path, "azure", '[[model]]\nid = "gpt-4o"\n' + PRICE)
    write(tmp_path, "openrouter", '[[model]]\nid = "openai/gpt-4o"\n' + PRICE)
    write(tmp_path, "bedrock", '[[model]]\nid = "anthropic.claude-opus-4-20250514-v1:0"\n' + PRICE)
    return load(tmp_path)


@pytest.mark.parametrize(
    ("provider", "name", "key"),
    [
        ("openai", "gpt-4o", "openai/gpt-4o-2024-08-06"),
        ("OpenAI", "GPT-4o", "openai/gpt-4o-2024-08-06"),
        ("openai", "openai/gpt-4o", "openai/gpt-4o-2024-08-06"),
        (None, "openai/gpt-4o", "openai/gpt-4o-2024-08-06"),
        ("openai", "ft:gpt-4o-2024-08-06:acme::abc", "openai/gpt-4o-2024-08-06"),
        ("google", "models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("gemini", "gemini/gemini-2.5-pro", "google/gemini-2.5-pro"),
        (
            "gcp.vertex_ai",
            "projects/p/locations/us-east5/publishers/google/models/gemini-2.5-pro",
            "vertex_ai/gemini-2.5-pro",
        ),
        ("vertex_ai", "google/gemini-2.5-pro", "vertex_ai/gemini-2.5-pro"),
        (None, "vertex_ai/claude-opus-4@20250514", "vertex_ai/claude-opus-4@20250514"),
        (None, "azure/gpt-4o", "azure/gpt-4o"),
        ("azure", "azure/eu/gpt-4o", "azure/gpt-4o"),
        ("openrouter", "openai/gpt-4o", "openrouter/openai/gpt-4o"),
        (None, "openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o"),
        ("anthropic", "claude-opus-4-20250514", "anthropic/claude-opus-4"),
        ("anthropic", "claude-opus-4[1m]", "anthropic/claude-opus-4"),
        ("aws.bedrock", "us.anthropic.claude-opus-4-20250514-v1:0", "bedrock/anthropic.claude-opus-4-20250514-v1:0"),
        (
            None,
            "bedrock/us-west-2/anthropic.claude-opus-4-20250514-v1:0",
            "bedrock/anthropic.claude-opus-4-20250514-v1:0",
        ),
        (
            "bedrock",
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-20250514-v1:0",
            "bedrock/anthropic.claude-opus-4-20250514-v1:0",
        ),
    ],
)
def test_a_name_finds_its_model(book: Catalogue, provider: str | None, name: str, key: str) -> None:
    found = book.resolve(provider, name, instant("2025-07-01"))
    assert found is not None
    assert (found.key, found.assumed) == (key, None)


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("anthropic", "claude-opus-4-7"),  # trap 30: never falls to opus-4
        ("anthropic", "claude-opus-4-8-20260601"),
        ("anthropic", "claude-opus-4-0-20250514-extra"),
        ("anthropic", "my-claude-opus-4-0"),
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt"),
        ("openai", "ambiguous"),
        ("openai", "anthropic/claude-opus-4"),  # an OpenAI client at another host
        ("openrouter", "gpt-4o"),
        ("azure", "acme/gpt-4o"),
        ("nobody", "gpt-4o"),
        (None, "shared"),  # two makers know it
        (None, "gpt-9"),
        (None, "openai/gpt-9"),
        (None, "<synthetic>"),
        (None, ""),
    ],
)
def test_a_look_alike_finds_nothing(book: Catalogue, provider: str | None, name: str) -> None:
    assert book.resolve(provider, name, instant("2025-07-01")) is None


def test_without_a_provider_the_maker_is_assumed(book: Catalogue) -> None:
    found = book.resolve(None, "gemini-2.5-pro", None)
    assert found is not None
    assert (found.key, found.assumed) == ("google/gemini-2.5-pro", "provider unknown: google assumed")
    rates = book.rates(found, at=instant("2025-07-01"), service_tier="standard")
    assert "provider unknown: google assumed" in getattr(rates, "assumptions", ())


def test_a_moving_name_means_what_it_meant_that_day(book: Catalogue) -> None:
    def model(at: str) -> str | None:
        found = book.resolve("openai", "gpt-4o-latest", instant(at))
        return found.model if found else None

    assert model("2024-05-12T23:59:59.999999") is None
    assert model("2024-10-01T23:59:59.999999") == "gpt-4o-2024-05-13"
    assert model("2024-10-02T00:00:00") == "gpt-4o-2024-08-06"
    assert book.alias_instants("openai", "gpt-4o-latest") == (instant("2024-05-13"), instant("2024-10-02"))
    assert book.alias_instants(None, "gpt-4o-latest") == (instant("2024-05-13"), instant("2024-10-02"))
    assert book.alias_instants("openai", "gpt-4o") == ()
    undated = book.resolve("openai", "gpt-4o-latest", None)
    assert undated is not None
    assert undated.model == "gpt-4o-2024-08-06"


def test_a_name_can_tell_the_region(book: Catalogue) -> None:
    name = "anthropic.claude-opus-4-20250514-v1:0"
    regions = [
        getattr(book.resolve("bedrock", prefix + name), "region", "none")
        for prefix in ("", "us.", "global.", "bedrock/eu-west-1/", "arn:aws:bedrock:eu-west-1::foundation-model/")
    ]
    assert regions == [None, "us", "global", "eu-west-1", "eu-west-1"]
    assert (
        getattr(book.resolve("bedrock", f"arn:aws:bedrock:us-east-1:1:inference-profile/global.{name}"), "region", None)
        == "global"
    )


def test_government_regions_are_not_the_us(book: Catalogue) -> None:
    found = book.resolve("azure", "azure/us-gov/gpt-4o")
    assert found is not None
    assert found.region == "us-gov"


def test_get_names_the_nearest(book: Catalogue) -> None:
    assert book.get("openai/gpt-4o").model == "gpt-4o-2024-08-06"
    assert book.get("openrouter/openai/gpt-4o").key == "openrouter/openai/gpt-4o"
    with pytest.raises(UsageError, match=r"did you mean 'google/gemini-2\.5-pro'"):
        book.get("google/gemini-2.5-por")
    with pytest.raises(UsageError, match="did you mean 'openai'"):
        book.get("opnai/gpt-4o")
    with pytest.raises(UsageError, match="provider/model"):
        book.get("gpt-4o")


def test_a_reference_is_a_key(book: Catalogue) -> None:
    first, second = book.resolve("openai", "gpt-4o"), book.resolve(None, "openai/GPT-4o")
    assert first == second
    assert len({first, second}) == 1
