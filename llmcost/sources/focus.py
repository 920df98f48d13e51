"""Charges for generative models in FOCUS cost and usage data, versions 1.0 to 1.4.

From: any provider's or FinOps tool's export under the FinOps Foundation's columns
(https://focus.finops.org/focus-specification, 2026-11-24), as CSV, Parquet or JSONL. Billed lines, never usage: a line is one
charge, and ``billed_cost`` its BilledCost in its BillingCurrency. A row counts when its subcategory is "Generative AI",
or when no subcategory is given and its category is AI (or unknown) and its service sells models or it is billed by
tokens; all others are skipped, machines of a machine-learning service too. Seen in real files: NULL as text, all cells
quoted, columns outside the specification (``Id``), times without a zone (they are UTC, as the specification asks), names of
columns in another case. The end of a charge period is exclusive. Corrections (ChargeClass) add to earlier lines. Model and
kind of token are only known where SkuPriceDetails or an ``x_`` column names them. Accounts go by their ids, which the cloud's
own export gives too; their names are tags. Left out: list, contracted and effective
cost, and what a virtual currency was priced at (its name is the tag ``pricing_currency``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmcost.records.canonical import tags as tags_map
from llmcost.records.contract import Context, Problem, Reading, Record, Row, Sample, Skip, Source
from llmcost.records.labels import Notes
from llmcost.records.rows import known_charge
from llmcost.records.shapes import word
from llmcost.records.sse import parse_json
from llmcost.records.values import as_json, instant, is_absent, money, text
from llmcost.usage import names
from llmcost.usage.columns import Billed

_COLUMNS: Final = frozenset({
    "billedcost", "billingcurrency", "chargecategory", "chargeperiodstart", "chargeperiodend", "effectivecost", "servicename",
})  # fmt: skip
_MODELS: Final = re.compile(
    r"\b(openai|foundry models|cognitive services|azure ai services|bedrock|vertex ai|gemini|anthropic|claude|mistral|cohere|"
    r"deepseek|groq|cerebras|openrouter|together ai|fireworks|perplexity|xai|generative ai)\b",
    re.IGNORECASE,
)
_TOKENS: Final = re.compile(r"\btokens?\b", re.IGNORECASE)
_CATEGORIES: Final = frozenset({"usage", "purchase", "tax", "credit", "adjustment"})
_SELLERS: Final = {
    "microsoft": "azure", "microsoft corporation": "azure", "microsoft azure": "azure", "amazon web services": "bedrock",
    "amazon web services, inc.": "bedrock", "google cloud": "vertex_ai", "google cloud platform": "vertex_ai", "google": "vertex_ai",
}  # fmt: skip
"""Clouds by the name under which they bill -> the provider whose models they sell."""
_MODEL: Final = ("modelid", "x_modelid", "x_model", "model", "x_modelname")
_CACHE_ACTIONS: Final = {"read": "cache_read", "write": "cache_write"}


def sniff(sample: Sample) -> bool:
    """Claims a table, or records, with the mandatory columns, in any case."""
    if sample.form in {"csv", "parquet"}:
        return {name.casefold() for name in sample.header} >= _COLUMNS
    return any({name.casefold() for name in line} >= _COLUMNS for line in sample.objects())


def read(record: Record, _context: Context) -> Iterator[Reading]:
    """The billed line of one charge."""
    if not isinstance(record.value, dict):
        yield Problem("no-row", "not an object")
        return
    row = {name.casefold(): None if is_absent(value) else value for name, value in record.value.items()}
    if (why := _foreign(row)) is not None:
        yield Skip(why)
        return
    notes = Notes()
    yield from notes.after(_charge(row, notes))


def _foreign(row: Mapping[str, Any]) -> str | None:
    """Why a charge is not one for generative models; None if it is."""
    category, sub = word(row.get("servicecategory")).strip(), word(row.get("servicesubcategory")).strip()
    if sub:
        return None if sub.casefold() == "generative ai" else "a charge of another service subcategory"
    is_ai = category.casefold() == "ai and machine learning"
    if category and not is_ai:
        return "a charge of another service category"
    named = " ".join(
        word(row.get(key)) for key in ("servicename", "providername", "serviceprovidername", "publishername")
    )
    units = " ".join(word(row.get(key)) for key in ("consumedunit", "pricingunit"))
    if _MODELS.search(named) or (is_ai and _TOKENS.search(units)):
        return None
    return "a charge of a service that sells no models"


def _charge(row: Mapping[str, Any], notes: Notes) -> Iterator[Reading]:
    cost = money(row.get("billedcost"), "BilledCost")
    if cost is None:
        yield Problem("no-amount", "the charge has no BilledCost")
        return
    details = _details(row.get("skupricedetails"), notes)
    quantity, unit = _quantity(row)
    category = word(row.get("chargecategory")).strip().casefold()
    billed = Billed(
        started_at=instant(row.get("chargeperiodstart"), "ChargePeriodStart"),
        ended_at=instant(row.get("chargeperiodend"), "ChargePeriodEnd"),
        provider_name=_provider(row, notes),
        model=next((m for key in _MODEL if (m := notes.soft(text, details.get(key) or row.get(key), key))), None),
        region=notes.soft(text, row.get("regionid"), "RegionId"),
        line_item=next(
            (t for key in ("chargedescription", "skumeter", "skuid") if (t := notes.soft(text, row.get(key), key))),
            None,
        ),
        token_class=_token_class(details),
        quantity=notes.soft(money, quantity, "quantity"),
        quantity_unit=notes.soft(text, unit, "unit"),
        billed_cost=cost,
        billing_currency=text(row.get("billingcurrency"), "BillingCurrency"),
        charge_category=category if category in _CATEGORIES else None,
        organization=_owner(row, "billingaccount", notes),
        project=_owner(row, "subaccount", notes),
        tags=_tags(row, notes),
    )
    yield Row(billed=known_charge(billed))


def _first(row: Mapping[str, Any], keys: tuple[str, ...], notes: Notes) -> str | None:
    return next((found for key in keys if (found := notes.soft(text, row.get(key), key)) is not None), None)


def _owner(row: Mapping[str, Any], kind: str, notes: Notes) -> str | None:
    """An account by its id, as the cloud's own export of the same bill has it; Azure writes a path that ends in it."""
    found = _first(row, (f"{kind}id", f"{kind}name"), notes)
    return found.rstrip("/").rpartition("/")[2] or None if found is not None and found.startswith("/") else found


