"""LangSmith's runs: calls that LangChain or the LangSmith SDK traced. The model's provider is who bills.

From: the runs API or SDK as JSON or JSONL (``{runs: [..]}``, one run a line), the Parquet bulk export, or the ``post`` and
``patch`` that the SDK sends (https://docs.langchain.com/langsmith/run-data-format and ../data-export, 2026-11-24). A row is one
run of type ``llm`` (or ``embedding``): the runs around it carry summed tokens and are left out, and of one ``llm`` run
inside another only one counts, the first that has counts.

- Counts come from ``usage_metadata`` (in the outputs, in a message, or in the metadata), else from the provider's ``usage``, else
  from ``prompt_tokens`` and ``completion_tokens`` of the run. LangChain's input contains cache reads and writes, its output contains
  reasoning, and total = input + output; a total that only another reading meets decides otherwise. Where writes are split
  by lifetime, ``cache_creation`` is 0 and the parts are beside it.
- ``total_cost`` is what LangSmith computed from its price list, or what the caller told it, in USD.
- ``id`` is the provider's where the outputs hold its answer, else the run's.
- ``session_id`` or ``session_name`` is the project; the conversation is ``thread_id`` or ``session_id`` of the metadata.

Left out: feedback, and prompts in LangChain's own serialisation, which is not what the provider saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.calls import tier_of
from llmcost.records.contract import Body, Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.gateways import GATEWAY_KNOWS, json_list, json_object
from llmcost.records.labels import Notes, labels_of
from llmcost.records.nesting import Nesting
from llmcost.records.openai_chat import chat_body, chat_request
from llmcost.records.rows import known
from llmcost.records.settle import Inside, settle
from llmcost.records.shapes import items, mapping, word
from llmcost.records.values import count, instant, is_absent, money, text
from llmcost.usage.columns import Usage
from llmcost.usage.names import provider

_MARKS: Final = frozenset({"id", "run_type", "start_time"})
_CALLS: Final = {"llm": "chat", "embedding": "embeddings"}
_PROVIDER_IDS: Final = ("chatcmpl-", "resp_", "msg_", "gen-", "cmpl-")
"""How ids of providers' answers begin; LangChain's own begin with ``run-``."""


def sniff(sample: Sample) -> bool:
    """Claims runs by their id, type and start, or the pair that the SDK sends."""
    if sample.header:
        return set(sample.header) >= _MARKS
    return any(run.keys() >= _MARKS for record in sample.records for run in _runs(record))


def _runs(value: Any) -> Iterator[dict[str, Any]]:
    """The runs of a record: one, those of a page, or those that ``post`` starts and ``patch`` ends."""
    if isinstance(value, dict) and "run_type" not in value:
        if isinstance(value.get("post"), list):
            value = _joined([*value["post"], *items(value.get("patch"))])
        else:
            value = next((value[key] for key in ("runs", "data") if isinstance(value.get(key), list)), value)
    yield from (run for run in (value if isinstance(value, list) else [value]) if isinstance(run, dict))


def _joined(sent: list[Any]) -> list[dict[str, Any]]:
    runs: dict[str, dict[str, Any]] = {}
    for part in (p for p in sent if isinstance(p, dict)):
        order = word(part.get("dotted_order")).rpartition(".")[2]
        own = word(part.get("id")) or order.partition("Z")[2]  # a patch may name its run in the order alone
        runs.setdefault(own, {}).update({k: v for k, v in part.items() if v not in (None, {}, [])} | {"id": own})
    return list(runs.values())


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The rows of a file; of nested model runs one counts."""
    nesting = Nesting()
    for record in records:
        runs = list(_runs(record.value))
        for run in runs:
            nesting.place(word(run.get("id")), word(run.get("parent_run_id")))
        for run in runs:
            notes = Notes()
            yield from notes.after(_one(run, nesting, notes, record.line))
        if not runs:
            page = isinstance(record.value, dict | list)
            yield Skip("a page without runs") if page else Problem("no-call", "not a run of LangSmith")
    yield from nesting.rest()


