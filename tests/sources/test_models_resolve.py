"""Every model that a real sample names is in the price catalogue, or here with the reason why not."""

from __future__ import annotations

import re
from typing import Final

from llmcost.api import load_prices
from llmcost.errors import LlmcostError
from llmcost.ingest.recognise import claimants
from llmcost.ingest.run import ingest
from llmcost.records import Sample
from llmcost.records.files import sample
from llmcost.usage.store import Store
from tests.support import shared_data

UNPRICED: Final = {
    r"azure gpt-35-turbo-0301": "a snapshot of 2023; nothing at hand says what Azure charged for it",
    r"bedrock arn:.*application-inference-profile/": "the user's own profile: only the account knows the model behind it",
    r"bedrock cohere\.command-r-v1:0": "a model of 2024; nothing at hand says what Bedrock charged for it",
    r"cerebras qwen-3-coder-480b": "a model of 2025; nothing at hand says what Cerebras charged for it",
    r"ollama ": "runs on the user's own machine: no price per token",
    r"(vllm|tgi) None": "the log names no model, and the machine is the user's own",
    r"openai None": "the log names no model: an ungrouped usage page, or Codex before it did",
    r"None fixture-model": "the publisher took the name away",
    r"openrouter x-ai/grok-4": "answered under a slug that OpenRouter's list lacks; the charge is in the answer",
}
"""Provider and model -> why there is no price for it."""


def test_every_model_of_the_real_samples_has_a_price_or_a_reason() -> None:
    catalogue = load_prices()
    missing: set[str] = set()
    models = 0
    for path in sorted(shared_data("formats").rglob("*")):
        begun = sample(path) if path.is_file() and path.suffix != ".md" else None
        if not isinstance(begun, Sample) or not claimants(begun):
            continue
        with Store(None) as store:
            try:
                ingest(store, [str(path)])
            except LlmcostError:
                continue  # a file of headers, or of charges for other services only
            named = store.rows(
                "SELECT provider_name, response_model, request_model, max(started_at) FROM usage "
                "WHERE status IS DISTINCT FROM 'error' GROUP BY ALL"
            )
        models += len(named)
        missing |= {
            f"{provider} {answered or asked}"
            for provider, answered, asked, at in named
            if not any(name and catalogue.resolve(provider, name, at) for name in (answered, asked))
        }
    unexplained = sorted(name for name in missing if not any(re.match(pattern, name) for pattern in UNPRICED))
    assert unexplained == []
    assert sorted(p for p in UNPRICED if not any(re.match(p, name) for name in missing)) == [], "these have prices now"
    assert models > 150
