"""The provider's prompt caching, replayed on the log's own prefixes under each provider's rules.

Formula: a request's cached tokens are the longest prefix that an earlier request of the same model and scope left
alive and answered (:mod:`llmcost.workload.prefixes`), rounded down to ``min_tokens + n * increment_tokens``, nothing
below the minimum; what is left of the cacheable prefix is written. Reads, writes and the rest are then priced.
Where requests mark what to cache, only those that match (or are logged to) write, and only at their breakpoints where
the log has them. What happens is worked out in :mod:`llmcost.workload.prefixplay`.
Rules by model and day come from the catalogue (https://platform.claude.com/docs/en/build-with-claude/prompt-caching,
https://platform.openai.com/docs/guides/prompt-caching, https://ai.google.dev/gemini-api/docs/caching, 2026-11-23).

What the log shows was cached already is no saving: where it shows caching of a model, that model's rows keep their
counters, unless life, minimum or mode are given; so do all rows of providers that cache by themselves and said what
they cached. Where such a provider's rows do not say, the replay is a model of it.
Rows without prefix keys are modelled from their conversation (each request repeats the one before it), or, with
``hit_rate`` and ``prefix_tokens``, assumed: an assumed rate splits a row by exact weights, so 95 % is 95 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field, model_validator

from llmcost.money import plain
from llmcost.usage.caching import NEVER
from llmcost.workload import assumedhits, cachelog, cacherule, cachestorage
from llmcost.workload.branching import calls, is_bucket
from llmcost.workload.cachecounters import cleaned, counters, floored, ruled
from llmcost.workload.cachelog import Seen, has_cached, unmoved
from llmcost.workload.cacherule import Rule, Wishes, by_rule
from llmcost.workload.contract import (
    ASSUMED,
    MEASURED,
    MODELLED,
    FlatCharge,
    Lever,
    Noted,
    Rewritten,
    Selecting,
    Stage,
    Strategy,
    Workload,
    with_rows,
)
from llmcost.workload.draw import drawn, take
from llmcost.workload.durations import Duration, Scope, micros_of
from llmcost.workload.prefixes import LATENCY_READS, READS, SCOPE_COLUMN, hits_read, logged_hits
from llmcost.workload.prefixplay import Caches, from_conversation, played
from llmcost.workload.select import condition

_NO_LIMIT = 2**61
_UNTOLD = "the log does not say what was cached on some requests of providers that cache by themselves: modelled"


_PLAYED = (READS - {"prefix_block_tokens"}) | LATENCY_READS | {"prefix_keys", *SCOPE_COLUMN.values(), "conversation_id"}
"""Columns of who finds what in a cache, and when."""


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
        default="keep",
        description="keep: rows of models that the log shows as cached stay as they are; replace: the replay decides.",
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> PromptCacheParams:
        if (self.hit_rate is None) != (self.prefix_tokens is None):
            raise ValueError("hit_rate and prefix_tokens go together")
        return self

    @property
    def own_rule(self) -> bool:
        """Whether the scenario sets rules of its own in place of what the log shows."""
        return self.wishes.any_given or self.scope is not None

    @property
    def replays(self) -> bool:
        """Whether any row is replayed: a rate may be assumed for all."""
        return self.hit_rate is None or self.observed == "keep"

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
    present = cachelog.seen(stage, workload.rows, _wished(workload.rows, params))
    held = cacherule.rules(stage, params.wishes, present)
    evidence = _evidence(workload.rows, params, stage, held)
    able = _able(workload.rows, params, held)
    taken = take(workload.branches, workload.rows, able, params.share, params.by, stage)
    rows = ruled(taken.rows.rename(_asks="_taken"), held)
    rows = rows.mutate(evidence=_evidence(rows, params, stage, held))
    rows = rows.mutate(_limit=_limit(rows, params, stage), _kept=_kept(rows, params, present))
    rows, charges = _found(workload, rows, params, stage, held, present)
    rows = _decided(rows)
    branches = taken.branches
    unknown: tuple[str, ...] = ()
    if params.hit_rate is not None:
        unknown = assumedhits.uncounted(workload.rows, stage)
        prefix = params.prefix_tokens or 0
        rows = assumedhits.sized(rows, prefix)
        stored = cachestorage.assumed(rows.filter(rows._changing), prefix, params.storage_hours, stage, held)
        branches, rows = assumedhits.split(branches, rows, params.hit_rate)
        charges = (*charges, *stored)
    kinds = _kinds(params, stage, held, present)
    return Rewritten(
        with_rows(workload, cleaned(rows), branches=branches, charges=charges),
        title=_title(params),
        evidence=next(iter(kinds)) if len(kinds) == 1 else evidence,
        assumptions=(*_assumptions(params, stage, held), *cacherule.notes(stage, held, params.wishes, present)),
        warnings=(*_warnings(params, stage, held, present), *unknown),
        shares={"token hit rate": ("cache_read_input_tokens", "input_tokens")},
        facts=taken.facts,
        assumes_buckets=params.hit_rate is not None,
    )


def _able(rows: ir.Table, params: PromptCacheParams, held: list[Rule]) -> ir.BooleanValue:
    """Rows, selected or not, that the scenario wants to be cached and that reach a provider which can."""
    caching = rows.model.isin(sorted({rule.model for rule in held}) or [-1])
    return (_wished(rows, params) & caching).fill_null(False)


def _wished(rows: ir.Table, params: PromptCacheParams) -> ir.BooleanValue:
    """Rows, selected or not, that the scenario wants to be cached and that reach a provider, whichever it is."""
    # A call that a gateway answered (requests = 0) reached no cache.
    sent = rows.sent & rows.input_tokens.notnull() & (rows.status != "error").fill_null(True) & (calls(rows) > 0)
    return (sent & condition(params.when, rows) if params.when else sent).fill_null(False)


def _found(
    workload: Workload,
    rows: ir.Table,
    params: PromptCacheParams,
    stage: Stage,
    held: list[Rule],
    present: Mapping[int, Seen],
) -> tuple[ir.Table, tuple[FlatCharge, ...]]:
    """Rows with what they find in the caches in ``_found``, and the charges with those of storage."""
    latency = None if params.write_latency is None else micros_of(params.write_latency)
    open_ = _open(params, stage, held, present)
    playing = _playing(workload, params, stage, held, present) & open_
    caches = Caches(held, playing, workload.branches, latency, marked=_marked(params, stage), partly=_partly(params))
    charges = workload.charges
    if not _keyed(params, stage):
        rows = rows.mutate(_found=ibis.null("int64"))
    else:
        lives = {rule.life for rule in held if rule.model in open_ - playing}
        told = stage.logged(rows, hits_read(lives))
        rows = told.mutate(_found=logged_hits(told, told._life, lives)).drop(set(told.columns) - set(rows.columns))
        if playing:
            rows, kept = played(stage, rows, caches)
            charges = (*charges, *cachestorage.replayed(stage, kept, held))
    talk = _talks(params, stage) and any(present[number].talks for number in open_ & present.keys())
    return (from_conversation(stage, rows, caches) if talk else rows), charges


def _open(params: PromptCacheParams, stage: Stage, held: list[Rule], present: Mapping[int, Seen]) -> frozenset[int]:
    """Models of which some row's counters depend on what it finds, or whose entries are billed; :func:`_kept` of the others holds."""
    replaced = params.observed == "replace" or params.hit_rate is not None or params.own_rule

    def depends(rule: Rule) -> bool:
        one = present[rule.model]
        return rule.stored or (one.asked if replaced else one.unmarked if rule.explicit else one.unread)

    return cacherule.sharing(stage, {rule.model for rule in held if depends(rule)})


