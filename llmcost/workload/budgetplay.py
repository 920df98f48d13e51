"""Budgets over a workload: which windows could be passed is one sum in the engine; only those are played call by call.

A window whose calls add up to less than its amount, with every call at the dearer of its models, can hold nothing up, in
whatever order they come. The rest is streamed once in order of time through :mod:`llmcost.workload.spending`. Calls of one
instant come in the order of their keys, then of files and lines, so the order in which files were read decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from math import lcm
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from llmcost.money import EXACT, ZERO
from llmcost.pricing.grid import is_paid
from llmcost.pricing.names import ModelRef
from llmcost.workload.branching import calls, is_bucket
from llmcost.workload.budgets import Budget, Budgets, matching, value_of
from llmcost.workload.clock import Clock
from llmcost.workload.contract import USD_BASE, USD_HIGH, USD_LOW, Stage, Workload, with_rows
from llmcost.workload.move import fits, movable, move
from llmcost.workload.prefixes import tie
from llmcost.workload.select import condition
from llmcost.workload.spending import PASSED, Call, Ledger, Play

FATE: Final = "_fate"


@dataclass(frozen=True)
class Window:
    """What came of one window of one owner: amounts in USD or tokens, calls weighted by their branches."""

    budget: Budget
    owner: tuple[tuple[str, str], ...]
    number: int
    logged: Decimal
    spent: Decimal
    calls: int
    unknown: int
    """Calls that count as nothing because their cost (or tokens) is not known."""
    over_at: int | None = None
    over_calls: int = 0
    blocked: int = 0
    blocked_amount: Decimal = ZERO
    moved: int = 0
    kept: int = 0

    @property
    def limit(self) -> Decimal:
        """The amount of the budget."""
        return self.budget.usd if self.budget.usd is not None else Decimal(self.budget.tokens or 0)


@dataclass(frozen=True)
class Played:
    """Every window, and the fates of the calls that were held: (row_id, branch, _fate)."""

    windows: tuple[Window, ...]
    fates: pa.Table
    targets: tuple[ModelRef, ...]


@dataclass(frozen=True)
class _Scale:
    """Exact integers: USD times 10^places times ``share``, the common denominator of all branches' weights."""

    places: int
    share: int
    money: dict[int, int]
    count: dict[int, int]

    def usd(self, high: int, low: int, branch: int, exact: int) -> int:
        return (high * USD_BASE + low) * int(10 ** (self.places - exact)) * self.money[branch]

    def limit(self, budget: Budget) -> int:
        if budget.usd is not None:
            return int(EXACT.multiply(budget.usd.scaleb(self.places), Decimal(self.share)))
        return (budget.tokens or 0) * self.share

    def amount(self, value: int, budget: Budget) -> Decimal:
        """The integer as what it stands for; a share that no decimal holds is rounded at the 18th place."""
        places = self.places if budget.usd is not None else 0
        return (Decimal(value).scaleb(-places) / self.share).quantize(Decimal("1e-18")).normalize() + 0


