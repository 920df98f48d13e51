"""Computes, once per ingest, what the replay of prompt caches needs: each row's shared prefix nodes and their needs.

A *node* is the end of a run of prefix blocks that exactly the same rows share, and up to which the same rows set
breakpoints (a compressed prefix tree); blocks that only one row holds can never be hit and are left out. The *need* of a row at a node is the shortest cache life under
which the sequential cache would hit there: the largest gap between consecutive uses since the latest earlier use whose
entry was usable when the row started. Who holds a node holds all before it, so needs never fall along a row.
Only prefix trees that new rows touch, or that lost a row or its time to a better version, are computed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from llmcost.ingest.ahead import in_order
from llmcost.ingest.stage import ROW_GROUP
from llmcost.ingest.trees import COLUMNS, Prompts, derive, packed
from llmcost.usage.caching import DEFAULT_WRITE_LATENCY_US, NEVER, PROJECT_SCOPED
from llmcost.usage.ddl import DERIVED
from llmcost.usage.store import Store

# At least a microsecond: calls that start at the same instant cannot have answered one another.
_LATENCY: Final = (
    f"greatest(1, coalesce(time_to_first_token_ms * 1000, duration_ms * 1000, {DEFAULT_WRITE_LATENCY_US}))"
)
PAIRS: Final = 1 << 17
"""Pairs of a row and one of its keys that are derived at once: some 10 MB, so that they stay in the processor's cache."""
LARGEST: Final = 1 << 23
"""Pairs of the trees that are fetched at once, some 200 MB; a single tree that is larger goes through the engine, which spills."""
_ROWS: Final = 500_000
"""Rows whose needs are put together at once."""
_PROJECT: Final = ", ".join(f"'{name}'" for name in PROJECT_SCOPED)
PARTITION: Final = (
    "(hash(provider_name, coalesce(response_model, request_model), organization, "
    f"CASE WHEN provider_name IN ({_PROJECT}) THEN project END) >> 1)::BIGINT"
)
"""One cache: provider, model as logged, and the scope that shares it. For the time of one query only."""


def derive_prefixes(store: Store, staged: int) -> bool:
    """Makes ``derived``: what the rows of ``arriving`` find in their prefix trees; tells whether there are any such rows.

    ``staged``: how many keys the staged rows hold. Stored rows of the same trees, and of those that the temporary table
    ``disturbed`` names where the merge made it, are computed with them and updated. Runs inside the caller's transaction.
    """
    store.execute("CREATE TEMP TABLE IF NOT EXISTS disturbed (root BIGINT)")
    _forget(store)
    found = False
    if staged or store.value("SELECT count(*) FROM disturbed"):
        rows, stored = _prefixed(store, arriving=staged > 0)
        found = _derive(store, rows, staged + stored)
        if found:
            store.widen(name for name, _ in DERIVED)
        if found and stored:
            store.execute(
                f"UPDATE usage_rows SET {', '.join(f'{name} = d.{name}' for name, _ in DERIVED)} FROM derived d "
                "WHERE usage_rows.row_id = d.row_id"
            )
    for table in ("prefixed", "roots", "tree", "uses", "tree_groups", "disturbed"):
        store.execute(f"DROP TABLE IF EXISTS {table}")
    return found


def _prefixed(store: Store, *, arriving: bool) -> tuple[str, int]:
    """SQL of the rows, new and stored, of all trees that are to be computed, and how many keys the stored ones have."""
    # Without stored trees the table only lends its columns.
    stored, pairs, new = "FROM usage WHERE false", 0, " UNION ALL BY NAME FROM arriving" if arriving else ""
    if store.value("SELECT 1 FROM usage WHERE len(prefix_keys) > 0 LIMIT 1"):
        roots = "SELECT prefix_keys[1] AS root FROM arriving WHERE len(prefix_keys) > 0 UNION " if arriving else ""
        store.execute(f"CREATE OR REPLACE TEMP TABLE roots AS {roots}SELECT root FROM disturbed")
        stored = "FROM usage SEMI JOIN roots ON prefix_keys[1] = root"
        pairs = int(store.value(f"SELECT coalesce(sum(len(prefix_keys)), 0) {stored}"))
    rows = (
        f"SELECT row_id, {PARTITION} AS part, started_at, file_key, line, "
        f"started_at + {_LATENCY} AS ready, prefix_keys, prefix_block_tokens AS block, coalesce(input_tokens, {NEVER}) AS input, "
        f"coalesce(nullif(list_max(cache_breakpoints), 0), {NEVER}) AS reach FROM ({stored}{new}) "
        "WHERE started_at IS NOT NULL AND len(prefix_keys) > 0 AND prefix_block_tokens IS NOT NULL AND status IS DISTINCT FROM 'error' "
        # What a gateway answered itself (no request) reached no provider's cache.
        "AND requests IS DISTINCT FROM 0"
    )
    return rows, pairs


