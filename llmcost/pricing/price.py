"""Counts times rates: the only place where money is computed, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from llmcost.money import EXACT, ZERO, per_token
from llmcost.pricing.entries import TokenClass, UnitClass
from llmcost.pricing.resolve import Rates, Unpriced
from llmcost.pricing.units import CALL_FEES, FREE_WHERE_ABSENT, ONE_A_REQUEST, PAID_BY_TOKENS, UNIT_COUNTERS, Counts

Quantity = int | Decimal
TOKEN_COUNTERS: Final = (
    "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens",
    "input_audio_tokens", "cache_read_audio_tokens", "input_image_tokens", "input_video_tokens", "output_tokens",
    "reasoning_output_tokens", "output_audio_tokens", "output_image_tokens",
)  # fmt: skip
"""Counters of tokens."""


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
    fees = unit_fees(counts, rates)
    if isinstance(fees, Unpriced):
        return fees
    lines += (_line(unit, quantity, rates.per_unit[unit]) for unit, quantity in fees.items())
    cost = ZERO
    for line in lines:
        cost = EXACT.add(cost, line.cost)
    return Charge(tuple(lines), cost)


def unit_fees(counts: Counts, rates: Rates) -> dict[UnitClass, Quantity] | Unpriced:
    """What is billed by the unit, beside the tokens or instead of them; units of nothing are left out."""
    fees: dict[UnitClass, Quantity] = {}
    for unit, counter in UNIT_COUNTERS.items():
        quantity = counts.get("requests" if assumes_one(unit, counts, rates) else counter) or 0
        listed = unit in rates.per_unit
        if not quantity or (unit in FREE_WHERE_ABSENT and not listed) or _by_tokens(unit, counts, rates):
            continue
        if not listed:
            return Unpriced(f"no {unit} rate")
        fees[unit] = quantity
    if not any(rates.per_mtok.values()) and not fees:
        # Nothing but units is sold: where the log counts none of them, the cost is unknown, not zero.
        sold = [c for unit, c in UNIT_COUNTERS.items() if rates.per_unit.get(unit) and unit not in CALL_FEES]
        if sold and all(counts.get(counter) is None for counter in sold):
            return Unpriced(f"{sold[0].replace('_', ' ')} unknown")
    return fees


def assumes_one(unit: UnitClass, counts: Counts, rates: Rates) -> bool:
    """Whether one unit a request has to be assumed, since the log does not count them."""
    return unit in ONE_A_REQUEST and unit in rates.per_unit and counts.get(UNIT_COUNTERS[unit]) is None


def _by_tokens(unit: UnitClass, counts: Counts, rates: Rates) -> bool:
    counter, classes = PAID_BY_TOKENS.get(unit, ("", ()))
    return bool(counts.get(counter)) and any(name in rates.per_mtok for name in classes)


def token_leaves(counts: Counts, rates: Rates) -> dict[TokenClass, Quantity] | Unpriced:
    """Every token in exactly one class, by subtraction; classes without tokens are left out.

    A finer class is split off only where ``rates`` list it or bill it apart; what they bill as input or output stays
    there, so that overlaps nobody prices (an image that was read from the cache) contradict nothing.
    """
    total_in, total_out = counts.get("input_tokens"), counts.get("output_tokens")
    # Any number of tokens at a rate of zero cost nothing: what is given away needs no count.
    if total_in is None and rates.per_mtok.get("input"):
        return Unpriced("input tokens unknown")
    if total_out is None and rates.per_mtok.get("output"):
        return Unpriced("output tokens unknown")

    every = _split(counts, rates)
    contradictory = next((name for name, quantity in every.items() if quantity < 0), None)
    if contradictory:
        return Unpriced(f"counts contradict each other: {contradictory} would be negative")
    return {name: quantity for name, quantity in every.items() if quantity}


def weights(rates: Rates) -> dict[str, dict[str, int]]:
    """By class: how many of its tokens of a counter stands for, by subtraction: the whole of :func:`token_leaves`.

    The split is linear, so it is known from what it makes of each counter alone.
    """
    found: dict[str, dict[str, int]] = {}
    for counter in TOKEN_COUNTERS:
        for token_class, quantity in _split({counter: 1}, rates).items():
            if quantity:
                found.setdefault(token_class, {})[counter] = int(quantity)
    return found


def _split(counts: Counts, rates: Rates) -> dict[TokenClass, Quantity]:
    """Every class with its tokens, none and less than none included; linear in ``counts``."""

    def count(name: str) -> Quantity:
        return counts.get(name) or 0

    def apart(token_class: TokenClass, name: str) -> Quantity:
        merged = token_class not in rates.per_mtok and rates.billed_as.get(token_class) in {"input", "output"}
        return 0 if merged else count(name)

    cached_audio = count("cache_read_audio_tokens")
    written_1h = count("cache_creation_1h_input_tokens")
    leaves: dict[TokenClass, Quantity] = {
        "cache_read": _less(count("cache_read_input_tokens"), cached_audio),
        "cache_read_audio": cached_audio,
        "cache_write_5m": _less(count("cache_creation_input_tokens"), written_1h),
        "cache_write_1h": written_1h,
        "audio_input": _less(count("input_audio_tokens"), cached_audio),
        "image_input": apart("image_input", "input_image_tokens"),
        "video_input": apart("video_input", "input_video_tokens"),
    }
    out: dict[TokenClass, Quantity] = {
        "reasoning": apart("reasoning", "reasoning_output_tokens"),
        "audio_output": count("output_audio_tokens"),
        "image_output": count("output_image_tokens"),
    }
    return {
        "input": _less(count("input_tokens"), *leaves.values()),
        **leaves,
        "output": _less(count("output_tokens"), *out.values()),
        **out,
    }


def _less(whole: Quantity, *parts: Quantity) -> Quantity:
    """What is left of ``whole``, exactly: weighted counts have more digits than Python's own context keeps."""
    for part in parts:
        if part:
            whole = (
                EXACT.subtract(Decimal(whole), Decimal(part))
                if isinstance(whole, Decimal) or isinstance(part, Decimal)
                else whole - part
            )
    return whole


def _line(token_class: TokenClass | UnitClass, quantity: Quantity, unit_price: Decimal) -> ChargeLine:
    return ChargeLine(token_class, quantity, unit_price, EXACT.multiply(Decimal(quantity), unit_price))
