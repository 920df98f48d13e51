"""Usage CSV exports of OpenAI's dashboard.

From: platform.openai.com, Usage page, Export, usage (``completions_usage_<from>_<to>.csv``; seen 2025-10 and 2026-09,
https://platform.openai.com/usage, 2026-11-23). A row is one day, model, key, user and tier. Counts are written as floats
(``10.0``); a day without usage is a row with the four time columns only. Cached tokens are inside the input count.
Left out: reasoning tokens; the cost export is another source's, of charges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from llmcost.records.contract import Context, Problem, Reading, Record, Sample, Skip, Source
from llmcost.records.openai_buckets import BUCKETS_KNOW, OPERATIONS, bucket_readings

_TIMES: Final = ("start_time", "end_time", "start_time_iso", "end_time_iso")
_KIND: Final = re.compile(r"^([a-z_]+?)_usage_\d{4}-")


def sniff(sample: Sample) -> bool:
    """Claims a CSV with the dashboard's four time columns and a count of requests."""
    return (
        sample.form == "csv"
        and set(_TIMES) <= set(sample.header)
        and "num_model_requests" in sample.header
        and "amount_value" not in sample.header
    )


def kind_of(context: Context) -> str:
    """The kind of usage in the file: its name says it, else its columns do."""
    named = _KIND.match(context.name.replace("\\", "/").rpartition("/")[2])
    if named and named[1] in OPERATIONS:
        return named[1]
    by_column = {
        "images": "images",
        "characters": "audio_speeches",
        "seconds": "audio_transcriptions",
        "output_tokens": "completions",
    }
    return next(
        (kind for column, kind in by_column.items() if column in context.header),
        "embeddings" if context.header else "completions",
    )


def read(record: Record, context: Context) -> Iterable[Reading]:
    """The row of one line."""
    line = record.value
    if not isinstance(line, dict):
        yield Problem("no-row", "the line does not fit the header")
    elif not any(value for key, value in line.items() if key not in _TIMES):
        yield Skip("a day without usage")
    else:
        start = line.get("start_time") or line.get("start_time_iso")
        yield from bucket_readings(kind_of(context), line, start, line.get("end_time") or line.get("end_time_iso"))


SOURCE: Final = Source(
    title="OpenAI dashboard usage CSV",
    grain="buckets",
    forms=("csv",),
    sniff=sniff,
    read=read,
    knows=BUCKETS_KNOW,
    url="https://platform.openai.com/usage",
    checked="2026-11-23",
)
