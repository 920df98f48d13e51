"""Mapping files: the rules one by one, three public traces, and that the vectorised path gives the same rows."""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.errors import UsageError
from llmcost.records import Context, Problem, Record, Row, Sample, Skip
from llmcost.records.cut import chunk_records
from llmcost.records.files import header, records
from llmcost.records.mapfile import MapFile, load_mapping, parse_mapping
from llmcost.records.table import Unclean
from llmcost.sources.mapping import SOURCE
from llmcost.usage.arrow import rows_to_arrow
from llmcost.usage.columns import Usage
from tests.sources.cases import readings
from tests.support import ROOT, shared_data

MOONCAKE = """
[mapping]
name = "mooncake"
provider_name = "moonshot"
[columns]
started_at = { field = "timestamp", unit = "ms", epoch = "2024-11-01T00:00:00Z" }
request_model = { value = "kimi-k2" }
input_tokens = "input_length"
output_tokens = "output_length"
prefix_keys = "hash_ids"
prefix_block_tokens = { value = 512 }
"""
AZURE = """
[mapping]
name = "azure trace"
form = "csv"
[columns]
started_at = "TIMESTAMP"
provider_name = { value = "azure" }
input_tokens = "ContextTokens"
output_tokens = "GeneratedTokens"
"""
CLAUDE_CODE = """
[mapping]
name = "claude code session"
provider_name = "anthropic"
[columns]
request_id = "message_id"
started_at = "timestamp"
request_model = "model"
input_tokens = { add = ["input_tokens", "cache_creation_5m", "cache_creation_1h", "cache_read_input_tokens"] }
cache_creation_input_tokens = { add = ["cache_creation_5m", "cache_creation_1h"] }
cache_creation_1h_input_tokens = "cache_creation_1h"
cache_read_input_tokens = "cache_read_input_tokens"
output_tokens = "output_tokens"
call_role = { field = "is_sidechain", map = { True = "subcall", False = "primary" } }
"""


def mapping(text: str) -> MapFile:
    return parse_mapping(tomllib.loads(text, parse_float=Decimal))


def columns(rules: str, more: str = "") -> MapFile:
    return mapping(f'[mapping]\nname = "test"\n[columns]\n{rules}\n{more}')


def context(chosen: MapFile, names: tuple[str, ...] = ()) -> Context:
    return Context("file", names, {"mapping": chosen})


def one(chosen: MapFile, record: Any) -> dict[str, Any]:
    """The one row that a record gives."""
    found = readings(SOURCE, record, context=context(chosen))
    (row,) = [r.usage for r in found if isinstance(r, Row)]
    assert row is not None
    return {k: v for k, v in row.items() if k != "requests"}


def kinds(chosen: MapFile, record: Any) -> list[tuple[str, bool]]:
    return [(p.kind, p.rejected) for p in readings(SOURCE, record, context=context(chosen)) if isinstance(p, Problem)]


def trace(folder: str, file: str, chosen: MapFile) -> tuple[list[Usage], Context, bytes]:
    """All rows of a public trace, its context and its bytes."""
    path = shared_data("traces", folder, file)
    here = context(chosen, header(path) if ".csv" in file else ())
    rows: list[Usage] = []
    for record in records(path, "csv" if ".csv" in file else "jsonl"):
        assert isinstance(record, Record)
        found = readings(SOURCE, record.value, record.line, here)
        rows += [r.usage for r in found if isinstance(r, Row) and r.usage is not None]
        assert all(isinstance(r, Row) for r in found)
    data = path.read_bytes()
    return rows, here, gzip.decompress(data) if file.endswith(".gz") else data


def total(rows: list[Usage], column: str) -> int:
    return sum(numbers(rows, column))


def numbers(rows: list[Usage], column: str) -> list[int]:
    return [int(str(row[column])) for row in map(dict, rows)]


def blocks(data: bytes, here: Context) -> pa.Table | None:
    assert SOURCE.arrow is not None
    table = SOURCE.arrow(data, here)
    assert table is None or isinstance(table, pa.Table | Unclean)
    return None if isinstance(table, Unclean) else table