def _marked(params: PromptCacheParams, stage: Stage) -> bool:
    """Whether requests cache up to the breakpoints that the log has of them."""
    return "cache_breakpoints" in stage.present and params.breakpoints == "log"


def _partly(params: PromptCacheParams) -> bool:
    """Whether some requests are not to be cached: where requests mark what to cache, they write nothing."""
    return params.when is not None or params.share < 1


def _keyed(params: PromptCacheParams, stage: Stage) -> bool:
    """Whether rows with prefix keys are replayed."""
    return "prefix_keys" in stage.present and params.replays


def _talks(params: PromptCacheParams, stage: Stage) -> bool:
    return params.conversation and params.hit_rate is None and "conversation_id" in stage.present


def _evidence(rows: ir.Table, params: PromptCacheParams, stage: Stage, held: list[Rule]) -> ir.IntegerValue:
    """How a change of each row would be known, 0 where there is none; of a bucket that is split, for all of it.

    Measured for requests with prefix keys whose provider said what it cached or whose breakpoints are logged, modelled
    for other requests with keys and for those with only a conversation, assumed by a rate.
    """
    able = _able(rows, params, held) & rows.selected
    told = able & drawn(rows, params.share, params.by, stage) & ~is_bucket(rows)
    branches: list[tuple[ir.BooleanValue, int]] = []
    if _keyed(params, stage):
        explicit = by_rule(rows, held, lambda rule: rule.explicit, default=False)
        known = ~unmoved(rows) | rows.cache_read_input_tokens.notnull()
        marked = (
            (rows.cache_breakpoints.length() > 0).fill_null(False) if _marked(params, stage) else ibis.literal(False)
        )
        keyed = told & rows.prefix_block_tokens.notnull()
        branches += [(keyed & ibis.ifelse(explicit, marked, known), MEASURED), (keyed, MODELLED)]
    if _talks(params, stage):
        branches.append((told & rows.conversation_key.notnull() & rows.started_at.notnull(), MODELLED))
    if params.hit_rate is not None:
        branches.append((able, ASSUMED))
    return (ibis.cases(*branches, else_=0) if branches else ibis.literal(0)).cast("int64")


