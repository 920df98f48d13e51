"""Budgets in tokens or dollars, held to every call: what would have been blocked or sent to a cheaper model.

Formula: calls come in order of time; a call is charged to every budget that it belongs to. The call that would pass a
budget's amount in its window (hour, day, week or month of a time zone) is held *before* it is charged: ``block`` does not
send it, ``downgrade`` sends it to ``model`` and charges its cost there (a further budget can block above that), ``warn``
only counts it. A smaller call behind a blocked one may still find room. Tokens are input and output, dollars list prices.

Assumptions: what a call costs is known when it is admitted, where a live gateway would have to reserve an estimate; and
whoever is blocked asks no more. Buckets are charged whole at their start and never held; calls without a time have no
window; a call without a price cannot be charged to dollars. All of these are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import ibis

from llmcost.money import usd
from llmcost.wording import counted
from llmcost.workload.branching import is_bucket
from llmcost.workload.budgetplay import FATE, Played, Window, play
from llmcost.workload.budgets import OWNERS, Budget, Budgets
from llmcost.workload.contract import MEASURED, MODELLED, Noted, Rewritten, Stage, Strategy, Workload, with_rows
from llmcost.workload.move import move, moves_of
from llmcost.workload.spending import BLOCKED, MOVED

_SHOWN: Final = 20
"""Owners that are named in the facts; the largest first."""


def rewrite(workload: Workload, params: Budgets, stage: Stage) -> Rewritten:
    """Takes blocked calls out of what is sent, and moves downgraded ones."""
    played = play(workload, params, stage)
    rows, modelled = workload.rows, False
    notes: tuple[Noted, ...] = ()
    if len(played.fates):
        before = rows.columns
        joined = rows.left_join(stage.register(played.fates), ["row_id", "branch"])
        rows = stage.view(
            joined.select(*[joined[name] for name in before], _was=joined.model, _to=joined[FATE].fill_null(0))
        )
        for place, target in enumerate(played.targets):
            rows = move(rows, rows._to == MOVED + place, stage, target)
        rows = stage.view(rows.mutate(sent=rows.sent & (rows._to != BLOCKED), changed=rows.changed | (rows._to != 0)))
        moved = moves_of(stage, workload.branches, rows, "_was")
        modelled, notes = moved.modelled, tuple(moved.notes())
        rows = rows.select(*before)
    return Rewritten(
        with_rows(workload, rows, touched=workload.touched or len(played.fates) > 0),
        title=_title(params.budgets),
        evidence=MODELLED if modelled else MEASURED,
        assumptions=(*_notes(params), *notes),
        warnings=tuple(_warnings(played, params, workload, stage)),
        changes_answers=len(played.fates) > 0,
        facts=dict(_facts(played)),
    )


def _title(budgets: Iterable[Budget]) -> str:
    listed = [f"{budget.name} ({budget.limit_text}, {budget.action})" for budget in budgets]
    more = f" and {len(listed) - 3} more budgets" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more


def _notes(params: Budgets) -> Iterator[Noted]:
    for budget in params.budgets:
        yield Noted(f"budget {budget.name}", budget.limit_text, f"in {params.timezone}", "scenario")
    yield Noted("cost of a call", "known when it is admitted")


def _facts(played: Played) -> Iterator[tuple[str, str]]:
    """What was held, by budget and owner."""
    windows = played.windows
    yield "windows over budget", str(sum(window.over_at is not None for window in windows))
    yield "requests blocked", str(sum(window.blocked for window in windows))
    if any(window.budget.action == "downgrade" for window in windows):
        yield "requests downgraded", str(sum(window.moved for window in windows))
        yield "requests over that could not be downgraded", str(sum(window.kept for window in windows))
    if any(window.budget.action == "warn" for window in windows):
        yield "requests warned of", str(sum(w.over_calls for w in windows if w.budget.action == "warn"))
    by_owner: dict[tuple[str, str], Window] = {}
    for window in windows:
        if not (window.blocked or window.moved or (window.budget.action == "warn" and window.over_calls)):
            continue
        key = (window.budget.name, owner_text(window))
        held = by_owner.get(key)
        by_owner[key] = window if held is None else _added(held, window)
    ordered = sorted(by_owner.items(), key=lambda item: (-item[1].blocked - item[1].moved, item[0]))
    for (budget, owner), window in ordered[:_SHOWN]:
        yield f"{budget}{': ' + owner if owner else ''}", _held(window)
    if len(ordered) > _SHOWN:
        yield "further owners over budget", str(len(ordered) - _SHOWN)


def _added(one: Window, other: Window) -> Window:
    names = ("over_calls", "blocked", "blocked_amount", "moved")
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in names})


def _held(window: Window) -> str:
    parts = []
    if window.blocked:
        parts.append(f"{window.blocked:,} blocked ({_amount(window.budget, window.blocked_amount)})")
    if window.moved:
        parts.append(f"{window.moved:,} downgraded")
    if window.budget.action == "warn":
        parts.append(f"{window.over_calls:,} over")
    return ", ".join(parts)


def _amount(budget: Budget, amount: Decimal) -> str:
    return usd(amount) if budget.usd is not None else f"{amount:,.0f} tokens"


def owner_text(window: Window) -> str:
    """Whose window it is, told apart from others of its budget."""
    return ", ".join(f"{name} {value}" for name, value in window.owner if name in window.budget.each)


def _warnings(played: Played, params: Budgets, workload: Workload, stage: Stage) -> Iterator[str]:
    held = sum(window.blocked for window in played.windows)
    if held:
        yield f"{counted(held, 'request')} blocked: what they cost is gone, and so are their answers"
    unknown = sum(window.unknown for window in played.windows)
    if unknown:
        yield f"{counted(unknown, 'request')} without a price or counts: no budget counts them"
    rows = workload.rows.filter(workload.rows.selected & workload.rows.sent)
    line = stage.collect(
        rows.agg(
            timeless=rows.started_at.isnull().ifelse(1, 0).sum(),
            buckets=(is_bucket(rows) & rows.started_at.notnull()).fill_null(False).ifelse(ibis.literal(1), 0).sum(),
        )
    ).to_pylist()[0]
    if line["timeless"]:
        yield f"{counted(int(line['timeless']), 'row')} without a time: in no window, and no budget counts them"
    if line["buckets"]:
        yield f"{counted(int(line['buckets']), 'usage bucket')} charged whole at their start and never held"
    seen = {window.budget.name for window in played.windows}
    for budget in params.budgets:
        if budget.name not in seen:
            yield f"budget {budget.name} meets no request"


STRATEGY = Strategy(
    title="Budgets of tokens or dollars",
    params=Budgets,
    rewrite=rewrite,
    conserves=frozenset({"rows", "time"}),
    reads=frozenset({"file_key", "line", "tags", *OWNERS.values()} - {"provider_name"}),
    conditions=lambda params: tuple(budget.when for budget in params.budgets if budget.when is not None),
    sequential=True,
)
