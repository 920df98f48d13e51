"""From cached tokens to counters: rounding by the row's rule, and the columns that reads and writes go into."""

from __future__ import annotations

from typing import Final

import ibis
import ibis.expr.types as ir

from llmcost.workload.cacherule import Rule, by_rule

WRITTEN: Final = ("cache_creation_input_tokens", "cache_creation_1h_input_tokens")
"""Counters of written tokens: all of them, and those of the longer life."""


def ruled(rows: ir.Table, held: list[Rule]) -> ir.Table:
    """The rows with the rule that holds for each."""
    return rows.mutate(
        _minimum=by_rule(rows, held, lambda rule: rule.minimum, 0).cast("int64"),
        _increment=by_rule(rows, held, lambda rule: rule.increment, 1).cast("int64"),
        _life=by_rule(rows, held, lambda rule: rule.life, 0).cast("int64"),
        _pays=by_rule(rows, held, lambda rule: rule.writes_billed, default=False),
        _hour=by_rule(rows, held, lambda rule: rule.one_hour, default=False),
        _own=by_rule(rows, held, lambda rule: rule.explicit, default=False),
        _renews=by_rule(rows, held, lambda rule: rule.renews, default=True),
    )


def floored(rows: ir.Table, tokens: ir.IntegerValue) -> ir.IntegerValue:
    """Tokens rounded down to the minimum plus whole increments; 0 below the minimum."""
    steps = (tokens - rows._minimum) // rows._increment
    reached = (tokens >= rows._minimum) & (tokens > 0)
    return ibis.ifelse(reached, rows._minimum + steps * rows._increment, 0).fill_null(0).cast("int64")


def counters(
    rows: ir.Table, changing: ir.BooleanValue, read: ir.IntegerValue, written: ir.IntegerValue
) -> dict[str, ir.Value]:
    """The cache counters of the ``changing`` rows, as the row's rule names them."""
    changed = {
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
        "cache_creation_1h_input_tokens": ibis.ifelse(rows._hour, written, 0).cast("int64"),
        "cache_read_audio_tokens": ibis.literal(0, type="int64"),
    }
    return {name: ibis.ifelse(changing, value, rows[name]) for name, value in changed.items() if name in rows.columns}


def written_again(rows: ir.Table, lost: ir.BooleanValue) -> dict[str, ir.Value]:
    """The counters of WRITTEN where what a row read is gone and has to be written: for the life for which the row writes the rest."""
    read, written, longer = (rows[name].fill_null(0) for name in ("cache_read_input_tokens", *WRITTEN))
    long_lived = (written > 0) & (longer == written)
    more = (written + read, longer + ibis.ifelse(long_lived, read, 0))
    return {name: ibis.ifelse(lost, total, rows[name]).cast("int64") for name, total in zip(WRITTEN, more, strict=True)}


def cleaned(rows: ir.Table) -> ir.Table:
    """The rows without working columns."""
    return rows.drop(*[name for name in rows.columns if name.startswith("_")])
