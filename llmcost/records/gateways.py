"""What the logs of gateways and tracing tools share: JSON inside cells, bodies beside counts, their own caches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from llmcost.money import ZERO
from llmcost.records.anthropic import MESSAGES_KNOWS, messages_readings
from llmcost.records.contract import Body, Problem, Reading, Row
from llmcost.records.exchange import Exchange
from llmcost.records.jsontext import BadJsonError, decode
from llmcost.records.labels import Notes
from llmcost.records.openai_chat import CHAT_KNOWS, chat_readings
from llmcost.records.openai_responses import responses_readings
from llmcost.records.rows import known
from llmcost.records.sse import events_of_list, events_of_text, is_stream
from llmcost.records.values import BadValueError, as_json
from llmcost.usage.columns import COUNTERS, Usage

Apis = dict[str, Callable[[Exchange, str | None], Iterator[Reading]]]
_APIS: Final[Apis] = {"chat": chat_readings, "messages": messages_readings, "responses": responses_readings}
GATEWAY_KNOWS: Final = CHAT_KNOWS | MESSAGES_KNOWS | {"billed_cost", "file_search_requests", "code_execution_sessions"}
"""The columns that a gateway's log can fill, with the bodies in it."""
_ANSWERS: Final = frozenset({"choices", "usage", "output", "content"})
_COUNTS: Final = frozenset(COUNTERS) - {"requests"}
_OWN: Final = ("requests", "status", "billed_cost", "tags", "started_at")
"""What the gateway knows better than the bodies."""
_SILENT: Final = frozenset({"no-usage", "stream-without-usage"})


def json_object(value: Any, notes: Notes, name: str) -> dict[str, Any]:
    """A JSON object that may come as JSON text; anything else is empty."""
    if isinstance(value, str) and value.strip()[:1] == "{":
        try:
            value = decode(value.encode("utf-8", "replace"))
        except BadJsonError:
            notes.append(Problem("bad-json", f"{name} is not JSON", rejected=False))
    return value if isinstance(value, dict) else {}


def json_list(value: Any, notes: Notes, name: str) -> list[Any]:
    """A JSON array that may come as JSON text; anything else is empty."""
    if isinstance(value, str) and value.strip()[:1] == "[":
        return json_list(json_object('{"list":' + value + "}", notes, name).get("list"), notes, name)
    return value if isinstance(value, list) else []


def with_tag(tags: str | None, **added: str | None) -> str | None:
    """The column ``tags`` with more labels."""
    said = {name: word for name, word in added.items() if word}
    return as_json({**decode((tags or "{}").encode()), **said}) if said else tags


def as_gateway_hit(row: Usage) -> None:
    """Makes the row one that the gateway answered from a cache of its own: no provider was called, nothing is billed."""
    row["requests"], row["billed_cost"] = 0, row.get("billed_cost") or ZERO
    row["tags"] = with_tag(row.get("tags"), gateway_cache_hit="true")


def call_of(request: Any, answer: Any, labels: Usage, *, status: int | None, url: str | None) -> Exchange | None:
    """The call whose bodies a log holds, None without an answer that could be read."""
    if isinstance(answer, str) and is_stream(answer):
        return Exchange(_object(request), {}, tuple(events_of_text(answer)), labels, status, url)
    if isinstance(answer, list):
        events = tuple(events_of_list(answer))
        return Exchange(_object(request), {}, events, labels, status, url) if events else None
    response = _object(answer)
    if not _ANSWERS & response.keys():
        return None
    return Exchange(_object(request), response, (), labels, status, url)


def _object(value: Any) -> dict[str, Any]:
    return json_object(value, Notes(), "body")


def with_bodies(row: Usage, call: Exchange | None, notes: Notes) -> Iterator[Reading]:
    """``row``, and over it what the bodies in the log say: the provider's own counts, id, model and request.

    The gateway's word stands for times, owners, outcome and charge. Counts of a body are the provider's own and replace
    the gateway's, which often leave parts out. Further calls inside an answer come as rows of their own.
    """
    readings = _APIS.get(call.api or "") if call is not None else None
    if call is None or readings is None:
        yield Row(row)
        return
    try:
        found = list(readings(call, row.get("provider_name")))
    except BadValueError as error:
        notes.append(Problem(error.kind, error.detail, rejected=False))
        found = []
    rows = [reading for reading in found if isinstance(reading, Row) and reading.usage is not None]
    notes.extend(_problems(found))
    if not rows:
        yield Row(row)
        return
    yield _over(row, rows[0])
    yield from rows[1:]


def _problems(found: Iterable[Reading]) -> Iterator[Problem]:
    """What was odd about the bodies; that the counts are missing is for the gateway's reader to say."""
    for problem in found:
        if isinstance(problem, Problem) and problem.kind not in _SILENT:
            yield replace(problem, rejected=False)


def _over(row: Usage, told: Row) -> Row:
    """The gateway's row with what the bodies tell. A hit in its cache answers with the first call's id: that is its parent."""
    said: dict[str, Any] = dict(known(dict(told.usage or {})))
    counted = said.get("input_tokens") is not None or said.get("output_tokens") is not None
    base: dict[str, Any] = {k: v for k, v in row.items() if not (counted and k in _COUNTS)}
    kept: dict[str, Any] = {name: base[name] for name in _OWN if name in base}
    if row.get("requests") == 0 and (first := said.pop("request_id", None)) != row.get("request_id"):
        kept["parent_request_id"] = first
    return Row(known({**base, **said, **kept}), body=told.body)


def unredacted(body: Body | None, word: str) -> Body | None:
    """The body, None when the gateway replaced its texts by ``word``: all prompts would look like one."""
    return None if body is not None and any(part.text.strip() == word for part in body.parts) else body
