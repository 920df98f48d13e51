"""Collects the rows of one ingest in a Parquet file beside the store, checked and ready to be merged.

Only canonical columns are written: the text of prompts and answers never gets here, and raw API keys are hashed first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmcost.config import rekey_sql
from llmcost.errors import NothingIngestedError
from llmcost.ingest.owners import without_keys
from llmcost.records.excerpt import excerpt
from llmcost.usage.arrow import arrow_schema, billed_schema
from llmcost.usage.rules import CONTRADICTIONS, Contradiction
from llmcost.usage.store import Store

OnProblem = Literal["keep", "reject", "fail"]
PENDING_ROWS: Final = 100_000
_ORIGIN: Final = (pa.field("file_no", pa.int32()), pa.field("line", pa.int64()))


@dataclass
class ProblemLog:
    """Counts problems by file, kind and whether they rejected a record; keeps the first of each as its example."""

    policy: OnProblem = "keep"
    counts: dict[tuple[int, str, bool], list[int | str]] = field(default_factory=dict)
    touched: dict[tuple[int, str], list[tuple[int, int]]] = field(default_factory=dict)
    """Lines of kept rows that a problem of a kind touched, by file: runs of first and last line."""
    excerpt: str | None = None
    """What may be shown of the first record that was rejected."""

    def add(
        self,
        file_no: int,
        name: str,
        kind: str,
        detail: str,
        *,
        rejected: bool,
        line: int,
        times: int = 1,
        informative: bool = False,
        lines: Sequence[int] = (),
        excerpt: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Counts a problem; NothingIngestedError under ``--on-problem fail``, unless it only informs."""
        if self.policy == "fail" and not informative:
            raise NothingIngestedError(
                detail,
                where=f"{name}:{line}",
                excerpt=excerpt(),
                why=f"{kind}; nothing was ingested (--on-problem fail)",
                hint="leave --on-problem at keep to count it under problems and go on",
            )
        if rejected and self.excerpt is None:
            self.excerpt = excerpt()
        if not rejected:
            self.touch(file_no, kind, lines or [line])
        entry = self.counts.setdefault((file_no, kind, rejected), [0, line, f"{name}:{line}: {detail}"])
        entry[0] = int(entry[0]) + times

    def touch(self, file_no: int, kind: str, lines: Iterable[int]) -> None:
        """Notes the lines; neighbours share a run, so that a problem of every line costs no memory."""
        runs = self.touched.setdefault((file_no, kind), [])
        for line in lines:
            if runs and runs[-1][0] <= line <= runs[-1][1] + 1:
                runs[-1] = (runs[-1][0], max(line, runs[-1][1]))
            else:
                runs.append((line, line))

    def rejected(self, file_no: int) -> int:
        """Records of a file that gave no row."""
        return sum(int(entry[0]) for (file, _, rejected), entry in self.counts.items() if rejected and file == file_no)


