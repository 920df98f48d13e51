"""Dated price changes of the catalogue that met the month's calls, and what they made of the same tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from llmcost.money import EXACT, ZERO
from llmcost.pricing.grid import PRICE_KEYS
from llmcost.pricing.names import ModelRef
from llmcost.pricing.price import Charge, charge
from llmcost.pricing.resolve import Rates
from llmcost.pricing.table import Group
from llmcost.results.monthly.ledger import THIS, Ledger
from llmcost.results.monthly.model import PriceChange
from llmcost.results.priced import DAY_US, EPOCH

_WEEK: Final = 7 * DAY_US


@dataclass
class _Found:
    rates: dict[str, list[Decimal]] = field(default_factory=dict)
    effect: Decimal = ZERO
    requests: int = 0


def price_changes(ledger: Ledger, start: int) -> list[PriceChange]:
    """Changes since ``start``, the largest effect first; a class that is billed as another one is told once."""
    parts = "".join(f', sum(l."{name}")' for name in ledger.parts)
    rows = ledger.rows(
        f"price, min(started_at), min(l.input_tokens), sum(calls), sum(counted){parts}",
        f"WHERE paid AND slot = {THIS} AND cost IS NOT NULL GROUP BY price ORDER BY price",
    )
    found: dict[tuple[str, date, str | None], _Found] = {}
    for price, first, least, calls, counted, *counts in rows:
        group = ledger.group(price)
        model = ledger.engine.names[group.model][2] if group.model is not None else None
        now = group.rates
        if model is None or now is None:
            continue
        old = _before(ledger, model, group, first, least, start)
        if old is None:
            continue
        at, rates = old
        told = ledger.counts(price, calls, counts)
        here, there = charge(told, now), charge(told, rates)
        if not isinstance(here, Charge) or not isinstance(there, Charge):
            continue
        day = EPOCH + timedelta(days=at // DAY_US)
        line = found.setdefault((model.key, day, _key(group, "service_tier")), _Found())
        line.effect = EXACT.add(line.effect, EXACT.subtract(here.cost, there.cost))
        line.requests += int(counted or 0)
        line.rates.update(dict(_differing(rates, now)))
    lines = [
        PriceChange(
            model=model, on=day, service_tier=tier, rates=line.rates, effect_usd=line.effect, requests=line.requests
        )
        for (model, day, tier), line in found.items()
    ]
    return sorted(lines, key=lambda line: (-abs(line.effect_usd), line.model, line.on, line.service_tier or ""))


def _key(group: Group, name: str) -> Any:
    return group.key[PRICE_KEYS.index(name)]


def _before(
    ledger: Ledger, model: ModelRef, group: Group, first: int, least: int | None, start: int
) -> tuple[int, Rates] | None:
    """The latest instant since ``start`` at which this kind of call got another price, and the rates until then."""
    catalogue = ledger.replaying.catalogue
    instants = [at for at in catalogue.cuts([model]).instants if start <= at <= first]
    for at in reversed(instants):
        # Where prices change with the hour of the week, the same hour is asked.
        before = first - ((first - at) // _WEEK + 1) * _WEEK if _key(group, "span") else at - 1
        rates = catalogue.rates(
            model, at=before, service_tier=_key(group, "service_tier"), region=_key(group, "region"),
            input_tokens=None if _key(group, "bucket") else least, now=ledger.replaying.options.now,
        )  # fmt: skip
        if not isinstance(rates, Rates) or group.rates is None:
            return None
        if any(_differing(rates, group.rates)):
            return at, rates
    return None


def _differing(old: Rates, new: Rates) -> Iterator[tuple[str, list[Decimal]]]:
    pairs: list[tuple[Mapping[Any, Decimal], Mapping[Any, Decimal]]] = [
        (old.per_mtok, new.per_mtok),
        (old.per_unit, new.per_unit),
    ]
    for before, now in pairs:
        for name in now:
            if name in before and before[name] != now[name]:
                yield str(name), [before[name], now[name]]
