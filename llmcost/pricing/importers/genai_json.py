"""genai-prices' ``data.json``: prices per million tokens, with start dates, hours of the day and request contexts.

https://github.com/pydantic/genai-prices, ``prices/data.json``, read at 0.2.3 (2026-11-10). Of the conditional prices of
a model the last that is active holds; a variant changes single keys for a batch, a service tier or the fast mode. An
entry without a start date holds "always" there, which would re-price the past: it is imported from the day of the import.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal, Inexact
from typing import Any, Final

from llmcost.money import EXACT
from llmcost.pricing.entries import WEEKDAYS, ModelEntry, Price, Service, Tier, TokenClass, UnitClass, Window, micros
from llmcost.pricing.importers.imported import Imported, amount
from llmcost.usage import names

_CLASSES: Final[dict[str, TokenClass]] = {
    "input_mtok": "input",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "audio_input",
    "cache_audio_read_mtok": "cache_read_audio",
    "output_audio_mtok": "audio_output",
    "input_image_mtok": "image_input",
    "output_image_mtok": "image_output",
    "input_video_mtok": "video_input",
}
_UNITS: Final[dict[str, tuple[UnitClass, int]]] = {
    "web_searches_kcount": ("web_search", 1000),
    "storage_searches_kcount": ("file_search", 1000),
    "requests_kcount": ("request", 1000),
    "input_document_kpages": ("page", 1000),
    "input_audio_hours": ("audio_input_second", 3600),
    "audio_hours": ("audio_input_second", 3600),
}
"""Key -> unit, and units per price. A price per hour that has no exact price per second is left out."""
_CONTEXTS: Final[dict[tuple[str, str], Service]] = {
    ("processing", "batch"): "batch",
    ("service_tier", "default"): "standard",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("speed", "fast"): "fast",
}


@dataclass(frozen=True, slots=True)
class _Conditional:
    start: date | None
    window: Window | None
    prices: dict[str, Any]


def is_form(data: Any) -> bool:
    """Whether parsed JSON looks like genai-prices' data."""
    rows = data.get("providers") if isinstance(data, dict) else data
    return isinstance(rows, list) and bool(rows) and isinstance(rows[0], dict) and "models" in rows[0]


def read(data: Any, source: str, on: date, providers: Collection[str] | None = None) -> Imported:
    """All models of the wanted providers."""
    left_out: Counter[str] = Counter()
    found: dict[str, tuple[ModelEntry, ...]] = {}
    for row in data["providers"] if isinstance(data, dict) else data:
        provider = names.provider(row["id"]) or row["id"]
        if providers is None or provider in providers:
            models = (_model(model, on, f"genai-prices ({source})", left_out) for model in row["models"])
            found[provider] = tuple(model for model in models if model.prices)
    return Imported(source, found, left_out)


def _model(row: dict[str, Any], on: date, source: str, left_out: Counter[str]) -> ModelEntry:
    aliases = tuple(name for name in dict.fromkeys(_equal_names(row.get("match") or {})) if name != row["id"])
    if "price_variants" in row:
        left_out["a variant for another context"] += sum(_service(v) is None for v in row["price_variants"] or ())
    prices = tuple(p for service in _services(row) for p in _prices(row, service, on, source, left_out))
    return ModelEntry(id=row["id"], aliases=aliases, context_window=row.get("context_window"), prices=prices)


def _equal_names(match: dict[str, Any]) -> Iterator[str]:
    """The exact names a match lists; its prefixes and substrings catch look-alikes and stay behind."""
    if isinstance(match.get("equals"), str):
        yield match["equals"]
    for part in match.get("or") or ():
        yield from _equal_names(part)


def _service(variant: dict[str, Any]) -> Service | None:
    when = list(variant["when"].items())
    return _CONTEXTS.get(when[0]) if len(when) == 1 else None


def _services(row: dict[str, Any]) -> list[Service]:
    variants = (_service(v) for v in row.get("price_variants") or ())
    return list(dict.fromkeys(["standard", *(s for s in variants if s)]))


def _prices(row: dict[str, Any], service: Service, on: date, source: str, left_out: Counter[str]) -> Iterator[Price]:
    """The entries that hold from ``on``: the standing one, its windows, and those that start later."""
    conditionals = _conditionals(row["prices"])
    variants = [v for v in row.get("price_variants") or () if _service(v) == service]
    starts = [start for v in variants if (start := _start(v.get("constraint")))]
    days = sorted({on, *(c.start for c in conditionals if c.start and c.start > on), *(s for s in starts if s > on)})
    for day in days:
        changed = [v for v in variants if (_start(v.get("constraint")) or day) <= day]
        if service != "standard" and not changed:
            continue
        for conditional in _active(conditionals, day):
            keys = dict(conditional.prices)
            for variant in reversed(changed):
                keys |= variant["prices"]
            price = _price(keys, service, day, source, left_out, conditional.window, announced=day > on)
            if price.rates or price.per_unit:
                yield price


def _conditionals(prices: Any) -> list[_Conditional]:
    if isinstance(prices, dict):
        return [_Conditional(None, None, prices)]
    return [_Conditional(_start(c.get("constraint")), _window(c.get("constraint")), c["prices"]) for c in prices]


def _active(conditionals: list[_Conditional], day: date) -> list[_Conditional]:
    """The last entry without hours that has begun, and the entries with hours that stand after it."""
    begun = [i for i, c in enumerate(conditionals) if c.window is None and (c.start is None or c.start <= day)]
    standing = begun[-1] if begun else 0
    return [c for i, c in enumerate(conditionals) if i == standing or (i > standing and c.window)]


def _start(constraint: dict[str, Any] | None) -> date | None:
    return date.fromisoformat(constraint["start_date"]) if constraint and "start_date" in constraint else None


def _window(constraint: dict[str, Any] | None) -> Window | None:
    if not constraint or "start_time" not in constraint:
        return None
    start, end = (time.fromisoformat(constraint[k]).replace(tzinfo=None) for k in ("start_time", "end_time"))
    return Window(days=WEEKDAYS, start=start, end=end)


def _price(
    keys: dict[str, Any],
    service: Service,
    day: date,
    source: str,
    left_out: Counter[str],
    window: Window | None,
    *,
    announced: bool,
) -> Price:
    rates: dict[TokenClass, Decimal] = {}
    tiers: dict[int, dict[TokenClass, Decimal]] = {}
    per_unit: dict[UnitClass, Decimal] = {}
    for key, value in keys.items():
        if value is None:
            continue
        base = amount(value.get("base") if isinstance(value, dict) else value)
        if base is not None and key in _CLASSES:
            rates[_CLASSES[key]] = base
            for step in value["tiers"] if isinstance(value, dict) else ():
                tiers.setdefault(int(step["start"]) + 1, {})[_CLASSES[key]] = amount(step["price"]) or Decimal(0)
        elif base is not None and key in _UNITS and (each := _per_unit(base, _UNITS[key][1])) is not None:
            per_unit[_UNITS[key][0]] = each
        else:
            left_out[key] += 1
    return Price(
        valid_from=micros(day), service=service, windows=(window,) if window else (), rates=rates, per_unit=per_unit,
        tiers=tuple(Tier(from_input_tokens=n, rates=r) for n, r in sorted(tiers.items())),
        announced=announced, source=source, checked=None, confidence="catalogue",
    )  # fmt: skip


def _per_unit(price: Decimal, units: int) -> Decimal | None:
    try:
        return EXACT.divide(price, Decimal(units))
    except Inexact:
        return None
