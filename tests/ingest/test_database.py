"""LiteLLM's table read out of a real PostgreSQL: all of it once, what is new later, and nothing lost when it breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.errors import DatabaseError, NothingIngestedError, UsageError
from llmcost.ingest import database as looped
from llmcost.ingest.run import IngestOptions, ingest
from llmcost.records import postgres
from llmcost.records.postgres import database, shown
from llmcost.usage.store import Store
from tests.postgres import PASSWORD, ROWS, Server, server


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with server() as found:
        yield found


@pytest.fixture
def table(running: Server) -> Server:
    """The server with an empty table."""
    running.sql('TRUNCATE "LiteLLM_SpendLogs"')
    return running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s.duckdb") as opened:
        yield opened


def _fill(table: Server, first: int, last: int) -> None:
    table.sql(ROWS.format(first=first, last=last))


def _sums(store: Store) -> tuple[Any, ...]:
    return store.rows(
        "SELECT count(*), sum(requests), sum(input_tokens), sum(cache_read_input_tokens), sum(output_tokens), sum(billed_cost), count(DISTINCT request_id) FROM usage"
    )[0]


def test_a_hundred_thousand_rows_and_then_only_what_is_new(table: Server, store: Store) -> None:
    _fill(table, 1, 100_000)
    uri = table.uri(PASSWORD)
    first = ingest(store, [uri])
    assert (first.read, first.ingested, first.duplicates) == (100_000, 100_000, 0)
    numbers = range(1, 100_001)
    assert _sums(store) == (
        100_000, 100_000, sum(100 + g % 50 for g in numbers), sum(g % 50 for g in numbers), 1_000_000, Decimal(sum(g % 100 for g in numbers)) / 10**6, 100_000,
    )  # fmt: skip
    assert store.value("SELECT count(*) FROM files") > 1, "read in chunks"
    _fill(table, 100_001, 100_400)
    second = ingest(store, [uri])
    hour = 4 * 3600 + 1  # both ends are read
    assert (second.ingested, second.duplicates) == (400, hour), "what is new, and an hour once more for late rows"
    assert _sums(store)[0] == 100_400
    third = ingest(store, [table.uri(PASSWORD, overlap="10s")])
    assert (third.ingested, third.duplicates) == (0, 41)


def test_a_row_that_comes_late_is_read_by_the_overlap(table: Server, store: Store) -> None:
    _fill(table, 1, 100)
    ingest(store, [table.uri(PASSWORD)])
    _fill(table, 1_000_000, 1_000_000)
    ingest(store, [table.uri(PASSWORD)])
    table.sql(
        """UPDATE "LiteLLM_SpendLogs" SET request_id = 'late', "startTime" = "startTime" - interval '30 minutes' WHERE request_id = 'chatcmpl-' || md5('1000000')"""
    )
    table.sql(ROWS.format(first=1_000_000, last=1_000_000))
    assert ingest(store, [table.uri(PASSWORD)]).ingested == 1
    assert store.value("SELECT count(*) FROM usage WHERE request_id = 'late'") == 1


def test_a_clock_that_ran_ahead_hides_nothing(table: Server, store: Store) -> None:
    _fill(table, 1, 10)
    table.sql(
        """UPDATE "LiteLLM_SpendLogs" SET "startTime" = '2099-01-01' WHERE request_id = 'chatcmpl-' || md5('10')"""
    )
    ingest(store, [table.uri(PASSWORD)])
    table.sql(ROWS.replace("timestamp '2026-03-01'", "(now() AT TIME ZONE 'utc')").format(first=11, last=15))
    assert ingest(store, [table.uri(PASSWORD)]).ingested == 5


def test_it_reads_what_an_export_of_the_table_says(table: Server, store: Store, tmp_path: Path) -> None:
    _fill(table, 1, 50)
    table.sql("""UPDATE "LiteLLM_SpendLogs" SET status = 'failure', spend = 0, metadata = '{"usage_object": null}', prompt_tokens = 0, completion_tokens = 0,
      total_tokens = 0 WHERE request_id = 'chatcmpl-' || md5('7')""")
    export = tmp_path / "export.csv"
    export.write_text(table.sql('COPY "LiteLLM_SpendLogs" TO STDOUT (FORMAT csv, HEADER)') + "\n", encoding="utf-8")
    ingest(store, [table.uri(PASSWORD)])
    before = _sums(store)
    again = ingest(store, [str(export)])
    assert (again.ingested, again.duplicates, again.superseded) == (0, 50, 0)
    assert _sums(store) == before


def test_a_server_that_goes_in_the_middle_leaves_whole_chunks_and_is_gone_on_with(
    table: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(table, 1, 12_000)
    monkeypatch.setattr(postgres, "MOST_ROWS", 1_000)
    chunks = looped._file
    seen = []

    def stopping(target: Any, chunk: Any) -> Any:
        seen.append(len(chunk.rows))
        if len(seen) == 3:
            table.control("-m", "immediate", "stop")
        return chunks(target, chunk)

    monkeypatch.setattr(looped, "_file", stopping)
    with pytest.raises(DatabaseError, match="broke off") as told:
        ingest(store, [table.uri(PASSWORD)])
    table.control("start")
    assert "goes on where it stopped" in str(told.value)
    assert PASSWORD not in str(told.value)
    assert _sums(store)[0] == sum(seen) == 7_000
    rest = ingest(store, [table.uri(PASSWORD, overlap="0s")])
    assert (rest.read, rest.ingested) == (5_000, 5_000)
    assert _sums(store)[0] == 12_000


def test_a_kill_leaves_the_store_at_the_last_whole_chunk(
    table: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(table, 1, 8_000)
    monkeypatch.setattr(postgres, "MOST_ROWS", 1_000)
    path = tmp_path / "killed.duckdb"

    def dying(store: Store, target: Any, source: str, mark: Any) -> Any:
        keep = kept(store, target, source, mark)
        return keep if store.value("SELECT count(*) FROM usage") < 5_000 else _die

    kept = looped._keeper
    monkeypatch.setattr(looped, "_keeper", dying)
    with Store(path) as opened, pytest.raises(KeyboardInterrupt):
        ingest(opened, [table.uri(PASSWORD)])
    monkeypatch.setattr(looped, "_keeper", kept)
    with Store(path) as opened:
        assert _sums(opened)[0] == 5_000
        assert ingest(opened, [table.uri(PASSWORD, overlap="0s")]).ingested == 3_000


def _die() -> None:
    raise KeyboardInterrupt


def test_passwords_are_neither_stored_nor_shown(table: Server, tmp_path: Path) -> None:
    _fill(table, 1, 10)
    path = tmp_path / "s.duckdb"
    with Store(path) as opened:
        summary = ingest(opened, [table.uri(PASSWORD)])
        assert [file.name for file in summary.files] == [f'{table.label} "LiteLLM_SpendLogs"']
        note = json.loads(opened.value("SELECT value FROM meta WHERE key LIKE 'read %'"))
        assert note["table"] == summary.files[0].name
    data = path.read_bytes()
    assert PASSWORD.encode() not in data
    assert b"s3cr" not in data


def test_a_wrong_password_and_a_server_that_is_not_there(table: Server, store: Store) -> None:
    with pytest.raises(DatabaseError, match="cannot be reached") as told:
        ingest(store, [table.uri("wr0ng-pass")])
    assert "password authentication failed" in str(told.value)
    assert "wr0ng" not in str(told.value)
    for uri in (
        "postgresql://u:s3cret@127.0.0.1:1/x?connect_timeout=2",
        "postgresql://u:s3%zzcret@127.0.0.1:1/x",
        "postgresql://u:s3cret@127.0.0.1:1/x?nonsense=s3cret",
    ):
        with pytest.raises(DatabaseError) as told:
            ingest(store, [uri])
        assert "cret" not in str(told.value)
    assert _sums(store)[0] == 0


def test_what_is_not_there_gets_the_nearest(table: Server, store: Store) -> None:
    with pytest.raises(UsageError, match="did you mean 'LiteLLM_SpendLogs'"):
        ingest(store, [table.uri(PASSWORD, table="LiteLLM_SpendLog")])
    table.sql("CREATE TABLE IF NOT EXISTS other (id int); GRANT SELECT ON other TO reader")
    with pytest.raises(UsageError, match="has no column startTime"):
        ingest(store, [table.uri(PASSWORD, table="other")])
    with pytest.raises(DatabaseError, match="cannot be reached"):
        ingest(store, [table.uri(PASSWORD, database="nothing")])
    with pytest.raises(NothingIngestedError, match="no rows"):
        ingest(store, [table.uri(PASSWORD)])


def test_a_name_that_would_be_sql_is_a_name(table: Server, store: Store) -> None:
    _fill(table, 1, 5)
    hostile = 'x" ; DROP TABLE "LiteLLM_SpendLogs" ; --'
    with pytest.raises(UsageError, match="there is no table"):
        ingest(store, [table.uri(PASSWORD, table=hostile)])
    assert table.sql('SELECT count(*) FROM "LiteLLM_SpendLogs"') == "5"


def test_nothing_is_written_to_the_database(table: Server) -> None:
    table.sql('GRANT ALL ON "LiteLLM_SpendLogs" TO reader')
    with postgres.Session(database(table.uri(PASSWORD))) as session, pytest.raises(Exception, match="read-only"):
        session._run('DELETE FROM "LiteLLM_SpendLogs"')


def test_a_variable_prismas_parameters_and_another_table(
    table: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(table, 1, 20)
    table.sql(
        'CREATE SCHEMA IF NOT EXISTS gw; CREATE OR REPLACE VIEW gw.logs AS SELECT * FROM public."LiteLLM_SpendLogs"'
    )
    table.sql("GRANT USAGE ON SCHEMA gw TO reader; GRANT SELECT ON gw.logs TO reader")
    uri = table.uri(PASSWORD, table="gw.logs", connection_limit="10", pool_timeout="60", pgbouncer="true").replace(
        "postgresql://", "postgres://"
    )
    monkeypatch.setenv("LITELLM_DB", uri)
    summary = ingest(store, ["env:LITELLM_DB"])
    assert summary.ingested == 20
    assert [file.name for file in summary.files] == [f'{table.label} "gw"."logs"']
    assert shown("env:LITELLM_DB") == f'{table.label} "gw"."logs"'
    assert shown("logs/a.jsonl") == "logs/a.jsonl"


def test_files_and_a_table_in_one_go(table: Server, store: Store, tmp_path: Path) -> None:
    _fill(table, 1, 20)
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        '{"request_id": "a", "provider_name": "openai", "request_model": "gpt-4o", "input_tokens": 5}\n',
        encoding="utf-8",
    )
    summary = ingest(store, [str(rows), table.uri(PASSWORD)])
    assert (summary.read, summary.ingested, len(summary.files)) == (21, 21, 2)
    assert len(summary.file_keys) == 2
    with pytest.raises(UsageError, match="cannot be read as claude-code"):
        ingest(store, [table.uri(PASSWORD)], IngestOptions(source="claude-code"))


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("env:LLMCOST_TEST_UNSET", "is not set"),
        ("postgresql://u:s3cret@host:port/x", "cannot be read"),
        ("postgresql://u:s3cret@host/x?overlap=soon", "no length of time"),
        ("mysql://u:s3cret@host/x", "of a kind that cannot be read"),
    ],
)
def test_what_cannot_be_right_is_told_without_its_secrets(path: str, match: str, store: Store) -> None:
    with pytest.raises(UsageError, match=match) as told:
        ingest(store, [path])
    assert "s3cret" not in str(told.value)


def test_without_the_driver_the_error_says_what_to_install(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "adbc_driver_postgresql", None)
    with pytest.raises(UsageError, match=r"pip install 'llmcost-cli\[postgres\]'"):
        ingest(store, ["postgresql://u@host/x"])
