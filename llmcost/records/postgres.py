"""Reads a table of a PostgreSQL database in chunks, through ADBC: the bytes' door for logs that lie in a database.

Nothing here opens a socket unless the user names a database. Transactions are read-only, one a chunk, so a long read holds
no old snapshot; a chunk is the rows behind the last (time, id) in their order, which an index of LiteLLM's table serves
(litellm 1.109.1 ``proxy/schema.prisma``, 2026-11-24). Passwords are never part of a label, an error or the store.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from llmcost.errors import DatabaseError, UsageError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

_SCHEMES: Final = ("postgresql://", "postgres://")
_ENV: Final = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)$")
_OWN: Final = frozenset({"table", "schema", "overlap"})
_PRISMA: Final = frozenset({
    "connection_limit", "pool_timeout", "pgbouncer", "sslaccept", "sslidentity", "sslcert_password", "socket_timeout", "statement_cache_size",
})  # fmt: skip
"""Parameters of Prisma, LiteLLM's database layer, in its DATABASE_URL: the driver would refuse them
(https://www.prisma.io/docs/orm/overview/databases/postgresql, from memory, 2026-11)."""
_TABLE: Final = "LiteLLM_SpendLogs"
_TIME: Final = "startTime"
_ID: Final = "request_id"
_OVERLAP: Final = re.compile(r"(\d{1,6})\s*(s|m|h|d)?$")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PLAIN: Final = re.compile(
    r"(text|character varying|boolean|integer|bigint|smallint|real|double precision|timestamp).*", re.DOTALL
)
FIRST_ROWS: Final = 5_000
MOST_ROWS: Final = 50_000
FEWEST_ROWS: Final = 500
CHUNK_BYTES: Final = 64 * 1024 * 1024
"""What a chunk may hold in memory: logged prompts make rows wide, so the number of rows follows their size."""


@dataclass(frozen=True)
class Database:
    """Where to read: ``uri`` is for the driver alone; ``label`` is what may be shown and remembered."""

    label: str
    table: str
    overlap: timedelta
    uri: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False, default=())

    @property
    def name(self) -> str:
        """The table in its database, for people."""
        return f"{self.label} {self.table}"


@dataclass(frozen=True, order=True)
class Mark:
    """The place of a row in the order of reading: its time, as UTC text, and its id."""

    started_at: str
    request_id: str


@dataclass(frozen=True)
class Chunk:
    """Rows in their order, the place of the last one, and the place up to which a later read may skip."""

    rows: pa.Table
    last: Mark
    keep: Mark

    def parquet(self) -> io.BytesIO:
        """The rows as a file in memory, so that they are read like any file's."""
        from pyarrow import parquet as pq

        held = io.BytesIO()
        pq.write_table(self.rows, held, compression="none")
        held.seek(0)
        return held


def is_database(path: str) -> bool:
    """Whether a path names a database: a connection string, or ``env:NAME`` of a variable that holds one."""
    return path.startswith(_SCHEMES) or _ENV.match(path) is not None


def shown(path: str) -> str:
    """A path as it may be printed: of a connection string nothing but host and database."""
    return database(path).name if is_database(path) else path


def database(path: str) -> Database:
    """The database that a path names; UsageError for one that cannot be right, without quoting it."""
    named = _ENV.match(path)
    text = os.environ.get(named[1], "") if named else path
    if named and not text:
        raise UsageError(
            f"the environment variable {named[1]} is not set", hint="it holds postgresql://user@host/database"
        )
    if not text.startswith(_SCHEMES):
        raise UsageError(
            f"the environment variable {named[1] if named else '?'} holds no postgresql:// connection string",
            why="its value is not shown, it may hold a password",
        )
    try:
        split = urlsplit(text)
        given = parse_qsl(split.query, keep_blank_values=True)
        host, port = split.hostname or "", split.port
    except ValueError as error:
        raise UsageError("the connection string cannot be read", hint="postgresql://user@host:5432/database") from error
    own = {name: value for name, value in given if name in _OWN}
    passed = [(name, value) for name, value in given if name not in _OWN | _PRISMA]
    return Database(
        label=_label(split, host, port, dict(passed)),
        table=_quoted(own.get("schema"), own.get("table") or _TABLE),
        overlap=_overlap(own.get("overlap", "1h")),
        uri=urlunsplit(split._replace(query=urlencode([*passed, *_named(passed)]))),
        secrets=_secrets(split, dict(passed)),
    )