def play(workload: Workload, budgets: Budgets, stage: Stage) -> Played:
    """Holds ``budgets`` to the sent calls of ``workload`` that have a time."""
    keys = list(dict.fromkeys(b.model for b in budgets.budgets if b.model is not None))
    targets = tuple(stage.catalogue.get(key) for key in keys)
    for target in targets:
        stage.model_id(target.key)
    ends = stage.collect(
        workload.rows.agg(a=workload.rows.started_at.min(), z=workload.rows.started_at.max())
    ).to_pylist()[0]
    empty = pa.table(
        {"row_id": pa.array([], pa.int64()), "branch": pa.array([], pa.int64()), FATE: pa.array([], pa.int64())}
    )
    if ends["a"] is None:
        return Played((), empty, targets)
    wide, exact = _priced(workload, targets, stage, any(b.usd is not None for b in budgets.budgets))
    wide = stage.materialise(
        _labelled(wide, budgets, Clock(budgets.timezone, (ends["a"], ends["z"])), len(targets), stage)
    )
    scale = _scale(workload, wide, exact, budgets, stage)
    every = [
        (number, *found)
        for number, budget in enumerate(budgets.budgets)
        for found in _sums(wide, number, budget, exact, scale, stage)
    ]
    ledgers: dict[tuple[int, tuple[str, ...], int], Ledger] = {}
    for number, owner, window, sums in every:
        budget = budgets.budgets[number]
        if sums["most"] > scale.limit(budget):
            goes = keys.index(budget.model) if budget.model is not None else 0
            ledgers[number, owner, window] = Ledger(
                number, scale.limit(budget), budget.action, budget.usd is not None, goes
            )
    fates = _run(wide, budgets, ledgers, exact, scale, stage) if ledgers else empty
    return Played(
        tuple(_window(budgets.budgets[n], owner, window, sums, ledgers.get((n, owner, window)), scale) for n, owner, window, sums in every),
        fates, targets,
    )  # fmt: skip


def _priced(workload: Workload, targets: Sequence[ModelRef], stage: Stage, money: bool) -> tuple[ir.Table, list[int]]:
    """Rows with ``h0 l0 t0`` as logged and ``h1 l1 t1 ..`` on each target, and the decimal places of each."""
    paid = is_paid(workload.rows).fill_null(False)
    rows = stage.view(workload.rows.mutate(_paid=paid))
    found, places = _cost(with_rows(workload, rows), stage, money, 0)
    wide, exact = found, [places]
    for place, target in enumerate(targets, 1):
        able = rows._paid & ~is_bucket(rows) & movable(rows, stage, target) & fits(rows, stage, target)
        gone = stage.view(move(rows.mutate(_able=able.fill_null(False)), able.fill_null(False), stage, target))
        there, places = _cost(with_rows(workload, gone), stage, money, place)
        names = [f"{part}{place}" for part in "hlt"]
        there = stage.view(there.filter(there._able & there[f"h{place}"].notnull()).select("row_id", "branch", *names))
        joined = wide.left_join(there, ["row_id", "branch"])
        wide = stage.view(joined.select(*[joined[name] for name in wide.columns], *[joined[name] for name in names]))
        exact.append(places)
    return wide, exact


def _cost(workload: Workload, stage: Stage, money: bool, place: int) -> tuple[ir.Table, int]:
    rows, places = workload.rows, 0
    nothing = ibis.literal(0, type="int64")
    if money:
        priced = stage.row_costs(workload)
        rows, places = priced.rows, priced.places
        rows = rows.mutate(**{f"h{place}": rows[USD_HIGH], f"l{place}": rows[USD_LOW]})
    else:
        rows = rows.mutate(**{f"h{place}": nothing, f"l{place}": nothing})
    tokens = rows.input_tokens.fill_null(0) + rows.output_tokens.fill_null(0)
    return rows.mutate(**{f"t{place}": rows._paid.ifelse(tokens, 0).cast("int64")}), places


def _labelled(rows: ir.Table, budgets: Budgets, clock: Clock, targets: int, stage: Stage) -> ir.Table:
    """Only what the loop needs: for each budget whether the row is its, whose, and in which window."""
    made: dict[str, Any] = {}
    for number, budget in enumerate(budgets.budgets):
        mine = matching(budget.owners, rows, stage)
        made[f"m{number}"] = mine & condition(budget.when, rows) if budget.when else mine
        made[f"w{number}"] = clock.window(rows.started_at, budget.per)
        for place, name in enumerate(budget.each):
            made[f"o{number}_{place}"] = value_of(name, rows, stage)
    sent = rows.filter(rows.sent & rows.started_at.notnull())
    costs = [f"{part}{place}" for place in range(targets + 1) for part in "hlt"]
    unsaid = sent._paid & (sent.input_tokens.isnull() | sent.output_tokens.isnull())
    return sent.select(
        "row_id", "branch", "started_at", "request_key", "selected", *costs,
        _tie=tie(sent), _bucket=is_bucket(sent).fill_null(False), _unsaid=unsaid,
        _calls=sent._paid.ifelse(calls(sent), 0).cast("int64"), **made,
    )  # fmt: skip