def test_mooncake() -> None:
    rows, here, data = trace("mooncake_conversation", "conversation_trace.first8000.jsonl.gz", mapping(MOONCAKE))
    assert len(rows) == 8000
    assert (total(rows, "input_tokens"), total(rows, "output_tokens")) == (99_164_774, 2_778_848)
    times = [row.get("started_at") or 0 for row in rows]
    assert max(times) - min(times) == 2_435_999_000  # the published 2,436 s
    assert rows[0].get("prefix_keys") == list(range(14))
    table = blocks(data, here)
    assert table is not None
    assert table.equals(rows_to_arrow(rows))


def test_azure() -> None:
    rows, here, data = trace("azure_llm_2023_code", "AzureLLMInferenceTrace_code.csv.gz", mapping(AZURE))
    assert len(rows) == 8819
    assert (total(rows, "input_tokens"), total(rows, "output_tokens")) == (18_059_974, 245_896)
    assert max(numbers(rows, "input_tokens")) == 7437
    table = blocks(data.partition(b"\n")[2], here)
    assert table is not None
    assert table.equals(rows_to_arrow(rows))


def test_claude_code_session() -> None:
    rows, here, data = trace("claude_code_cache_session", "session_a.csv", mapping(CLAUDE_CODE))
    assert len(rows) == 170
    assert total(rows, "input_tokens") == 818 + 137_976 + 3_647_854
    assert total(rows, "cache_creation_input_tokens") == 137_976
    assert total(rows, "cache_read_input_tokens") == 3_647_854
    assert total(rows, "output_tokens") == 51_933
    assert {row.get("call_role") for row in rows} == {"primary", "subcall"}
    assert blocks(data.partition(b"\n")[2], here) is None  # sums are for the record path


@pytest.mark.parametrize(
    ("rule", "record", "expected"),
    [
        ('team = "a.b.0"', {"a": {"b": ["x"]}}, {"team": "x"}),
        ('team = "a.b"', {"a.b": "flat", "a": {"b": "deep"}}, {"team": "flat"}),
        ('team = { field = "t", map = { red = "blue" } }', {"t": "red"}, {"team": "blue"}),
        ('team = { field = "t", map = { red = "blue" } }', {"t": "green"}, {"team": "green"}),
        ('provider_name = { field = "m", split = "/", part = 0 }', {"m": "mistralai/large"}, {"provider_name": "mistral"}),
        ('request_model = { field = "m", split = "/", part = -1 }', {"m": "a/b/c"}, {"request_model": "c"}),
        ('team = { join = ["a", "b", "c"], separator = ":" }', {"a": "x", "c": 1}, {"team": "x:1"}),
        ('input_tokens = { add = ["a", "b"] }', {"a": 1, "b": "2"}, {"input_tokens": 3}),
        ('input_tokens = { add = ["a", "b"] }', {"a": 1}, {}),
        ('input_tokens = { add = ["a", "b"], default = 0 }', {"a": 1}, {"input_tokens": 1}),
        ('input_tokens = { field = "k", scale = "1000" }', {"k": Decimal("1.5")}, {"input_tokens": 1500}),
        ('duration_ms = { field = "s", scale = 1000 }', {"s": Decimal("1.23456")}, {"duration_ms": 1235}),
        ('billed_cost = { field = "cents", scale = 0.01 }', {"cents": "12.345"}, {"billed_cost": Decimal("0.12345")}),
        ('started_at = { field = "t", unit = "s" }', {"t": 1772359200}, {"started_at": 1772359200000000}),
        ('started_at = "t"', {"t": 1772359200000}, {"started_at": 1772359200000000}),
        ('started_at = { field = "t", unit = "ns", epoch = "2026-03-01T10:00:00Z" }', {"t": 1999}, {"started_at": 1772359200000001}),
        ('status = { field = "code", map = { 200 = "ok", 429 = "error" }, default = "ok" }', {"code": 429}, {"status": "error"}),
        ('gen_ai.usage.input_tokens = "x"', {"x": 1}, None),
        ('"gen_ai.usage.input_tokens" = "x"', {"x": 1}, {"input_tokens": 1}),
    ],
)  # fmt: skip
def test_rule(rule: str, record: dict[str, Any], expected: dict[str, Any] | None) -> None:
    if expected is None:
        with pytest.raises(UsageError):
            columns(rule)
        return
    chosen = columns(f'{rule}\nfeature = "f"')
    assert one(chosen, {"f": "x", **record}) == {"feature": "x", **expected}


