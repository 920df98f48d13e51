"""Usage rows: whom it claims, and that the vectorised path gives the same rows or declines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcost.records import BadValueError, Context, Problem, Record, Row, Sample
from llmcost.records.cut import chunk_records
from llmcost.records.delimited import Dialect, delimited
from llmcost.records.files import records
from llmcost.records.streams import Stream
from llmcost.records.table import Unclean
from llmcost.sources.usage_rows import SOURCE
from llmcost.usage.arrow import rows_to_arrow
from llmcost.usage.columns import BY_NAME, CALL_ROLES, SERVICE_TIERS, STATUSES, USAGE, Usage

PLAIN = Context("rows.jsonl")


@pytest.mark.parametrize(
    ("names", "is_ours"),
    [
        (("started_at", "request_model"), True),
        (("input_tokens", "provider_name"), True),
        (("gen_ai.usage.input_tokens", "gen_ai.request.model"), True),
        (("input_tokens", "model"), False),
        (("request_model", "feature"), False),
        (("started_at", "request_model", "messages"), False),
    ],
)
def test_who_answered_and_what_was_measured_make_a_usage_row(names: tuple[str, ...], is_ours: bool) -> None:
    assert SOURCE.sniff(Sample("x.csv", "csv", "", header=names)) is is_ours
    assert SOURCE.sniff(Sample("x.jsonl", "jsonl", "", (dict.fromkeys(names, 1),))) is is_ours


# What follows holds the two paths together.


def by_records(block: bytes) -> tuple[list[Usage], list[Problem]]:
    """The rows and problems of the record path."""
    rows: list[Usage] = []
    problems: list[Problem] = []
    for record in chunk_records(1, block):
        if isinstance(record, Problem):
            problems.append(record)
            continue
        got, bad = of_record(record)
        rows += got
        problems += bad
    return rows, problems


def of_record(record: Record, context: Context = PLAIN) -> tuple[list[Usage], list[Problem]]:
    assert SOURCE.read is not None
    try:
        found = list(SOURCE.read(record, context))
    except BadValueError as error:
        return [], [Problem(error.kind, error.detail)]
    rows = [r.usage for r in found if isinstance(r, Row) and r.usage is not None]
    return rows, [r for r in found if isinstance(r, Problem)]


def by_blocks(chunk: Any, context: Context = PLAIN) -> pa.Table | None:
    assert SOURCE.arrow is not None
    table = SOURCE.arrow(chunk, context)
    assert table is None or isinstance(table, pa.Table | Unclean)
    return None if isinstance(table, Unclean) else table


def jsonl(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
_SPECIAL: dict[str, st.SearchStrategy[Any]] = {
    "call_role": st.sampled_from(CALL_ROLES),
    "service_tier": st.sampled_from((*SERVICE_TIERS, "default", "auto")),
    "status": st.sampled_from(STATUSES),
    "token_source": st.just("provider"),
    "provider_name": st.sampled_from(("openai", "aws.bedrock", "Own", "null", "")),
    "tags": st.dictionaries(_WORDS, st.one_of(_WORDS, st.none()), max_size=3),
    "images": st.lists(
        st.fixed_dictionaries(
            {"width": st.integers(1, 4000), "height": st.integers(1, 4000)}, optional={"count": st.integers(1, 9)}
        ),
        max_size=2,
    ),
}
_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "text": st.one_of(_WORDS, st.sampled_from(("None", "null", " a ", "gpt-4o"))),
    "count": st.integers(0, 10**15),
    "instant": st.integers(1_420_070_400_000_000, 4_102_444_799_999_999),
    "decimal": st.one_of(
        st.decimals(-(10**9), 10**9, places=6).map(str), st.floats(0, 1e6, allow_nan=False), st.integers(0, 10**12)
    ),
    "number": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**6), 10**6)),
    "flag": st.booleans(),
    "counts": st.lists(st.integers(0, 2**63 - 1), max_size=3),
    "numbers": st.lists(st.floats(-10, 10), max_size=3),
    "json": st.none(),
}
_OPTIONAL = {
    c.name: st.one_of(st.none(), _SPECIAL.get(c.name, _BY_TYPE[c.type])) for c in USAGE if c.name != "request_model"
}
_OPTIONAL["cache_breakpoints"] = st.lists(st.integers(0, 10**6), max_size=3)
_ROWS = st.lists(
    st.fixed_dictionaries({"request_model": st.sampled_from(("a", "b-1"))}, optional=_OPTIONAL), min_size=1, max_size=6
)


@given(_ROWS)
@settings(max_examples=150)
def test_both_paths_give_the_same_rows_or_the_block_is_declined(rows: list[dict[str, Any]]) -> None:
    block = jsonl(rows)
    table = by_blocks(block)
    if table is not None:
        expected, problems = by_records(block)
        assert not problems
        assert same(table, expected)


def same(table: pa.Table, rows: list[Usage]) -> bool:
    """Equal rows; a column that no row fills may be there or not."""
    expected = rows_to_arrow(rows)
    assert table.schema.names == [n for n in expected.schema.names if expected[n].null_count < len(expected)]
    return bool(table.equals(expected.select(table.schema.names)))


_CLEAN: dict[str, st.SearchStrategy[Any]] = {
    "request_id": st.text("abc-_/:.", min_size=1, max_size=9),
    "started_at": _BY_TYPE["instant"],
    "input_tokens": _BY_TYPE["count"],
    "output_tokens": st.one_of(st.none(), _BY_TYPE["count"]),
    "temperature": st.floats(0, 2),
    "was_routed": st.one_of(st.none(), st.booleans()),
    "feature": st.sampled_from(("search", "chat", None)),
    "prefix_keys": st.lists(st.integers(0, 2**63 - 1), max_size=4),
    "billed_cost": st.decimals(0, 1000, places=9).map(str),
    "tags": st.fixed_dictionaries({}, optional={"team": st.sampled_from(("a", "ü", 'q"')), "shard": st.integers(0, 9)}),
}
_CLEAN_ROWS = st.lists(st.fixed_dictionaries({"request_model": st.just("m"), **_CLEAN}), min_size=1, max_size=5)


@given(_CLEAN_ROWS)
def test_clean_rows_take_the_fast_path_in_every_form(rows: list[dict[str, Any]]) -> None:
    expected, problems = by_records(jsonl(rows))
    assert not problems
    fast = by_blocks(jsonl(rows))
    assert fast is not None
    assert same(fast, expected)
    header, block = as_csv(rows)
    from_csv = by_blocks(block, Context("rows.csv", header))
    assert from_csv is not None
    assert same(from_csv, expected)
    from_parquet = by_blocks(as_parquet(rows))
    assert from_parquet is not None
    assert same(from_parquet, expected)


def as_csv(rows: list[dict[str, Any]]) -> tuple[tuple[str, ...], bytes]:
    header = tuple(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow(
            [
                json.dumps(v) if isinstance(v := row.get(name), list | dict) else "" if v is None else v
                for name in header
            ]
        )
    return header, out.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Typed columns, with other types than ours where Parquet files usually have them."""
    kinds = {"started_at": pa.timestamp("us", "UTC"), "input_tokens": pa.int64(), "output_tokens": pa.int64()}
    columns: dict[str, pa.Array] = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name == "tags":
            values = [json.dumps(value) for value in values]
        columns[name] = pa.array(values, kinds.get(name))
    columns["feature"] = columns["feature"].cast(pa.string()).dictionary_encode()
    columns["billed_cost"] = columns["billed_cost"].cast(pa.decimal128(20, 9))
    return pa.RecordBatch.from_pydict(columns)


