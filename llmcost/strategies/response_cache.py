"""An exact-match cache of whole answers in front of the provider.

Formula: a lookup hits if an answer to the same key was complete at most ``ttl`` ago; a hit is not sent and costs
nothing but ``lookup_cost_usd``. The life of an entry is set when it is written and hits do not renew it; calls that
arrive before the first answer is complete all miss, and each writes (:mod:`llmcost.workload.expiry`). The key is prompt
(messages, system, tools), model, temperature, top_p, seed, output cap, thinking budget and response format, within
``scope``: the default is the project of an organization, since answers may hold what its documents say.

Assumption: a repeated answer is as good as a new one. So only deterministic requests take part by default: those whose
log says temperature = 0, and kinds of calls that never sample (embeddings ..); a request without temperature has the
provider's default, which samples. Failed, cut off and cancelled calls are not stored. Rows before the selection warm
the cache; buckets and rows without prompt key or time are left alone and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from llmcost.money import EXACT, plain
from llmcost.usage.caching import DEFAULT_WRITE_LATENCY_US
from llmcost.workload.branching import MOTHER, add, counted, is_bucket, one_branch, part, plays, shown
from llmcost.workload.contract import (
    ASSUMED,
    MEASURED,
    Branches,
    FlatCharge,
    Lever,
    Noted,
    Rewritten,
    Selecting,
    Stage,
    Strategy,
    Workload,
    with_rows,
)  # fmt: skip
from llmcost.workload.draw import drawn
from llmcost.workload.durations import Duration, Finite, Scope, micros_of
from llmcost.workload.expiry import NEVER, Flags, Ints, Policy, bounded, unbounded
from llmcost.workload.select import condition

SETTINGS: Final = (
    "temperature", "top_p", "seed", "max_output_tokens", "thinking_budget_tokens", "response_format",
)  # fmt: skip
"""What changes the answer beside prompt and model."""
OWNERS: Final[Mapping[Scope, tuple[str, ...]]] = {
    "global": (),
    "organization": ("organization",),
    "project": ("organization", "project"),
    "api_key": ("organization", "project", "api_key_id"),
    "user": ("organization", "project", "user_id"),
}
_NEVER_SAMPLED: Final = frozenset({"embeddings", "moderation", "rerank"})
_ORDER: Final = ("started_at", "file_key", "line", "row_id", "branch")


class ResponseCacheParams(Selecting):
    """How the cache is set up."""

    ttl: Duration = Field(default="1h", description="Life of an answer from its writing: 5m, 1h, 24h, unlimited ..")
    scope: Scope = Field(default="project", description="Who shares answers; a project is one of its organization.")
    deterministic_only: bool = Field(
        default=True, description="Only requests with temperature = 0 in the log, and calls that never sample."
    )
    max_entries: int | None = Field(default=None, ge=1, description="Most answers that are kept; absent: no limit.")
    policy: Literal["lru", "lfu", "fifo"] = Field(
        default="lru", description="What makes room: least recently used, least often used, or oldest written."
    )
    write_latency: Finite | None = Field(
        default=None,
        description="Time until an answer can be served to others; absent: the log's duration of the call.",
    )
    lookup_cost_usd: Decimal = Field(default=Decimal(0), ge=0, description="Price of a lookup, USD per request.")


def rewrite(workload: Workload, params: ResponseCacheParams, stage: Stage) -> Rewritten:
    """Takes the requests that hit out of what is sent."""
    rows = stage.view(workload.rows.mutate(_takes=_matching(workload.rows, params, stage)))
    able = _able(rows, params, stage)
    rows = rows.mutate(_able=rows._takes & able["able"])
    facts = _facts(workload.branches, rows, able, params, stage)
    hits = None
    if facts["lookups"]:
        rows = stage.view(one_branch(rows, rows._able, workload.branches))
        hits = _hits(rows, params, stage)
    found = Decimal(0)
    if hits is not None and len(hits):
        keys = ["row_id", MOTHER] if workload.branches.splits else ["row_id"]
        joined = rows.left_join(stage.register(hits.select([*keys, "hit"])), keys)
        hit = joined.hit.fill_null(False) & joined._able & joined.selected
        rows = joined.select(*[joined[name] for name in rows.columns], _hit=hit)
        found = _number(workload.branches, hits, rows, stage)
        rows = rows.mutate(sent=rows.sent & ~rows._hit, changed=rows.changed | rows._hit)
    rows = rows.select(*workload.rows.columns)
    priced = params.lookup_cost_usd > 0
    evidence = ibis.literal(MEASURED, type="int64") if priced else MEASURED
    return Rewritten(
        with_rows(
            workload,
            rows.mutate(evidence=evidence) if priced else rows,
            charges=(*workload.charges, *_lookups(params, facts)),
            moved=True,
        ),
        title=_title(params),
        evidence=evidence,
        assumptions=_notes(params, stage),
        warnings=_warnings(params, facts, stage),
        facts=_shown(facts, found),
    )


def _matching(rows: ir.Table, params: ResponseCacheParams, stage: Stage) -> ir.BooleanValue:
    """Rows whose calls go through the cache, selected or not."""
    matching = rows.sent & (is_bucket(rows) | drawn(rows, params.share, params.by, stage))
    return (matching & condition(params.when, rows)).fill_null(False) if params.when else matching.fill_null(False)


def _able(rows: ir.Table, params: ResponseCacheParams, stage: Stage) -> dict[str, ir.BooleanValue]:
    """What a row must be to take part; each alone, for the facts."""
    request = rows.ended_at.isnull() & (rows.requests.fill_null(1) == 1)
    keyed = rows.prompt_key.notnull() & rows.started_at.notnull()
    fixed: ir.BooleanValue = ibis.literal(True)
    if params.deterministic_only:
        still = [
            n for n, model, _, _ in stage.models() if model is not None and model.entry.operation in _NEVER_SAMPLED
        ]
        fixed = (rows.temperature == 0).fill_null(False)
        fixed = fixed | rows.model.isin(still).fill_null(False) if still else fixed
    return {"request": request, "keyed": keyed, "fixed": fixed, "able": request & keyed & fixed}


def _facts(
    branches: Branches,
    rows: ir.Table,
    able: Mapping[str, ir.BooleanValue],
    params: ResponseCacheParams,
    stage: Stage,
) -> dict[str, Decimal]:
    """Calls looked up and left alone, by reason; of buckets the asked share of their calls."""
    mine = rows._takes & rows.selected
    reasons = {
        "requests": mine & able["request"],
        "lookups": mine & rows._able,
        "in buckets": mine & ~able["request"],
        "without prompt key or time": mine & able["request"] & ~able["keyed"],
        "not deterministic": mine & able["request"] & able["keyed"] & ~able["fixed"],
    }
    found = counted(stage, branches, rows, reasons)[()]
    found["in buckets"] = EXACT.multiply(found["in buckets"], params.share)
    found["requests"] = add((found["requests"], found["in buckets"]))
    return found


def _number(branches: Branches, hits: pa.Table, rows: ir.Table, stage: Stage) -> Decimal:
    """The hits, by the weight of their branches."""
    if not branches.splits:
        return Decimal(len(hits))
    return counted(stage, branches, rows, {"hits": rows._hit})[()]["hits"]


def _hits(rows: ir.Table, params: ResponseCacheParams, stage: Stage) -> pa.Table:
    """(row_id, MOTHER, hit) of the selected rows that hit."""
    settings = [name for name in (*OWNERS[params.scope], *SETTINGS) if name in stage.present]
    asked = rows.filter(rows._able & plays(rows))
    columns: list[Any] = ["row_id", "branch", "selected", "prompt_key", "started_at", *settings]
    wide = {"_model": _one_id(asked, stage), "_ready": _ready(asked, params)}
    if params.max_entries is None:
        # Only prompts that come again can hit, and two lookups of one instant never help each other.
        again = asked.semi_join(_repeated(asked, stage), "prompt_key")
        data = stage.collect(again.select(*columns, **wide).order_by(["prompt_key", "started_at"]))
    else:
        data = stage.collect(asked.order_by(list(_ORDER)).select(*columns, **wide))
    hit = _decided(data, settings, params) & data["selected"].to_numpy()
    kept = data.select(["row_id", "branch"]).rename_columns(["row_id", MOTHER]).filter(pa.array(hit))
    return kept.append_column("hit", pa.array(np.ones(kept.num_rows, dtype=np.bool_)))


def _repeated(asked: ir.Table, stage: Stage) -> ir.Table:
    """The prompts that come more than once; sorting plain numbers beats grouping them several times over."""
    prompts = np.sort(stage.collect(asked.select("prompt_key"))["prompt_key"].to_numpy())
    return stage.register(pa.table({"prompt_key": np.unique(prompts[1:][prompts[1:] == prompts[:-1]])}))


def _decided(data: pa.Table, settings: list[str], params: ResponseCacheParams) -> Flags:
    prompt, start, ready = (data[name].to_numpy() for name in ("prompt_key", "started_at", "_ready"))
    key = _keys(prompt, _codes(data, [*settings, "_model"]))
    life = micros_of(params.ttl)
    if params.max_entries is not None:
        policy: Policy = params.policy
        calls = zip(key.tolist(), start.tolist(), ready.tolist(), strict=True)
        return np.array(bounded(calls, life, params.max_entries, policy), dtype=np.bool_)
    order = np.argsort(key, kind="stable")
    found = np.empty(len(key), dtype=np.bool_)
    found[order] = unbounded(key[order], start[order], ready[order], life)
    return found


def _codes(data: pa.Table, names: list[str]) -> Ints:
    """A small number for each combination of values; unknown is a value of its own."""
    codes = np.zeros(data.num_rows, dtype=np.int64)
    for name in names:
        column = pc.dictionary_encode(data[name].combine_chunks(), null_encoding="encode")
        if len(column.dictionary) > 1:
            codes = codes * len(column.dictionary) + column.indices.to_numpy(zero_copy_only=False)
            codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return codes


def _keys(prompt: Ints, codes: Ints) -> Ints:
    """One number for each pair; in the order of the prompts where they come sorted."""
    if not len(prompt):
        return prompt
    numbered = (
        np.cumsum(np.concatenate(([0], prompt[1:] != prompt[:-1])))
        if (prompt[1:] >= prompt[:-1]).all()
        else np.unique(prompt, return_inverse=True)[1]
    )
    keys: Ints = numbered.astype(np.int64) * (int(codes.max()) + 1) + codes
    return keys


def _one_id(rows: ir.Table, stage: Stage) -> ir.IntegerValue:
    """The model's id, the same for all logged names of one model."""
    first: dict[str, int] = {}
    others: dict[int, list[int]] = {}
    for number, model, _, _ in stage.models():
        if model is not None and first.setdefault(model.key, number) != number:
            others.setdefault(first[model.key], []).append(number)
    branches = [(rows.model.isin(ids), ibis.literal(one, type="int64")) for one, ids in others.items()]
    return ibis.cases(*branches, else_=rows.model) if branches else rows.model


