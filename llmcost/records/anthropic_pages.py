"""Pages of Anthropic's Admin API, which the usage and the cost report share: pages of time buckets of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from llmcost.records.contract import Problem, Reading, Record, Sample, Skip

Results = Callable[[dict[str, Any], dict[str, Any]], Iterable[Reading]]
"""Gives the readings of (result, its bucket)."""


def buckets(value: Any) -> Iterator[dict[str, Any]]:
    """The buckets of a page, of a list of pages, or the bucket itself."""
    if isinstance(value, list):
        for item in value:
            yield from buckets(item)
    elif isinstance(value, dict) and "starting_at" in value and isinstance(value.get("results"), list):
        yield value
    elif isinstance(value, dict) and isinstance(value.get("data"), list):
        yield from buckets(value["data"])


def results(sample: Sample) -> list[Any] | None:
    """All results in a sample; None where it holds no bucket at all."""
    if sample.form not in {"json", "jsonl"}:
        return None
    found = [bucket for record in sample.records for bucket in buckets(record)]
    return [result for bucket in found for result in bucket["results"]] if found else None


def read_pages(record: Record, what: str, readings: Results) -> Iterator[Reading]:
    """What ``readings`` gives for every result of the record; ``what`` the buckets hold, for problems."""
    found = False
    for bucket in buckets(record.value):
        found = True
        if not bucket["results"]:
            yield Skip(f"a bucket without {what}")
        for result in bucket["results"]:
            if isinstance(result, dict):
                yield from readings(result, bucket)
            else:
                yield Problem("no-row", "a result that is no object")
    if not found:
        empty = isinstance(record.value, dict) and record.value.get("data") == []
        yield Skip("a page without buckets") if empty else Problem("no-bucket", f"the record holds no bucket of {what}")
