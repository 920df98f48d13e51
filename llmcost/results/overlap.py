"""The same traffic seen twice: calls that two sources tell of, usage buckets beside requests, two exports of buckets.

A bucket and a request describe the same traffic when provider, model and owner agree (an unknown owner or model agrees
with any, and a name with an id: :mod:`llmcost.results.agreement`) and the request lies in the bucket's span. Requests are primary unless the user says otherwise, and of a bucket
that they tell of in part the remainder is charged (:mod:`llmcost.results.remainders`); of two exports of buckets one is
primary (:mod:`llmcost.results.exports`), and of two sources that tell of one call (:mod:`llmcost.results.twins`).
What is not primary is left out of every total and reported with its amount. Lines of bills are never in a total at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from llmcost.pricing.catalogue import Catalogue
from llmcost.pricing.names import ModelRef
from llmcost.results.agreement import SAME
from llmcost.results.exports import leave_out
from llmcost.results.logrows import USAGE_TABLE
from llmcost.results.remainders import COUNTED, FINER, PART, REST, Remainders
from llmcost.results.twins import ALIKE, find_twins
from llmcost.usage.store import Store

REQUESTS: Final = "requests"
BUCKETS: Final = "buckets"
BY_SPAN: Final = "owner and span"
BY_EXPORT: Final = "another export"
_MINUTE: Final = 60_000_000
# A log may name a model alone: its provider is the one whose model it is priced as.
_SIDE: Final = (
    "SELECT u.row_id, coalesce(u.provider_name, m.host) AS provider_name, m.key, u.organization, u.project, {finer}, {time}, u.source, {counted}, "
    "coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) AS tokens FROM {table} u "
    "LEFT JOIN llmcost_models m ON coalesce(m.provider, '') = coalesce(u.provider_name, '') "
    "AND coalesce(m.name, '') = coalesce(u.response_model, u.request_model, '')"
)
_INSIDE: Final = "a.started_at >= b.started_at AND a.started_at < b.ended_at"
_START: Final = f"u.started_at - u.started_at % {_MINUTE}"
# A row that nobody pays for tells of no traffic: a gateway's own answer, a call that failed.
_PAID: Final = (
    "coalesce(u.requests, 1) > 0 AND NOT (coalesce(u.status, '') = 'error' AND coalesce(u.output_tokens, 0) = 0)"
)


@dataclass(frozen=True)
class Covered:
    """What a replay does not charge as the log has it."""

    left_out: ir.Table
    """Ids of rows that others stand for; ``llmcost_covered`` says by which rule."""
    rest: ir.Table | None = None
    """Buckets of which only a part is told of elsewhere, with what is left of them."""
    part: ir.Table | None = None
    """The same buckets with that part."""


def covered_rows(
    store: Store,
    primary: str,
    files: ir.Table | None,
    names: Iterable[tuple[str | None, str, ModelRef | None]],
    catalogue: Catalogue,
) -> Covered | None:
    """What another row of the replay stands for, or None.

    ``primary`` is ``requests``, ``buckets`` or the name of a source. The table of model names must be registered.
    """
    rows = "usage" if files is None else "(SELECT * FROM usage SEMI JOIN llmcost_files USING (row_id))"
    parts = []
    if find_twins(store, rows, names, catalogue, None if primary in {REQUESTS, BUCKETS} else primary):
        parts.append("SELECT row_id, rule, source, kept, 0 AS place FROM llmcost_twins")
    divided = False
    if store.value(f"SELECT count(*) FROM {rows} WHERE ended_at IS NOT NULL"):
        divided = _of_buckets(store, rows, _grain(store, rows, primary), twins=bool(parts))
        parts.append("SELECT * FROM llmcost_stood_for")
    if not parts:
        return None
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_told_of AS SELECT row_id, arg_min(rule, place) AS rule, "
        f"arg_min(source, place) AS source, arg_min(kept, place) AS kept FROM ({' UNION ALL '.join(parts)}) GROUP BY row_id"
    )
    store.execute(f"CREATE OR REPLACE TEMP TABLE llmcost_covered AS FROM llmcost_told_of WHERE rule <> '{ALIKE}'")
    store.execute(f"CREATE OR REPLACE TEMP TABLE llmcost_alike AS FROM llmcost_told_of WHERE rule = '{ALIKE}'")
    made = ["llmcost_twins", "llmcost_stood_for", "llmcost_spare", "llmcost_told_of", "llmcost_buckets"]
    store.drop_temporary(made)
    left_out = ibis.table({"row_id": "int64"}, name="llmcost_covered")
    schema = USAGE_TABLE.schema()
    return (
        Covered(left_out, ibis.table(schema, name=REST), ibis.table(schema, name=PART))
        if divided
        else Covered(left_out)
    )


def _grain(store: Store, rows: str, primary: str) -> str:
    """Requests or buckets; a source that the user names is primary with the grain it has."""
    if primary in {REQUESTS, BUCKETS}:
        return primary
    found = store.value(f"SELECT bool_or(ended_at IS NOT NULL) FROM {rows} WHERE source = ?", [primary])
    return BUCKETS if found else REQUESTS


def _side(table: str, time: str) -> str:
    finer, counted = (", ".join(f"u.{name}" for name in names) for names in (FINER, COUNTED))
    return _SIDE.format(table=table, time=time, finer=finer, counted=counted)


def _of_buckets(store: Store, rows: str, primary: str, *, twins: bool) -> bool:
    """Makes ``llmcost_stood_for``: rows that requests, buckets or another export stand for. Tells if any in part only."""
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE llmcost_buckets AS {_side(rows, 'u.started_at, u.ended_at')} WHERE u.ended_at IS NOT NULL"
    )
    store.execute(
        "CREATE OR REPLACE TEMP TABLE llmcost_stood_for (row_id BIGINT, rule VARCHAR, source VARCHAR, kept VARCHAR, place INT)"
    )
    remainders = Remainders(store, "llmcost_buckets")
    if leave_out(store):
        remainders.reduce(
            "FROM llmcost_buckets ANTI JOIN llmcost_spare USING (row_id)",
            "FROM llmcost_buckets SEMI JOIN llmcost_spare USING (row_id)",
        )
    else:
        store.execute("CREATE OR REPLACE TEMP TABLE llmcost_spare (row_id BIGINT)")
    # Minutes stand for the requests in them: no bucket is shorter.
    calls = f"{_side(rows, f'{_START} AS started_at, {_START} + {_MINUTE} AS ended_at')} WHERE u.ended_at IS NULL AND u.started_at IS NOT NULL"
    if primary == REQUESTS:
        others = f" AND u.row_id NOT IN (SELECT row_id FROM llmcost_twins WHERE rule <> '{ALIKE}')" if twins else ""
        silent = remainders.reduce(f"{calls} AND {_PAID}{others}", "FROM llmcost_buckets")
        store.register("llmcost_silent", pa.table({"row_id": pa.array(silent, pa.int64())}))
        store.execute(
            f"INSERT INTO llmcost_stood_for SELECT row_id, '{BY_SPAN}', source, '{BUCKETS}', 2 FROM usage SEMI JOIN llmcost_silent USING (row_id)"
        )
    else:
        store.execute(
            f"INSERT INTO llmcost_stood_for SELECT a.row_id, '{BY_SPAN}', a.source, '{BUCKETS}', 2 FROM "
            f"({_side(rows, 'u.started_at')} WHERE u.ended_at IS NULL) a "
            f"WHERE EXISTS (SELECT 1 FROM llmcost_buckets b WHERE {SAME} AND {_INSIDE})"
        )
    whole, divided = remainders.settle()
    store.register("llmcost_reduced", pa.table({"row_id": pa.array([*whole, *divided], pa.int64())}))
    store.execute(
        f"INSERT INTO llmcost_stood_for SELECT b.row_id, if(s.row_id IS NULL, '{BY_SPAN}', '{BY_EXPORT}'), b.source, "
        f"if(s.row_id IS NULL, '{REQUESTS}', '{BUCKETS}'), 1 FROM llmcost_buckets b SEMI JOIN llmcost_reduced USING (row_id) "
        "LEFT JOIN llmcost_spare s USING (row_id)"
    )
    store.drop_temporary(["llmcost_reduced", "llmcost_silent"])
    return bool(divided)
