"""Ordered rules send requests to other models; the first rule that matches decides.

Formula: cost = scaled counts x the chosen model's rates. A rule's ``share`` is drawn stably, so it composes with all
that follows; a request that a rule matched but did not draw falls to the next rule. Counts are scaled by the ratio of
tokenizer factors (printed); prompts that do not fit the target stay and are counted. A request whose conversation was
on another model the turn before finds a cold cache there: its cached tokens are written again.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field, model_validator

from llmcost.workload.branching import MOTHER, one_branch, part, plays
from llmcost.workload.cachecounters import WRITTEN, written_again
from llmcost.workload.cacherule import one_model
from llmcost.workload.contract import (
    MEASURED,
    MODELLED,
    Branches,
    Noted,
    Params,
    Rewritten,
    Stage,
    Strategy,
    Workload,
    with_rows,
)  # fmt: skip
from llmcost.workload.draw import in_draws, take, taking
from llmcost.workload.move import fits, movable, move, moves_of, refused
from llmcost.workload.prefixes import tie
from llmcost.workload.select import condition


class Rule(Params):
    """One rule: what matches goes to ``model``, or stays with ``keep``."""

    when: str | None = Field(default=None, description="SQL condition over the usage columns; absent: all requests.")
    model: str | None = Field(default=None, description="provider/model that answers; absent: the request stays.")
    share: Decimal = Field(default=Decimal(1), ge=0, le=1, description="Part of the matching requests (0 to 1).")
    by: Literal["request", "user", "conversation"] = Field(default="request", description="What is drawn together.")


class RouteParams(Params):
    """Ordered rules and what happens to the rest."""

    rules: tuple[Rule, ...] = Field(min_length=1, description="Rules in order; the first that matches decides.")
    default: str | None = Field(
        default=None, description="provider/model of requests that no rule matches; absent: they stay."
    )

    @model_validator(mode="after")
    def _moves(self) -> RouteParams:
        if self.default is None and not any(rule.model for rule in self.rules):
            raise ValueError("no rule names a model")
        return self


def rewrite(workload: Workload, params: RouteParams, stage: Stage) -> Rewritten:
    """Moves each row to the model of the first rule that takes it."""
    rules = [*params.rules, *([Rule(model=params.default)] if params.default else [])]
    keys = list(dict.fromkeys(rule.model for rule in rules if rule.model))
    targets = [stage.catalogue.get(key) for key in keys]
    for target in targets:
        stage.model_id(target.key)
    before = workload.rows.columns
    branches, rows, facts = _chosen(workload.branches, workload.rows, rules, keys, stage)
    rows = rows.mutate(_was=rows.model)
    able = [(rows._chosen == place) & movable(rows, stage, target) for place, target in enumerate(targets, 1)]
    room = [fits(rows, stage, target) for target in targets]
    going = [(flag & there, place) for place, (flag, there) in enumerate(zip(able, room, strict=True), 1)]
    staying = [refused(rows, flag & ~there) for flag, there in zip(able, room, strict=True)]
    rows = rows.mutate(_goes=ibis.cases(*going, else_=0), tally=sum(staying[1:], staying[0]).cast("int64"))
    for place, target in enumerate(targets, 1):
        rows = move(rows, rows._goes == place, stage, target)
    rows = stage.view(rows)
    moved = moves_of(stage, branches, rows, "_was")
    if moved.of:
        facts["share of requests moved"] = part(moved.calls, moved.of)
    rows = _cold_caches(branches, rows, params, stage)
    return Rewritten(
        with_rows(workload, rows.select(*before), branches=branches, moved=True),
        title=_title(params),
        evidence=MODELLED if moved.modelled else MEASURED,
        assumptions=(*moved.notes(), *_shares(params)),
        changes_answers=True,
        tallied="requests that do not fit and stay",
        facts=facts,
    )


def _chosen(
    branches: Branches, rows: ir.Table, rules: list[Rule], keys: list[str], stage: Stage
) -> tuple[Branches, ir.Table, dict[str, str]]:
    """Rows with the place of their target (1, 2 ..) in ``_chosen``, 0 to stay."""
    rows = rows.mutate(_chosen=ibis.null("int64"))
    facts: dict[str, str] = {}
    for number, rule in enumerate(rules):
        free = rows.selected & rows.sent & rows._chosen.isnull()
        matching = free & condition(rule.when, rows) if rule.when else free
        taken = take(branches, rows, matching, rule.share, rule.by, stage, number, f"share drawn by rule {number + 1}")
        branches, rows, facts = taken.branches, taken.rows, {**facts, **taken.facts}
        place = ibis.literal(keys.index(rule.model) + 1 if rule.model else 0, type="int64")
        rows = rows.mutate(_chosen=rows._taken.ifelse(place, rows._chosen)).drop("_taken")
    return branches, rows.mutate(_chosen=rows._chosen.fill_null(0)), facts


def _cold_caches(branches: Branches, rows: ir.Table, params: RouteParams, stage: Stage) -> ir.Table:
    """Cached reads of a turn that follows a turn on another model become writes: that model never saw the prefix."""
    if "conversation_id" not in stage.present:
        return rows
    # Where shares are weights, a conversation goes or stays as a whole in each branch.
    whole = stage.weighs or all(rule.share >= 1 for rule in params.rules)
    whole = whole and all(rule.when is None for rule in params.rules)
    if whole and _together(rows.filter(taking(rows)) if stage.weighs else rows, stage):
        return rows
    # A call that a response cache answered reached no provider and warmed nothing.
    one = rows.mutate(**{MOTHER: rows.branch}) if stage.weighs else one_branch(rows, rows.sent, branches)
    rows = stage.view(one)
    cold = stage.materialise(_switched(rows, stage))
    joined = rows.left_join(cold, ["row_id", MOTHER])
    is_cold = joined.cold.fill_null(False) & (joined.cache_read_input_tokens > 0).fill_null(False)
    read = joined.cache_read_input_tokens
    remade = {*WRITTEN, "cache_read_input_tokens", "cache_read_audio_tokens", "changed", MOTHER}
    made = {
        **written_again(joined, is_cold),
        "cache_read_input_tokens": ibis.ifelse(is_cold, 0, read).cast("int64"),
        "changed": joined.changed | is_cold,
    }
    if "cache_read_audio_tokens" in rows.columns:
        made["cache_read_audio_tokens"] = ibis.ifelse(is_cold, 0, joined.cache_read_audio_tokens).cast("int64")
    return joined.select(*[joined[name] for name in rows.columns if name not in remade], **made)


def _together(rows: ir.Table, stage: Stage) -> bool:
    """Whether all turns of conversations are on one model: none stayed where it was, and none lies before the selection."""
    talks = rows.filter(rows.sent & rows.conversation_key.notnull())
    places = stage.collect(talks.select(now=one_model(talks, stage)).distinct().limit(2))
    return bool(places.num_rows < 2)


def _switched(rows: ir.Table, stage: Stage) -> ir.Table:
    """(row_id, MOTHER, cold) of turns whose turn before now is on another model."""
    talks = rows.filter(rows.sent & plays(rows) & rows.conversation_key.notnull())
    narrow = talks.select(
        "row_id", "branch", "conversation_key", "started_at", "selected", _tie=tie(talks),
        model=one_model(talks, stage), _was=one_model(talks, stage, talks._was),
        _log=in_draws(talks) if stage.weighs else ibis.literal(0),
    )  # fmt: skip
    window = ibis.window(group_by=["conversation_key", "_log"], order_by=["started_at", "_tie", "row_id", "branch"])
    wide = narrow.mutate(_last=narrow.model.lag().over(window), _last_was=narrow._was.lag().over(window))
    # Where the log itself switched models, its counters already know.
    switched = (wide._last != wide.model) & (wide._last_was == wide._was)
    cold = wide.filter(switched.fill_null(False) & wide.selected & ((wide._log == wide.branch) | (wide._log == 0)))
    return cold.select("row_id", **{MOTHER: cold.branch}, cold=ibis.literal(True))


def _shares(params: RouteParams) -> tuple[Noted, ...]:
    return tuple(
        Noted(f"share of rule {number}", f"{rule.share}", f"of matching, by {rule.by}", "scenario")
        for number, rule in enumerate(params.rules, 1)
        if rule.share < 1
    )


def _title(params: RouteParams) -> str:
    parts = [f"{rule.when or 'all'} to {rule.model or 'no other model'}" for rule in params.rules[:3]]
    if len(params.rules) > 3:
        parts.append(f"{len(params.rules) - 3} more rules")
    if params.default:
        parts.append(f"else {params.default}")
    return "; ".join(parts)


STRATEGY = Strategy(
    title="Rules that send requests to other models",
    params=RouteParams,
    rewrite=rewrite,
    conserves=frozenset({"requests", "rows", "time"}),
    reads=frozenset({"conversation_id", "file_key", "line"}),
    conditions=lambda params: tuple(rule.when for rule in params.rules if rule.when is not None),
    presets={
        "route-short": (
            "answers of under 200 tokens from dear models go to a small model",
            {
                "rules": [
                    {
                        "when": "output_tokens < 200 and provider_name in ('openai', 'azure', 'anthropic', 'google', 'mistral', 'xai')",
                        "model": "openai/gpt-5-mini",
                    }
                ]
            },
        ),
    },
)
