from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import io
import tracemalloc
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from llmcost.errors import UsageError
from llmcost.records.contract import Problem, Record, Sample
from llmcost.records.files import Stdin, digest, expand, records, sample
from tests.records.support import told
from tests.support import shared_data


def test_expand_sorts_folders_and_leaves_hidden_files_out(tmp_path: Path) -> None:
    for name in ("b/2.csv", "b/1.csv", "a.jsonl", ".hidden/x.jsonl", "b/.secret"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    below = ["a.jsonl", "b/1.csv", "b/2.csv"]
    assert [p.relative_to(tmp_path).as_posix() for p in _paths([str(tmp_path)])] == below
    assert [p.relative_to(tmp_path).as_posix() for p in _paths([str(tmp_path / ".hidden")])] == [".hidden/x.jsonl"]
    assert [p.name for p in _paths([str(tmp_path / "*" / "*.csv"), str(tmp_path / "b")])] == ["1.csv", "2.csv"]
    assert isinstance(expand(["-"])[0], Stdin)


def _paths(names: list[str]) -> list[Path]:
    return [p for p in expand(names) if isinstance(p, Path)]


def test_a_path_that_does_not_exist_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "march.jsonl").write_text("{}")
    with pytest.raises(UsageError, match=r"march\.jsonl"):
        expand([str(tmp_path / "marsh.jsonl")])
    with pytest.raises(UsageError, match="no file matches"):
        expand([str(tmp_path / "*.csv")])


FORMS = {
    "jsonl": b'{"a": 1}\n{"a": 2}\n',
    "jsonl, its first line cut": b'{"a": 1, "b\n{"a": 2}\n{"a": 3}\n',
    "json": b'{\n  "a": 1\n}\n',
    "json array": b'[{"a": 1}, {"a": 2}]',
    "json array, one element a line": b'[\n{"a": 1},\n{"a": 2}\n]',
    "csv": b"a,b\n1,2\n",
    "csv, semicolons": b"\xef\xbb\xbfa;b\n1,0;2\n",
    "text": b"INFO server started\nINFO done\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_the_form_is_told_from_the_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data"
    path.write_bytes(FORMS[name])
    found = sample(path)
    assert isinstance(found, Sample)
    assert found.form == name.partition(",")[0].partition(" ")[0]
    assert found.records == tuple(r.value for r in records(path, found.form) if isinstance(r, Record))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "empty-file"),
        (b" \n\n", "empty-file"),
        (b"PK\x03\x04zip", "binary-file"),
        (bytes(range(256)) * 8, "binary-file"),
        (b"PAR1junk", "corrupt-file"),
    ],
)
def test_what_no_source_could_read(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "data"
    path.write_bytes(data)
    found = sample(path)
    assert isinstance(found, Problem)
    assert (found.kind, found.rejected) == (kind, kind != "empty-file")


def test_a_large_document_is_sampled_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.json"
    path.write_bytes(
        b'{"object": "page", "data": [' + b'{"a": "' + b"x" * 1000 + b'"},\n' * 1 + b'{"b": [1]},\n' * 450_000 + b"{}]}"
    )
    found = sample(path)
    assert isinstance(found, Sample)
    assert found.form == "json"
    assert found.records[0]["object"] == "page"
    assert found.records[0]["data"][1] == {"b": [1]}


def test_the_look_at_a_bomb_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b'{"a": "' + b"x" * 60_000_000 + b'"}\n{"b": 1}\n'))
    tracemalloc.start()
    try:
        assert isinstance(sample(path), Sample)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


def test_standard_input_is_looked_at_and_then_read_once() -> None:
    data = b'{"a": 1}\n' * 20_000
    stdin = Stdin(io.BytesIO(data))
    found = sample(stdin)
    assert isinstance(found, Sample)
    assert (found.form, len(found.records), found.name) == ("jsonl", 50, "-")
    assert told(records(stdin, "jsonl")) == [(n, {"a": 1}) for n in range(1, 20_001)]
    assert digest(stdin) == hashlib.sha256(data).digest()
    with pytest.raises(UsageError):
        list(records(stdin, "jsonl"))