def _one(run: dict[str, Any], nesting: Nesting, notes: Notes, line: int) -> Iterator[Reading]:
    if "run_type" not in run:
        yield Problem("no-call", "no run_type: not a run of LangSmith")
        return
    kind = word(run.get("run_type")).lower()
    if kind not in _CALLS:
        yield Skip("a run that is no model call")
        return
    own = notes.soft(text, run.get("id"), "id")
    row = _row(run, own, _CALLS[kind], notes)
    yield from nesting.told(own, row, notes, line, "a model run around or inside one that was counted")


def _row(run: dict[str, Any], own: str | None, operation: str, notes: Notes) -> Row:
    inputs, outputs, extra = (json_object(run.get(name), notes, name) for name in ("inputs", "outputs", "extra"))
    meta = {**mapping(extra.get("metadata")), **json_object(run.get("metadata"), notes, "metadata")}
    asked = {**mapping(meta.get("ls_invocation_params")), **mapping(extra.get("invocation_params")), **inputs}
    message = _message(outputs)
    told = {**mapping(mapping(outputs.get("llm_output"))), **mapping(message.get("response_metadata"))}
    full = labels_of({}, (_labels(meta), _tags(run, notes)), notes)
    full.update(known({**chat_request({k: v for k, v in asked.items() if k != "messages"}, notes), "user_id": None}))
    full.update(_identity(run, own, meta, {**told, **outputs}, notes))
    full.update(_times(run, notes))
    full["operation_name"], full["requests"] = operation, 1
    full["billed_cost"] = money(run.get("total_cost"), "total_cost")
    full["status"] = _status(run)
    full.update(_counts(run, outputs, message, meta, notes))
    if full["status"] == "ok" and "token_source" not in full:
        notes.append(Problem("no-usage", "the run carries no usage; its tokens are unknown", rejected=False))
    return Row(known(full), body=_body(inputs, outputs))


def _message(outputs: dict[str, Any]) -> dict[str, Any]:
    """The message of LangChain's first generation, out of its serialisation."""
    generation: Any = outputs.get("generations")
    while isinstance(generation, list):
        generation = generation[0] if generation else None
    message = mapping(mapping(generation).get("message")) or mapping(outputs.get("message"))
    return mapping(message.get("kwargs")) or message


def _labels(meta: dict[str, Any]) -> dict[str, Any]:
    """The caller's own metadata; what LangSmith and its SDK add there is no label."""
    return {name: value for name, value in meta.items() if not name.startswith(("ls_", "LANGSMITH_", "revision_id"))}


def _tags(run: dict[str, Any], notes: Notes) -> dict[str, str]:
    return {tag: "true" for tag in json_list(run.get("tags"), notes, "tags") if isinstance(tag, str)}


def _identity(run: dict[str, Any], own: str | None, meta: dict[str, Any], told: dict[str, Any], notes: Notes) -> Usage:
    answer = notes.soft(text, told.get("id"), "id")
    named = notes.soft(text, meta.get("ls_provider") or told.get("model_provider"), "ls_provider")
    choices = told.get("choices")
    first = mapping(choices[0]) if isinstance(choices, list) and choices else {}
    reason = next(
        (r for r in (told.get("finish_reason"), told.get("stop_reason"), word(first.get("finish_reason"))) if r), None
    )
    found = Usage(
        request_id=answer if answer is not None and answer.startswith(_PROVIDER_IDS) else own,
        provider_name=provider(named),
        request_model=notes.soft(text, meta.get("ls_model_name"), "ls_model_name"),
        response_model=notes.soft(text, told.get("model_name") or told.get("model"), "model"),
        finish_reason=notes.soft(text, reason, "finish_reason"),
        service_tier=tier_of(told.get("service_tier"), notes),
        project=notes.soft(text, run.get("session_name") or run.get("session_id"), "session_id"),
    )
    return known(found)


def _times(run: dict[str, Any], notes: Notes) -> Usage:
    start, end, first = (notes.soft(instant, run.get(n), n) for n in ("start_time", "end_time", "first_token_time"))
    found = Usage(started_at=start)
    if start is not None and end is not None and end >= start:
        found["duration_ms"] = (end - start) // 1000
    if start is not None and first is not None and first >= start:
        found["time_to_first_token_ms"] = (first - start) // 1000
    return known(found)


def _status(run: dict[str, Any]) -> str | None:
    if not is_absent(run.get("error")) or word(run.get("status")).lower() == "error":
        return "error"
    return None if word(run.get("status")).lower() == "pending" else "ok"


