"""LiteLLM spend logs: the four shapes of the real row."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

from llmcost.records import Context, Record, Row, Sample
from llmcost.records.files import records, sample
from llmcost.sources.litellm_spend_logs import SOURCE
from tests.support import shared_data


def _rows(path: Path) -> list[dict[str, Any]]:
    found = sample(path)
    assert isinstance(found, Sample)
    assert SOURCE.sniff(found)
    assert SOURCE.read is not None
    context = Context(found.name, found.header)
    readings = [
        r for record in records(path, found.form) if isinstance(record, Record) for r in SOURCE.read(record, context)
    ]
    return [dict(r.usage) for r in readings if isinstance(r, Row) and r.usage is not None]


def test_the_real_row_reads_the_same_in_every_shape(tmp_path: Path) -> None:
    line = shared_data("formats", "litellm_spend_logs", "spend_logs.jsonl").read_text(encoding="utf-8").strip()
    (tmp_path / "array.json").write_text(f"[{line},\n{line}]", encoding="utf-8")
    (tmp_path / "page.json").write_text(f'{{"data": [{line}], "total": 1, "page": 1}}', encoding="utf-8")
    (tmp_path / "table.csv").write_text(_as_csv(tmp_path, line), encoding="utf-8")
    (tmp_path / "log.jsonl").write_text(line, encoding="utf-8")
    (row,) = _rows(tmp_path / "log.jsonl")
    assert row["billed_cost"] == Decimal("0.00022500000000000002")
    assert (row["input_tokens"], row["output_tokens"], row["duration_ms"], row["status"]) == (10, 20, 4, "ok")
    assert _rows(tmp_path / "array.json") == [row, row]
    assert _rows(tmp_path / "page.json") == [row]
    assert _rows(tmp_path / "table.csv") == [row]


def _as_csv(folder: Path, line: str) -> str:
    path = folder / "one.jsonl"
    path.write_text(line, encoding="utf-8")
    (record,) = records(path, "jsonl")
    assert isinstance(record, Record)
    out = io.StringIO()
    writer = csv.DictWriter(out, record.value.keys())
    writer.writeheader()
    writer.writerow({key: "" if value is None else value for key, value in record.value.items()})
    return out.getvalue()
