"""The same calls through the provider's batch interface, for those that can wait.

Formula: cost = the row's counters x the catalogue's batch rates of its model, region and day (half of standard where
it is half). Eligible are the rows that ``when`` names (assumed), or without it those with evidence in the log
(modelled): the runs of their job (provider and model, feature, API key, project) start evenly
(:mod:`llmcost.workload.cadence`), no person takes turns in their conversation, no other call caused them, and the
provider promises an answer within ``max_wait``. Rows without a batch price stay and are counted.

Caching inside a batch: reads keep the batch entry's read rate; where it has none they are plain input. Calls of a
batch run at times of the provider's choosing, so caches that live minutes often lapse: ``keep_cache_hits`` is the share
of hits that survive; the others are written again where writes are billed, else plain input.
Sources, read 2026-11-23: https://developers.openai.com/api/docs/guides/batch (50,000 requests a file, 24 h),
https://platform.claude.com/docs/en/build-with-claude/batch-processing (100,000 requests, 24 h; hits are best effort),
https://ai.google.dev/gemini-api/docs/batch-api (24 h).
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final, Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from llmcost.money import EXACT, plain
from llmcost.pricing.resolve import cache_rule
from llmcost.workload.branching import counted, shown
from llmcost.workload.cachecounters import written_again
from llmcost.workload.cadence import Job, jobs, of_jobs
from llmcost.workload.contract import (
    ASSUMED,
    MODELLED,
    Branches,
    Lever,
    Noted,
    Rewritten,
    Selecting,
    Stage,
    Strategy,
    Weight,
    Workload,
    with_rows,
)
from llmcost.workload.draw import take
from llmcost.workload.durations import Duration, Finite, micros_of
from llmcost.workload.select import condition
from llmcost.workload.tiers import Offers, offers

GROUP: Final = {"model": "int64", "feature": "string", "api_key_id": "string", "project": "string"}
WINDOW_SECONDS: Final = 86_400
"""Within which a batch is answered where the provider's file does not say: the window of all that do."""
_DAY: Final = 86_400_000_000
_READS: Final = "cache_read_input_tokens"
_CONVERTED: Final = frozenset({_READS, "cache_creation_input_tokens", "cache_creation_1h_input_tokens"})


class BatchParams(Selecting):
    """Which calls can wait, and what becomes of their caches."""

    eligible: Literal["cadence", "all"] | None = Field(
        default=None,
        description="cadence: calls of jobs that start evenly; all: every matching call; absent: all with when, else cadence.",
    )
    cadence_cv: Decimal = Field(
        default=Decimal("0.15"),
        gt=0,
        description="Greatest coefficient of variation of the gaps between runs of a job.",
    )
    min_runs: int = Field(default=5, ge=3, description="Fewest runs that show a cadence.")
    quiet_gap: Finite = Field(
        default="10m", description="Time without a call after which the next one starts a new run."
    )
    max_wait: Duration = Field(
        default="24h", description="Time the answers may take; longer batch windows are not used."
    )
    keep_cache_hits: Decimal = Field(
        default=Decimal(1),
        ge=0,
        le=1,
        description="Share of the logged cache hits that survive inside the batch (0 to 1).",
    )
    include_priority: bool = Field(default=False, description="Also move calls that were sent as priority or fast.")


