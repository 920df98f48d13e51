"""The same traffic seen twice: usage buckets beside requests, or two exports of the same buckets. Charged once.

Two rows describe the same traffic when provider, model and owner agree (an unknown owner or model agrees with any) and
the request lies in the bucket's span. Requests are primary unless the user says otherwise; of two exports of buckets one
is (:mod:`llmcost.results.exports`). What is not primary is left out of every total and reported with its amount.
"""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir

from llmcost.results.exports import leave_out
from llmcost.usage.store import Store

_MINUTE = 60_000_000
_SIDE = (
    "SELECT u.row_id, u.provider_name, m.key, u.organization, u.project, u.started_at, u.ended_at, u.source, coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) AS tokens FROM {table} u "
    "LEFT JOIN llmcost_models m ON coalesce(m.provider, '') = coalesce(u.provider_name, '') "
    "AND coalesce(m.name, '') = coalesce(u.response_model, u.request_model, '')"
)
_SAME = (
    "a.provider_name IS NOT DISTINCT FROM b.provider_name AND (a.key = b.key OR a.key IS NULL OR b.key IS NULL) "
    "AND (a.organization = b.organization OR a.organization IS NULL OR b.organization IS NULL) "
    "AND (a.project = b.project OR a.project IS NULL OR b.project IS NULL)"
)
_INSIDE = "a.started_at >= b.started_at AND a.started_at < b.ended_at"


def covered_rows(store: Store, primary: Literal["requests", "buckets"], files: ir.Table | None) -> ir.Table | None:
    """Row ids that another row of the replay stands for, or None. The table of model names must be registered."""
    rows = "usage" if files is None else "(SELECT * FROM usage SEMI JOIN llmcost_files USING (row_id))"
    if not store.value(f"SELECT count(*) FROM {rows} WHERE ended_at IS NOT NULL"):
        return None
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
    if primary == "requests":
        seen = f"SELECT b.row_id FROM llmcost_buckets b WHERE EXISTS (SELECT 1 FROM llmcost_minutes a WHERE {_SAME} AND {_INSIDE})"
    else:
        seen = (
            f"SELECT a.row_id FROM ({_SIDE.format(table=rows)} WHERE u.ended_at IS NULL) a "
            f"WHERE EXISTS (SELECT 1 FROM llmcost_buckets b WHERE {_SAME} AND {_INSIDE})"
        )
    spare = " UNION SELECT row_id FROM llmcost_spare" if leave_out(store) else ""
    store.execute(f"CREATE OR REPLACE TEMP TABLE llmcost_covered AS {seen}{spare}")
    store.drop_temporary(["llmcost_minutes", "llmcost_spare"])
    store.execute("DROP TABLE llmcost_buckets")
    if not store.value("SELECT count(*) FROM llmcost_covered"):
        return None
    return ibis.table({"row_id": "int64"}, name="llmcost_covered")
