"""What a workload's rows say of each model's prompt caches: when it was called, whether anything was cached, and what is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir

from llmcost.workload.contract import Stage


@dataclass(frozen=True)
class Seen:
    """One model id of the workload's rows."""

    first: int
    """First instant whose rules hold for a row."""
    last: int
    selected: bool
    """Some row of it is to be rewritten."""
    cached: bool
    """The log shows reads or writes of this model's caches."""
    untold: bool
    """A selected request of it does not say what it read."""


def unmoved(rows: ir.Table) -> ir.BooleanValue:
    """Rows whose counters are those of the model they are on."""
    return rows.model == rows.logged_model


def has_cached(rows: ir.Table) -> ir.BooleanValue:
    """Rows on which a cache was read or written."""
    return (rows.cache_read_input_tokens > 0).fill_null(False) | (rows.cache_creation_input_tokens > 0).fill_null(False)


def seen(stage: Stage, rows: ir.Table) -> Mapping[int, Seen]:
    """What the rows say, by model id; names of one model share what they show."""
    sent = rows.filter(rows.sent)
    asked = sent.selected & sent.ended_at.isnull() & (sent.status != "error").fill_null(True)
    flags = {
        "selected": sent.selected,
        "cached": unmoved(sent) & has_cached(sent),
        "untold": asked & unmoved(sent) & sent.cache_read_input_tokens.isnull(),
    }
    summed = sent.group_by("model").agg(
        first=sent.priced_at.min(),
        last=sent.priced_at.max(),
        **{name: flag.fill_null(False).ifelse(1, 0).max() for name, flag in flags.items()},
    )
    lines = {line["model"]: line for line in stage.collect(summed).to_pylist()}
    keys = {number: model.key for number, model, _, _ in stage.models() if model is not None and number in lines}
    showing = {keys[number] for number, line in lines.items() if line["cached"] and number in keys}
    return {
        number: Seen(
            line["first"], line["last"], bool(line["selected"]), keys.get(number) in showing, bool(line["untold"])
        )
        for number, line in sorted(lines.items())
    }
