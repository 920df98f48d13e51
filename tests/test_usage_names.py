"""Providers, tiers and outcomes under all the names that logs give them."""

from __future__ import annotations

import pytest

from llmcost.usage import names
from llmcost.usage.columns import SERVICE_TIERS, STATUSES


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("az.ai.openai", "azure"),
        ("Azure OpenAI", "azure"),
        ("gcp.gemini", "google"),
        ("gemini", "google"),
        ("gcp.vertex_ai", "vertex_ai"),
        ("vertex_ai-language-models", "vertex_ai"),
        ("aws.bedrock", "bedrock"),
        ("bedrock_converse", "bedrock"),
        ("x_ai", "xai"),
        ("OPENAI", "openai"),
        ("Together AI", "together"),
        (" My-Gateway ", "my-gateway"),
        ("", None),
        (None, None),
    ],
)
def test_provider(raw: str | None, name: str | None) -> None:
    assert names.provider(raw) == name


@pytest.mark.parametrize(
    ("raw", "tier"),
    [
        ("default", "standard"),
        ("on_demand", "standard"),
        ("ON_DEMAND", "standard"),
        ("priority_on_demand", "priority"),
        ("flex_discount", "flex"),
        ("SERVICE_TIER_FLEX", "flex"),
        ("batch", "batch"),
        ("fast", "fast"),
        ("scale", "standard"),
        ("auto", None),
        ("turbo", None),
        (None, None),
    ],
)
def test_service_tier(raw: str | None, tier: str | None) -> None:
    assert names.service_tier(raw) == tier
    assert tier is None or tier in SERVICE_TIERS


def test_a_prepaid_or_unknown_tier_is_told_from_a_silent_one() -> None:
    assert names.is_prepaid_tier("scale")
    assert not names.is_prepaid_tier("default")
    assert names.is_unknown_tier("turbo")
    assert not any(map(names.is_unknown_tier, ("auto", "", "default", None)))


@pytest.mark.parametrize(
    ("http", "status"),
    [(200, "ok"), (204, "ok"), (400, "error"), (429, "error"), (499, "cancelled"), (0, "error"), (None, None)],
)
def test_status_of(http: int | None, status: str | None) -> None:
    assert names.status_of(http) == status
    assert status is None or status in STATUSES


@pytest.mark.parametrize(
    ("url", "name", "region"),
    [
        ("https://api.openai.com/v1/chat/completions", "openai", None),
        ("https://eu.api.openai.com/v1/responses", "openai", "eu"),
        ("https://x.openai.azure.com/openai/deployments/gpt-4o", "azure", None),
        ("https://bedrock-runtime.us-gov-west-1.amazonaws.com/model/m/invoke", "bedrock", "us-gov-west-1"),
        ("https://us-central1-aiplatform.googleapis.com/v1", "vertex_ai", "us-central1"),
        ("https://aiplatform.googleapis.com/v1", "vertex_ai", "global"),
        ("https://aiplatform.eu.rep.googleapis.com/v1", "vertex_ai", "eu"),
        ("https://generativelanguage.googleapis.com/v1beta", "google", None),
        ("https://gateway.ai.cloudflare.com/v1/acc/gw/openai/chat/completions", "openai", None),
        ("openrouter.ai/api/v1", "openrouter", None),
        ("http://localhost:11434/api/chat", "ollama", None),
        ("https://evil-api.openai.com.example.org/v1", None, None),
        ("https://notopenrouter.ai/v1", None, None),
        ("http://[bad", None, None),
        (None, None, None),
    ],
)
def test_what_a_url_tells(url: str | None, name: str | None, region: str | None) -> None:
    assert names.provider_of_url(url) == name
    assert names.region_of_url(url) == region
