"""From cached tokens to counters: rounding by the row's rule, and the columns that reads and writes go into."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from llmcost.workload.cacherule import Rule, by_rule


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


def cleaned(rows: ir.Table) -> ir.Table:
    """The rows without working columns."""
    return rows.drop(*[name for name in rows.columns if name.startswith("_")])
