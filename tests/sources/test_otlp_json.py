"""OTLP/JSON: numbers as texts, sums over whole traces, and the real spans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from llmcost.records import Context, Problem, Reading, Record, Row, Skip
from llmcost.records.files import records
from llmcost.sources.otlp_json import read_file
from tests.sources.cases import case_file, check
from tests.sources.otlp import EPOCH, export_request, pairs
from tests.support import shared_data

FILE = case_file("otlp_json")


@pytest.mark.parametrize("case", FILE.cases, ids=lambda case: case["case"])
def test_numbers_written_as_texts_are_the_same(case: dict[str, Any]) -> None:
    kept = {key: value for key, value in case.items() if key not in {"spans", "logs", "resource"}}
    check(FILE, {**kept, "record": export_request(case, as_text=True)})


def _call(span: str, parent: str = "", **more: Any) -> dict[str, Any]:
    counts = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 1,
    }
    return {"trace": "t", "span": span, "parent": parent, "start": 0, "end": 1, "attributes": {**counts, **more}}


def _read(*requests: list[dict[str, Any]]) -> list[Reading]:
    return list(
        read_file(
            [
                Record(json.loads(json.dumps(export_request({"spans": spans}))), n)
                for n, spans in enumerate(requests, 1)
            ],
            Context("x"),
        )
    )


def _ids(found: list[Reading]) -> list[Any]:
    return [r.usage["request_id"] for r in found if isinstance(r, Row) and r.usage is not None]


AGENT = {
    **_call("agent"),
    "attributes": {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.output_tokens": 2,
    },
}
STEP = {**_call("step", "agent"), "attributes": {}}


@pytest.mark.parametrize("order", ["children first", "parents first"])
def test_a_trace_over_several_requests_is_counted_once(order: str) -> None:
    requests = [[_call("a", "step")], [_call("b", "step")], [STEP], [AGENT]]
    found = _read(*(requests if order == "children first" else reversed(requests)))
    assert sorted(_ids(found)) == ["t:a", "t:b"]


BARE = {"attributes": {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}}


@pytest.mark.parametrize("order", [1, -1])
def test_a_call_without_counts_is_none_of_its_own_beside_one_that_has_some(order: int) -> None:
    requests = [
        [{**_call("in", "out"), **BARE}],
        [_call("out")],
        [{**_call("outer"), **BARE}],
        [_call("inner", "outer")],
    ]
    assert sorted(_ids(_read(*requests[::order]))) == ["t:inner", "t:out"]
    alone = [[{**_call("in", "out"), **BARE}], [{**_call("out"), **BARE}]]
    assert _ids(_read(*alone[::order])) == ["t:in"]


def test_calls_without_counts_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmcost.records.nesting.WAITING", 10)
    found = _read(*[[{**_call(f"s{n}"), **BARE}] for n in range(100)])
    first = next(place for place, reading in enumerate(found) if isinstance(reading, Row))
    assert len(_ids(found)) == 100
    assert first < 20, "those that waited longest come while the file is read"


def test_a_log_record_of_a_span_that_was_counted_is_the_same_call() -> None:
    counts = {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 1, "gen_ai.request.model": "m"}
    request = export_request({
        "spans": [_call("a", **{"gen_ai.response.id": "chatcmpl-1"})],
        "logs": [{"name": "gen_ai.client.inference.operation.details", "at": 1, "trace": "t", "span": "a", "attributes": counts}],
    })  # fmt: skip
    assert _ids(list(read_file([Record(request, 1)], Context("x")))) == ["chatcmpl-1"]


def test_a_sum_alone_comes_at_the_end_with_its_own_line() -> None:
    found = _read([AGENT], [{**_call("z"), "trace": "other"}])
    assert _ids(found) == ["other:z", "t:agent"]
    assert [r.line for r in found if isinstance(r, Row)] == [None, 1]


def test_a_call_inside_a_call_that_was_counted_is_left_out() -> None:
    assert _ids(_read([_call("outer")], [_call("inner", "outer")])) == ["t:outer"]
    assert _ids(_read([_call("inner", "outer")], [_call("outer")])) == ["t:inner"]


def test_every_record_gives_a_reading() -> None:
    found = list(read_file([Record({"resourceSpans": []}, 1), Record({"a": 1}, 2), Record([], 3)], Context("x")))
    assert [type(r) for r in found] == [Skip, Problem, Problem]


def test_snake_case_and_arrays_of_requests_are_read() -> None:
    span = {
        "trace_id": "t",
        "span_id": "a",
        "start_time_unix_nano": EPOCH,
        "attributes": pairs(_call("a")["attributes"]),
    }
    value = [{"resource_spans": [{"scope_spans": [{"spans": [span]}]}]}]
    assert _ids(list(read_file([Record(value, 1)], Context("x")))) == ["t:a"]


def _attributes(path: Any) -> Iterator[dict[str, str]]:
    for held in json.loads(path.read_text(encoding="utf-8"))["resourceSpans"]:
        for scoped in held["scopeSpans"]:
            for span in scoped["spans"]:
                yield {a["key"]: a["value"].get("stringValue", "") for a in span["attributes"]}


@pytest.mark.parametrize(
    ("name", "rows", "tokens_in", "tokens_out"),
    [
        ("google-gemini-2025-08-01", 1, 6, 2055),
        ("llamaindex-2025-06-05", 1, 13, 81),
        ("pydantic-ai-tools-2025-12-04", 4, 265 + 417 + 502 + 131, 73 + 53 + 14 + 69),
        ("koog-2025-08-26", 2, 0, 0),
    ],
)
def test_the_sums_are_those_of_the_raw_model_calls(name: str, rows: int, tokens_in: int, tokens_out: int) -> None:
    path = shared_data("formats", "otlp_json_genai", f"{name}.json")
    calls = [
        a
        for a in _attributes(path)
        if a.get("gen_ai.operation.name") == "chat" or a.get("openinference.span.kind") == "LLM"
    ]
    raw = [sum(int(a.get(new) or a.get(old) or 0) for a in calls) for new, old in (
        ("gen_ai.usage.input_tokens", "llm.token_count.prompt"), ("gen_ai.usage.output_tokens", "llm.token_count.completion"))]  # fmt: skip
    found = list(read_file((r for r in records(path, "json") if isinstance(r, Record)), Context(str(path))))
    usages = [r.usage for r in found if isinstance(r, Row) and r.usage is not None]
    assert len(usages) == len(calls) == rows
    assert (
        [sum(u.get("input_tokens") or 0 for u in usages), sum(u.get("output_tokens") or 0 for u in usages)]
        == raw
        == [tokens_in, tokens_out]
    )
    assert sum(isinstance(r, Problem) and r.kind == "no-usage" for r in found) == (2 if name.startswith("koog") else 0)
