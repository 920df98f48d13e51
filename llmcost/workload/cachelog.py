"""What a workload's rows say of each model's prompt caches: when it was called, whether anything was cached, and what is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir

from llmcost.workload.branching import calls, is_bucket
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
    asked: bool
    """Some selected request of it is to be cached."""
    unread: bool
    """Such a request neither says what it read nor wrote anything."""
    unmarked: bool
    """Such a request neither read nor wrote anything."""
    unasked: bool
    """Some call of it is not to be cached."""
    talks: bool
    """Some request of it has a conversation and no prefix keys."""


def unmoved(rows: ir.Table) -> ir.BooleanValue:
    """Rows whose counters are those of the model they are on."""
    return rows.model == rows.logged_model


def has_cached(rows: ir.Table) -> ir.BooleanValue:
    """Rows on which a cache was read or written."""
    return (rows.cache_read_input_tokens > 0).fill_null(False) | (rows.cache_creation_input_tokens > 0).fill_null(False)


def seen(stage: Stage, rows: ir.Table, wished: ir.BooleanValue) -> Mapping[int, Seen]:
    """What the rows say, by model id; names of one model share what they show. ``wished``: the scenario wants them cached."""
    alone = rows.selected & ~is_bucket(rows)
    answered = (rows.status != "error").fill_null(True)
    cached = unmoved(rows) & has_cached(rows)
    silent = rows.cache_read_input_tokens.isnull()
    flags = {
        "selected": rows.selected,
        "cached": cached,
        "untold": alone & answered & unmoved(rows) & silent,
        "asked": alone & wished,
        "unread": alone & wished & ~cached & (~unmoved(rows) | silent),
        "unmarked": alone & wished & ~cached,
        "unasked": answered & (calls(rows) > 0) & ~wished,
        "talks": alone & rows.conversation_key.notnull() & rows.prefix_block_tokens.isnull(),
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
            **{name: any(part[name] for part in parts) for name in ("asked", "unread", "unmarked", "unasked", "talks")},
        )
        for number, parts in sorted(lines.items())
    }
