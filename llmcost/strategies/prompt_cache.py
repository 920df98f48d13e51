"""The provider's prompt caching, replayed on the log's own prefixes under each provider's rules.

Formula: a request's cached tokens are the longest prefix that an earlier request of the same model and scope left
alive and answered (:mod:`llmcost.workload.prefixes`), rounded down to ``min_tokens + n * increment_tokens``, nothing
below the minimum; what is left of the cacheable prefix is written. Reads, writes and the rest are then priced.
Rules by model and day come from the catalogue (https://platform.claude.com/docs/en/build-with-claude/prompt-caching,
https://platform.openai.com/docs/guides/prompt-caching, https://ai.google.dev/gemini-api/docs/caching, 2026-11-23).

What the log shows was cached already is no saving: on its own model a request keeps its logged counters wherever they
are as good; where the provider caches by itself and reported its counters, they stand unless life or minimum are given.
Rows without prefix keys are modelled from their conversation (each request repeats the one before it), or, with
``hit_rate`` and ``prefix_tokens``, assumed: an assumed rate splits a row by exact weights, so 95 % is 95 %.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field, model_validator

from llmcost.money import plain
from llmcost.usage.caching import NEVER
from llmcost.workload import cacherule, cachestorage
from llmcost.workload.cacherule import Rule, Wishes, by_rule
from llmcost.workload.contract import (
    ASSUMED,
    MEASURED,
    MODELLED,
    Noted,
    Rewritten,
    Selecting,
    Stage,
    Strategy,
    Weight,
    Workload,
    with_rows,
)
from llmcost.workload.draw import drawn
from llmcost.workload.durations import Duration, Scope, micros_of
from llmcost.workload.prefixes import (
    LATENCY_READS,
    READS,
    CacheUse,
    grown_prompts,
    logged_hits,
    replayed_hits,
    scope_key,
)
from llmcost.workload.select import condition

_NO_LIMIT = 2**61


class PromptCacheParams(Selecting):
    """How caching is set up; everything absent is the provider's own rule for the model on that day."""

    mode: Literal["implicit", "explicit"] | None = Field(
        default=None, description="implicit: the provider caches by itself; explicit: the request marks what to cache."
    )
    ttl: Duration | None = Field(default=None, description="Life of an entry after its last use: 5m, 1h, unlimited ..")
    retention: Literal["default", "long"] = Field(
        default="default", description="long: the longer life the provider sells or offers."
    )
    min_tokens: int | None = Field(default=None, ge=0, description="Shortest prefix that is cached, tokens.")
    increment_tokens: int | None = Field(
        default=None, ge=1, description="Steps in which a hit grows beyond the minimum, tokens."
    )
    write_latency: Duration | None = Field(
        default=None,
        description="Time until a written entry can be read; absent: the log's time to first token; 0s: at once.",
    )
    breakpoints: Literal["log", "end"] = Field(
        default="log",
        description="log: cache up to the request's own last breakpoint where it has any; end: the whole prompt.",
    )
    scope: Scope | None = Field(default=None, description="Who shares a cache.")
    storage: bool | None = Field(
        default=None, description="Whether stored tokens are billed by the hour (explicit caches of some providers)."
    )
    storage_hours: Decimal | None = Field(
        default=None, ge=0, description="Hours that prefix_tokens are stored, with hit_rate; absent: the log's period."
    )
    hit_rate: Decimal | None = Field(
        default=None, ge=0, le=1, description="Assumed share of requests that hit (0 to 1), instead of replaying."
    )
    prefix_tokens: int | None = Field(default=None, ge=1, description="Assumed length of the cached prefix, tokens.")
    conversation: bool = Field(default=True, description="Model rows without prefix keys from their conversation.")
    observed: Literal["keep", "replace"] = Field(
        default="keep", description="keep: what the log shows as cached stays; replace: the replay alone decides."
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> PromptCacheParams:
        if (self.hit_rate is None) != (self.prefix_tokens is None):
            raise ValueError("hit_rate and prefix_tokens go together")
        return self

    @property
    def wishes(self) -> Wishes:
        """The parameters that change a provider's rule."""
        life = None if self.ttl is None else micros_of(self.ttl)
        return Wishes(
            explicit=None if self.mode is None else self.mode == "explicit",
            life=NEVER - 1 if self.ttl is not None and life is None else life,
            long=self.retention == "long",
            minimum=self.min_tokens,
            increment=self.increment_tokens,
            scope=self.scope,
            storage=self.storage,
        )


def rewrite(workload: Workload, params: PromptCacheParams, stage: Stage) -> Rewritten:
    """Gives the matching rows the counters that the replayed or assumed cache would give them."""
    held = cacherule.rules(stage, params.wishes)
    matching = _matching(workload.rows, params, stage, held)
    if params.hit_rate is not None:
        return _assumed(workload, matching, params, stage, held)
    return _replayed(workload, matching, params, stage, held)


def _matching(rows: ir.Table, params: PromptCacheParams, stage: Stage, held: list[Rule]) -> ir.BooleanValue:
    ids = sorted({rule.model for rule in held}) or [-1]
    matching = rows.selected & rows.sent & rows.model.isin(ids) & rows.input_tokens.notnull()
    matching = matching & ~(rows.status == "error").fill_null(False)
    if params.when:
        matching = matching & condition(params.when, rows)
    return (matching & drawn(rows, params.share, params.by, stage)).fill_null(False)


def _ruled(rows: ir.Table, held: list[Rule]) -> ir.Table:
    """The rows with the rule that holds for each."""
    return rows.mutate(
        _minimum=by_rule(rows, held, lambda rule: rule.minimum, 0).cast("int64"),
        _increment=by_rule(rows, held, lambda rule: rule.increment, 1).cast("int64"),
        _life=by_rule(rows, held, lambda rule: rule.life, 0).cast("int64"),
        _pays=by_rule(rows, held, lambda rule: rule.writes_billed, default=False),
        _hour=by_rule(rows, held, lambda rule: rule.one_hour, default=False),
        _own=by_rule(rows, held, lambda rule: rule.explicit, default=False),
    )


def _floored(rows: ir.Table, tokens: ir.IntegerValue) -> ir.IntegerValue:
    """Tokens rounded down to the minimum plus whole increments; 0 below the minimum."""
    steps = (tokens - rows._minimum) // rows._increment
    reached = (tokens >= rows._minimum) & (tokens > 0)
    return ibis.ifelse(reached, rows._minimum + steps * rows._increment, 0).fill_null(0).cast("int64")


def _assumed(
    workload: Workload, matching: ir.BooleanValue, params: PromptCacheParams, stage: Stage, held: list[Rule]
) -> Rewritten:
    rate, prefix = params.hit_rate or Decimal(0), params.prefix_tokens or 0
    rows = _ruled(workload.rows.mutate(_matching=matching), held)
    calls = ibis.coalesce(rows.requests, 1)
    cached = ibis.least(_floored(rows, ibis.literal(prefix, type="int64")) * calls, rows.input_tokens)
    rows = rows.mutate(_changing=rows._matching & (cached > 0) & (calls > 0), _cached=cached)
    split = workload.branches.split((Weight(), Weight(rate), Weight(Decimal(1) - rate)))
    rows = rows.mutate(_place=ibis.ifelse(rows._changing, ibis.array([1, 2]), ibis.array([0]))).unnest("_place")
    written = ibis.ifelse((rows._place == 2) & rows._pays, rows._cached, 0).cast("int64")
    read = ibis.ifelse(rows._place == 1, rows._cached, 0).cast("int64")
    rows = rows.mutate(
        branch=rows.branch * 3 + rows._place,
        changed=rows.changed | rows._changing,
        **_counters(rows, rows._changing, read, written),
    )
    stored = cachestorage.assumed(rows.filter(rows._changing), prefix, params.storage_hours, stage, held)
    return Rewritten(
        with_rows(workload, _cleaned(rows), branches=split, charges=(*workload.charges, *stored)),
        title=f"assumed: {plain(rate * 100)} % of requests hit a prefix of {prefix} tokens",
        evidence=ASSUMED,
        assumptions=(
            Noted("hit rate", plain(rate), "", "scenario"),
            Noted("prefix", str(prefix), "tokens", "scenario"),
            *cacherule.notes(stage, held, params.wishes),
        ),
    )


def _replayed(
    workload: Workload, matching: ir.BooleanValue, params: PromptCacheParams, stage: Stage, held: list[Rule]
) -> Rewritten:
    evidence = _evidence(workload.rows, matching, params, stage)
    rows = _ruled(workload.rows.mutate(_matching=matching, evidence=evidence), held)
    rows = rows.mutate(_limit=_limit(rows, params, stage))
    latency = None if params.write_latency is None else micros_of(params.write_latency)
    charges = workload.charges
    if "prefix_keys" not in stage.present:
        rows = rows.mutate(_found=ibis.null("int64"))
    elif _must_play(workload, params, stage, held):
        rows = stage.view(rows)
        usable = rows.sent & (rows.status != "error").fill_null(True)
        use = CacheUse(rows._life, usable, rows._limit, latency, cacherule.one_model(rows, stage))
        scope = _scope(rows, held, stage)
        found = stage.materialise(replayed_hits(rows, use, scope))
        charges = (*charges, *cachestorage.replayed(stage, rows, use, scope, held))
        joined = rows.left_join(found, ["row_id", "branch"])
        rows = joined.select(*[joined[name] for name in rows.columns], _found=joined.hit_tokens)
    else:
        rows = rows.mutate(_found=logged_hits(rows, rows._life, {rule.life for rule in held}))
    if _talks(params, stage):
        rows = _from_conversation(rows, latency, stage)
    rows = _decided(rows, params)
    mixed = _talks(params, stage) and "prefix_keys" in stage.present
    return Rewritten(
        with_rows(workload, _cleaned(rows), charges=charges),
        title=_title(params),
        evidence=evidence if mixed else MODELLED if _talks(params, stage) else MEASURED,
        assumptions=cacherule.notes(stage, held, params.wishes),
        warnings=_warnings(params, stage),
        shares={"token hit rate": ("cache_read_input_tokens", "input_tokens")},
    )


def _talks(params: PromptCacheParams, stage: Stage) -> bool:
    return params.conversation and "conversation_id" in stage.present


def _evidence(rows: ir.Table, matching: ir.BooleanValue, params: PromptCacheParams, stage: Stage) -> ir.IntegerValue:
    """Measured for matching requests with prefix keys, modelled for those with only a conversation, 0 for the rest."""
    told = matching & rows.ended_at.isnull()
    branches = []
    if "prefix_keys" in stage.present:
        branches.append((told & rows.prefix_block_tokens.notnull(), MEASURED))
    if _talks(params, stage):
        branches.append((told & rows.conversation_key.notnull() & rows.started_at.notnull(), MODELLED))
    return (ibis.cases(*branches, else_=0) if branches else ibis.literal(0)).cast("int64")


def _limit(rows: ir.Table, params: PromptCacheParams, stage: Stage) -> ir.IntegerValue:
    """Tokens up to which a request caches: its own last breakpoint, where the log has any."""
    if "cache_breakpoints" not in stage.present or params.breakpoints == "end":
        return ibis.literal(_NO_LIMIT, type="int64")
    last = rows.cache_breakpoints.maxs().nullif(0)
    moved = (rows.model != rows.logged_model) & (rows.logged_input_tokens > 0)
    scaled = (last * rows.input_tokens) // rows.logged_input_tokens.nullif(0)
    return ibis.coalesce(ibis.ifelse(moved.fill_null(False), scaled, last), _NO_LIMIT)


def _must_play(workload: Workload, params: PromptCacheParams, stage: Stage, held: list[Rule]) -> bool:
    """Whether what the ingest stored does not hold: rows moved, or caches work otherwise than the ingest took them to."""
    breakpoints = "cache_breakpoints" in stage.present and params.breakpoints == "log"
    return (
        workload.touched
        or breakpoints
        or params.write_latency is not None
        or params.scope is not None
        or cacherule.merged_names(stage)
        or any(rule.stored for rule in held)
    )


def _scope(rows: ir.Table, held: list[Rule], stage: Stage) -> ir.StringValue | None:
    """Who shares a cache, None where the log does not tell owners apart."""
    by_scope: dict[Scope, list[int]] = {}
    for rule in held:
        by_scope.setdefault(rule.scope, []).append(rule.model)
    branches = [
        (rows.model.isin(ids), key)
        for scope, ids in by_scope.items()
        if (key := scope_key(rows, scope, stage.present)) is not None
    ]
    return ibis.cases(*branches, else_=ibis.literal("")) if branches else None


def _from_conversation(rows: ir.Table, latency: int | None, stage: Stage) -> ir.Table:
    """Rows without keys: the prompt before in the conversation is a prefix of this one, if it is not longer."""
    rows = stage.view(rows)
    asked = rows.sent & (rows.status != "error").fill_null(True) & rows.ended_at.isnull()
    talks = asked & rows.conversation_key.notnull() & rows.started_at.notnull()
    if "prefix_keys" in stage.present:
        talks = talks & rows.prefix_block_tokens.isnull()
    told = rows.filter(talks)
    found = stage.materialise(grown_prompts(told, told._life, latency, cacherule.one_model(told, stage)))
    joined = rows.left_join(found, ["row_id", "branch"])
    modelled = joined.grown_tokens.fill_null(0)
    return joined.select(
        *[joined[name] for name in rows.columns if name != "_found"],
        _found=ibis.ifelse(joined.evidence == MODELLED, modelled, joined["_found"]),
    )


def _decided(rows: ir.Table, params: PromptCacheParams) -> ir.Table:
    """Found prefixes as counters, on the rows that gain by them."""
    cacheable = _floored(rows, ibis.least(rows._limit, rows.input_tokens))
    found = ibis.least(rows._found.fill_null(0), rows.input_tokens, rows._limit)
    rows = rows.mutate(_read=ibis.least(_floored(rows, found), rows.input_tokens).cast("int64"), _cacheable=cacheable)
    written = ibis.ifelse(rows._pays, ibis.greatest(rows._cacheable - rows._read, 0), 0).cast("int64")
    changing = rows.evidence > 0
    if params.observed == "keep":
        changing = changing & _better(rows, params)
    rows = rows.mutate(_changing=changing.fill_null(False), _written=written)
    return rows.mutate(
        changed=rows.changed | rows._changing, **_counters(rows, rows._changing, rows._read, rows._written)
    )


def _better(rows: ir.Table, params: PromptCacheParams) -> ir.BooleanValue:
    """Rows that gain by the replay: nothing was cached on them, or less than the replay finds."""
    moved = rows.model != rows.logged_model
    read, written = rows.cache_read_input_tokens, rows.cache_creation_input_tokens
    uncached = (read.fill_null(0) == 0) & (written.fill_null(0) == 0)
    more = rows._read > read.fill_null(0)
    if params.ttl is None and params.retention == "default" and params.min_tokens is None and params.mode is None:
        # The provider caches by itself and said what it cached: a replay of its own rule is no better knowledge.
        told = read.notnull() & ~rows._own
        return moved | (~told & (uncached | more))
    return moved | uncached | more


def _counters(
    rows: ir.Table, changing: ir.BooleanValue, read: ir.IntegerValue, written: ir.IntegerValue
) -> dict[str, ir.Value]:
    changed = {
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "cache_creation_1h_input_tokens": ibis.ifelse(rows._hour, written, 0).cast("int64"),
        "cache_read_audio_tokens": ibis.literal(0, type="int64"),
    }
    return {name: ibis.ifelse(changing, value, rows[name]) for name, value in changed.items() if name in rows.columns}


def _cleaned(rows: ir.Table) -> ir.Table:
    return rows.drop(*[name for name in rows.columns if name.startswith("_")])


def _warnings(params: PromptCacheParams, stage: Stage) -> tuple[str, ...]:
    if "prefix_keys" in stage.present or _talks(params, stage):
        return ()
    return (
        "no row has prefix keys or a conversation: nothing was replayed; give hit_rate and prefix_tokens to assume",
    )


def _title(params: PromptCacheParams) -> str:
    life = "the provider's own rules"
    if params.retention == "long":
        life = "the provider's longer life"
    if params.ttl:
        life = f"life {params.ttl}"
    where = f", where {params.when}" if params.when else ""
    return f"prompt caching replayed with {life}{where}"


STRATEGY = Strategy(
    title="Provider prompt caching, replayed on the log's own prefixes",
    params=PromptCacheParams,
    rewrite=rewrite,
    conserves=frozenset({"requests", "rows", "input_tokens", "output_tokens", "models", "time", "prices"}),
    reads=READS
    | LATENCY_READS
    | {"cache_breakpoints", "organization", "project", "api_key_id", "user_id", "conversation_id"},
    needs_requests=True,
    presets={
        "prompt-cache": ("the provider's own prompt caching rules", {}),
        "prompt-cache-1h": ("prompt caching with the longer life on offer", {"retention": "long"}),
    },
)