def _scale(workload: Workload, wide: ir.Table, exact: Sequence[int], budgets: Budgets, stage: Stage) -> _Scale:
    numbers = [int(line["branch"]) for line in stage.collect(wide.select("branch").distinct()).to_pylist()]
    weights = {number: workload.branches.weight(number) for number in numbers}
    money = {n: EXACT.multiply(w.count, w.cost).as_integer_ratio() for n, w in weights.items()}
    count = {n: w.count.as_integer_ratio() for n, w in weights.items()}
    share = lcm(1, *(below for _, below in (*money.values(), *count.values())))
    decimals = [max(0, -int(b.usd.normalize().as_tuple().exponent)) for b in budgets.budgets if b.usd is not None]
    return _Scale(
        max([*exact, *decimals, 0]), share,
        {n: above * (share // below) for n, (above, below) in money.items()},
        {n: above * (share // below) for n, (above, below) in count.items()},
    )  # fmt: skip


def _sums(
    wide: ir.Table, number: int, budget: Budget, exact: Sequence[int], scale: _Scale, stage: Stage
) -> Iterator[tuple[tuple[str, ...], int, dict[str, int]]]:
    """(owner, window, sums) of a budget; ``most`` is what the calls add up to with each at the dearer of its models."""
    mine = wide.filter(wide[f"m{number}"])
    names = [f"o{number}_{place}" for place in range(len(budget.each))]
    columns = [f"{part}{place}" for place in range(len(exact)) for part in "hlt"]
    unknown = mine.h0.isnull() if budget.usd is not None else mine._unsaid
    told = mine.selected.ifelse(mine._calls, 0)
    table = mine.group_by([*names, f"w{number}", "branch"]).agg(
        calls=told.sum(), unknown=unknown.ifelse(told, 0).sum(), **{name: mine[name].sum() for name in columns}
    )
    found: dict[tuple[tuple[str, ...], int], dict[str, int]] = {}
    for line in stage.collect(table).to_pylist():
        held = found.setdefault(
            (tuple(line[name] for name in names), line[f"w{number}"]), {"total": 0, "most": 0, "calls": 0, "unknown": 0}
        )
        for place, places in enumerate(exact):
            high, low, tokens = (int(line[f"{part}{place}"] or 0) for part in "hlt")
            amount = (
                scale.usd(high, low, line["branch"], places)
                if budget.usd is not None
                else tokens * scale.count[line["branch"]]
            )
            held["most"] += amount
            held["total"] += amount if place == 0 else 0
        held["calls"] += int(line["calls"]) * scale.count[line["branch"]]
        held["unknown"] += int(line["unknown"]) * scale.count[line["branch"]]
    for (owner, window), sums in sorted(found.items()):
        yield owner, window, sums


def _run(
    wide: ir.Table, budgets: Budgets, ledgers: dict[tuple[int, tuple[str, ...], int], Ledger], exact: Sequence[int],
    scale: _Scale, stage: Stage,
) -> pa.Table:  # fmt: skip
    """Streams the calls of the windows that can be passed through the loop."""
    listed = list(ledgers.values())
    rows, hot = wide, sorted({number for number, _, _ in ledgers})
    for number in hot:
        rows = _with_ledgers(
            rows,
            number,
            [(key, place) for place, key in enumerate(ledgers) if key[0] == number],
            budgets.budgets[number],
            stage,
        )
    touched = rows.filter(reduce(lambda a, b: a | b, [rows[f"g{number}"].notnull() for number in hot]))
    columns = [f"{part}{place}" for place in range(len(exact)) for part in "hlt"]
    ordered = touched.order_by(["started_at", "request_key", "_tie", "row_id", "branch"])
    narrow = ordered.select(
        "row_id", "branch", "started_at", "selected", "_bucket", "_calls", *columns, *[f"g{number}" for number in hot]
    )
    fates: dict[str, list[int]] = {"row_id": [], "branch": [], FATE: []}
    loop = Play(listed)
    for batch in stage.stream(narrow):
        data = {name: column.to_pylist() for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        results = loop.run(_calls(data, hot, listed, exact, scale))
        for place, fate in enumerate(results):
            if fate != PASSED and data["selected"][place]:
                for name, value in (("row_id", data["row_id"][place]), ("branch", data["branch"][place]), (FATE, fate)):
                    fates[name].append(value)
    return pa.table({name: pa.array(values, pa.int64()) for name, values in fates.items()})


def _with_ledgers(
    rows: ir.Table, number: int, keys: list[tuple[tuple[int, tuple[str, ...], int], int]], budget: Budget, stage: Stage
) -> ir.Table:
    """Rows with the ledger of budget ``number`` that they count in, unknown where that window cannot be passed."""
    names = [f"o{number}_{place}" for place in range(len(budget.each))]
    table = {name: pa.array([key[1][place] for key, _ in keys], pa.string()) for place, name in enumerate(names)}
    table[f"w{number}"] = pa.array([key[2] for key, _ in keys], pa.int64())
    table["ledger"] = pa.array([place for _, place in keys], pa.int64())
    joined = rows.left_join(stage.register(pa.table(table)), [*names, f"w{number}"])
    ledger = joined[f"m{number}"].ifelse(joined.ledger, ibis.null("int64"))
    return stage.view(joined.select(*[joined[name] for name in rows.columns], **{f"g{number}": ledger}))


def _calls(
    data: dict[str, list[Any]], hot: Sequence[int], ledgers: Sequence[Ledger], exact: Sequence[int], scale: _Scale
) -> Iterator[Call]:
    groups = [data[f"g{number}"] for number in hot]
    steps = [10 ** (scale.places - places) for places in exact]
    highs, lows, tokens = ([data[f"{part}{place}"] for place in range(len(exact))] for part in "hlt")
    others = range(1, len(exact))
    for place, (branch, at, selected, bucket, number) in enumerate(
        zip(data["branch"], data["started_at"], data["selected"], data["_bucket"], data["_calls"], strict=True)
    ):
        money, count = scale.money[branch], scale.count[branch]
        mine = [ledgers[group[place]] for group in groups if group[place] is not None]
        high = highs[0][place]
        targets = [
            None if tokens[n][place] is None
            else ((highs[n][place] * USD_BASE + lows[n][place]) * steps[n] * money, tokens[n][place] * count)
            for n in others
        ]  # fmt: skip
        yield Call(
            at, mine, 0 if high is None else (high * USD_BASE + lows[0][place]) * steps[0] * money,
            tokens[0][place] * count, number * count if selected else 0, not bucket, targets,
        )  # fmt: skip


def _window(
    budget: Budget, owner: tuple[str, ...], window: int, sums: dict[str, int], ledger: Ledger | None, scale: _Scale
) -> Window:
    def whole(number: int) -> int:
        return (2 * number + scale.share) // (2 * scale.share)

    fixed = {name: value for name, value in budget.owners.items() if name not in budget.each}
    named = tuple((fixed | dict(zip(budget.each, owner, strict=True))).items())
    total = scale.amount(sums["total"], budget)
    if ledger is None:
        return Window(budget, named, window, total, total, whole(sums["calls"]), whole(sums["unknown"]))
    return Window(
        budget, named, window, total, scale.amount(ledger.spent, budget), whole(sums["calls"]), whole(sums["unknown"]),
        ledger.over_at, whole(ledger.over_calls), whole(ledger.blocked), scale.amount(ledger.blocked_amount, budget),
        whole(ledger.moved), whole(ledger.kept),
    )  # fmt: skip
