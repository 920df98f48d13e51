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

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field, model_validator

from llmcost.money import plain
from llmcost.pricing.entries import CacheRule
from llmcost.usage.caching import NEVER, PROJECT_SCOPED
from llmcost.workload.contract import (
    ASSUMED,
    MEASURED,
    MODELLED,
    FlatCharge,
    Noted,
    Rewritten,
    Selecting,
    Stage,
    Strategy,
    Weight,
    Workload,
    with_rows,
)  # fmt: skip
from llmcost.workload.draw import drawn
from llmcost.workload.durations import Duration, Scope, micros_of, shown
from llmcost.workload.prefixes import (
    LATENCY_READS,
    READS,
    CacheUse,
    logged_hits,
    ready_at,
    replayed_hits,
    scope_key,
    stored_token_seconds,
)  # fmt: skip
from llmcost.workload.select import condition

_HOUR_MTOK_MS = Decimal(3_600_000) * Decimal(1_000_000)


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


@dataclass(frozen=True)
class _Rule:
    """The rule of one model id from an instant on, with the scenario's parameters in place."""

    model: int
    since: int | None
    explicit: bool
    life: int | None
    minimum: int
    increment: int
    scope: Scope
    one_hour: bool
    writes_billed: bool
    stored: bool
    source: str


def _rules(stage: Stage, params: PromptCacheParams) -> list[_Rule]:
    """A rule for every model id and rule period that the log's time touches; models that cannot cache have none."""
    found: list[_Rule] = []
    for number, model, _, _ in stage.models():
        if model is None or model.entry.operation != "chat":
            continue
        entries = sorted(model.entry.cache, key=lambda rule: rule.valid_from)
        if not entries and params.ttl is not None and params.min_tokens is not None:
            entries = [CacheRule(valid_from=0, mode=params.mode or "implicit", source="scenario")]
        for place, entry in enumerate(entries):
            if entry.mode == "none":
                continue
            found.append(_rule(number, entry, None if place == 0 else entry.valid_from, params, model.provider))
    return found


def _rule(number: int, entry: CacheRule, since: int | None, params: PromptCacheParams, provider: str) -> _Rule:
    explicit = params.mode == "explicit" if params.mode else entry.mode == "explicit"
    life: int | None = (
        entry.long_ttl_seconds or entry.ttl_seconds if params.retention == "long" else entry.ttl_seconds
    ) * 1_000_000
    if params.ttl is not None:
        life = micros_of(params.ttl)
    scope: Scope = params.scope or ("project" if provider in PROJECT_SCOPED else "organization")
    return _Rule(
        model=number,
        since=since,
        explicit=explicit,
        life=life,
        minimum=entry.min_tokens if params.min_tokens is None else params.min_tokens,
        increment=entry.increment_tokens if params.increment_tokens is None else params.increment_tokens,
        scope=scope,
        one_hour=entry.write_class == "cache_write_1h"
        or (
            entry.write_class == "cache_write_5m"
            and entry.long_ttl_seconds == 3600
            and life is not None
            and life > entry.ttl_seconds * 1_000_000
        ),
        writes_billed=entry.write_class != "input",
        stored=explicit and (entry.storage_billed if params.storage is None else params.storage),
        source=entry.source,
    )


def _by_rule(rows: ir.Table, rules: Iterable[_Rule], value: Callable[[_Rule], Any], default: Any) -> Any:
    """``value`` of the rule that holds for a row; equal values share a branch."""
    latest = sorted(rules, key=lambda rule: -(rule.since or 0))
    plain_ids: dict[Any, list[int]] = {}
    branches = []
    for rule in latest:
        if rule.since is None:
            plain_ids.setdefault(value(rule), []).append(rule.model)
        else:
            branches.append(((rows.model == rule.model) & (rows.priced_at >= rule.since), value(rule)))
    branches += [(rows.model.isin(ids), result) for result, ids in plain_ids.items()]
    return ibis.cases(*branches, else_=default) if branches else ibis.literal(default)


