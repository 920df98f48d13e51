"""Where entries of explicit caches can lie: at the breakpoints that requests set, and nowhere else.

A request that marks breakpoints writes an entry at each of them, and reads the longest entry at or before its last one
(https://platform.claude.com/docs/en/build-with-claude/prompt-caching, 2026-11-23; the 20 content blocks that the
provider looks back are not in logs and not modelled). Keys end at whole blocks, so a breakpoint counts at the end of
the last block before it.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from llmcost.usage.caching import NEVER


def positions(rows: ir.Table, sparse: ir.BooleanValue) -> ir.Table:
    """(row_id, branch, node, depth_tokens, writes): every shared block end that a row reads, and those that it writes.

    Rows of ``sparse`` write only at their breakpoints, all others at every end.
    """
    size = rows.prefix_keys.length().cast("int64")
    whole = rows.logged_input_tokens.fill_null(NEVER)
    known = rows.select(
        "row_id", "branch", _block=rows.prefix_block_tokens, _whole=whole, _sparse=sparse,
        _floors=rows.cache_breakpoints.map(
            lambda at: ibis.ifelse(at >= whole, size, ibis.least(size, at // rows.prefix_block_tokens))
        ),
        _pair=rows.prefix_keys.zip(ibis.range(1, size + 1)).unnest(),
    )  # fmt: skip
    depth = known._pair.f2.cast("int64")
    marked = known._floors.contains(depth).fill_null(False)
    ends = known.select(
        "row_id", "branch",
        node=known._pair.f1,
        depth_tokens=ibis.least(depth * known._block, known._whole),
        writes=~known._sparse | marked,
        _marked=known._sparse & marked,
    )  # fmt: skip
    # Elsewhere no entry begins, and between the ends of shared runs nothing changes.
    entries = ends.filter(ends._marked).select("node").union(rows.select(node=rows.prefix_nodes.unnest())).distinct()
    return ends.semi_join(entries, "node").drop("_marked")
