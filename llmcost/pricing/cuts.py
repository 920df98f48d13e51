"""Where prices change: the instants, request sizes and weekly spans between which all rates stay the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llmcost.pricing.entries import Discount, Price
from llmcost.pricing.names import ModelRef
from llmcost.pricing.resolve import discounts_of, spans_of
from llmcost.pricing.windows import WeekSpan


@dataclass(frozen=True, slots=True)
class Part:
    """One entry's share: when it holds, from which input counts its rates change, in which spans it applies."""

    start: int | None
    end: int | None
    input_tokens: tuple[int, ...] = ()
    windows: tuple[WeekSpan, ...] = ()

    def overlaps(self, start: int, end: int) -> bool:
        """Whether the part can matter inside [start, end)."""
        return (self.start is None or self.start < end) and (self.end is None or start < self.end)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Rows on the same side of every cut, of the same model, service and region, have the same rates.

    An instant t divides before t from t on; an input count n divides below n from n on; a window divides inside from
    outside.
    """

    instants: tuple[int, ...]
    input_tokens: tuple[int, ...]
    windows: tuple[WeekSpan, ...]
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Cuts:
        """All cuts of the parts."""
        kept = tuple(parts)
        return cls(
            tuple(sorted({t for p in kept for t in (p.start, p.end) if t is not None})),
            tuple(sorted({n for p in kept for n in p.input_tokens})),
            tuple(sorted({w for p in kept for w in p.windows})),
            kept,
        )

    def restrict(self, start: int, end: int) -> Cuts:
        """The cuts that can divide rows with instants in [start, end)."""
        inside = Cuts.of(p for p in self.parts if p.overlaps(start, end))
        return Cuts(
            tuple(t for t in inside.instants if start < t < end), inside.input_tokens, inside.windows, inside.parts
        )


def cuts(models: Iterable[ModelRef], discounts: Iterable[Discount]) -> Cuts:
    """The cuts of all entries, cache rules and discounts of ``models``."""
    every = tuple(discounts)
    parts: set[Part] = set()
    for model in models:
        parts.update(_part(entry, model.entry.prices) for entry in model.entry.prices)
        parts.update(Part(rule.valid_from, None) for rule in model.entry.cache)
        parts.update(Part(d.valid_from, d.valid_to) for d in discounts_of(model, every))
    return Cuts.of(sorted(parts, key=repr))


def _part(entry: Price, siblings: Iterable[Price]) -> Part:
    """The entry's part; it ends where a later entry of the same service, region and windows takes over."""
    kind = (entry.service, entry.region, entry.windows)
    later = (
        p.valid_from
        for p in siblings
        if (p.service, p.region, p.windows) == kind and p.valid_from > entry.valid_from and p.valid_to is None
    )
    ends = [end for end in (entry.valid_to, min(later, default=None)) if end is not None]
    return Part(
        entry.valid_from, min(ends, default=None), tuple(t.from_input_tokens for t in entry.tiers), spans_of(entry)
    )
