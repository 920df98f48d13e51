"""Makes the sums of a what-if: one replay in which every share splits rows, grouped by what the splits made of them.

So each position of the levers is a weighing of whole numbers at the rates that pricing found, as it is in a replay: a
strategy's rules are asked once and are written nowhere twice.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, reduce
from operator import add as add_up
from typing import Final

import ibis.expr.types as ir

from llmcost.money import EXACT, ZERO
from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.price import Charge
from llmcost.results.model import Result
from llmcost.results.options import ReplayOptions
from llmcost.results.priced import Priced, add, whole
from llmcost.results.replay import Replaying, States
from llmcost.results.scenario import BoundScenario
from llmcost.results.waterfall import unpriced_rows
from llmcost.results.what_if_model import WhatIf, WhatIfGroup, WhatIfLever, WhatIfLine
from llmcost.results.whatif.fleet import fleet
from llmcost.results.whatif.levers import DISCOUNT, PLACES, TRAFFIC, Split, splits
from llmcost.usage.store import Store
from llmcost.workload.contract import USD_BASE, USD_HIGH, USD_LOW, RowCosts
from llmcost.workload.draw import drawn_together, undrawn

_LINES: Final = 3000
"""Lines of a page; the cheapest models beyond them are one amount."""
_NAME: Final = "what if"
_ARMS: Final = 3
"""Places of every split: not asked, taken, left."""


def replay(store: Store, catalogue: Catalogue, scenarios: Sequence[BoundScenario], options: ReplayOptions) -> Result:
    """:func:`llmcost.results.replay.replay`, with the sums of a what-if where ``options`` ask for them."""
    replaying = Replaying(store, catalogue, options)
    try:
        result = replaying.run(scenarios)
        return (
            result.model_copy(update={"what_if": what_if(replaying, scenarios, result)}) if options.what_if else result
        )
    finally:
        replaying.engine.close()


def what_if(replaying: Replaying, scenarios: Sequence[BoundScenario], result: Result) -> WhatIf | None:
    """The sums; None where nothing has a price."""
    cost = result.baseline.cost_usd
    if not cost:
        return None
    asked = splits(replaying, scenarios)
    play = _Play(replaying, asked)
    if play.states.after.charges:
        # Storage of a cache is paid whatever share hits: no weighing of sums says that.
        asked = [split for split in asked if split.lever.key != "cache"]
        play = _Play(replaying, asked)
    groups = play.groups()
    kept: list[WhatIfGroup] = []
    count = 0
    for group in groups:
        count += len(group.lines)
        if count <= _LINES or not kept:
            kept.append(group)
    moving = [split for split in asked if _moves(split, kept)]
    idle = {name for split in asked if split not in moving for name in split.places}
    return WhatIf(
        cost_usd=cost,
        fixed_usd=EXACT.subtract(cost, add(group.cost_usd for group in kept)),
        fixed_models=len(groups) - len(kept),
        not_comparable=play.not_comparable,
        levers=[TRAFFIC, *(play.told(split) for split in moving), DISCOUNT],
        groups=[_without(group, idle) for group in kept],
        fleet=fleet(replaying, scenarios),
    )


def _moves(split: Split, groups: Iterable[WhatIfGroup]) -> bool:
    """Whether a lever changes any cost, the others at rest: a cache by its writes or its reads."""
    lines = [line for group in groups for line in group.lines]
    states = [_cost(lines, split.places[:count]) for count in range(len(split.places) + 1)]
    return any(state != states[0] for state in states)


def _cost(lines: Iterable[WhatIfLine], taken: Collection[str]) -> Decimal:
    """The cost where these places took all they can and the others nothing."""
    here = (
        line
        for line in lines
        if all(
            digit == "0" or (digit == "1") == (name in taken) for name, digit in zip(PLACES, line.places, strict=True)
        )
    )
    return add(EXACT.multiply(line.quantity, line.unit_price_usd) for line in here)


def _without(group: WhatIfGroup, idle: Collection[str]) -> WhatIfGroup:
    """The group without states that no lever makes."""
    at = [PLACES.index(name) for name in idle]
    lines = [line for line in group.lines if not any(line.places[place] == "1" for place in at)]
    return group.model_copy(update={"lines": lines})


@dataclass
class _Play:
    """The rows in every state at once."""

    replaying: Replaying
    splits: Sequence[Split]
    not_comparable: int = 0

    @cached_property
    def states(self) -> States:
        """Before and after the steps, every share a weight."""
        steps = tuple(split.step for split in self.splits)
        return self.replaying.states(BoundScenario(_NAME, steps), weighs=True)

    @cached_property
    def row_costs(self) -> RowCosts:
        """Every row with its cost at rest, and where one lever that draws takes all it can."""
        after = self.states.after
        drawing = [split.places[0] for split in self.splits if split.lever.key != "cache"]
        taken = {name: self._place(after.rows, name) == 1 for name in self.order}
        number = reduce(add_up, [taken[name].ifelse(1, 0) for name in drawing])
        rest = [~taken[name] for name in self.order if name not in drawing]
        return self.states.row_costs(replace(after, rows=after.rows.filter(number <= 1, *rest)))

    @property
    def order(self) -> list[str]:
        """The places in the order in which rows were split."""
        return [name for split in self.splits for name in split.places]

    def groups(self) -> list[WhatIfGroup]:
        """What each logged model's calls are charged for in every state; dearest first.

        Rows without a price in some state are in none.
        """
        after = self.states.after
        priced = self.states.priced(after, ("logged_model",))
        found: dict[int | None, _Sums] = {}
        self._take(priced, found)
        if priced.unpriced:
            ids = priced.engine.materialise(unpriced_rows(priced).distinct())
            left_out: dict[int | None, _Sums] = {}
            self._take(
                self.states.priced(replace(after, rows=after.rows.semi_join(ids, "row_id")), ("logged_model",)),
                left_out,
            )
            for number, sums in left_out.items():
                found[number].leave_out(sums)
            self.not_comparable = whole(add(sums.requests for sums in left_out.values()))
        made = [sums.group(*_names(self.replaying, number)) for number, sums in found.items() if sums]
        return sorted(made, key=lambda group: (-group.cost_usd, str(group.provider), str(group.model)))

    def _take(self, priced: Priced, found: dict[int | None, _Sums]) -> None:
        """Adds priced rows to the sums of the models that were logged."""
        rows = priced.rolled(["d_logged_model"])
        for row, group in zip(rows, priced.pricer.price(rows, ["d_logged_model"], _once), strict=True):
            if isinstance(group.charge, Charge):
                sums = found.setdefault(group.dimensions[0], _Sums({}))
                sums.take(self._places(row["branch"]), group.charge, group.requests)

    def _places(self, branch: int) -> str:
        digits = dict.fromkeys(PLACES, 0)
        for name in reversed(self.order):
            branch, digits[name] = divmod(branch, _ARMS)
        return "".join(str(digits[name]) for name in PLACES)

    def told(self, split: Split) -> WhatIfLever:
        """The lever, and how near to a replay it is where that draws: hits are weights."""
        return (
            split.lever
            if split.lever.key == "cache"
            else split.lever.model_copy(update={"spread_usd": self._spread(split)})
        )

    def _spread(self, split: Split) -> Decimal | None:
        """The root of the sum of the squares of what each drawn call saves: a statistic, so it may be a float."""
        costs = self.row_costs
        rows = costs.rows.filter(costs.rows.selected & ~undrawn(costs.rows, split.by))
        usd = rows[USD_HIGH].cast("float64") * USD_BASE + rows[USD_LOW].cast("float64")
        place = self._place(rows, split.places[0])
        others = [self._place(rows, name) != 1 for name in self.order if name != split.places[0]]
        here = rows.mutate(saves_usd=(place == 2).ifelse(usd, 0) - (place == 1).ifelse(usd, 0), is_drawn=place > 0)
        for rest in others:
            here = here.filter(rest)
        each = here.filter(here.is_drawn).group_by(_key=drawn_together(here, split.by)).agg(saves=here.saves_usd.sum())
        answer = each.agg(squares=(each.saves * each.saves).sum(), calls=each.count())
        (line,) = self.replaying.engine.rows(answer)
        if not line["calls"]:
            return None
        return Decimal(f"{math.sqrt(line['squares'] or 0) / 10**costs.places:.6g}")

    def _place(self, rows: ir.Table, name: str) -> ir.IntegerValue:
        after = len(self.order) - 1 - self.order.index(name)
        return (rows.branch // _ARMS**after) % _ARMS


@dataclass
class _Sums:
    """Quantities by state, class and price."""

    lines: dict[tuple[str, str, Decimal], Decimal]
    requests: Decimal = ZERO

    def take(self, places: str, charge: Charge, requests: Decimal) -> None:
        """Adds a priced group."""
        if not set(places) & {"1"}:
            self.requests = EXACT.add(self.requests, requests)
        for line in charge.lines:
            key = (places, str(line.token_class), line.unit_price)
            self.lines[key] = EXACT.add(self.lines.get(key, ZERO), Decimal(line.quantity))

    def __bool__(self) -> bool:
        return bool(self.requests) or any(self.lines.values())

    def leave_out(self, others: _Sums) -> None:
        """Takes a part of these sums away."""
        self.requests = EXACT.subtract(self.requests, others.requests)
        for key, quantity in others.lines.items():
            self.lines[key] = EXACT.subtract(self.lines[key], quantity)

    def group(self, provider: str | None, model: str | None) -> WhatIfGroup:
        """The group; where no lever acts every place is 0 or 2."""
        paid = sorted((key, quantity) for key, quantity in self.lines.items() if key[2] and quantity)
        return WhatIfGroup(
            provider=provider,
            model=model,
            requests=whole(self.requests),
            cost_usd=add(EXACT.multiply(quantity, key[2]) for key, quantity in paid if "1" not in key[0]),
            lines=[
                WhatIfLine(places=places, charged_for=charged_for, quantity=quantity, unit_price_usd=price)
                for (places, charged_for, price), quantity in paid
            ],
        )


def _once(_branch: int) -> tuple[Decimal, Decimal]:
    return Decimal(1), Decimal(1)


def _names(replaying: Replaying, number: int | None) -> tuple[str | None, str | None]:
    provider, name, model = replaying.engine.names[number] if number is not None else (None, "", None)
    return (model.provider, model.model) if model else (provider, name or None)