def _kinds(params: PromptCacheParams, stage: Stage, held: list[Rule], present: Mapping[int, Seen]) -> set[int]:
    """The evidence that rows can have."""
    kinds = {ASSUMED} if params.hit_rate is not None else set()
    if _talks(params, stage):
        kinds.add(MODELLED)
    if _keyed(params, stage):
        for rule in held:
            if rule.explicit:
                kinds |= {MEASURED, MODELLED} if _marked(params, stage) else {MODELLED}
            else:
                kinds |= {MEASURED, MODELLED} if present[rule.model].untold else {MEASURED}
    return kinds or {MODELLED}


def _limit(rows: ir.Table, params: PromptCacheParams, stage: Stage) -> ir.IntegerValue:
    """Tokens up to which a request caches: its own last breakpoint, where the log has any."""
    if not _marked(params, stage):
        return ibis.literal(_NO_LIMIT, type="int64")
    last = rows.cache_breakpoints.maxs().nullif(0)
    moved = (rows.model != rows.logged_model) & (rows.logged_input_tokens > 0)
    scaled = (last * rows.input_tokens) // rows.logged_input_tokens.nullif(0)
    return ibis.coalesce(ibis.ifelse(moved.fill_null(False), scaled, last), _NO_LIMIT)


def _playing(
    workload: Workload, params: PromptCacheParams, stage: Stage, held: list[Rule], present: Mapping[int, Seen]
) -> frozenset[int]:
    """Models for which what the ingest stored does not hold: rows moved, or caches work otherwise than it took them to."""
    if workload.touched or stage.restricted or _marked(params, stage) or params.write_latency is not None:
        return frozenset(rule.model for rule in held)
    alike = cacherule.merged_names(stage, present)
    return frozenset(
        rule.model
        for rule in held
        if (workload.moved and present[rule.model].disturbed)
        or rule.model in alike
        or not cacherule.as_ingested([rule], stage.present)
        or (rule.stored or not rule.renews or (rule.explicit and (params.share < 1 or present[rule.model].unasked)))
    )


