"""Computes, once per ingest, what the replay of prompt caches needs: each row's shared prefix nodes and their needs.

A *node* is the end of a run of prefix blocks that exactly the same rows share (a compressed prefix tree); blocks that
only one row holds can never be hit and are left out. The *need* of a row at a node is the shortest cache life under
which the sequential cache would hit there: the largest gap between consecutive uses since the latest earlier use whose
entry was usable when the row started. Who holds a node holds all before it, so needs never fall along a row.
Only prefix trees that the new rows touch are computed again.
"""

from __future__ import annotations

from typing import Final

from llmcost.usage.caching import DEFAULT_WRITE_LATENCY_US, HIT_COLUMNS, NEVER, PROJECT_SCOPED
from llmcost.usage.store import Store

# At least a microsecond: calls that start at the same instant cannot have answered one another.
_LATENCY: Final = (
    f"greatest(1, coalesce(time_to_first_token_ms * 1000, duration_ms * 1000, {DEFAULT_WRITE_LATENCY_US}))"
)
_PROJECT: Final = ", ".join(f"'{name}'" for name in PROJECT_SCOPED)
PARTITION: Final = (
    "md5_number_lower(concat(coalesce(provider_name, ''), '\x1f', coalesce(response_model, request_model, ''), '\x1f', "
    f"coalesce(organization, ''), '\x1f', CASE WHEN provider_name IN ({_PROJECT}) THEN coalesce(project, '') ELSE '' END))"
)
"""One cache: provider, model as logged, and the scope that shares it."""


def derive_prefixes(store: Store, after_row: int) -> int:
    """Fills the derived columns of all rows whose prefix tree has rows with ``row_id`` above ``after_row``.

    Runs inside the caller's transaction. Gives the number of rows computed.
    """
    if not store.value("SELECT count(*) FROM usage WHERE row_id > ? AND prefix_keys IS NOT NULL", [after_row]):
        return 0
    store.execute(
        "CREATE OR REPLACE TEMP TABLE prefixed AS WITH roots AS (SELECT DISTINCT prefix_keys[1] AS root FROM usage "
        "WHERE row_id > ? AND len(prefix_keys) > 0) "
        f"SELECT row_id, {PARTITION} AS part, started_at, file_key, line, started_at + {_LATENCY} AS ready, "
        "prefix_keys, prefix_block_tokens AS block, coalesce(input_tokens, 4611686018427387904) AS input FROM usage "
        "SEMI JOIN roots ON prefix_keys[1] = root "
        "WHERE started_at IS NOT NULL AND len(prefix_keys) > 0 AND prefix_block_tokens IS NOT NULL AND status IS DISTINCT FROM 'error'",
        [after_row],
    )
    _nodes(store)
    _needs(store)
    store.execute(
        "UPDATE usage SET prefix_nodes = d.nodes, prefix_ends = d.ends, prefix_needs = d.needs, "
        f"{', '.join(f'{name} = d.{name}' for name in HIT_COLUMNS.values())} FROM derived d "
        "WHERE usage.row_id = d.row_id"
    )
    count = int(store.value("SELECT count(*) FROM prefixed"))
    for table in ("prefixed", "tree", "uses", "derived"):
        store.execute(f"DROP TABLE IF EXISTS {table}")
    return count


def _nodes(store: Store) -> None:
    """Makes ``tree``: the keys that end a run of equally shared blocks and are shared by at least two rows."""
    store.execute(
        "CREATE OR REPLACE TEMP TABLE tree AS WITH blocks AS ("
        "SELECT unnest(prefix_keys) AS node, unnest(list_prepend(-1, prefix_keys[:-2])) AS parent FROM prefixed), "
        "shared AS (SELECT node, any_value(parent) AS parent, count(*) AS holders FROM blocks GROUP BY node HAVING count(*) > 1) "
        "SELECT node FROM shared s WHERE NOT EXISTS (SELECT 1 FROM shared c WHERE c.parent = s.node AND c.holders = s.holders)"
    )


def _needs(store: Store) -> None:
    """Makes ``derived``: per row its nodes, the tokens up to each, and their needs.

    For most uses the previous use was answered before this one started, and the need is the gap. Otherwise the latest
    answered use is found by the running maximum of places over readiness, and the need is the largest gap since it.
    """
    store.execute(
        "CREATE OR REPLACE TEMP TABLE uses AS WITH held AS ("
        "SELECT row_id, part, started_at, file_key, line, ready, block, input, unnest(prefix_keys) AS node, "
        "generate_subscripts(prefix_keys, 1) AS depth FROM prefixed) "
        "SELECT h.row_id, h.part, h.node, h.started_at, h.ready, h.depth, least(h.depth * h.block, h.input) AS tokens, "
        "row_number() OVER w AS place, h.started_at - lag(h.started_at) OVER w AS gap, lag(h.ready) OVER w AS ready_before "
        "FROM held h SEMI JOIN tree t USING (node) "
        "WINDOW w AS (PARTITION BY h.part, h.node ORDER BY h.started_at, h.file_key, h.line, h.row_id)"
    )
    in_flight = store.value("SELECT count(*) FROM uses WHERE ready_before > started_at")
    if in_flight:
        store.execute(
            "CREATE OR REPLACE TEMP TABLE answered AS SELECT part, node, ready, max(max(place)) OVER ("
            "PARTITION BY part, node ORDER BY ready ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS latest "
            "FROM uses GROUP BY part, node, ready"
        )
        store.execute(
            "CREATE OR REPLACE TEMP TABLE spans AS SELECT u.row_id, u.node, u.part, u.place, "
            "CASE WHEN u.ready_before <= u.started_at THEN u.place - 1 ELSE a.latest END AS latest "
            "FROM uses u ASOF LEFT JOIN answered a ON u.part = a.part AND u.node = a.node AND u.started_at >= a.ready"
        )
        need = (
            "SELECT u.*, s.latest, CASE WHEN s.latest IS NULL THEN NULL ELSE max(u.gap) OVER ("
            "PARTITION BY u.part, u.node ORDER BY u.place ROWS BETWEEN (u.place - coalesce(s.latest, u.place - 1) - 1) PRECEDING "
            "AND CURRENT ROW) END AS need FROM uses u JOIN spans s USING (row_id, node)"
        )
    else:
        need = "SELECT *, gap AS need FROM uses"
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE derived AS SELECT row_id, list(node ORDER BY depth) AS nodes, "
        f"list(tokens ORDER BY depth) AS ends, list(coalesce(need, {NEVER}) ORDER BY depth) AS needs, "
        f"{', '.join(f'max(tokens) FILTER (WHERE need <= {life}) AS {name}' for life, name in HIT_COLUMNS.items())} "
        f"FROM ({need}) GROUP BY row_id"
    )
    store.execute("DROP TABLE IF EXISTS answered")
    store.execute("DROP TABLE IF EXISTS spans")
