"""Every model name in the clouds' logs and bills is one of the catalogue, at the price of its region, or a reasoned exception."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest.recognise import claimants
from llmcost.pricing.catalogue import Catalogue, Rates, load
from llmcost.records import Context, Record, Row, Sample
from llmcost.records.files import records, sample
from llmcost.sources import SOURCES
from tests.sources.cases import read_all
from tests.support import SAMPLES, shared_data

SOURCE_NAMES = {
    "aws-cur", "azure-cost", "azure-diagnostic", "azure-openai", "bedrock-converse", "bedrock-invocation-log", "bedrock-invoke", "gcp-billing", "gemini",
    "vertex-bq",
}  # fmt: skip
EXCEPTIONS = {
    ("azure", "gpt-35-turbo-0301"): "retired in 2024; no catalogue at hand has Azure's price of it",
    ("bedrock", "cohere.command-r-v1:0"): "retired; no catalogue at hand has Bedrock's price of it",
    (
        "bedrock",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/otnfa2ysixqd",
    ): "an account's own name: an overlay can tell",
    ("azure", "openllmetry-testing"): "a deployment, whose model only the answer tells",
    ("azure", "support-bot"): "a deployment, whose model only the answer tells",
    ("azure", "tagger"): "a deployment, whose model only the answer tells",
}
"""Names that no price can be found for, and why."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def _names(path: Path) -> Iterator[tuple[str, str, int | None]]:
    begun = sample(path)
    if not isinstance(begun, Sample) or not (found := set(claimants(begun)) & SOURCE_NAMES):
        return
    source = SOURCES.load(found.pop())
    lines = (r for r in records(path, begun.form) if isinstance(r, Record))
    for reading in read_all(source, lines, Context(begun.name, begun.header)):
        if isinstance(reading, Row):
            row: dict[str, Any] = {**(reading.usage or {}), **(reading.billed or {})}
            name = row.get("response_model") or row.get("request_model") or row.get("model")
            if name is not None and row.get("status") != "error":
                yield str(row["provider_name"]), str(name), row.get("started_at")


def _unknown(catalogue: Catalogue, folder: Path) -> set[tuple[str, str]]:
    seen = {found for path in folder.rglob("*") if path.is_file() and path.suffix != ".md" for found in _names(path)}
    assert len(seen) > 20
    return {(provider, name) for provider, name, at in seen if catalogue.resolve(provider, name, at) is None}


def test_every_name_in_the_sample_logs_is_known(catalogue: Catalogue) -> None:
    assert _unknown(catalogue, SAMPLES) <= EXCEPTIONS.keys()


def test_every_name_in_the_real_samples_is_known(catalogue: Catalogue) -> None:
    assert _unknown(catalogue, shared_data("formats")) <= EXCEPTIONS.keys()


HAIKU = "anthropic.claude-haiku-4-5-20251001-v1:0"
NAMES = [
    ("bedrock", f"global.{HAIKU}", "us-east-1", HAIKU, "1"),
    ("bedrock", f"us.{HAIKU}", "us-east-1", HAIKU, "1.1"),
    ("bedrock", f"eu.{HAIKU}", "eu-central-1", HAIKU, "1.1"),
    ("bedrock", f"jp.{HAIKU}", "ap-northeast-1", HAIKU, "1.1"),
    ("bedrock", HAIKU, "us-west-2", HAIKU, "1.1"),
    ("bedrock", HAIKU, None, HAIKU, "1"),
    ("bedrock", f"arn:aws:bedrock:us-east-1:1:inference-profile/us.{HAIKU}", "us-east-1", HAIKU, "1.1"),
    ("bedrock", f"arn:aws:bedrock:us-east-1:1:inference-profile/global.{HAIKU}", "us-east-1", HAIKU, "1"),
    ("bedrock", f"arn:aws:bedrock:eu-west-1::foundation-model/{HAIKU}", None, HAIKU, "1.1"),
    ("bedrock", "claude-haiku-4-5-20251001", "us-east-1", HAIKU, "1.1"),
    ("bedrock", "claude-haiku-4-5", "global", HAIKU, "1"),
    ("bedrock", "us.anthropic.claude-fable-5-2", None, "anthropic.claude-fable-5-2", "8.8"),
    ("bedrock", "anthropic.claude-opus-4-8-v1:0", "global", "anthropic.claude-opus-4-8", "5"),
    ("bedrock", "in.moonshotai.kimi-k3", None, "moonshotai.kimi-k3", "3.3"),
    ("bedrock", "NovaLite", "us-east-1", "amazon.nova-lite-v1:0", "0.06"),
    ("bedrock", "claude-3-5-sonnet-v2", "us-east-1", "anthropic.claude-3-5-sonnet-20241022-v2:0", "3"),
    (
        "bedrock",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "us-east-1",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "0.25",
    ),
    ("vertex_ai", "publishers/anthropic/models/claude-sonnet-4-5@20250929", "global", "claude-sonnet-4-5", "3"),
    ("vertex_ai", "claude-haiku-4-5@20251001", "global", "claude-haiku-4-5", "1"),
    (
        "vertex_ai",
        "projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash",
        None,
        "gemini-2.5-flash",
        "0.3",
    ),
    ("vertex_ai", "gemini-3-flash", "global", "gemini-3-flash-preview", "0.5"),
    ("azure", "gpt-4o-2024-11-20", None, "gpt-4o-2024-08-06", "2.5"),
    ("azure", "gpt-35-turbo", None, "gpt-3.5-turbo-0125", "0.5"),
    ("azure", "gpt-5.4-mini", "global", "gpt-5.4-mini", "0.75"),
]
"""Host, name, region of the row, model, and dollars a million input tokens on 20 November 2026."""
DAY = 1_795_132_800_000_000


@pytest.mark.parametrize(("host", "name", "region", "model", "rate"), NAMES)
def test_hosts_names_are_models_at_the_price_of_their_region(
    catalogue: Catalogue, host: str, name: str, region: str | None, model: str, rate: str
) -> None:
    found = catalogue.resolve(host, name, DAY)
    assert found is not None
    assert found.key == f"{host}/{model}"
    rates = catalogue.rates(found, at=DAY, service_tier="standard", region=region, input_tokens=1000)
    assert isinstance(rates, Rates)
    assert rates.per_mtok["input"] == Decimal(rate)
