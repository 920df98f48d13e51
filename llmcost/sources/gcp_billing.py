"""Charges for generative models in Google Cloud's billing export to BigQuery, standard and detailed.

From: the tables ``gcp_billing_export_v1_*`` and ``gcp_billing_export_resource_v1_*``
(https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage, 2026-11-24), exported as JSONL,
JSON, Parquet, or as CSV with dotted names. Billed lines, never usage: a line is one SKU, project and hour, and one more
line for each credit inside it (negative), so that the sum is what is due. Corrections come days later as further rows of
the same hour that add to the earlier ones; they are told apart by ``export_time``, which is part of ``charge_id`` with the amounts. Token
SKUs count tokens as ``count``. Amounts are in the export's currency; where that is not dollars, the tag
``usd_rate`` says how many units were a dollar; the tag ``resource_id`` is the detailed table's resource. Rows of other services, and of Vertex AI's machines, are skipped. Left
out: tokens and requests of single calls; list prices (``cost_at_list``) and tags of resources.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from llmcost.money import plain
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.gcp_skus import Sku, is_model_sku, read_sku
from llmcost.records.labels import Notes
from llmcost.records.rows import known_charge, tags_of
from llmcost.records.shapes import mapping, objects
from llmcost.records.sse import parse_json
from llmcost.records.values import BadValueError, instant, money, text
from llmcost.usage.columns import Billed

_VERTEX: Final = "C7E2-9256-1C43"
_GEMINI_API: Final = "AEFD-7695-64FA"
_COLUMNS: Final = frozenset({"billing_account_id", "usage_start_time", "usage_end_time", "cost", "currency"})
_CATEGORIES: Final = {"regular": "usage", "tax": "tax", "adjustment": "adjustment", "rounding_error": "adjustment"}


def _unfolded(line: dict[str, Any]) -> dict[str, Any]:
    """A flat row (``service.id``) as the nested one; JSON text in a cell as its value."""
    if not any("." in key for key in line):
        return line
    nested: dict[str, Any] = {}
    for key, value in line.items():
        head, dot, rest = key.partition(".")
        if dot and isinstance(nested.setdefault(head, {}), dict):
            nested[head][rest] = value
        elif not dot:
            nested[head] = _json(value)
    return nested


def _json(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            return parse_json(value)
        except ValueError:
            return value
    return value


def _is_row(line: Any) -> bool:
    return isinstance(line, dict) and line.keys() >= _COLUMNS and any(k in line for k in ("sku", "sku.description"))


def sniff(sample: Sample) -> bool:
    """Claims records, or a table, with the export's columns."""
    if sample.form in {"csv", "parquet"}:
        header = set(sample.header)
        return header >= _COLUMNS and bool(header & {"sku", "sku.description"})
    return any(_is_row(line) for record in sample.records for line in _lines(record))