def rewrite(workload: Workload, params: PromptCacheParams, stage: Stage) -> Rewritten:
    """Gives the matching rows the counters that the replayed or assumed cache would give them."""
    rules = _rules(stage, params)
    rows = workload.rows
    matching = (
        rows.selected
        & rows.sent
        & rows.model.isin([rule.model for rule in rules] or [-1])
        & rows.input_tokens.notnull()
    )
    if params.when:
        matching = matching & condition(params.when, rows)
    matching = matching & drawn(rows, params.share, params.by, stage)
    failed = (rows.status == "error").fill_null(False)
    rows = rows.mutate(
        _matching=(matching & ~failed).fill_null(False),
        _minimum=_by_rule(rows, rules, lambda rule: rule.minimum, 0).cast("int64"),
        _increment=_by_rule(rows, rules, lambda rule: rule.increment, 1).cast("int64"),
        _life=_by_rule(rows, rules, lambda rule: NEVER - 1 if rule.life is None else rule.life, 0).cast("int64"),
        _pays=_by_rule(rows, rules, lambda rule: rule.writes_billed, default=False),
        _hour=_by_rule(rows, rules, lambda rule: rule.one_hour, default=False),
        _own=_by_rule(rows, rules, lambda rule: rule.explicit, default=False),
    )
    rows = stage.view(rows)
    if params.hit_rate is not None:
        return _assumed(workload, rows, params, stage, rules)
    return _replayed(workload, rows, params, stage, rules)


def _floored(rows: ir.Table, tokens: ir.IntegerValue) -> ir.IntegerValue:
    """Tokens rounded down to the minimum plus whole increments; 0 below the minimum."""
    steps = (tokens - rows._minimum) // rows._increment
    return (
        ibis.ifelse((tokens >= rows._minimum) & (tokens > 0), rows._minimum + steps * rows._increment, 0)
        .fill_null(0)
        .cast("int64")
    )


def _assumed(
    workload: Workload, rows: ir.Table, params: PromptCacheParams, stage: Stage, rules: list[_Rule]
) -> Rewritten:
    rate, prefix = params.hit_rate or Decimal(0), params.prefix_tokens or 0
    calls = ibis.coalesce(rows.requests, 1)
    cached = ibis.least(_floored(rows, ibis.literal(prefix, type="int64")) * calls, rows.input_tokens)
    changing = rows._matching & (cached > 0) & (calls > 0)
    rows = rows.mutate(_changing=changing, _cached=cached)
    split = workload.branches.split((Weight(), Weight(rate), Weight(Decimal(1) - rate)))
    places = ibis.ifelse(rows._changing, ibis.array([1, 2]), ibis.array([0]))
    rows = rows.mutate(_place=places).unnest("_place")
    hit, miss = rows._place == 1, rows._place == 2
    written = ibis.ifelse(miss & rows._pays, rows._cached, 0).cast("int64")
    rows = rows.mutate(
        branch=rows.branch * 3 + rows._place,
        changed=rows.changed | rows._changing,
        **_counters(rows, rows._changing, ibis.ifelse(hit, rows._cached, 0).cast("int64"), written),
    )
    charges = _assumed_storage(params, stage, rules)
    return Rewritten(
        with_rows(workload, _cleaned(rows), branches=split, charges=(*workload.charges, *charges)),
        title=f"assumed: {plain(rate * 100)} % of requests hit a prefix of {prefix} tokens",
        evidence=ASSUMED,
        assumptions=(
            Noted("hit rate", plain(rate), "", "scenario"),
            Noted("prefix", str(prefix), "tokens", "scenario"),
            *_rule_notes(stage, rules, params),
        ),
    )