def _provider(row: Mapping[str, Any], notes: Notes) -> str | None:
    """Who billed; a cloud under the name of the service that sells models."""
    seller = _first(row, ("serviceprovidername", "providername", "publishername", "invoiceissuername"), notes)
    if seller is None:
        return None
    if "gemini api" in word(row.get("servicename")).casefold():
        return "google"
    return _SELLERS.get(seller.casefold()) or names.provider(seller)


def _quantity(row: Mapping[str, Any]) -> tuple[Any, Any]:
    """What was consumed and, where that is not told, what was priced."""
    kind = "consumed" if row.get("consumedquantity") is not None else "pricing"
    return row.get(f"{kind}quantity"), row.get(f"{kind}unit")


def _details(value: Any, notes: Notes) -> dict[str, Any]:
    """SkuPriceDetails under lower-case names: an object, its JSON text, or the pairs of a Parquet map."""
    loaded = value
    if isinstance(value, str):
        try:
            loaded = parse_json(value)
        except ValueError:
            notes.append(Problem("not-json", "SkuPriceDetails is text that is not JSON", rejected=False))
            return {}
    if isinstance(loaded, list):
        loaded = dict(pair for pair in loaded if isinstance(pair, tuple) and len(pair) == 2)
    return {str(name).casefold(): inner for name, inner in loaded.items()} if isinstance(loaded, dict) else {}


def _token_class(details: Mapping[str, Any]) -> str | None:
    """``input``, ``output``, ``cache_read`` or ``cache_write``, as the draft of 1.5 names them (FOCUS_Spec#2606, 2026-11-23)."""
    direction, cache = (
        word(details.get(key) or details.get(f"x_{key}")).strip().casefold()
        for key in ("tokendirection", "tokencacheaction")
    )
    return _CACHE_ACTIONS.get(cache) or (direction if direction in {"input", "output"} else None)


def _tags(row: Mapping[str, Any], notes: Notes) -> str | None:
    """The charge's own tags, with the service and what is unusual about the charge."""
    own = notes.soft(tags_map, row.get("tags"), "Tags")
    labels: dict[str, Any] = parse_json(own) if own else {}
    for tag, key in (
        ("service", "servicename"),
        ("charge_class", "chargeclass"),
        ("resource", "resourcename"),
        ("billing_account", "billingaccountname"),
        ("sub_account", "subaccountname"),
    ):
        if (value := notes.soft(text, row.get(key), key)) is not None:
            labels.setdefault(tag, value)
    priced = notes.soft(text, row.get("pricingcurrency"), "PricingCurrency")
    if priced is not None and priced != row.get("billingcurrency"):
        labels.setdefault("pricing_currency", priced)
    return as_json(labels) if labels else None


SOURCE: Final = Source(
    title="FOCUS cost and usage data",
    grain="billed",
    forms=("csv", "parquet", "jsonl", "json"),
    sniff=sniff,
    read=read,
    knows=frozenset({
        "started_at", "ended_at", "provider_name", "model", "region", "line_item", "token_class", "quantity", "quantity_unit", "billed_cost",
        "billing_currency", "charge_category", "organization", "project", "tags",
    }),
    url="https://focus.finops.org/focus-specification",
    checked="2026-11-24",
)  # fmt: skip
