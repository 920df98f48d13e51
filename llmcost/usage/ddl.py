"""The tables of the store, generated from the canonical columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from llmcost.usage.caching import HIT_COLUMNS
from llmcost.usage.columns import BILLED, USAGE, Column

SCHEMA_VERSION: Final = 4
SQL_TYPES: Final = {
    "text": "VARCHAR",
    "count": "BIGINT",
    "instant": "BIGINT",
    "decimal": "DECIMAL(38, 18)",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
    "counts": "BIGINT[]",
    "numbers": "DOUBLE[]",
    "json": "VARCHAR",
}

ORIGIN: Final = (
    ("identity", "UHUGEINT"),
    ("content", "UHUGEINT"),
    ("source", "VARCHAR"),
    ("file_key", "BIGINT"),
    ("line", "BIGINT"),
    ("request_key", "BIGINT"),
    ("user_key", "BIGINT"),
    ("conversation_key", "BIGINT"),
)
"""Where a row comes from. ``content`` is known only for rows that met another version of themselves or carry no id."""
CHARGE: Final = (("charge_offered", "DECIMAL(38, 18)"), ("charge_adopted", "BOOLEAN"))
"""The largest charge of the versions that tie with a row, and whether it is the row's since its own version names none."""

DERIVED: Final = (
    ("prefix_nodes", "BIGINT[]"),
    ("prefix_ends", "BIGINT[]"),
    ("prefix_needs", "BIGINT[]"),
    *((name, "BIGINT") for name in HIT_COLUMNS.values()),
)
"""What depends on the log alone: the shared nodes of the prefix tree that the row passes, the tokens up to each, and
the shortest cache life (microseconds) under which each would have been a hit; then the tokens found under the lives
that providers have."""


def column_list(columns: Iterable[Column]) -> str:
    """Column definitions for CREATE TABLE."""
    return ", ".join(f'"{c.name}" {SQL_TYPES[c.type]}' for c in columns)


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in pairs)


USAGE_NAMES: Final = tuple(c.name for c in USAGE)
BILLED_NAMES: Final = tuple(c.name for c in BILLED)
USAGE_TYPES: Final = dict(
    (("row_id", "BIGINT"), *ORIGIN, *CHARGE, *((c.name, SQL_TYPES[c.type]) for c in USAGE), *DERIVED)
)
"""Every column of the view ``usage`` with its type, in order."""
_ALWAYS: Final = ("row_id", "identity", "source", "file_key", "line", "request_key")

_ACCOUNT: Final = tuple(
    (name, "BIGINT")
    for name in ("records_read", "ingested", "duplicates", "superseded", "rejected", "skipped", "replaced")
)
_INGESTS: Final = (("ingest_id", "BIGINT"), ("llmcost", "VARCHAR"), *_ACCOUNT)
_FILES: Final = (
    ("file_key", "BIGINT"),
    ("name", "VARCHAR"),
    ("source", "VARCHAR"),
    ("mapping", "VARCHAR"),
    ("bytes", "BIGINT"),
    ("records_read", "BIGINT"),
    ("rejected", "BIGINT"),
    ("skipped", "BIGINT"),
)

REPEATED_ORIGIN: Final = (
    ("row_id", "BIGINT"),
    ("rule", "VARCHAR"),
    ("superseded", "BOOLEAN"),
    *(column for column in ORIGIN if column[0] not in {"identity", "content"}),
)


def usage_view(stored: Collection[str]) -> str:
    """The view ``usage``: every column, unknown where the table ``usage_rows`` does not have it.

    Appending a NULL costs as much as appending a number, and a log knows a quarter of the columns.
    """
    columns = (f'"{name}"' if name in stored else f'NULL::{kind} AS "{name}"' for name, kind in USAGE_TYPES.items())
    return f"CREATE OR REPLACE VIEW usage AS SELECT {', '.join(columns)} FROM usage_rows"


CREATE: Final = (
    "CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR)",
    "CREATE SEQUENCE row_ids",
    f"CREATE TABLE ingests ({_pairs(_INGESTS)})",
    f"CREATE TABLE files ({_pairs(_FILES)})",
    f"CREATE TABLE usage_rows ({_pairs((name, USAGE_TYPES[name]) for name in _ALWAYS)})",
    usage_view(_ALWAYS),
    f"CREATE TABLE billed (identity UHUGEINT, source VARCHAR, file_key BIGINT, line BIGINT, {column_list(BILLED)})",
    # Versions that were not charged: only what prices and conditions need of them, so no key.
    f"CREATE TABLE repeated ({_pairs(REPEATED_ORIGIN)}, {column_list(c for c in USAGE if c.group != 'key')})",
    "CREATE TABLE touched (file_key BIGINT, kind VARCHAR, first_line BIGINT, last_line BIGINT)",
    "CREATE TABLE membership (identity UHUGEINT, file_key BIGINT)",
    "CREATE TABLE problems (file_key BIGINT, kind VARCHAR, rejected BOOLEAN, count BIGINT, line BIGINT, example VARCHAR)",
)
