"""Who is the same call or charge in the clouds' exports: keys across logs, corrections that add, deliveries that replace."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from llmcost.ingest.run import ingest
from llmcost.usage.store import Store
from tests.ingest.support import balanced

Json = dict[str, Any]
CLAUDE = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
RESOURCE = "/SUBSCRIPTIONS/1/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A"


@pytest.fixture
def store() -> Iterator[Store]:
    with Store() as opened:
        yield opened


def _jsonl(path: Path, *records: Json) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(path)


def _csv(path: Path, records: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, records[0].keys())
    writer.writeheader()
    writer.writerows(records)
    path.write_text(text.getvalue(), encoding="utf-8")
    return str(path)


def test_a_bedrock_call_in_the_applications_log_and_in_the_invocation_log_is_one(store: Store, tmp_path: Path) -> None:
    usage = {
        "inputTokens": 3,
        "outputTokens": 5,
        "totalTokens": 18,
        "cacheReadInputTokens": 10,
        "cacheWriteInputTokens": 0,
    }
    answer = {"output": {"message": {"content": [{"text": "yo"}]}}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 9}}  # fmt: skip
    own = {
        "url": f"https://bedrock-runtime.eu-central-1.amazonaws.com/model/{CLAUDE}/converse", "request": {"messages": []}, "response": answer,
        "response_headers": {"x-amzn-requestid": "req-1"}, "timestamp": "2026-03-01T10:00:00Z",
    }  # fmt: skip
    log = {
        "schemaType": "ModelInvocationLog", "requestId": "req-1", "operation": "Converse", "modelId": CLAUDE, "region": "eu-central-1",
        "timestamp": "2026-03-01T10:00:01Z", "input": {"inputTokenCount": 3, "cacheReadInputTokenCount": 10, "cacheWriteInputTokenCount": 0},
        "output": {"outputTokenCount": 5},
    }  # fmt: skip
    balanced(ingest(store, [_jsonl(tmp_path / "own.jsonl", own)]))
    summary = balanced(ingest(store, [_jsonl(tmp_path / "log.jsonl", log)]))
    assert summary.duplicates + summary.superseded + summary.replaced == 1
    assert store.rows("SELECT count(*), sum(input_tokens), sum(output_tokens) FROM usage")[0] == (1, 13, 5)


def test_a_call_in_vertex_own_table_and_in_the_applications_log_is_one(store: Store, tmp_path: Path) -> None:
    answer: Json = {"candidates": [{"finishReason": "STOP"}], "responseId": "abc", "modelVersion": "gemini-2.5-flash", "createTime": "2026-03-01T10:00:00Z"}  # fmt: skip
    answer["usageMetadata"] = {"promptTokenCount": 8, "candidatesTokenCount": 3, "totalTokenCount": 11}
    own = {"url": "https://x-aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:generateContent", "request": {"contents": []}, "response": answer}  # fmt: skip
    table = {
        "logging_time": "2026-03-01T10:00:02Z", "request_id": "77", "model": "publishers/google/models/gemini-2.5-flash", "api_method": "GenerateContent",
        "full_request": {"contents": []}, "full_response": answer,
    }  # fmt: skip
    balanced(ingest(store, [_jsonl(tmp_path / "own.jsonl", own), _jsonl(tmp_path / "table.jsonl", table)]))
    assert store.rows("SELECT count(*), sum(input_tokens) FROM usage")[0] == (1, 8)


def test_what_azure_logs_of_one_call_in_two_categories_is_one(store: Store, tmp_path: Path) -> None:
    line = {"category": "RequestResponse", "correlationId": "c-1", "operationName": "ChatCompletions_Create", "resourceId": RESOURCE, "time": "2026-03-01T10:00:00Z", "resultSignature": "200", "properties": {"modelName": "gpt-4o"}}  # fmt: skip
    counted = {
        **line,
        "category": "AzureOpenAIRequestUsage",
        "properties": {"modelName": "gpt-4o", "promptTokens": 9, "completionTokens": 2},
    }
    balanced(ingest(store, [_jsonl(tmp_path / "PT1H.json", line, counted)]))
    assert store.rows("SELECT count(*), sum(input_tokens), sum(output_tokens) FROM usage")[0] == (1, 9, 2)


def _google(export: str, cost: str, **more: Any) -> Json:
    return {
        "billing_account_id": "b", "service": {"id": "C7E2-9256-1C43"}, "sku": {"id": "S", "description": "Gemini 2.5 Pro Text Input - Predictions"},
        "usage_start_time": "2026-03-01T10:00:00Z", "usage_end_time": "2026-03-01T11:00:00Z", "export_time": export, "cost": cost, "currency": "USD",
        "usage": {"amount": "10", "unit": "count"}, "credits": [], "cost_type": "regular",
    } | more  # fmt: skip


def test_a_google_correction_adds_and_a_later_export_of_the_table_does_not(store: Store, tmp_path: Path) -> None:
    first = _google("2026-03-01T15:00:00Z", "1.00", credits=[{"name": "trial", "amount": "-0.25", "type": "PROMOTION"}])
    late = _google("2026-03-03T15:00:00Z", "-0.10", cost_type="adjustment")
    balanced(ingest(store, [_jsonl(tmp_path / "march-2.jsonl", first)]))
    summary = balanced(ingest(store, [_jsonl(tmp_path / "march-4.jsonl", first, late)]))
    assert summary.duplicates == 2
    assert store.value("SELECT sum(billed_cost) FROM billed") == Decimal("0.65")
    assert store.rows("SELECT charge_category, count(*) FROM billed GROUP BY 1 ORDER BY 1") == [
        ("adjustment", 1),
        ("credit", 1),
        ("usage", 1),
    ]


def test_a_later_delivery_of_an_open_month_replaces_the_same_line(store: Store, tmp_path: Path) -> None:
    def line(identity: str, amount: str, cost: str) -> dict[str, str]:
        return {
            "identity/LineItemId": identity, "lineItem/LineItemType": "Usage", "lineItem/UsageStartDate": "2026-03-01T00:00:00Z",
            "lineItem/UsageEndDate": "2026-03-02T00:00:00Z", "lineItem/ProductCode": "AmazonBedrock", "lineItem/UsageType": "USE1-NovaLite-input-tokens",
            "lineItem/UsageAmount": amount, "lineItem/CurrencyCode": "USD", "lineItem/UnblendedCost": cost, "pricing/unit": "1K tokens",
        }  # fmt: skip

    balanced(ingest(store, [_csv(tmp_path / "one.csv", [line("abc", "10", "0.60")])]))
    summary = balanced(ingest(store, [_csv(tmp_path / "two.csv", [line("xyz", "20", "1.20")])]))
    assert summary.replaced == 1
    assert store.rows("SELECT quantity, billed_cost FROM billed") == [(Decimal(20000), Decimal("1.2"))]


def test_two_equal_lines_of_one_azure_export_are_two_charges_and_read_again_none(store: Store, tmp_path: Path) -> None:
    line = {
        "SubscriptionId": "s", "Date": "11/01/2026", "MeterCategory": "Azure OpenAI", "MeterSubCategory": "Azure OpenAI", "MeterName": "gpt 4.1 Inp glbl Tokens",
        "Quantity": "1", "Cost": "0.002", "BillingCurrency": "USD", "UnitOfMeasure": "1K",
    }  # fmt: skip
    path = _csv(tmp_path / "cost.csv", [line, line])
    other = _csv(tmp_path / "copy.csv", [line, line])
    balanced(ingest(store, [path]))
    assert balanced(ingest(store, [other])).duplicates == 2
    assert store.rows("SELECT count(*), sum(billed_cost) FROM billed")[0] == (2, Decimal("0.004"))