@given(
    st.lists(
        st.fixed_dictionaries({"feature": st.text("a \"',;\r\n\té", max_size=6), "team": _WORDS}),
        min_size=1,
        max_size=3,
    )
)
def test_csv_with_any_quoting_reads_the_same_or_is_declined(cells: list[dict[str, str]]) -> None:
    rows: list[dict[str, Any]] = [{"request_model": "m", "input_tokens": 1, **row} for row in cells]
    header, block = as_csv(rows)
    table = by_blocks(block, Context("rows.csv", header))
    if table is None:
        return
    stream = Stream([(",".join(header) + "\n").encode() + block])
    found = [of_record(r) for r in delimited(stream, Dialect(",", 0, header)) if isinstance(r, Record)]
    assert same(table, [row for got, _ in found for row in got])


def test_twins_in_csv_and_parquet_read_the_same_from_disk(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"request_id": "a", "started_at": 1772359200000000, "request_model": "m", "input_tokens": 5, "tags": {"x": "1"},
         "feature": "f", "billed_cost": "0.1", "temperature": 0.5, "prefix_keys": [1, 2**62], "output_tokens": None},
        {"request_id": "b", "started_at": 1772359200000001, "request_model": "m", "input_tokens": 0, "tags": {}, "feature": None,
         "billed_cost": "12.000000001", "temperature": 1.0, "prefix_keys": [], "output_tokens": 3},
    ]  # fmt: skip
    expected, _ = by_records(jsonl(rows))
    header, block = as_csv(rows)
    (tmp_path / "rows.csv").write_bytes((",".join(header) + "\n").encode() + block)
    pq.write_table(pa.Table.from_batches([as_parquet(rows)]), tmp_path / "rows.parquet")
    for form in ("csv", "parquet"):
        path = tmp_path / f"rows.{form}"
        found = [of_record(r) for r in records(path, "csv" if form == "csv" else "parquet") if isinstance(r, Record)]
        assert [row for got, _ in found for row in got] == expected, form
        assert not any(problems for _, problems in found), form


