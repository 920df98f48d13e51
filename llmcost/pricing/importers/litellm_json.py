"""LiteLLM's ``model_prices_and_context_window.json``: prices per token, everything else glued into the key.

https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json, read at 1.109.1 (2026-11-12). A key
is class, then ``_above_272k_tokens``, then a service; multipliers add regions and the fast mode. It has no history:
every entry holds from the day of the import. A service's missing class is not borrowed from the standard one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date, time
from decimal import Decimal
from typing import Any, Final, get_args

import msgspec

from llmcost.money import EXACT
from llmcost.pricing.entries import ModelEntry, Price, Service, Tier, TokenClass, UnitClass, Weekday, Window, micros
from llmcost.pricing.importers.imported import Imported, amount, per_mtok
from llmcost.pricing.names import prefix_provider
from llmcost.usage import names

_CLASSES: Final[dict[str, TokenClass]] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "output_cost_per_reasoning_token": "reasoning",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
    "cache_creation_input_token_cost_above_1hr": "cache_write_1h",
    "cache_creation_input_token_cost_above_12hr": "cache_write_24h",
    "input_cost_per_audio_token": "audio_input",
    "cache_read_input_audio_token_cost": "cache_read_audio",
    "output_cost_per_audio_token": "audio_output",
    "input_cost_per_image_token": "image_input",
    "output_cost_per_image_token": "image_output",
    "input_cost_per_video_token": "video_input",
}
_UNITS: Final[dict[str, tuple[UnitClass, frozenset[str]]]] = {
    "input_cost_per_second": ("audio_input_second", frozenset({"audio_transcription"})),
    "output_cost_per_second": ("audio_output_second", frozenset({"audio_speech"})),
    "input_cost_per_audio_per_second": ("audio_input_second", frozenset()),
    "input_cost_per_video_per_second": ("video_input_second", frozenset()),
    "ocr_cost_per_page": ("page", frozenset()),
    "input_cost_per_request": ("request", frozenset()),
    "input_cost_per_query": ("request", frozenset({"search"})),
    "output_cost_per_image": ("image", frozenset({"image_generation", "image_edit"})),
    "input_cost_per_character": ("character", frozenset({"audio_speech"})),
    "code_interpreter_cost_per_session": ("code_session", frozenset()),
}
"""Key -> unit, and the modes in which the key means that unit (none: in all)."""
_SERVICES: Final[dict[str | None, Service]] = {
    None: "standard",
    "batches": "batch",
    "flex": "flex",
    "priority": "priority",
}
_KEY: Final = re.compile(
    r"^(?P<name>.+?)(?:_above_(?P<k>\d+)k_tokens)?(?:_(?P<service>batches|flex|priority|ultrafast|balanced|decisions))?$"
)
_MODES: Final = {
    "embedding": "embeddings", "image_generation": "image", "image_edit": "image", "audio_transcription": "audio", "audio_speech": "audio",
    "moderation": "moderation", "rerank": "rerank", "ocr": "ocr", "video_generation": "video",
}  # fmt: skip
AT_OR_ABOVE: Final = frozenset({"xai"})
"""xAI's long-context rates hold at or above 200,000 tokens, others' strictly above (docs.x.ai/docs/models, read 2026-11-23)."""
_WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)

Rates = dict[Service, dict[int, dict[TokenClass, Decimal]]]


def is_form(data: Any) -> bool:
    """Whether parsed JSON looks like LiteLLM's catalogue."""
    return isinstance(data, dict) and any(isinstance(v, dict) and "litellm_provider" in v for v in data.values())


def read(data: Any, source: str, on: date, providers: Collection[str] | None = None) -> Imported:
    """All models of the wanted providers; other spellings of the same model become aliases if their prices agree."""
    left_out: Counter[str] = Counter()
    found: dict[str, dict[str, ModelEntry]] = {}
    for key, row in data.items():
        if key == "sample_spec" or not isinstance(row, dict):
            continue
        provider = names.provider(str(row.get("litellm_provider") or "")) or ""
        if providers is not None and provider not in providers:
            continue
        prefixed = prefix_provider(key)
        model_id = prefixed[1] if prefixed and prefixed[0] == provider else key
        prices = tuple(_prices(row, provider, on, f"LiteLLM price JSON ({source})", left_out))
        if not provider or not prices:
            left_out["no price that a price file can hold"] += 1
            continue
        model = ModelEntry(
            id=model_id,
            operation=_MODES.get(str(row.get("mode")), "chat"),  # type: ignore[arg-type]  # the values above are operations
            context_window=_count(row.get("max_input_tokens")),
            max_output=_count(row.get("max_output_tokens")),
            prices=prices,
        )
        known = found.setdefault(provider, {}).setdefault(model_id, model)
        if known.prices != model.prices:
            left_out["another spelling of the model has other prices"] += 1
    return Imported(source, {p: tuple(models.values()) for p, models in found.items()}, left_out)


