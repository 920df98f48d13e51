"""Counts times rates: the only place where money is computed, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from llmcost.money import EXACT, ZERO, per_token
from llmcost.pricing.entries import TokenClass, UnitClass
from llmcost.pricing.resolve import Rates, Unpriced
from llmcost.pricing.units import FREE_WHERE_ABSENT, UNIT_COUNTERS, Counts

Quantity = int | Decimal


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """What one class of tokens or fee cost. ``unit_price`` is USD per token or unit; ``cost`` is the exact product."""

    token_class: TokenClass | UnitClass
    quantity: Quantity
    unit_price: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Charge:
    """An exact cost and the lines it consists of; lines of nothing are left out."""

    lines: tuple[ChargeLine, ...]
    cost: Decimal


def charge(counts: Counts, rates: Rates) -> Charge | Unpriced:
    """What ``counts`` cost at ``rates``, or the first reason why that is unknown.

    ``counts`` may be sums over any number of requests of the same kind: the cost is linear in them. A counter that is
    None or absent is unknown: for all input or output tokens that makes the cost unknown wherever the class has a
    rate; of a finer counter (cached, audio ..) the coarser one prices the tokens.
    """
    leaves = token_leaves(counts, rates)
    if isinstance(leaves, Unpriced):
        return leaves
    lines: list[ChargeLine] = []
    for token_class, quantity in leaves.items():
        rate = (
            rates.per_mtok.get(rates.billed_as.get(token_class, token_class))
            if token_class not in rates.per_mtok
            else rates.per_mtok[token_class]
        )
        if rate is None:
            return Unpriced(f"no {token_class} rate")
        lines.append(_line(token_class, quantity, per_token(rate)))
    for unit, counter in UNIT_COUNTERS.items():
        quantity = counts.get(counter) or 0
        if not quantity or (unit in FREE_WHERE_ABSENT and unit not in rates.per_unit):
            continue
        if unit not in rates.per_unit:
            return Unpriced(f"no {unit} rate")
        lines.append(_line(unit, quantity, rates.per_unit[unit]))
    cost = ZERO
    for line in lines:
        cost = EXACT.add(cost, line.cost)
    return Charge(tuple(lines), cost)


def token_leaves(counts: Counts, rates: Rates) -> dict[TokenClass, Quantity] | Unpriced:
    """Every token in exactly one class, by subtraction; classes without tokens are left out.

    A finer class is split off only where ``rates`` list it or bill it apart; what they bill as input or output stays
    there, so that overlaps nobody prices (an image that was read from the cache) contradict nothing.
    """
    total_in, total_out = counts.get("input_tokens"), counts.get("output_tokens")
    if total_in is None and "input" in rates.per_mtok:
        return Unpriced("input tokens unknown")
    if total_out is None and "output" in rates.per_mtok:
        return Unpriced("output tokens unknown")

    def count(name: str) -> Quantity:
        return counts.get(name) or 0

    def apart(token_class: TokenClass, name: str) -> Quantity:
        merged = token_class not in rates.per_mtok and rates.billed_as.get(token_class) in {"input", "output"}
        return 0 if merged else count(name)

    cached_audio = count("cache_read_audio_tokens")
    written_1h = count("cache_creation_1h_input_tokens")
    leaves: dict[TokenClass, Quantity] = {
        "cache_read": count("cache_read_input_tokens") - cached_audio,
        "cache_read_audio": cached_audio,
        "cache_write_5m": count("cache_creation_input_tokens") - written_1h,
        "cache_write_1h": written_1h,
        "audio_input": count("input_audio_tokens") - cached_audio,
        "image_input": apart("image_input", "input_image_tokens"),
        "video_input": apart("video_input", "input_video_tokens"),
    }
    out: dict[TokenClass, Quantity] = {
        "reasoning": apart("reasoning", "reasoning_output_tokens"),
        "audio_output": count("output_audio_tokens"),
        "image_output": count("output_image_tokens"),
    }
    every: dict[TokenClass, Quantity] = {
        "input": (total_in or 0) - sum(leaves.values()),
        **leaves,
        "output": (total_out or 0) - sum(out.values()),
        **out,
    }
    contradictory = next((name for name, quantity in every.items() if quantity < 0), None)
    if contradictory:
        return Unpriced(f"counts contradict each other: {contradictory} would be negative")
    return {name: quantity for name, quantity in every.items() if quantity}


def _line(token_class: TokenClass | UnitClass, quantity: Quantity, unit_price: Decimal) -> ChargeLine:
    return ChargeLine(token_class, quantity, unit_price, EXACT.multiply(Decimal(quantity), unit_price))