def test_a_table_from_standard_input_is_kept_whole_because_its_end_is_read_first() -> None:
    held = io.BytesIO()
    pq.write_table(pa.table({"a": range(50_000), "b": [f"text {n}" for n in range(50_000)]}), held)
    assert len(held.getvalue()) > 200_000, "more than a sample"
    stdin = Stdin(io.BytesIO(held.getvalue()), name="table")
    found = sample(stdin)
    assert isinstance(found, Sample)
    assert (found.form, found.header, found.name) == ("parquet", ("a", "b"), "table")
    assert sum(1 for _ in records(stdin, "parquet")) == 50_000


def test_standard_input_can_be_digested_first() -> None:
    stdin = Stdin(io.BytesIO(b"a,b\n1,2\n"))
    assert digest(stdin) == hashlib.sha256(b"a,b\n1,2\n").digest()
    assert told(records(stdin, "csv")) == [(2, {"a": "1", "b": "2"})]


def test_the_digest_is_that_of_the_stored_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert digest(path) == hashlib.sha256(b"abc").digest()


def test_parquet_rows_hold_plain_values(tmp_path: Path) -> None:
    path, heard = tmp_path / "x.bin", list[int]()
    noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    table = pa.table({
        "at": pa.array([noon, None], pa.timestamp("ns", "America/New_York")),
        "local": pa.array([noon.replace(tzinfo=None)] * 2, pa.timestamp("us")),
        "cost": pa.array([Decimal("0.000001"), None], pa.decimal128(12, 6)),
        "tags": pa.array([[("a", "b")], []], pa.map_(pa.string(), pa.string())),
        "day": pa.array([noon.date(), None], pa.date32()),
        "n": [1, 2],
    })  # fmt: skip
    pq.write_table(table, path, row_group_size=1)
    found = sample(path)
    assert isinstance(found, Sample)
    assert (found.form, found.header) == ("parquet", tuple(table.column_names))
    first, second = (r.value for r in records(path, "parquet", heard.append) if isinstance(r, Record))
    assert first["at"].startswith("2026-03-01 12:00:00")
    assert first["at"].endswith("Z")
    assert first["local"] == "2026-03-01 12:00:00.000000"
    assert (first["cost"], first["tags"], first["day"], first["n"]) == (
        Decimal("0.000001"),
        {"a": "b"},
        "2026-03-01",
        1,
    )
    assert second["at"] is None
    assert second["tags"] == {}
    assert len(heard) == 2


REAL = {
    "claude_code_jsonl/fe5e1c67-53e7-4862-81ae-d0e013e3270b.jsonl": ("jsonl", 438),
    "azure_openai_diagnostic/PT1H.json": ("jsonl", 2),
    "anthropic_usage_report/usage_report_messages.documented.json": ("json", 1),
    "openinference_phoenix/pxi_turn_trace.json": ("json", 18),
    "azure_cost_export/headerset_BOM.csv": ("csv", 1),
    "azure_cost_export/headerset_German.csv": ("csv", 1),
    "vllm_server_log/vllm.log": ("text", 3),
    "tgi_server_log/tgi.log": ("text", 2),
}


@pytest.mark.parametrize("name", REAL)
def test_real_samples(name: str) -> None:
    path = shared_data("formats", *name.split("/"))
    found = sample(path)
    assert isinstance(found, Sample)
    read = list(records(path, found.form))
    assert (found.form, len(read)) == REAL[name]
    assert all(isinstance(item, Record) for item in read)


@pytest.mark.parametrize(
    ("name", "form", "count"),
    [
        ("mooncake_conversation/conversation_trace.first8000.jsonl.gz", "jsonl", 8000),
        ("azure_llm_2023_code/AzureLLMInferenceTrace_code.csv.gz", "csv", 8819),
        ("lmcache_agent/magagent.jsonl.zst", "jsonl", 506),
        ("gptcache_qqp/gptcache_mock_data.json", "json", 999),
        ("llmperf_providers/requests.parquet", "parquet", 1795),
    ],
)
def test_real_traces(name: str, form: str, count: int) -> None:
    path = shared_data("traces", *name.split("/"))
    found = sample(path)
    assert isinstance(found, Sample)
    assert found.form == form
    assert sum(isinstance(item, Record) for item in records(path, found.form)) == count
