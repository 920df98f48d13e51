"""What routing saved: calls that a router moved, priced again on the model that was asked for first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import ibis

from llmcost.money import EXACT, ZERO
from llmcost.pricing.names import ModelRef
from llmcost.pricing.resolve import Unpriced
from llmcost.results.monthly.ledger import Ledger
from llmcost.results.monthly.model import RoutedPair, Routing
from llmcost.results.priced import add, whole
from llmcost.results.stage import SceneStage
from llmcost.workload.contract import Branches
from llmcost.workload.move import move, moves_of

READS: Final = ("original_model", "was_routed")
_SHOWN: Final = 30


def routing(ledger: Ledger, start: int) -> Routing | None:
    """The routed calls since ``start`` at their own price and at the original's; None where the log names no original.

    A call is routed where it names an original model other than the one that answered. Its tokens are counted as the
    original's tokenizer would have, and its cached tokens would have been cached there too.
    """
    if "original_model" not in ledger.known:
        return None
    replaying, engine = ledger.replaying, ledger.engine
    rows = replaying.rows([*ledger.parts, "original_model", "user_id"])
    rows = rows.filter((rows.started_at >= start) & rows.original_model.notnull())
    targets = _targets(ledger, rows)
    routed = rows
    if not targets:
        return None
    known = {number: model for number, (_, _, model) in enumerate(engine.names) if model is not None}
    staying = ibis.literal(False)
    for original, target in targets.items():
        there = [number for number, model in known.items() if target is not None and model.key == target.key]
        staying = staying | ((routed.original_model == original) & routed.model.isin(there)) if there else staying
    routed = engine.materialise(routed.filter(~staying))
    stage = SceneStage(engine, "routing", 0, 0, replaying.present)
    back = routed.mutate(model_before=routed.model)
    for original, target in targets.items():
        if target is not None:
            back = engine.view(move(back, (back.original_model == original).fill_null(False), stage, target))
    unknown = [original for original, target in targets.items() if target is None]
    now = _costs(ledger, routed.mutate(model_before=routed.model))
    then = _costs(ledger, back)
    pairs = [_pair(ledger, key, now[key], then.get(key), unknown=key[0] in unknown) for key in now]
    pairs.sort(key=lambda p: (p.saving_usd is None, -abs(p.saving_usd or ZERO), p.original, p.model or ""))
    if not pairs:
        return None
    compared = [p for p in pairs if p.saving_usd is not None]
    notes = moves_of(stage, Branches(), back, "model_before").notes()
    return Routing(
        requests=sum(p.requests for p in pairs),
        compared_requests=sum(p.requests for p in compared),
        cost_usd=add(p.cost_usd or ZERO for p in compared),
        original_usd=add(p.original_usd or ZERO for p in compared),
        saving_usd=add(p.saving_usd or ZERO for p in compared),
        pairs=pairs[:_SHOWN],
        assumptions=[f"{n.name}: {n.value} {n.unit}".strip() for n in notes],
    )


def _targets(ledger: Ledger, rows: Any) -> dict[str, ModelRef | None]:
    """Original names to what the catalogue has of them; a name without a provider is the one of the call's provider."""
    found: dict[str, ModelRef | None] = {}
    for row in ledger.engine.rows(rows.select("original_model", "provider_name").distinct()):
        text = row["original_model"]
        provider, slash, name = text.partition("/")
        model = ledger.replaying.catalogue.resolve(provider, name) if slash else None
        model = model or ledger.replaying.catalogue.resolve(row["provider_name"], text)
        found[text] = found.get(text) or model
    return dict(sorted(found.items()))


_Key = tuple[str, int]


def _costs(ledger: Ledger, rows: Any) -> dict[_Key, tuple[Decimal, Decimal, Decimal]]:
    """Cost, calls and calls without a price by original model and the model that answered."""
    priced = ledger.replaying.priced(rows, ("original_model", "model_before"))
    found: dict[_Key, tuple[Decimal, Decimal, Decimal]] = {}
    for group in priced.groups(["d_original_model", "d_model_before"]):
        if group.charge is None:
            continue
        key = (str(group.dimensions[0]), int(group.dimensions[1]))
        cost, calls, unpriced = found.get(key, (ZERO, ZERO, ZERO))
        gap = group.rows if isinstance(group.charge, Unpriced) else ZERO
        found[key] = (EXACT.add(cost, group.cost), EXACT.add(calls, group.requests), EXACT.add(unpriced, gap))
    return found


def _pair(
    ledger: Ledger,
    key: _Key,
    now: tuple[Decimal, Decimal, Decimal],
    then: tuple[Decimal, Decimal, Decimal] | None,
    *,
    unknown: bool,
) -> RoutedPair:
    provider, name, model = ledger.engine.names[key[1]]
    cost = now[0] if not now[2] else None
    original = then[0] if then is not None and not then[2] and not unknown else None
    saving = EXACT.subtract(original, cost) if cost is not None and original is not None else None
    return RoutedPair(
        original=key[0],
        model=model.key if model else f"{provider}/{name}",
        requests=whole(now[1]),
        cost_usd=cost,
        original_usd=original,
        saving_usd=saving,
    )
