"""The store: a DuckDB file with the usage, billed, file and problem tables. The only module that opens DuckDB.

Every connection turns extension auto-install and auto-load off, so nothing here ever opens a socket.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import duckdb
import pyarrow as pa

from llmcost.config import default_memory_limit
from llmcost.errors import LlmcostError, StoreBusyError, UsageError
from llmcost.usage.ddl import CREATE, SCHEMA_VERSION, USAGE_TYPES, usage_view
from llmcost.usage.scratch import Scratch

MEMORY: Final = "70%"
"""Of the memory there is, before queries spill."""
_LOADING: Final = 1_000_000_000
"""Bytes for an ingest: sorting and joining what is larger than that goes through the disk, at hardly another speed."""
_OFFLINE: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


class Store:
    """One open store. ``path`` None is a temporary one that is gone when it is closed.

    ``memory_limit`` is DuckDB's (``4GB``, ``70%`` ..); beyond it queries spill to a folder beside the store.
    Raises StoreBusyError while another process writes, UsageError for a file that is no store of ours.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        read_only: bool = False,
        memory_limit: str = MEMORY,
        threads: int | None = None,
    ) -> None:
        self.path = path
        self._memory_limit = memory_limit
        fresh = path is None or not path.exists()
        if read_only and fresh:
            raise UsageError(f"there is no store at {path}", hint="llmcost ingest PATH... makes one; or give --store")
        if path is not None and not fresh and not is_database(path):
            raise _foreign(path)
        # A writer is alone with its store, and its folder needs no name of its own.
        self._scratch = None if path is not None and not read_only else _scratch_of(path)
        self.spill = spill = self._scratch.path if self._scratch else Path(f"{path}.spill")
        """Where queries spill and an ingest keeps what it has read so far."""
        config: dict[str, str | bool | int | float | list[str]] = {
            **_OFFLINE,
            "memory_limit": memory_limit,
            "temp_directory": str(spill),
            "preserve_insertion_order": "false",
        }
        if threads:
            config["threads"] = str(threads)
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(
                f"{path} cannot be a store: there is no folder {str(path.parent)!r}",
                hint="make it first, or give another --store",
            )
        if path is not None and not read_only and not os.access(path.absolute().parent, os.W_OK):
            raise _unwritable(path)
        try:
            # A temporary store is a file too: it may be larger than memory.
            self.connection = duckdb.connect(
                str(path or (spill / "temporary.duckdb")), read_only=read_only, config=config
            )
        except (duckdb.IOException, duckdb.ConnectionException, duckdb.Error) as error:
            if self._scratch:
                self._scratch.remove()
            raise _open_error(path, error) from error
        if self._scratch is None:
            shutil.rmtree(spill, ignore_errors=True)  # left by a writer that was killed
        # Ibis 12 writes lambdas with an arrow, which DuckDB 2 only reads when told so.
        try:
            self.connection.execute("SET lambda_syntax = 'ENABLE_SINGLE_ARROW'")
            # Small chunks behind a join are gathered by the dictionaries of their columns, and DuckDB 2.0.0 fails when a
            # join in between gives another one ("global dictionary column changed identity", its pull requests 23360 and 23447).
            self.connection.execute("SET enable_caching_operators = false")
            if path is None:  # it is deleted next
                self.connection.execute("PRAGMA disable_checkpoint_on_shutdown")
            self._prepare(fresh, read_only=read_only)
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            self.close()
            raise _resources(error, self.path) from error

    def _prepare(self, fresh: bool, *, read_only: bool) -> None:
        if fresh:
            with self.transaction():
                for statement in CREATE:
                    self.connection.execute(statement)
                self.connection.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
            return
        try:
            row = self.value("SELECT value FROM meta WHERE key = 'schema_version'")
        except duckdb.Error as error:
            self.close()
            raise UsageError(f"{self.path} is a DuckDB file, but not a store of llmcost") from error
        if row is None and not read_only:
            self.close()
            raise UsageError(f"{self.path} is not a finished store of llmcost", hint="delete it and ingest again")
        if row is None or int(row) != SCHEMA_VERSION:
            self.close()
            raise UsageError(
                f"{self.path} has store version {row or 'unknown'}, this llmcost writes {SCHEMA_VERSION}",
                hint="ingest the logs into a new store",
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: an exception or a kill leaves the store as it was."""
        self.connection.execute("BEGIN TRANSACTION")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        try:
            self.connection.execute("COMMIT")
        except duckdb.Error as error:
            if is_full(error):
                raise _resources(error, self.path) from error
            raise LlmcostError(f"the store could not be written: {error}") from error

    @contextmanager
    def loading(self) -> Iterator[None]:
        """While much is written: unless the user gave a limit, memory stays small however much there is, by spilling sooner."""
        if self._memory_limit not in {MEMORY, f"{default_memory_limit()}B"}:
            yield
            return
        self.connection.execute(f"SET memory_limit = '{min(_LOADING, default_memory_limit())}B'")
        self.connection.execute("SET write_buffer_row_group_count = 1")
        try:
            yield
        finally:
            self.connection.execute(f"SET memory_limit = '{self._memory_limit}'")
            self.connection.execute("RESET write_buffer_row_group_count")

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Runs a statement of ours; values come as parameters, never inside ``sql``."""
        self.connection.execute(sql, list(parameters))

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The result of a query as tuples."""
        return self.connection.execute(sql, list(parameters)).fetchall()

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first value of the first row, None without rows."""
        # An unfinished result would block the connection, so everything is fetched.
        found = self.connection.execute(sql, list(parameters)).fetchall()
        return found[0][0] if found else None

    def arrow(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of a query as an Arrow table."""
        return self.connection.sql(sql, params=list(parameters)).to_arrow_table()

    def batches(self, sql: str, size: int = 1_000_000) -> pa.RecordBatchReader:
        """The result of a query as a stream of Arrow batches."""
        return self.connection.sql(sql).to_arrow_reader(size)

    def widen(self, names: Iterable[str]) -> None:
        """Makes room in ``usage_rows`` for columns of usage that no row had so far."""
        # Of the engine's own tables `duckdb_columns` would make a list first, which takes longer than all else here.
        stored = {row[0] for row in self.rows("SELECT name FROM pragma_table_info('usage_rows')")}
        asked = set(names) - stored
        wanted = [name for name in USAGE_TYPES if name in asked]
        for name in wanted:
            self.execute(f'ALTER TABLE usage_rows ADD COLUMN "{name}" {USAGE_TYPES[name]}')
        if wanted:
            self.execute(usage_view(stored | set(wanted)))

    def append(self, table: str, data: pa.Table) -> None:
        """Appends an Arrow table by column name."""
        columns = ", ".join(f'"{name}"' for name in data.column_names)
        # The engine finds `data` by itself. Registered, it would be held until the transaction ends.
        self.connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM data")

    def look(self, data: pa.Table, sql: str) -> pa.Table:  # noqa: ARG002 - the engine finds `data` by its name
        """The result of a query over an Arrow table, which it calls ``data``; outside of any transaction, and nothing is kept of it."""
        with self.connection.cursor() as beside:
            return beside.sql(sql).to_arrow_table()

    def register(self, name: str, data: pa.Table | pa.RecordBatchReader) -> None:
        """Makes Arrow data visible to queries under ``name`` (a temporary table: it survives many scans)."""
        self.connection.register("_registered", data)
        try:
            self.connection.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS SELECT * FROM _registered')
        finally:
            self.connection.unregister("_registered")

    def drop_temporary(self, names: Iterable[str]) -> None:
        """Drops temporary views and tables, the dependent ones first."""
        views = {row[0] for row in self.rows("SELECT view_name FROM duckdb_views() WHERE temporary")}
        for name in names:
            self.execute(f'DROP {"VIEW" if name in views else "TABLE"} IF EXISTS "{name}"')

    def close(self) -> None:
        """Closes the connection; a temporary store is deleted."""
        self.connection.close()
        self._clean()

    def _clean(self) -> None:
        if self._scratch:
            self._scratch.remove()
        else:
            shutil.rmtree(self.spill, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, duckdb.OutOfMemoryException | duckdb.IOException) or (
            error is not None and is_full(error)
        ):
            raise _resources(error, self.path) from error
        if isinstance(error, duckdb.InterruptException):
            raise KeyboardInterrupt from error


_apart: Final = threading.local()


def of_json(lines: pa.StringArray, types: Mapping[str, str], *, every_key: bool) -> pa.Table | None:
    """Columns of one JSON object a line, read in this thread beside any store; None when a value does not fit its type.

    ``every_key``: None too when an object lacks a key or has one twice; else the first of two counts. Names and types are ours.
    """
    if not hasattr(_apart, "connection"):
        _apart.connection = duckdb.connect(config={**_OFFLINE, "threads": "1", "memory_limit": "512MB"})
    data = pa.table({"line": lines})  # noqa: F841 - the engine finds it by its name
    read = "from_json_strict" if every_key else "from_json"
    shape = "{" + ", ".join(f'"{name}": "{kind}"' for name, kind in types.items()) + "}"
    try:
        found: pa.Table = _apart.connection.sql(f"SELECT unnest({read}(line, '{shape}')) FROM data").to_arrow_table()
    except duckdb.Error:
        return None
    return found


def is_database(path: Path) -> bool:
    """Whether a file is a DuckDB database (or empty): ``DUCK`` stands behind an 8-byte checksum.

    https://duckdb.org/docs/stable/internals/storage, read 2026-11-23. DuckDB opens logs and tables too, which no store is.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(12)
    return head[8:] == b"DUCK" or not head


def _scratch_of(path: Path | None) -> Scratch:
    """A folder of this process: for a temporary store and all of its data, or for one of the readers of a store."""
    temporary = Path(tempfile.gettempdir())
    if path is None:
        return Scratch(temporary, "llmcost-")
    home = path.absolute().parent
    return Scratch.shared(home if os.access(home, os.W_OK) else temporary, f"{path.name}.spill-")


def _foreign(path: Path) -> UsageError:
    return UsageError(f"{path} cannot be opened as a store: it is no DuckDB file", hint="give another --store")


def is_full(error: BaseException) -> bool:
    """Whether a disk had no room left, for us, for Arrow or for the engine."""
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    return isinstance(error, OSError | duckdb.Error) and any(
        words in str(error) for words in ("No space left on device", "Disk quota exceeded")
    )


def _resources(error: BaseException, path: Path | None) -> LlmcostError:
    """Memory or disk that ran out is no bug."""
    why = "the store was left as it was"
    if is_full(error):
        return LlmcostError(
            "the disk is full",
            where=str(path) if path is not None else tempfile.gettempdir(),
            why=why,
            hint="free some space, or name another disk: --store for the store, TMPDIR for a temporary one",
        )
    hint = "a larger --memory-limit may help" if isinstance(error, duckdb.OutOfMemoryException) else None
    return LlmcostError(str(error).splitlines()[0], why=why, hint=hint)


def _open_error(path: Path | None, error: Exception) -> LlmcostError:
    message = str(error)
    if "lock on file" in message:
        return StoreBusyError(
            f"another process is using the store {path}",
            why="many may read it at once, but while one writes it is that one's alone",
            hint="wait for it to end, or give another --store",
        )
    if "different configuration" in message:
        return StoreBusyError(
            f"this process has the store {path} open already, in another way",
            hint="close it first, or hand over the open Store instead of its path",
        )
    if "Permission denied" in message and path is not None:
        return (
            _unwritable(path)
            if os.access(path, os.R_OK)
            else UsageError(f"the store {path} cannot be read: permission denied", hint="give another --store")
        )
    return UsageError(f"{path} cannot be opened as a store: {message.splitlines()[0]}", hint="give another --store")


def _unwritable(path: Path) -> UsageError:
    return UsageError(
        f"the store {path} cannot be written: permission denied",
        why="an ingest writes the file and, until it has ended, others beside it",
        hint="give another --store; to be read, this one needs no such right",
    )
