"""Charges of Amazon Bedrock in AWS Cost and Usage Reports (legacy CUR and CUR 2.0).

From: AWS Billing, Data Exports, as CSV (``lineItem/UsageType`` or ``line_item_usage_type``) or Parquet
(https://docs.aws.amazon.com/bedrock/latest/userguide/cost-mgmt-understanding-cur-data.html, 2026-11-24). Billed lines, never usage:
a line is one usage type, account and hour or day; ``line_item`` is the usage type. Amounts are unblended cost, or net of
discounts where the report has that column. Token quantities come in thousands, millions or "Units": they are given in
tokens where the unit or the description says how many. A ``LineItemId`` differs from one delivery to the next
(https://docs.aws.amazon.com/cur/latest/userguide/identity-columns.html), so it is no identity: a later delivery of an open
month replaces the same line (of one type, operation and rate, in ``charge_id``) of the earlier one. Lines of other services are skipped. Left out: requests, and which of the
models behind one product was called; amortised commitments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from llmcost.records.aws_usage_types import is_bedrock, read_usage_type, tokens_of
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known_charge, tags_of
from llmcost.records.values import instant, money, text

_NEEDED: Final = frozenset(
    {"line_item_usage_type", "line_item_unblended_cost", "line_item_product_code", "line_item_usage_start_date"}
)
_CATEGORIES: Final = {
    "Usage": "usage", "DiscountedUsage": "usage", "SavingsPlanCoveredUsage": "usage", "Tax": "tax", "Refund": "adjustment", "Credit": "credit",
    "EdpDiscount": "credit", "PrivateRateDiscount": "credit", "BundledDiscount": "credit", "SppDiscount": "credit",
    "SavingsPlanNegation": "credit", "Fee": "purchase", "RIFee": "purchase", "SavingsPlanUpfrontFee": "purchase",
    "SavingsPlanRecurringFee": "purchase",
}  # fmt: skip
"""https://docs.aws.amazon.com/cur/latest/userguide/Lineitem-columns.html (2026-11-24)."""
_APART: Final = ("line_item_line_item_type", "line_item_operation", "pricing_rate_id")
"""What tells two lines of one usage type, account and hour apart, and is the same in every delivery.

A report comes in many files; lines that differ in nothing else may lie in two of them, and are two charges.
"""


@lru_cache(maxsize=4096)
def _named(column: str) -> str:
    """A column's name as CUR 2.0 writes it: ``lineItem/UsageType`` is line_item_usage_type."""
    if "/" not in column or column.startswith("resourceTags/"):
        return column
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.replace("/", "_")).lower()


def sniff(sample: Sample) -> bool:
    """Claims a table with the line item columns of either report."""
    return {_named(name) for name in sample.header} >= _NEEDED


def read(record: Record, _context: Context) -> Iterator[Reading]:
    """The billed line of one row, or a skip."""
    if not isinstance(record.value, dict):
        return iter([Problem("no-row", "the record is no row of the report")])
    notes = Notes()
    return notes.after(_charge({_named(k): v for k, v in record.value.items()}, notes))


def _charge(line: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    code, usage_type = _text(line, "line_item_product_code"), _text(line, "line_item_usage_type")
    product = line.get("product")
    inside = product if isinstance(product, dict) else {}
    name = _text(line, "product_product_name") or _text(inside, "product_name") or _text(line, "product_servicename")
    if not is_bedrock(code, name, usage_type):
        yield Skip("a charge of another service")
        return
    said, described = read_usage_type(usage_type, name), _text(line, "line_item_line_item_description")
    kind = _text(line, "line_item_line_item_type")
    quantity, unit = money(line.get("line_item_usage_amount"), "usage amount"), _text(line, "pricing_unit") or None
    if said.token_class is not None:
        quantity, unit = tokens_of(quantity, unit, described)
    region = _text(line, "product_region_code") or _text(line, "product_region") or _text(inside, "region_code")
    told_apart = [_text(line, column) for column in _APART]
    yield Row(billed=known_charge({
        "charge_id": "/".join(word for word in told_apart if word) or None,
        "started_at": instant(line.get("line_item_usage_start_date"), "usage start"),
        "ended_at": instant(line.get("line_item_usage_end_date"), "usage end"),
        "provider_name": "bedrock",
        "model": said.model,
        "service_tier": said.service_tier,
        "region": "global" if said.region == "global" else region or said.region,
        "line_item": usage_type or described or None,
        "token_class": said.token_class,
        "quantity": quantity,
        "quantity_unit": unit,
        "billed_cost": _cost(line),
        "billing_currency": text(line.get("line_item_currency_code"), "currency"),
        "charge_category": "purchase" if said.prepaid and kind == "Usage" else _CATEGORIES.get(kind),
        "organization": notes.soft(text, line.get("bill_payer_account_id"), "payer account"),
        "project": notes.soft(text, line.get("line_item_usage_account_id"), "usage account"),
        "user_id": notes.soft(text, line.get("line_item_iam_principal"), "iam principal"),
        "tags": tags_of(_tags(line)),
    }))  # fmt: skip


def _text(line: Mapping[str, Any], column: str) -> str:
    return text(line.get(column), column, 4096) or ""


def _cost(line: Mapping[str, Any]) -> Any:
    net = money(line.get("line_item_net_unblended_cost"), "net unblended cost")
    return net if net is not None else money(line.get("line_item_unblended_cost"), "unblended cost")


def _tags(line: Mapping[str, Any]) -> dict[str, Any]:
    """The user's cost allocation tags, and the profile or model that was called."""
    tags: dict[str, Any] = {}
    for column, value in line.items():
        if column in {"resource_tags", "tags"} and isinstance(value, dict):
            tags.update({str(k).removeprefix("user_").removeprefix("user:"): v for k, v in value.items()})
        elif match := re.match(r"resourceTags/(?:user:)?(?P<name>.+)|resource_tags_user_(?P<flat>.+)", column):
            tags[match["name"] or match["flat"]] = value
    return {**tags, "resource_id": line.get("line_item_resource_id")}


SOURCE: Final = Source(
    title="AWS Cost and Usage Report (Bedrock lines)",
    grain="billed",
    forms=("csv", "parquet"),
    sniff=sniff,
    read=read,
    knows=frozenset({
        "charge_id", "started_at", "ended_at", "provider_name", "model", "service_tier", "region", "line_item", "token_class", "quantity", "quantity_unit",
        "billed_cost", "billing_currency", "charge_category", "organization", "project", "user_id", "tags",
    }),
    url="https://docs.aws.amazon.com/bedrock/latest/userguide/cost-mgmt-understanding-cur-data.html",
    checked="2026-11-24",
)  # fmt: skip