class Staging:
    """The rows of one ingest. ``folder`` must exist; the files in it are deleted by :meth:`close`."""

    def __init__(self, store: Store, folder: Path, problems: ProblemLog, secret: bytes) -> None:
        self.store, self.problems, self.secret = store, problems, secret
        self.usage_path, self.billed_path = folder / "usage.parquet", folder / "billed.parquet"
        self._usage_schema = pa.schema([*_ORIGIN, *arrow_schema()])
        self._billed_schema = pa.schema([*_ORIGIN, *billed_schema()])
        self._usage = pq.ParquetWriter(self.usage_path, self._usage_schema, compression="lz4")
        self._billed = pq.ParquetWriter(self.billed_path, self._billed_schema, compression="lz4")
        self.usage_rows = self.billed_rows = 0
        self.present: set[str] = set()
        """Canonical columns that at least one staged row knows."""
        self._pending: dict[bool, list[pa.Table]] = {False: [], True: []}
        self._pending_rows = 0
        self._pending_file = (0, "")

    def add_usage(
        self, table: pa.Table, file_no: int, name: str, lines: Sequence[int] | pa.Array, *, foreign: bool = False
    ) -> None:
        """Stages canonical rows. ``foreign``: the log supplied their keys, which are put under the user's secret."""
        if not len(table):
            return
        if self._pending_file != (file_no, name):
            self._flush()
            self._pending_file = (file_no, name)
        self.present.update(f for f in table.column_names if table[f].null_count < len(table))
        self._pending[foreign].append(self._with_origin(table, file_no, lines, self._usage_schema))
        self._pending_rows += len(table)
        self.usage_rows += len(table)
        if self._pending_rows >= PENDING_ROWS:
            self._flush()

    def _flush(self) -> None:
        """Checks and writes what waits: contradictory counters become unknown and are counted under problems."""
        for foreign, tables in self._pending.items():
            if tables:
                staged = pa.concat_tables(tables).combine_chunks()
                staged = self._rekeyed(staged) if foreign else staged
                checked = self._checked(without_keys(staged, self.secret), *self._pending_file)
                self.usage_rows -= len(staged) - len(checked)
                self._usage.write_table(checked)
        self._pending = {False: [], True: []}
        self._pending_rows = 0

    def _rekeyed(self, table: pa.Table) -> pa.Table:
        for name in ("prompt_key", "response_key", "prefix_keys"):
            if table[name].null_count < len(table):
                column = pa.concat_arrays(table[name].chunks)
                nested = pa.types.is_list(column.type)
                keys = self._hashed(column.flatten() if nested else column)
                column = _relisted(column, keys) if nested else keys
                table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
        return table

    def _hashed(self, keys: pa.Array) -> pa.Array:
        """The keys under the user's secret. Prefixes are shared, so each distinct key is hashed once."""
        coded = keys.dictionary_encode()
        distinct = pa.table({"place": pa.array(range(len(coded.dictionary)), pa.int64()), "k": coded.dictionary})
        self.store.connection.register("_keys", distinct)
        try:
            hashed = self.store.arrow(f"SELECT {rekey_sql('k', self.secret)} AS k FROM _keys ORDER BY place")["k"]
        finally:
            self.store.connection.unregister("_keys")
        return pa.concat_arrays([pa.array([], pa.int64()), *hashed.chunks]).take(coded.indices)

    def add_billed(self, table: pa.Table, file_no: int, lines: Sequence[int]) -> None:
        """Stages billed lines."""
        if len(table):
            lines_of = self._with_origin(table, file_no, lines, self._billed_schema)
            self._billed.write_table(without_keys(lines_of, self.secret))
            self.billed_rows += len(table)

    def finish(self) -> None:
        """Ends writing; the staged files can now be read."""
        self._flush()
        self._usage.close()
        self._billed.close()

    @staticmethod
    def _with_origin(table: pa.Table, file_no: int, lines: Sequence[int] | pa.Array, schema: pa.Schema) -> pa.Table:
        size = len(table)
        columns = {name: table[name] for name in table.column_names}
        columns["file_no"] = pa.repeat(pa.scalar(file_no, pa.int32()), size)
        columns["line"] = lines if isinstance(lines, pa.Array) else pa.array(lines, pa.int64())
        return pa.table([columns.get(f.name, pa.nulls(size, f.type)) for f in schema], schema=schema)

    def _checked(self, staged: pa.Table, file_no: int, name: str) -> pa.Table:
        connection = self.store.connection
        connection.register("_batch", staged)
        try:
            whens = _first_of() if self.problems.policy == "reject" else tuple(c.when for c in CONTRADICTIONS)
            counts = ", ".join(f"count(*) FILTER (WHERE {when})" for when in whens)
            hits = self.store.rows(f"SELECT {counts} FROM _batch")[0]
            found = [rule for rule, number in zip(CONTRADICTIONS, hits, strict=True) if number]
            if not found:
                return staged
            for rule, when, number in zip(CONTRADICTIONS, whens, hits, strict=True):
                if number:
                    self._report(rule, when, number, file_no, name)
            return self._resolved(found)
        finally:
            connection.unregister("_batch")

    def _report(self, rule: Contradiction, when: str, number: int, file_no: int, name: str) -> None:
        shows = ", ".join(rule.shows)
        named = ("request_id", "request_model")
        example = self.store.rows(
            f"SELECT line, {', '.join(named)}, {shows} FROM _batch WHERE {when} ORDER BY line LIMIT 1"
        )
        line, *values = example[0]
        fields = {n: v for n, v in zip((*named, *rule.shows), values, strict=True) if v is not None}
        detail = "  ".join(f"{column} {value}" for column, value in fields.items() if column not in named)
        rejected = self.problems.policy == "reject"
        touched = [] if rejected else self.store.rows(f"SELECT line FROM _batch WHERE {when} ORDER BY line")
        self.problems.add(
            file_no, name, rule.kind, detail, rejected=rejected, line=line, times=number, lines=[n for (n,) in touched],
            excerpt=lambda: excerpt(fields, line),
        )  # fmt: skip

    def _resolved(self, found: Sequence[Contradiction]) -> pa.Table:
        if self.problems.policy == "reject":
            sql = f"SELECT * FROM _batch WHERE NOT ({' OR '.join(f'coalesce({c.when}, false)' for c in found)})"
        else:
            unknown: dict[str, list[str]] = {}
            for rule in found:
                for column in rule.unknown:
                    unknown.setdefault(column, []).append(f"({rule.when})")
            replaced = ", ".join(
                f"CASE WHEN {' OR '.join(conditions)} THEN NULL ELSE {column} END AS {column}"
                for column, conditions in unknown.items()
            )
            sql = f"SELECT * REPLACE ({replaced}) FROM _batch"
        return self.store.arrow(sql).cast(self._usage_schema)


def _relisted(lists: pa.Array, items: pa.Array) -> pa.Array:
    """The lists of ``lists`` around other items."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths.cast(pa.int32()))])
    return pa.ListArray.from_arrays(offsets, items, mask=lists.is_null())


def _first_of() -> tuple[str, ...]:
    """The contradictions' conditions, each without the rows of those before it: a row is rejected once."""
    known = [f"coalesce({rule.when}, false)" for rule in CONTRADICTIONS]
    return tuple(" AND NOT ".join([when, *known[:place]]) for place, when in enumerate(known))