def _counts(
    run: dict[str, Any], outputs: dict[str, Any], message: dict[str, Any], meta: dict[str, Any], notes: Notes
) -> Usage:
    """The counters of the first place that has any."""
    places = (
        outputs.get("usage_metadata"), message.get("usage_metadata"), meta.get("usage_metadata"), outputs.get("usage"),
        mapping(outputs.get("llm_output")).get("token_usage"), mapping(message.get("response_metadata")).get("token_usage"), _of_run(run, notes),
    )  # fmt: skip
    usage = next((mapping(place) for place in places if any(_some(mapping(place), *names) for names in _SIDES)), {})
    if not usage:
        return Usage()
    into = mapping(_first(usage, "input_token_details", "prompt_tokens_details", "input_tokens_details"))
    out = mapping(_first(usage, "output_token_details", "completion_tokens_details", "output_tokens_details"))
    written, hour = _written({**into, **_anthropic(usage)})
    found = {
        "input_tokens": count(_first(usage, *_SIDES[0]), "input_tokens"),
        "output_tokens": count(_first(usage, *_SIDES[1]), "output_tokens"),
        "cache_read_input_tokens": count(
            _first({**into, **usage}, "cache_read", "cached_tokens", "cache_read_input_tokens"), "cache_read"
        ),
        "cache_creation_input_tokens": written,
        "cache_creation_1h_input_tokens": hour,
        "reasoning_output_tokens": count(_first(out, "reasoning", "reasoning_tokens"), "reasoning"),
        "input_audio_tokens": count(_first(into, "audio", "audio_tokens"), "audio"),
        "output_audio_tokens": count(_first(out, "audio", "audio_tokens"), "audio"),
    }
    total = notes.soft(count, usage.get("total_tokens"), "total_tokens")
    own = Inside(read=False, written=False) if _OWN_CACHE & usage.keys() else None  # Anthropic's words and meaning
    return Usage(**settle(found, total, notes, habit=own), token_source="provider")


_OWN_CACHE: Final = frozenset({"cache_read_input_tokens", "cache_creation_input_tokens"})
_SIDES: Final = (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens"))


def _first(held: dict[str, Any], *names: str) -> Any:
    return next((held[name] for name in names if held.get(name) is not None), None)


def _some(held: dict[str, Any], *names: str) -> bool:
    return str(_first(held, *names)) not in {"None", "0"}


def _of_run(run: dict[str, Any], notes: Notes) -> dict[str, Any]:
    details = {
        name: json_object(run.get(held), notes, held)
        for name, held in (
            ("input_token_details", "prompt_token_details"),
            ("output_token_details", "completion_token_details"),
        )
    }
    return {**{name: run.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}, **details}


def _anthropic(usage: dict[str, Any]) -> dict[str, Any]:
    """Anthropic's own words for what was written, in those of LangChain."""
    written = usage.get("cache_creation_input_tokens")
    return {} if written is None else {"cache_creation": written}


def _written(into: dict[str, Any]) -> tuple[int | None, int | None]:
    """All written tokens and the hour's part; a total beside its own parts is not added to them."""
    whole = count(_first(into, "cache_creation", "cache_write_tokens"), "cache_creation")
    short, hour = (
        count(into.get(f"ephemeral_{life}_input_tokens"), f"ephemeral_{life}_input_tokens") for life in ("5m", "1h")
    )
    if short is None and hour is None:
        return whole, None
    parts = (short or 0) + (hour or 0)
    return (parts if (whole or 0) in {0, parts} else (whole or 0) + parts), hour or 0


def _body(inputs: dict[str, Any], outputs: dict[str, Any]) -> Body | None:
    """The texts, where the run holds what the provider saw (the SDK's wrappers do)."""
    return chat_body(inputs, outputs)


SOURCE: Final = Source(
    title="LangSmith runs",
    grain="requests",
    forms=("jsonl", "json", "parquet", "csv"),
    sniff=sniff,
    read_file=read_file,
    knows=GATEWAY_KNOWS,
    url="https://docs.langchain.com/langsmith/run-data-format",
    checked="2026-11-24",
    identity="the answer's id, else the run's id",
)
