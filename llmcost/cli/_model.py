"""One model of the catalogue in full, for ``prices show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcost.cli._text import aligned

if TYPE_CHECKING:
    from llmcost.pricing.catalogue import Catalogue
    from llmcost.pricing.entries import Price
    from llmcost.pricing.names import ModelRef


def model_facts(catalogue: Catalogue, model: ModelRef, at: int) -> dict[str, Any]:
    """What the catalogue knows of a model; the entry that holds at ``at`` for standard requests is marked."""
    from llmcost.pricing.entries import moment
    from llmcost.pricing.listing import history
    from llmcost.pricing.resolve import Unpriced

    rates = catalogue.rates(model, at=at, service_tier="standard", input_tokens=0)
    current = None if isinstance(rates, Unpriced) else rates.entry
    entry, rule = model.entry, catalogue.cache_rule(model, at)
    return {
        "model": model.key, "aliases": list(entry.aliases), "operation": entry.operation,
        "context_window": entry.context_window, "max_output": entry.max_output,
        "at": moment(at).isoformat(), "standard_price": rates.reason if isinstance(rates, Unpriced) else "known",
        "caching": None if rule is None else {"mode": rule.mode, "min_tokens": rule.min_tokens, "ttl_seconds": rule.ttl_seconds, "source": rule.source},
        "prices": [{**_price(price), "current": price is current} for price in history(model)],
    }  # fmt: skip


def _price(price: Price) -> dict[str, Any]:
    from llmcost.money import plain
    from llmcost.pricing.entries import moment

    return {
        "from": moment(price.valid_from).isoformat(), "to": moment(price.valid_to).isoformat() if price.valid_to is not None else None,
        "service": price.service, "region": price.region, "announced": price.announced,
        "rates_per_mtok": {name: plain(rate) for name, rate in price.rates.items()},
        "per_unit": {name: plain(rate) for name, rate in price.per_unit.items()}, "free": dict(price.free),
        "tiers": [{"from_input_tokens": t.from_input_tokens, "rates_per_mtok": {n: plain(r) for n, r in t.rates.items()}} for t in price.tiers],
        "hours": [f"{' '.join(w.days)} {w.start:%H:%M}-{w.end:%H:%M} UTC" for w in price.windows],
        "source": price.source, "checked": price.checked.isoformat() if price.checked else None,
    }  # fmt: skip


def model_text(facts: dict[str, Any]) -> str:
    """The same, to read."""
    head = [
        ("model", facts["model"]), ("also called", ", ".join(facts["aliases"]) or "-"), ("operation", facts["operation"]),
        ("context window", _known(facts["context_window"])), ("longest output", _known(facts["max_output"])),
    ]  # fmt: skip
    if rule := facts["caching"]:
        head.append(
            (
                "prompt caching",
                f"{rule['mode']}, from {rule['min_tokens']} tokens, {rule['ttl_seconds']} s ({rule['source']})",
            )
        )
    parts = [aligned(head)]
    for price in facts["prices"]:
        span = f"from {price['from'][:10]}" + (f" to {price['to'][:10]}" if price["to"] else "")
        mark = "  <- now" if price["current"] else ""
        announced = ", announced" if price["announced"] else ""
        lines = [f"{span}, {price['service']}, {price['region']}{announced}{mark}"]
        lines += [f"  {hours}" for hours in price["hours"]]
        lines.append(f"  per million tokens: {_listed(price['rates_per_mtok'])}")
        lines += [
            f"  from {tier['from_input_tokens']:,} input tokens: {_listed(tier['rates_per_mtok'])}"
            for tier in price["tiers"]
        ]
        if price["per_unit"]:
            lines.append(f"  per unit: {_listed(price['per_unit'])}")
        lines += [f"  free at the provider, not subtracted: {name} {words}" for name, words in price["free"].items()]
        lines.append(f"  source {price['source']}" + (f", checked {price['checked']}" if price["checked"] else ""))
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _known(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,} tokens"


def _listed(rates: dict[str, str]) -> str:
    return ", ".join(f"{name} {rate}" for name, rate in rates.items()) or "-"
