"""Collects the rows of one ingest in a Parquet file beside the store, checked and ready to be merged.

Only canonical columns are written: the text of prompts and answers never gets here, and raw API keys are hashed first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmcost.config import rekey_secret
from llmcost.content.siphash import rekeyed
from llmcost.errors import NothingIngestedError
from llmcost.ingest.owners import without_keys
from llmcost.records.excerpt import excerpt
from llmcost.usage.arrow import arrow_schema, billed_schema
from llmcost.usage.rules import CONTRADICTIONS, Contradiction
from llmcost.usage.store import Store

OnProblem = Literal["keep", "reject", "fail"]
PENDING_ROWS: Final = 65_536
ROW_GROUP: Final = 122_880
"""Rows of a row group of the engine's tables: a thread that reads such groups fills such groups, and none has to be merged later."""
_COMPARED: Final = sorted(
    {name for rule in CONTRADICTIONS for name in (*rule.unknown, *rule.shows, "request_id", "request_model")}
)
_UNIQUE: Final = frozenset({"request_id", "parent_request_id"})
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

    def forget(self, file_no: int) -> None:
        """Drops what was counted of a file that turned out to be known."""
        self.counts = {place: entry for place, entry in self.counts.items() if place[0] != file_no}
        self.touched = {place: runs for place, runs in self.touched.items() if place[0] != file_no}

    def rejected(self, file_no: int) -> int:
        """Records of a file that gave no row."""
        return sum(int(entry[0]) for (file, _, rejected), entry in self.counts.items() if rejected and file == file_no)


class Staging:
    """The rows of one ingest. ``folder`` must exist; the files in it are deleted by :meth:`close`."""

    def __init__(self, store: Store, folder: Path, problems: ProblemLog, secret: bytes) -> None:
        self.store, self.problems, self.secret = store, problems, secret
        self.billed_path = folder / "billed.parquet"
        self._billed_schema = pa.schema([*_ORIGIN, *billed_schema()])
        self._usage = _Parts(folder)
        self._billed = pq.ParquetWriter(self.billed_path, self._billed_schema, compression="lz4")
        self._usage_rows: Counter[int] = Counter()
        self._billed_rows: Counter[int] = Counter()
        self.present: set[str] = set()
        """Canonical columns that at least one staged row knows."""
        self.prefix_keys = 0
        """How many prefix keys the staged rows hold."""
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
        table = table.select([name for name in table.column_names if table[name].null_count < len(table)])
        self.present.update(table.column_names)
        self._pending[foreign].append(_with_origin(table, file_no, lines))
        self._pending_rows += len(table)
        self._usage_rows[file_no] += len(table)
        if self._pending_rows >= PENDING_ROWS:
            self._flush()

    def _flush(self) -> None:
        """Checks and writes what waits: contradictory counters become unknown and are counted under problems."""
        for foreign, tables in self._pending.items():
            if tables:
                staged = pa.concat_tables(tables, promote_options="default")
                staged = self._rekeyed(staged) if foreign else staged
                checked = self._checked(without_keys(staged, self.secret), *self._pending_file)
                self._usage_rows[self._pending_file[0]] -= len(staged) - len(checked)
                if "prefix_keys" in checked.column_names:
                    self.prefix_keys += pc.sum(pc.list_value_length(checked["prefix_keys"])).as_py() or 0
                self._usage.write(checked)
        self._pending = {False: [], True: []}
        self._pending_rows = 0

    def _rekeyed(self, table: pa.Table) -> pa.Table:
        key = rekey_secret(self.secret)
        for name in ("prompt_key", "response_key", "prefix_keys"):
            if name in table.column_names:
                column = pa.concat_arrays(table[name].chunks)
                nested = pa.types.is_list(column.type)
                keys = _hashed(column.flatten() if nested else column, key)
                column = _relisted(column, keys) if nested else keys
                table = table.set_column(table.column_names.index(name), table.schema.field(name), column)
        return table

    @property
    def usage_rows(self) -> int:
        """Usage rows to be merged."""
        return self._usage_rows.total()

    @property
    def billed_rows(self) -> int:
        """Billed lines to be merged."""
        return self._billed_rows.total()

    def forget(self, file_no: int) -> None:
        """Leaves the rows of a file out: what is not registered as a staged file is not merged."""
        self._flush()
        self._usage_rows[file_no] = self._billed_rows[file_no] = 0

    @property
    def numbered(self) -> int:
        """How many rows got a number ``n``."""
        return self._usage.rows

    @property
    def usage_files(self) -> list[Path]:
        """The Parquet files of the staged usage rows; the number ``n`` of a row is unique through all of them."""
        return self._usage.paths

    def add_billed(self, table: pa.Table, file_no: int, lines: Sequence[int]) -> None:
        """Stages billed lines."""
        if len(table):
            placed = _aligned(_with_origin(table, file_no, lines), self._billed_schema)
            self._billed.write_table(without_keys(placed, self.secret))
            self._billed_rows[file_no] += len(table)

    def finish(self) -> None:
        """Ends writing; the staged files can now be read."""
        self._flush()
        self._usage.close()
        self._billed.close()

    def _checked(self, staged: pa.Table, file_no: int, name: str) -> pa.Table:
        whens = _first_of() if self.problems.policy == "reject" else tuple(c.when for c in CONTRADICTIONS)
        counts = ", ".join(f"count(*) FILTER (WHERE {when}) AS c{place}" for place, when in enumerate(whens))
        hits = _asked(self.store, staged, f"SELECT {counts}").to_pylist()[0].values()
        found = [rule for rule, number in zip(CONTRADICTIONS, hits, strict=True) if number]
        if not found:
            return staged
        for rule, when, number in zip(CONTRADICTIONS, whens, hits, strict=True):
            if number:
                self._report(staged, rule, when, number, file_no, name)
        return self._resolved(found, staged)

    def _report(self, staged: pa.Table, rule: Contradiction, when: str, number: int, file_no: int, name: str) -> None:
        named = ("request_id", "request_model")
        shows = ", ".join(dict.fromkeys((*named, *rule.shows)))
        where = f"WHERE {when} ORDER BY line"
        values = _asked(self.store, staged, f"SELECT line, {shows}", f"{where} LIMIT 1").to_pylist()[0]
        line = values.pop("line")
        fields = {n: v for n, v in values.items() if v is not None}
        detail = "  ".join(f"{column} {value}" for column, value in fields.items() if column not in named)
        rejected = self.problems.policy == "reject"
        touched = [] if rejected else _asked(self.store, staged, "SELECT line", where)["line"].to_pylist()
        self.problems.add(
            file_no, name, rule.kind, detail, rejected=rejected, line=line, times=number, lines=touched,
            excerpt=lambda: excerpt(fields, line),
        )  # fmt: skip

    def _resolved(self, found: Sequence[Contradiction], staged: pa.Table) -> pa.Table:
        unknown: dict[str, list[str]] = {}
        where = ""
        if self.problems.policy == "reject":
            where = f"WHERE NOT ({' OR '.join(f'coalesce({c.when}, false)' for c in found)})"
        else:
            for rule in found:
                for column in rule.unknown:
                    unknown.setdefault(column, []).append(f"({rule.when})")
        columns = ", ".join(
            f"CASE WHEN {' OR '.join(unknown[name])} THEN NULL ELSE {name} END AS {name}"
            if name in unknown
            else f'"{name}"'
            for name in staged.column_names
        )
        return _asked(self.store, staged, f"SELECT {columns}", where).cast(staged.schema)


