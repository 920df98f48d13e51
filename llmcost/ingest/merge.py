"""Merges staged rows into the store: each identity once, whatever the order and however often a file is given.

Of several versions of one request or bucket the one with the most output tokens, then the most input tokens, then the
most requests and known counters wins (partial lines of a stream, later exports of an open day); ties go by content.
Of versions with the same status and counts (a provider's log and a gateway's) the winner keeps its own charge, and takes
the largest of the others' where it names none; nothing else is mixed.
The row keeps the earliest time of all its versions. Since the choice is a maximum over content, any order of ingest
gives the same store.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from llmcost.ingest.adopt import adopt_providers
from llmcost.ingest.owners import OwnerSql
from llmcost.ingest.stage import Staging
from llmcost.usage.columns import BY_NAME, COUNTERS
from llmcost.usage.ddl import BILLED_NAMES, CHARGE, DERIVED, USAGE_NAMES, USAGE_TYPES
from llmcost.usage.rules import (
    BUCKET,
    BY_LINE,
    HASHED_OWNERS,
    KEY_MASK,
    content_of,
    identity_of,
    joined,
    key_of,
    rule_of,
)
from llmcost.usage.store import Store

PORTION: Final = 1 << 20
"""Rows that are inserted at once."""


def _counts(names: Collection[str]) -> list[str]:
    """What two versions must share to tie: whether they succeeded, and what they counted."""
    status = ["(status IS NOT DISTINCT FROM 'ok') DESC"] if "status" in names else []
    return status + [
        f"{name} DESC NULLS LAST" for name in ("output_tokens", "input_tokens", "requests") if name in names
    ]


def _order(names: Collection[str]) -> str:
    """The total order of versions, best first."""
    known = " + ".join(f"({name} IS NOT NULL)::INT" for name in COUNTERS if name in names) or "0"
    return ", ".join([*_counts(names), f"{known} DESC", "source", "content"])


@dataclass(frozen=True)
class Merged:
    """What became of the staged rows; ``replaced`` rows of the store gave way to better versions."""

    ingested: int
    duplicates: int
    superseded: int
    replaced: int
    billed: int


def merge_usage(store: Store, staging: Staging, owner_sql: OwnerSql, all_columns: Collection[str]) -> Merged:
    """Settles which staged usage rows go into ``usage`` and makes the view ``arriving`` of them as they are stored, but for their identities.

    Runs inside the caller's transaction; ``staged_files`` must exist, and :func:`insert_usage` must follow. ``owner_sql`` says how owners are stored.
    """
    first = int(store.value("SELECT min(nextval('row_ids')) FROM range(?)", [staging.numbered]))
    _view(store, staging, first)
    if adopt_providers(store, staging.present):
        _view(store, staging, first, adopted=True)
        staging.present.add("provider_name")
        all_columns = {*all_columns, "provider_name"}
    present = [name for name in USAGE_NAMES if name in staging.present]
    _identify(store, present)
    conflicts = _conflicts(store)
    duplicates, superseded, replaced = _settle(store, all_columns, owner_sql) if conflicts else (0, 0, 0)
    _arriving(store, present, owner_sql, conflicts=conflicts, charged=conflicts and "billed_cost" in all_columns)
    return Merged(staging.usage_rows - duplicates - superseded, duplicates, superseded, replaced, 0)


def _view(store: Store, staging: Staging, first: int, *, adopted: bool = False) -> None:
    """Makes the view ``staged`` of every staged row, with all columns; ``adopted``: under the providers of ``nameless``.

    Row ids are given out from ``first`` on, in the order of the staging.
    """
    known = "provider_name" in staging.present
    absent = [name for name in USAGE_NAMES if name not in staging.present and not (adopted and name == "provider_name")]
    columns = ["s.*", *(f'NULL::{USAGE_TYPES[name]} AS "{name}"' for name in absent), "f.source", "f.file_key"]
    columns.append(f"s.n + {first} AS row_id")
    joined_to = "JOIN staged_files f USING (file_no)"
    if adopted:
        columns[0] = "s.* EXCLUDE (provider_name)" if known else "s.*"
        columns.append(
            "coalesce(s.provider_name, a.provider) AS provider_name" if known else "a.provider AS provider_name"
        )
        joined_to += " LEFT JOIN nameless a USING (n)"
    store.execute(
        f"CREATE OR REPLACE TEMP VIEW staged AS SELECT {', '.join(columns)} FROM "
        f"read_parquet([{', '.join(map(_quoted, staging.usage_files))}], union_by_name = true) s {joined_to}"
    )


def _quoted(path: object) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _identify(store: Store, present: list[str]) -> None:
    """Makes ``keyed``: number, file and identity of every staged row, occurrences told apart."""
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE keyed AS SELECT n, file_key, {identity_of(present)} AS identity, "
        f"({'request_id IS NULL OR ' if 'request_id' in present else ''}{BUCKET}"
        f"{'' if 'request_id' in present else ' OR true'}) AS counted FROM staged"
    )
    repeated = store.value(
        "SELECT count(*) FROM (SELECT 1 FROM keyed WHERE counted GROUP BY file_key, identity HAVING count(*) > 1 LIMIT 1)"
    )
    if not repeated:
        return
    store.execute(
        "CREATE OR REPLACE TEMP TABLE occurrences AS "
        "WITH again AS (SELECT file_key, identity FROM keyed WHERE counted GROUP BY ALL HAVING count(*) > 1) "
        "SELECT k.n, row_number() OVER (PARTITION BY k.file_key, k.identity "
        "ORDER BY s.requests DESC NULLS LAST, s.input_tokens DESC NULLS LAST, s.output_tokens DESC NULLS LAST, s.line, k.n) - 1 AS occurrence "
        "FROM keyed k JOIN again USING (file_key, identity) JOIN staged s USING (n) WHERE k.counted"
    )
    store.execute(
        "UPDATE keyed SET identity = md5_number(concat(identity::VARCHAR, '\x1f', o.occurrence::VARCHAR)) "
        "FROM occurrences o WHERE o.n = keyed.n AND o.occurrence > 0"
    )


def _conflicts(store: Store) -> bool:
    """Makes ``contested``: identities with more than one version, staged or stored. Tells whether there are any."""
    store.execute(
        "CREATE OR REPLACE TEMP TABLE contested AS SELECT identity FROM keyed GROUP BY identity HAVING count(*) > 1"
    )
    if store.value("SELECT count(*) FROM usage"):
        store.execute(
            "INSERT INTO contested SELECT DISTINCT k.identity FROM keyed k SEMI JOIN usage u USING (identity) "
            "ANTI JOIN contested c USING (identity)"
        )
    return bool(store.value("SELECT count(*) FROM contested"))


def _settle(store: Store, all_columns: Collection[str], owner_sql: OwnerSql) -> tuple[int, int, int]:
    """Chooses the winner of every contested identity.

    Makes ``losers`` (staged rows that are not inserted) and ``earliest``; deletes stored rows that lose, updates
    stored rows that win, records memberships. Gives (duplicates, superseded, replaced).
    """
    names = [name for name in USAGE_NAMES if name in all_columns]
    columns = ", ".join(f'"{name}"' for name in names)
    store.widen(("content", "started_at"))
    content, order = content_of(names), _order(names)
    charged = "billed_cost" in names
    if charged:
        store.widen(("billed_cost", *(name for name, _ in CHARGE)))
    own = ", ".join(
        "CASE WHEN charge_adopted THEN NULL ELSE billed_cost END AS billed_cost"
        if name == "billed_cost"
        else f'"{name}"'
        for name in names
    )
    offers = ", billed_cost AS offer" if charged else ""
    stored_offers = ", coalesce(charge_offered, billed_cost) AS offer" if charged else ""
    tie = (
        f", dense_rank() OVER (PARTITION BY identity ORDER BY {', '.join(_counts(names)) or '1'}) AS tie"
        if charged
        else ""
    )
    store.execute(
        f"CREATE OR REPLACE TEMP TABLE versions AS SELECT *{tie}, dense_rank() OVER (PARTITION BY identity ORDER BY "
        f"{order}) AS place, row_number() OVER (PARTITION BY identity ORDER BY {order}, file_key, line, n NULLS FIRST) AS seat, "
        f"{'min(started_at) OVER (PARTITION BY identity)' if 'started_at' in names else 'NULL::BIGINT'} AS first_at FROM ("
        f"SELECT k.identity, k.n, s.file_key, s.line, s.source, {columns}{offers}, {content} AS content "
        "FROM keyed k SEMI JOIN contested USING (identity) JOIN staged s USING (n) UNION ALL BY NAME "
        f"SELECT u.identity, NULL::BIGINT AS n, u.file_key, u.line, u.source, {own}{stored_offers}, coalesce(u.content, {content}) AS content "
        "FROM usage u SEMI JOIN contested USING (identity))"
    )
    store.execute("CREATE OR REPLACE TEMP TABLE losers AS SELECT n FROM versions WHERE n IS NOT NULL AND seat > 1")
    # A stored row with the winner's content stays, wherever the staged twin would sit: it only learns the smaller origin.
    store.execute(
        "CREATE OR REPLACE TEMP TABLE kept AS SELECT v.identity FROM versions v WHERE v.n IS NULL AND v.place = 1"
    )
    store.execute(
        "INSERT INTO losers SELECT v.n FROM versions v "
        "WHERE v.n IS NOT NULL AND v.seat = 1 AND v.identity IN (SELECT identity FROM kept)"
    )
    store.execute(
        "CREATE OR REPLACE TEMP TABLE winners AS SELECT identity, n, file_key, line, content, first_at"
        + (
            ", w.billed_cost IS NULL AND o.offer IS NOT NULL AS adopted, o.offer, coalesce(w.billed_cost, o.offer) AS charge FROM versions w "
            "JOIN (SELECT identity, max(offer) FILTER (tie = 1) AS offer FROM versions GROUP BY identity) o USING (identity)"
            if charged
            else " FROM versions w"
        )
        + " WHERE seat = 1"
    )
    store.execute(
        "INSERT INTO membership SELECT DISTINCT v.identity, v.file_key FROM versions v JOIN winners w USING (identity) "
        "WHERE v.file_key <> w.file_key AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.identity = v.identity AND m.file_key = v.file_key)"
    )
    if "prefix_keys" in names:
        # Rows that go or get another time change what their neighbours would find in a prompt cache.
        moved = " OR v.started_at IS DISTINCT FROM v.first_at" if "started_at" in names else ""
        store.execute(
            "CREATE OR REPLACE TEMP TABLE disturbed AS SELECT DISTINCT prefix_keys[1] AS root FROM versions v "
            f"WHERE v.n IS NULL AND len(prefix_keys) > 0 AND (v.place > 1{moved} OR v.identity IN (SELECT identity FROM readdressed))"
        )
    store.execute(
        "UPDATE usage_rows SET file_key = w.file_key, line = w.line, content = w.content, started_at = w.first_at"
        + (", billed_cost = w.charge, charge_offered = w.offer, charge_adopted = w.adopted" if charged else "")
        + " FROM winners w, kept k WHERE k.identity = w.identity AND usage_rows.identity = w.identity"
    )
    _keep_repeated(store, names, owner_sql)
    replaced = store.value("SELECT count(*) FROM versions WHERE n IS NULL AND place > 1")
    store.execute(
        "DELETE FROM usage_rows WHERE identity IN (SELECT identity FROM versions WHERE n IS NULL AND place > 1)"
    )
    duplicates, superseded = store.rows(
        "SELECT count(*) FILTER (WHERE place = 1), count(*) FILTER (WHERE place > 1) FROM versions JOIN losers USING (n)"
    )[0]
    return duplicates, superseded, replaced


def _keep_repeated(store: Store, names: Collection[str], owner_sql: OwnerSql) -> None:
    """Every version but the winner goes to ``repeated``, where its money can be told; owners as they are stored."""
    kept = [name for name in names if BY_NAME[name].group != "key"]
    values = ", ".join(
        f'CASE WHEN s.n IS NULL THEN s."{name}" ELSE {owner_sql.stored[name]} END AS "{name}"' if name in owner_sql.stored else f's."{name}"'
        for name in kept
    )  # fmt: skip
    store.execute(
        f"INSERT INTO repeated BY NAME SELECT nextval('row_ids') AS row_id, {rule_of(names)} AS rule, place > 1 AS superseded, "
        f"source, file_key, line{', ' if values else ''}{values} FROM versions s WHERE seat > 1"
    )


def _arriving(store: Store, present: list[str], owner_sql: OwnerSql, *, conflicts: bool, charged: bool) -> None:
    def stored(name: str) -> str:
        if name == "started_at" and conflicts:
            return "coalesce(w.first_at, s.started_at)"
        return owner_sql.stored.get(name, f's."{name}"')

    values = {name: stored(name) for name in present}
    for name, column, sql in (
        ("user_key", "user_id", f"'u\x1f' || {owner_sql.user}"),
        ("conversation_key", "conversation_id", "'v\x1f' || s.conversation_id"),
    ):
        if column in present:
            values[name] = key_of(sql)
    if conflicts:
        values["content"] = "w.content"
    if charged:
        values["billed_cost"] = "CASE WHEN w.identity IS NULL THEN s.billed_cost ELSE w.charge END"
        values |= {"charge_offered": "w.offer", "charge_adopted": "w.adopted"}
    store.widen(values)
    # A row without an id is identified by its content: the digest is kept so that later versions can be compared.
    store.execute(
        "CREATE OR REPLACE TEMP VIEW arriving AS SELECT s.n, s.row_id, s.source, s.file_key, s.line"
        + "".join(f', {sql} AS "{name}"' for name, sql in values.items())
        + " FROM staged s"
        + (" LEFT JOIN winners w ON w.n = s.n ANTI JOIN losers l ON l.n = s.n" if conflicts else "")
    )


def insert_usage(store: Store, staged: int, *, prefixed: bool) -> None:
    """Inserts the rows of ``arriving``, with what :func:`llmcost.ingest.prefix.derive_prefixes` made for them.

    Not by an update afterwards: that would write every row twice. Of many staged rows a portion at a time: what a portion
    is joined with fits in memory, where one join of all would go through the disk.
    """
    extra = "".join(f", d.{name}" for name, _ in DERIVED) if prefixed else ""
    if prefixed and staged > PORTION:
        store.execute(f"CREATE OR REPLACE TEMP TABLE derived AS FROM derived ORDER BY row_id // {PORTION}")
    ids = int(store.value("SELECT row_id - n FROM staged LIMIT 1"))
    for first in range(0, staged, PORTION):
        last = first + PORTION - 1
        found = f"LEFT JOIN (FROM derived WHERE row_id BETWEEN {ids + first} AND {ids + last}) d USING (row_id)"
        store.execute(
            f"INSERT INTO usage_rows BY NAME SELECT a.* EXCLUDE (n), k.identity, (k.identity & {KEY_MASK})::BIGINT AS request_key{extra} "
            f"FROM (FROM arriving WHERE n BETWEEN {first} AND {last}) a JOIN (FROM keyed WHERE n BETWEEN {first} AND {last}) k "
            f"USING (n) {found if prefixed else ''}"
        )
    store.execute("DROP TABLE IF EXISTS derived")


def merge_billed(store: Store, staging: Staging, owner_sql: OwnerSql) -> Merged:
    """Moves staged billed lines into ``billed``: a later export of the same line replaces the earlier one."""
    if not staging.billed_rows:
        return Merged(0, 0, 0, 0, 0)
    dimensions = [n for n in BILLED_NAMES if n not in {"billed_cost", "quantity", "charge_id"}]
    everything = joined(n for n in BILLED_NAMES if n not in HASHED_OWNERS)
    store.execute(
        "CREATE OR REPLACE TEMP TABLE billed_versions AS WITH lines AS ("
        f"SELECT f.source, f.file_key, s.* EXCLUDE (file_no), md5_number({everything}) AS content, "
        f"md5_number(concat(f.source, coalesce('\x1fid' || charge_id, ''), {joined(dimensions)})) AS base "
        f"FROM read_parquet({_quoted(staging.billed_path)}) s JOIN staged_files f USING (file_no)) "
        "SELECT *, md5_number(concat(base::VARCHAR, '\x1f', row_number() OVER (PARTITION BY file_key, base "
        "ORDER BY abs(billed_cost) DESC NULLS LAST, content, line))) AS identity, true AS staged FROM lines"
    )
    store.execute(
        "CREATE OR REPLACE TEMP TABLE billed_ranked AS SELECT *, dense_rank() OVER w AS place, row_number() OVER ("
        "PARTITION BY identity ORDER BY abs(billed_cost) DESC NULLS LAST, content, file_key, line, staged) AS seat FROM ("
        f"SELECT * EXCLUDE (base) FROM billed_versions UNION ALL BY NAME SELECT *, md5_number({everything}) AS content, false AS staged "
        "FROM billed WHERE identity IN (SELECT identity FROM billed_versions)) "
        "WINDOW w AS (PARTITION BY identity ORDER BY abs(billed_cost) DESC NULLS LAST, content)"
    )
    duplicates, superseded, replaced = store.rows(
        "SELECT count(*) FILTER (WHERE staged AND place = 1 AND (seat > 1 OR identity IN (SELECT identity FROM billed_ranked WHERE NOT staged AND place = 1))), "
        "count(*) FILTER (WHERE staged AND place > 1), count(*) FILTER (WHERE NOT staged AND place > 1) FROM billed_ranked"
    )[0]
    store.execute(
        f"INSERT INTO repeated BY NAME SELECT nextval('row_ids') AS row_id, '{BY_LINE}' AS rule, place > 1 AS superseded, source, "
        "file_key, line, started_at, ended_at, provider_name, 0 AS requests FROM billed_ranked WHERE seat > 1"
    )
    store.execute("DELETE FROM billed WHERE identity IN (SELECT identity FROM billed_ranked)")
    columns = ("identity", "source", "file_key", "line", *BILLED_NAMES)
    # A stored line that stays is stored as it is; only what arrives is hidden.
    values = ", ".join(
        f'CASE WHEN staged THEN {owner_sql.stored[name]} ELSE "{name}" END' if name in owner_sql.stored else f'"{name}"'
        for name in columns
    )
    names = ", ".join(f'"{name}"' for name in columns)
    store.execute(f"INSERT INTO billed ({names}) SELECT {values} FROM billed_ranked s WHERE seat = 1")
    ingested = staging.billed_rows - duplicates - superseded
    return Merged(ingested, duplicates, superseded, replaced, ingested)
