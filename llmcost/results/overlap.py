"""The same traffic seen twice: calls that two sources tell of, usage buckets beside requests, two exports of buckets.

A bucket and a request describe the same traffic when provider, model and owner agree (an unknown owner or model agrees
with any) and the request lies in the bucket's span. Requests are primary unless the user says otherwise; of two exports
of buckets one is (:mod:`llmcost.results.exports`), and of two sources that tell of one call (:mod:`llmcost.results.twins`).
What is not primary is left out of every total and reported with its amount. Lines of bills are never in a total at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import ibis
import ibis.expr.types as ir

from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.names import ModelRef
from llmcost.results.exports import leave_out
from llmcost.results.twins import ALIKE, find_twins
from llmcost.usage.store import Store

REQUESTS: Final = "requests"
BUCKETS: Final = "buckets"
BY_SPAN: Final = "owner and span"
BY_EXPORT: Final = "another export"
_MINUTE: Final = 60_000_000
_SIDE: Final = (
    "SELECT u.row_id, u.provider_name, m.key, u.organization, u.project, u.started_at, u.ended_at, u.source, coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) AS tokens FROM {table} u "
    "LEFT JOIN llmcost_models m ON coalesce(m.provider, '') = coalesce(u.provider_name, '') "
    "AND coalesce(m.name, '') = coalesce(u.response_model, u.request_model, '')"
)
_SAME: Final = (
    "a.provider_name IS NOT DISTINCT FROM b.provider_name AND (a.key = b.key OR a.key IS NULL OR b.key IS NULL) "
    "AND (a.organization = b.organization OR a.organization IS NULL OR b.organization IS NULL) "
    "AND (a.project = b.project OR a.project IS NULL OR b.project IS NULL)"
)
_INSIDE: Final = "a.started_at >= b.started_at AND a.started_at < b.ended_at"


def covered_rows(
    store: Store,
    primary: str,
    files: ir.Table | None,
    names: Iterable[tuple[str | None, str, ModelRef | None]],
    catalogue: Catalogue,
) -> ir.Table | None:
    """Row ids that another row of the replay stands for, or None; ``llmcost_covered`` says by which rule.

    ``primary`` is ``requests``, ``buckets`` or the name of a source. The table of model names must be registered.
    """
    rows = "usage" if files is None else "(SELECT * FROM usage SEMI JOIN llmcost_files USING (row_id))"
    parts = []
    if find_twins(store, rows, names, catalogue, None if primary in {REQUESTS, BUCKETS} else primary):
        parts.append("SELECT row_id, rule, source, kept, 0 AS place FROM llmcost_twins")
    if store.value(f"SELECT count(*) FROM {rows} WHERE ended_at IS NOT NULL"):
        parts += _of_buckets(store, rows, _grain(store, rows, primary))
    if not parts:
        return None
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_told_of AS SELECT row_id, arg_min(rule, place) AS rule, "
        f"arg_min(source, place) AS source, arg_min(kept, place) AS kept FROM ({' UNION ALL '.join(parts)}) GROUP BY row_id"
    )
    store.execute(f"CREATE OR REPLACE TEMP TABLE llmcost_covered AS FROM llmcost_told_of WHERE rule <> '{ALIKE}'")
    store.execute(f"CREATE OR REPLACE TEMP TABLE llmcost_alike AS FROM llmcost_told_of WHERE rule = '{ALIKE}'")
    store.drop_temporary(["llmcost_twins", "llmcost_minutes", "llmcost_spare", "llmcost_told_of", "llmcost_buckets"])
    return ibis.table({"row_id": "int64"}, name="llmcost_covered")


def _grain(store: Store, rows: str, primary: str) -> str:
    """Requests or buckets; a source that the user names is primary with the grain it has."""
    if primary in {REQUESTS, BUCKETS}:
        return primary
    found = store.value(f"SELECT bool_or(ended_at IS NOT NULL) FROM {rows} WHERE source = ?", [primary])
    return BUCKETS if found else REQUESTS


def _of_buckets(store: Store, rows: str, primary: str) -> list[str]:
    """Queries of the rows that requests, buckets or another export of them stand for."""
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE llmcost_buckets AS {_SIDE.format(table=rows)} WHERE u.ended_at IS NOT NULL"
    )
    minute = f"u.started_at - u.started_at % {_MINUTE}"
    # Minutes stand for the requests in them: there are far fewer, and no bucket is shorter.
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_minutes AS SELECT DISTINCT provider_name, key, organization, project, "
        f"started_at FROM ({_SIDE.format(table=rows).replace('u.started_at', minute + ' AS started_at', 1)} "
        "WHERE u.ended_at IS NULL AND u.started_at IS NOT NULL)"
    )
    if primary == REQUESTS:
        seen = (
            f"SELECT b.row_id, '{BY_SPAN}' AS rule, b.source, '{REQUESTS}' AS kept, 1 AS place FROM llmcost_buckets b "
            f"WHERE EXISTS (SELECT 1 FROM llmcost_minutes a WHERE {_SAME} AND {_INSIDE})"
        )
    else:
        seen = (
            f"SELECT a.row_id, '{BY_SPAN}' AS rule, a.source, '{BUCKETS}' AS kept, 1 AS place FROM "
            f"({_SIDE.format(table=rows)} WHERE u.ended_at IS NULL) a "
            f"WHERE EXISTS (SELECT 1 FROM llmcost_buckets b WHERE {_SAME} AND {_INSIDE})"
        )
    if not leave_out(store):
        return [seen]
    spare = (
        f"SELECT row_id, '{BY_EXPORT}' AS rule, source, '{BUCKETS}' AS kept, 2 AS place FROM llmcost_spare "
        "JOIN llmcost_buckets USING (row_id)"
    )
    return [seen, spare]
