"""How much of it: the sizes of a strategy that was swept at the log's own volume, and the cheapest."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from llmcost.money import ZERO
from llmcost.results.breakeven.model import SizePoint
from llmcost.results.breakeven.plays import Plays, Subject, cost_after, scaled
from llmcost.results.model import Scenario, Step

_SIZES: Final = 12
"""At most so many sizes are tried in one sweep, then those around the best."""
_SHOWN: Final = frozenset({"share served", "use of the GPUs", "use of the units"})


def sizes_of(subject: Subject, step: Step, plays: Plays, month: Decimal) -> list[SizePoint]:
    """The sizes that were tried: a coarse sweep, then those around its best."""
    sweep = subject.step.strategy.sweep
    most = int(step.measures.get(sweep.most, ZERO)) if sweep is not None else 0
    if sweep is None or most < 1:
        return []
    usual = int(step.measures[sweep.usual]) if sweep.usual and sweep.usual in step.measures else None
    also: dict[str, Any] = {
        name: value for name, value in sweep.also.items() if name not in subject.step.params.model_fields_set
    }

    def tried(sizes: Iterable[int]) -> dict[int, Scenario]:
        wanted = sorted(set(sizes))
        for size in wanted:
            plays.ask(f"size {size}", subject.scenario("", **(also | {sweep.name: size})))
        plays.run()
        return {size: plays.found[f"size {size}"] for size in wanted}

    stride = max(1, -(-most // _SIZES))
    found = tried([*range(0, most + 1, stride), most, *([usual] if usual is not None else [])])
    while stride > 1:
        best = min(found, key=lambda size: cost_after(found[size]))
        finer = max(1, stride // 4)
        found |= tried(range(max(0, best - stride), min(most, best + stride) + 1, finer))
        stride = finer
    best = min(found, key=lambda size: cost_after(found[size]))
    return [
        SizePoint(
            size=Decimal(size), option_usd=scaled(cost_after(scenario), month), best=size == best, usual=size == usual,
            facts={k: v for k, v in scenario.steps[-1].facts.items() if k in _SHOWN},
        )
        for size, scenario in sorted(found.items())
    ]  # fmt: skip