def rewrite(workload: Workload, params: BatchParams, stage: Stage) -> Rewritten:
    """Moves the eligible rows to the batch tier."""
    rows = workload.rows
    by_cadence = (params.eligible or ("all" if params.when else "cadence")) == "cadence"
    matching = _matching(rows, params)
    found: list[Job] = []
    if by_cadence:
        matching = matching & _waits_for_nobody(rows, stage)
        calls = rows.filter(matching & (rows.requests.fill_null(1) == 1)).select(*GROUP, "started_at")
        quiet = micros_of(params.quiet_gap) or 1
        found = jobs(stage, calls, tuple(GROUP), quiet, params.cadence_cv, params.min_runs)
        matching = matching & of_jobs(rows, GROUP, found)
    taken = take(workload.branches, rows, matching, params.share, params.by, stage)
    rows = taken.rows
    sold = offers(rows, stage, "batch")
    takes = sold.take(rows, _CONVERTED) & _in_time(rows, params, stage)
    rows = stage.view(rows.mutate(_moves=rows._taken & takes, _stays=rows._taken & ~takes).drop("_taken"))
    facts = {**taken.facts, **_facts(taken.branches, rows, stage)} | (
        {"jobs found": str(len(found)), "runs found": str(sum(job.runs for job in found))} if by_cadence else {}
    )
    branches, rows = _batched(taken.branches, rows, params, stage, sold)
    return Rewritten(
        with_rows(workload, rows, branches=branches),
        title=_title(params, by_cadence=by_cadence),
        evidence=MODELLED if by_cadence and params.keep_cache_hits == 1 else ASSUMED,
        assumptions=_notes(params, by_cadence=by_cadence),
        warnings=("no calls of the log start evenly enough; name those that can wait with when",)
        if by_cadence and not found
        else (),
        facts=facts,
    )


def _matching(rows: ir.Table, params: BatchParams) -> ir.BooleanValue:
    left = ["batch", "flex", *([] if params.include_priority else ["priority", "fast"])]
    matching = rows.selected & rows.sent & ~rows.service_tier.isin(left).fill_null(False)
    return (matching & condition(params.when, rows)).fill_null(False) if params.when else matching.fill_null(False)


def _waits_for_nobody(rows: ir.Table, stage: Stage) -> ir.BooleanValue:
    """Requests with a time whose answer no person and no other call waits for."""
    flag = rows.ended_at.isnull() & rows.started_at.notnull() & (rows.requests.fill_null(1) == 1)
    if "parent_request_id" in stage.present:
        flag = flag & rows.parent_request_id.isnull()
    if "conversation_id" in stage.present:
        turns = (
            rows.filter(rows.conversation_key.notnull()).group_by("conversation_key").agg(turns=rows.row_id.nunique())
        )
        talks = stage.materialise(turns.filter(turns.turns > 1).select("conversation_key"))
        flag = flag & (rows.conversation_key.isnull() | rows.conversation_key.notin(talks.conversation_key))
    return flag


def _in_time(rows: ir.Table, params: BatchParams, stage: Stage) -> ir.BooleanValue:
    """Rows whose provider promises the batch within ``max_wait``."""
    limit = micros_of(params.max_wait)
    late = []
    for number, model, _, _ in stage.models():
        rule = stage.catalogue.batch_rule(model.provider) if model is not None else None
        seconds = rule.window_seconds if rule is not None and rule.window_seconds is not None else WINDOW_SECONDS
        if limit is not None and seconds * 1_000_000 > limit:
            late.append(number)
    return ~rows.model.isin(late) if late else ibis.literal(True)


def _batched(
    branches: Branches, rows: ir.Table, params: BatchParams, stage: Stage, sold: Offers
) -> tuple[Branches, ir.Table]:
    """The rows in the batch tier; with ``keep_cache_hits`` below 1 those with hits split into kept and lost ones."""
    lost: ir.BooleanValue = ibis.literal(False)
    keep = params.keep_cache_hits
    if keep < 1:
        hitting = rows._moves & (rows[_READS] > 0).fill_null(False)
        branches = branches.split((Weight(), Weight(keep), Weight(Decimal(1) - keep)))
        rows = rows.mutate(_place=ibis.ifelse(hitting, ibis.array([1, 2]), ibis.array([0])).unnest())
        rows = rows.mutate(branch=(rows.branch * 3 + rows._place).cast("int64"))
        lost = rows._place == 2
    moves = rows._moves
    changes: dict[str, ir.Value] = {
        "service_tier": moves.ifelse("batch", rows.service_tier),
        "changed": rows.changed | moves,
    }
    reads = rows[_READS]
    writes, long = written_again(rows, lost & _pays_writes(rows, stage)).values()
    changes[_READS] = (lost | (moves & sold.lacking(rows, _READS))).ifelse(0, reads)
    # Where the batch entry has no rate for writes, they are input like the rest.
    unsold = moves & sold.lacking(rows, "cache_creation_input_tokens")
    changes["cache_creation_input_tokens"] = unsold.ifelse(0, writes)
    unsold_long = unsold | (moves & sold.lacking(rows, "cache_creation_1h_input_tokens"))
    changes["cache_creation_1h_input_tokens"] = unsold_long.ifelse(0, long)
    return branches, rows.mutate(**changes).drop("_moves", "_stays", *(["_place"] if keep < 1 else []))


