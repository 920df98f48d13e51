"""The log of Text Generation Inference's router, as text or as JSON lines (``--json-output``).

From: what the server writes to its standard output (https://huggingface.co/docs/text-generation-inference, 2026-11-24). A row is
one finished request. The line carries times, not counts: **output tokens = inference_time / time_per_token**, rounded (735.2 /
36.7 = 20 where 20 were asked for), so they are estimates, and the input is unknown. Times are written in ns, µs, ms and s,
mixed on one line. The stamp is in UTC and stands at the end of the request. The model is the one that the launcher's arguments name.

The provider is ``tgi``, which has no price: what it costs are GPU hours, a flat charge or a price file of your own. Left out:
input tokens; the time to the first token; who asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known
from llmcost.records.serverlog import seconds_of
from llmcost.records.shapes import mapping, word
from llmcost.records.values import count, instant, number
from llmcost.usage.columns import Usage

_LINE: Final = re.compile(
    r"^(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z)\s+(?P<level>INFO|ERROR)\s+(?:HTTP request\{[^}]*\}:)?"
    r"(?P<route>\w+)\{(?P<fields>.*)\}: text_generation_router"
)
_FIELD: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_MODEL: Final = re.compile(r'\bmodel_id: "([^"]+)"')
_ROUTES: Final = {
    "generate": "text_completion", "generate_stream": "text_completion", "compat_generate": "text_completion", "completions": "text_completion",
    "chat_completions": "chat", "vertex_compatibility": "text_completion", "sagemaker_compatibility": "text_completion",
}  # fmt: skip
_CAP: Final = re.compile(r"max_new_tokens: Some\((\d{1,9})\)")
_TEMPERATURE: Final = re.compile(r"temperature: Some\((\d{1,3}(?:\.\d{1,9})?)\)")


@dataclass
class _Server:
    """The model that the launcher named."""

    model: str | None = None


@dataclass(frozen=True, slots=True)
class _Event:
    """One line of the router about a request."""

    time: Any
    level: str
    route: str
    fields: Mapping[str, Any]


def sniff(sample: Sample) -> bool:
    """Claims lines of the router about requests."""
    if sample.form == "text":
        return any(_of_text(line) is not None for line in sample.head.splitlines())
    return sample.form == "jsonl" and any(_of_json(line) is not None for line in sample.objects())


def _of_text(line: str) -> _Event | None:
    found = _LINE.match(line)
    if found is None or found["route"] not in _ROUTES:
        return None
    fields = {**dict(_FIELD.findall(found["fields"])), "parameters": found["fields"]}
    return _Event(found["time"], found["level"], found["route"], fields)


def _of_json(line: dict[str, Any]) -> _Event | None:
    span = mapping(line.get("span"))
    route = word(span.get("name"))
    if route not in _ROUTES or not word(line.get("target")).startswith("text_generation_router"):
        return None
    return _Event(line.get("timestamp"), word(line.get("level")), route, span)


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The requests of one log in order."""
    server = _Server()
    for record in records:
        notes = Notes()
        yield from notes.after(_line(server, record.value, notes))


def _line(server: _Server, line: Any, notes: Notes) -> Iterator[Reading]:
    if not isinstance(line, str | dict):
        yield Problem("no-line", "neither a line of text nor an object")
        return
    event = _of_text(line) if isinstance(line, str) else _of_json(line)
    if event is None:
        text = line if isinstance(line, str) else word(mapping(line.get("fields")).get("message"))
        if "Args" in text and (named := _MODEL.search(text)) is not None:
            server.model = named[1]
        yield Skip("no request")
    elif event.level == "ERROR" or "total_time" in event.fields:
        yield Row(known({**_facts(event, notes), "request_model": server.model}))
    else:
        yield Skip("a request that is not finished")


def _facts(event: _Event, notes: Notes) -> Usage:
    whole, busy, each = (_time(event, name, notes) for name in ("total_time", "inference_time", "time_per_token"))
    ended = instant(event.time, "timestamp")
    asked = word(event.fields.get("parameters"))
    cap, warmth = _CAP.search(asked), _TEMPERATURE.search(asked)
    row = Usage(
        started_at=ended if ended is None or whole is None else ended - int(whole * 1_000_000),
        duration_ms=None if whole is None else int((whole * 1000).to_integral_value()),
        provider_name="tgi",
        operation_name=_ROUTES[event.route],
        status="error" if event.level == "ERROR" else "ok",
        requests=1,
        max_output_tokens=int(cap[1]) if cap else None,
        temperature=notes.soft(number, warmth[1], "temperature") if warmth else None,
    )
    if event.level != "ERROR":
        row.update(_made(busy, each, notes))
    return row


def _made(busy: Decimal | None, each: Decimal | None, notes: Notes) -> Usage:
    if busy is None or not each:
        notes.append(Problem("no-usage", "the line has no times to tell the output from", rejected=False))
        return Usage()
    made = count((busy / each).to_integral_value(ROUND_HALF_EVEN), "inference_time / time_per_token")
    return Usage(output_tokens=made, token_source="estimate")


def _time(event: _Event, name: str, notes: Notes) -> Decimal | None:
    written = event.fields.get(name)
    if written is None:
        return None
    found = seconds_of(word(written))
    if found is None or found > 10**7:
        notes.append(Problem("not-a-time", f"{name} is no time with a unit", rejected=False))
        return None
    return found


SOURCE: Final = Source(
    title="Text Generation Inference router log",
    grain="requests",
    forms=("text", "jsonl"),
    sniff=sniff,
    read_file=read_file,
    knows=frozenset({
        "started_at", "duration_ms", "provider_name", "request_model", "operation_name", "status", "requests", "output_tokens", "max_output_tokens",
        "temperature", "token_source",
    }),
    url="https://huggingface.co/docs/text-generation-inference",
    checked="2026-11-24",
)  # fmt: skip
