"""Why list and bill differ: each hypothesis is a sum. A cause is named only where its sum is the billed amount.

A cell's usage is priced again as if it had been sent in a batch, in another region, without a cache .. and the result
held against the bill. It must agree to ``TOLERANCE`` of the amount, or to the rounding of the bill's own lines; where
several agree, the closest is named and the others beside it. What no sum proves is ``unexplained``; where something
could make the difference in part (a share sent as batch, requests without a price), it is said as a suspicion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from llmcost.money import EXACT, ZERO, plain, rounded
from llmcost.pricing.entries import SERVICES
from llmcost.pricing.names import ModelRef
from llmcost.pricing.price import Charge
from llmcost.pricing.resolve import Unpriced
from llmcost.pricing.table import Group
from llmcost.results.period import moment
from llmcost.results.present import counted, percent
from llmcost.results.priced import Priced, add
from llmcost.results.reconcile.cells import Cell, Sums, merged
from llmcost.results.reconcile.model import Certainty

TOLERANCE: Final = Decimal("0.001")
_NOISE: Final = Decimal("1e-6")
"""Providers and gateways add up amounts as binary fractions, or round each call's: that much is nobody's gap."""
_SOME: Final = Decimal("0.01")
"""A share that is sent otherwise is suspected from here on."""
_MULTIPLES: Final = (2, 3)
_HUGE: Final = 10**9
"""Input tokens that reach every context tier."""
_QUANTITIES: Final = {
    "tokens": Decimal(1),
    "token": Decimal(1),
    "1000_tokens": Decimal(1000),
    "1000 tokens": Decimal(1000),
    "1k tokens": Decimal(1000),
    "1m tokens": Decimal(10**6),
    "1000000 tokens": Decimal(10**6),
}
"""Units of a bill's quantity -> tokens; FOCUS writes "1000 Tokens" (specification 1.2, ``attributes/unit_format.md``)."""
_CACHE: Final = (
    "cache_read_input_tokens",
    "cache_read_audio_tokens",
    "cache_creation_input_tokens",
    "cache_creation_1h_input_tokens",
)
Change = Callable[[Sums], Sums]


@dataclass
class Found:
    """The cause of one cell's gap."""

    cause: str
    certainty: Certainty
    detail: str
    expected: Decimal | None = None
    also: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Try:
    cause: str
    detail: str
    change: Change


def dollars(value: Decimal) -> str:
    """Dollars to a thousandth of a cent: amounts that are said to be equal are shown as far as they are."""
    return f"${plain(rounded(value, 6))}"


def tolerated(cell: Cell) -> Decimal:
    """How far from the billed amount a cause may end."""
    return max(cell.rounding, EXACT.multiply(abs(cell.billed), TOLERANCE))


