"""Any CSV, JSONL, JSON or Parquet file, read by a mapping file that the user gives (``--mapping FILE``).

The mapping (``docs/mapping.md``) says which field is which usage column. The counters keep the meaning they have there:
``input_tokens`` contains cached and written tokens, so a log that counts them apart adds them up (``add``). Fields that
the mapping does not name are left out: the user chose. It is never recognised, only chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from llmcost.errors import UsageError
from llmcost.money import plain
from llmcost.records import BadValueError, Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.blocks import csv_table, jsonl_table
from llmcost.records.canonical import usage_row
from llmcost.records.mapfile import FieldSpec, MapFile, rows_of
from llmcost.records.maprules import MICROS, values_of, wanted
from llmcost.records.table import DeclineError, Unclean, by_value, canonical, declines
from llmcost.usage import names
from llmcost.usage.columns import BY_NAME, Column


def sniff(_sample: Sample) -> bool:
    """Never: a mapping is chosen, not recognised."""
    return False


def read(record: Record, context: Context) -> Iterator[Reading]:
    """The rows of one record; a bad value rejects the row it stands in."""
    mapping = _mapping(context)
    if context.header:
        mapping.check_header(context.header, context.name)
    if not isinstance(record.value, dict) and mapping.mapping.records is None:
        yield Problem("not-an-object", f"a row is an object, not {type(record.value).__name__}")
        return
    rows = list(rows_of(record.value, mapping.mapping.records))
    if not rows:
        yield Skip(f"no rows at {mapping.mapping.records}")
    for number, row in enumerate(rows):
        line = record.line + number if mapping.mapping.form == "json" else None
        try:
            yield from _row(row, mapping, line)
        except BadValueError as error:
            yield Problem(error.kind, error.detail, line=line)


def _mapping(context: Context) -> MapFile:
    mapping = context.options.get("mapping")
    if not isinstance(mapping, MapFile):
        raise UsageError("the source 'mapping' needs a mapping file", hint="give one with --mapping FILE")
    return mapping


def _row(row: Any, mapping: MapFile, line: int | None) -> Iterator[Reading]:
    if not isinstance(row, dict):
        yield Problem("not-an-object", f"a row is an object, not {type(row).__name__}", line=line)
        return
    if not wanted(row, mapping.filter):
        yield Skip("left out by the mapping's filter")
        return
    values, early = values_of(row, mapping)
    usage, problems = usage_row(values)
    if not any(name in usage for name in mapping.telling):
        yield Problem("no-usage", "no mapped field has a value", line=line)
        return
    if mapping.mapping.provider_name and usage.get("provider_name") is None:
        usage["provider_name"] = names.provider(mapping.mapping.provider_name)
    yield Row(usage=usage, line=line)
    yield from (*early, *problems)


def arrow(chunk: Any, context: Context) -> pa.Table | Unclean | None:
    """Canonical columns of a clean block under plain field rules; of another its few unclean rows, or None."""
    mapping = _mapping(context)
    if context.header:
        mapping.check_header(context.header, context.name)
    return declines(lambda: _arrow(chunk, context, mapping))


def _arrow(chunk: Any, context: Context, mapping: MapFile) -> pa.Table:
    rules = mapping.filter
    if (
        mapping.tags
        or rules.keep
        or rules.skip
        or mapping.mapping.records
        or not all(map(_is_plain, mapping.columns.values()))
    ):
        raise DeclineError
    raw = _raw(chunk, context, mapping)
    columns = dict(mapping.columns)
    if mapping.mapping.provider_name:
        provider = columns.get("provider_name", FieldSpec.model_validate({"value": mapping.mapping.provider_name}))
        columns["provider_name"] = provider.model_copy(
            update={"default": provider.default or mapping.mapping.provider_name}
        )
    table = canonical((BY_NAME[name], _column(raw, spec, BY_NAME[name])) for name, spec in columns.items())
    if not any(name in mapping.telling and not table[name].null_count for name in table.column_names):
        raise DeclineError  # some row may say nothing at all
    return table


def _is_plain(spec: FieldSpec) -> bool:
    return not (spec.add or spec.join or spec.split or spec.scale or spec.unit == "ns")


def _raw(chunk: Any, context: Context, mapping: MapFile) -> pa.Table:
    """The fields that the mapping reads, as the file has them."""
    if isinstance(chunk, pa.Table | pa.RecordBatch):
        return chunk if isinstance(chunk, pa.Table) else pa.Table.from_batches([chunk])
    if context.header:
        return csv_table(chunk, context.header, context.options.get("delimiter", ","))
    fields: dict[str, Column] = {}
    for name, spec in mapping.columns.items():
        column = BY_NAME[name]
        if spec.field is None:
            continue
        if "." in spec.field or column.type == "json" or fields.setdefault(spec.field, column).type != column.type:
            raise DeclineError  # paths, shapes that are not known beforehand, one field under two types
    return jsonl_table(chunk, fields, others="ignore")


def _column(raw: pa.Table, spec: FieldSpec, column: Column) -> pa.ChunkedArray:
    """The raw column that a rule gives."""
    if spec.field is None:
        value = plain(spec.value) if isinstance(spec.value, Decimal) else spec.value
        return pa.chunked_array([pa.repeat(pa.scalar(value), len(raw))])
    if spec.field not in raw.column_names:
        raise DeclineError
    values = raw[spec.field]
    if pa.types.is_string(values.type):
        values = pc.if_else(pc.equal(values, ""), None, values)
    if spec.default is not None:
        values = _filled(values, spec.default)
    if spec.map:
        values = _mapped(values, spec.map)
    return _micros(values, spec) if column.type == "instant" else values


def _filled(values: pa.ChunkedArray, default: Any) -> pa.ChunkedArray:
    fits = (
        pa.types.is_string(values.type)
        if isinstance(default, str)
        else type(default) is int and pa.types.is_integer(values.type)
    )
    if not fits:
        raise DeclineError
    return pc.fill_null(values, default)


def _mapped(values: pa.ChunkedArray, words: Mapping[str, Any]) -> pa.ChunkedArray:
    if not pa.types.is_string(values.type) or not all(isinstance(word, str) for word in words.values()):
        raise DeclineError
    return by_value(values, lambda value: words.get(value, value), pa.string())


def _micros(values: pa.ChunkedArray, spec: FieldSpec) -> pa.ChunkedArray:
    """Numeric times as microseconds; texts and timestamps are left to the column's own conversion."""
    if pa.types.is_string(values.type) and pc.all(pc.match_substring_regex(values, r"^[0-9]{1,15}$")).as_py():
        values = values.cast(pa.int64())
    if not pa.types.is_integer(values.type):
        if spec.epoch is not None or not (pa.types.is_timestamp(values.type) or pa.types.is_string(values.type)):
            raise DeclineError
        return values
    factor = MICROS[spec.unit or _one_unit(values)]
    return pc.add_checked(pc.multiply_checked(values.cast(pa.int64()), factor), spec.epoch_us or 0)


def _one_unit(values: pa.ChunkedArray) -> str:
    """The unit that the sizes of all these times tell, as :func:`llmcost.records.values.instant` does."""
    ends = pc.min_max(values).as_py()
    for unit, low, top in (("s", 0, 10**11), ("ms", 10**11, 10**14), ("us", 10**14, 10**17)):
        if ends["min"] is None or low <= ends["min"] <= ends["max"] < top:
            return unit
    raise DeclineError


SOURCE = Source(
    title="Any file, by a mapping file",
    grain="mixed",
    forms=("jsonl", "json", "csv", "parquet"),
    sniff=sniff,
    read=read,
    arrow=arrow,
    knows=frozenset(BY_NAME),
    url="https://toml.io/en/v1.0.0",
    checked="2026-11-23",
)