GOOD = {
    "request_model": "m",
    "input_tokens": 7,
    "output_tokens": 3,
    "started_at": 1772359200000000,
    "billed_cost": 0.5,
    "temperature": 0.1,
}


@pytest.mark.parametrize(
    "change",
    [
        {"input_tokens": -1}, {"input_tokens": 7.5}, {"input_tokens": "x"}, {"input_tokens": True}, {"input_tokens": 10**16},
        {"started_at": 1772359200}, {"started_at": "yesterday"}, {"request_model": 5}, {"unheard_of": 1}, {"billed_cost": 1e30},
        {"billed_cost": 123456789012345678901234567890}, {"billed_cost": "NaN"}, {"service_tier": "platinum"}, {"service_tier": "scale"},
        {"status": "weird"}, {"prefix_keys": [1, None]}, {"prefix_keys": [-1]}, {"tags": {"a": [1]}}, {"temperature": "hot"},
        {"request_model": None, "input_tokens": None, "output_tokens": None, "started_at": None, "billed_cost": None, "temperature": None},
    ],
)  # fmt: skip
@pytest.mark.parametrize("at", [0, 500, 999])
def test_one_unclean_row_anywhere_declines_the_block(change: dict[str, Any], at: int) -> None:
    rows = [GOOD] * 1000
    rows[at] = {**GOOD, **change}
    assert by_blocks(jsonl(rows)) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda block: block + b"null\n",
        lambda block: block + b"\n" + block,
        lambda block: block + b"[]\n",
        lambda block: block[:-1] + block,
        lambda block: block[:-4],
        lambda block: block.replace(b'"m"', b'"\xff"', 1),
        lambda block: block.replace(b'"m"', b'"\\ud800"', 1),
        lambda block: block.replace(b"0.1", b"NaN", 1),
        lambda block: block.replace(b'"m"', b'"m", "request_model": "n"', 1),
        lambda block: block.replace(b'"billed_cost": 0.5', b'"billed\\u005fcost": 1e30', 1),
        lambda block: block.replace(b'"m"', b'"m", "tags": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 1),
        lambda block: block.replace(b"}\n{", b"} {", 1),
    ],
)
def test_a_broken_block_is_declined_and_breaks_nothing(spoil: Callable[[bytes], bytes]) -> None:
    block = jsonl([GOOD] * 300)
    assert by_blocks(block) is not None
    assert by_blocks(spoil(block)) is None


def test_a_bad_line_costs_itself_alone() -> None:
    rows, problems = by_records(jsonl([GOOD, {**GOOD, "input_tokens": -5}, GOOD]) + b"{broken\n")
    assert len(rows) == 2
    assert [p.rejected for p in problems] == [True, True]
    assert problems[0].kind == "negative-count"


def test_a_field_that_first_occurs_late_is_not_lost() -> None:
    rows = [*[GOOD] * 3000, {**GOOD, "team": "late", "embedding": [0.5]}, *[GOOD] * 3000]
    table = by_blocks(jsonl(rows))
    assert table is not None
    assert table["team"].to_pylist()[3000] == "late"
    assert table["embedding"].to_pylist()[3000] == [0.5]
    assert table["team"].null_count == 6000


@pytest.mark.parametrize(
    "text", ["2026-03-01T10:00:00Z", "2026-03-01 10:00:00.123456789", "2026-03-01T10:00:00.5+02:00", "1772359200000000"]
)
def test_times_as_text_mean_the_same_on_both_paths(text: str) -> None:
    block = jsonl([{**GOOD, "started_at": text}] * 3)
    rows, problems = by_records(block)
    table = by_blocks(block)
    assert not problems
    assert table is not None
    assert same(table, rows)


def test_amounts_stay_exact_to_the_last_digit() -> None:
    rows, _ = by_records(jsonl([{**GOOD, "billed_cost": "0.123456789012345678"}]))
    assert rows[0].get("billed_cost") == Decimal("0.123456789012345678")
    table = by_blocks(jsonl([{**GOOD, "billed_cost": "0.123456789012345678"}]))
    assert table is not None
    assert table["billed_cost"].to_pylist() == [Decimal("0.123456789012345678")]


def test_every_column_can_be_filled() -> None:
    assert SOURCE.knows == frozenset(BY_NAME)
