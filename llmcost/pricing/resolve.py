"""From a model and a day to rates: the dated entry, tier, window and discounts that hold for one kind of request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache

from llmcost.money import EXACT, plain
from llmcost.pricing import units, windows
from llmcost.pricing.entries import (
    SERVICES,
    WEEKDAYS,
    BatchRule,
    CacheRule,
    Discount,
    ModelEntry,
    Price,
    TokenClass,
    UnitClass,
    Window,
    moment,
)
from llmcost.pricing.names import ModelRef
from llmcost.pricing.windows import WeekSpan

GEOGRAPHIES = {
    "us": "us", "eu": "eu", "europe": "eu", "asia": "apac", "ap": "apac", "eastus": "us", "eastus2": "us", "westus": "us", "westus2": "us",
    "westus3": "us", "centralus": "us", "northcentralus": "us", "southcentralus": "us", "westeurope": "eu", "northeurope": "eu",
    "swedencentral": "eu", "francecentral": "eu", "germanywestcentral": "eu",
}  # fmt: skip
"""First part of a host's region -> the geography whose rates apply where the region has none of its own."""


_HOST_REGION = re.compile(r"([a-z]+)(?:-gov)?-(?:central|north|south|(?:north|south)?(?:east|west))-?\d{1,2}")
_CONTINENTS = frozenset(
    {"us", "eu", "ap", "ca", "sa", "me", "af", "il", "mx", "cn", "europe", "asia", "australia", "northamerica", "southamerica", "africa"}
)  # fmt: skip


def is_host_region(region: str) -> bool:
    """Whether it is a geography, or looks like a region of a host in one."""
    shaped = _HOST_REGION.fullmatch(region)
    return region == "global" or region in GEOGRAPHIES or (shaped is not None and shaped[1] in _CONTINENTS)


@dataclass(frozen=True, slots=True)
class Unpriced:
    """No cost can be given, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rates:
    """What every class of one kind of request costs: exact, in USD, discounts included.

    ``per_mtok`` and ``per_unit`` hold listed classes only; ``billed_as`` says which class without a rate the provider
    bills as which other. ``discount`` is the factor inside the rates; ``list_per_mtok`` are the rates without it.
    """

    price_id: str
    per_mtok: Mapping[TokenClass, Decimal]
    per_unit: Mapping[UnitClass, Decimal]
    billed_as: Mapping[TokenClass, TokenClass]
    assumptions: tuple[str, ...]
    discount: Decimal
    list_per_mtok: Mapping[TokenClass, Decimal]
    entry: Price
    free: Mapping[UnitClass, str] = field(default_factory=dict)
    """What the provider gives away of a fee, in words. A share of a pool of many callers is no count of any log's."""
    list_per_unit: Mapping[UnitClass, Decimal] = field(default_factory=dict)
    """The fees without the discount."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a provider beside its models' entries."""

    batch: BatchRule | None = None
    discounts: tuple[Discount, ...] = ()
    tools: tuple[ModelEntry, ...] = ()
    """What the provider sells per call to any of its models."""


def rates(
    model: ModelRef,
    terms: Terms,
    *,
    at: int,
    service_tier: str | None,
    region: str | None,
    input_tokens: int | None,
    assumed: Iterable[str] = (),
) -> Rates | Unpriced:
    """The rates of ``model`` for a request of this kind, or why there are none."""
    service = service_tier or "standard"
    found = find_entry(model, service, model.region or region, at)
    if isinstance(found, Unpriced):
        return found
    entry, notes = found
    tier, tier_note = _tier_of(entry, input_tokens)
    listed = {**entry.rates, **tier[1]}
    factor = _discount(model, terms.discounts, service, at)
    fees, free = _call_fees(model, entry, terms.tools, at)
    unit_rates = fees | entry.per_unit
    assumptions = [*assumed, *([model.assumed] if model.assumed else []), *notes, *tier_note]
    if service_tier is None:
        assumptions.append("service tier unknown: standard assumed")
    if entry.announced:
        assumptions.append("announced price")
    return Rates(
        price_id=price_id(model, entry, tier[0], factor),
        per_mtok=listed if factor == 1 else {c: EXACT.multiply(r, factor) for c, r in listed.items()},
        per_unit=unit_rates if factor == 1 else {c: EXACT.multiply(r, factor) for c, r in unit_rates.items()},
        billed_as=_billed_as(model, entry, terms.batch, at),
        assumptions=tuple(dict.fromkeys(assumptions)),
        discount=factor,
        list_per_mtok=listed,
        entry=entry,
        free={**free, **entry.free},
        list_per_unit=unit_rates,
    )


def find_entry(model: ModelRef, service: str, region: str | None, at: int) -> tuple[Price, list[str]] | Unpriced:
    """The entry that holds, with what was assumed about the region; the order of entries decides nothing."""
    of_service = [p for p in model.entry.prices if p.service == service]
    if not of_service:
        return Unpriced(f"no {service} price" if service in SERVICES else f"unknown service tier {service!r}")
    holding = [p for p in of_service if p.holds(at) and (not p.windows or any(s.contains(at) for s in spans_of(p)))]
    for wanted in _regions(region):
        matching = [p for p in holding if p.region == wanted]
        if matching:
            return max(matching, key=_precedence), _region_notes(region, wanted, holding)
    if holding:
        where = f"in {region}" if region else "without a region: prices depend on it"
        return Unpriced(f"no {service} price {where}")
    return Unpriced("no price on that day" if service == "standard" else f"no {service} price on that day")


