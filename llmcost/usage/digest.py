"""A digest of what a store says, whatever the order in which it was told."""

from __future__ import annotations

from hashlib import blake2b

from llmcost.usage.columns import BILLED, USAGE, Column
from llmcost.usage.rules import joined
from llmcost.usage.store import Store


def store_digest(store: Store, *, keys: bool = True) -> str:
    """Order-independent digest of every usage row and billed line: the same rows, as often, give the same text.

    Only canonical columns count, not where a row came from. ``keys`` False leaves content keys out: they are made
    under the user's secret, and a store that an export was read into has made them again from the exported ones.
    """
    usage = [column for column in USAGE if keys or column.group != "key"]
    parts = [_table(store, "usage", usage), _table(store, "billed", list(BILLED))]
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def _table(store: Store, table: str, columns: list[Column]) -> str:
    """Number, sum and exclusive or of the rows' 128-bit digests: none of them knows an order, equal rows do not cancel."""
    row = f"md5_number({joined(column.name for column in columns)})"
    modulus = "170141183460469231731687303715884105727::UHUGEINT"
    count, total, odd = store.rows(
        f"SELECT count(*), sum((d % {modulus} >> 40)::HUGEINT), bit_xor(d) FROM (SELECT {row} AS d FROM {table})"
    )[0]
    return f"{table} {count} {total} {odd}"
