"""Charges for models in Azure's cost and usage details (Enterprise Agreement, Microsoft Customer Agreement, pay-as-you-go).

From: Cost Management, Exports or Download usage, as CSV or Parquet (https://learn.microsoft.com/azure/cost-management-billing/
automate/understand-usage-details-fields, 2026-11-24). Billed lines, never usage: a line is one meter, resource and day.
Header sets differ in names, case, order and language (a translated name keeps the English one in brackets). Which model,
kind of token, tier and deployment it was stands in the meter's name; quantities in units of 1K or 1M, mixed inside one
file, are given in tokens. Amounts are in the billing currency. ``region`` is what decides the price: ``global``, the data
zone (``us``, ``eu``), or the resource's own region. Days stand as month/day/year or in ISO form. Lines of other services
are skipped. Left out: requests; reservations' amortised cost, unless the export is the amortised one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from llmcost.money import EXACT
from llmcost.records.azure_meters import Meter, read_meter
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known_charge, tags_of
from llmcost.records.shapes import mapping
from llmcost.records.sse import parse_json
from llmcost.records.values import BadValueError, instant, is_absent, money, text

_DAY: Final = 86_400_000_000
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "date": ("date", "usagedatetime", "usagedate", "serviceperiodstartdate"),
    "category": ("metercategory",),
    "family": ("metersubcategory", "productname", "product"),
    "meter": ("metername",),
    "quantity": ("quantity", "usagequantity", "consumedquantity"),
    "unit": ("unitofmeasure",),
    "cost": ("costinbillingcurrency", "pretaxcost", "cost", "extendedcost"),
    "currency": ("billingcurrency", "billingcurrencycode", "currency", "currencycode"),
    "place": ("resourcelocation", "location", "meterregion"),
    "account": ("billingaccountid", "billingaccountname", "enrollmentnumber"),
    "subscription": ("subscriptionid", "subscriptionguid", "subscriptionname"),
    "resource": ("resourceid", "instanceid", "instancename"),
    "group": ("resourcegroup", "resourcegroupname"),
    "kind": ("chargetype",),
    "tags": ("tags",),
}
_NEEDED: Final = ("date", "category", "meter", "quantity", "unit", "cost")
_OWN: Final = re.compile(r"azure openai|foundry models|openai service|ai foundry models")
_SHARED: Final = re.compile(
    r"^(?:cognitive services|ai services|foundry tools|azure ai services|saas|azure machine learning)$"
)
_MODELS: Final = re.compile(r"openai|deepseek|llama|mistral|grok|claude|cohere|phi-?\d|\bmai\b|kimi|gpt|qwen|jamba")
_UNIT: Final = re.compile(r"^(?P<number>[\d,.]+)\s*(?P<size>[km]|million|thousand)?\b", re.IGNORECASE)
_SIZES: Final = {"": 1, "k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}
_METER_REGIONS: Final = {
    "useast": "eastus", "useast2": "eastus2", "uswest": "westus", "uswest2": "westus2", "uswest3": "westus3", "uscentral": "centralus",
    "usnorthcentral": "northcentralus", "ussouthcentral": "southcentralus", "euwest": "westeurope", "eunorth": "northeurope", "secentral": "swedencentral",
    "dewestcentral": "germanywestcentral", "frcentral": "francecentral", "chnorth": "switzerlandnorth", "jaeast": "japaneast", "aueast": "australiaeast",
    "caeast": "canadaeast", "brsouth": "brazilsouth", "krcentral": "koreacentral", "noeast": "norwayeast",
}  # fmt: skip
"""Regions as meters name them, and as resources do (https://learn.microsoft.com/azure/reliability/regions-list, recalled 2026-11)."""
_CATEGORIES: Final = {
    "usage": "usage", "purchase": "purchase", "tax": "tax", "refund": "adjustment", "roundingadjustment": "adjustment", "unusedreservation": "usage",
    "unusedsavingsplan": "usage", "credit": "credit",
}  # fmt: skip


@lru_cache(maxsize=4096)
def _short(column: str) -> str:
    """A column's English name in lower case without blanks; a translated one keeps it in brackets."""
    inside = re.search(r"\(([A-Za-z0-9 ]+)\)\s*$", column)
    return re.sub(r"[^a-z0-9]", "", (inside[1] if inside else column).lower())


def _columns(names: Any) -> dict[str, str]:
    """For each field the first column of the header that has it."""
    there = {_short(str(name)): str(name) for name in reversed(list(names))}
    return {
        field: next(there[n] for n in options if n in there)
        for field, options in _NAMES.items()
        if there.keys() & set(options)
    }


def sniff(sample: Sample) -> bool:
    """Claims a table with the columns of any of the header sets."""
    return _columns(sample.header).keys() >= set(_NEEDED)


def read(record: Record, _context: Context) -> Iterator[Reading]:
    """The billed line of one row, or a skip."""
    if not isinstance(record.value, dict):
        return iter([Problem("no-row", "the record is no row of the export")])
    columns = _columns(record.value)
    if not columns.keys() >= set(_NEEDED):
        return iter([Problem("no-row", "the record has not the columns of the export")])
    notes = Notes()
    return notes.after(_charge({field: record.value[column] for field, column in columns.items()}, notes))


def _charge(line: Mapping[str, Any], notes: Notes) -> Iterator[Reading]:
    category, family, name = (_text(line, field) for field in ("category", "family", "meter"))
    if not _is_model(category.lower(), f"{family} {name}".lower()):
        yield Skip("a charge of another service")
        return
    meter = read_meter(name, f"{category} {family}")
    start = _day(line["date"])
    quantity, unit = _quantity(money(line["quantity"], "quantity"), _text(line, "unit"), meter)
    kind = re.sub(r"[^a-z]", "", _text(line, "kind").lower()) or "usage"
    tags = {**_tags(line.get("tags"), notes), "resource_group": line.get("group"), "deployment_type": meter.deployment}
    yield Row(billed=known_charge({
        "started_at": start,
        "ended_at": None if start is None else start + _DAY,
        "provider_name": "azure",
        "model": meter.model,
        "service_tier": meter.service_tier,
        "region": _region(meter.deployment, notes.soft(text, line.get("place"), "location")),
        "line_item": name or None,
        "token_class": meter.token_class,
        "quantity": quantity,
        "quantity_unit": unit,
        "billed_cost": money(line["cost"], "cost"),
        "billing_currency": text(line.get("currency"), "currency"),
        "charge_category": _CATEGORIES.get(kind),
        "organization": _ending(notes.soft(text, line.get("account"), "billing account")),
        "project": notes.soft(text, line.get("subscription"), "subscription"),
        "tags": tags_of({**tags, "resource": _last(line.get("resource"))}),
    }))  # fmt: skip


def _text(line: Mapping[str, Any], field: str) -> str:
    return text(line.get(field), field, 4096) or ""


def _is_model(category: str, meter: str) -> bool:
    return _OWN.search(category) is not None or (
        _SHARED.match(category) is not None and _MODELS.search(meter) is not None
    )


def _day(value: Any) -> int | None:
    """The start of a day, as ISO, ``20261101`` or month/day/year; day/month/year is refused where it shows."""
    said = str(value).strip()
    if match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:\s.*)?", said):
        if int(match[1]) > 12:
            raise BadValueError("not-an-instant", "date is day/month/year: export it in English")
        said = f"{match[3]}-{int(match[1]):02}-{int(match[2]):02}"
    elif re.fullmatch(r"\d{8}", said):
        said = f"{said[:4]}-{said[4:6]}-{said[6:]}"
    at = None if is_absent(said) else instant(said, "date")
    return None if at is None else at - at % _DAY


