"""Requests that one log names without their provider, and another with it, are the same requests.

The identity of a request is (provider, response id). A row that has an id and no provider takes the provider of the
rows with that id, where these agree; where two providers gave out the same id, nobody knows whose it is, and it stays.
"""

from __future__ import annotations

from collections.abc import Collection

from llmcost.usage.rules import KEY_MASK, request_identity
from llmcost.usage.store import Store

_NAMELESS = "provider_name IS NULL AND request_id IS NOT NULL AND ended_at IS NULL"
_NAMED = "provider_name IS NOT NULL AND request_id IS NOT NULL AND ended_at IS NULL"


def adopt_providers(store: Store, present: Collection[str]) -> bool:
    """Gives staged and stored rows without a provider the one of their id; tells whether a staged row got one.

    Makes ``readdressed``: the identities of stored rows that it changed. The view ``staged`` must exist.
    """
    store.execute("CREATE OR REPLACE TEMP TABLE readdressed (identity UHUGEINT)")
    if "request_id" not in present:
        return False
    asked = [f"SELECT request_id FROM staged WHERE {_NAMELESS}"] if _any(store, "staged", _NAMELESS) else []
    if "provider_name" in present and _any(store, "usage", _NAMELESS):
        asked.append(
            f"SELECT request_id FROM usage SEMI JOIN (SELECT request_id FROM staged WHERE {_NAMED}) USING (request_id) WHERE {_NAMELESS}"
        )
    if not asked:
        return False
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE adopted AS WITH asked AS (SELECT DISTINCT request_id FROM ({' UNION ALL '.join(asked)})), "
        f"named AS (SELECT request_id, provider_name FROM staged SEMI JOIN asked USING (request_id) WHERE {_NAMED} UNION ALL "
        f"SELECT request_id, provider_name FROM usage SEMI JOIN asked USING (request_id) WHERE {_NAMED}) "
        "SELECT request_id, min(provider_name) AS provider FROM named GROUP BY request_id HAVING count(DISTINCT provider_name) = 1"
    )
    if not store.value("SELECT count(*) FROM adopted"):
        return False
    _readdress(store)
    store.execute(
        "CREATE OR REPLACE TEMP TABLE nameless AS SELECT s.n, a.provider FROM staged s JOIN adopted a USING (request_id) "
        f"WHERE {_NAMELESS}"
    )
    return bool(store.value("SELECT count(*) FROM nameless"))


def _any(store: Store, table: str, condition: str) -> bool:
    return store.value(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1") is not None


def _readdress(store: Store) -> None:
    """Stored rows get their provider, and with it another identity and content."""
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE moving AS SELECT u.row_id, u.identity AS old, a.provider, {request_identity('a.provider')} AS new "
        f"FROM usage u JOIN adopted a USING (request_id) WHERE {_NAMELESS}"
    )
    store.execute("DELETE FROM moving WHERE new IN (SELECT identity FROM usage)")
    store.widen(("provider_name", "content"))
    store.execute(
        "UPDATE usage_rows SET provider_name = m.provider, identity = m.new, content = NULL, "
        f"request_key = (m.new & {KEY_MASK})::BIGINT FROM moving m WHERE usage_rows.row_id = m.row_id"
    )
    store.execute("UPDATE membership SET identity = m.new FROM moving m WHERE membership.identity = m.old")
    store.execute("INSERT INTO readdressed SELECT new FROM moving")
