"""One bill asked for in two ways (by line item, and as a sum of the day) is one bill."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import llmcost
from llmcost.results.options import ReplayOptions
from tests.results.reconciling import START, prices

DAY = 86_400
FIRST = START // 1_000_000


def page(path: Path, days: dict[int, list[tuple[str | None, str | None, str]]]) -> Path:
    """A page of the costs API: (line item, project, amount) of each day."""
    buckets = [
        {
            "object": "bucket", "start_time": FIRST + day * DAY, "end_time": FIRST + (day + 1) * DAY,
            "results": [
                {
                    "object": "organization.costs.result", "amount": {"value": cost, "currency": "usd"}, "line_item": item, "project_id": project,
                    "organization_id": "org-1",
                }
                for item, project, cost in lines
            ],
        }
        for day, lines in days.items()
    ]  # fmt: skip
    path.write_text(json.dumps({"object": "page", "data": buckets, "has_more": False, "next_page": None}))
    return path


def billed(tmp_path: Path, *files: Path) -> tuple[Decimal, list[tuple[str, Decimal | None]]]:
    log = tmp_path / "log.jsonl"
    log.write_text(
        json.dumps({"request_id": "r", "provider_name": "openai", "request_model": "gpt-4o-mini", "started_at": START, "input_tokens": 1, "output_tokens": 1})
    )  # fmt: skip
    with llmcost.Store() as store:
        for file in (*files, log):
            llmcost.ingest_files(store, file)
        found = llmcost.reconcile(store=store, options=ReplayOptions(now=START), prices=prices())
    return sum((c.usd or Decimal(0) for c in found.currencies), Decimal(0)), [
        (x.what, x.amount_usd) for x in found.left_out if x.what.startswith("another")
    ]


ITEMS: dict[int, list[Any]] = {
    0: [("gpt-4o-mini, input", None, "1.25"), ("gpt-4o-mini, output", None, "2.50")],
    1: [("gpt-4o-mini, input", None, "4")],
}


@pytest.mark.parametrize("swapped", [False, True])
def test_the_finer_grouping_is_charged_and_the_other_shown(tmp_path: Path, swapped: bool) -> None:
    fine = page(tmp_path / "items.json", ITEMS)
    coarse = page(tmp_path / "days.json", {0: [(None, None, "3.75")], 2: [(None, None, "8")]})
    total, left = billed(tmp_path, *((coarse, fine) if swapped else (fine, coarse)))
    assert total == Decimal("15.75"), "3.75 once, 4, and the day that only the sums have"
    assert left == [("another export of the same bill (openai-costs, not grouped)", Decimal("3.75"))]


def test_pages_of_one_query_are_one_export(tmp_path: Path) -> None:
    """A line without a project in a query by project is a line like the others."""
    one = page(tmp_path / "a.json", {0: [("gpt-4o-mini, input", "p-1", "1"), ("gpt-4o-mini, input", None, "2")]})
    two = page(tmp_path / "b.json", {0: [("gpt-4o-mini, output", "p-2", "4")], 1: [("gpt-4o-mini, input", "p-1", "8")]})
    assert billed(tmp_path, one, two) == (Decimal(15), [])
