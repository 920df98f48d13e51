"""Pages of OpenAI's organization usage API.

From: ``GET /v1/organization/usage/{completions, embeddings, images ..}`` with an admin key
(https://platform.openai.com/docs/api-reference/usage, 2026-11-23), saved as JSON: a page, a list of pages or a page a line.
A row is one result of one bucket (minute, hour or day). Cached and written tokens are inside the input count. File
searches and sessions of code interpreter name no model: theirs is the tool (``file-search``, ``code-interpreter``). Left
out: reasoning tokens; every dimension the query was not grouped by; bytes of vector stores (listed as problems).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from llmcost.records.contract import Context, Reading, Record, Sample, Source
from llmcost.records.openai_buckets import BUCKETS_KNOW, bucket_readings
from llmcost.records.openai_pages import USAGE, kinds, read_pages


def sniff(sample: Sample) -> bool:
    """Claims pages of buckets whose results are usage (a page without any result too: costs are never told from it)."""
    found = kinds(sample)
    return found is not None and all(kind.startswith(USAGE) for kind in found)


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The rows of one page."""
    return read_pages(record, "usage", _readings)


def _readings(result: dict[str, Any], bucket: dict[str, Any]) -> Iterable[Reading]:
    kind = str(result.get("object")).removeprefix(USAGE).removesuffix(".result")
    return bucket_readings(kind, result, bucket.get("start_time"), bucket.get("end_time"))


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