def _ready(rows: ir.Table, params: ResponseCacheParams) -> ir.IntegerValue:
    """When the row's answer can be served to others; NEVER for calls that did not end well."""
    assumed = ibis.literal(DEFAULT_WRITE_LATENCY_US, type="int64")
    known = ibis.coalesce(rows.duration_ms * 1000, rows.time_to_first_token_ms * 1000, assumed)
    given = micros_of(params.write_latency) if params.write_latency is not None else None
    latency = known if given is None else ibis.literal(given, type="int64")
    ended_well = (rows.status == "ok").fill_null(True)
    ready = rows.started_at + ibis.greatest(ibis.literal(1, type="int64"), latency)
    return ended_well.ifelse(ready, ibis.literal(NEVER, type="int64")).cast("int64")


def _lookups(params: ResponseCacheParams, facts: Mapping[str, Decimal]) -> tuple[FlatCharge, ...]:
    if not params.lookup_cost_usd or not facts["lookups"]:
        return ()
    number = facts["lookups"]
    amount = EXACT.multiply(number, params.lookup_cost_usd)
    return (
        FlatCharge(
            "response_cache_lookup",
            number,
            "lookups",
            amount_usd=amount,
            note="price given by the scenario",
            evidence=ASSUMED,
        ),
    )


def _shown(facts: Mapping[str, Decimal], hits: Decimal) -> dict[str, str]:
    lines = {"requests looked up": shown(facts["lookups"]), "hits": shown(hits)}
    if facts["lookups"]:
        lines["hit rate"] = part(hits, facts["lookups"])
    if facts["requests"]:
        lines["share looked up"] = part(facts["lookups"], facts["requests"])
    left = ("in buckets", "without prompt key or time", "not deterministic")
    return lines | {f"requests left alone: {name}": shown(facts[name]) for name in left if facts[name]}


