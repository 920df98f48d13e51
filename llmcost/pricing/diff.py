"""What an imported catalogue says otherwise than ours, on one day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.entries import ModelEntry
from llmcost.pricing.importers.imported import Imported
from llmcost.pricing.names import ModelRef
from llmcost.pricing.resolve import Rates, Terms, Unpriced, rates, spans_of
from llmcost.pricing.windows import WEEK_MINUTES, minute_of_week

Kind = Literal["rate differs", "rate is new", "rate is not theirs", "service is new", "model is new"]
_MINUTE: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One rate on which the catalogues differ. ``item`` is a token class or unit; ``from_input_tokens`` a context tier."""

    kind: Kind
    provider: str
    model: str
    service: str = "standard"
    region: str = "global"
    item: str | None = None
    from_input_tokens: int | None = None
    ours: Decimal | None = None
    theirs: Decimal | None = None
    when: str | None = None


def diff(catalogue: Catalogue, imported: Imported, *, at: int) -> list[Difference]:
    """Every difference at an instant (and, where hours matter, in the week after it); the same one once, with its first time."""
    found: dict[Difference, Difference] = {}
    for provider, models in sorted(imported.models.items()):
        for entry in models:
            for difference in _model(catalogue, ModelRef(provider, entry.id, entry=entry), at):
                found.setdefault(replace(difference, when=None), difference)
    return list(found.values())


def _model(catalogue: Catalogue, theirs: ModelRef, at: int) -> Iterator[Difference]:
    ours = catalogue.resolve(theirs.provider, theirs.model, at)
    if ours is None:
        yield Difference("model is new", theirs.provider, theirs.model)
        return
    kinds = sorted({(p.service, p.region) for p in theirs.entry.prices})
    for service, region in kinds:
        sizes = sorted({0, *_thresholds(ours.entry, service), *_thresholds(theirs.entry, service)})
        for instant in _instants(ours, theirs, at):
            for size in sizes:
                if size and not (theirs.entry.context_window is None or size <= theirs.entry.context_window):
                    continue
                mine = catalogue.rates(ours, at=instant, service_tier=service, region=region, input_tokens=size)
                other = rates(theirs, Terms(), at=instant, service_tier=service, region=region, input_tokens=size)
                when = f"minute {minute_of_week(instant)} of the week" if instant != at else None
                place = Difference(
                    "service is new", ours.provider, ours.model, service, region, None, size or None, when=when
                )
                yield from _rates(place, mine, other)


def _rates(place: Difference, ours: Rates | Unpriced, theirs: Rates | Unpriced) -> Iterator[Difference]:
    if isinstance(theirs, Unpriced):
        return
    if isinstance(ours, Unpriced) or (place.region != "global" and ours.entry.region == "global"):
        yield place
        return
    mine, other = _by_item(ours), _by_item(theirs)
    for item in sorted(mine.keys() | other.keys()):
        if mine.get(item) == other.get(item):
            continue
        kind: Kind = (
            "rate is new" if item not in mine else "rate is not theirs" if item not in other else "rate differs"
        )
        yield Difference(
            kind,
            place.provider,
            place.model,
            place.service,
            place.region,
            item,
            place.from_input_tokens,
            mine.get(item),
            other.get(item),
            place.when,
        )


def _by_item(found: Rates) -> dict[str, Decimal]:
    return {str(item): rate for item, rate in (*found.list_per_mtok.items(), *found.per_unit.items())}


def _thresholds(entry: ModelEntry, service: str) -> set[int]:
    return {t.from_input_tokens for p in entry.prices if p.service == service for t in p.tiers}


def _instants(ours: ModelRef, theirs: ModelRef, at: int) -> list[int]:
    """``at``, and the first minute of every weekly span after it where prices depend on the hour."""
    starts = {
        edge
        for ref in (ours, theirs)
        for p in ref.entry.prices
        for span in spans_of(p)
        for edge in (span.start, span.end % WEEK_MINUTES)
    }
    now = minute_of_week(at)
    return [at, *sorted(at - at % _MINUTE + ((start - now) % WEEK_MINUTES) * _MINUTE for start in starts)]
