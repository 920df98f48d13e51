"""Pages of OpenAI's administration API, which usage and costs share: pages of time buckets of results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from llmcost.records.contract import Problem, Reading, Record, Sample, Skip

USAGE: Final = "organization.usage."
COSTS: Final = "organization.costs."

Results = Callable[[dict[str, Any], dict[str, Any]], Iterable[Reading]]
"""Gives the readings of (result, its bucket)."""


def buckets(value: Any) -> Iterator[dict[str, Any]]:
    """The buckets of a page, of a list of pages, or the bucket itself."""
    if isinstance(value, list):
        for item in value:
            yield from buckets(item)
    elif isinstance(value, dict) and value.get("object") == "page":
        yield from buckets(value.get("data"))
    elif isinstance(value, dict) and value.get("object") == "bucket":
        yield value


def results(bucket: dict[str, Any]) -> list[dict[str, Any]]:
    """What a bucket holds."""
    found = bucket.get("results", bucket.get("result"))  # the singular stood in the reference at first
    return [r for r in found if isinstance(r, dict)] if isinstance(found, list) else []


def kinds(sample: Sample) -> tuple[str, ...] | None:
    """The kinds of all results in a sample; None where it holds no bucket at all."""
    if sample.form not in {"json", "jsonl"}:
        return None
    found = [bucket for record in sample.records for bucket in buckets(record)]
    return tuple(str(r.get("object")) for bucket in found for r in results(bucket)) if found else None


def read_pages(record: Record, what: str, readings: Results) -> Iterator[Reading]:
    """What ``readings`` gives for every result of the record; ``what`` the buckets hold, for problems."""
    found = False
    for bucket in buckets(record.value):
        found = True
        inside = results(bucket)
        if not inside:
            yield Skip(f"a bucket without {what}")
        for result in inside:
            yield from readings(result, bucket)
    if not found:
        empty = (
            isinstance(record.value, dict) and record.value.get("object") == "page" and record.value.get("data") == []
        )
        yield Skip("a page without buckets") if empty else Problem("no-bucket", f"the record holds no bucket of {what}")
