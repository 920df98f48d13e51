"""What a workload's rows say of each model's prompt caches: when it was called, whether anything was cached, and what is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from llmcost.workload.branching import is_bucket
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
    disturbed: bool
    """Rows came to it, left it or are no longer sent: its caches are not those of the log."""


def unmoved(rows: ir.Table) -> ir.BooleanValue:
    """Rows whose counters are those of the model they are on."""
    return rows.model == rows.logged_model


def has_cached(rows: ir.Table) -> ir.BooleanValue:
    """Rows on which a cache was read or written."""
    return (rows.cache_read_input_tokens > 0).fill_null(False) | (rows.cache_creation_input_tokens > 0).fill_null(False)


def seen(stage: Stage, rows: ir.Table) -> Mapping[int, Seen]:
    """What the rows say, by model id; names of one model share what they show."""
    asked = rows.selected & ~is_bucket(rows) & (rows.status != "error").fill_null(True)
    flags = {
        "selected": rows.selected,
        "cached": unmoved(rows) & has_cached(rows),
        "untold": asked & unmoved(rows) & rows.cache_read_input_tokens.isnull(),
    }
    summed = rows.group_by(["model", "logged_model", "sent"]).agg(
        first=rows.priced_at.min(),
        last=rows.priced_at.max(),
        **{name: flag.fill_null(False).ifelse(1, 0).max() for name, flag in flags.items()},
    )
    found = stage.collect(summed).to_pylist()
    moved = [line for line in found if line["model"] != line["logged_model"] or not line["sent"]]
    disturbed = {line[name] for line in moved for name in ("model", "logged_model")}
    lines: dict[int, list[dict[str, Any]]] = {}
    for line in found:
        if line["sent"]:
            lines.setdefault(line["model"], []).append(line)
    keys = {number: model.key for number, model, _, _ in stage.models() if model is not None and number in lines}
    showing = {keys[n] for n, parts in lines.items() if n in keys and any(part["cached"] for part in parts)}
    return {
        number: Seen(
            min(part["first"] for part in parts),
            max(part["last"] for part in parts),
            any(part["selected"] for part in parts),
            keys.get(number) in showing,
            any(part["untold"] for part in parts),
            number in disturbed,
        )
        for number, parts in sorted(lines.items())
    }
