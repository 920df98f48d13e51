"""A cloud's bill with a line for each resource, and the same bill without, are one bill."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.results.options import ReplayOptions
from tests.results.reconciling import START

D = Decimal


def aws(path: Path, *lines: tuple[str, str, str | None], account: str = "444455556666") -> Path:
    """A Cost and Usage Report of one day: usage type, amount, resource (None: the report has none)."""
    rows = [
        {
            "bill_payer_account_id": "111122223333", "line_item_usage_account_id": account, "line_item_line_item_type": "Usage",
            "line_item_usage_start_date": "2026-10-01T00:00:00Z", "line_item_usage_end_date": "2026-10-01T01:00:00Z",
            "line_item_product_code": "AmazonBedrock", "line_item_usage_type": f"USE1-{kind}", "line_item_usage_amount": "10",
            "line_item_currency_code": "USD", "line_item_unblended_cost": cost,
        } | ({} if resource is None else {"line_item_resource_id": resource})
        for kind, cost, resource in lines
    ]  # fmt: skip
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def google(path: Path, *lines: tuple[str, str, str | None]) -> Path:
    """Rows of Google's table: SKU, amount, resource (None: the standard table)."""
    rows: list[dict[str, Any]] = [
        {
            "billing_account_id": "01-02", "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"}, "sku": {"id": sku, "description": f"Gemini 2.5 Pro Text {sku} - Predictions"},
            "usage_start_time": "2026-10-01T00:00:00Z", "usage_end_time": "2026-10-01T01:00:00Z", "project": {"id": "p"}, "cost": float(cost), "currency": "USD",
            "usage": {"amount": 1000, "unit": "count"}, "credits": [], "cost_type": "regular", "export_time": "2026-10-01T05:00:00Z",
        } | ({} if resource is None else {"resource": {"name": resource, "global_name": f"//aiplatform.googleapis.com/{resource}"}})
        for sku, cost, resource in lines
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def billed(*files: Path) -> tuple[Decimal, list[tuple[str, Decimal | None]]]:
    found = llmcost.reconcile(*files, options=ReplayOptions(now=START))
    return sum((c.usd or D(0) for c in found.currencies), D(0)), [
        (x.what, x.amount_usd) for x in found.left_out if x.twice
    ]


@pytest.mark.parametrize("swapped", [False, True])
def test_what_two_reports_say_alike_is_charged_once(tmp_path: Path, swapped: bool) -> None:
    fine = aws(
        tmp_path / "fine.csv",
        ("NovaLite-input-tokens", "0.4", "arn:a"),
        ("NovaLite-input-tokens", "0.2", "arn:b"),
        ("NovaLite-output-tokens", "3", "arn:a"),
    )
    coarse = aws(
        tmp_path / "coarse.csv",
        ("NovaLite-input-tokens", "0.6", None),
        ("NovaLite-output-tokens", "3", None),
        ("NovaPro-input-tokens", "1", None),
    )
    total, left = billed(*((coarse, fine) if swapped else (fine, coarse)))
    assert total == D("4.6"), "0.6 and 3 once, and what only one report has"
    assert left == [("another export of the same bill (aws-cur without resources)", D("3.6"))]


def test_amounts_that_differ_and_other_accounts_are_other_charges(tmp_path: Path) -> None:
    fine = aws(tmp_path / "fine.csv", ("NovaLite-input-tokens", "0.4", "arn:a"))
    other = aws(tmp_path / "other.csv", ("NovaLite-input-tokens", "0.4", None), account="777788889999")
    more = aws(tmp_path / "more.csv", ("NovaLite-input-tokens", "0.5", None))
    assert billed(fine, other) == (D("0.8"), [])
    assert billed(fine, more) == (D("0.9"), [])
    assert billed(fine) == (D("0.4"), [])


def test_both_tables_of_google_are_one_bill(tmp_path: Path) -> None:
    fine = google(tmp_path / "fine.jsonl", ("Input", "0.1", "a"), ("Input", "0.2", "b"))
    coarse = google(tmp_path / "coarse.jsonl", ("Input", "0.3", None), ("Output", "2", None))
    total, left = billed(fine, coarse)
    assert total == D("2.3")
    assert left == [("another export of the same bill (gcp-billing without resources)", D("0.3"))]
