"""A prompt or tool definition that gets longer or shorter: so many tokens more in every call that carries it.

Formula: input = logged input + tokens x the model's tokenizer factor (o200k tokens to its own), times the calls of a bucket.
Assumption: what changes stands at the head of the prompt. So where the log read its prefix from a cache, the change is read
from there too, and where it wrote one, it is written; elsewhere it is plain input. Output is taken as unchanged: what the
new words do to the answers is not known. No count falls below the parts that the log says are in it.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from typing import Final

import ibis
import ibis.expr.types as ir
from pydantic import Field

from llmcost.workload.branching import calls, counted, is_bucket, shown
from llmcost.workload.contract import MODELLED, Noted, Rewritten, Selecting, Stage, Strategy, Workload, with_rows
from llmcost.workload.draw import take
from llmcost.workload.select import condition

_MEDIA: Final = ("input_audio_tokens", "input_image_tokens", "input_video_tokens")


class PromptChangeParams(Selecting):
    """How much longer or shorter."""

    tokens: int = Field(ge=-(10**9), le=10**9, description="o200k tokens that every call has more; below zero: less.")
    what: str = Field(default="prompt", max_length=200, description="What is changed, for the report.")


def rewrite(workload: Workload, params: PromptChangeParams, stage: Stage) -> Rewritten:
    """Adds the tokens to the matching calls."""
    rows = workload.rows
    matching = (
        rows.selected
        & rows.sent
        & rows.input_tokens.notnull()
        & (~is_bucket(rows) | (rows.requests > 0)).fill_null(False)
    )
    if params.when:
        matching = matching & condition(params.when, rows)
    taken = take(workload.branches, rows, matching, params.share, params.by, stage)
    rows = stage.view(taken.rows)
    number = counted(stage, taken.branches, rows, {"changed": rows._taken})[()]["changed"]
    more = (_scaled(rows, params.tokens, stage) * calls(rows)).cast("int64")
    read, made = rows.cache_read_input_tokens.fill_null(0), rows.cache_creation_input_tokens.fill_null(0)
    reads, writes = read > 0, (read == 0) & (made > 0)
    hour = rows.cache_creation_1h_input_tokens.fill_null(0)
    new_read = ibis.ifelse(rows._taken & reads, ibis.greatest(read + more, 0), rows.cache_read_input_tokens)
    new_made = ibis.ifelse(rows._taken & writes, ibis.greatest(made + more, hour), rows.cache_creation_input_tokens)
    parts = [new_read.fill_null(0), new_made.fill_null(0), *(rows[n].fill_null(0) for n in _MEDIA if n in rows.columns)]
    least = reduce(lambda a, b: a + b, parts)
    rows = rows.mutate(
        input_tokens=rows._taken.ifelse(ibis.greatest(rows.input_tokens + more, least), rows.input_tokens).cast(
            "int64"
        ),
        cache_read_input_tokens=new_read.cast("int64"),
        cache_creation_input_tokens=new_made.cast("int64"),
        changed=rows.changed | (rows._taken & (more != 0)),
    )
    return Rewritten(
        with_rows(workload, rows.drop("_taken"), branches=taken.branches),
        title=f"{params.what}: {params.tokens:+,} tokens a call{f', where {params.when}' if params.when else ''}",
        evidence=MODELLED,
        assumptions=(Noted(f"change of {params.what}", f"{params.tokens:+}", "o200k tokens a call", "scenario"),),
        changes_answers=params.tokens != 0,
        facts={**taken.facts, "requests that carry it": shown(number)},
    )


def _scaled(rows: ir.Table, tokens: int, stage: Stage) -> ir.IntegerValue:
    """The change in tokens of each row's model."""
    by_count: dict[int, list[int]] = {}
    for number, model, _, _ in stage.models():
        factor = model.entry.tokenizer_factor if model is not None else None
        count = int((Decimal(tokens) * (factor or 1)).to_integral_value(ROUND_HALF_UP))
        if count != tokens:
            by_count.setdefault(count, []).append(number)
    cases = [(rows.model.isin(ids), ibis.literal(count, type="int64")) for count, ids in by_count.items()]
    usual = ibis.literal(tokens, type="int64")
    return ibis.cases(*cases, else_=usual) if cases else usual


STRATEGY = Strategy(
    title="A longer or shorter prompt",
    params=PromptChangeParams,
    rewrite=rewrite,
    conserves=frozenset({"requests", "rows", "output_tokens", "models", "time", "prices"}),
)