def _asked(store: Store, staged: pa.Table, select: str, rest: str = "") -> pa.Table:
    """A query over staged rows, in which columns that a contradiction compares are there, if unknown."""
    absent = "".join(f", NULL::BIGINT AS {name}" for name in _COMPARED if name not in staged.column_names)
    return store.look(staged, f"{select} FROM (SELECT *{absent} FROM data) {rest}")


class _Parts:
    """Parquet files of the columns that are known so far; a new column begins a new file."""

    def __init__(self, folder: Path) -> None:
        self.paths: list[Path] = []
        self._folder, self._columns, self.rows = folder, set[str](), 0
        self._writer: pq.ParquetWriter | None = None
        self._schema = pa.schema([])
        self._waiting: list[pa.Table] = []

    def write(self, table: pa.Table) -> None:
        """Writes rows, and numbers them."""
        if self._writer is None or not self._columns.issuperset(table.column_names):
            self._begin(table.column_names)
        numbers = np.arange(self.rows, self.rows + len(table), dtype=np.int64)
        self.rows += len(table)
        self._waiting.append(_aligned(table.append_column("n", pa.array(numbers)), self._schema))
        if sum(map(len, self._waiting)) >= ROW_GROUP:
            self._write(last=False)

    def _write(self, *, last: bool) -> None:
        """Writes what waits in whole row groups, at the end also what is left."""
        whole = pa.concat_tables(self._waiting) if self._waiting else self._schema.empty_table()
        size = len(whole) if last else len(whole) - len(whole) % ROW_GROUP
        if self._writer is not None and size:
            self._writer.write_table(whole.slice(0, size), row_group_size=ROW_GROUP)
        self._waiting = [whole.slice(size)] if size < len(whole) else []

    def _begin(self, names: Sequence[str]) -> None:
        self.close()
        self._columns.update(names)
        known = [field for field in arrow_schema() if field.name in self._columns]
        self._schema = pa.schema([pa.field("n", pa.int64()), *_ORIGIN, *known])
        repeating = [f.name for f in known if pa.types.is_string(f.type) and f.name not in _UNIQUE]
        self.paths.append(self._folder / f"usage-{len(self.paths)}.parquet")
        self._writer = pq.ParquetWriter(
            self.paths[-1], self._schema, compression="lz4", use_dictionary=repeating, write_statistics=False
        )

    def close(self) -> None:
        """Ends the file that is open."""
        self._write(last=True)
        if self._writer is not None:
            self._writer.close()
        self._writer = None


def _with_origin(table: pa.Table, file_no: int, lines: Sequence[int] | pa.Array) -> pa.Table:
    columns = {name: table[name] for name in table.column_names}
    columns["file_no"] = pa.repeat(pa.scalar(file_no, pa.int32()), len(table))
    columns["line"] = lines if isinstance(lines, pa.Array) else pa.array(lines, pa.int64())
    return pa.table(columns)


def _aligned(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table under the schema, with nulls for the columns that it lacks."""
    given = set(table.column_names)
    return pa.table([table[f.name] if f.name in given else pa.nulls(len(table), f.type) for f in schema], schema=schema)


def _hashed(keys: pa.Array, key: bytes) -> pa.Array:
    hashed = rekeyed(keys.fill_null(0).to_numpy(zero_copy_only=False), key)
    return pa.array(hashed, mask=keys.is_null().to_numpy(zero_copy_only=False) if keys.null_count else None)


def _relisted(lists: pa.Array, items: pa.Array) -> pa.Array:
    """The lists of ``lists`` around other items."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths.cast(pa.int32()))])
    return pa.ListArray.from_arrays(offsets, items, mask=lists.is_null())


def _first_of() -> tuple[str, ...]:
    """The contradictions' conditions, each without the rows of those before it: a row is rejected once."""
    known = [f"coalesce({rule.when}, false)" for rule in CONTRADICTIONS]
    return tuple(" AND NOT ".join([when, *known[:place]]) for place, when in enumerate(known))
