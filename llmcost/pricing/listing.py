"""The catalogue as rows to look at: what each model costs on a day, and what it would cost on the user's own mix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from llmcost.money import EXACT, MTOK
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.entries import Price
from llmcost.pricing.names import ModelRef
from llmcost.pricing.price import Charge, charge
from llmcost.pricing.resolve import Rates, Unpriced
from llmcost.pricing.units import Counts

PRICE_TIERS: Final[tuple[tuple[Decimal, str], ...]] = (
    (Decimal(8), "frontier"),
    (Decimal("2.5"), "high"),
    (Decimal("0.25"), "mid"),
)
"""Least price per million tokens, three parts input to one part output, of a price tier; below all of them: light."""


@dataclass(frozen=True, slots=True)
class Row:
    """One model on a day: its rates, or why it has none."""

    model: ModelRef
    rates: Rates | Unpriced
    tier: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Requests of one kind in the user's log: summed counters, and a total input count that tells the context tier."""

    counts: Counts
    input_tokens: int | None
    service_tier: str | None = None


@dataclass(frozen=True, slots=True)
class MixRow:
    """What a model would charge for the user's own mix.

    ``blended_per_mtok`` is cost over all tokens, in USD per million and rounded to 12 digits; ``spread`` is cost over
    the cheapest model's that is not free. A mix that the model cannot price in full has a reason instead.
    """

    model: ModelRef
    tier: str | None
    cost: Decimal | None
    blended_per_mtok: Decimal | None
    spread: Decimal | None
    reason: str | None = None


def select(catalogue: Catalogue, patterns: Sequence[str] = (), *, operation: str | None = None) -> list[ModelRef]:
    """Models whose ``provider/model`` matches any shell pattern (none: all), a bare provider standing for its models."""
    wanted = [p if "/" in p else f"{p}/*" for p in (pattern.lower() for pattern in patterns)] or ["*"]
    providers = [name for name in catalogue.providers() if any(fnmatchcase(name, p.partition("/")[0]) for p in wanted)]
    models = (model for name in providers for model in catalogue.models(name))
    return [
        m
        for m in models
        if operation in {None, m.entry.operation} and any(fnmatchcase(m.key.lower(), p) for p in wanted)
    ]


def rows(catalogue: Catalogue, models: Iterable[ModelRef], *, at: int, service_tier: str = "standard") -> list[Row]:
    """Each model's rates at an instant, for a small request."""
    found = ((m, catalogue.rates(m, at=at, service_tier=service_tier, input_tokens=0)) for m in models)
    return [Row(model, rates, price_tier(rates)) for model, rates in found]


def history(model: ModelRef) -> list[Price]:
    """All dated entries of a model, by service, region and day."""
    return sorted(model.entry.prices, key=lambda p: (p.service, p.region, p.valid_from, bool(p.windows)))


def price_tier(rates: Rates | Unpriced) -> str | None:
    """Frontier, high, mid or light, by list price; None without both token rates."""
    if isinstance(rates, Unpriced) or not {"input", "output"} <= rates.per_mtok.keys():
        return None
    blend = (3 * rates.per_mtok["input"] + rates.per_mtok["output"]) / 4
    return next((name for least, name in PRICE_TIERS if blend >= least), "light")


def mix(catalogue: Catalogue, models: Iterable[ModelRef], groups: Sequence[Group], *, at: int) -> list[MixRow]:
    """Every model's price on the same requests, cheapest first, those that cannot price them last.

    Token counts are taken as they are: another model's tokenizer may need more (``tokenizer_factor``).
    """
    tokens = Decimal(sum((g.counts.get("input_tokens") or 0) + (g.counts.get("output_tokens") or 0) for g in groups))
    priced = [(model, _cost(catalogue, model, groups, at)) for model in models]
    cheapest = min((cost for _, cost in priced if isinstance(cost, Decimal) and cost > 0), default=None)
    found = [_mix_row(catalogue, model, cost, tokens, cheapest, at) for model, cost in priced]
    return sorted(found, key=lambda r: (r.cost is None, r.cost or Decimal(0), r.model.key))


def _mix_row(
    catalogue: Catalogue, model: ModelRef, cost: Decimal | str, tokens: Decimal, cheapest: Decimal | None, at: int
) -> MixRow:
    tier = price_tier(catalogue.rates(model, at=at, service_tier="standard", input_tokens=0))
    if isinstance(cost, str):
        return MixRow(model, tier, None, None, None, cost)
    return MixRow(model, tier, cost, _ratio(EXACT.multiply(cost, MTOK), tokens), _ratio(cost, cheapest or Decimal(0)))


def _cost(catalogue: Catalogue, model: ModelRef, groups: Sequence[Group], at: int) -> Decimal | str:
    total = Decimal(0)
    for group in groups:
        rates = catalogue.rates(
            model, at=at, service_tier=group.service_tier or "standard", input_tokens=group.input_tokens
        )
        charged = charge(group.counts, rates) if isinstance(rates, Rates) else rates
        if not isinstance(charged, Charge):
            return charged.reason
        total = EXACT.add(total, charged.cost)
    return total


def _ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    return round(part / whole, 12) if whole else None
