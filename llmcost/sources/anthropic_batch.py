"""Results of Anthropic's Message Batches.

From: the batch's ``results_url`` (https://platform.claude.com/docs/en/api/retrieving-message-batch-results, 2026-11-24),
one line a request, in any order. A row is one line; its message is billed at half price, and cache discounts stack on
that. Only ``succeeded`` requests are billed: errors are rows without cost, ``canceled`` and ``expired`` requests never
ran and are skipped. The message's input count leaves cached and written tokens out, the row's contains them. Left out:
any time, and what was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.anthropic import MESSAGES_KNOWS, messages_readings, provider_of_id
from llmcost.records.batches import NEVER_RAN, at_batch_rate, failed
from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.exchange import Exchange
from llmcost.records.shapes import mapping, word
from llmcost.usage.columns import Usage

_KINDS: Final = frozenset({"succeeded", "errored", "canceled", "expired"})


def sniff(sample: Sample) -> bool:
    """Claims lines of a request's own id with a typed result."""
    return sample.form in {"jsonl", "json"} and any(_is_line(line) for line in sample.objects())


def _is_line(line: dict[str, Any]) -> bool:
    return "custom_id" in line and word(mapping(line.get("result")).get("type")) in _KINDS


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one line."""
    line = record.value
    if not isinstance(line, dict) or not _is_line(line):
        return [Problem("no-call", "the line is no result of a batch")]
    return _line(mapping(line["result"]))


def _line(result: dict[str, Any]) -> Iterator[Reading]:
    kind, message = result["type"], mapping(result.get("message"))
    if kind in NEVER_RAN:
        yield Skip("a request that the batch never ran")
    elif kind == "errored":
        error = mapping(result.get("error"))
        own_id = error.get("request_id")
        yield failed(own_id if isinstance(own_id, str) else None, "anthropic")
    elif not message:
        yield Problem("no-call", "a request that succeeded, without its message")
    else:
        call = Exchange({}, message, (), Usage())
        yield from at_batch_rate(messages_readings(call, provider_of_id(message.get("id")) or "anthropic"))


SOURCE: Final = Source(
    title="Anthropic message batch results",
    grain="requests",
    forms=("jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=MESSAGES_KNOWS,
    url="https://platform.claude.com/docs/en/api/retrieving-message-batch-results",
    checked="2026-11-24",
)