def _named(passed: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [] if any(name == "application_name" for name, _ in passed) else [("application_name", "llmcost")]


def _label(split: SplitResult, host: str, port: int | None, passed: dict[str, str]) -> str:
    place = passed.get("host") or host or "localhost"
    number = passed.get("port") or port
    return f"postgresql://{place}{f':{number}' if number else ''}/{unquote(split.path.lstrip('/')) or passed.get('dbname', '')}"


def _secrets(split: SplitResult, passed: dict[str, str]) -> tuple[str, ...]:
    raw = [split.password or "", passed.get("password", ""), passed.get("sslpassword", "")]
    return tuple(dict.fromkeys(form for secret in raw if secret for form in (secret, unquote(secret))))


def _quoted(schema: str | None, table: str) -> str:
    """The table as an SQL name. ``schema.table`` may be one word; a name with a dot of its own needs ``schema``."""
    if schema is None and "." in table:
        schema, _, table = table.partition(".")
    names = [name for name in (schema, table) if name]
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def _overlap(text: str) -> timedelta:
    match = _OVERLAP.match(text.strip())
    if match is None:
        raise UsageError(
            f"overlap={text[:20]} is no length of time", hint="overlap=30m, 1h or 2d; rows that late are read again"
        )
    return timedelta(seconds=int(match[1]) * _UNITS[match[2] or "s"])


class Session:
    """One connection that reads one table. Use as a context manager."""

    def __init__(self, target: Database) -> None:
        self._target = target
        driver = _driver()
        self._errors: tuple[type[Exception], ...] = (driver.Error,)
        try:
            self._connection = driver.connect(target.uri)
            self._run("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
        except driver.Error as error:
            raise _refused(target, error) from None  # the driver's own words may hold a password

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._connection.close()
        except self._errors:  # a broken connection cannot be closed either
            return

    def chunks(self, after: Mark | None) -> Iterator[Chunk]:
        """The rows behind ``after`` in the order of time and id; DatabaseError when the connection breaks."""
        columns = self._columns()
        size, place = FIRST_ROWS, after
        while True:
            try:
                rows = self._next(columns, place, size)
                now = str(self._run("SELECT (now() AT TIME ZONE 'utc')::timestamp(6)::text")[0][0])
            except self._errors as error:
                raise _broken(self._target, error) from None
            if not len(rows):
                return
            place = Mark(_text(rows[_TIME][-1].as_py()), str(rows[_ID][-1].as_py()))
            # A clock that ran ahead must not hide what is written from now on.
            yield Chunk(rows, place, place if place.started_at <= now else Mark(now, ""))
            if len(rows) < size:
                return
            size = max(FEWEST_ROWS, min(MOST_ROWS, CHUNK_BYTES * len(rows) // max(rows.nbytes, 1)))

    def _next(self, columns: Sequence[str], place: Mark | None, size: int) -> pa.Table:
        behind = f'WHERE ("{_TIME}", "{_ID}") > ($1::timestamp, $2::text) ' if place else ""
        limit = f'ORDER BY "{_TIME}", "{_ID}" LIMIT {int(size)}'
        # Names come from the catalogue.
        sql = f"SELECT {', '.join(columns)} FROM {self._target.table} {behind}{limit}"  # noqa: S608 - names are quoted, values are parameters
        with self._connection.cursor() as cursor:
            cursor.execute(sql, (place.started_at, place.request_id) if place else None)
            rows: pa.Table = cursor.fetch_arrow_table()
        self._connection.commit()
        return rows

    def _columns(self) -> list[str]:
        """The table's columns as the query names them: what is no plain value comes as JSON text."""
        sql = (
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute "
            "WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        try:
            found = self._run(sql, (self._target.table,))
            if not found:
                raise self._missing()
        except self._errors as error:
            raise _broken(self._target, error) from None
        names = [str(name) for name, _ in found]
        absent = [name for name in (_TIME, _ID) if name not in names]
        if absent:
            raise UsageError(
                f"{self._target.table} has no column {absent[0]}",
                where=self._target.label,
                why="rows are read in the order of startTime and request_id, as LiteLLM's spend logs have them",
                hint=nearest(absent[0], names),
            )
        return [_column(str(name), str(kind)) for name, kind in found]

    def _missing(self) -> UsageError:
        tables = self._run(
            "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        )
        names = [str(name) for (name,) in tables]
        return UsageError(
            f"there is no table {self._target.table}",
            where=self._target.label,
            why=None if names else "this user sees no table at all",
            hint=f"{nearest(self._target.table.strip(chr(34)), names)}; name another with ?table=NAME"
            if names
            else "another database or user?",
        )

    def _run(self, sql: str, values: tuple[Any, ...] | None = None) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, values)
            found: list[Any] = cursor.fetchall() if sql.startswith("SELECT") else []
        self._connection.commit()
        return found


def _column(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    if kind.startswith("timestamp") and "with time zone" in kind:
        return f"{quoted} AT TIME ZONE 'utc' AS {quoted}" if name == _TIME else quoted
    if _PLAIN.fullmatch(kind) and not kind.endswith("[]"):
        return quoted
    if kind in {"json", "jsonb"} or kind.startswith(("numeric", "uuid")):
        return f"{quoted}::text AS {quoted}"
    return f"to_jsonb({quoted})::text AS {quoted}"


def _text(value: datetime) -> str:
    """A time as the database writes it; LiteLLM's have no zone and are UTC."""
    moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    return moment.isoformat(sep=" ", timespec="microseconds")


def earlier(mark: Mark, by: timedelta) -> Mark:
    """The place ``by`` before a mark: rows that late are read again."""
    if not by:
        return mark
    return replace(mark, started_at=_text(datetime.fromisoformat(mark.started_at) - by), request_id="")


def _driver() -> Any:
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError as error:
        raise UsageError(
            "reading PostgreSQL needs the package adbc-driver-postgresql",
            why="it is an optional extra, because most logs are files",
            hint="pip install 'llmcost-cli[postgres]'",
        ) from error
    return dbapi


def _said(target: Database, error: Exception) -> str:
    """The driver's message in one line, with secrets masked."""
    text = str(error).replace("[libpq]", " ")
    for secret in target.secrets:
        text = text.replace(secret, "***")
    text = re.sub(r"(percent-encoded token|query parameter): \".*?\"", r"\1", text)
    return re.sub(r"\s+", " ", re.sub(r"^[A-Z_]+: ", "", text)).strip()[:300]


def _refused(target: Database, error: Exception) -> DatabaseError:
    return DatabaseError(
        "the database cannot be reached",
        where=target.label,
        why=_said(target, error),
        hint="the password may also stand in PGPASSWORD or ~/.pgpass, or the whole string in a variable: env:DATABASE_URL",
    )


def _broken(target: Database, error: Exception) -> DatabaseError:
    return DatabaseError(
        "the database broke off",
        where=target.label,
        excerpt=_said(target, error),
        why="what was read before is in the store, chunk by chunk",
        hint="run the same command again: it goes on where it stopped",
    )
