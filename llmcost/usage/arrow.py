"""The canonical columns as Arrow types, and rows as Arrow tables: the form in which rows reach the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache
from typing import Any, Final

import pyarrow as pa

from llmcost.usage.columns import BILLED, USAGE, Billed, Column, Usage

MONEY: Final = pa.decimal128(38, 18)
TYPES: Final[Mapping[str, pa.DataType]] = {
    "text": pa.string(),
    "count": pa.int64(),
    "instant": pa.int64(),
    "decimal": MONEY,
    "number": pa.float64(),
    "flag": pa.bool_(),
    "counts": pa.list_(pa.int64()),
    "numbers": pa.list_(pa.float64()),
    "json": pa.string(),
}
"""The Arrow type of each canonical column type; instants are microseconds since 1970, JSON is canonical text."""
_SMALLEST: Final = Decimal(1).scaleb(-18)


def schema_of(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of some canonical columns, in their order."""
    return pa.schema([pa.field(column.name, TYPES[column.type]) for column in columns])


@cache
def arrow_schema() -> pa.Schema:
    """Every usage column."""
    return schema_of(USAGE)


@cache
def billed_schema() -> pa.Schema:
    """Every billed column."""
    return schema_of(BILLED)


def rows_to_arrow(rows: Sequence[Usage]) -> pa.Table:
    """Usage rows as a table of the columns that at least one row names, in canonical order; absent is null."""
    return _table(rows, USAGE)


def billed_to_arrow(rows: Sequence[Billed]) -> pa.Table:
    """Billed lines as a table, as :func:`rows_to_arrow` does."""
    return _table(rows, BILLED)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> pa.Table:
    named = set().union(*rows) if rows else set[str]()
    if strange := named - {column.name for column in columns}:
        raise KeyError(f"not canonical columns: {', '.join(sorted(strange))}")
    present = [column for column in columns if column.name in named] or list(columns[:1])
    arrays = [_array([row.get(column.name) for row in rows], TYPES[column.type]) for column in present]
    return pa.table(arrays, schema=schema_of(present))


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except pa.ArrowInvalid:
        if kind != MONEY:
            raise
        return pa.array([_to_scale(value) for value in values], kind)


def _to_scale(value: Decimal | None) -> Decimal | None:
    """Rounds to 18 decimals: some cost reports carry 30, the digits of a float, far below the smallest amount."""
    if value is None:
        return None
    with localcontext() as context:
        context.prec = 100
        return Decimal(value).quantize(_SMALLEST, rounding=ROUND_HALF_EVEN)