def _lines(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def read(record: Record, _context: Context) -> Iterator[Reading]:
    """The billed lines of one row, or of each row of a JSON array."""
    found = False
    for line in _lines(record.value):
        if _is_row(line):
            found = True
            notes = Notes()
            yield from notes.after(_charges(_unfolded(line), notes))
    if not found:
        yield Problem("no-row", "the record has not the columns of the export")


def _charges(line: dict[str, Any], notes: Notes) -> Iterator[Reading]:
    service, sku = mapping(line.get("service")), mapping(line.get("sku"))
    named = text(sku.get("description"), "sku.description") or ""
    called = text(service.get("description"), "service.description") or ""
    of_gemini_api = service.get("id") == _GEMINI_API or called == "Gemini API"
    if not of_gemini_api and not is_model_sku(f"{called} {named}"):
        yield Skip("a charge for something else than generative models")
        return
    described = read_sku(f"{called} {named}" if "claude" in called.lower() else named)
    row = _shared(line, described, notes)
    row["provider_name"] = "google" if of_gemini_api else "vertex_ai"
    row["line_item"] = named or called
    reductions = [_credit(row, c) for c in objects(line.get("credits"))]
    main = Billed(**row)
    main["billed_cost"] = money(line.get("cost"), "cost")
    main["charge_category"] = _category(line, named)
    main["token_class"] = described.token_class
    main["quantity"], main["quantity_unit"] = _quantity(mapping(line.get("usage")), described)
    for billed in (main, *reductions):
        yield Row(billed=known_charge(billed))


def _shared(line: dict[str, Any], sku: Sku, notes: Notes) -> Billed:
    project, place = mapping(line.get("project")), mapping(line.get("location"))
    where = notes.soft(text, place.get("region") or place.get("location"), "location")
    currency = text(line.get("currency"), "currency")
    labels = {**_pairs(project.get("labels")), **_pairs(line.get("labels"))}
    named = mapping(line.get("resource"))
    if resource := notes.soft(text, named.get("global_name") or named.get("name"), "resource"):
        labels["resource_id"] = resource
    rate = notes.soft(money, line.get("currency_conversion_rate"), "currency_conversion_rate")
    if currency not in {None, "USD"} and rate:
        labels["usd_rate"] = plain(rate)
    return Billed(
        charge_id=_identity(line, notes),
        started_at=instant(line.get("usage_start_time"), "usage_start_time"),
        ended_at=instant(line.get("usage_end_time"), "usage_end_time"),
        model=sku.model,
        service_tier=sku.service_tier,
        region=sku.region or where,
        billing_currency=currency,
        organization=notes.soft(text, line.get("billing_account_id"), "billing_account_id"),
        project=notes.soft(text, project.get("id"), "project.id"),
        tags=tags_of(labels),
    )


def _identity(line: dict[str, Any], notes: Notes) -> str | None:
    """SKU, resource, time of the export and amounts: a row is never changed, so another amount is another charge.

    Tables come in many files, and two rows that differ in nothing else that is read here may lie in two of them.
    """
    at = notes.soft(instant, line.get("export_time"), "export_time")
    if at is None:
        return None
    amounts = (_double(line.get("cost")), _double(mapping(line.get("usage")).get("amount")))
    parts = (mapping(line.get("sku")).get("id"), mapping(line.get("resource")).get("global_name"), at, *amounts)
    return "/".join(str(p) for p in parts if isinstance(p, str | int) and p != "")[:1024]


def _double(value: Any) -> str | None:
    """The table's own double, whatever digits a form of export writes of it."""
    try:
        amount = money(value, "amount")
    except BadValueError:
        return None
    return None if amount is None else repr(float(amount))


def _pairs(labels: Any) -> dict[str, Any]:
    return {str(pair["key"]): pair.get("value") for pair in objects(labels) if pair.get("key")}


def _credit(row: Billed, credit: dict[str, Any]) -> Billed:
    named = text(credit.get("full_name") or credit.get("name") or credit.get("type"), "credit name")
    found = Billed(**row)
    found["billed_cost"], found["charge_category"] = money(credit.get("amount"), "credit amount"), "credit"
    found["line_item"] = f"{row.get('line_item')}: {named}"[:1024] if named else row.get("line_item")
    return found


def _category(line: dict[str, Any], described: str) -> str | None:
    kind = text(line.get("cost_type"), "cost_type")
    if kind in {None, "regular"} and "provisioned throughput" in described.lower():
        return "purchase"
    return _CATEGORIES.get(kind or "regular")


def _quantity(usage: dict[str, Any], sku: Sku) -> tuple[Decimal | None, str | None]:
    amount, unit = money(usage.get("amount"), "usage.amount"), text(usage.get("unit"), "usage.unit")
    counts_tokens = sku.token_class not in {None, "cache_storage", "web_search", "training"}
    return amount, "tokens" if unit in {"count", "requests"} and counts_tokens else unit


SOURCE: Final = Source(
    title="Google Cloud billing export (BigQuery)",
    grain="billed",
    forms=("jsonl", "json", "parquet", "csv"),
    sniff=sniff,
    read=read,
    knows=frozenset({
        "charge_id", "started_at", "ended_at", "provider_name", "model", "service_tier", "region", "line_item", "token_class", "quantity", "quantity_unit",
        "billed_cost", "billing_currency", "charge_category", "organization", "project", "tags",
    }),
    url="https://cloud.google.com/billing/docs/how-to/export-data-bigquery-tables/standard-usage",
    checked="2026-11-24",
)  # fmt: skip
