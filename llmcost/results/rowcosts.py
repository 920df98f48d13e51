"""Prices a workload row by row in the engine: exact integers, from factors that pricing gives for each group of rows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import reduce
from typing import Any, Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from llmcost.pricing.cuts import Cuts
from llmcost.pricing.grid import PRICE_KEYS, Grid, is_paid, keyed
from llmcost.pricing.resolve import Unpriced
from llmcost.pricing.rowwise import COUNTED, factors, places
from llmcost.pricing.table import Pricer
from llmcost.results.stage import Engine
from llmcost.usage.columns import BY_NAME
from llmcost.workload.contract import USD_BASE, USD_HIGH, USD_LOW, RowCosts, Workload

_PARTS: Final = 1_000_000
"""Seconds of sound are counted in millionths: an engine multiplies only integers."""
_TEXTS: Final = frozenset({"service_tier", "region"})
_KEYS: Final = (*PRICE_KEYS, "paid")


def row_costs(engine: Engine, pricer: Pricer, cuts: Cuts, workload: Workload) -> RowCosts:
    """``workload``'s rows with their costs."""
    rows = workload.rows
    wide = keyed(rows, Grid.of(cuts, pricer.present, pricer.models)).mutate(paid=is_paid(rows).fill_null(False))
    wide = engine.view(wide.mutate(**{f"k_{name}": _known(wide[name], name) for name in _KEYS}))
    counters = {name: _integer(wide, name, pricer.present) for name in COUNTED}
    groups = engine.rows(
        wide.group_by([f"k_{name}" for name in _KEYS]).agg(
            at=wide.priced_at.min(),
            least=ibis.ifelse(wide.bucket, ibis.null("int64"), wide.input_tokens).min(),
            **{f"most_{name}": value.max() for name, value in counters.items() if value is not None},
        )
    )
    priced = [_factors(_as_summed(group), pricer) if group["k_paid"] else {} for group in groups]
    exact = places([factor for found in priced for factor in (found or {}).values()])
    table = engine.register(_table(groups, priced, exact))
    joined = wide.left_join(table, [f"k_{name}" for name in _KEYS])
    parts = {
        column: _sum([joined[f"{part}_{name}"] * counters_of(joined, name, pricer.present) for name in COUNTED
                      if counters[name] is not None])
        for column, part in ((USD_HIGH, "h"), (USD_LOW, "l"))
    }  # fmt: skip
    kept = [joined[name] for name in rows.columns if name not in {USD_HIGH, USD_LOW}]
    known = {column: joined.priced.ifelse(value, ibis.null("int64")) for column, value in parts.items()}
    return RowCosts(engine.view(joined.select(*kept, **known)), exact)


def _as_summed(group: Mapping[str, Any]) -> dict[str, Any]:
    """The group with its keys as the sums have them: unknown is None."""
    keys = {name: group[f"k_{name}"] for name in _KEYS}
    return {**group, **{name: None if value in {"", -1} else value for name, value in keys.items()}}


def _known(value: Any, name: str) -> ir.Value:
    """A key that joins, unknown or not."""
    return ibis.coalesce(value, "") if name in _TEXTS else ibis.coalesce(value.cast("int64"), -1)


def _integer(rows: ir.Table, name: str, present: frozenset[str]) -> ir.IntegerValue | None:
    """A counter as an integer; None where no row of the log knows it."""
    if name == "requests":
        # As in the sums: a bucket that does not say how many calls it holds counts none; a request row is one.
        return ibis.coalesce(rows.requests, rows.ended_at.isnull().ifelse(1, 0)).cast("int64")
    if name not in present or name not in rows.columns:
        return None
    value = rows[name]
    return (value * _PARTS).cast("int64") if BY_NAME[name].type == "decimal" else value


def counters_of(rows: ir.Table, name: str, present: frozenset[str]) -> ir.IntegerValue:
    """A counter that some row knows; unknown ones multiply nothing."""
    value = _integer(rows, name, present)
    if value is None:
        raise AssertionError(f"no row knows {name}")
    return value.fill_null(0)


def _sum(terms: list[ir.IntegerValue]) -> ir.IntegerValue:
    return reduce(lambda one, other: one + other, terms).cast("int64")


def _factors(group: Mapping[str, Any], pricer: Pricer) -> dict[str, Decimal] | None:
    """Of a group, USD for one of each counter; None without a price."""
    if group["contradictory"]:
        return None
    rates = pricer.rates(group)
    if isinstance(rates, Unpriced):
        return None
    most = {name: group.get(f"most_{name}") for name in COUNTED}
    if group["input_unknown"]:
        most["input_tokens"] = None
    if group["output_unknown"]:
        most["output_tokens"] = None
    found = factors(most, rates)
    if isinstance(found, Unpriced):
        return None
    whole = {name for name in COUNTED if name == "requests" or BY_NAME[name].type != "decimal"}
    return {name: factor if name in whole else factor.scaleb(-6) for name, factor in found.items()}


def _table(groups: list[dict[str, Any]], priced: list[dict[str, Decimal] | None], exact: int) -> pa.Table:
    """Keys and factors of every group, as two integers each."""
    columns: dict[str, pa.Array] = {}
    for name in _KEYS:
        kind = pa.string() if name in _TEXTS else pa.int64()
        columns[f"k_{name}"] = pa.array([group[f"k_{name}"] for group in groups], kind)
    columns["priced"] = pa.array([found is not None for found in priced], pa.bool_())
    for name in COUNTED:
        scaled = [int((found or {}).get(name, Decimal(0)).scaleb(exact)) for found in priced]
        columns[f"h_{name}"] = pa.array([value // USD_BASE for value in scaled], pa.int64())
        columns[f"l_{name}"] = pa.array([value % USD_BASE for value in scaled], pa.int64())
    return pa.table(columns)