def _kept(rows: ir.Table, params: PromptCacheParams, present: Mapping[int, Seen]) -> ir.BooleanValue:
    """Rows whose counters stand: the log shows what the provider did, and the scenario asks for nothing else."""
    if params.observed == "replace":
        return ibis.literal(False)
    told = rows.cache_read_input_tokens.notnull() | has_cached(rows)
    showing = [number for number, one in present.items() if one.cached]
    shows = rows.model.isin(showing) if showing else ibis.literal(False)
    if params.hit_rate is not None:
        # The rate is for what the log does not know.
        return unmoved(rows) & (has_cached(rows) | (told & shows))
    if params.own_rule:
        return ibis.literal(False)
    # Where the provider caches by itself and said what it cached, a replay of its rule is no better knowledge. Where
    # requests mark what to cache, those that did show it, and the others did not ask.
    return unmoved(rows) & ibis.ifelse(rows._own, has_cached(rows), told)


def _decided(rows: ir.Table) -> ir.Table:
    """Found prefixes as counters, on the rows that are replayed."""
    cacheable = floored(rows, ibis.least(rows._limit, rows.input_tokens))
    found = ibis.least(rows._found.fill_null(0), rows.input_tokens, rows._limit)
    rows = rows.mutate(_read=ibis.least(floored(rows, found), rows.input_tokens).cast("int64"), _cacheable=cacheable)
    written = ibis.ifelse(rows._pays, ibis.greatest(rows._cacheable - rows._read, 0), 0).cast("int64")
    changing = rows._asks & (rows.evidence > 0) & (rows.evidence < ASSUMED) & ~rows._kept
    rows = rows.mutate(_changing=changing.fill_null(False), _written=written)
    return rows.mutate(
        changed=rows.changed | rows._changing, **counters(rows, rows._changing, rows._read, rows._written)
    )


def _assumptions(params: PromptCacheParams, stage: Stage, held: list[Rule]) -> tuple[Noted, ...]:
    found = []
    if params.hit_rate is not None:
        found += [
            Noted("hit rate", plain(params.hit_rate), "", "scenario"),
            Noted("prefix", str(params.prefix_tokens), "tokens", "scenario"),
        ]
    if _keyed(params, stage) and any(rule.explicit for rule in held):
        where = "where prompts part"
        if _marked(params, stage):
            where = f"as logged, else {where}"
        found.append(Noted("breakpoints of caches that requests mark", where))
    return tuple(found)


def _warnings(
    params: PromptCacheParams, stage: Stage, held: list[Rule], present: Mapping[int, Seen]
) -> tuple[str, ...]:
    if params.hit_rate is None and "prefix_keys" not in stage.present and not _talks(params, stage):
        return (
            "no row has prefix keys or a conversation: nothing was replayed; give hit_rate and prefix_tokens to assume",
        )
    untold = any(not rule.explicit and present[rule.model].untold for rule in held)
    return (_UNTOLD,) if untold and (params.hit_rate is None or _keyed(params, stage)) else ()


def _title(params: PromptCacheParams) -> str:
    life = "the provider's own rules"
    if params.retention == "long":
        life = "the provider's longer life"
    if params.ttl:
        life = f"life {params.ttl}"
    where = f", where {params.when}" if params.when else ""
    if params.hit_rate is not None:
        rate = plain(params.hit_rate * 100)
        return f"assumed: {rate} % of requests hit a prefix of {params.prefix_tokens} tokens{where}"
    return f"prompt caching replayed with {life}{where}"


STRATEGY = Strategy(
    title="Provider prompt caching, replayed on the log's own prefixes",
    params=PromptCacheParams,
    rewrite=rewrite,
    conserves=frozenset({"requests", "rows", "input_tokens", "output_tokens", "models", "time", "prices"}),
    reads=_PLAYED | {"prefix_block_tokens", "cache_breakpoints"},
    spares=lambda params: frozenset() if params.replays else _PLAYED,
    needs_requests=True,
    levers=(
        Lever("ttl", "1m", "1h"),
        Lever("write_latency", "30s", "0s"),
        Lever("min_tokens", 4096, 512),
        Lever("hit_rate", "0.7", "1.05", relative=True),
        Lever("share", "0.5", "1"),
    ),
    presets={
        "prompt-cache": ("the provider's own prompt caching rules", {}),
        "prompt-cache-1h": ("prompt caching with the longer life on offer", {"retention": "long"}),
    },
)