class Causes:
    """Asks the price list what else a cell's usage could have cost."""

    def __init__(self, priced: Priced) -> None:
        self.priced = priced

    def of(self, cell: Cell) -> Found:
        """The cause of a cell's gap, seen alone."""
        plain = self._plain(cell)
        if plain:
            return plain
        found = self._counted(cell)
        fits = sorted(self._fits(cell), key=lambda fit: fit[0])
        if found:
            found.also = list(dict.fromkeys(fit[1].cause for fit in fits))
            return found
        if fits:
            _, best, cost = fits[0]
            also = dict.fromkeys(f"{fit[1].cause}: {fit[1].detail}" for fit in fits[1:] if fit[1].cause != best.cause)
            return Found(best.cause, "explained", f"{best.detail} it costs {dollars(cost)}", cost, list(also))
        return self._suspected(cell)

    def _plain(self, cell: Cell) -> Found | None:
        """What the two amounts say by themselves."""
        cost = cell.list_cost
        if cell.gap == 0 and not cell.unpriced:
            return Found("none", "exact", "list and billed are equal to the last digit", cost)
        if cost is None and not cell.unpriced:
            return Found("missing usage", "explained", "billed, and the log has no usage here", cell.billed)
        if cost is None:
            requests = counted(cell.unpriced, "request")
            return Found("unpriced", "explained", f"{requests}, and no price for any of them")
        if cell.of_bill and not cell.lines:
            return Found(
                "missing from the bill", "explained", "the log has usage, and no line of the bill is for it", ZERO
            )
        if cell.lines and not any(line.usd for line in cell.lines):
            return Found("free allowance", "explained", "the bill has lines for it, and they charge nothing", ZERO)
        return None if cell.unpriced else _rounded(cell)

    def _counted(self, cell: Cell) -> Found | None:
        """Where the bill says its quantities: what they cost at list prices is the amount, so the quantities differ."""
        prices = _unit_prices(cell.groups)
        expected, billed, logged = ZERO, ZERO, ZERO
        for line in cell.lines:
            size, price = _QUANTITIES.get((line.quantity_unit or "").lower()), prices.get(line.token_class or "")
            if line.quantity is None or size is None or price is None:
                return None
            quantity = EXACT.multiply(line.quantity, size)
            billed = EXACT.add(billed, quantity)
            expected = EXACT.add(expected, EXACT.multiply(quantity, price))
        if not cell.lines or abs(EXACT.subtract(expected, cell.billed)) > tolerated(cell):
            return None
        logged = add(_quantities(cell.groups).values())
        detail = f"the bill counts {_number(billed)} tokens, the log {_number(logged)}; the bill's cost {dollars(expected)} at list prices"
        if billed > logged:
            return Found("missing usage", "explained", detail, expected)
        twice = next((n for n in _MULTIPLES if abs(logged - n * billed) <= n * billed * TOLERANCE), None)
        return Found("counted twice" if twice else "usage not billed", "explained", detail, expected)

    def _fits(self, cell: Cell) -> Iterator[tuple[Decimal, _Try, Decimal]]:
        """Every hypothesis whose sum is the billed amount, with how far off it is."""
        base, within = cell.list_cost or ZERO, tolerated(cell)
        for attempt in self._tries(cell):
            cost = self._cost(cell, attempt.change)
            off = abs(EXACT.subtract(cost, cell.billed))
            if off <= within and abs(EXACT.subtract(cost, base)) > within:
                yield off, attempt, cost
        for times in _MULTIPLES:
            cost = rounded(base / times, 12)
            if abs(cost - cell.billed) <= within:
                yield abs(cost - cell.billed), _Try("counted twice", f"counted {times} times: once", dict), cost

    def _cost(self, cell: Cell, change: Change) -> Decimal:
        """The cell's cost after a change; usage that the change leaves without a price keeps its own."""
        before = merged(part.row for part in cell.used)
        after = self.priced.price([change(row) for row in before])
        own = self.priced.price(before)
        pairs = zip(after, own, strict=True)
        return add(new.cost if not isinstance(new.charge, Unpriced) else old.cost for new, old in pairs)

    def _tries(self, cell: Cell) -> Iterator[_Try]:
        numbers = sorted({row.row["model"] for row in cell.used if row.row["model"] is not None})
        yield from self._repriced(cell, numbers, "")
        if len(numbers) > 1:
            for number in numbers:
                named = self.priced.engine.names[number]
                label = named[2].key if named[2] else named[1]
                for attempt in self._repriced(cell, [number], f"{label} "):
                    yield _Try(attempt.cause, attempt.detail, _only(number, attempt.change))

    def _repriced(self, cell: Cell, numbers: Sequence[int], which: str) -> Iterator[_Try]:
        tiers = {part.row["service_tier"] or "standard" for part in cell.used}
        for tier in SERVICES:
            if tiers != {tier}:
                cause = "batch discount" if tier == "batch" else "service tier"
                yield _Try(cause, f"{which}at {tier} prices", _with(service_tier=tier))
        models = [model for number in numbers if (model := self.priced.engine.models[number])]
        for region in sorted({price.region for model in models for price in model.entry.prices}):
            yield _Try("region or residency", f"{which}at prices for {region}", _with(region=region))
        yield _Try("cache", f"{which}with all input at the uncached price", _uncached)
        yield _Try("cache", f"{which}with cache writes kept for an hour", _hour_writes)
        yield _Try("context tier", f"{which}at long-context prices", _with(size=-1, least=_HUGE))
        for instant, day in self._days(models):
            yield _Try("price of another day", f"{which}at the prices of {day}", _with(period=None, at=instant))

    def _days(self, models: Sequence[ModelRef]) -> Iterator[tuple[int, str]]:
        for instant in self.priced.engine.catalogue.cuts(models).instants if models else ():
            for at in (instant - 1, instant):
                if at > 0:
                    yield at, moment(at).date().isoformat()

    def _suspected(self, cell: Cell) -> Found:
        """What could make the difference, though no sum proves it."""
        gap, cost = cell.gap, cell.list_cost or ZERO
        if gap > 0 and cell.unpriced:
            detail = f"{counted(cell.unpriced, 'request')} of these days {'has' if cell.unpriced == 1 else 'have'} no price: the gap may be theirs"
            return Found("unpriced", "suspected", detail)
        if gap < 0:
            batch = self._cost(cell, _with(service_tier="batch"))
            share = rounded((cost - cell.billed) / (cost - batch), 12) if batch < cost else ZERO
            if _SOME <= share < 1:
                return Found(
                    "batch discount",
                    "suspected",
                    f"{percent(share)} of it at batch prices would cost the billed amount",
                )
        detail = "billed more than the log's usage costs in any way that was tried" if gap > 0 else (
            "billed less than the log's usage costs in any way that was tried"
        )  # fmt: skip
        return Found("unexplained", "none", detail)


def _rounded(cell: Cell) -> Found | None:
    if abs(cell.gap) <= cell.rounding:
        detail = f"the bill's own digits hide up to {dollars(cell.rounding)}"
        return Found("rounding", "explained", detail, cell.list_cost)
    if abs(cell.gap) <= abs(cell.billed) * _NOISE:
        return Found("rounding", "explained", "less than a millionth of the amount", cell.list_cost)
    return None


def _with(**values: Any) -> Change:
    return lambda row: {**row, **values}


def _only(number: int, change: Change) -> Change:
    return lambda row: change(row) if row["model"] == number else row


def _uncached(row: Sums) -> Sums:
    return {**row, **{name: 0 for name in _CACHE if name in row}}


def _hour_writes(row: Sums) -> Sums:
    written = row.get("cache_creation_input_tokens")
    return {**row, "cache_creation_1h_input_tokens": written} if written else row


def _unit_prices(groups: Sequence[Group]) -> dict[str, Decimal]:
    """Dollars of one token of each class, where all usage of the cell pays the same."""
    found: dict[str, set[Decimal]] = {}
    for group in groups:
        if isinstance(group.charge, Charge):
            for line in group.charge.lines:
                found.setdefault(line.token_class, set()).add(line.unit_price)
    return {name: next(iter(prices)) for name, prices in found.items() if len(prices) == 1}


def _quantities(groups: Sequence[Group]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = {}
    for group in groups:
        if isinstance(group.charge, Charge):
            for line in group.charge.lines:
                found[line.token_class] = EXACT.add(found.get(line.token_class, ZERO), Decimal(line.quantity))
    return found


def _number(value: Decimal) -> str:
    return f"{value:,.0f}"