def _assumed_storage(params: PromptCacheParams, stage: Stage, rules: list[_Rule]) -> tuple[FlatCharge, ...]:
    stored = [rule for rule in rules if rule.stored and rule.since is None]
    names = {number: model.key for number, model, _, _ in stage.models() if model is not None}
    hours = params.storage_hours
    if hours is None and stage.span is not None:
        hours = Decimal(stage.span[1] - stage.span[0]) / Decimal(3_600_000_000)
    if not stored or not hours or not params.prefix_tokens:
        return ()
    mtok = Decimal(params.prefix_tokens).scaleb(-6)
    used = _used_models(stage)
    return tuple(
        FlatCharge("cache_storage_mtok_hour", mtok * hours, "MTok-hours", names[rule.model], note="stored prefix")
        for rule in stored
        if rule.model in used
    )


def _used_models(stage: Stage) -> set[int]:
    return {number for number, model, _, name in stage.models() if model is not None and not name.startswith("\x1f")}


def _replayed(
    workload: Workload, rows: ir.Table, params: PromptCacheParams, stage: Stage, rules: list[_Rule]
) -> Rewritten:
    breakpoints = "cache_breakpoints" in stage.present and params.breakpoints == "log"
    limit = rows.cache_breakpoints.maxs() if breakpoints else None
    rows = rows.mutate(
        _limit=ibis.coalesce(limit.nullif(0), 2**61) if limit is not None else ibis.literal(2**61, type="int64")
    )
    latency = micros_of(params.write_latency) if params.write_latency is not None else None
    keyed = "prefix_keys" in stage.present
    plays = (
        workload.touched
        or latency is not None
        or breakpoints
        or params.scope is not None
        or _merged_names(stage)
        or any(r.stored for r in rules)
    )
    charges: tuple[FlatCharge, ...] = ()
    if not keyed:
        rows = rows.mutate(_found=ibis.null("int64"), _keyed=ibis.literal(False))
    elif plays:
        use = CacheUse(rows._life, rows.sent & (rows.status != "error").fill_null(True), rows._limit, latency)
        scope = _scope(rows, rules)
        found = replayed_hits(rows, use, scope)
        joined = rows.left_join(found, ["row_id", "branch"])
        rows = joined.select(
            *[joined[name] for name in rows.columns], _found=joined.hit_tokens, _keyed=rows.prefix_keys.notnull()
        )
        charges = _storage(stage, rows, use, scope, rules)
    else:
        rows = rows.mutate(_found=logged_hits(rows, rows._life), _keyed=rows.prefix_keys.notnull())
    if params.conversation and "conversation_id" in stage.present:
        rows = _from_conversation(rows, latency)
    else:
        rows = rows.mutate(_known=rows._keyed)
    return _finished(workload, rows, params, stage, rules, charges)


def _merged_names(stage: Stage) -> bool:
    """Whether two logged names mean one model, so that the ingest's partitions are not the caches."""
    keys = [
        (provider, model.key)
        for _, model, provider, name in stage.models()
        if model is not None and not name.startswith("\x1f")
    ]
    return len(keys) != len(set(keys))


def _scope(rows: ir.Table, rules: list[_Rule]) -> ir.StringValue:
    by_scope: dict[Scope, list[int]] = {}
    for rule in rules:
        by_scope.setdefault(rule.scope, []).append(rule.model)
    branches = [(rows.model.isin(ids), scope_key(rows, scope)) for scope, ids in by_scope.items()]
    return ibis.cases(*branches, else_=ibis.literal("")) if branches else ibis.literal("")


def _from_conversation(rows: ir.Table, latency: int | None) -> ir.Table:
    """Rows without keys: the prompt before in the conversation is a prefix of this one, if it is not longer."""
    order = ["started_at", "file_key", "line", "row_id"]
    window = ibis.window(group_by=["conversation_key", "model"], order_by=order)
    wide = rows.mutate(_ready=ready_at(rows, latency))
    wide = wide.mutate(
        _before=wide.input_tokens.lag().over(window),
        _before_at=wide.started_at.lag().over(window),
        _before_ready=wide._ready.lag().over(window),
    )
    talks = ~wide._keyed & wide.conversation_key.notnull() & wide.started_at.notnull() & wide.ended_at.isnull()
    alive = (wide.started_at - wide._before_at <= wide._life) & (wide._before_ready <= wide.started_at)
    grown = alive & (wide._before <= wide.input_tokens)
    modelled = ibis.ifelse(grown.fill_null(False), wide._before, 0)
    return wide.mutate(_known=wide._keyed | talks, _found=ibis.ifelse(talks, modelled, wide._found)).drop(
        "_ready", "_before", "_before_at", "_before_ready"
    )