def _warnings(params: ResponseCacheParams, facts: Mapping[str, Decimal], stage: Stage) -> tuple[str, ...]:
    found = []
    if "prompt_key" not in stage.present:
        found.append("the log has no prompt keys: ingest it with its prompts, or give prompt_key")
    elif params.deterministic_only and not facts["lookups"]:
        found.append(
            "no request says temperature = 0: nothing was looked up; deterministic_only = false takes them all"
        )
    if not params.deterministic_only:
        found.append("sampled answers are repeated: quality not measured")
    return tuple(found)


def _notes(params: ResponseCacheParams, stage: Stage) -> tuple[Noted, ...]:
    known = [name for name in OWNERS[params.scope] if name in stage.present]
    sharing = (
        params.scope
        if known == list(OWNERS[params.scope])
        else f"{params.scope} (the log knows {' and '.join(known) or 'no owners'})"
    )
    notes = [
        Noted("life of an answer", params.ttl, "", "scenario"),
        Noted("answers are shared within", sharing, "", "scenario"),
    ]
    if params.write_latency is None and not {"duration_ms", "time_to_first_token_ms"} & stage.present:
        notes.append(Noted("time until an answer is complete", "1", "s"))
    if params.lookup_cost_usd:
        notes.append(Noted("price of a lookup", plain(params.lookup_cost_usd), "USD", "scenario"))
    return tuple(notes)


def _title(params: ResponseCacheParams) -> str:
    size = f", at most {params.max_entries} answers ({params.policy})" if params.max_entries is not None else ""
    where = f", where {params.when}" if params.when else ""
    return f"answers of the same request repeated for {params.ttl}{size}{where}"


STRATEGY = Strategy(
    title="Exact-match cache of whole answers",
    params=ResponseCacheParams,
    rewrite=rewrite,
    conserves=frozenset({"rows", "models", "time", "prices"}),
    reads=frozenset(
        {
            "prompt_key",
            "file_key",
            "line",
            "duration_ms",
            "time_to_first_token_ms",
            *SETTINGS,
            *OWNERS["api_key"],
            *OWNERS["user"],
        }
    ),
    sequential=True,
    needs_requests=True,
    levers=(Lever("ttl", "5m", "24h"), Lever("max_entries", "0.5", "2", relative=True), Lever("share", "0.5", "1")),
    presets={
        "response-cache": ("answers of identical deterministic requests repeated for 1 hour", {}),
        "response-cache-24h": ("answers of identical deterministic requests repeated for 24 hours", {"ttl": "24h"}),
    },
)