def _derive(store: Store, rows: str, pairs: int) -> bool:
    """Makes ``derived`` of the rows: in memory what fits there, some trees at once, else in the engine; tells whether it has any."""
    columns = ", ".join(f"{name} {kind}" for name, kind in DERIVED)
    store.execute(f"CREATE OR REPLACE TEMP TABLE derived (row_id BIGINT, {columns})")
    large: list[str] = []
    groups = ((prompts, group) for prompts in _fetched(store, rows, pairs, large) for group in prompts.groups(PAIRS))
    waiting: list[pa.Table] = []
    for _, found in in_order(groups, lambda each: derive(*each)):
        waiting.append(found)
        if sum(map(len, waiting)) >= ROW_GROUP:
            store.append("derived", pa.concat_tables(waiting))
            waiting = []
    if waiting:
        store.append("derived", pa.concat_tables(waiting))
    for tree in large:
        store.execute(f"CREATE OR REPLACE TEMP VIEW grouped AS FROM {tree}")
        _nodes(store)
        _needs(store)
        store.execute("DROP VIEW grouped")
    return bool(store.value("SELECT 1 FROM derived LIMIT 1"))


def _fetched(store: Store, rows: str, pairs: int, large: list[str]) -> Iterator[Prompts]:
    """The rows as they fit in memory, whole trees at a time; the SQL of trees that do not is added to ``large``."""
    if pairs <= LARGEST:
        yield from _prompts(store, rows)
        return
    store.execute(f"CREATE OR REPLACE TEMP TABLE prefixed AS {rows}")
    for number, held in enumerate(_loads(store)):
        load = f"(FROM prefixed WHERE number = {number})"
        if held <= LARGEST:
            yield from _prompts(store, f"SELECT {', '.join(COLUMNS)}, prefix_keys FROM {load}")
        else:
            large.append(load)


def _prompts(store: Store, rows: str) -> Iterator[Prompts]:
    found = store.arrow(rows)
    if len(found):
        yield Prompts.of(found)


def _loads(store: Store) -> list[int]:
    """Numbers trees that fit in memory together and gives the keys of each number: over ``LARGEST`` only of a single tree.

    ``prefixed`` is put in the order of the numbers, so that one is read without looking at the others.
    """
    trees = store.arrow(
        "SELECT prefix_keys[1] AS root, sum(len(prefix_keys))::BIGINT AS pairs FROM prefixed GROUP BY root ORDER BY root"
    )
    sizes, numbers = [0], []
    for pairs in trees["pairs"].to_pylist():
        if sizes[-1] and sizes[-1] + pairs > LARGEST:
            sizes.append(0)
        sizes[-1] += pairs
        numbers.append(len(sizes) - 1)
    store.register("tree_groups", trees.append_column("number", pa.array(numbers, pa.int64())))
    store.execute(
        "CREATE OR REPLACE TEMP TABLE prefixed AS SELECT p.*, g.number FROM prefixed p "
        "JOIN tree_groups g ON p.prefix_keys[1] = g.root ORDER BY g.number"
    )
    return sizes


def _forget(store: Store) -> None:
    """Trees that lost a row may have fewer nodes: what their rows were given is cleared."""
    if store.value("SELECT count(*) FROM disturbed"):
        names = [name for name, _ in DERIVED]
        store.widen(names)
        store.execute(
            f"UPDATE usage_rows SET {', '.join(f'{name} = NULL' for name in names)} "
            "WHERE len(prefix_keys) > 0 AND prefix_keys[1] IN (SELECT root FROM disturbed)"
        )


