"""The clouds' exports as files: Parquet with nested columns and floats, CloudWatch's export task, byte-order marks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from llmcost.ingest.run import ingest
from llmcost.usage.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as opened:
        yield opened


def _read(store: Store, path: Path, source: str) -> None:
    summary = ingest(store, [str(path)])
    assert [file.source for file in summary.files] == [source]
    assert summary.rejected == 0


def test_a_cost_and_usage_report_as_parquet_has_maps_and_floats(store: Store, tmp_path: Path) -> None:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    columns: dict[str, Any] = {
        "line_item_usage_type": ["USE1-NovaLite-input-tokens", "BoxUsage:t3.micro"],
        "line_item_product_code": ["AmazonBedrock", "AmazonEC2"],
        "line_item_line_item_type": ["Usage", "Usage"],
        "line_item_usage_start_date": pa.array([day, day], pa.timestamp("ms")),
        "line_item_usage_end_date": pa.array([day, day], pa.timestamp("ms")),
        "line_item_usage_amount": [12.5, 1.0],
        "line_item_unblended_cost": [0.1, 0.01],
        "line_item_currency_code": ["USD", "USD"],
        "pricing_unit": ["1K tokens", "Hrs"],
        "resource_tags": pa.array([[("user_team", "search")], []], pa.map_(pa.string(), pa.string())),
        "product": pa.array([[("product_name", "Amazon Bedrock")], []], pa.map_(pa.string(), pa.string())),
    }
    parquet.write_table(pa.table(columns), tmp_path / "cur.parquet")
    _read(store, tmp_path / "cur.parquet", "aws-cur")
    assert store.rows("SELECT quantity, quantity_unit, billed_cost, tags, started_at FROM billed") == [
        (Decimal(12500), "tokens", Decimal("0.1"), '{"team":"search"}', 1_793_491_200_000_000)
    ]


def test_google_tables_as_parquet_have_nested_columns_and_json_as_text(store: Store, tmp_path: Path) -> None:
    hour = datetime(2026, 11, 1, tzinfo=UTC)
    line = {
        "billing_account_id": "b", "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
        "sku": {"id": "S", "description": "Gemini 2.5 Pro Text Output - Predictions"}, "usage_start_time": hour, "usage_end_time": hour, "export_time": hour,
        "project": {"id": "p"}, "labels": [{"key": "team", "value": "search"}], "cost": 0.3, "currency": "USD",
        "usage": {"amount": 20.0, "unit": "count"}, "credits": [{"name": "trial", "amount": -0.1}],
    }  # fmt: skip
    parquet.write_table(pa.Table.from_pylist([line]), tmp_path / "billing.parquet")
    _read(store, tmp_path / "billing.parquet", "gcp-billing")
    assert store.rows("SELECT sum(billed_cost), min(tags), max(quantity) FROM billed") == [
        (Decimal("0.2"), '{"team":"search"}', Decimal(20))
    ]
    answer = {
        "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 3, "totalTokenCount": 11},
        "candidates": [{}],
    }
    call = {
        "logging_time": hour, "request_id": Decimal(3292372995731278848), "model": "publishers/google/models/gemini-2.5-pro",
        "api_method": "GenerateContent", "full_request": json.dumps({"contents": []}), "full_response": json.dumps(answer),
        "request_payload": [""], "response_payload": [""],
    }  # fmt: skip
    parquet.write_table(pa.Table.from_pylist([call]), tmp_path / "calls.parquet")
    _read(store, tmp_path / "calls.parquet", "vertex-bq")
    assert store.rows("SELECT request_id, input_tokens, started_at FROM usage") == [
        ("3292372995731278848", 8, 1_793_491_200_000_000)
    ]


def test_lines_of_cloudwatchs_export_task(store: Store, tmp_path: Path) -> None:
    logged = {
        "schemaType": "ModelInvocationLog", "timestamp": "2026-03-01T10:00:00Z", "region": "us-east-1", "operation": "Converse", "modelId": "amazon.nova-lite-v1:0",
        "input": {"inputTokenCount": 3}, "output": {"outputTokenCount": 2},
    }  # fmt: skip
    lines = [f"2026-03-01T10:00:0{n}.123Z {json.dumps({**logged, 'requestId': f'r-{n}'})}\n" for n in range(3)]
    (tmp_path / "000000.gz").write_bytes(gzip.compress("".join(lines).encode()))
    _read(store, tmp_path / "000000.gz", "bedrock-invocation-log")
    assert store.rows("SELECT count(*), sum(input_tokens) FROM usage") == [(3, 9)]


def test_whole_files_that_are_one_json_array(store: Store, tmp_path: Path) -> None:
    row = {"logging_time": "2026-03-01T10:00:00Z", "request_id": "1", "model": "publishers/google/models/gemini-2.5-pro", "api_method": "GenerateContent", "full_request": {}}  # fmt: skip
    row["full_response"] = json.dumps(
        {"candidates": [], "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4}}
    )
    (tmp_path / "rows.json").write_text(json.dumps([row, {**row, "request_id": "2"}], indent=1))
    _read(store, tmp_path / "rows.json", "vertex-bq")
    assert store.rows("SELECT count(*), sum(input_tokens), sum(output_tokens) FROM usage") == [(2, 8, 0)]


def test_an_azure_export_with_its_mark_and_crlf(store: Store, tmp_path: Path) -> None:
    header = "SubscriptionGuid,ResourceLocation,UsageDateTime,MeterCategory,MeterSubcategory,MeterName,UsageQuantity,PreTaxCost,Tags,Currency,UnitOfMeasure"
    line = 's,US East,2026-11-01,Azure OpenAI,Azure OpenAI,gpt-4o-1120-Outp-regnl Tokens,2,0.022,"""team"": ""a, b""",EUR,1K'
    (tmp_path / "usage.csv").write_bytes(b"\xef\xbb\xbf" + f"{header}\r\n{line}\r\n".encode())
    _read(store, tmp_path / "usage.csv", "azure-cost")
    assert store.rows("SELECT model, region, quantity, billed_cost, billing_currency FROM billed") == [
        ("gpt-4o-2024-11-20", "eastus", Decimal(2000), Decimal("0.022"), "EUR")
    ]


_CUR = {
    "bill_payer_account_id": "1", "line_item_usage_account_id": "2", "line_item_line_item_type": "Usage", "line_item_usage_start_date": "2026-11-01T00:00:00Z",
    "line_item_usage_end_date": "2026-11-01T01:00:00Z", "line_item_product_code": "AmazonBedrock", "line_item_usage_type": "USE1-NovaLite-input-tokens",
    "line_item_operation": "InvokeModelInference", "line_item_usage_amount": "10", "line_item_currency_code": "USD", "line_item_unblended_cost": "0.6",
}  # fmt: skip
_GOOGLE = {
    "billing_account_id": "b", "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"}, "sku": {"id": "S", "description": "Gemini 2.5 Pro Text Output - Predictions"},
    "usage_start_time": "2026-11-01T00:00:00Z", "usage_end_time": "2026-11-01T01:00:00Z", "export_time": "2026-11-01T05:00:00Z", "project": {"id": "p"}, "cost": 0.3,
    "currency": "USD", "usage": {"amount": 20, "unit": "count"}, "credits": [{"name": "trial", "amount": -0.1}],
}  # fmt: skip


def _csv(path: Path, *lines: dict[str, str]) -> None:
    path.write_text("\n".join([",".join(lines[0]), *(",".join(line.values()) for line in lines)]))


def test_lines_of_one_report_that_lie_in_two_of_its_files_are_two_charges(store: Store, tmp_path: Path) -> None:
    """A cloud writes a report as many files; what differs in operation or type alone must not replace one another."""
    _csv(tmp_path / "part-1.csv", _CUR)
    _csv(tmp_path / "part-2.csv", {**_CUR, "line_item_operation": "InvokeModelBatchInference"})
    _csv(
        tmp_path / "part-3.csv",
        {**_CUR, "line_item_line_item_type": "EdpDiscount", "line_item_unblended_cost": "-0.06"},
    )
    _csv(tmp_path / "part-4.csv", {**_CUR, "line_item_line_item_type": "PrivateRateDiscount", "line_item_unblended_cost": "-0.03"})  # fmt: skip
    for part in range(1, 5):
        _read(store, tmp_path / f"part-{part}.csv", "aws-cur")
    assert store.value("SELECT sum(billed_cost) FROM billed") == Decimal("1.11")
    _csv(tmp_path / "later.csv", {**_CUR, "line_item_usage_amount": "12", "line_item_unblended_cost": "0.72"})
    _read(store, tmp_path / "later.csv", "aws-cur")
    assert store.value("SELECT sum(billed_cost) FROM billed") == Decimal("1.23"), "a later delivery replaces its line"


def test_rows_of_one_google_table_that_lie_in_two_of_its_files_are_two_charges(store: Store, tmp_path: Path) -> None:
    for part, cost in enumerate((0.3, 0.5)):
        (tmp_path / f"{part}.jsonl").write_text(json.dumps({**_GOOGLE, "cost": cost}))
        _read(store, tmp_path / f"{part}.jsonl", "gcp-billing")
    assert store.value("SELECT sum(billed_cost) FROM billed") == Decimal("0.6")
    (tmp_path / "again.json").write_text(json.dumps([{**_GOOGLE, "cost": 0.3}, {**_GOOGLE, "cost": 0.5}]))
    _read(store, tmp_path / "again.json", "gcp-billing")
    assert store.value("SELECT sum(billed_cost) FROM billed") == Decimal("0.6"), "the same rows in another form"
