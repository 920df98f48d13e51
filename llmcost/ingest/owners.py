"""Keeps API keys out of the store, and hides owners where the user asks for it.

What looks like a raw key is replaced by a hash in every owner column and tag, and a mail address in every tag, whatever
``--owners`` says, before any row is written. ``--owners hash|drop`` changes users and key ids on their way into the store.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from llmcost.config import owner_hash, owner_hash_sql
from llmcost.records.apikeys import EMAIL, KEY, MAYBE
from llmcost.usage.columns import USAGE
from llmcost.usage.rules import HASHED_OWNERS

Owners = Literal["keep", "hash", "drop"]

OWNER_COLUMNS: Final = tuple(column.name for column in USAGE if column.group == "owner")


def without_keys(table: pa.Table, secret: bytes) -> pa.Table:
    """The table with a keyed hash in the place of every raw API key in its owner columns and tags."""
    for name in OWNER_COLUMNS:
        if name not in table.column_names or table[name].null_count == len(table):
            continue
        # Owners repeat: each distinct one is looked at once.
        coded = table[name].combine_chunks().dictionary_encode()
        coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
        # A user is told by a mail address where the log does so; a tag that holds one only tells on somebody.
        hides = _without_mails if name == "tags" else masked
        if not pc.any(pc.match_substring_regex(coded.dictionary, f"{MAYBE}|@" if name == "tags" else MAYBE)).as_py():
            continue
        clean = pa.array(
            [None if text is None else hides(text, secret) for text in coded.dictionary.to_pylist()], pa.string()
        )
        column = clean.take(coded.indices).cast(table.schema.field(name).type)
        table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
    return table


def masked(text: str, secret: bytes) -> str:
    """The text with its raw keys hashed."""
    return KEY.sub(lambda found: owner_hash(found[0], secret), text)


def _without_mails(text: str, secret: bytes) -> str:
    return EMAIL.sub(lambda found: owner_hash(found[0], secret), masked(text, secret))


@dataclass(frozen=True)
class OwnerSql:
    """SQL over the staged row ``s``: what is stored instead of an owner column, and what tells users apart."""

    stored: dict[str, str]
    user: str


def owner_sql(owners: Owners, secret: bytes) -> OwnerSql:
    """How ``--owners`` stores owners. A hidden user's key is made from the keyed hash, so no guess can be tried on it."""
    if owners == "keep":
        return OwnerSql({}, "s.user_id")
    hidden = {name: owner_hash_sql(f's."{name}"', secret) for name in HASHED_OWNERS}
    user = hidden["user_id"]
    return OwnerSql(hidden if owners == "hash" else dict.fromkeys(HASHED_OWNERS, "NULL::VARCHAR"), user)
