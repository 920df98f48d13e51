"""What each price group charges, as lines that rows are multiplied by: exact unit prices and the split of the counters.

Nothing is priced here: classes, quantities' weights and unit prices are those of :mod:`llmcost.pricing`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, per_token, plain
from llmcost.pricing.names import ModelRef
from llmcost.pricing.price import Charge, ChargeLine, assumes_one, weights
from llmcost.pricing.resolve import Rates, Unpriced
from llmcost.pricing.table import Group
from llmcost.pricing.units import UNIT_COUNTERS

SELLERS: Final = {
    "openai": "OpenAI", "anthropic": "Anthropic", "google": "Google", "vertex_ai": "Google Cloud", "azure": "Microsoft Azure",
    "bedrock": "Amazon Web Services", "mistral": "Mistral AI", "xai": "xAI", "deepseek": "DeepSeek", "cohere": "Cohere",
    "groq": "Groq", "cerebras": "Cerebras", "openrouter": "OpenRouter", "perplexity": "Perplexity",
}  # fmt: skip
"""Providers as they call themselves on invoices; others stand under their own name."""
SERVICES: Final = {
    "vertex_ai": "Vertex AI", "azure": "Azure OpenAI Service", "bedrock": "Amazon Bedrock", "google": "Gemini API",
}  # fmt: skip
_UNITS: Final = {
    "request": "Requests", "web_search": "Searches", "file_search": "Searches", "code_session": "Sessions",
    "search_unit": "Searches", "page": "Pages", "image": "Images", "character": "Characters",
}  # fmt: skip
TIMED: Final = frozenset({"input_audio_seconds", "output_audio_seconds", "input_video_seconds"})
"""Counters that are no whole numbers; they are charged in the smallest unit of time that makes them whole."""
TIME_UNITS: Final = {0: "Seconds", 3: "Milliseconds", 6: "Microseconds", 9: "Nanoseconds"}
_FEES: Final[Mapping[str, str]] = {str(unit): counter for unit, counter in UNIT_COUNTERS.items()}
_CACHE_READS: Final = {"cache_read": "Read", "cache_read_audio": "Read"}


@dataclass(frozen=True, slots=True)
class Line:
    """One class of tokens or fee of a group. ``weights`` of counters give a row's quantity; None: the cost is unknown."""

    group: int
    number: int
    token_class: str | None
    weights: Mapping[str, int] = field(default_factory=dict)
    list_price: Decimal | None = None
    contracted_price: Decimal | None = None
    unit: str | None = None
    sku: str | None = None
    sku_price: str | None = None
    meter: str | None = None
    details: str | None = None
    description: str = ""
    pricing_category: str | None = None
    recorded: bool = False
    """The line of a recorded amount for rows of which nothing is counted; its weights tell whether that is so."""


def lines_of(groups: Sequence[Group], models: Sequence[ModelRef | None], time_digits: int) -> list[Line]:
    """The lines of every group that somebody pays for, in the order of the groups and of their charges.

    Seconds are counted in units of 10 to the minus ``time_digits`` seconds.
    """
    found: list[Line] = []
    for number, group in enumerate(groups):
        if isinstance(group.charge, Unpriced):
            found.append(Line(number, 0, None, description=f"cost unknown: {group.charge.reason}"))
        elif isinstance(group.charge, Charge) and group.rates is not None and group.model is not None:
            model = models[group.model]
            if model is not None:
                split = weights(group.rates)
                for place, line in enumerate(group.charge.lines):
                    found.append(_line(number, place, line, group, group.rates, model, split, time_digits))
    return found


def _line(
    number: int,
    place: int,
    line: ChargeLine,
    group: Group,
    rates: Rates,
    model: ModelRef,
    split: Mapping[str, Mapping[str, int]],
    time_digits: int,
) -> Line:
    listed, each = _list_price(line, rates), line.unit_price
    name = str(line.token_class)
    counter = _FEES.get(name)
    if counter is None:
        counters, unit, what = split[name], "Tokens", f"{name.replace('_', ' ')} tokens"
    else:
        counters = {"requests" if assumes_one(line.token_class, group.counts, rates) else counter: 1}  # type: ignore[arg-type]  # its counter says that it is a unit fee
        unit, what = _UNITS.get(name, "Units"), name.replace("_", " ")
        if counter in TIMED:
            unit, step = TIME_UNITS[time_digits], Decimal(1).scaleb(-time_digits)
            listed, each = EXACT.multiply(listed, step), EXACT.multiply(each, step)
    return Line(
        group=number,
        number=place,
        token_class=name,
        weights=counters,
        list_price=listed,
        contracted_price=each,
        unit=unit,
        sku=f"{model.key}:{name}",
        sku_price=f"{_undiscounted(rates)}:{name}",
        meter=what.capitalize(),
        details=_details(name, rates, model),
        description=f"{model.model} {what}, {rates.entry.service}",
        pricing_category="Dynamic" if rates.entry.windows else "Standard",
    )


def _list_price(line: ChargeLine, rates: Rates) -> Decimal:
    """USD for one token or unit before discounts."""
    name = str(line.token_class)
    fees: dict[str, Decimal] = {str(unit): price for unit, price in rates.list_per_unit.items()}
    if name in fees:
        return fees[name]
    listed: dict[str, Decimal] = {str(each): rate for each, rate in rates.list_per_mtok.items()}
    billed_as = {str(each): str(other) for each, other in rates.billed_as.items()}
    return per_token(listed[name] if name in listed else listed[billed_as[name]])


def _undiscounted(rates: Rates) -> str:
    """The price's name without what was negotiated: it stays the same across contracts."""
    return rates.price_id if rates.discount == 1 else rates.price_id.rpartition(":x")[0]


def _details(name: str, rates: Rates, model: ModelRef) -> str:
    """SkuPriceDetails: keys of our own until FOCUS 1.5 (a draft) names those of models and token caches."""
    action = _CACHE_READS.get(name, "Write" if name.startswith("cache_write") else "None")
    output = name in {"output", "reasoning"} or name.endswith("_output")
    found = {
        "x_ModelId": model.model,
        "x_ModelProvider": model.provider,
        "x_PriceRegion": rates.entry.region,
        "x_ServiceTier": rates.entry.service,
        "x_TokenClass": name,
        "x_TokenCacheAction": action,
        "x_TokenDirection": "Output" if output else "Input",
    }
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def places_of(prices: Iterable[Decimal]) -> tuple[int, int]:
    """(digits before the point, places behind it) that all prices need."""
    whole, places = 1, 0
    for price in prices:
        left, _, right = plain(price).partition(".")
        whole, places = max(whole, len(left)), max(places, len(right))
    return whole, places
