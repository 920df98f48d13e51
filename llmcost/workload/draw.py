"""Stable draws: the same request, user or conversation is drawn alike in every run, on every engine.

``draw = ((key mod p) * a + b) mod p`` with p = 2^31 - 1, and a, b from (seed, scenario, step, rule). The product stays
below 2^62, so no engine overflows. A bucket is many calls: a share of it is an exact weight, not a draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import blake2b
from typing import Final, Literal

import ibis
import ibis.expr.types as ir

from llmcost.workload.branching import counted, is_bucket, part
from llmcost.workload.contract import Branches, Stage, Weight

P: Final = 2**31 - 1
By = Literal["request", "user", "conversation"]


def coefficients(seed: int, scenario: str, step: int, rule: int) -> tuple[int, int]:
    """The a (1 to p-1) and b (0 to p-1) of one draw."""
    digest = blake2b(f"{seed}\x1f{scenario}\x1f{step}\x1f{rule}".encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "big") % (P - 1) + 1, int.from_bytes(digest[8:], "big") % P


def drawn(rows: ir.Table, share: Decimal, by: By, stage: Stage, rule: int = 0) -> ir.BooleanValue:
    """Whether a row is among the ``share`` of rows; rows of an unknown user or conversation are drawn by request."""
    if share >= 1:
        return ibis.literal(True)
    if share <= 0:
        return ibis.literal(False)
    a, b = coefficients(stage.seed, stage.scenario, stage.step, rule)
    return ((drawn_together(rows, by) % P) * a + b) % P < int(share * P)


_OWNER: Final[Mapping[By, str]] = {"user": "user_key", "conversation": "conversation_key"}


def undrawn(rows: ir.Table, by: By) -> ir.BooleanValue:
    """Rows of many calls, of which a share is a weight; a bucket of one user is drawn with that user."""
    return is_bucket(rows) if by == "request" else is_bucket(rows) & rows[_OWNER[by]].isnull()


def drawn_together(rows: ir.Table, by: By) -> ir.IntegerValue:
    """What is drawn as one: the key of the request, the user or the conversation."""
    return rows.request_key if by == "request" else ibis.coalesce(rows[_OWNER[by]], rows.request_key)


@dataclass(frozen=True)
class Taken:
    """Rows with the column ``_taken``, their branches, and the share achieved, as a fact."""

    branches: Branches
    rows: ir.Table
    facts: Mapping[str, str] = field(default_factory=dict)


def take(
    branches: Branches, rows: ir.Table, matching: ir.BooleanValue, share: Decimal, by: By, stage: Stage, rule: int = 0,
    fact: str = "share drawn",
) -> Taken:  # fmt: skip
    """Draws ``share`` of the ``matching`` rows; matching buckets are split by weight into a part taken and the rest.

    A bucket of one user is drawn with that user, where users are drawn (conversations alike).
    """
    if share >= 1 or share <= 0:
        return Taken(branches, rows.mutate(_taken=matching if share >= 1 else ibis.literal(False)))
    rows = rows.mutate(_matches=matching)
    flag = rows._matches & drawn(rows, share, by, stage, rule)
    if stage.weighs or {"ended_at", "requests"} & stage.present:
        splitting = (rows._matches & (ibis.literal(True) if stage.weighs else undrawn(rows, by))).fill_null(False)
        rows = rows.mutate(_taken=flag, _place=ibis.ifelse(splitting, ibis.array([1, 2]), ibis.array([0])).unnest())
        branches = branches.split((Weight(), Weight(share), Weight(Decimal(1) - share)))
        rows = rows.mutate(
            branch=(rows.branch * 3 + rows._place).cast("int64"),
            _taken=ibis.ifelse(rows._place == 0, rows._taken, rows._place == 1),
        ).drop("_place")
    else:
        rows = rows.mutate(_taken=flag)
    if stage.weighs:
        return Taken(branches, rows.drop("_matches"))
    rows = stage.view(rows)
    mine = rows.selected
    number = counted(stage, branches, rows, {"taken": mine & rows._taken, "all": mine & rows._matches})[()]
    facts = {fact: part(number["taken"], number["all"])} if number["all"] else {}
    return Taken(branches, rows.drop("_matches"), facts)


def taking(rows: ir.Table) -> ir.BooleanValue:
    """Where :func:`take` made a share a weight: the rows of the draw that takes all it can."""
    return rows.branch % 3 != 2


def in_draws(rows: ir.Table) -> ir.IntegerValue:
    """Where :func:`take` made a share a weight: the branches with which a row makes a log; what was not split stands in both."""
    both = ibis.array([rows.branch + 1, rows.branch + 2])
    return ibis.ifelse(rows.branch % 3 == 0, both, ibis.array([rows.branch])).unnest()