def test_tags_and_filters() -> None:
    chosen = columns(
        'input_tokens = "n"\ntags = "labels"',
        '[tags]\nzone = "z"\n[filter]\nkeep = { kind = ["call", "retry"] }\nskip = { cached = true }',
    )
    assert one(chosen, {"kind": "call", "n": 1, "labels": {"a": "b"}, "z": 5}) == {
        "input_tokens": 1,
        "tags": '{"a":"b","zone":"5"}',
    }
    for record in ({"kind": "event", "n": 1}, {"n": 1}, {"kind": "call", "n": 1, "cached": True}):
        (found,) = readings(SOURCE, record, context=context(chosen))
        assert isinstance(found, Skip)


def test_rows_inside_a_document() -> None:
    chosen = mapping('[mapping]\nname = "pages"\nform = "json"\nrecords = "data.items"\n[columns]\ninput_tokens = "n"')
    found = readings(SOURCE, {"data": {"items": [{"n": 1}, {"n": -1}, {"n": 3}]}}, context=context(chosen))
    assert [type(r).__name__ for r in found] == ["Row", "Problem", "Row"]
    assert [getattr(r, "line", None) for r in found] == [1, 2, 3]
    assert isinstance(readings(SOURCE, {"data": {"items": []}}, context=context(chosen))[0], Skip)


