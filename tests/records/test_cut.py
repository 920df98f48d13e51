from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from llmcost.records.contract import Problem
from llmcost.records.cut import chunk_records, jsonl, line_chunks, lines, text_lines
from llmcost.records.documents import closed, documents
from llmcost.records.jsontext import decode
from llmcost.records.streams import Stream
from tests.records.support import told

_OTHER = (
    b"\x1f\x8b",
    b"\x28\xb5\x2f\xfd",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\x00\x00\xfe\xff",
    *(bytes((n, 0x2A, 0x4D, 0x18)) for n in range(0x50, 0x60)),
)
"""How compressed data and other encodings begin."""


def _blocks(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


def test_a_bad_line_is_one_problem_and_the_next_is_read() -> None:
    data = b'{"a":1}\r\n\n  \n{"a":\n{"a":NaN}\n{"a":"\xff"}\n{"a":1}{"a":2}\n{"a":3}'
    assert told(jsonl(Stream([data]))) == [
        (1, {"a": 1}), (4, "<truncated-json>"), (5, "<not-a-number>"), (6, "<not-utf8>"), (7, {"a": 1}), (7, {"a": 2}), (8, {"a": 3}),
    ]  # fmt: skip


@given(
    st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"")), max_size=12),
    st.integers(1, 20),
    st.booleans(),
)
def test_lines_are_those_of_split_however_the_blocks_fall(parts: list[bytes], size: int, ended: bool) -> None:
    data = b"\n".join(parts) + (b"\n" if ended else b"")
    assume(not data.startswith(_OTHER))
    expected = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert list(lines(Stream(_blocks(data, size)))) == expected


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 40))
def test_a_line_over_the_limit_is_a_problem_in_its_place(sizes: list[int], block: int) -> None:
    data = b"".join(b"1" * size + b"\n" for size in sizes)
    assert list(lines(Stream(_blocks(data, block)), limit=10)) == [
        b"1" * size if size <= 10 else None for size in sizes
    ]
    kinds = ["<record-too-long>" if size > 10 else int("1" * size) for size in sizes if size]
    assert [value for _, value in told(jsonl(Stream(_blocks(data, block)), limit=10))] == kinds


@given(st.lists(st.integers(0, 30), max_size=20), st.integers(1, 40), st.integers(1, 60), st.booleans())
def test_chunks_and_records_agree(sizes: list[int], block: int, chunk: int, ended: bool) -> None:
    data = b"\n".join(b"1" * size for size in sizes) + (b"\n" if ended else b"")
    found = list[tuple[int | None, object]]()
    for item in line_chunks(Stream(_blocks(data, block)), size=chunk, limit=10):
        found += told([item]) if isinstance(item, Problem) else told(chunk_records(*item))
    assert found == told(jsonl(Stream(_blocks(data, block)), limit=10))


def test_text_lines_keep_their_numbers() -> None:
    assert told(text_lines(Stream([b"a\r\n\nb \xff\nc"]))) == [(1, "a"), (3, "b �"), (4, "c")]


ARRAY = b"""[
  {"a": "} ] \\" {", "b": [1, [2]]},
  {"a": NaN},
  {"b": 0.10}, {}
]
"""


@given(st.integers(1, 60))
def test_an_array_is_read_element_by_element(block: int) -> None:
    assert [value for _, value in told(documents(Stream(_blocks(ARRAY, block))))] == [
        {"a": '} ] " {', "b": [1, [2]]}, "<not-a-number>", {"b": decode(b"0.10")}, {},
    ]  # fmt: skip


def test_other_documents() -> None:
    pretty = b'{\n "data": [\n  {"a": 1}\n ]\n}\n{\n "data": []\n}'
    assert told(documents(Stream([pretty]))) == [(1, {"data": [{"a": 1}]}), (2, {"data": []})]
    assert told(documents(Stream([b'[1, "x, y", null]']))) == [(1, 1), (2, "x, y"), (3, None)]
    assert told(documents(Stream([b"[0.5, {}]"]))) == [(1, Decimal("0.5")), (2, {})]
    assert told(documents(Stream([b"[]"]))) == []
    assert told(documents(Stream([b'[{"a":1},{"b":']))) == [(1, {"a": 1}), (2, "<truncated-json>")]
    assert told(documents(Stream([b'[{"a":1}']))) == [(1, {"a": 1}), (2, "<truncated-json>")]
    assert told(documents(Stream([b'[{"a":1}]} {"b":2}']))) == [(1, {"a": 1}), (2, "<bad-json>"), (3, {"b": 2})]
    assert told(documents(Stream([b'[{"a":1}][{"a":2}]']))) == [(1, {"a": 1}), (2, {"a": 2})]


@given(st.lists(st.integers(0, 60), max_size=10), st.sampled_from([b"x", b'\\"', b"[", b"\\\\"]))
def test_an_element_over_the_limit_is_passed_over(sizes: list[int], filler: bytes) -> None:
    items = [b'{"a":"' + filler * size + b'"}' for size in sizes]
    found = told(documents(Stream(_blocks(b"[" + b",".join(items) + b"]", 7)), limit=100))
    assert len(found) == len(items)
    for item, (_, value) in zip(items, found, strict=True):
        assert value == decode(item) if len(item) <= 100 else value in (decode(item), "<record-too-long>")


@given(st.integers(0, 70))
def test_a_beginning_is_closed_behind_its_last_whole_value(size: int) -> None:
    text = b'{"object":"page","data":[{"results":[{"a":"]}"}]},{"results":[]}],"more":1}'
    short = closed(text[:size])
    assert not short or decode(short)["object"] == "page"
    assert closed(text[:60]) == b'{"object":"page","data":[{"results":[{"a":"]}"}]}]}'
