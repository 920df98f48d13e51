"""What caching and routing saved, and how much answer the tokens gave: all at the rows' own rates."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from llmcost.money import EXACT, rounded
from llmcost.results.monthly.ledger import LAST, THIS, Dimension, Ledger
from llmcost.results.monthly.model import CacheLine, Efficiency, UnitCost
from llmcost.results.monthly.spend import share_of

_LINES: Final = 20
READS: Final = ("user_id", "conversation_id", "feature", "status")


def caching(ledger: Ledger) -> list[CacheLine]:
    """The month and then each model: hit rate, and what cached tokens saved against the same tokens uncached."""
    if "cache_read_input_tokens" not in ledger.present:
        return []
    says = "l.cache_read_input_tokens IS NOT NULL"
    picked = ", ".join(
        (
            f"sum(l.input_tokens) FILTER ({says})",
            "sum(l.cache_read_input_tokens)",
            f"-sum({_product(ledger, 'cache_read_input_tokens', 'cache_read_audio_tokens')}) FILTER (cost IS NOT NULL)",
            f"sum({_product(ledger, 'cache_creation_input_tokens', 'cache_creation_1h_input_tokens')}) FILTER (cost IS NOT NULL)",
            f"sum(calls) FILTER (NOT ({says}))",
        )
    )
    where = f"{ledger.joined} WHERE paid AND slot = {THIS}"
    first = ledger.rows(picked, where)
    models = ledger.rows(
        f"l.model_key, {picked}",
        f"{where} GROUP BY 1 HAVING sum(l.input_tokens) > 0 ORDER BY sum(cost) DESC NULLS LAST, 1 LIMIT {_LINES}",
    )
    return [_cache_line(ledger, None, first[0]), *(_cache_line(ledger, value, sums) for value, *sums in models)]


def _product(ledger: Ledger, *counters: str) -> str:
    terms = [f'coalesce(l."{name}", 0) * {ledger.rate(name)}' for name in counters if name in ledger.parts]
    return " + ".join(terms) or "0"


def _cache_line(ledger: Ledger, value: Any, sums: Sequence[Any]) -> CacheLine:
    given, read, saved, premium, unknown = sums
    return CacheLine(
        value=value,
        input_tokens=int(given or 0),
        cache_read_input_tokens=int(read or 0),
        hit_share=share_of(Decimal(int(read or 0)), Decimal(int(given or 0))),
        read_saving_usd=ledger.usd(saved),
        write_premium_usd=ledger.usd(premium),
        net_saving_usd=EXACT.subtract(ledger.usd(saved), ledger.usd(premium)),
        unknown_requests=int(unknown or 0),
    )


def efficiency(ledger: Ledger, dimension: Dimension | None) -> list[Efficiency]:
    """Output for input, cached share and cost of an output token: the month, then the values of a dimension."""
    read = "l.cache_read_input_tokens"
    told = f"sum({read}), sum(l.input_tokens) FILTER ({read} IS NOT NULL)"
    cached = told if "cache_read_input_tokens" in ledger.present else "NULL, NULL"
    picked = f"sum(counted), sum(l.input_tokens), sum(l.output_tokens), {cached}, sum(cost)"
    where = f"WHERE paid AND slot = {THIS}"
    lines = [_efficiency(ledger, None, ledger.rows(picked, where)[0])]
    if dimension is not None:
        column = f'"{dimension.column}"'
        rows = ledger.rows(
            f"{column}, {picked}", f"{where} GROUP BY 1 ORDER BY sum(cost) DESC NULLS LAST, 1 NULLS LAST LIMIT {_LINES}"
        )
        lines += [_efficiency(ledger, value, sums) for value, *sums in rows]
    return lines


def _efficiency(ledger: Ledger, value: Any, sums: Sequence[Any]) -> Efficiency:
    requests, given, answered, *told, cost = sums
    tokens_in, tokens_out, cached, telling = (None if n is None else Decimal(int(n)) for n in (given, answered, *told))
    each = None
    if cost is not None and tokens_out:
        each = rounded(ledger.usd(cost) * 1000 / tokens_out, 12)
    return Efficiency(
        value=None if value is None else str(value),
        requests=int(requests or 0),
        input_tokens=None if given is None else int(given),
        output_tokens=None if answered is None else int(answered),
        output_per_input=share_of(tokens_out, tokens_in),
        cached_share=share_of(cached, telling),
        cost_per_1k_output_usd=each,
    )


def unit_costs(ledger: Ledger, cost: Decimal) -> list[UnitCost]:
    """Cost per request, user, conversation, feature and success, with last month's."""
    asked: list[tuple[str, str, str, str]] = [
        ("request", "sum(counted) - sum(unpriced)", "cost IS NOT NULL", "priced calls"),
    ]
    for unit, column in (("user", "user_id"), ("conversation", "conversation_id"), ("feature", "feature")):
        if column in ledger.known:
            named = f'l."{column}" IS NOT NULL'
            asked.append(
                (unit, f'count(DISTINCT l."{column}") FILTER (counted > 0)', named, f"calls that name their {unit}")
            )
    if "status" in ledger.known:
        done = "sum(counted) FILTER (l.status = 'ok' AND cost IS NOT NULL)"
        asked.append(
            ("success", done, "l.status IS NOT NULL", "all calls that say how they ended, over those that ended well")
        )
    picked = ", ".join(f"{number}, sum(cost) FILTER ({which})" for _, number, which, _ in asked)
    found = {slot: sums for slot, *sums in ledger.rows(f"slot, {picked}", "GROUP BY slot")}
    lines = []
    for place, (unit, _, _, note) in enumerate(asked):
        number, amount = _pair(ledger, found.get(THIS), place)
        last_number, last_amount = _pair(ledger, found.get(LAST), place)
        if number:
            lines.append(
                UnitCost(
                    unit=unit,
                    count=number,
                    cost_usd=amount,
                    each_usd=_each(amount, number),
                    last_each_usd=_each(last_amount, last_number),
                    covers=share_of(amount, cost),
                    note=note,
                )
            )
    return lines


def _pair(ledger: Ledger, sums: Sequence[Any] | None, place: int) -> tuple[int, Decimal]:
    if sums is None:
        return 0, Decimal(0)
    return int(sums[2 * place] or 0), ledger.usd(sums[2 * place + 1])


def _each(amount: Decimal, number: int) -> Decimal | None:
    return rounded(amount / number, 12) if number else None
