"""Plays prompt caches over a workload's rows: who takes part, whose caches they are, and what each row finds.

Works on rows that carry the rule that holds for each (``_life``, ``_own``, ``_renews``), ``_limit``, and ``_asks``: the
scenario wants the row to be cached.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import ibis
import ibis.expr.types as ir

from llmcost.workload import cacherule, cachestorage, fixedlife
from llmcost.workload.branching import MOTHER, calls, is_bucket, one_branch, plays
from llmcost.workload.cachelog import has_cached, unmoved
from llmcost.workload.cacherule import Rule, by_rule
from llmcost.workload.contract import Branches, Stage
from llmcost.workload.prefixes import CacheUse, grown_prompts, replayed, scope_key


@dataclass(frozen=True)
class Caches:
    """How caches are played."""

    held: Sequence[Rule]
    playing: frozenset[int]
    """Models whose caches are played; what the rows of others find is known."""
    branches: Branches
    latency: int | None
    """Microseconds until a written entry can be read; None: as the log says."""
    marked: bool
    """Entries begin at logged breakpoints, on rows that have some."""
    partly: bool
    """Only rows that ask for it write, where requests mark what to cache."""


def played(stage: Stage, rows: ir.Table, caches: Caches) -> tuple[ir.Table, dict[int, int]]:
    """Rows with the tokens they find in ``_found``; and token-milliseconds stored, by model, where that is billed.

    ``_found`` of rows whose models are not played stays.
    """
    held = [rule for rule in caches.held if rule.model in caches.playing]
    rows = stage.view(one_branch(rows, _uses(rows, caches), caches.branches))
    told = stage.logged(rows, ["prefix_nodes", "prefix_ends", *(["prefix_keys"] if caches.marked else [])])
    here = told.model.isin(sorted(caches.playing)).fill_null(False)
    usable = _uses(told, caches) & plays(told) & here
    sparse = None
    if caches.marked:
        sparse = told._own & (told.cache_breakpoints.length() > 0).fill_null(False)
    scope = _scope(told, held, stage)
    use = CacheUse(
        told._life,
        usable,
        limit=told._limit,
        sparse=sparse,
        latency=caches.latency,
        model=cacherule.one_model(told, stage),
        steady=all(rule.since is None for rule in held),
    )
    found, stored = _lived(stage, told, use, scope, held)
    if any(rule.stored for rule in held):
        # What is kept without the rows that the scenario asks for, by the log or for rows that are not selected, it does not add.
        others = replace(use, usable=usable & ~(told._asks & told.selected))
        stored -= _lived(stage, told, others, scope, [rule for rule in held if rule.stored])[1]
    columns = [name for name in rows.columns if name != "_found"]
    if not found:
        return rows, {}
    hits = found[0] if len(found) == 1 else found[0].union(found[1])
    joined = rows.left_join(hits.rename({MOTHER: "branch"}), ["row_id", MOTHER])
    tokens = ibis.ifelse(joined.model.isin(sorted(caches.playing)), joined.hit_tokens, joined["_found"])
    return joined.select(*[joined[name] for name in columns], _found=tokens), dict(stored)


def _lived(
    stage: Stage, told: ir.Table, use: CacheUse, scope: ir.StringValue | None, held: Sequence[Rule]
) -> tuple[list[ir.Table], Counter[int]]:
    """What the rows of a use find, where lives are renewed and where they are not; and token-milliseconds stored, by model."""
    stored = Counter[int]()
    found: list[ir.Table] = []
    if any(rule.renews for rule in held):
        renewed = replace(use, usable=use.usable & told._renews)
        found.append(replayed(stage, told, renewed, scope))
        if any(rule.stored and rule.renews for rule in held):
            stored.update(cachestorage.renewed(stage, told, renewed, scope))
    if any(not rule.renews for rule in held):
        play = fixedlife.play(stage, told, replace(use, usable=use.usable & ~told._renews), scope)
        found.append(play.hits)
        stored.update(play.token_ms)
    return found, stored


def from_conversation(stage: Stage, rows: ir.Table, caches: Caches) -> ir.Table:
    """Rows without keys: the prompt before in the conversation is a prefix of this one, if it is not longer."""

    def talking(table: ir.Table) -> ir.BooleanValue:
        asked = _uses(table, caches) & ~is_bucket(table)
        talks = asked & table.conversation_key.notnull() & table.started_at.notnull()
        return talks & table.prefix_block_tokens.isnull() if "prefix_keys" in stage.present else talks

    columns = [name for name in rows.columns if name != MOTHER]
    rows = stage.view(one_branch(rows.select(columns), talking(rows), caches.branches))
    told = rows.filter(talking(rows) & plays(rows))
    found = grown_prompts(told, told._life, caches.latency, cacherule.one_model(told, stage))
    grown = stage.materialise(found.rename({MOTHER: "branch"}))
    if not stage.collect(grown.limit(1)).num_rows:
        return rows.drop(MOTHER)
    joined = rows.left_join(grown, ["row_id", MOTHER])
    return joined.select(
        *[joined[name] for name in columns if name != "_found"],
        _found=ibis.coalesce(joined["_found"], joined.grown_tokens),
    )


def _uses(rows: ir.Table, caches: Caches) -> ir.BooleanValue:
    """Rows that read, write and renew caches: what a provider answered, whatever part of it is looked at.

    Where requests mark what to cache, those that do not ask for it take no part, unless the log shows that they did.
    """
    usable = rows.sent & (rows.status != "error").fill_null(True) & (calls(rows) > 0)
    if not caches.partly:
        return usable
    return usable & (~rows._own | rows._asks | (unmoved(rows) & has_cached(rows)))


def _scope(rows: ir.Table, held: Sequence[Rule], stage: Stage) -> ir.StringValue | None:
    """Who shares a cache, None where the log does not tell owners apart."""
    scopes = list(dict.fromkeys(rule.scope for rule in held))
    keys = [scope_key(rows, scope, stage.present) for scope in scopes]
    if not any(key is not None for key in keys):
        return None
    if len(keys) == 1:
        return keys[0]
    place = by_rule(rows, held, lambda rule: scopes.index(rule.scope), -1)
    branches = [(place == number, key) for number, key in enumerate(keys) if key is not None]
    return ibis.cases(*branches, else_=ibis.literal(""))
