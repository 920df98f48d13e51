"""LiteLLM's spend logs: rows of the proxy's table ``LiteLLM_SpendLogs``.

From: the table itself (``COPY "LiteLLM_SpendLogs" TO .. CSV HEADER``), ``GET /spend/logs``, pages of
``/spend/logs/v2``, or the GCS and Pub/Sub loggers (https://docs.litellm.ai/docs/proxy/cost_tracking and
litellm 1.109.1 ``proxy/spend_tracking/spend_tracking_utils.py``, 2026-11-23). A row is one call.

What its fields mean: :mod:`llmcost.records.litellm`. Cached tokens are inside ``prompt_tokens``, reasoning is inside
``completion_tokens``. The table can also be read where it is: ``llmcost ingest postgresql://user@host/db``.

A hit in LiteLLM's own response cache keeps the counts of the first answer, costs nothing, and gets that answer's id
with ``_cache_hit<time>`` behind it: the row stays, with ``requests`` 0, the tag ``gateway_cache_hit`` and the first
answer as its parent; it must not be merged with it. Left out: prompts and answers, unless the proxy stores them;
a failed call's counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.litellm import LITELLM_KNOWS, spend_log

_MARKS: Final = frozenset({"request_id", "spend", "startTime", "call_type"})


def sniff(sample: Sample) -> bool:
    """Claims rows or pages of rows that name their spend, start and call type in LiteLLM's spelling."""
    if sample.header:
        return set(sample.header) >= _MARKS
    return any(row.keys() >= _MARKS for record in sample.records for row in _rows(record))


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get("data"), list) and "request_id" not in value:
        value = value["data"]
    yield from (row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict))


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one record, or of one page."""
    found = False
    for row in _rows(record.value):
        found = True
        notes = Notes()
        yield from notes.after(spend_log(row, notes))
    if not found:
        yield (
            Skip("a page without rows")
            if isinstance(record.value, dict | list)
            else Problem("no-call", "not a row of the spend logs")
        )


SOURCE: Final = Source(
    title="LiteLLM spend logs",
    grain="requests",
    forms=("jsonl", "json", "csv", "parquet"),
    sniff=sniff,
    read=read,
    knows=LITELLM_KNOWS,
    url="https://docs.litellm.ai/docs/proxy/cost_tracking",
    checked="2026-11-23",
    identity="request_id",
)
