"""Taking tokens off the front of prompts: what is left of their counters, and of the prefixes that caches share."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def cut_front(rows: ir.Table, cutting: ir.BooleanValue, tokens: ir.IntegerValue, least_cached: int = 0) -> ir.Table:
    """``rows`` whose prompts lose their first ``tokens`` tokens where ``cutting``; ``tokens`` lies within the input.

    What was cached stood in front, so it is what goes first: reads, then writes. A prompt that is shorter than
    ``least_cached`` afterwards is not cached at all. Prefix keys keep their order: two prompts that agreed up to a block
    still do; the blocks that were cut are gone. What was read from the log's own caches is replayed anew (``touched``).
    """
    rows = rows.mutate(_cut=cutting.ifelse(tokens, 0).fill_null(0).cast("int64"))
    left = rows.input_tokens - rows._cut
    short = cutting.fill_null(False) & (left < least_cached).fill_null(False)
    changes: dict[str, ir.Value] = {"input_tokens": left}
    read = rows.cache_read_input_tokens if "cache_read_input_tokens" in rows.columns else None
    gone = rows._cut
    if read is not None:
        changes["cache_read_input_tokens"] = _less(read, gone, short)
        gone = ibis.greatest(gone - read.fill_null(0), 0)
    if "cache_creation_input_tokens" in rows.columns:
        changes["cache_creation_input_tokens"] = written = _less(rows.cache_creation_input_tokens, gone, short)
        if "cache_creation_1h_input_tokens" in rows.columns:
            changes["cache_creation_1h_input_tokens"] = ibis.least(rows.cache_creation_1h_input_tokens, written)
    if read is not None and "cache_read_audio_tokens" in rows.columns:
        changes["cache_read_audio_tokens"] = ibis.least(
            rows.cache_read_audio_tokens, changes["cache_read_input_tokens"]
        )
    if "logged_input_tokens" in rows.columns:
        # Prefixes are told in the log's own tokens: what was cut is gone from those as well.
        changes["logged_input_tokens"] = rows.logged_input_tokens - rows._cut
    if {"prefix_nodes", "prefix_ends"} <= set(rows.columns):
        kept = rows.prefix_nodes.zip(rows.prefix_ends).filter(lambda pair: pair.f2 > rows._cut)
        changes["prefix_nodes"] = kept.map(lambda pair: pair.f1)
        changes["prefix_ends"] = kept.map(lambda pair: pair.f2 - rows._cut)
    return rows.mutate(**{name: value.cast(rows[name].type()) for name, value in changes.items()}).drop("_cut")


def _less(counter: ir.IntegerValue, gone: ir.IntegerValue, short: ir.BooleanValue) -> ir.IntegerValue:
    """A counter without the tokens that went; unknown stays unknown."""
    left = ibis.greatest(counter - gone, 0)
    return ibis.ifelse(counter.isnull(), counter, ibis.ifelse(short, ibis.literal(0, type="int64"), left))