def test_bad_values() -> None:
    chosen = columns('input_tokens = "n"\ntemperature = "t"\nstarted_at = "s"')
    assert kinds(chosen, {"n": -1}) == [("negative-count", True)]
    assert kinds(chosen, {"n": 1, "t": "hot"}) == [("not-a-number", False)]
    assert kinds(chosen, {"n": 1, "s": "soon"}) == [("not-an-instant", True)]
    assert kinds(chosen, {"x": 1}) == [("no-usage", True)]
    assert kinds(chosen, [1]) == [("not-an-object", True)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[mapping]\nname = "x"\n[columns]\ninput_token = "n"', "did you mean 'input_tokens'?"),
        ('[mapping]\nname = "x"\n[columns]\ninput_tokens = { feld = "n" }', "feld: is not known"),
        ('[mapping]\nname = "x"\n[columns]\ninput_tokens = { field = "n", value = 1 }', "exactly one of"),
        ('[mapping]\nname = "x"\n[columns]\ninput_tokens = { field = "n", unit = "ms" }', "use scale"),
        ('[mapping]\nname = "x"\n[columns]\nstarted_at = { field = "n", epoch = "2026-01-01" }', "needs a unit"),
        ('[columns]\ninput_tokens = "n"', "Field required"),
        ("[mapping\n", "cannot be read as TOML"),
    ],
)
def test_a_wrong_mapping_file_says_where(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        load_mapping(path)
    assert said in str(raised.value)
    assert str(raised.value).startswith(str(path))


def test_a_field_that_the_file_lacks_is_an_error_with_the_fields_found() -> None:
    chosen = columns('input_tokens = "tokens_in"')
    with pytest.raises(UsageError, match=r"no field 'tokens_in'(.|\n)*fields found: token_in, tokens_out") as raised:
        readings(SOURCE, {"token_in": 1}, context=context(chosen, ("token_in", "tokens_out")))
    assert "did you mean 'token_in'?" in str(raised.value)
    with pytest.raises(UsageError, match="fields found: token_in"):
        chosen.check_sample(Sample("x.jsonl", "jsonl", "", ({"token_in": 1},)))
    chosen.check_sample(Sample("x.jsonl", "jsonl", "", ({"other": 1}, {"tokens_in": 1})))


def test_it_is_chosen_and_never_recognised() -> None:
    assert not SOURCE.sniff(Sample("x.csv", "csv", "", header=("started_at", "request_model")))
    with pytest.raises(UsageError, match="--mapping"):
        readings(SOURCE, {"n": 1}, context=Context("file"))


def test_equal_mappings_have_equal_fingerprints() -> None:
    assert columns('team = "t"').fingerprint() == columns('team = { field = "t" }').fingerprint()
    assert columns('team = "t"').fingerprint() != columns('team = "u"').fingerprint()


FAST = columns(
    'request_model = { field = "m", map = { big = "gpt-4o" }, default = "none given" }\nstarted_at = "at"\ninput_tokens = "in"\n'
    'output_tokens = { field = "out", default = 0 }\nteam = "owner"\nstatus = { value = "ok" }\nbilled_cost = "cost"'
)
_CELL: dict[str, st.SearchStrategy[Any]] = {
    "m": st.sampled_from(("big", "small", None)),
    "at": st.one_of(st.integers(1_420_070_400, 4_102_444_799), st.integers(1_420_070_400_000, 4_102_444_799_999)),
    "in": st.integers(0, 10**9),
    "out": st.one_of(st.none(), st.integers(0, 10**9)),
    "owner": st.text("ab é", max_size=3),
    "cost": st.one_of(st.none(), st.decimals(0, 100, places=4).map(str)),
    "ignored": st.one_of(st.none(), st.integers(), st.text("abc", max_size=3), st.lists(st.integers(), max_size=2)),
}


@given(st.lists(st.fixed_dictionaries(_CELL), min_size=1, max_size=4))
def test_plain_rules_give_the_same_rows_on_both_paths(rows: list[dict[str, Any]]) -> None:
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    found = [
        r
        for rec in chunk_records(1, data)
        if isinstance(rec, Record)
        for r in readings(SOURCE, rec.value, rec.line, context(FAST))
    ]
    expected = rows_to_arrow([r.usage for r in found if isinstance(r, Row) and r.usage is not None])
    table = blocks(data, context(FAST))
    times = {row["at"] > 10**11 for row in rows}
    assert (table is None) == (len(times) == 2)  # two units in one block are for the record path
    if table is not None:
        assert table.equals(expected.select(table.column_names))


@pytest.mark.parametrize(
    "change", [{"in": -1}, {"in": 1.5}, {"at": "soon"}, {"cost": 1e30}, {"m": 5}, {"ignored": float("nan")}]
)
def test_one_unclean_row_declines_the_block(change: dict[str, Any]) -> None:
    good = {"m": "big", "at": 1772359200, "in": 1, "out": 2, "owner": "x", "cost": "0.1", "ignored": None}
    data = [json.dumps(good).encode()] * 500
    assert blocks(b"\n".join(data), context(FAST)) is not None
    data[400] = json.dumps({**good, **change}).encode()
    assert blocks(b"\n".join(data), context(FAST)) is None


def test_the_examples_of_the_manual_hold() -> None:
    text = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
    first, *more = [mapping(block) for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)]
    assert [other.mapping.name for other in more] == ["mooncake trace"]
    (line,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert one(first, json.loads(line, parse_float=Decimal)) == {
        "started_at": 1772359200250000, "provider_name": "anthropic", "request_model": "claude-sonnet-4", "input_tokens": 2120,
        "cache_read_input_tokens": 2000, "output_tokens": 85, "duration_ms": 1900, "team": "search", "tags": '{"kind":"chat"}',
    }  # fmt: skip


def test_the_published_schema_describes_every_entry() -> None:
    schema = MapFile.model_json_schema()
    described = [f for model in schema["$defs"].values() for f in model["properties"].values()]
    assert described
    assert all(entry.get("description") for entry in [*described, *schema["properties"].values()])
