"""Claude Code's session logs: ``~/.claude/projects/<folder>/<session>.jsonl``.

From: the files that Claude Code writes (also under ``~/.config/claude`` or ``CLAUDE_CONFIG_DIR``; sub-agents in
``<session>/subagents/agent-*.jsonl``), seen in versions 1.0.98 to 2.1.220 (https://code.claude.com/docs/en/data-usage,
2026-11-23). A row is one line of type ``assistant`` with usage, which has Anthropic's meaning: ``input_tokens`` there
is only the uncached rest, thinking is inside the output.

One API message is written as several lines, one for each content block, with the same message id, the same input
counters and an output count that grows (3, then 172); resumed, forked and compacted sessions copy lines into other
files. Every line is given as it stands: **the ingest keeps, for each (provider, request_id), the version with the
largest output_tokens and the earliest time.** Without that the real sample's 262 lines would be 170 requests.

In whole versions no line has the final output count (anthropics/claude-code#22671: 60 times too low), and calls that died
early keep a placeholder of 1 to 3. Where the content of a message cannot be so few tokens, that is a problem
(``output-placeholder``): the row keeps its count, which is too low.

Left out: the system prompt and tool definitions, so prompts are not given. ``costUSD`` (old versions) is the tool's own estimate and no charge, so it is not
taken: on a subscription nothing was charged for the call at all.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.agents import PLACEHOLDER_MODELS, folder_name
from llmcost.records.anthropic import (
    MESSAGES_KNOWS,
    calls_inside,
    iterations,
    messages_usage,
    provider_of_id,
    tier_and_region,
)
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.prompts import dump
from llmcost.records.rows import known, tags_of
from llmcost.records.shapes import mapping, objects, word
from llmcost.records.values import instant, text
from llmcost.usage.columns import Usage

_CHARACTERS: Final = 12
_CALL_TOKENS: Final = 15
"""A tool call's name and frame: the shortest calls of a real session count 57 tokens."""
_REMEMBERED: Final = 10_000
_BEDROCK: Final = re.compile(r"^(?:(us|eu|apac|jp|au|global)\.)?anthropic\.claude-")


def sniff(sample: Sample) -> bool:
    """Claims lines that hang together by uuids inside a session."""
    return sample.form in {"jsonl", "json"} and any(_is_line(line) for line in sample.objects())


def _is_line(line: dict[str, Any]) -> bool:
    if line.get("type") == "summary":
        return "leafUuid" in line
    return (
        isinstance(line.get("type"), str)
        and "sessionId" in line
        and "uuid" in line
        and ("parentUuid" in line or "isSidechain" in line)
    )


def read_file(records: Iterable[Record], _context: Context) -> Iterator[Reading]:
    """The rows of the lines in order; behind the last, the messages whose output no line counted to its end."""
    suspects = _Suspects()
    for record in records:
        yield from _line(record.value)
        yield from suspects.look_at(record)
    yield from suspects.all()