def _finished(
    workload: Workload,
    rows: ir.Table,
    params: PromptCacheParams,
    stage: Stage,
    rules: list[_Rule],
    charges: tuple[FlatCharge, ...],
) -> Rewritten:
    cacheable = _floored(rows, ibis.least(rows._limit, rows.input_tokens))
    read = ibis.least(
        _floored(rows, ibis.least(rows._found.fill_null(0), rows.input_tokens, rows._limit)), rows.input_tokens
    )
    rows = rows.mutate(_read=read.cast("int64"), _cacheable=ibis.greatest(cacheable, read).cast("int64"))
    written = ibis.ifelse(rows._pays, rows._cacheable - rows._read, 0).cast("int64")
    changing = rows._matching & rows._known & rows.ended_at.isnull()
    if params.observed == "keep":
        changing = changing & _better(rows, params)
    rows = rows.mutate(_changing=changing.fill_null(False), _written=written)
    evidence = ibis.ifelse(rows._keyed, MEASURED, MODELLED).cast("int64")
    mixed = params.conversation and "conversation_id" in stage.present
    rows = rows.mutate(evidence=evidence if mixed else rows.evidence)
    rows = rows.mutate(
        changed=rows.changed | rows._changing, **_counters(rows, rows._changing, rows._read, rows._written)
    )
    rows = stage.view(rows.mutate(**_measures(rows)))
    cleaned = _cleaned(rows)
    facts = _facts(stage, rows)
    return Rewritten(
        with_rows(workload, cleaned, charges=(*workload.charges, *charges)),
        title=_title(params),
        evidence=_split_evidence(workload, stage, params) if mixed else MEASURED,
        assumptions=_rule_notes(stage, rules, params),
        warnings=_warnings(stage, facts),
        facts=facts,
    )


def _split_evidence(workload: Workload, stage: Stage, params: PromptCacheParams) -> ir.IntegerValue | int:
    """Measured for rows with keys, modelled for those that only have a conversation; a function of the row as it came."""
    del params
    if "prefix_keys" not in stage.present:
        return MODELLED
    return ibis.ifelse(workload.rows.prefix_keys.notnull(), MEASURED, MODELLED).cast("int64")


def _better(rows: ir.Table, params: PromptCacheParams) -> ir.BooleanValue:
    """Rows that gain by the replay: nothing was cached on them, or less than the replay finds."""
    moved = rows.model != rows.logged_model
    read, written = rows.cache_read_input_tokens, rows.cache_creation_input_tokens
    uncached = (read.fill_null(0) == 0) & (written.fill_null(0) == 0)
    told = read.notnull() & ~rows._own
    if params.ttl is None and params.retention == "default" and params.min_tokens is None and params.mode is None:
        # The provider caches by itself and said what it cached: a replay of its own rule is no better knowledge.
        return moved | (~told & (uncached | (rows._read > read.fill_null(0))))
    return moved | uncached | (rows._read > read.fill_null(0))


def _counters(
    rows: ir.Table, changing: ir.BooleanValue, read: ir.IntegerValue, written: ir.IntegerValue
) -> dict[str, ir.Value]:
    one_hour = ibis.ifelse(rows._hour, written, 0).cast("int64")
    audio = (
        {"cache_read_audio_tokens": ibis.ifelse(changing, 0, rows.cache_read_audio_tokens).cast("int64")}
        if "cache_read_audio_tokens" in rows.columns
        else {}
    )
    return {
        **audio,
        "cache_read_input_tokens": ibis.ifelse(changing, read, rows.cache_read_input_tokens),
        "cache_creation_input_tokens": ibis.ifelse(changing, written, rows.cache_creation_input_tokens),
        "cache_creation_1h_input_tokens": ibis.ifelse(changing, one_hour, rows.cache_creation_1h_input_tokens),
    }


