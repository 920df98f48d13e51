"""Pages of Anthropic's Admin API cost report.

From: ``GET /v1/organizations/cost_report`` with an admin key
(https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-cost-report, 2026-11-24), saved as JSON: a page, a list
of pages or a page a line. A row is one charge of one UTC day, never usage. ``amount`` is a text and counts **cents**:
"123.45" is 1.2345 dollars. Model, tier, kind of token and place are null unless the query was grouped by description.
Left out: Priority Tier costs, which the report never has; token counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from llmcost.money import EXACT
from llmcost.records.anthropic import TOKEN_CLASSES, tier_and_region
from llmcost.records.anthropic_pages import read_pages, results
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known_charge, tags_of
from llmcost.records.values import instant, money, text
from llmcost.usage.columns import Billed

_CENT: Final = Decimal("0.01")


def sniff(sample: Sample) -> bool:
    """Claims pages of time buckets whose results are amounts."""
    found = results(sample)
    return bool(found) and all(
        isinstance(r, dict) and "amount" in r and "currency" in r and "uncached_input_tokens" not in r
        for r in found or ()
    )


def read(record: Record, _context: Context) -> Iterable[Reading]:
    """The charges of one page."""
    return read_pages(record, "costs", _readings)


def _readings(result: dict[str, Any], bucket: dict[str, Any]) -> Iterable[Reading]:
    notes = Notes()
    return notes.after(_charge(result, bucket, notes))


def _charge(result: dict[str, Any], bucket: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    cents = money(result.get("amount"), "amount")
    if cents is None:
        yield Problem("no-amount", "the charge has no amount")
        return
    # What is no token names its kind in cost_type alone: without it no web search would meet the log's.
    kind = notes.soft(text, result.get("token_type") or result.get("cost_type"), "token_type")
    currency = text(result.get("currency"), "currency")
    served = tier_and_region(result, notes)
    row = Billed(
        started_at=instant(bucket["starting_at"], "starting_at"),
        ended_at=instant(bucket.get("ending_at"), "ending_at"),
        provider_name="anthropic",
        model=notes.soft(text, result.get("model"), "model"),
        service_tier=served.get("service_tier"),
        region=served.get("region"),
        line_item=notes.soft(text, result.get("description"), "description"),
        token_class=TOKEN_CLASSES.get(kind or ""),
        billed_cost=EXACT.multiply(cents, _CENT),
        billing_currency=currency.upper() if currency else None,
        charge_category="usage",
        project=notes.soft(text, result.get("workspace_id"), "workspace_id"),
        tags=tags_of({key: result.get(key) for key in ("cost_type", "context_window")}),
    )
    yield Row(billed=known_charge(row))


SOURCE: Final = Source(
    title="Anthropic cost report (Admin API)",
    grain="billed",
    forms=("json", "jsonl"),
    sniff=sniff,
    read=read,
    knows=frozenset({
        "started_at", "ended_at", "provider_name", "model", "service_tier", "region", "line_item", "token_class", "billed_cost", "billing_currency",
        "charge_category", "project", "tags",
    }),
    groupings=("line_item", "project"),
    url="https://platform.claude.com/docs/en/api/admin-api/usage-cost/get-cost-report",
    checked="2026-11-24",
)  # fmt: skip
