"""The long, tidy table as Parquet: amounts as 128-bit decimals, for DuckDB, Polars, Spark and warehouses.

Columns are those of CSV and the same for every file of a kind. There a value is a number or a text; here ``value`` is a
decimal with 18 places, ``text`` holds what is no number, and ``exact`` has every digit of an amount that is finer or
larger than the decimal (the sum of branches with odd weights, say). All three are null where a value is unknown.
"""

from __future__ import annotations

import io
from decimal import Context, Decimal
from typing import Final

from llmcost.money import plain
from llmcost.reports import Options, Report
from llmcost.results.document import Value
from llmcost.results.outcome import Outcome
from llmcost.results.present import clean

_DIGITS: Final = 38
_PLACES: Final = 18
_STEP: Final = Decimal(1).scaleb(-_PLACES)
_WIDE: Final = Context(prec=1100)


def render(outcome: Outcome, options: Options) -> bytes:  # noqa: ARG001 - every value is written, exactly
    """``outcome`` as one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    form = outcome.long_form()
    rows = list(form.rows)
    arrays = {
        key: pa.array([_label(row.get(key, "")) for row in rows], pa.string()) for key in form.header if key != "value"
    }
    values = [row.get("value") for row in rows]
    arrays["value"] = pa.array([_decimal(value) for value in values], pa.decimal128(_DIGITS, _PLACES))
    arrays["text"] = pa.array([clean(value) if isinstance(value, str) else None for value in values], pa.string())
    arrays["exact"] = pa.array([_exact(value) for value in values], pa.string())
    table = pa.table(arrays).replace_schema_metadata({"llmcost.outcome": outcome.kind})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _label(value: Value) -> str | None:
    """A place in the table; an empty one does not apply."""
    if value is None or value == "":
        return None
    return clean(value) if isinstance(value, str) else plain(value) if isinstance(value, Decimal) else str(value)


def _decimal(value: Value) -> Decimal | None:
    """A number as it fits; null where it is too large for any decimal."""
    if value is None or isinstance(value, str):
        return None
    fitted = Decimal(value).quantize(_STEP, context=_WIDE)
    return fitted if len(fitted.as_tuple().digits) <= _DIGITS else None


def _exact(value: Value) -> str | None:
    if value is None or isinstance(value, str) or _decimal(value) == value:
        return None
    return plain(Decimal(value))


REPORT = Report("Parquet", "application/vnd.apache.parquet", ".parquet", render, binary=True)
