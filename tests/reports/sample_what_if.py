"""A result with a what-if made by hand: every lever, a fleet, names that attack."""

from __future__ import annotations

from decimal import Decimal

from llmcost.results import model as m
from llmcost.results import what_if_model as w
from tests.reports import sample_parts as p
from tests.reports import sample_result

D = Decimal
STATES = {
    "0000": ("1000000", "0.0000004"), "2202": ("2000000000", "0.00000125"), "2201": ("2000000000", "0.000000625"),
    "1202": ("2100000000", "0.0000002"), "1201": ("2100000000", "0.0000001"), "2112": ("2000000000", "0.0000003"),
    "2122": ("2000000000", "0.0000015"), "2111": ("2000000000", "0.00000015"), "2121": ("2000000000", "0.00000075"),
    "1112": ("2100000000", "0.00000002"), "1122": ("2100000000", "0.0000002"), "1111": ("2100000000", "0.00000001"),
    "1121": ("2100000000", "0.0000001"),
}  # fmt: skip


def levers() -> list[w.WhatIfLever]:
    """All five, the routed one under a name that attacks."""
    made = (
        ("traffic", "Traffic", 10, 500, 5, 100, None, 'strategy = "reprice"\ngrowth = {value}'),
        ("route", f"Routed to {p.SCRIPT}", 0, 100, 1, 0, "12.5", 'strategy = "route"\nshare = {value}'),
        ("cache", "Cache hit rate", 0, 100, 1, None, None, 'strategy = "prompt-cache"\nhit_rate = {value}'),
        ("batch", "In batches", 0, 100, 1, 0, "3.25", 'strategy = "batch"\nshare = {value}'),
        ("discount", "Price discount", 0, 90, 1, 0, None, 'strategy = "reprice"\ndiscount = {value}'),
    )
    return [
        w.WhatIfLever(
            key=key, label=label, least=least, most=most, step=step, start=start, note=f"about {label}", toml=toml,
            spread_usd=None if spread is None else D(spread),
        )
        for key, label, least, most, step, start, spread, toml in made
    ]  # fmt: skip


def with_levers() -> m.Result:
    """The rich sample with a what-if."""
    lines = [
        w.WhatIfLine(places=places, charged_for="input", quantity=D(quantity), unit_price_usd=D(price))
        for places, (quantity, price) in STATES.items()
    ]
    groups = [
        w.WhatIfGroup(provider="openai", model=name, requests=9, cost_usd=D("2500.4"), lines=lines)
        for name in ("a", p.SCRIPT)
    ]
    rich = sample_result.rich()
    fleet = w.WhatIfFleet(
        scenario="own",
        title=f"a model on {p.SCRIPT}",
        start=D("0.7"),
        stops=[
            w.WhatIfStop(
                utilisation=D(part) / 10, calls_usd=D("100.5") * part, fleet_usd=D(24_000) / part, fixed_usd=D("1.25")
            )
            for part in (5, 7, 9)
        ],
        toml='[[scenario]]\nname = "own"\n\n[[scenario.step]]\nstrategy = "self-host"\nutilisation = {value}',
    )
    what_if = w.WhatIf(
        cost_usd=rich.baseline.cost_usd,
        fixed_usd=rich.baseline.cost_usd - D("5000.8"),
        fixed_models=3,
        not_comparable=17,
        levers=levers(),
        groups=groups,
        fleet=fleet,
    )
    return rich.model_copy(update={"what_if": what_if})


def with_small_amounts() -> m.Result:
    """Models whose amounts end in parts of a cent; the first is below any, and costs a fourth where it is routed."""
    costs = ("0.00004", "0.6333", "0.6333", "0.6334", "1.00495", "2.0157", "3.0151")
    found = with_levers().what_if
    assert found is not None
    groups = [
        w.WhatIfGroup(
            provider="openai", model=f"model-{place}", requests=1, cost_usd=D(cost),
            lines=[
                w.WhatIfLine(places=places, charged_for="input", quantity=D(1), unit_price_usd=D(cost) / share)
                for places, share in ((("2000", 1), ("1000", 4)) if place == 0 else (("0000", 1),))
            ],
        )
        for place, cost in enumerate(costs)
    ]  # fmt: skip
    whole = sum((group.cost_usd for group in groups), D(0))
    alone = {"cost_usd": whole, "fixed_usd": D(0), "groups": groups, "fleet": None}
    return sample_result.rich().model_copy(update={"what_if": found.model_copy(update=alone)})
