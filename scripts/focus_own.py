"""Rules of the FOCUS 1.2 model whose requirement the model leaves empty: SQL of our own for what a file can show.

The model has a sentence for each of them and no check (https://github.com/finopsfoundation/focus_validator, model-1.2.json).
What one file cannot show (an invoice, a price list, another month, a name's meaning) is listed with what it would take.
``{Column}`` stands for the column, or for null where the file has none. Rules on what this file has none of (commitments,
resources, taxes) hold because their columns are null, and that is what is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

_PASCAL: Final = "^[A-Z][A-Za-z0-9]*$"
_OWN_PASCAL: Final = "^x_[A-Z][A-Za-z0-9]*$"
_LONGEST_NAME: Final = 50
DEFINED_DETAILS: Final = (
    "CoreCount", "DiskMaxIops", "DiskSpace", "DiskType", "GpuCount", "InstanceSeries", "InstanceType", "MemorySize",
    "NetworkMaxIops", "NetworkMaxThroughput", "OperatingSystem", "Redundancy", "StorageClass",
)  # fmt: skip
"""Properties of SkuPriceDetails that FOCUS 1.2 defines."""

_NO_COMMITMENT: Final = " AND ".join(
    f"{{CommitmentDiscount{part}}} IS NULL" for part in ("Id", "Name", "Quantity", "Status", "Type", "Unit", "Category")
)
_NO_RESOURCE: Final = "{ResourceId} IS NULL AND {ResourceName} IS NULL AND {ResourceType} IS NULL"
_SAME_CURRENCY: Final = "{BillingCurrency} IS DISTINCT FROM {PricingCurrency} OR "
_LIST_TWIN: Final = _SAME_CURRENCY + "{ListUnitPrice} IS NOT DISTINCT FROM {PricingCurrencyListUnitPrice}"
_CONTRACT_TWIN: Final = (
    _SAME_CURRENCY + "{ContractedUnitPrice} IS NOT DISTINCT FROM {PricingCurrencyContractedUnitPrice}"
)
_COST_TWIN: Final = _SAME_CURRENCY + "{EffectiveCost} IS NOT DISTINCT FROM {PricingCurrencyEffectiveCost}"
_LIST_PRODUCT: Final = (
    "{ListUnitPrice} IS NULL OR {PricingQuantity} IS NULL OR "
    "{ListUnitPrice}::DOUBLE * {PricingQuantity}::DOUBLE = {ListCost}::DOUBLE"
)
_CONTRACT_PRODUCT: Final = (
    "{ContractedUnitPrice} IS NULL OR {PricingQuantity} IS NULL OR {ChargeClass} IS NOT DISTINCT FROM 'Correction' OR "
    "{ContractedUnitPrice}::DOUBLE * {PricingQuantity}::DOUBLE = {ContractedCost}::DOUBLE"
)
_NO_TAX: Final = "{ChargeCategory} <> 'Tax'"
_USED: Final = "{ChargeCategory} NOT IN ('Usage', 'Purchase') OR "
_DETAIL_KEYS: Final = (
    "{SkuPriceDetails} IS NULL OR len(list_filter(json_keys({SkuPriceDetails}), lambda k: NOT regexp_matches(k, '"
    + _OWN_PASCAL
    + "') AND k NOT IN ("
    + ", ".join(f"'{name}'" for name in DEFINED_DETAILS)
    + "))) = 0"
)
_DETAIL_TEXTS: Final = (
    "{SkuPriceDetails} IS NULL OR NOT list_has_any(map_values(json_transform({SkuPriceDetails}, '\"MAP(VARCHAR, JSON)\"'))"
    ".list_transform(lambda v: json_type(v)::VARCHAR), ['BIGINT', 'UBIGINT', 'DOUBLE', 'HUGEINT'])"
)
_NO_NULL_TAG: Final = (
    "{Tags} IS NULL OR len(list_filter(map_values(json_transform({Tags}, '\"MAP(VARCHAR, JSON)\"')), "
    "lambda v: v IS NULL OR json_type(v)::VARCHAR = 'NULL')) = 0"
)
_READABLE: Final = "IS NULL OR regexp_matches({0}, '^[A-Z][A-Za-z]*( [A-Z]?[a-z]+)*$')"


def _rows() -> dict[str, str]:
    found = {
        "BillingPeriodStart-C-004-M": "{BillingPeriodStart} <= {ChargePeriodStart}",
        "BillingPeriodEnd-C-004-M": "{ChargePeriodStart} < {BillingPeriodEnd} AND {BillingPeriodStart} < {BillingPeriodEnd}",
        "ChargePeriodStart-C-004-M": "{ChargePeriodStart} < {ChargePeriodEnd}",
        "ChargePeriodEnd-C-004-M": "{ChargePeriodStart} < {ChargePeriodEnd}",
        "PricingQuantity-C-009-C": f"({_LIST_PRODUCT}) AND ({_CONTRACT_PRODUCT})",
        "ContractedCost-C-009-C": _CONTRACT_PRODUCT,
        "ConsumedQuantity-C-008-C": "{ConsumedQuantity} IS NULL OR TRY_CAST({ConsumedQuantity} AS DOUBLE) IS NOT NULL",
        "AvailabilityZone-C-003-C": "{AvailabilityZone} IS NULL",
        "PricingCurrencyContractedUnitPrice-C-004-C": f"{_NO_TAX} OR {{PricingCurrencyContractedUnitPrice}} IS NULL",
        "PricingCurrencyContractedUnitPrice-C-005-C": _USED
        + "{ChargeClass} IS NOT DISTINCT FROM 'Correction' OR {PricingCurrencyContractedUnitPrice} IS NOT NULL",
        "PricingCurrencyContractedUnitPrice-C-008-C": "{PricingCurrencyContractedUnitPrice} IS NULL OR "
        "{PricingCurrencyContractedUnitPrice}::DOUBLE >= 0",
        "PricingCurrencyEffectiveCost-C-005-M": "{ChargeCategory} <> 'Purchase' OR {PricingCurrencyEffectiveCost}::DOUBLE = 0",
        "ChargeClass-C-003-C": "{ChargeClass} IS NULL",
        "SkuPriceDetails-C-007-M": "{SkuPriceDetails} IS NULL OR {SkuPriceId} IS NOT NULL",
        "SkuPriceId-C-012-C": _USED + "{SkuPriceId} IS NULL OR {ServiceName} IS NOT NULL",
        "SkuId-C-011-C": _USED + "{SkuId} IS NULL OR {ServiceName} IS NOT NULL",
        "ResourceType-C-005-C": _NO_RESOURCE,
        "BilledCost-C-007-M": "{InvoiceId} IS NULL",
        "Tags-C-006-M": _NO_NULL_TAG,
        "Tags-C-008-M": _NO_NULL_TAG,
        "SubAccountType-C-006-M": f"{{SubAccountType}} {_READABLE.format('{SubAccountType}')}",
        "BillingAccountType-C-006-M": f"{{BillingAccountType}} {_READABLE.format('{BillingAccountType}')}",
        "SkuPriceDetails-C-018-C": _DETAIL_TEXTS,
        "SkuPriceDetails-C-022-C": _DETAIL_TEXTS,
    }
    same: Mapping[str, tuple[str, ...]] = {
        _LIST_TWIN: ("ListUnitPrice-C-009-M", "PricingCurrencyListUnitPrice-C-009-M"),
        _CONTRACT_TWIN: ("ContractedUnitPrice-C-010-C", "PricingCurrencyContractedUnitPrice-C-009-C"),
        _COST_TWIN: ("EffectiveCost-C-006-M", "PricingCurrencyEffectiveCost-C-006-M"),
        f"({_LIST_TWIN}) AND ({_LIST_PRODUCT})": ("ListCost-C-005-M",),
        f"({_CONTRACT_TWIN}) AND ({_CONTRACT_PRODUCT})": ("ContractedCost-C-005-M",),
        _NO_TAX: ("EffectiveCost-C-009-C", "ContractedCost-C-007-C", "ListCost-C-007-C"),
        _DETAIL_KEYS: (
            "SkuPriceDetails-C-002-O", "SkuPriceDetails-C-017-C", "SkuPriceDetails-C-020-M", "SkuPriceDetails-C-021-M",
        ),
        _NO_COMMITMENT: ("EffectiveCost-C-012-C", "EffectiveCost-C-013-C"),
        _NO_COMMITMENT + " AND {PricingCategory} IS DISTINCT FROM 'Committed'": ("PricingCategory-C-009-C",),
        _NO_RESOURCE: (
            "ResourceId-C-004-C", "ResourceId-C-005-C", "ResourceId-C-007-M", "ResourceId-C-008-O", "ResourceName-C-004-C",
            "ResourceName-C-005-C", "ResourceName-C-006-C",
        ),
    }  # fmt: skip
    found |= {rule: sql for sql, rules in same.items() for rule in rules}
    for cost in ("EffectiveCost-C-010-C", "ContractedCost-C-008-C", "ListCost-C-008-C"):
        column = cost.partition("-")[0]
        found[cost] = f"{{ChargeCategory}} <> 'Credit' OR {{{column}}} IS NOT DISTINCT FROM {{BilledCost}}"
    return found


ROWS: Final = _rows()
"""Rule -> SQL that holds for every row."""
GROUPS: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "BillingAccountId-C-004-M": (("InvoiceIssuerName", "BillingAccountId"), ("BillingAccountName",)),
    "SkuMeter-C-006-O": (("SkuId",), ("SkuMeter",)),
    "SkuPriceId-C-009-M": (("SkuPriceId",), ("SkuId", "PricingUnit", "SkuPriceDetails", "ListUnitPrice")),
    "SkuPriceId-C-010-M": (("SkuPriceId",), ("SkuId", "PricingUnit", "SkuPriceDetails", "ListUnitPrice")),
    "SkuPriceId-C-014-C": (("SkuPriceId",), ("ListUnitPrice",)),
    "SkuPriceDetails-C-013-O": (("SkuPriceId",), ("SkuPriceDetails",)),
    "SkuPriceDetails-C-014-O": (("SkuPriceId",), ("SkuPriceDetails",)),
    "SkuId-C-008-M": (("ProviderName", "x_Model", "x_TokenClass"), ("SkuId",)),
    "SkuId-C-009-M": (("ProviderName", "x_Model", "x_TokenClass"), ("SkuId",)),
    "SkuId-C-010-M": (("ProviderName", "x_Model", "x_TokenClass"), ("SkuId",)),
}
"""Rule -> (of each of these, one of those): what must stay the same does, in the months, accounts and tiers of the file."""
FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    **{f"DateTimeFormat-A-00{n}-M": ("FormatDateTime", r"^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$") for n in (1, 2, 4, 5, 6)},
    **{f"NumericFormat-A-{n:03}-M": ("FormatNumeric", r"^-?\d+(\.\d+)?(E-?\d+)?$") for n in range(2, 12)},
    "CurrencyFormat-A-001-C": ("FormatCurrency", "^[A-Z]{3}$"),
    "CurrencyFormat-A-002-C": ("FormatCurrency", r"\S"),
    "UnitFormat-A-001-M": ("FormatUnit", r"^(\d+ )?[A-Z][A-Za-z]*([ -][A-Z][A-Za-z]*)?$"),
    "UnitFormat-A-003-M": ("FormatUnit", r"^(\d+ )?[A-Z][A-Za-z]*([ -][A-Z][A-Za-z]*)?$"),
    "UnitFormat-A-004-C": ("FormatUnit", r"^(Tokens|Requests|Seconds|Milliseconds|Microseconds|Nanoseconds|Images|Pages|Queries|Units|[A-Z][a-z]+s)$"),
    "StringHandling-A-007-M": ("FormatString", r"\S"),
    "NullHandling-A-001-C": ("FormatString", r"^(?i:n/?a|not applicable|none|null|nan|-|\s*)$"),
    "NullHandling-A-002-M": ("FormatString", r"^(?i:n/?a|not applicable|none|null|nan|-|\s*)$"),
}  # fmt: skip
"""Rule -> (the check that names its columns in the model, the pattern of a value); for null handling, of no value."""
FORBIDDEN: Final = frozenset({"NullHandling-A-001-C", "NullHandling-A-002-M"})
KEY_VALUE: Final = frozenset(f"KeyValueFormat-A-00{n}-M" for n in (1, 2, 3, 4))
READ: Final = frozenset({"StringHandling-A-001-M"})
"""Held by having been read: the engine refuses what is no Unicode."""


def _named(columns: Sequence[str], pattern: str, own: str) -> list[str]:
    return [name for name in columns if not re.match(own if name.startswith("x_") else pattern, name)]


def _foreign(columns: Sequence[str], known: frozenset[str]) -> list[str]:
    return [name for name in columns if not name.startswith("x_") and name not in known]


def _pascal(columns: Sequence[str], _: frozenset[str]) -> list[str]:
    return _named(columns, _PASCAL, _OWN_PASCAL)


def _special(columns: Sequence[str], _: frozenset[str]) -> list[str]:
    return _named(columns, "^[A-Za-z0-9]+$", "^x_[A-Za-z0-9]+$")


def _long(columns: Sequence[str], _: frozenset[str]) -> list[str]:
    return [name for name in columns if len(name) > _LONGEST_NAME]


def _mixed(columns: Sequence[str], _: frozenset[str]) -> list[str]:
    own = [name.startswith("x_") for name in columns]
    return [] if own == sorted(own) else ["own columns stand among those of FOCUS"]


HEADER: Final[Mapping[str, Callable[[Sequence[str], frozenset[str]], list[str]]]] = {
    "ColumnHandling-A-001-M": _pascal,
    "ColumnHandling-A-003-M": _special,
    "ColumnHandling-A-005-O": _long,
    "ColumnHandling-A-006-M": _foreign,
    "ColumnHandling-A-010-M": _foreign,
    "ColumnHandling-A-011-O": _pascal,
    "ColumnHandling-A-012-O": _mixed,
    "ColumnHandling-A-013-O": _mixed,
}
"""Rule -> names of columns (and those that the model knows) -> what is wrong."""
_BEYOND: Final[Mapping[str, tuple[str, ...]]] = {
    "the invoice": (
        "InvoiceId-C-007-C", "BillingCurrency-C-005-M", "PricingUnit-C-009-C", "BilledCost-C-006-M",
    ),
    "the provider's price list or contract": (
        "SkuPriceId-C-013-M", "SkuPriceId-C-015-C", "PricingUnit-C-008-M", "PricingCategory-C-008-C",
        "PricingCategory-C-010-C", "PricingCategory-C-011-C",
    ),
    "files of other months": (
        "StringHandling-A-002-O", "StringHandling-A-004-M", "StringHandling-A-005-M", "StringHandling-A-006-M",
        "NumericFormat-A-001-O", "ChargeClass-C-004-C", "SkuPriceDetails-C-016-O",
    ),
    "the log and the provider's systems behind the file": (
        "StringHandling-A-003-M", "RegionId-C-004-C", "SubAccountId-C-004-C", "SubAccountId-C-005-C", "Tags-C-004-M",
        "Tags-C-005-M", "Tags-C-010-C", "Tags-C-012-M", "Tags-C-015-C", "Tags-C-016-C", "Tags-C-017-M",
    ),
    "a person's judgement of words": (
        "ColumnHandling-A-002-M", "ColumnHandling-A-004-O", "ColumnHandling-A-008-M", "ServiceName-C-006-C",
        "ServiceName-C-009-C", "SkuPriceDetails-C-008-M", "SkuPriceDetails-C-009-C", "SkuPriceDetails-C-010-C",
        "BillingAccountId-C-005-O",
    ),
    "documents beside the file": (
        "NumericFormat-A-012-M", "NumericFormat-A-013-O", "ChargeDescription-C-004-O", "Tags-C-009-M", "Tags-C-013-M",
    ),
}  # fmt: skip
BEYOND: Final = {rule: needs for needs, rules in _BEYOND.items() for rule in rules}
"""Rule -> what it would take that no file of charges holds."""