def cache_rule(model: ModelRef, at: int) -> CacheRule | None:
    """How the provider caches this model's prompts at an instant; None if nobody knows."""
    holding = [rule for rule in model.entry.cache if rule.valid_from <= at]
    return max(holding, key=lambda rule: rule.valid_from) if holding else None


def discounts_of(model: ModelRef, discounts: Iterable[Discount], service: str | None = None) -> list[Discount]:
    """The discounts that can apply to a model, at any time."""
    return [
        d
        for d in discounts
        if d.provider in {None, model.provider}
        and (service is None or d.service in {None, service})
        and fnmatchcase(model.model.lower(), d.model.lower())
    ]


def price_id(model: ModelRef, entry: Price, tier: int | None = None, factor: Decimal = Decimal(1)) -> str:
    """A stable name of what was charged: model, service, region, first day and, where they apply, window, tier, discount."""
    start = moment(entry.valid_from)
    parts = [
        model.key,
        entry.service,
        entry.region,
        start.date().isoformat() if start.timestamp() % 86_400 == 0 else start.strftime("%Y-%m-%dT%H%MZ"),
    ]
    if entry.windows:
        parts.append("+".join(_window_label(span) for span in spans_of(entry)))
    if tier is not None:
        parts.append(f"from{tier}")
    if entry.confidence == "user":
        parts.append("user")
    if factor != 1:
        parts.append(f"x{plain(factor)}")
    return ":".join(parts)


@lru_cache(maxsize=4096)
def _spans_of(price_windows: tuple[Window, ...]) -> tuple[WeekSpan, ...]:
    return windows.spans(price_windows)


def spans_of(entry: Price) -> tuple[WeekSpan, ...]:
    """The entry's windows as spans inside single days."""
    return _spans_of(entry.windows) if entry.windows else ()


def _precedence(entry: Price) -> tuple[bool, int, str]:
    return bool(entry.windows), entry.valid_from, str(sorted(entry.rates.items()))


def _regions(region: str | None) -> list[str]:
    if region is None:
        return ["global"]
    # GovCloud is a market of its own: 1.2 times the global rates where Bedrock's other regions have 1.1
    geography = (
        "us-gov" if region.startswith("us-gov") else GEOGRAPHIES.get(region) or GEOGRAPHIES.get(region.split("-")[0])
    )
    return list(dict.fromkeys([region, *([geography] if geography else []), "global"]))


def _region_notes(region: str | None, used: str, holding: list[Price]) -> list[str]:
    if region is None:
        return ["region unknown: global assumed"] if any(p.region != "global" for p in holding) else []
    return (
        [] if region == used or not any(p.region != "global" for p in holding) else [f"no {region} rates: {used} used"]
    )


def _tier_of(entry: Price, input_tokens: int | None) -> tuple[tuple[int | None, dict[TokenClass, Decimal]], list[str]]:
    if not entry.tiers:
        return (None, {}), []
    if input_tokens is None:
        return (None, {}), ["request size unknown: base tier assumed"]
    reached = [tier for tier in entry.tiers if tier.from_input_tokens <= input_tokens]
    if not reached:
        return (None, {}), []
    merged: dict[TokenClass, Decimal] = {}
    for tier in sorted(reached, key=lambda t: t.from_input_tokens):
        merged |= tier.rates
    return (max(t.from_input_tokens for t in reached), merged), []


def _call_fees(
    model: ModelRef, entry: Price, tools: Iterable[ModelEntry], at: int
) -> tuple[dict[UnitClass, Decimal], dict[UnitClass, str]]:
    """Fees per tool call, the same in every service and region: the model's own standard entry, else the tool's.

    With them what of each is free, in words.
    """
    fees: dict[UnitClass, Decimal] = {}
    free: dict[UnitClass, str] = {}
    for seller in (*tools, model.entry):
        for region in ("global", entry.region):
            holding = [
                p
                for p in seller.prices
                if p.service == "standard" and p.region == region and not p.windows and p.holds(at)
            ]
            if holding:
                found = max(holding, key=_precedence)
                fees |= {c: r for c, r in found.per_unit.items() if c in units.CALL_FEES}
                free |= found.free
    return fees, free


def _billed_as(model: ModelRef, entry: Price, batch: BatchRule | None, at: int) -> dict[TokenClass, TokenClass]:
    billed: dict[TokenClass, TokenClass] = {c: to for c, to in units.BILLED_AS.items() if c not in entry.rates}
    rule = cache_rule(model, at)
    if rule and rule.write_class == "input" and "cache_write_5m" not in entry.rates:
        billed["cache_write_5m"] = "input"
    if "cache_write_1h" not in entry.rates and "cache_write_24h" in entry.rates:
        billed["cache_write_1h"] = "cache_write_24h"  # the longest that the model sells: 12 hours at OpenAI (units.py)
    if entry.service == "batch" and batch and not batch.cache_reads and "cache_read" not in entry.rates:
        billed["cache_read"] = "input"
    return billed


def _discount(model: ModelRef, discounts: Iterable[Discount], service: str, at: int) -> Decimal:
    factor = Decimal(1)
    for d in discounts_of(model, discounts, service):
        if (d.valid_from is None or d.valid_from <= at) and (d.valid_to is None or at < d.valid_to):
            factor = EXACT.multiply(factor, d.factor)
    return factor


def _window_label(span: WeekSpan) -> str:
    day, minute = divmod(span.start, windows.DAY_MINUTES)
    end = span.end - day * windows.DAY_MINUTES
    return f"{WEEKDAYS[day]}{minute // 60:02}{minute % 60:02}-{end // 60:02}{end % 60:02}"
