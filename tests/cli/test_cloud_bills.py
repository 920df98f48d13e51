"""The clouds' sample bills are the list prices of the sample logs: held together they agree, but for what was put in."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.cli.support import Program
from tests.support import SAMPLES

PAIRS = [
    ("vertex_bq/rows.jsonl", "gcp_billing/gcp_billing_export_v1.jsonl.gz", "vertex_ai", set()),
    (
        "azure_openai/requests.jsonl",
        "azure_cost/EA_ActualCost_2026-10.csv",
        "azure",
        {"azure/gpt-5.4-mini", "azure/gpt-4o-mini"},
    ),
    ("bedrock_invocation_log", "aws_cur/cur-2026-10.csv", "bedrock", {"bedrock: no model named"}),
]
"""Log, bill, provider, and where they differ: a model nobody logs, a stream without counts, the units of a guardrail."""


@pytest.mark.parametrize(("log", "bill", "provider", "differ"), PAIRS, ids=[pair[2] for pair in PAIRS])
def test_log_and_bill_agree_to_the_last_digit(
    llmcost: Program, log: str, bill: str, provider: str, differ: set[str]
) -> None:
    found = llmcost("reconcile", SAMPLES / log, SAMPLES / bill, "--format", "json", "--threshold", "1").json
    agreed: dict[str, Decimal] = {}
    gaps: dict[str, Decimal] = {}
    for cell in (cell for part in found["parts"] for cell in part["cells"]):
        model = _model(cell, provider)
        into = gaps if model in differ else agreed
        into[model] = into.get(model, Decimal(0)) + Decimal(cell["billed_usd"] or 0) - Decimal(cell["list_usd"] or 0)
    assert agreed
    assert set(agreed.values()) == {Decimal(0)}
    assert gaps.keys() == differ
    assert all(gap > 0 for gap in gaps.values())


def _model(cell: dict[str, Any], provider: str) -> str:
    return str(cell.get("model") or f"{provider}: no model named")
