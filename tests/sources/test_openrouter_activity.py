"""OpenRouter's activity CSV: its two forms, whom it claims, and the money of real days."""

from __future__ import annotations

import csv
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest

from llmcost.records import Sample
from llmcost.sources.openrouter_activity import SOURCE
from tests.sources.cases import cases_of, check, claimed, rows_of
from tests.support import shared_data

FOLDER = "openrouter_activity_csv"
CALLS = (
    "generation_id,created_at,cost_total,cost_web_search,cost_cache,cost_file_processing,byok_usage_inference,tokens_prompt,tokens_completion,"
    "tokens_reasoning,tokens_cached,model_permaslug,provider_name,variant,cancelled,streamed,user,finish_reason_raw,finish_reason_normalized,"
    "generation_time_ms,time_to_first_token_ms,api_key_disabled,api_key_name,app_name"
)
EARLIER = (
    "generation_id,created_at,model_permaslug,provider_name,api_key_name,app_name,tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,"
    "cost_total,cost_cache,cost_web_search,cost_file_processing,generation_time_ms,finish_reason_normalized,streamed,cancelled,num_search_results,"
    "user,time_to_first_token_ms"
)
DAILY = "Date,Slug,Usage,BYOK Usage,Requests,Prompt Tokens,Completion Tokens,Reasoning Tokens"


@pytest.mark.parametrize("case", cases_of("openrouter_activity"))
def test_case(case: dict[str, Any]) -> None:
    check(SOURCE, case)


@pytest.mark.parametrize("header", [CALLS, EARLIER, DAILY])
def test_it_claims_every_form(header: str) -> None:
    assert SOURCE.sniff(Sample("activity.csv", "csv", header, header=tuple(header.split(","))))


@pytest.mark.parametrize(
    "header", ["generation_id,created_at,cost_total", "Date,Slug,Usage", "date,model,usage,requests,prompt_tokens"]
)
def test_it_claims_no_look_alike(header: str) -> None:
    assert not SOURCE.sniff(Sample("activity.csv", "csv", header, header=tuple(header.split(","))))


def test_it_claims_the_real_exports_and_nothing_else() -> None:
    assert claimed(SOURCE) == {f"{FOLDER}/activity_daily.csv", f"{FOLDER}/openrouter_activity.documented.csv"}


def test_real_days_cost_tokens_times_list_price() -> None:
    with shared_data("formats", FOLDER, "activity_daily.csv").open(encoding="utf-8", newline="") as lines:
        rows = rows_of(SOURCE, csv.DictReader(lines))
    for row in rows:
        cost = (row["input_tokens"] * 5 + row["output_tokens"] * 25) / Decimal(1_000_000)
        assert cost.quantize(Decimal("0.01"), ROUND_DOWN) == row["billed_cost"]
    assert len(rows) == 2
