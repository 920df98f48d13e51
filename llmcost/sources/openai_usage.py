"""Pages of OpenAI's organization usage API.

From: ``GET /v1/organization/usage/{completions, embeddings, images ..}`` with an admin key
(https://platform.openai.com/docs/api-reference/usage, 2026-11-23), saved as JSON: a page, a list of pages or a page a line.
A row is one result of one bucket (minute, hour or day). Cached and written tokens are inside the input count. File
searches and sessions of code interpreter name no model: theirs is the tool (``file-search``, ``code-interpreter``). Left
out: reasoning tokens; every dimension the query was not grouped by; bytes of vector stores (listed as problems).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.openai_buckets import BUCKETS_KNOW, bucket_readings

_PREFIX: Final = "organization.usage."


def _buckets(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _buckets(item)
    elif isinstance(value, dict) and value.get("object") == "page":
        yield from _buckets(value.get("data"))
    elif isinstance(value, dict) and value.get("object") == "bucket":
        yield value


def _results(bucket: dict[str, Any]) -> list[dict[str, Any]]:
    results = bucket.get("results")
    return [r for r in results if isinstance(r, dict)] if isinstance(results, list) else []


def sniff(sample: Sample) -> bool:
    """Claims pages of buckets whose results are usage (a page without any result too: costs are never told from it)."""
    if sample.form not in {"json", "jsonl"}:
        return False
    buckets = [bucket for record in sample.records for bucket in _buckets(record)]
    kinds = [str(result.get("object")) for bucket in buckets for result in _results(bucket)]
    return bool(buckets) and all(kind.startswith(_PREFIX) for kind in kinds)


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one page."""
    found = False
    for bucket in _buckets(record.value):
        found = True
        yield from _bucket(bucket)
    if not found:
        empty = (
            isinstance(record.value, dict) and record.value.get("object") == "page" and record.value.get("data") == []
        )
        yield Skip("a page without buckets") if empty else Problem("no-bucket", "the record holds no bucket of usage")


def _bucket(bucket: dict[str, Any]) -> Iterator[Reading]:
    results = _results(bucket)
    if not results:
        yield Skip("a bucket without usage")
    for result in results:
        kind = str(result.get("object")).removeprefix(_PREFIX).removesuffix(".result")
        yield from bucket_readings(kind, result, bucket.get("start_time"), bucket.get("end_time"))


SOURCE: Final = Source(
    title="OpenAI organization usage API",
    grain="buckets",
    forms=("json", "jsonl"),
    sniff=sniff,
    read=read,
    knows=BUCKETS_KNOW,
    url="https://platform.openai.com/docs/api-reference/usage",
    checked="2026-11-23",
)
