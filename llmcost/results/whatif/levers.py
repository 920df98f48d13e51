"""The levers of a what-if: for each the step that sets it, and how that step is written in a scenario file.

Order: traffic, then routing, caching, batches, and the discount on what is left to pay; the steps of a scenario that
says the same stand in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import add, or_
from pathlib import Path
from typing import Any, Final

import ibis
import ibis.expr.types as ir

from llmcost.pricing.toml import inline
from llmcost.results.replay import Replaying
from llmcost.results.scenario import BoundScenario, BoundStep, bind, presets
from llmcost.results.what_if_model import WhatIfLever
from llmcost.workload.branching import calls, is_bucket
from llmcost.workload.draw import By

PLACES: Final = ("route", "asked", "hit", "batch")
"""What the digits of a line's places tell; ``cache`` makes two of them."""
_MADE_BY: Final[Mapping[str, tuple[str, ...]]] = {"route": ("route",), "cache": ("asked", "hit"), "batch": ("batch",)}
_HALF: Final = Decimal("0.5")
"""Any share between none and all splits rows; its weight is set by the page."""


@dataclass(frozen=True)
class Split:
    """A lever that makes states of rows: the step that does, with a share that only serves to split."""

    lever: WhatIfLever
    step: BoundStep
    by: By = "request"

    @property
    def places(self) -> tuple[str, ...]:
        """The digits it makes, in the order of the step's splits."""
        return _MADE_BY[self.lever.key]


TRAFFIC: Final = WhatIfLever(
    key="traffic", label="Traffic", least=10, most=500, step=5, start=100,
    note="requests and tokens, of what is in the log", toml='strategy = "reprice"\ngrowth = {value}',
)  # fmt: skip
DISCOUNT: Final = WhatIfLever(
    key="discount", label="Price discount", least=0, most=90, step=1, start=0,
    note="on every rate, as negotiated", toml='strategy = "reprice"\ndiscount = {value}',
)  # fmt: skip


def splits(replaying: Replaying, scenarios: Sequence[BoundScenario]) -> list[Split]:
    """The levers that split rows, in the order in which they act."""
    found = [_route(replaying, scenarios), _cache(replaying), _batch()]
    return [split for split in found if split is not None]


def _route(replaying: Replaying, scenarios: Sequence[BoundScenario]) -> Split:
    """A share of all calls on the model that the first scenario with a rule names, else the ready-made scenario's."""
    target = next((rule.model for rule in _rules(scenarios) if rule.model), None)
    target = target or next(rule.model for rule in _rules([BoundScenario("", (_ready_made("route"),))]) if rule.model)
    by: By = "conversation" if "conversation_id" in replaying.present else "request"
    rule = {"model": target, "by": by}
    toml = f'strategy = "route"\nrules = [{{ model = {inline("", target)}, share = {{value}}, by = "{by}" }}]'
    lever = WhatIfLever(
        key="route", label=f"Routed to {target}", least=0, most=100, step=1, start=0, toml=toml,
        note="of calls that it could answer and that fit it; quality is not measured",
    )  # fmt: skip
    return Split(lever, bind("route", {"rules": [{**rule, "share": _HALF}]}), by)


def _ready_made(strategy: str) -> BoundStep:
    _, _, parameters = next(entry for entry in presets().values() if entry[0] == strategy)
    return bind(strategy, parameters)


def _rules(scenarios: Sequence[BoundScenario]) -> list[Any]:
    steps = (step for scenario in scenarios for step in scenario.steps if step.name == "route")
    return [rule for step in steps for rule in getattr(step.params, "rules", ())]


def _cache(replaying: Replaying) -> Split | None:
    """Hits of a prefix as long as the log's own: what its hits read, else its fixed parts, else half a prompt."""
    length, why = _prefix(replaying)
    if length < 1:
        return None
    given = {"observed": "replace", "prefix_tokens": length}
    toml = f'strategy = "prompt-cache"\nhit_rate = {{value}}\nprefix_tokens = {length}\nobserved = "replace"'
    lever = WhatIfLever(
        key="cache", label="Cache hit rate", least=0, most=100, step=1, start=None, toml=toml,
        note=f"of calls to models that cache, with a shared prefix of {length:,} tokens ({why}); off: as logged",
    )  # fmt: skip
    return Split(lever, bind("prompt-cache", {**given, "hit_rate": _HALF, "share": _HALF}))


def _prefix(replaying: Replaying) -> tuple[int, str]:
    """The length of an average call's shared prefix, and how it is known."""
    fixed = [name for name in ("system_tokens", "tools_tokens", "schema_tokens") if name in replaying.present]
    rows = replaying.rows(fixed)
    rows = rows.filter(rows.input_tokens.notnull())
    rows = rows.mutate(fixed_tokens=_together(rows, fixed) if fixed else ibis.null("int64"))
    read, each = rows.cache_read_input_tokens.fill_null(0), calls(rows)
    hit = (read > 0) & ~is_bucket(rows)
    sums = replaying.engine.rows(
        rows.agg(
            calls=each.sum(), tokens=rows.input_tokens.sum(), hits=hit.ifelse(1, 0).sum(), read=hit.ifelse(read, 0).sum(),
            told=rows.fixed_tokens.notnull().ifelse(each, 0).sum(), parts=rows.fixed_tokens.sum(),
        )
    )[0]  # fmt: skip
    for part, of, how in (
        ("read", "hits", "what the log's hits read, on average"),
        ("parts", "told", "the log's system prompts and tools, on average"),
    ):
        if sums[part] and sums[of]:
            return int(sums[part]) // int(sums[of]), how
    return (int(sums["tokens"]) // int(sums["calls"]) // 2 if sums["calls"] else 0), "half of an average prompt"


def _together(rows: ir.Table, names: Sequence[str]) -> ir.IntegerValue:
    """The sum of columns where any of them is known."""
    known = reduce(or_, (rows[name].notnull() for name in names))
    total = reduce(add, (rows[name].fill_null(0) for name in names))
    return known.ifelse(total, ibis.null("int64"))


def _batch() -> Split:
    lever = WhatIfLever(
        key="batch", label="In batches", least=0, most=100, step=1, start=0,
        note="of calls whose model has a batch price; their answers take up to a day",
        toml='strategy = "batch"\neligible = "all"\nshare = {value}',
    )  # fmt: skip
    return Split(lever, bind("batch", {"eligible": "all", "share": _HALF}))


def written(scenario: BoundScenario, marked: str, field: str) -> str:
    """A scenario as a file has it, under its own name, by which shares are drawn, with ``{value}`` in place of ``field`` of the step ``marked``; it comes last there."""
    day = f"\nprices_on = {scenario.prices_on}" if scenario.prices_on is not None else ""
    parts = [f"[[scenario]]\nname = {inline('', scenario.name)}{day}"]
    for step in scenario.steps:
        given = step.params.model_dump(exclude_unset=True, exclude_none=True)
        open_field = step.name == marked
        lines = [
            f"{name} = {inline('', _plain(value))}" for name, value in given.items() if not open_field or name != field
        ]
        parts.append(
            "\n".join([f'strategy = "{step.name}"', *lines, *([f"{field} = {{value}}"] if open_field else [])])
        )
    return "\n\n[[scenario.step]]\n".join(parts)


def _plain(value: Any) -> Any:
    """A parameter in the types that TOML has."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value