def _prices(row: dict[str, Any], provider: str, on: date, source: str, left_out: Counter[str]) -> Iterator[Price]:
    rates = _rates(row, provider, left_out)
    unit_rates = _unit_rates(row)
    for service, tiers in rates.items():
        base = tiers.get(0, {})
        if not base:
            left_out["a tier without base rates"] += 1
            continue
        steps = tuple(Tier(from_input_tokens=n, rates=r) for n, r in sorted(tiers.items()) if n)
        price = Price(
            valid_from=micros(on), service=service, rates=base, tiers=steps, per_unit=unit_rates if service == "standard" else {},
            source=source, checked=on, confidence="catalogue",
        )  # fmt: skip
        yield price
        yield from _multiplied(price, row)
        if service == "standard" and isinstance(row.get("off_peak_pricing"), dict):
            yield from _off_peak(price, row["off_peak_pricing"])
    if "standard" not in rates and unit_rates:
        yield Price(valid_from=micros(on), per_unit=unit_rates, source=source, checked=on, confidence="catalogue")


def _rates(row: dict[str, Any], provider: str, left_out: Counter[str]) -> Rates:
    found: Rates = {}
    for key, value in row.items():
        match = _KEY.match(key)
        if not match or match["name"] not in _CLASSES:
            continue
        rate = per_mtok(value)
        if rate is None or match["service"] not in _SERVICES:
            left_out[f"service {match['service']}" if rate is not None else "a price that is no number"] += 1
            continue
        threshold = int(match["k"] or 0) * 1000
        if threshold and provider not in AT_OR_ABOVE:
            threshold += 1
        found.setdefault(_SERVICES[match["service"]], {}).setdefault(threshold, {})[_CLASSES[match["name"]]] = rate
    for step in row.get("tiered_pricing") or ():
        start = int(step["range"][0]) if isinstance(step, dict) and step.get("range") else None
        if start is None:
            left_out["a tier without a range"] += 1
            continue
        tier = {_CLASSES[k]: r for k, v in step.items() if k in _CLASSES and (r := per_mtok(v)) is not None}
        found.setdefault("standard", {}).setdefault(start + 1 if start else 0, {}).update(tier)
    return found


def _unit_rates(row: dict[str, Any]) -> dict[UnitClass, Decimal]:
    found: dict[UnitClass, Decimal] = {}
    for key, (unit, modes) in _UNITS.items():
        rate = amount(row.get(key))
        if rate and (not modes or row.get("mode") in modes):
            found[unit] = rate
    # A reranker's "query" is a search unit: LiteLLM multiplies the rate by the units that the response bills.
    if row.get("mode") == "rerank" and (rate := amount(row.get("input_cost_per_query"))):
        found["search_unit"] = rate
    searches = row.get("search_context_cost_per_query")
    if isinstance(searches, dict) and (rate := amount(searches.get("search_context_size_medium"))):
        found["web_search"] = rate
    return found


def _multiplied(price: Price, row: dict[str, Any]) -> Iterator[Price]:
    """The entries that LiteLLM gives as factors: regions, and Anthropic's fast mode."""
    specific = row.get("provider_specific_entry")
    factors = dict(specific) if isinstance(specific, dict) else {}
    for region in ("us", "eu"):
        factors.setdefault(region, row.get(f"regional_processing_uplift_multiplier_{region}"))
    factors["regional"] = row.get("regional_endpoint_uplift_multiplier")
    for name, value in factors.items():
        factor = amount(value)
        if (
            factor is None
            or (name == "fast" and price.service != "standard")
            or name not in {"us", "eu", "regional", "fast"}
        ):
            continue
        changes: dict[str, Any] = {"service": "fast"} if name == "fast" else {"region": name}
        yield msgspec.structs.replace(
            price,
            rates=_times(price.rates, factor),
            tiers=tuple(
                Tier(from_input_tokens=t.from_input_tokens, rates=_times(t.rates, factor)) for t in price.tiers
            ),
            per_unit={},
            **changes,
        )


def _times(rates: dict[TokenClass, Decimal], factor: Decimal) -> dict[TokenClass, Decimal]:
    return {c: EXACT.multiply(r, factor) for c, r in rates.items()}


def _off_peak(price: Price, off_peak: dict[str, Any]) -> Iterator[Price]:
    windows = []
    for window in off_peak.get("windows") or ():
        hours = window["hours_utc"]
        days = tuple(_WEEKDAYS[int(day) - 1] for day in window.get("weekdays") or range(1, 8))
        for span in [hours] if isinstance(hours, str) else hours:
            start, end = (time.fromisoformat(part) for part in span.split("-"))
            windows.append(Window(days=days, start=start, end=end))
    rates = {_CLASSES[k]: r for k, v in off_peak.items() if k in _CLASSES and (r := per_mtok(v)) is not None}
    if windows and rates:
        yield msgspec.structs.replace(price, windows=tuple(windows), rates={**price.rates, **rates})


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