def _quantity(amount: Decimal | None, unit: str, meter: Meter) -> tuple[Decimal | None, str | None]:
    """The quantity in tokens, where the meter counts them; else as it stands."""
    match = _UNIT.match(unit)
    if amount is None or meter.token_class in {None, "hosting"} or match is None or "hour" in unit.lower():
        return amount, unit or None
    factor = Decimal(match["number"].replace(",", "")) * _SIZES[(match["size"] or "").lower()]
    return EXACT.multiply(amount, factor), "tokens"


def _region(deployment: str | None, place: str | None) -> str | None:
    """What decides the price: everywhere, the data zone, or the resource's own region."""
    if deployment == "global":
        return "global"
    spot = None if place is None else re.sub(r"[\s-]", "", place.lower())
    spot = _METER_REGIONS.get(spot or "", spot)
    if deployment == "data-zone" and spot is not None:
        return "us" if re.search(r"us\d?$|^us", spot) else "eu"
    return spot


def _tags(raw: Any, notes: Notes) -> dict[str, Any]:
    """The tags; exports leave the braces of the JSON object out."""
    said = notes.soft(text, raw, "tags")
    if said is None:
        return {}
    try:
        return mapping(parse_json(said if said.startswith("{") else f"{{{said}}}"))
    except ValueError:
        return {}


def _ending(account: str | None) -> str | None:
    """An account's id: in customer agreements it is the end of a path."""
    return account.rstrip("/").rpartition("/")[2] or None if account is not None and account[:1] == "/" else account


def _last(resource: Any) -> str | None:
    return str(resource).rstrip("/").rpartition("/")[2].lower() or None if isinstance(resource, str) else None


SOURCE: Final = Source(
    title="Azure cost export (models)",
    grain="billed",
    forms=("csv", "parquet"),
    sniff=sniff,
    read=read,
    knows=frozenset({
        "started_at", "ended_at", "provider_name", "model", "service_tier", "region", "line_item", "token_class", "quantity", "quantity_unit",
        "billed_cost", "billing_currency", "charge_category", "organization", "project", "tags",
    }),
    url="https://learn.microsoft.com/azure/cost-management-billing/automate/understand-usage-details-fields",
    checked="2026-11-24",
)  # fmt: skip
