"""Which rows could be served in another service tier: what the catalogue sells for their model, region and day.

A row fits an offer when every counter it has is priced there and the offer takes prompts of its size: an entry without
long-context tiers, beside a standard entry that has them, refuses prompts from the first of those on (priority
refuses long context: https://developers.openai.com/api/docs/guides/priority-processing, 2026-11-23). Rows that fit no
offer stay where they are, for their caller to count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Final, Literal

import ibis
import ibis.expr.types as ir

from llmcost.pricing.entries import TokenClass
from llmcost.pricing.names import ModelRef
from llmcost.pricing.resolve import Rates
from llmcost.workload.contract import Stage

Service = Literal["standard", "batch", "flex", "priority", "fast"]
_COUNTERS: Final[dict[TokenClass, str]] = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write_5m": "cache_creation_input_tokens",
    "cache_write_1h": "cache_creation_1h_input_tokens",
    "audio_input": "input_audio_tokens",
    "cache_read_audio": "cache_read_audio_tokens",
    "audio_output": "output_audio_tokens",
    "image_output": "output_image_tokens",
}
"""Token class -> the counter that needs a rate of it."""


@dataclass(frozen=True)
class Offer:
    """A tier of one model in one region between two instants (None: no limit on that side)."""

    model: int
    region: str | None
    start: int | None
    end: int | None
    lacks: frozenset[str]
    """Counters that the offer has no rate for."""
    below: int | None
    """Inputs from this many tokens on are refused."""


@dataclass(frozen=True)
class Offers:
    """Everything that is for sale in one tier for the models and regions of a workload."""

    service: Service
    offers: tuple[Offer, ...]

    def take(self, rows: ir.Table, converted: frozenset[str] = frozenset()) -> ir.BooleanValue:
        """Rows that the tier would take; counters in ``converted`` may lack a rate, the caller rewrites them."""
        return self._any(rows, self.offers, converted)

    def lacking(self, rows: ir.Table, counter: str) -> ir.BooleanValue:
        """Rows whose offer has no rate for ``counter``."""
        open_offers = (replace(o, lacks=frozenset(), below=None) for o in self.offers if counter in o.lacks)
        return self._any(rows, tuple(open_offers), frozenset())

    def _any(self, rows: ir.Table, offers: Iterable[Offer], converted: frozenset[str]) -> ir.BooleanValue:
        alike: dict[Offer, list[int]] = {}
        for o in offers:
            alike.setdefault(replace(o, model=-1, lacks=o.lacks - converted), []).append(o.model)
        found = [_holds(rows, offer, models) for offer, models in alike.items()]
        return reduce(lambda a, b: a | b, found) if found else ibis.literal(False)


def _holds(rows: ir.Table, offer: Offer, models: list[int]) -> ir.BooleanValue:
    found = rows.model.isin(sorted(models))
    found &= rows.region.isnull() if offer.region is None else (rows.region == offer.region).fill_null(False)
    if offer.start is not None:
        found &= rows.priced_at >= offer.start
    if offer.end is not None:
        found &= rows.priced_at < offer.end
    if offer.below is not None:
        found &= (rows.input_tokens < offer.below).fill_null(False)
    # A counter that no row of the log knows is no column here.
    for counter in sorted(offer.lacks & set(rows.columns)):
        found &= rows[counter].fill_null(0) == 0
    return found


def offers(rows: ir.Table, stage: Stage, service: Service) -> Offers:
    """What is for sale in ``service`` for the models and regions of the selected rows."""
    models = {number: model for number, model, _, _ in stage.models() if model is not None}
    met = stage.collect(rows.filter(rows.selected).select("model", "region").distinct()).to_pylist()
    pairs = sorted(((m["model"], m["region"]) for m in met if m["model"] in models), key=str)
    return Offers(
        service, tuple(o for number, region in pairs for o in _of(stage, number, models[number], region, service))
    )


def _of(stage: Stage, number: int, model: ModelRef, region: str | None, service: Service) -> Iterator[Offer]:
    """The model's offers in time order; neighbours that differ in nothing are one."""
    edges: set[int] = set()
    for price in model.entry.prices:
        edges |= {instant for instant in (price.valid_from, price.valid_to) if instant is not None}
    ordered = sorted(edges)
    last: Offer | None = None
    for start, end in zip(ordered, [*ordered[1:], None], strict=True):
        offer = _between(stage, number, model, region, service, start, end)
        if last is not None and offer is not None and (last.lacks, last.below) == (offer.lacks, offer.below):
            last = replace(last, end=end)
            continue
        if last is not None:
            yield last
        last = offer
    if last is not None:
        yield last


def _between(
    stage: Stage, number: int, model: ModelRef, region: str | None, service: Service, start: int, end: int | None
) -> Offer | None:
    found = stage.catalogue.rates(model, at=start, service_tier=service, region=region)
    if not isinstance(found, Rates):
        return None
    lacks = {c for name, c in _COUNTERS.items() if name not in found.per_mtok and name not in found.billed_as}
    plain = stage.catalogue.rates(model, at=start, service_tier="standard", region=region)
    sizes = [t.from_input_tokens for t in plain.entry.tiers] if isinstance(plain, Rates) else []
    refused = min(sizes) if sizes and not found.entry.tiers and service not in {"standard", "batch"} else None
    return Offer(number, region, start, end, frozenset(lacks), refused)
