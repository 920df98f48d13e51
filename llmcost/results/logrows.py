"""The log's rows as expressions: the store's tables, unbound, and the rows that every replay starts from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import ibis
import ibis.expr.types as ir

from llmcost.pricing.grid import wide_zero
from llmcost.usage.caching import HIT_COLUMNS
from llmcost.usage.columns import SUM_OF_CALLS, USAGE
from llmcost.usage.store import Store

IBIS_TYPES: Final = {
    "text": "string", "count": "int64", "instant": "int64", "decimal": "decimal(38, 18)", "number": "float64",
    "flag": "boolean", "counts": "array<int64>", "numbers": "array<float64>", "json": "string",
}  # fmt: skip
_EXTRA: Final = {
    "row_id": "int64", "request_key": "int64", "user_key": "int64", "conversation_key": "int64", "file_key": "int64",
    "line": "int64", "prefix_nodes": "array<int64>", "prefix_ends": "array<int64>", "prefix_needs": "array<int64>",
    **dict.fromkeys(HIT_COLUMNS.values(), "int64"),
}  # fmt: skip
USAGE_TABLE: Final = ibis.table({**_EXTRA, **{c.name: IBIS_TYPES[c.type] for c in USAGE}}, name="usage")
"""The store's usage table, unbound: expressions over it compile for every engine."""
_MODELS: Final = ibis.table({"provider": "string", "name": "string", "model": "int64"}, name="llmcost_models")

CORE: Final = (
    "started_at", "ended_at", "provider_name", "request_model", "response_model", "service_tier", "region", "status",
    "requests", "call_role", "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
    "cache_creation_1h_input_tokens", "output_tokens", "reasoning_output_tokens",
)  # fmt: skip
"""Usage columns that every workload carries; rarer counters come along where the log has them."""


KEYS: Final = ("row_id", "request_key", "user_key", "conversation_key")
"""Who and what a row is, in every workload."""
NAMES: Final = frozenset({"provider_name", "request_model", "response_model"})
"""Names that only conditions ask for: a row's model is its ``model``."""
LOGGED: Final = frozenset({"prefix_nodes", "prefix_ends", "prefix_needs", "prefix_keys", *HIT_COLUMNS.values()})
"""Columns that are always as the log has them, and heavy: rows that are kept in a table leave them behind."""


def base_rows(
    columns: Iterable[str],
    now: int,
    files: ir.Table | None,
    covered: ir.Table | None,
    table: ir.Table = USAGE_TABLE,
    held: Holdings | None = None,
    rest: ir.Table | None = None,
) -> ir.Table:
    """The workload's rows as the log has them, with the columns of the contract; lazily, over the unbound tables.

    ``rest`` are rows in place of some that are ``covered``. What ``held`` says that no row knows is a constant here, so that the engine folds whatever asks for it.
    """
    usage = table if files is None else table.semi_join(files, "row_id")
    if covered is not None:
        usage = usage.anti_join(covered, "row_id")
    wanted = dict.fromkeys((*CORE, *columns))
    if rest is not None:
        names = list(dict.fromkeys((*_EXTRA, *wanted)))
        usage = usage.select(names).union(rest.select(names))
    if held is not None:
        usage = usage.mutate(**{name: value for name, value in held.constants.items() if name in usage.columns})
    if held is not None and held.uncounted:
        # A bucket without length: its tokens are the size of no call, and how many calls it holds is unknown.
        is_sum = usage.ended_at.isnull() & usage.requests.isnull() & (usage.operation_name == SUM_OF_CALLS)
        usage = usage.mutate(
            ended_at=is_sum.fill_null(False).ifelse(ibis.coalesce(usage.started_at, now), usage.ended_at)
        )
    name = ibis.coalesce(usage.response_model, usage.request_model)
    models = _MODELS
    joined = usage.mutate(_name=ibis.coalesce(name, ""), _provider=ibis.coalesce(usage.provider_name, "")).join(
        models.mutate(_name=ibis.coalesce(models.name, ""), _provider=ibis.coalesce(models.provider, "")).select(
            "_name", "_provider", "model"
        ),
        ["_name", "_provider"],
        how="left",
    )
    extra = [c for c in wanted if c in _EXTRA]
    return joined.select(
        *KEYS,
        *[c for c in extra if c not in KEYS],
        *[c for c in wanted if c not in _EXTRA],
        "model",
        selected=ibis.literal(True),
        sent=ibis.literal(True),
        branch=wide_zero(),  # further places are multiplied onto it
        priced_at=ibis.coalesce(joined.started_at, now),
        logged_input_tokens=joined.input_tokens,
        logged_model=joined.model,
        changed=ibis.literal(False),
        evidence=ibis.literal(0, type="int64"),
        tally=ibis.literal(0, type="int64"),
    )  # fmt: skip


_KNOWN_BY: Final = {
    "user_key": "user_id", "conversation_key": "conversation_id",
    **dict.fromkeys(("prefix_nodes", "prefix_ends", "prefix_needs", *HIT_COLUMNS.values()), "prefix_keys"),
}  # fmt: skip
"""Columns that the ingest derives, and the column without which they are unknown."""


@dataclass(frozen=True)
class Holdings:
    """What the rows of a store can hold: ``known`` are the usage columns that at least one row knows."""

    known: frozenset[str]
    rows: int
    each: int | None
    """How many requests every row says it is; None where rows differ or do not say."""
    uncounted: bool = False
    """Whether any row sums up calls without a span and without saying how many they are (``SUM_OF_CALLS``)."""

    @classmethod
    def of(cls, store: Store) -> Holdings:
        """As the ingests recorded it; whether there are buckets is looked up."""
        recorded = store.value("SELECT value FROM meta WHERE key = 'present'")
        known = frozenset(str(recorded).split(",")) if recorded else frozenset()
        counts = store.rows(
            "SELECT count(*), count(ended_at), count(requests), min(requests), max(requests) FROM usage"
        )
        rows, ends, told, least, most = counts[0]
        each = 1 if told == rows and least == 1 and most == 1 and not ends else None
        uncounted = "operation_name" in known and bool(
            store.value(
                "SELECT count(*) FROM usage WHERE operation_name = ? AND requests IS NULL AND ended_at IS NULL",
                [SUM_OF_CALLS],
            )
        )
        single = each == 1 or not (told or ends or uncounted)
        return cls(known - {"ended_at", "requests"} if single else known, rows, each, uncounted)

    @property
    def constants(self) -> dict[str, ir.Value]:
        """The columns that are the same in all rows."""
        absent = [column.name for column in USAGE if column.name not in self.known]
        absent += [name for name, source in _KNOWN_BY.items() if source not in self.known]
        found: dict[str, ir.Value] = {name: ibis.null(USAGE_TABLE.schema()[name]) for name in absent}
        if self.uncounted:
            found.pop("ended_at", None)
        return found if self.each is None else found | {"requests": ibis.literal(self.each, type="int64")}