def _pays_writes(rows: ir.Table, stage: Stage) -> ir.BooleanValue:
    """Rows on models that bill what is written to the cache."""
    ids = []
    for number, model, _, _ in stage.models():
        rule = cache_rule(model, stage.now) if model is not None else None
        if rule is not None and rule.write_class != "input":
            ids.append(number)
    return rows.model.isin(ids) if ids else ibis.literal(False)


def _facts(branches: Branches, rows: ir.Table, stage: Stage) -> dict[str, str]:
    """Requests moved and left, and the files they need: one or more a model and day."""
    days = rows.mutate(_day=rows.started_at // _DAY).filter(rows._moves | rows._stays)
    numbers = counted(stage, branches, days, {"moved": days._moves, "stayed": days._stays}, ("model", "_day"))
    models = {number: model for number, model, _, _ in stage.models()}
    moved = stayed = Decimal(0)
    files = 0
    for (number, _), found in numbers.items():
        moved, stayed = EXACT.add(moved, found["moved"]), EXACT.add(stayed, found["stayed"])
        model = models.get(number)
        rule = stage.catalogue.batch_rule(model.provider) if model is not None else None
        limit = rule.max_requests if rule is not None and rule.max_requests else found["moved"] or 1
        files += math.ceil(found["moved"] / limit)
    facts = {"requests moved": shown(moved), "batch files, by model and day": str(files)}
    return facts | ({"eligible requests without a batch price in time": shown(stayed)} if stayed else {})


def _notes(params: BatchParams, *, by_cadence: bool) -> tuple[Noted, ...]:
    source = "scenario"
    notes = [
        Noted(
            "answers may take", params.max_wait, "", "scenario" if "max_wait" in params.model_fields_set else "default"
        )
    ]
    if by_cadence:
        value = f"gaps vary less than {plain(params.cadence_cv)} over {params.min_runs} runs or more, {params.quiet_gap} apart"
        notes.append(
            Noted(
                "a job",
                value,
                "",
                "default" if not params.model_fields_set & {"cadence_cv", "min_runs", "quiet_gap"} else source,
            )
        )
    else:
        notes.append(Noted("calls that can wait", params.when or "all", "", source))
    kept = (
        "scenario"
        if "keep_cache_hits" in params.model_fields_set
        else "default: as logged; short-lived caches often lapse inside a batch"
    )
    notes.append(Noted("cache hits that survive", plain(params.keep_cache_hits), "of the logged ones", kept))
    return tuple(notes)


def _title(params: BatchParams, *, by_cadence: bool) -> str:
    which = "calls of jobs that start evenly" if by_cadence else "calls that can wait"
    where = f", where {params.when}" if params.when else ""
    return f"{which} in batches{where}"


STRATEGY = Strategy(
    title="The provider's batch interface for calls that can wait",
    params=BatchParams,
    rewrite=rewrite,
    conserves=frozenset({"requests", "rows", "input_tokens", "output_tokens", "models", "time"}),
    reads=frozenset({"feature", "api_key_id", "project", "conversation_id", "parent_request_id"}),
    levers=(
        Lever("keep_cache_hits", "0", "1"),
        Lever("share", "0.5", "1"),
        Lever("cadence_cv", "0.1", "0.3"),
        Lever("min_runs", 10, 3),
    ),
    presets={"batch": ("calls of jobs that start evenly, in batches", {})},
)
