"""The story as usage rows: a month in JSONL with a few bad lines, and a week of the staging system in CSV."""

from __future__ import annotations

from typing import Any

from scripts.samples.dice import Dice
from scripts.samples.files import Folder, dumps, expect, folder, packed, table
from scripts.samples.story import Row, month, support

JSON_COLUMNS = ("prefix_keys", "images", "tags", "cache_breakpoints")


def bad_lines(rows: list[Row]) -> tuple[list[tuple[int, str]], list[Row], dict[str, Any]]:
    """Lines that no good exporter writes: (index in the file, line), the rows they still give, and what they count as."""
    template = {k: v for k, v in rows[100].items() if k not in {"prefix_keys", "prompt_key"}}
    negative = template | {"request_id": "msg_bad_negative", "output_tokens": -20}
    ancient = template | {"request_id": "msg_bad_time", "started_at": "0001-01-01T00:00:00Z"}
    text = template | {"request_id": "msg_bad_text", "input_tokens": "many"}
    against = template | {
        "request_id": "msg_odd_cache",
        "input_tokens": 500,
        "cache_read_input_tokens": 300,
        "cache_creation_input_tokens": 400,
    }
    against = {
        k: v
        for k, v in against.items()
        if k not in {"system_tokens", "tools_tokens", "history_tokens", "context_tokens", "user_tokens"}
    }
    timeless = {k: v for k, v in template.items() if k != "started_at"} | {"request_id": "msg_no_time"}
    lines = [
        (400, dumps(negative)),
        (900, dumps(ancient)),
        (1500, dumps(text)),
        (2100, dumps(against)),
        (2700, dumps(timeless)),
        (3000, dumps(rows[2999])),
        (3001, dumps(rows[2999])),
        (len(rows), dumps(rows[200])[:180]),
    ]
    kept = [{k: v for k, v in against.items() if k != "cache_creation_input_tokens"}, timeless]
    return lines, kept, {"read": len(rows) + len(lines), "duplicates": 2, "rejected": 4}


def build() -> Folder:
    """The files of sample_logs/usage_rows."""
    rows = month()
    lines = [dumps(row) for row in rows]
    bad, kept, counts = bad_lines(rows)
    for index, line in reversed(bad):
        lines.insert(index, line)
    text = "\n".join(lines)
    staging = list(support(Dice("staging"), environment="staging", days=7, per_day=5))
    header = list(dict.fromkeys(name for row in staging for name in row))
    flat = [{k: dumps(v) if k in JSON_COLUMNS else v for k, v in row.items()} for row in staging]
    return folder(
        {"october.jsonl.gz": packed(text.encode()), "staging.csv": table(header, flat)},
        {
            "october.jsonl.gz": expect("usage-rows", rows + kept, **counts),
            "staging.csv": expect("usage-rows", staging, read=len(staging)),
        },
    )