class _Suspects:
    """Messages that hold more than their output count, the longest unseen first; a later line may still clear one."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        """By message id: its first suspicious line, the largest count so far, the least that its content must be."""

    def look_at(self, record: Record) -> Iterator[Problem]:
        """Takes a line into account; gives the oldest suspect when there are too many to remember."""
        message = mapping(record.value.get("message")) if isinstance(record.value, dict) else {}
        own_id, said = word(message.get("id")), mapping(message.get("usage")).get("output_tokens")
        if not own_id or not isinstance(said, int) or word(message.get("model")) in PLACEHOLDER_MODELS:
            return
        line, most, least = self._found.pop(own_id, (record.line, 0, 0))
        most, least = max(most, said), least + sum(map(_least_tokens, objects(message.get("content"))))
        if most >= least:
            return
        self._found[own_id] = line, most, least
        if len(self._found) > _REMEMBERED:
            yield self._told(*self._found.popitem(last=False))

    def all(self) -> Iterator[Problem]:
        """The suspects that are left."""
        for own_id, seen in self._found.items():
            yield self._told(own_id, seen)

    @staticmethod
    def _told(own_id: str, seen: tuple[int, int, int]) -> Problem:
        line, most, least = seen
        detail = f"{own_id} counts {most} output tokens, its content is {least} at least: a placeholder, too low"
        return Problem("output-placeholder", detail, rejected=False, line=line)


def _least_tokens(block: dict[str, Any]) -> int:
    """What a content block must have cost at the least: no text has more than a dozen characters a token for long."""
    texts = (block[k] for k in ("text", "thinking") if isinstance(block.get(k), str))
    calls = len(dump(block["input"])) if isinstance(block.get("input"), dict | list) else 0
    framed = _CALL_TOKENS if block.get("type") == "tool_use" else 0
    return framed + (sum(map(len, texts)) + calls) // _CHARACTERS


def _line(line: Any) -> Iterator[Reading]:
    if not isinstance(line, dict):
        yield Problem("no-call", "not an object")
        return
    message = line.get("message")
    if line.get("type") != "assistant" or not isinstance(message, dict):
        yield Skip("no answer of a model")
    elif word(message.get("model")) in PLACEHOLDER_MODELS:
        yield Skip("a text that Claude Code made itself")
    elif not isinstance(message.get("usage"), dict) and not message.get("model"):
        yield Skip("an answer without model and usage")
    else:
        notes = Notes()
        yield from notes.after(_answer(line, message, notes))


def _answer(line: dict[str, Any], message: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    row = _facts(line, message, notes)
    usage = message.get("usage")
    if line.get("isApiErrorMessage"):
        row["status"] = "error"
    elif not isinstance(usage, dict):
        notes.append(Problem("no-usage", "the answer carries no usage; its tokens are unknown", rejected=False))
    else:
        row.update(messages_usage(usage, notes))
        row.update(tier_and_region(usage, notes))
        row["requests"] = calls_inside(_plain_iterations(usage), notes)
        row["token_source"] = "provider"
    main = known(row)
    yield Row(main)
    if isinstance(usage, dict):
        yield from iterations(_plain_iterations(usage), main, notes)


def _plain_iterations(usage: dict[str, Any]) -> dict[str, Any]:
    """Newer versions call an ordinary iteration ``iteration``."""
    ran = usage.get("iterations")
    known = (
        [{**i, "type": "message"} if i.get("type") == "iteration" else i for i in ran if isinstance(i, dict)]
        if isinstance(ran, list)
        else []
    )
    return {**usage, "iterations": known}


def _facts(line: dict[str, Any], message: dict[str, Any], notes: Notes) -> Usage:
    model = notes.soft(text, message.get("model"), "model")
    own_id = notes.soft(text, message.get("id"), "message.id") or notes.soft(text, line.get("requestId"), "requestId")
    bedrock = _BEDROCK.match(model or "")
    return Usage(
        request_id=own_id,
        call_role="subcall" if line.get("isSidechain") else "primary",
        started_at=notes.soft(instant, line.get("timestamp"), "timestamp"),
        provider_name=_provider(model, message.get("id")),
        response_model=model,
        operation_name="chat",
        region=bedrock[1] if bedrock else None,
        status="partial" if line.get("isAbortedMidStream") else "ok",
        finish_reason=notes.soft(text, message.get("stop_reason"), "stop_reason"),
        requests=1,
        project=folder_name(notes.soft(text, line.get("cwd"), "cwd")),
        feature="claude-code",
        conversation_id=notes.soft(text, line.get("sessionId"), "sessionId"),
        tags=tags_of({key: line[key] for key in ("gitBranch", "version", "agentId") if isinstance(line.get(key), str)}),
    )


def _provider(model: str | None, message_id: Any) -> str | None:
    """Who served: Bedrock and Vertex write the model in their own form; another vendor's model came through a proxy."""
    if _BEDROCK.match(model or "") or (model or "").startswith("arn:aws:bedrock"):
        return "bedrock"
    if model is not None and re.match(r"^claude-.*@", model):
        return "vertex_ai"
    if model is not None and not model.startswith("claude"):
        return None
    return provider_of_id(message_id) or "anthropic"


SOURCE: Final = Source(
    identity="message.id, else requestId",
    title="Claude Code session logs",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read_file=read_file,
    knows=MESSAGES_KNOWS & frozenset({
        "request_id", "parent_request_id", "call_role", "started_at", "provider_name", "request_model", "response_model", "operation_name", "service_tier", "region",
        "status", "finish_reason", "requests", "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
        "cache_creation_1h_input_tokens", "output_tokens", "reasoning_output_tokens", "web_search_requests", "project", "feature", "conversation_id",
        "tags", "token_source",
    }),
    url="https://code.claude.com/docs/en/data-usage",
    checked="2026-11-23",
)  # fmt: skip
