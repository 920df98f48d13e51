from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcost.records import BadValueError, Record, count, money
from llmcost.records.delimited import delimited, dialect_of
from llmcost.records.streams import Stream
from tests.records.support import told


def _read(data: bytes, block: int = 1 << 20) -> list[tuple[int | None, object]]:
    dialect = dialect_of(data.decode(errors="replace"))
    assert dialect is not None
    return told(delimited(Stream([data[i : i + block] for i in range(0, len(data), block)]), dialect))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(delimiter: str) -> None:
    data = 'model,name\ngpt-4o,"a{d} b ""q"""\n'.replace(",", delimiter).format(d=delimiter)
    assert _read(data.encode()) == [(2, {"model": "gpt-4o", "name": f'a{delimiter} b "q"'})]


def test_the_separator_line_of_a_spreadsheet() -> None:
    assert _read(b"sep=;\r\na;b\r\n1,5;2\r\n") == [(3, {"a": "1,5", "b": "2"})]


def test_ragged_rows_are_problems_and_blank_rows_nothing() -> None:
    data = b"a,b,c\n1,2,3\n\n1,2\n1,2,3,4\n1,2,3,,\n"
    assert _read(data) == [
        (2, {"a": "1", "b": "2", "c": "3"}),
        (4, "<ragged-row>"),
        (5, "<ragged-row>"),
        (6, {"a": "1", "b": "2", "c": "3"}),
    ]


def test_fields_over_several_lines_keep_the_line_they_start_on() -> None:
    assert _read(b'a,b\n"x\ny\nz",1\nq,2\n', 3) == [(2, {"a": "x\ny\nz", "b": "1"}), (5, {"a": "q", "b": "2"})]


def test_a_quote_that_is_never_closed_costs_one_row() -> None:
    assert _read(b'a,b\n1,2\n"x,3\n4,5\n6,7\n') == [
        (2, {"a": "1", "b": "2"}), (3, "<bad-csv>"), (4, {"a": "4", "b": "5"}), (5, {"a": "6", "b": "7"}),
    ]  # fmt: skip


def test_bad_bytes_cost_one_row() -> None:
    assert _read(b"a,b\n\xe9,1\n\0,2\nx,3\n") == [(2, "<not-utf8>"), (3, "<nul-byte>"), (4, {"a": "x", "b": "3"})]


def test_columns_of_one_name_are_all_kept() -> None:
    assert _read(b"cost,,cost\n1,2,3\n") == [(2, {"cost": "1", "column 2": "2", "cost (2)": "3"})]


@pytest.mark.parametrize(
    "text",
    [
        "INFO 05-12 12:11:25 metrics.py:334] Avg prompt throughput: 0.0 tokens/s, Running: 1 reqs, Swapped: 0 reqs\n"
        * 3,
        "hello\nworld\n",
        "1,2,3\n4,5,6\n",
        "",
    ],
)
def test_what_is_no_table_is_none(text: str) -> None:
    assert dialect_of(text) is None


_FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=6)


@given(st.lists(st.tuples(_FIELD, _FIELD, st.just("x")), max_size=6), st.integers(1, 30))
def test_whatever_is_written_is_read_back(rows: list[tuple[str, str, str]], block: int) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("model", "user", "n"))
    writer.writerows(rows)
    data = out.getvalue().encode()
    dialect = dialect_of("model,user,n\n")
    assert dialect is not None
    found = told(delimited(Stream([data[i : i + block] for i in range(0, len(data), block)]), dialect))
    assert [value for _, value in found] == [{"model": a, "user": b, "n": c} for a, b, c in rows]


def test_where_semicolons_part_the_cells_a_point_may_group_digits() -> None:
    data = b"model;n;cost\nm;7;1.000\n"
    dialect = dialect_of(data.decode())
    assert dialect is not None
    (record,) = delimited(Stream([data]), dialect)
    assert isinstance(record, Record)
    with pytest.raises(BadValueError, match=r"written 1\.000"):
        money(record.value["cost"], "cost")
    assert count(record.value["n"], "n") == 7
