"""Other people's prices, computed without our code: genai-prices' own calculator, and LiteLLM's JSON by its rules.

Both are installed for tests only. LiteLLM's calculator cannot be imported without its twenty requirements, so its rules
are written here a second time: a key may have a suffix for the context tier (strictly above) and one for the service.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from llmcost.usage import names

Usage = dict[str, int]
CLASSES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")
"""Text classes, on which both references have counters of the same meaning; media are compared where they are listed."""


@dataclass(frozen=True)
class Offer:
    """One model of a reference in one service tier: the classes it lists, its context tiers, and its cost function."""

    reference: str
    provider: str
    name: str
    service: str
    classes: frozenset[str]
    thresholds: tuple[int, ...]
    limit: int | None
    _source: Any = field(compare=False, repr=False, hash=False)

    @property
    def label(self) -> str:
        return f"{self.provider}/{self.name}"

    @property
    def sizes(self) -> list[int]:
        """Total input counts around every context tier.

        LiteLLM's keys say "above" for xAI too, whose tier begins at 200,000 (as genai-prices has it): not compared there.
        """
        around = [n for t in self.thresholds for n in (t - 1, t, t + 1) if not self.limit or n <= self.limit]
        return [n for n in around if not (self.reference == "litellm" and self.provider == "xai" and n == 200_000)]

    def cost(self, usage: Usage, at: datetime) -> Decimal:
        """What the reference says these tokens cost."""
        return _genai_cost(self, usage, at) if self.reference == "genai-prices" else _litellm_cost(self, usage)


# genai-prices: https://github.com/pydantic/genai-prices

_GENAI_KEYS = {
    "input_mtok": "input", "output_mtok": "output", "cache_read_mtok": "cache_read", "cache_write_mtok": "cache_write_5m", "cache_write_1h_mtok": "cache_write_1h",
}  # fmt: skip
_GENAI_CONTEXTS: dict[str, dict[str, str]] = {
    "standard": {}, "batch": {"processing": "batch"}, "flex": {"service_tier": "flex"}, "priority": {"service_tier": "priority"}, "fast": {"speed": "fast"},
}  # fmt: skip


def genai_offers(at: datetime) -> Iterator[Offer]:
    """Every model of genai-prices in every service that it prices at ``at``."""
    from genai_prices.data import providers
    from genai_prices.types import TieredPrices

    for provider in providers:
        canonical = names.provider(provider.id) or provider.id
        for model in provider.models:
            contexts = [v.when for v in model.price_variants or () if v.constraint is None or v.constraint.active(at)]
            for service, context in _GENAI_CONTEXTS.items():
                if context and context not in contexts:
                    continue
                prices = {k: v for k, v in model.get_prices(at, context).__dict__.items() if v is not None}
                tiers = {t.start + 1 for v in prices.values() if isinstance(v, TieredPrices) for t in v.tiers}
                listed = frozenset(_GENAI_KEYS[k] for k in prices if k in _GENAI_KEYS)
                if "input" in listed:
                    yield Offer(
                        "genai-prices",
                        canonical,
                        model.id,
                        service,
                        listed,
                        tuple(sorted(tiers)),
                        model.context_window,
                        (provider, model, context),
                    )


def _genai_cost(offer: Offer, usage: Usage, at: datetime) -> Decimal:
    from genai_prices import Usage as TheirUsage

    provider, model, context = offer._source
    theirs = TheirUsage(
        input_tokens=usage["input_tokens"],
        output_tokens=usage["output_tokens"],
        cache_read_tokens=usage["cache_read_input_tokens"],
        cache_write_tokens=usage["cache_creation_input_tokens"],
        cache_write_1h_tokens=usage["cache_creation_1h_input_tokens"],
    )
    total: Decimal = model.calc_price(theirs, provider, genai_request_timestamp=at, price_context=context).total_price
    return total


# LiteLLM: https://docs.litellm.ai/docs/proxy/custom_pricing and the keys of its JSON

_LITELLM_KEYS = {
    "input_cost_per_token": "input", "output_cost_per_token": "output", "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m", "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
}  # fmt: skip
_LITELLM_SUFFIXES = {"standard": "", "batch": "_batches", "flex": "_flex", "priority": "_priority"}
_LITELLM_TIERS = (32, 100, 128, 200, 256, 272, 512)
_TEXT_MODES = {"chat", "responses", "completion", "embedding"}


def litellm_path() -> Path | None:
    """LiteLLM's price JSON in the installed package, which is not imported; None if there is none."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "model_prices_and_context_window_backup.json"
    return path if path.is_file() else None


@cache
def _litellm_rows() -> dict[str, Any]:
    path = litellm_path()
    rows: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal) if path else {}
    return rows


def litellm_offers() -> Iterator[Offer]:
    """Every text model of LiteLLM's JSON in every service that it prices on its own."""
    for key, row in _litellm_rows().items():
        if not isinstance(row, dict) or row.get("mode") not in _TEXT_MODES or "tiered_pricing" in row:
            continue
        provider = names.provider(row.get("litellm_provider")) or ""
        for service, suffix in _LITELLM_SUFFIXES.items():
            listed = frozenset(c for k, c in _LITELLM_KEYS.items() if isinstance(row.get(k + suffix), int | Decimal))
            if row["mode"] == "embedding":  # an embedding has no output; the catalogue writes 0
                listed -= {"output"}
            if "input" in listed:
                tiers = tuple(
                    n * 1000 + 1 for n in _LITELLM_TIERS if f"input_cost_per_token_above_{n}k_tokens{suffix}" in row
                )
                window = row.get("max_input_tokens")
                yield Offer(
                    "litellm",
                    provider,
                    key,
                    service,
                    listed,
                    tiers,
                    int(window) if isinstance(window, int | Decimal) else None,
                    row,
                )


def _litellm_cost(offer: Offer, usage: Usage) -> Decimal:
    row, suffix = offer._source, _LITELLM_SUFFIXES[offer.service]
    above = [
        n
        for n in _LITELLM_TIERS
        if usage["input_tokens"] > n * 1000 and f"input_cost_per_token_above_{n}k_tokens{suffix}" in row
    ]
    total = Decimal(0)
    for key, token_class in _LITELLM_KEYS.items():
        plain = row.get(key + suffix, 0)
        rate = row.get(f"{key}_above_{above[-1]}k_tokens{suffix}", plain) if above else plain
        total += quantities(usage)[token_class] * Decimal(rate)
    return total


def quantities(usage: Usage) -> Usage:
    """Tokens by class, each once."""
    cached, written, hour = (
        usage["cache_read_input_tokens"],
        usage["cache_creation_input_tokens"],
        usage["cache_creation_1h_input_tokens"],
    )
    return {
        "input": usage["input_tokens"] - cached - written, "output": usage["output_tokens"], "cache_read": cached, "cache_write_5m": written - hour,
        "cache_write_1h": hour,
    }  # fmt: skip
