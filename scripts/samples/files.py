"""Bytes of the sample files, and the totals that stand beside them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

COUNTERS = (
    "input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_1h_input_tokens",
    "output_tokens", "reasoning_output_tokens",
)  # fmt: skip
Folder = dict[str, bytes]
Expected = dict[str, Any]


def dumps(value: Any) -> str:
    """Compact JSON in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def jsonl(records: Iterable[Any]) -> bytes:
    """One JSON value a line."""
    return "".join(dumps(record) + "\n" for record in records).encode()


def pretty(value: Any) -> bytes:
    """Indented JSON, as the providers' pages are usually saved."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def packed(data: bytes) -> bytes:
    """Gzip without a time in its header."""
    return gzip.compress(data, compresslevel=9, mtime=0)


def table(header: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """CSV; absent values are empty fields."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(["" if row.get(name) is None else row[name] for name in header])
    return text.getvalue().encode()


def totals(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Sums of the token counters over rows with our meaning: cached tokens are part of the input."""
    sums: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))
    for row in rows:
        sums.update({name: row[name] for name in COUNTERS if row.get(name) is not None})
    return dict(sums)


def expect(source: str, rows: Sequence[Mapping[str, Any]], **more: Any) -> Expected:
    """What a file must give: rows after removal of duplicates, requests they stand for, token sums, sums by model."""
    by_model: dict[str, dict[str, int]] = {}
    for row in rows:
        slot = by_model.setdefault(
            str(row.get("request_model")), {"rows": 0, "requests": 0, "input_tokens": 0, "output_tokens": 0}
        )
        slot["rows"] += 1
        slot["requests"] += row.get("requests", 1)
        slot["input_tokens"] += row.get("input_tokens") or 0
        slot["output_tokens"] += row.get("output_tokens") or 0
    return {
        "source": source,
        "rows": len(rows),
        "requests": sum(row.get("requests", 1) for row in rows),
        "without_counts": sum(row.get("input_tokens") is None for row in rows),
        "duplicates": 0,
        "rejected": 0,
        "skipped": 0,
        "totals": totals(rows),
        "by_model": dict(sorted(by_model.items())),
    } | more


def folder(files: Folder, expected: Mapping[str, Expected]) -> Folder:
    """The files with ``expected.json`` beside them."""
    return files | {"expected.json": pretty(dict(expected))}