def _nodes(store: Store) -> None:
    """Makes ``tree``: the keys that end a run of equally shared blocks and are shared by at least two rows.

    Where rows set breakpoints, a run also ends behind the last block that one of its rows caches.
    """
    limited = store.value(f"SELECT count(*) FROM grouped WHERE reach < {NEVER}")
    depth = ", unnest(range(1, len(prefix_keys) + 1)) AS depth, block, input, reach" if limited else ""
    users = "count(*) FILTER (WHERE least(depth * block, input) <= reach)" if limited else "0"
    store.execute(
        "CREATE OR REPLACE TEMP TABLE tree AS WITH blocks AS ("
        f"SELECT unnest(prefix_keys) AS node, unnest(list_prepend(-1, prefix_keys[:-2])) AS parent{depth} FROM grouped), "
        f"shared AS (SELECT node, any_value(parent) AS parent, count(*) AS holders, {users} AS users "
        "FROM blocks GROUP BY node HAVING count(*) > 1) "
        "SELECT node FROM shared s WHERE NOT EXISTS ("
        "SELECT 1 FROM shared c WHERE c.parent = s.node AND c.holders = s.holders AND c.users = s.users)"
    )


def _needs(store: Store) -> None:
    """Makes ``derived``: per row its nodes, the tokens up to each, their needs, and what each provider's life would find."""
    store.execute(
        "CREATE OR REPLACE TEMP TABLE uses AS WITH held AS ("
        "SELECT row_id, part, started_at, file_key, line, ready, block, input, unnest(prefix_keys) AS node, "
        "generate_subscripts(prefix_keys, 1) AS depth FROM grouped) "
        "SELECT h.row_id, xor(h.part, h.node) AS place, h.node, h.started_at, h.ready, h.depth, least(h.depth * h.block, h.input) AS tokens, "
        "row_number() OVER w AS number, h.started_at - lag(h.started_at) OVER w AS gap, "
        "coalesce(lag(h.ready) OVER w > h.started_at, false) AS waits "
        "FROM held h SEMI JOIN tree t USING (node) "
        # One integer for (cache, node): it sorts faster than two.
        "WINDOW w AS (PARTITION BY xor(h.part, h.node) ORDER BY h.started_at, h.file_key, h.line, h.row_id)"
    )
    _waits(store)
    for first, last in _spans(store):
        uses = store.arrow(
            "SELECT u.row_id, u.node, u.tokens, coalesce(CASE WHEN u.waits THEN w.need ELSE u.gap END, ?) AS need "
            "FROM uses u LEFT JOIN waited w USING (row_id, node) WHERE u.row_id BETWEEN ? AND ? ORDER BY u.row_id, u.depth",
            [NEVER, first, last],
        ).combine_chunks()
        store.append("derived", packed(*(uses[name].to_numpy() for name in ("row_id", "node", "tokens", "need"))))
    store.execute("DROP TABLE waited")


def _spans(store: Store) -> Iterator[tuple[int, int]]:
    """Ranges of row ids that hold about ``_ROWS`` rows each, so that no answer is larger than that."""
    first, last, count = store.rows("SELECT min(row_id), max(row_id), count(*) FROM grouped")[0]
    step = max(1, min(_ROWS * (last - first + 1) // count, 8 * _ROWS))
    for start in range(first, last + 1, step):
        yield start, start + step - 1


def _waits(store: Store) -> None:
    """Makes ``waited``: the needs of uses that start before the use before them was answered.

    The latest answered use is found by the running maximum of places over readiness; the need is the largest gap
    since it, unknown when there is none. Only nodes with such uses are looked at.
    """
    store.execute(
        "CREATE OR REPLACE TEMP TABLE crowded AS SELECT row_id, place, node, started_at, ready, number, gap, waits "
        "FROM uses SEMI JOIN (SELECT DISTINCT place FROM uses WHERE waits) USING (place)"
    )
    store.execute(
        "CREATE OR REPLACE TEMP TABLE waited AS WITH answered AS (SELECT place, ready, max(max(number)) OVER ("
        "PARTITION BY place ORDER BY ready ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS latest "
        "FROM crowded GROUP BY place, ready), "
        "spans AS (SELECT u.row_id, u.node, a.latest FROM (FROM crowded WHERE waits) u "
        "ASOF LEFT JOIN answered a ON u.place = a.place AND u.started_at >= a.ready) "
        "SELECT row_id, node, CASE WHEN latest IS NULL THEN NULL ELSE largest END AS need FROM ("
        "SELECT c.row_id, c.node, c.waits, s.latest, max(c.gap) OVER (PARTITION BY c.place ORDER BY c.number "
        "ROWS BETWEEN (c.number - coalesce(s.latest, c.number - 1) - 1) PRECEDING AND CURRENT ROW) AS largest "
        "FROM crowded c LEFT JOIN spans s USING (row_id, node)) WHERE waits"
    )
    store.execute("DROP TABLE crowded")