def _cleaned(rows: ir.Table) -> ir.Table:
    return rows.drop(*[name for name in rows.columns if name.startswith("_")])


def _measures(rows: ir.Table) -> dict[str, ir.IntegerValue]:
    told = rows._matching & rows._known
    return {
        "_a": ibis.ifelse(told, rows.input_tokens, 0),
        "_b": ibis.ifelse(told, rows._read, 0),
        "_c": ibis.ifelse(rows._matching & ~rows._known, rows.input_tokens, 0),
    }


def _facts(stage: Stage, rows: ir.Table) -> dict[str, str]:
    sums = rows.agg(a=rows._a.sum().cast("string"), b=rows._b.sum().cast("string"), c=rows._c.sum().cast("string"))
    answer = stage.collect(sums).to_pylist()[0]
    told, hit, blind = (int(answer[name] or 0) for name in ("a", "b", "c"))
    share = (Decimal(hit) / Decimal(told)).quantize(Decimal("0.0001")) if told else None
    facts = {"input tokens replayed": str(told), "of them found in the cache": str(hit)}
    if share is not None:
        facts["token hit rate"] = str(share)
    if blind:
        facts["input tokens without prefix keys or conversation"] = str(blind)
    return facts


def _warnings(stage: Stage, facts: dict[str, str]) -> tuple[str, ...]:
    del stage
    if facts.get("input tokens replayed") == "0":
        return (
            "no row has prefix keys or a conversation: nothing was replayed; give hit_rate and prefix_tokens to assume",
        )
    return ()


def _storage(
    stage: Stage, rows: ir.Table, use: CacheUse, scope: ir.StringValue, rules: list[_Rule]
) -> tuple[FlatCharge, ...]:
    stored = {rule.model for rule in rules if rule.stored}
    if not stored:
        return ()
    del use, scope
    again = CacheUse(rows._life, rows._matching, rows._limit, None)
    names = {number: model.key for number, model, _, _ in stage.models() if model is not None}
    kept = stage.collect(
        stored_token_seconds(rows, again, _scope(rows, rules)).mutate(token_ms=lambda t: t.token_ms.cast("string"))
    )
    return tuple(
        FlatCharge(
            "cache_storage_mtok_hour",
            Decimal(line["token_ms"]) / _HOUR_MTOK_MS,
            "MTok-hours",
            names[line["model"]],
            note="stored prefixes",
        )
        for line in sorted(kept.to_pylist(), key=lambda line: line["model"])
        if line["model"] in stored and line["token_ms"]
    )


def _rule_notes(stage: Stage, rules: list[_Rule], params: PromptCacheParams) -> tuple[Noted, ...]:
    names = {number: model.key for number, model, _, _ in stage.models() if model is not None}
    used = _used_models(stage)
    notes = []
    for rule in rules:
        if rule.model not in used or rule.since is not None:
            continue
        given = (
            any(v is not None for v in (params.ttl, params.min_tokens, params.increment_tokens))
            or params.retention == "long"
        )
        value = f"life {shown(rule.life)}, from {rule.minimum} tokens in steps of {rule.increment}, per {rule.scope}"
        notes.append(
            Noted(
                f"cache rule of {names[rule.model]}", value, "", "scenario and provider rule" if given else rule.source
            )
        )
    return tuple(dict.fromkeys(notes))


def _title(params: PromptCacheParams) -> str:
    life = (
        f"life {params.ttl}"
        if params.ttl
        else "the provider's longer life"
        if params.retention == "long"
        else "the provider's own rules"
    )
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
